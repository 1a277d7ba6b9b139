/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was added is written down in the state directory, with the ids by which the kernel knows the
 * mounts: `remove` takes away what `add` brought, and nothing that the configuration or the
 * container itself has mounted. The file is written between attaching and keeping, so that a crash
 * at any point leaves no mount that is not in it; the mounts of a dead container are gone with its
 * mount namespace.
 */
#include "container/hotplug.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/path.h"
#include "base/text.h"
#include "container/bundle.h"
#include "container/hotplug-inside.h"
#include "container/join.h"
#include "container/state/record.h"
#include "container/state/status.h"
#include "isolate/mounts/mounts.h"
#include "kernel/process.h"
#include "kernel/procfs.h"
#include "oci-spec/oci-spec.h"
#include "oci-spec/tables.h"

#define HOTPLUG_VERSION 1
/* Makes a whole configuration of the file's array, which begins on a line of its own. */
#define HOTPLUG_HEAD "{\"ociVersion\":\"1.0.0\",\"mounts\":\n"
#define HOTPLUG_TAIL "}"

/* One that was added. */
struct hotplug_mount {
	char *destination; /* clean, absolute */
	uint64_t id;
};
struct hotplug_mounts {
	struct hotplug_mount *items;
	size_t count;
};
struct hotplug_list {
	uint32_t version;
	struct hotplug_mounts mounts;
};

#define FIELD(json, struct_, member, kind_, ...)                                         \
	{                                                                                \
		.name = json, .name_length = sizeof(json) - 1, .kind = OCI_KIND_##kind_, \
		.need = OCI_REQUIRED, .size = sizeof(((struct struct_ *)0)->member),     \
		.offset = offsetof(struct struct_, member), __VA_ARGS__                  \
	}
static const struct oci_field hotplug_mount_fields[] = {
	FIELD("destination", hotplug_mount, destination, STRING),
	FIELD("id", hotplug_mount, id, U64),
};
static const struct oci_object hotplug_mount_object = {
	.fields = hotplug_mount_fields,
	.count = array_size(hotplug_mount_fields),
	.size = sizeof(struct hotplug_mount),
};
static const struct oci_field hotplug_list_fields[] = {
	FIELD("version", hotplug_list, version, U32),
	FIELD("mounts", hotplug_list, mounts, OBJECTS, .object = &hotplug_mount_object),
};
static const struct oci_object hotplug_list_object = {
	.fields = hotplug_list_fields,
	.count = array_size(hotplug_list_fields),
	.size = sizeof(struct hotplug_list),
};

struct hotplug {
	struct store_entry entry;
	struct record record;
	struct status status;
	struct bundle bundle;	  /* the container's configuration */
	struct bundle file;	  /* of the command line; its text has the head */
	struct oci_config config; /* the container's, with the file's mounts in place of its own */
	struct mounts_plan plan;
	struct hotplug_place place;
	struct oci_document *document; /* of the list */
	struct hotplug_list list;      /* .items is our own array */
};

static void hotplug_clear(struct hotplug *hotplug)
{
	mounts_plan_clear(&hotplug->plan);
	free(hotplug->list.mounts.items);
	oci_document_free(hotplug->document);
	bundle_clear(&hotplug->file);
	bundle_clear(&hotplug->bundle);
	fd_close(hotplug->place.root);
	fd_close(hotplug->place.procfs);
	status_clear(&hotplug->status);
	record_clear(&hotplug->record);
	store_entry_close(&hotplug->entry);
}

/* ---- the file ---- */

struct hotplug_problems {
	const char *name;
	struct error *err;
};

/* The first one. The head took a line. */
static void hotplug_problem(void *data, const struct oci_problem *problem)
{
	const struct hotplug_problems *problems = data;
	char place[64] = "";

	if (problem->severity != OCI_ERROR || problems->err->number != 0)
		return;
	if (problem->line > 1)
		(void)snprintf(place, sizeof(place), ":%u:%u", problem->line - 1, problem->column);
	error_set(problems->err, EINVAL, "%s%s: %s%s%s", problems->name, place, problem->path,
		  problem->path[0] ? ": " : "", problem->message);
}

