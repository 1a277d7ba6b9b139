/* SPDX-License-Identifier: Apache-2.0 */
#include "container/checkpoint/restore-mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/fd.h"
#include "base/path.h"
#include "container/checkpoint/mounts.h"
#include "container/checkpoint/names.h"
#include "kernel/mountfd.h"
#include "kernel/resolve.h"
#include "kernel/syscalls.h"

void restore_belows_clear(struct restore_belows *belows)
{
	for (size_t i = 0; i < belows->count; i++) {
		free(belows->items[i].source);
		free(belows->items[i].rest);
		fd_close(belows->items[i].fd);
	}
	free(belows->items);
	*belows = (struct restore_belows){0};
}

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

/* The bind of the configuration that a path is on or below, the nearest; or NULL. */
static const struct oci_mount *restore_find_bind(const struct oci_config *config, const char *path)
{
	const struct oci_mount *found = NULL;

	for (size_t i = 0; i < config->mounts.count; i++) {
		const struct oci_mount *mount = &config->mounts.items[i];

		if (checkpoint_is_bind(mount) && path_is_below(path, mount->destination) &&
		    (!found || strlen(mount->destination) > strlen(found->destination)))
			found = mount;
	}
	return found;
}

/* Without links: what is below a bind is the container's, and others' who share it. */
static int restore_open_below(const struct restore_below *below, struct error *err)
{
	bool whole = !below->rest[0];
	auto_close int source = open(below->source, O_PATH | (whole ? 0 : O_DIRECTORY) | O_CLOEXEC);
	int fd;

	if (source >= 0 && whole)
		return fd_take(&source);
	if (source < 0)
		return error_errno(err, errno, "open %s", below->source);
	fd = resolve_open_plain(source, below->rest, O_PATH);
	return fd < 0 ? error_errno(err, -fd, "open %s%s", below->source, below->rest) : fd;
}

/* Takes both strings over, also when it fails. */
static int restore_add_below(struct restore_belows *belows, char *source, char *rest)
{
	struct restore_below *items =
		reallocarray(belows->items, belows->count + 1, sizeof(*items));

	if (items)
		belows->items = items;
	if (!items || !source || !rest) {
		free(source);
		free(rest);
		return -ENOMEM;
	}
	items[belows->count].source = source;
	items[belows->count].rest = rest;
	items[belows->count].fd = -EBADF;
	belows->count++;
	return 0;
}

/* A thing of the host by its path, or as it can be reached. */
static int restore_put_path(const struct restore_mounts *mounts, const char *name,
			    const char *source, struct text *options, struct restore_belows *belows,
			    struct error *err)
{
	char path[PATH_MAX];
	int r;

	if (!mounts->all) {
		checkpoint_put_external(options, name, source);
		return 0;
	}
	r = restore_add_below(belows, strdup(source), strdup(""));
	if (r < 0)
		return error_errno(err, -r, "mounts");
	r = restore_open_below(&belows->items[belows->count - 1], err);
	if (r < 0)
		return r;
	fd_close(r);
	if (snprintf(path, sizeof(path), "%s/%zu", mounts->place, belows->count - 1) >=
	    (int)sizeof(path))
		return error_errno(err, ENAMETOOLONG, "mount %s", name);
	checkpoint_put_external(options, name, path);
	return 0;
}

/* The host's node of that path, if it is the device that the container is to have there. */
static int restore_put_device(const struct restore_mounts *mounts, const char *name,
			      struct text *options, struct restore_belows *belows,
			      struct error *err)
{
	const struct devices_node *node = checkpoint_find_device(mounts->devices, name);
	auto_close int fd = -EBADF;
	struct stat st;

	if (!node)
		return error_set(err, EINVAL,
				 "the images have a mount %s of the host, which the configuration "
				 "does not have",
				 name);
	fd = open(name, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, errno, "open the host's device %s", name);
	if ((node->type == 'b' ? !S_ISBLK(st.st_mode) : !S_ISCHR(st.st_mode)) ||
	    st.st_rdev != makedev(node->major, node->minor))
		return error_set(err, ENODEV, "%s of this host is not the device %u:%u", name,
				 node->major, node->minor);
	return restore_put_path(mounts, name, name, options, belows, err);
}

