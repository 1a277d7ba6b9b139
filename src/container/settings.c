/* SPDX-License-Identifier: Apache-2.0 */
#include "container/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/log.h"
#include "container/state/record.h"
#include "oci-spec/tables.h"

/* The file's fields. */
struct settings_file {
	uint32_t version;
	struct oci_resources *resources;
	char *l3_cache_schema, *mem_bw_schema;
};

#define FIELD(json, member, kind_, need_, object_)                                        \
	{                                                                                 \
		.name = json, .name_length = sizeof(json) - 1, .kind = OCI_KIND_##kind_,  \
		.need = OCI_##need_, .size = sizeof(((struct settings_file *)0)->member), \
		.offset = offsetof(struct settings_file, member), .object = object_,      \
	}
static const struct oci_field settings_fields[] = {
	FIELD("version", version, U32, REQUIRED, NULL),
	FIELD("resources", resources, OBJECT, OPTIONAL, &oci_resources_object),
	FIELD("l3CacheSchema", l3_cache_schema, STRING, OPTIONAL, NULL),
	FIELD("memBwSchema", mem_bw_schema, STRING, OPTIONAL, NULL),
};
static const struct oci_object settings_object = {
	.fields = settings_fields,
	.count = array_size(settings_fields),
	.size = sizeof(struct settings_file),
};

void settings_clear(struct settings *settings)
{
	oci_document_free(settings->document);
	bundle_clear(&settings->config);
	*settings = SETTINGS_INIT;
}

static void settings_problem(void *data, const struct oci_problem *problem)
{
	const struct store_entry *entry = data;

	log_warning("%s of container %s:%u:%u: %s: %s", STORE_RESOURCES, entry->id, problem->line,
		    problem->column, problem->path, problem->message);
}

/* 0 also when there is no such file, or none that can be used. */
static int settings_load_updated(const struct store_entry *entry, struct settings *settings,
				 struct error *err)
{
	struct oci_report report = {.problem = settings_problem, .data = (void *)(uintptr_t)entry};
	auto_free char *text = NULL;
	const struct settings_file *file;
	size_t length;
	int r;

	r = io_read_file(entry->fd, STORE_RESOURCES, O_NOFOLLOW, OCI_SIZE_MAX, &text, &length);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = oci_object_decode(&settings_object, text, length, &report, &settings->document);
	/* What is lacking for the moment makes a file no worse. */
	if (r == -ENOMEM || r == -ENFILE || r == -EMFILE)
		return error_errno(err, -r, "read %s of container %s", STORE_RESOURCES, entry->id);
	file = r == 0 ? oci_document_object(settings->document, &settings_object) : NULL;
	if (!file || file->version != RECORD_VERSION) {
		log_warning("%s of container %s cannot be used; its limits are taken for those of "
			    "its configuration",
			    STORE_RESOURCES, entry->id);
		return 0;
	}
	settings->resources = file->resources;
	settings->l3_cache_schema = file->l3_cache_schema;
	settings->mem_bw_schema = file->mem_bw_schema;
	return 0;
}

int settings_load(const struct store_entry *entry, struct settings *ret_settings, struct error *err)
{
	auto_settings struct settings settings = SETTINGS_INIT;
	const struct oci_linux *linux_config;
	int r = bundle_load_snapshot(entry, &settings.config, err);

	if (r < 0)
		return r;
	linux_config = settings.config.config->linux;
	settings.resources = linux_config ? linux_config->resources : NULL;
	if (linux_config && linux_config->intel_rdt) {
		settings.l3_cache_schema = linux_config->intel_rdt->l3_cache_schema;
		settings.mem_bw_schema = linux_config->intel_rdt->mem_bw_schema;
	}
	r = settings_load_updated(entry, &settings, err);
	if (r < 0)
		return r;
	*ret_settings = settings;
	settings = SETTINGS_INIT;
	return 0;
}

int settings_save(const struct store_entry *entry, const struct settings *settings,
		  struct error *err)
{
	struct settings_file file = {
		.version = RECORD_VERSION,
		.resources = (struct oci_resources *)(uintptr_t)settings->resources,
		.l3_cache_schema = (char *)(uintptr_t)settings->l3_cache_schema,
		.mem_bw_schema = (char *)(uintptr_t)settings->mem_bw_schema,
	};
	auto_free char *text = NULL;
	size_t length;
	int r = oci_object_encode(&settings_object, &file, false, &text, &length);

	if (r == 0)
		r = io_replace_file(entry->fd, STORE_RESOURCES, text, length, 0600);
	return r < 0 ? error_errno(err, -r, "write %s of container %s", STORE_RESOURCES, entry->id)
		     : 0;
}