static int hotplug_read(const char *path, char **ret_text, size_t *ret_length, struct error *err)
{
	int r = strcmp(path, "-") == 0
			? io_read_all(STDIN_FILENO, OCI_SIZE_MAX, ret_text, ret_length)
			: io_read_file(AT_FDCWD, path, 0, OCI_SIZE_MAX, ret_text, ret_length);

	return r < 0 ? error_errno(err, -r, "read %s", path) : 0;
}

static bool hotplug_is_array(const char *text, size_t length)
{
	size_t begin = strspn(text, " \t\r\n");

	while (length > begin && strchr(" \t\r\n", text[length - 1]))
		length--;
	return length > begin + 1 && text[begin] == '[' && text[length - 1] == ']';
}

static int hotplug_parse(struct hotplug *hotplug, const char *path, struct error *err)
{
	struct hotplug_problems problems = {.name = strcmp(path, "-") == 0 ? "standard input"
									   : path_basename(path),
					    .err = err};
	struct oci_report report = {.problem = hotplug_problem, .data = &problems};
	struct bundle *file = &hotplug->file;
	auto_text struct text text = {0};
	auto_free char *array = NULL;
	size_t length;
	int r;

	r = hotplug_read(path, &array, &length, err);
	if (r < 0)
		return r;
	if (!hotplug_is_array(array, length))
		return error_set(err, EINVAL, "%s: that is not a JSON array of mounts",
				 problems.name);
	text_append(&text, HOTPLUG_HEAD);
	text_append_bytes(&text, array, length);
	text_append(&text, HOTPLUG_TAIL);
	if (text.failed)
		return error_errno(err, ENOMEM, "read %s", path);
	file->name = problems.name;
	file->length = text.length;
	file->text = pointer_take(text.data);
	r = oci_config_decode(file->text, file->length, &report, &file->document);
	if (r < 0)
		return err->number ? -err->number : error_errno(err, -r, "decode %s", path);
	file->config = oci_document_config(file->document);
	return 0;
}

/* As bundle_locate(), but for the head. */
static int hotplug_locate(const struct hotplug *hotplug, struct error *err)
{
	unsigned int line, column;
	char field[sizeof(err->field)];

	if (err->field[0] == '\0' || !hotplug->file.text)
		return -err->number;
	memcpy(field, err->field, sizeof(field));
	err->field[0] = '\0';
	if (oci_locate(hotplug->file.text, hotplug->file.length, field, &line, &column) == 0 &&
	    line > 1)
		return error_wrap(err, "%s:%u:%u: %s", hotplug->file.name, line - 1, column, field);
	return error_wrap(err, "%s: %s", hotplug->file.name, field);
}

/* ---- the list ---- */

static int hotplug_load_list(struct hotplug *hotplug, struct error *err)
{
	const struct oci_report silent = {0};
	auto_free char *text = NULL;
	const struct hotplug_list *list = NULL;
	size_t length;
	int r;

	r = io_read_file(hotplug->entry.fd, STORE_MOUNTS, O_NOFOLLOW, OCI_SIZE_MAX, &text, &length);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = oci_object_decode(&hotplug_list_object, text, length, &silent,
				      &hotplug->document);
	if (r == 0) {
		list = oci_document_object(hotplug->document, &hotplug_list_object);
		if (list->version != HOTPLUG_VERSION)
			list = NULL;
	}
	if (r == 0 && !list)
		r = -EBADMSG;
	if (r < 0 || !list)
		return error_errno(err, -r, "read %s of container %s", STORE_MOUNTS,
				   hotplug->entry.id);
	hotplug->list.mounts.items = calloc(list->mounts.count + 1, sizeof(struct hotplug_mount));
	if (!hotplug->list.mounts.items)
		return error_errno(err, ENOMEM, "mounts");
	for (size_t i = 0; i < list->mounts.count; i++)
		hotplug->list.mounts.items[i] = list->mounts.items[i];
	hotplug->list.mounts.count = list->mounts.count;
	return 0;
}

