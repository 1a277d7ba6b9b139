/* SPDX-License-Identifier: Apache-2.0 */
#include "container/checkpoint-mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/mountinfo.h"
#include "base/path.h"
#include "container/criu-wire.h"
#include "isolate/devices.h"
#include "kernel/resolve.h"
#include "oci-spec/tables.h"

struct checkpoint_table {
	char *text; /* cut in place */
	struct mountinfo *mounts;
	size_t count;
};

static void checkpoint_table_clear(struct checkpoint_table *table)
{
	free(table->mounts);
	free(table->text);
}

static int checkpoint_table_read(pid_t init, struct checkpoint_table *table, struct error *err)
{
	struct mountinfo mount;
	size_t lines = 1, count = 0;
	char path[64];
	int r;

	*table = (struct checkpoint_table){.text = NULL};
	(void)snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)init);
	r = io_read_file(AT_FDCWD, path, 0, MOUNTINFO_MAX, &table->text, NULL);
	if (r < 0)
		return error_errno(err, -r, "read %s", path);
	for (const char *at = table->text; *at; at++)
		lines += *at == '\n';
	table->mounts = calloc(lines, sizeof(*table->mounts));
	if (!table->mounts)
		return error_errno(err, ENOMEM, "read %s", path);
	for (char *rest = table->text; mountinfo_next(&rest, &mount);)
		table->mounts[count++] = mount;
	table->count = count;
	return 0;
}

/* Whether the filesystem of a mount is there as a whole too. */
static bool checkpoint_has_whole(const struct checkpoint_table *table,
				 const struct mountinfo *mount)
{
	for (size_t i = 0; i < table->count; i++)
		if (strcmp(table->mounts[i].device, mount->device) == 0 &&
		    strcmp(table->mounts[i].root, "/") == 0)
			return true;
	return false;
}

int checkpoint_has_mount(pid_t init, unsigned int id, bool *ret_has, struct error *err)
{
	struct checkpoint_table __attribute__((cleanup(checkpoint_table_clear))) table = {0};
	int r = checkpoint_table_read(init, &table, err);

	if (r < 0)
		return r;
	*ret_has = false;
	for (size_t i = 0; i < table.count; i++)
		*ret_has |= table.mounts[i].id == id;
	return 0;
}

bool checkpoint_is_bind(const struct oci_mount *mount)
{
	if (mount->type && strcmp(mount->type, "bind") == 0)
		return true;
	for (size_t i = 0; i < mount->options.count; i++)
		if (strcmp(mount->options.items[i], "bind") == 0 ||
		    strcmp(mount->options.items[i], "rbind") == 0)
			return true;
	return false;
}

/* Where a destination of the configuration really is, as the id of the mount that is there. */
static bool checkpoint_mount_at(int root, const char *destination, unsigned int *ret_id)
{
	auto_close int fd = resolve_open(root, destination, O_PATH);
	struct statx st;

	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0)
		return false;
	*ret_id = (unsigned int)st.stx_mnt_id;
	return true;
}

/* The name of a mount, by the rules of the header; NULL: it is none of the host's. */
struct checkpoint_namer {
	const struct oci_config *config;
	const struct checkpoint_table *table;
	int root;
	unsigned int *ids; /* of each of the configuration's mounts; 0: no bind */
};

static const char *checkpoint_bind_name(const struct checkpoint_namer *namer,
					const struct mountinfo *mount)
{
	const struct oci_mounts *mounts = &namer->config->mounts;

	for (size_t i = 0; i < mounts->count; i++)
		if (namer->ids[i] == mount->id)
			return mounts->items[i].destination;
	return NULL;
}

/* Below an rbind, and not in the configuration itself. */
static bool checkpoint_is_below_bind(const struct checkpoint_namer *namer,
				     const struct mountinfo *mount)
{
	const struct checkpoint_table *table = namer->table;

	for (size_t i = 0; i < table->count; i++)
		if (checkpoint_bind_name(namer, &table->mounts[i]) &&
		    path_is_below(mount->point, table->mounts[i].point) &&
		    strcmp(mount->point, table->mounts[i].point) != 0)
			return true;
	return false;
}

static bool checkpoint_is_in_config(const struct checkpoint_namer *namer, const char *point)
{
	for (size_t i = 0; i < namer->config->mounts.count; i++)
		if (strcmp(namer->config->mounts.items[i].destination, point) == 0)
			return true;
	return false;
}

static const char *checkpoint_node_name(const struct checkpoint_namer *namer,
					const struct mountinfo *mount)
{
	auto_close int fd = resolve_open(namer->root, mount->point, O_PATH);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !(S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) ||
	    checkpoint_has_whole(namer->table, mount))
		return NULL;
	return S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3) ? "/dev/null" : mount->point;
}

static void checkpoint_put_external(struct text *options, const char *key, const char *value)
{
	auto_text struct text external = {0};

	text_format(&external, "mnt[%s]:%s", key, value);
	options->failed |= external.failed;
	if (!external.failed)
		criu_put_string(options, CRIU_EXTERNAL, external.data);
}

static int checkpoint_find_binds(struct checkpoint_namer *namer, struct error *err)
{
	const struct oci_mounts *mounts = &namer->config->mounts;

	namer->ids = calloc(mounts->count + 1, sizeof(*namer->ids));
	if (!namer->ids)
		return error_errno(err, ENOMEM, "mounts");
	for (size_t i = 0; i < mounts->count; i++)
		if (checkpoint_is_bind(&mounts->items[i]))
			(void)checkpoint_mount_at(namer->root, mounts->items[i].destination,
						  &namer->ids[i]);
	return 0;
}

