/* SPDX-License-Identifier: Apache-2.0 */
#include "container/checkpoint/mounts.h"

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
#include "container/criu/wire.h"
#include "isolate/devices/devices.h"
#include "kernel/resolve.h"
#include "kernel/syscalls.h"

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

bool checkpoint_is_cgroup(const struct oci_mount *mount, bool unified)
{
	return mount->type && !checkpoint_is_bind(mount) &&
	       (strcmp(mount->type, "cgroup") == 0 ||
		(unified && strcmp(mount->type, "cgroup2") == 0));
}

/* Where a destination of the configuration really is, as the id of the mount that is there. */
static bool checkpoint_mount_at(int root, const char *destination, unsigned int *ret_id)
{
	auto_close int fd = resolve_open(root, destination, O_PATH);
	struct sys_statx st;

	if (fd < 0 || sys_statx(fd, "", AT_EMPTY_PATH, SYS_STATX_MNT_ID, &st) < 0)
		return false;
	*ret_id = (unsigned int)st.mnt_id;
	return true;
}

/* The name of a mount, by the rules of the header; NULL: it is none of the host's. */
struct checkpoint_namer {
	const struct oci_config *config;
	const struct devices_plan *devices;
	const struct checkpoint_table *table;
	int root;
	unsigned int *ids; /* of each of the configuration's mounts; 0: none of the host's */
};

static const struct oci_mount *checkpoint_find_bind(const struct checkpoint_namer *namer,
						    const struct mountinfo *mount)
{
	const struct oci_mounts *mounts = &namer->config->mounts;

	for (size_t i = 0; i < mounts->count; i++)
		if (namer->ids[i] == mount->id && checkpoint_is_bind(&mounts->items[i]))
			return &mounts->items[i];
	return NULL;
}

static const char *checkpoint_bind_name(const struct checkpoint_namer *namer,
					const struct mountinfo *mount)
{
	const struct oci_mount *bind = checkpoint_find_bind(namer, mount);

	return bind ? bind->destination : NULL;
}

static void checkpoint_put_slave(const struct checkpoint_namer *namer,
				 const struct mountinfo *mount, struct text *slaves)
{
	const struct oci_mount *bind = checkpoint_find_bind(namer, mount);

	if (!bind || !bind->source || mount->master == 0)
		return;
	text_format(slaves, "%s\"%u\",", slaves->length > 1 ? "," : "", mount->master);
	text_append_json(slaves, bind->destination);
	text_append(slaves, ",");
	text_append_json(slaves, bind->source);
}

static const struct mountinfo *checkpoint_find_mount(const struct checkpoint_table *table,
						     unsigned int id)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->mounts[i].id == id)
			return &table->mounts[i];
	return NULL;
}

/* What is shown of a hierarchy of cgroups, in a mount of the configuration or below it. */
static bool checkpoint_cgroup_name(const struct checkpoint_namer *namer,
				   const struct mountinfo *mount, char name[PATH_MAX])
{
	const struct oci_mounts *mounts = &namer->config->mounts;

	if (strcmp(mount->type, "cgroup") != 0 && strcmp(mount->type, "cgroup2") != 0)
		return false;
	for (size_t i = 0; i < mounts->count; i++) {
		const struct mountinfo *above = checkpoint_find_mount(namer->table, namer->ids[i]);

		if (above && !checkpoint_is_bind(&mounts->items[i]) &&
		    path_is_below(mount->point, above->point))
			return snprintf(name, PATH_MAX, "%s%s", mounts->items[i].destination,
					mount->point + strlen(above->point)) < PATH_MAX;
	}
	return false;
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

const struct devices_node *checkpoint_find_device(const struct devices_plan *devices,
						  const char *path)
{
	char absolute[PATH_MAX], clean[PATH_MAX];

	for (size_t i = 0; i < devices->count; i++)
		if (snprintf(absolute, sizeof(absolute), "/%s", devices->nodes[i].path) <
			    (int)sizeof(absolute) &&
		    path_clean(absolute, clean, sizeof(clean)) == 0 && strcmp(clean, path) == 0)
			return &devices->nodes[i];
	return NULL;
}

static const char *checkpoint_node_name(const struct checkpoint_namer *namer,
					const struct mountinfo *mount)
{
	auto_close int fd = resolve_open(namer->root, mount->point, O_PATH);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !(S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) ||
	    checkpoint_has_whole(namer->table, mount))
		return NULL;
	if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
		return CHECKPOINT_NULL;
	return checkpoint_find_device(namer->devices, mount->point) ? mount->point : NULL;
}

void checkpoint_put_external(struct text *options, const char *key, const char *value)
{
	auto_text struct text external = {0};

	text_format(&external, "mnt[%s]:%s", key, value);
	options->failed |= external.failed;
	if (!external.failed)
		criu_put_string(options, CRIU_EXTERNAL, external.data);
}

static int checkpoint_find_binds(struct checkpoint_namer *namer,
				 const struct checkpoint_mounts *request, struct error *err)
{
	const struct oci_mounts *mounts = &namer->config->mounts;

	namer->ids = calloc(mounts->count + 1, sizeof(*namer->ids));
	if (!namer->ids)
		return error_errno(err, ENOMEM, "mounts");
	for (size_t i = 0; i < mounts->count; i++)
		if (checkpoint_is_bind(&mounts->items[i]) ||
		    (request->cgroups && checkpoint_is_cgroup(&mounts->items[i], request->unified)))
			(void)checkpoint_mount_at(namer->root, mounts->items[i].destination,
						  &namer->ids[i]);
	return 0;
}

int checkpoint_put_mounts(const struct checkpoint_mounts *mounts, struct text *options,
			  struct checkpoint_lists *lists, struct error *err)
{
	struct checkpoint_table __attribute__((cleanup(checkpoint_table_clear))) table = {0};
	struct devices_plan devices = {.nodes = NULL};
	struct checkpoint_namer namer = {.config = mounts->config,
					 .devices = &devices,
					 .table = &table,
					 .root = mounts->root};
	char cgroup[PATH_MAX];
	bool first = true;
	int r;

	r = checkpoint_table_read(mounts->init, &table, err);
	if (r == 0)
		r = devices_plan(mounts->config, true, &devices, err);
	if (r == 0)
		r = checkpoint_find_binds(&namer, mounts, err);
	text_append(&lists->names, "[");
	text_append(&lists->slaves, "[");
	for (size_t i = 0; r == 0 && i < table.count; i++) {
		const struct mountinfo *mount = &table.mounts[i];
		const char *name;

		if (strcmp(mount->point, "/") == 0)
			continue;
		/* The configuration tells them. */
		if (checkpoint_cgroup_name(&namer, mount, cgroup)) {
			checkpoint_put_external(options, mount->point, cgroup);
			continue;
		}
		checkpoint_put_slave(&namer, mount, &lists->slaves);
		name = checkpoint_bind_name(&namer, mount);
		if (!name)
			name = checkpoint_node_name(&namer, mount);
		if (!name && checkpoint_is_below_bind(&namer, mount) &&
		    !checkpoint_is_in_config(&namer, mount->point))
			name = mount->point;
		if (!name)
			continue;
		checkpoint_put_external(options, mount->point, name);
		text_append(&lists->names, first ? "" : ",");
		text_append_json(&lists->names, name);
		first = false;
	}
	text_append(&lists->names, "]\n");
	text_append(&lists->slaves, "]\n");
	free(namer.ids);
	devices_plan_clear(&devices);
	return r;
}