static int hotplug_write_list(struct hotplug *hotplug, struct error *err)
{
	auto_free char *text = NULL;
	size_t length;
	int r;

	hotplug->list.version = HOTPLUG_VERSION;
	r = oci_object_encode(&hotplug_list_object, &hotplug->list, false, &text, &length);
	if (r == 0)
		r = io_replace_file(hotplug->entry.fd, STORE_MOUNTS, text, length, 0600);
	return r < 0 ? error_errno(err, -r, "write %s of container %s", STORE_MOUNTS,
				   hotplug->entry.id)
		     : 0;
}

/* ---- both ---- */

static int hotplug_clean(const struct oci_mount *mount, size_t index, char path[PATH_MAX],
			 struct error *err)
{
	char absolute[PATH_MAX];

	if (snprintf(absolute, sizeof(absolute), "/%s", mount->destination) <
		    (int)sizeof(absolute) &&
	    path_clean(absolute, path, PATH_MAX) == 0)
		return 0;
	error_errno(err, ENAMETOOLONG, "destination");
	return error_at(err, "mounts[%zu].destination", index);
}

static int hotplug_open_place(struct hotplug *hotplug, struct error *err)
{
	char path[64];
	int r;

	hotplug->place.pidfd = hotplug->status.pidfd;
	r = join_find_namespaces(hotplug->status.pid, hotplug->status.pidfd, 0,
				 &hotplug->place.types, err);
	if (r == 0 && !(hotplug->place.types & CLONE_NEWNS))
		r = error_set(
			err, EINVAL,
			"%s has no mount namespace of its own: the mounts would be the host's",
			hotplug->entry.id);
	if (r == 0)
		r = procfs_open(&hotplug->place.procfs, err);
	if (r < 0)
		return r;
	/* Without it, an inode that there is not. */
	(void)stat(hotplug->record.intent->rootfs, &hotplug->place.rootfs);
	(void)snprintf(path, sizeof(path), "/proc/%d/root", (int)hotplug->status.pid);
	hotplug->place.root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return hotplug->place.root < 0 ? error_errno(err, errno, "open the container's root") : 0;
}

static int hotplug_load(struct hotplug *hotplug, const struct store *store, const char *id,
			const char *file, struct error *err)
{
	int r;

	*hotplug = (struct hotplug){.entry = STORE_ENTRY_INIT,
				    .status = STATUS_INIT,
				    .place = {.root = -EBADF, .procfs = -EBADF}};
	r = store_find(store, id, &hotplug->entry, err);
	if (r == 0)
		r = hotplug_parse(hotplug, file, err);
	if (r == 0)
		r = store_lock(store, &hotplug->entry, process_now() + STORE_LOCK_TIMEOUT, err);
	if (r == 0)
		r = status_load(&hotplug->entry, &hotplug->record, &hotplug->status, err);
	if (r == 0)
		r = lifecycle_check(LIFECYCLE_MOUNTS, hotplug->status.status, id, err);
	if (r < 0)
		return r;
	if (hotplug->status.pidfd < 0 || !hotplug->record.intent)
		return error_set(err, EBADMSG, "the state of container %s is damaged", id);
	r = bundle_load_snapshot(&hotplug->entry, &hotplug->bundle, err);
	if (r == 0)
		r = hotplug_load_list(hotplug, err);
	if (r == 0)
		r = hotplug_open_place(hotplug, err);
	return r;
}

/* ---- add ---- */

/* What cannot be had from outside of the container's pid and cgroup namespaces, and ids. */
static int hotplug_plan_step(struct mounts_step *step, const struct idmap_plan *container,
			     struct error *err)
{
	const char *type = step->config->type;

