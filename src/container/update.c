/* SPDX-License-Identifier: Apache-2.0 */
#include "container/update.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/log.h"
#include "base/path.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "cgroup/resctrl/resctrl.h"
#include "cgroup/resources/resources.h"
#include "container/settings.h"
#include "container/state/record.h"
#include "container/state/status.h"
#include "oci-spec/oci-spec.h"

/* One update while it is made. */
struct update {
	const struct update_request *request;
	struct bundle file; /* the text of --resources; .document holds oci_resources */
	struct oci_resources wanted;
	struct oci_memory memory; /* of `wanted`, without what is ignored */
	struct store_entry entry;
	struct record record;
	struct status status;
	struct settings before;
	struct cgroup_merged *merged;
	struct cgroup *cgroup;
	/* What has been done, to be undone. */
	struct cgroup_undo *undo;
	char *rdt_before;
	bool devices_changed, unit_changed;
};

static void update_clear(struct update *update)
{
	free(update->rdt_before);
	cgroup_undo_free(update->undo);
	cgroup_free(update->cgroup);
	cgroup_merged_free(update->merged);
	settings_clear(&update->before);
	status_clear(&update->status);
	record_clear(&update->record);
	store_entry_close(&update->entry);
	bundle_clear(&update->file);
}

/* ---- what is wanted ---- */

struct update_problems {
	const char *name; /* of the file, or NULL */
	struct error *err;
	size_t errors;
};

static void update_problem(void *data, const struct oci_problem *problem)
{
	struct update_problems *problems = data;
	const char *colon = problem->path[0] ? ": " : "";

	if (problem->severity != OCI_ERROR) {
		log_debug("%s: %s", problem->path, problem->message);
		return;
	}
	if (problems->errors++ > 0)
		return;
	if (problems->name && problem->line)
		error_set(problems->err, EINVAL, "%s:%u:%u: %s%s%s", problems->name, problem->line,
			  problem->column, problem->path, colon, problem->message);
	else
		error_set(problems->err, EINVAL, "%s%s%s", problem->path, colon, problem->message);
}

static int update_read(struct update *update, struct error *err)
{
	const char *path = update->request->file;
	auto_close int file = -EBADF;
	int fd = STDIN_FILENO, r;

	update->file.name = "standard input";
	if (strcmp(path, "-") != 0) {
		update->file.name = path_basename(path);
		/* Of whatever type: shells hand down pipes. */
		fd = file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	}
	if (fd < 0)
		return error_errno(err, errno, "open --resources %s", path);
	r = io_read_all(fd, OCI_SIZE_MAX, &update->file.text, &update->file.length);
	return r < 0 ? error_errno(err, -r, "read %s", update->file.name) : 0;
}

static int update_decode(struct update *update, struct error *err)
{
	struct update_problems problems = {.name = update->file.name, .err = err};
	struct oci_report report = {.problem = update_problem, .data = &problems};
	struct bundle *file = &update->file;
	int r;

	r = oci_resources_decode(file->text, file->length, &report, &file->document);
	if (r == 0) {
		update->wanted = *oci_document_resources(file->document);
		(void)oci_resources_check(&update->wanted, file->text, file->length, &report);
	} else if (problems.errors == 0) {
		return error_errno(err, -r, "decode %s", file->name);
	}
	return problems.errors > 0 ? -EINVAL : 0;
}

/* Limits of kernel memory are gone from kernels, and from runtimes; callers still send them. */
static void update_ignore_kernel_memory(struct update *update)
{
	if (!update->wanted.memory)
		return;
	update->memory = *update->wanted.memory;
	if (update->memory.kernel.set || update->memory.kernel_tcp.set)
		log_warning("limits of kernel memory are ignored: kernels no longer have them");
	update->memory.kernel = (struct oci_opt_i64){0};
	update->memory.kernel_tcp = (struct oci_opt_i64){0};
	update->wanted.memory = &update->memory;
}

static int update_want(struct update *update, struct error *err)
{
	struct update_problems problems = {.err = err};
	struct oci_report report = {.problem = update_problem, .data = &problems};
	int r = 0;

	if (update->request->file) {
		r = update_read(update, err);
		if (r == 0)
			r = update_decode(update, err);
	} else if (update->request->resources) {
		update->wanted = *update->request->resources;
		if (oci_resources_check(&update->wanted, NULL, 0, &report) > 0)
			r = -EINVAL;
	}
	update_ignore_kernel_memory(update);
	return r;
}

/* Fields are named as in --resources, with the place where that is a file. */
static int update_locate(const struct update *update, struct error *err)
{
	static const char prefix[] = "linux.resources.";

	if (!text_starts_with(err->field, prefix))
		return -err->number;
	memmove(err->field, err->field + sizeof(prefix) - 1,
		strlen(err->field) - (sizeof(prefix) - 1) + 1);
	return update->file.text ? bundle_locate(&update->file, err) : -err->number;
}