int checkpoint_put_mounts(const struct oci_config *config, pid_t init, int root,
			  struct text *options, struct text *names, struct error *err)
{
	struct checkpoint_table __attribute__((cleanup(checkpoint_table_clear))) table = {0};
	struct checkpoint_namer namer = {.config = config, .table = &table, .root = root};
	bool first = true;
	int r;

	r = checkpoint_table_read(init, &table, err);
	if (r == 0)
		r = checkpoint_find_binds(&namer, err);
	text_append(names, "[");
	for (size_t i = 0; r == 0 && i < table.count; i++) {
		const struct mountinfo *mount = &table.mounts[i];
		const char *name;

		if (strcmp(mount->point, "/") == 0)
			continue;
		name = checkpoint_bind_name(&namer, mount);
		if (!name)
			name = checkpoint_node_name(&namer, mount);
		if (!name && checkpoint_is_below_bind(&namer, mount) &&
		    !checkpoint_is_in_config(&namer, mount->point))
			name = mount->point;
		if (!name)
			continue;
		checkpoint_put_external(options, mount->point, name);
		text_append(names, first ? "" : ",");
		text_append_json(names, name);
		first = false;
	}
	text_append(names, "]\n");
	free(namer.ids);
	return r;
}

/* ---- restore ---- */

/* The wrapped array. */
struct restore_names {
	struct oci_strings names;
};
static const struct oci_field restore_names_fields[] = {
	{
		.name = "names",
		.name_length = sizeof("names") - 1,
		.kind = OCI_KIND_STRINGS,
		.need = OCI_REQUIRED,
		.size = sizeof(struct oci_strings),
		.offset = offsetof(struct restore_names, names),
	},
};
static const struct oci_object restore_names_object = {
	.fields = restore_names_fields,
	.count = array_size(restore_names_fields),
	.size = sizeof(struct restore_names),
};

static int restore_source(const struct oci_mount *mount, const char *bundle, char path[PATH_MAX])
{
	int length;

	if (!mount->source)
		return -EINVAL;
	if (mount->source[0] == '/')
		length = snprintf(path, PATH_MAX, "%s", mount->source);
	else
		length = snprintf(path, PATH_MAX, "%s/%s", bundle, mount->source);
	return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* A name that the configuration does not have: below one of its binds, or a device. */
static int restore_put_name(const struct oci_config *config, const char *bundle, const char *name,
			    struct text *options)
{
	const struct oci_mount *found = NULL;
	char path[PATH_MAX];
	size_t length;

	for (size_t i = 0; i < config->mounts.count; i++) {
		const struct oci_mount *mount = &config->mounts.items[i];

		if (!checkpoint_is_bind(mount) || !path_is_below(name, mount->destination))
			continue;
		if (strcmp(name, mount->destination) == 0)
			return 0;
		if (!found || strlen(mount->destination) > strlen(found->destination))
			found = mount;
	}
	if (!found) {
		checkpoint_put_external(options, name, name);
		return 0;
	}
	if (restore_source(found, bundle, path) < 0)
		return -EINVAL;
	length = strlen(path);
	if (snprintf(path + length, sizeof(path) - length, "%s",
		     name + strlen(found->destination)) >= (int)(sizeof(path) - length))
		return -ENAMETOOLONG;
	checkpoint_put_external(options, name, path);
	return 0;
}

static int restore_put_names(const struct oci_config *config, const char *bundle, const char *names,
			     struct text *options, struct error *err)
{
	const struct oci_report silent = {0};
	struct oci_document *document = NULL;
	auto_text struct text text = {0};
	const struct restore_names *list;
	int r;

	text_format(&text, "{\"names\":%s}", names);
	if (text.failed)
		return error_errno(err, ENOMEM, "mounts");
	r = oci_object_decode(&restore_names_object, text.data, text.length, &silent, &document);
	if (r < 0)
		return error_errno(err, -r, "read the names of mounts in the images");
	list = oci_document_object(document, &restore_names_object);
	for (size_t i = 0; r == 0 && i < list->names.count; i++) {
		r = restore_put_name(config, bundle, list->names.items[i], options);
		if (r < 0)
			error_errno(err, -r, "mount %s", list->names.items[i]);
	}
	oci_document_free(document);
	return r;
}

int restore_put_mounts(const struct oci_config *config, const char *bundle, const char *names,
		       struct text *options, struct error *err)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < config->mounts.count; i++) {
		const struct oci_mount *mount = &config->mounts.items[i];

		if (!checkpoint_is_bind(mount))
			continue;
		if (restore_source(mount, bundle, path) < 0) {
			error_errno(err, EINVAL, "the source of a bind mount");
			return error_at(err, "mounts[%zu].source", i);
		}
		checkpoint_put_external(options, mount->destination, path);
	}
	if (names)
		return restore_put_names(config, bundle, names, options, err);
	/* Images of another runtime: what masks files, and devices. */
	checkpoint_put_external(options, "/dev/null", "/dev/null");
	for (size_t i = 0; config->linux && i < config->linux->devices.count; i++)
		checkpoint_put_external(options, config->linux->devices.items[i].path,
					config->linux->devices.items[i].path);
	return 0;
}