	if (step->kind == MOUNTS_CGROUP || step->kind == MOUNTS_REMOUNT ||
	    (step->kind == MOUNTS_FILESYSTEM && strcmp(type, "proc") == 0))
		return error_set(err, EINVAL, "%s cannot be added to a container that is there",
				 step->kind == MOUNTS_REMOUNT ? "a remount" : type);
	if (step->kind == MOUNTS_FILESYSTEM && mounts_needs_legacy(step))
		return error_set(err, EINVAL,
				 "a mount with an option longer than 255 bytes cannot be added");
	if (step->idmapped && step->idmap.uids.count == 0) {
		/* Never by what the container's own /proc says its namespace is. */
		if (container->uids.count == 0)
			return error_set(err, EINVAL,
					 "the maps of a user namespace that is joined are not "
					 "known: idmap needs uidMappings and gidMappings");
		step->idmap = *container;
	}
	return 0;
}

static int hotplug_plan(struct hotplug *hotplug, struct error *err)
{
	struct idmap_plan container = {0};
	int r;

	hotplug->config = *hotplug->bundle.config;
	hotplug->config.mounts = hotplug->file.config->mounts;
	if (hotplug->config.linux)
		r = idmap_plan(hotplug->config.linux, &container, err);
	else
		r = 0;
	if (r == 0)
		r = mounts_plan(&hotplug->config, hotplug->record.intent->bundle, &hotplug->plan,
				err);
	for (size_t i = 0; r == 0 && i < hotplug->plan.count; i++) {
		r = hotplug_plan_step(&hotplug->plan.steps[i], &container, err);
		if (r < 0)
			error_at(err, "mounts[%zu]", i);
	}
	return r == 0 ? mounts_prepare(&hotplug->plan, &container, err) : r;
}

/* Clean destinations, one behind the other with their NULs: what the list points into. */
static int hotplug_names(const struct hotplug *hotplug, struct text *names, struct error *err)
{
	char path[PATH_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && i < hotplug->plan.count; i++) {
		r = hotplug_clean(hotplug->plan.steps[i].config, i, path, err);
		if (r == 0)
			text_append_bytes(names, path, strlen(path) + 1);
	}
	if (r == 0 && names->failed)
		r = error_errno(err, ENOMEM, "mounts");
	return r;
}

/* The list with the new ones behind the others. */
static int hotplug_record(const hotplug_id *ids, void *data, struct error *err)
{
	struct hotplug *hotplug = data;
	struct hotplug_mounts *mounts = &hotplug->list.mounts;
	struct hotplug_mount *items =
		realloc(mounts->items, (mounts->count + hotplug->plan.count + 1) * sizeof(*items));
	size_t before = mounts->count;
	auto_text struct text names = {0};
	char *at;
	int r;

	if (!items)
		return error_errno(err, ENOMEM, "mounts");
	mounts->items = items;
	r = hotplug_names(hotplug, &names, err);
	if (r < 0)
		return r;
	at = names.data;
	for (size_t i = 0; at && i < hotplug->plan.count; i++, at += strlen(at) + 1)
		if (ids[i] != 0) /* or a symbolic link was copied */
			items[mounts->count++] = (struct hotplug_mount){at, ids[i]};
	r = hotplug_write_list(hotplug, err);
	mounts->count = before;
	return r;
}

/* What fails because the container was killed meanwhile says that. */
static int hotplug_explain(const struct hotplug *hotplug, int r, struct error *err)
{
	if (r < 0 && status_has_ended(&hotplug->status))
		return error_set(err, ESRCH, "%s: container not running", hotplug->entry.id);
	return r;
}

int container_mounts_add(const struct store *store, const char *id, const char *file,
			 struct error *err)
{
	struct hotplug hotplug;
	struct hotplug_add add = {.place = &hotplug.place,
				  .plan = &hotplug.plan,
				  .record = hotplug_record,
				  .data = &hotplug};
	int r = hotplug_load(&hotplug, store, id, file, err);

