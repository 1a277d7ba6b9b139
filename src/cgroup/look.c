/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a cgroup is frozen, without opening it. `list` asks that of each container, and a v1 host
 * has a dozen hierarchies, of which one freezes.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/text.h"
#include "cgroup/backend.h"

/* What is gone freezes nothing. */
static int look_result(int r, bool *frozen)
{
	if (r == -ENOENT || r == -ENODEV) {
		*frozen = false;
		return 0;
	}
	return r < 0 ? r : 0;
}

static int look_unified(const struct cgroup_location *location, bool *ret_frozen)
{
	auto_close int root = tree_open_mount(CGROUP_MOUNT_POINT);
	bool populated;
	struct statfs fs;

	if (root < 0 || fstatfs(root, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
		return -ENOTSUP;
	return look_result(cgroup_v2_look(root, location->path + 1, &populated, ret_frozen),
			   ret_frozen);
}

/* As cgroup_v2_look(): the file says FREEZING, too, and what is freezing counts. */
static int look_freezer(int root, const char *path, bool *ret_frozen)
{
	char name[PATH_MAX], text[64];
	auto_close int fd = -EBADF;
	ssize_t n;

	if (snprintf(name, sizeof(name), "%s/freezer.state", path) >= (int)sizeof(name))
		return -ENAMETOOLONG;
	fd = tree_open_below(root, name, O_RDONLY);
	if (fd < 0)
		return fd;
	n = io_read_small_fd(fd, text, sizeof(text));
	if (n < 0)
		return (int)n;
	*ret_frozen = !text_starts_with(text, "THAWED");
	return 0;
}

/* In a hierarchy of a v1 host that can freeze: that of the freezer, or the cgroup2 of a hybrid. */
static int look_hierarchy(const struct cgroup_location *location,
			  const struct cgroup_hierarchy *hierarchy, bool *ret_frozen)
{
	auto_free char *path = cgroup_member_path(location, hierarchy->mount_point);
	auto_close int root = -EBADF;
	bool populated;
	int r;

	if (!path)
		return location->directories ? look_result(-ENOENT, ret_frozen) : -ENOMEM;
	root = tree_open_mount(hierarchy->mount_point);
	if (root < 0)
		return look_result(root, ret_frozen);
	if (*hierarchy->controllers)
		r = look_freezer(root, path + 1, ret_frozen);
	else
		r = cgroup_v2_look(root, path + 1, &populated, ret_frozen);
	return look_result(r, ret_frozen);
}

static int look_legacy(const struct cgroup_location *location, const struct cgroup_host *host,
		       bool *ret_frozen)
{
	bool frozen = false;
	int r = 0;

	for (size_t i = 0; i < host->count && r == 0 && !frozen; i++) {
		const struct cgroup_hierarchy *hierarchy = &host->hierarchies[i];

		if (*hierarchy->controllers == '\0' ||
		    cgroup_list_has(hierarchy->controllers, ',', "freezer"))
			r = look_hierarchy(location, hierarchy, &frozen);
	}
	if (r == 0)
		*ret_frozen = frozen;
	return r;
}

/* Returns -ENOTSUP where it takes a handle to know. */
static int look_without_handle(const struct cgroup_location *location, struct cgroup_host *host,
			       bool *ret_frozen, struct error *err)
{
	int r = 0;

	if (location->manager == CGROUP_MANAGER_DISABLED || !location->path)
		return -ENOTSUP;
	if (location->mode == CGROUP_MODE_UNIFIED)
		return look_unified(location, ret_frozen);
	if (host->count == 0)
		r = cgroup_find_host(location, host, err);
	return r < 0 ? r : look_legacy(location, host, ret_frozen);
}

int cgroup_look_frozen(const struct cgroup_location *location, struct cgroup_host *host,
		       bool *ret_frozen, struct error *err)
{
	struct cgroup_host own = {0};
	struct cgroup *cgroup;
	int r = look_without_handle(location, host ? host : &own, ret_frozen, err);

	cgroup_host_clear(&own);
	if (r == 0)
		return 0;
	/* Whatever went wrong: that with a handle has the words for it. */
	error_clear(err);
	r = cgroup_open(location, &cgroup, err);
	if (r < 0)
		return r;
	r = cgroup_is_frozen(cgroup, ret_frozen, err);
	cgroup_free(cgroup);
	return r;
}