/* ---- what there is ---- */

static int update_look(struct update *update, const struct store *store, struct error *err)
{
	const char *id = update->request->id;
	int r;

	r = store_find(store, id, &update->entry, err);
	if (r == 0)
		r = store_lock(store, &update->entry, process_now() + STORE_LOCK_TIMEOUT, err);
	if (r == 0)
		r = status_load(&update->entry, &update->record, &update->status, err);
	if (r == 0)
		r = lifecycle_check(LIFECYCLE_UPDATE, update->status.status, id, err);
	if (r == 0)
		r = settings_load(&update->entry, &update->before, err);
	if (r == 0)
		r = record_open_cgroup(&update->entry, &update->record, &update->cgroup, err);
	return r;
}

/* Old and new together have to make sense, too: a quota below the burst that was set before. */
static int update_merge(struct update *update, struct error *err)
{
	struct update_problems problems = {.err = err};
	struct oci_report report = {.problem = update_problem, .data = &problems};
	int r = cgroup_resources_merge(update->before.resources, &update->wanted, &update->merged,
				       err);

	if (r < 0)
		return r;
	return oci_resources_check(&update->merged->resources, NULL, 0, &report) > 0 ? -EINVAL : 0;
}

/* ---- what is done ---- */

static int update_rdt(struct update *update, struct error *err)
{
	const struct update_request *request = update->request;
	const char *schemata[] = {request->l3_cache_schema, request->mem_bw_schema};
	const char *group = update->record.intent ? update->record.intent->rdt_group : NULL;

	if (!schemata[0] && !schemata[1])
		return 0;
	if (!group) {
		error_set(err, ENOTSUP, "container %s has no class of resctrl", request->id);
		return error_hint(err, "linux.intelRdt of its configuration would have given it "
				       "one");
	}
	return resctrl_update(group, schemata, array_size(schemata), &update->rdt_before, err);
}

static int update_devices(struct update *update, struct error *err)
{
	if (update->wanted.devices.count == 0)
		return 0;
	return cgroup_update_devices(update->cgroup, update->before.resources, &update->wanted,
				     &update->devices_changed, err);
}

/* What systemd would set again, it has to know. Last, for it keeps no old values. */
static int update_unit(struct update *update, struct error *err)
{
	int r = cgroup_update_unit(update->cgroup, &update->merged->resources, err);

	update->unit_changed = r == 0;
	return r;
}

static int update_remember(const struct update *update, struct error *err)
{
	struct settings after = {
		.resources = &update->merged->resources,
		.l3_cache_schema = update->request->l3_cache_schema
					   ? update->request->l3_cache_schema
					   : update->before.l3_cache_schema,
		.mem_bw_schema = update->request->mem_bw_schema ? update->request->mem_bw_schema
								: update->before.mem_bw_schema,
	};

	return settings_save(&update->entry, &after, err);
}

/* In reverse. */
static void update_undo(struct update *update)
{
	static const struct oci_resources nothing;
	const struct oci_resources *old =
		update->before.resources ? update->before.resources : &nothing;
	struct error err = ERROR_INIT;
	bool changed;

	if (update->devices_changed &&
	    cgroup_update_devices(update->cgroup, &update->wanted, old, &changed, &err) < 0)
		log_warning("put the device rules back: %s", err.message);
	if (update->rdt_before &&
	    resctrl_update(update->record.intent->rdt_group, (const char *[]){update->rdt_before},
			   1, NULL, &err) < 0)
		log_warning("put the class of resctrl back: %s", err.message);
	if (update->unit_changed && cgroup_update_unit(update->cgroup, old, &err) < 0)
		log_warning("put the properties of the unit back: %s", err.message);
	cgroup_update_undo(update->cgroup, update->undo);
}

static int update_make(struct update *update, struct error *err)
{
	int r = cgroup_update(update->cgroup, &update->wanted, &update->merged->resources,
			      &update->undo, err);

	if (r < 0)
		return r;
	r = update_rdt(update, err);
	if (r == 0)
		r = update_devices(update, err);
	if (r == 0)
		r = update_unit(update, err);
	if (r == 0)
		r = update_remember(update, err);
	if (r < 0)
		update_undo(update);
	return r;
}

int container_update(const struct store *store, const struct update_request *request,
		     struct error *err)
{
	struct update update = {
		.request = request,
		.file = BUNDLE_INIT,
		.entry = STORE_ENTRY_INIT,
		.record = RECORD_INIT,
		.status = STATUS_INIT,
		.before = SETTINGS_INIT,
	};
	/* Before the lock is taken: who knows how long the other end of a pipe takes. */
	int r = update_want(&update, err);

	if (r == 0)
		r = update_look(&update, store, err);
	if (r == 0)
		r = update_merge(&update, err);
	if (r == 0)
		r = update_make(&update, err);
	if (r < 0)
		(void)update_locate(&update, err);
	update_clear(&update);
	return r;
}