static int restore_put_below(const struct restore_mounts *mounts, const struct oci_mount *bind,
			     const char *name, struct text *options, struct restore_belows *belows,
			     struct error *err)
{
	const char *rest = name + strlen(bind->destination);
	char path[PATH_MAX];
	int fd, r;

	if (restore_source(bind, mounts->bundle, path) < 0)
		return error_errno(err, EINVAL, "mount %s", name);
	r = restore_add_below(belows, strdup(path), strdup(rest));
	if (r < 0)
		return error_errno(err, -r, "mounts");
	/* Now, because criu's process has no words. */
	fd = restore_open_below(&belows->items[belows->count - 1], err);
	if (fd < 0)
		return fd;
	fd_close(fd);
	if (snprintf(path, sizeof(path), "%s/%zu", mounts->place, belows->count - 1) >=
	    (int)sizeof(path))
		return error_errno(err, ENAMETOOLONG, "mount %s", name);
	checkpoint_put_external(options, name, path);
	return 0;
}

/* A name that the configuration does not have: below one of its binds, or a device. */
static int restore_put_name(const struct restore_mounts *mounts, const char *name,
			    struct text *options, struct restore_belows *belows, struct error *err)
{
	const struct oci_mount *bind;
	char clean[PATH_MAX];

	for (size_t i = 0; i < mounts->config->mounts.count; i++)
		if (checkpoint_is_bind(&mounts->config->mounts.items[i]) &&
		    strcmp(name, mounts->config->mounts.items[i].destination) == 0)
			return 0;
	if (name[0] != '/' || path_clean(name, clean, sizeof(clean)) < 0 ||
	    strcmp(clean, name) != 0)
		return error_set(err, EBADMSG, "the images have a mount of the odd name %s", name);
	if (strcmp(name, CHECKPOINT_NULL) == 0)
		return restore_put_path(mounts, name, name, options, belows, err);
	bind = restore_find_bind(mounts->config, name);
	return bind ? restore_put_below(mounts, bind, name, options, belows, err)
		    : restore_put_device(mounts, name, options, belows, err);
}

static int restore_put_names(const struct restore_mounts *mounts, struct text *options,
			     struct restore_belows *belows, struct error *err)
{
	struct checkpoint_names list = {0};
	int r = checkpoint_names_parse(mounts->names, &list);

	if (r < 0)
		return error_errno(err, -r, "read the names of mounts in the images");
	for (size_t i = 0; r == 0 && i < list.list.count; i++)
		r = restore_put_name(mounts, list.list.items[i], options, belows, err);
	checkpoint_names_clear(&list);
	return r;
}

/* Images of another runtime: what masks files, and devices. */
static void restore_put_usual(const struct oci_config *config, struct text *options)
{
	checkpoint_put_external(options, CHECKPOINT_NULL, CHECKPOINT_NULL);
	for (size_t i = 0; config->linux && i < config->linux->devices.count; i++)
		checkpoint_put_external(options, config->linux->devices.items[i].path,
					config->linux->devices.items[i].path);
}

/* What checkpoint calls a mount of type cgroup is the cgroup of now. */
static int restore_put_cgroup(const struct restore_mounts *mounts, const struct oci_mount *mount,
			      struct text *options, struct restore_belows *belows,
			      struct error *err)
{
	char name[PATH_MAX];
	int r = 0;

	if (!checkpoint_is_cgroup(mount, mounts->cgroup))
		return 0;
	if (mounts->cgroup)
		return restore_put_path(mounts, mount->destination, mounts->cgroup, options, belows,
					err);
	for (size_t i = 0; r == 0 && i < mounts->hierarchy_count; i++) {
		const struct mounts_hierarchy *hierarchy = &mounts->hierarchies[i];

		if (snprintf(name, sizeof(name), "%s/%s", mount->destination, hierarchy->name) >=
		    (int)sizeof(name))
			return error_errno(err, ENAMETOOLONG, "hierarchy %s", hierarchy->name);
		r = restore_put_path(mounts, name, hierarchy->path, options, belows, err);
	}
	return r;
}

static int restore_put_bind(const struct restore_mounts *mounts, const struct oci_mount *mount,
			    struct text *options, struct restore_belows *belows, struct error *err)
{
	char path[PATH_MAX];

	if (restore_source(mount, mounts->bundle, path) < 0)
		return error_errno(err, EINVAL, "the source of a bind mount");
	return restore_put_path(mounts, mount->destination, path, options, belows, err);
}