	if (r == 0) {
		r = hotplug_plan(&hotplug, err);
		if (r == 0 && hotplug.plan.count > 0)
			r = hotplug_attach(&add, err);
		if (r < 0)
			hotplug_locate(&hotplug, err);
	}
	r = hotplug_explain(&hotplug, r, err);
	hotplug_clear(&hotplug);
	return r;
}

/* ---- remove ---- */

/* Which entry of the list is meant: the last at that place that is not taken yet. */
static int hotplug_choose(const struct hotplug *hotplug, const char *path, const bool *taken)
{
	for (size_t i = hotplug->list.mounts.count; i > 0; i--)
		if (!taken[i - 1] &&
		    strcmp(hotplug->list.mounts.items[i - 1].destination, path) == 0)
			return (int)(i - 1);
	return -ENOENT;
}

static int hotplug_choose_all(const struct hotplug *hotplug, struct hotplug_victim *victims,
			      size_t *chosen, bool *taken, struct error *err)
{
	const struct oci_mounts *wanted = &hotplug->file.config->mounts;
	char path[PATH_MAX];

	for (size_t i = 0; i < wanted->count; i++) {
		int r = hotplug_clean(&wanted->items[i], i, path, err);

		if (r < 0)
			return r;
		r = hotplug_choose(hotplug, path, taken);
		if (r < 0) {
			error_set(err, ENOENT, "nothing was added at %s", path);
			return error_at(err, "mounts[%zu].destination", i);
		}
		taken[r] = true;
		chosen[i] = (size_t)r;
		victims[i] = (struct hotplug_victim){hotplug->list.mounts.items[r].destination,
						     hotplug->list.mounts.items[r].id};
	}
	return 0;
}

/* One after the other as far as they go, and the list tells what is left. */
static int hotplug_remove(struct hotplug *hotplug, struct error *err)
{
	struct hotplug_mounts *mounts = &hotplug->list.mounts;
	size_t count = hotplug->file.config->mounts.count, done = 0, kept = 0;
	auto_free struct hotplug_victim *victims = calloc(count + 1, sizeof(*victims));
	auto_free size_t *chosen = calloc(count + 1, sizeof(*chosen));
	auto_free bool *taken = calloc(mounts->count + 1, sizeof(*taken));
	struct error ignored = ERROR_INIT;
	int r;

	if (!victims || !chosen || !taken)
		return error_errno(err, ENOMEM, "mounts");
	r = hotplug_choose_all(hotplug, victims, chosen, taken, err);
	if (r < 0)
		return r;
	r = hotplug_detach(&hotplug->place, victims, count, &done, err);
	if (done == 0)
		return r;
	memset(taken, 0, mounts->count * sizeof(*taken));
	for (size_t i = 0; i < done; i++)
		taken[chosen[i]] = true;
	for (size_t i = 0; i < mounts->count; i++)
		if (!taken[i])
			mounts->items[kept++] = mounts->items[i];
	mounts->count = kept;
	if (r < 0)
		(void)hotplug_write_list(hotplug, &ignored);
	else
		r = hotplug_write_list(hotplug, err);
	return r;
}

int container_mounts_remove(const struct store *store, const char *id, const char *file,
			    struct error *err)
{
	struct hotplug hotplug;
	int r = hotplug_load(&hotplug, store, id, file, err);

	if (r == 0) {
		r = hotplug_remove(&hotplug, err);
		if (r < 0)
			hotplug_locate(&hotplug, err);
	}
	r = hotplug_explain(&hotplug, r, err);
	hotplug_clear(&hotplug);
	return r;
}

size_t container_mounts_count(const struct store_entry *entry)
{
	struct hotplug hotplug = {.entry = *entry};
	struct error err = ERROR_INIT;
	size_t count = 1;

	if (hotplug_load_list(&hotplug, &err) == 0)
		count = hotplug.list.mounts.count;
	free(hotplug.list.mounts.items);
	oci_document_free(hotplug.document);
	return count;
}