int restore_put_mounts(const struct restore_mounts *mounts, struct text *options,
		       struct restore_belows *ret_belows, struct error *err)
{
	const struct oci_config *config = mounts->config;
	struct restore_belows belows = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < config->mounts.count; i++) {
		const struct oci_mount *mount = &config->mounts.items[i];

		r = checkpoint_is_bind(mount)
			    ? restore_put_bind(mounts, mount, options, &belows, err)
			    : restore_put_cgroup(mounts, mount, options, &belows, err);
		if (r < 0)
			error_at(err, "mounts[%zu]%s", i,
				 checkpoint_is_bind(mount) ? ".source" : "");
	}
	if (r == 0 && mounts->names)
		r = restore_put_names(mounts, options, &belows, err);
	else if (r == 0)
		restore_put_usual(config, options);
	if (r < 0)
		restore_belows_clear(&belows);
	else
		*ret_belows = belows;
	return r;
}

/* 0: not there, or the configuration has none of this destination. */
static uint64_t restore_source_mount(const struct restore_mounts *mounts, const char *destination,
				     const char *source)
{
	for (size_t i = 0; i < mounts->config->mounts.count; i++) {
		const struct oci_mount *mount = &mounts->config->mounts.items[i];
		char path[PATH_MAX];
		struct sys_statx st;

		if (!checkpoint_is_bind(mount) || strcmp(mount->destination, destination) != 0)
			continue;
		if (!mount->source || strcmp(mount->source, source) != 0 ||
		    restore_source(mount, mounts->bundle, path) < 0 ||
		    sys_statx(AT_FDCWD, path, 0, SYS_STATX_MNT_ID, &st) < 0)
			return 0;
		return st.mnt_id;
	}
	return 0;
}

bool restore_is_moved(const struct restore_mounts *mounts, const struct checkpoint_names *slaves)
{
	char *const *items = slaves->list.items;

	for (size_t i = 0; i + 2 < slaves->list.count; i += 3)
		for (size_t j = i + 3; j + 2 < slaves->list.count; j += 3) {
			uint64_t one, other;

			if (strcmp(items[i], items[j]) != 0)
				continue;
			one = restore_source_mount(mounts, items[i + 1], items[i + 2]);
			other = restore_source_mount(mounts, items[j + 1], items[j + 2]);
			if (one == 0 || one != other)
				return true;
		}
	return false;
}

int restore_open_belows(struct restore_belows *belows, struct error *err)
{
	for (size_t i = 0; i < belows->count; i++) {
		int fd = restore_open_below(&belows->items[i], err);

		if (fd < 0)
			return fd;
		belows->items[i].fd = fd;
	}
	return 0;
}

static int restore_attach_below(const struct restore_below *below, size_t index, int place,
				struct error *err)
{
	auto_close int mount = -EBADF, target = -EBADF;
	struct stat st;
	char name[24];
	int r;

	(void)snprintf(name, sizeof(name), "%zu", index);
	if (fstat(below->fd, &st) < 0 ||
	    (S_ISDIR(st.st_mode) ? mkdirat(place, name, 0700)
				 : mknodat(place, name, S_IFREG | 0600, 0)) < 0)
		return error_errno(err, errno, "make a mount point for %s%s", below->source,
				   below->rest);
	target = openat(place, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	r = target < 0 ? -errno : mountfd_clone(below->fd, "", false, false, &mount, err);
	if (r == 0)
		r = mountfd_attach(mount, target);
	return r < 0 ? error_errno(err, -r, "mount %s%s", below->source, below->rest) : 0;
}

int restore_attach_belows(const struct restore_belows *belows, const char *place, struct error *err)
{
	const struct mountfd_filesystem tmpfs = {.type = "tmpfs"};
	auto_close int mount = -EBADF, target = -EBADF;
	int r;

	if (belows->count == 0)
		return 0;
	r = mountfd_create(&tmpfs, &mount, err);
	if (r < 0)
		return r;
	target = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = target < 0 ? -errno : mountfd_attach(mount, target);
	if (r < 0)
		return error_errno(err, -r, "mount a tmpfs on %s", place);
	for (size_t i = 0; r == 0 && i < belows->count; i++)
		r = restore_attach_below(&belows->items[i], i, mount, err);
	return r;
}
