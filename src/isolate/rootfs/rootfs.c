/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/rootfs/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "isolate/rootfs/move.h"
#include "kernel/mountfd.h"
#include "kernel/syscalls.h"

/* With these two, given to all mounts, nothing that is done here can reach the host. */
static bool rootfs_is_isolated(const struct rootfs_plan *plan)
{
	return plan->propagation == (MS_SLAVE | MS_REC) ||
	       plan->propagation == (MS_PRIVATE | MS_REC);
}

static int rootfs_plan_chroot(const struct oci_config *config, struct error *err)
{
	const struct oci_linux *linux_config = config->linux;

	if (config->root->readonly) {
		error_set(err, EINVAL, "a read-only root needs a mount namespace");
		return error_at(err, "root.readonly");
	}
	if (linux_config && linux_config->masked_paths.count > 0) {
		error_set(err, EINVAL, "masked paths need a mount namespace");
		return error_at(err, "linux.maskedPaths");
	}
	if (linux_config && linux_config->readonly_paths.count > 0) {
		error_set(err, EINVAL, "read-only paths need a mount namespace");
		return error_at(err, "linux.readonlyPaths");
	}
	if (linux_config && linux_config->rootfs_propagation != 0) {
		error_set(err, EINVAL, "a propagation needs a mount namespace");
		return error_at(err, "linux.rootfsPropagation");
	}
	return 0;
}

int rootfs_plan(const struct oci_config *config, const char *bundle, bool no_pivot,
		struct rootfs_plan *ret_plan, struct error *err)
{
	const struct oci_linux *linux_config = config->linux;
	struct rootfs_plan plan = {.no_pivot = no_pivot, .propagation = MS_SLAVE | MS_REC};
	char path[PATH_MAX];
	int r;

	if (!config->root || !config->root->path || config->root->path[0] == '\0') {
		error_set(err, EINVAL, "a container needs a root filesystem");
		return error_at(err, "root.path");
	}
	if (linux_config && linux_config->rootfs_propagation != 0)
		plan.propagation = linux_config->rootfs_propagation;
	for (size_t i = 0; linux_config && i < linux_config->namespaces.count; i++)
		if (linux_config->namespaces.items[i].type == CLONE_NEWNS)
			plan.mount_namespace = true;
	plan.host_tree = !plan.mount_namespace && config->mounts.count > 0;
	if (!plan.mount_namespace) {
		r = rootfs_plan_chroot(config, err);
		if (r < 0)
			return r;
	}
	if (no_pivot && (plan.propagation & MS_PRIVATE)) {
		error_set(err, EINVAL, "--no-pivot cannot be used with a private propagation");
		return error_at(err, "linux.rootfsPropagation");
	}
	if (config->root->path[0] == '/')
		r = snprintf(path, sizeof(path), "%s", config->root->path);
	else
		r = snprintf(path, sizeof(path), "%s/%s", bundle, config->root->path);
	if (r >= (int)sizeof(path)) {
		error_errno(err, ENAMETOOLONG, "the path of the root filesystem");
		return error_at(err, "root.path");
	}
	plan.path = strdup(path);
	if (!plan.path)
		return error_errno(err, ENOMEM, "root filesystem");
	plan.readonly = config->root->readonly;
	if (linux_config) {
		plan.masked_paths = linux_config->masked_paths;
		plan.readonly_paths = linux_config->readonly_paths;
		plan.label = linux_config->mount_label;
		if (plan.label && plan.label[0] == '\0')
			plan.label = NULL;
	}
	*ret_plan = plan;
	return 0;
}

void rootfs_plan_clear(struct rootfs_plan *plan)
{
	free(plan->path);
	*plan = (struct rootfs_plan){0};
}

/* The host's tree as the container sees it until rootfs_enter(). */
static int rootfs_set_propagation(const struct rootfs_plan *plan, struct error *err)
{
	struct mount_attr attr = {.propagation = plan->propagation & ~(unsigned long)MS_REC};
	int r;

	/* What is unbindable could not be cloned; rootfs_enter() makes the new root so. */
	if (attr.propagation == MS_UNBINDABLE)
		attr.propagation = MS_PRIVATE;
	r = sys_mount_setattr(AT_FDCWD, "/", plan->propagation & MS_REC ? AT_RECURSIVE : 0, &attr);
	if (r == -EINVAL) {
		error_set(err, EINVAL, "the runtime's own root directory is not a mount point");
		return error_hint(err, "a runtime cannot work in a chroot");
	}
	if (r < 0) {
		error_errno(err, -r, "set propagation of mounts");
		return error_at(err, "linux.rootfsPropagation");
	}
	return 0;
}

/*
 * The mount that holds `directory` must not be shared: the new root, attached there, would appear
 * on the host too, and pivot_root(2) refuses it. mount_setattr(2) takes the root of a mount only,
 * so go up until it does.
 */
static int rootfs_seclude_parent(const struct rootfs_plan *plan, int directory, struct error *err)
{
	struct mountfd_change change = {
		.propagation = plan->propagation & MS_SLAVE ? MS_SLAVE : MS_PRIVATE,
	};
	auto_close int fd = openat(directory, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (int depth = 0; fd >= 0 && depth < PATH_MAX; depth++) {
		int parent, r;

		r = mountfd_change(fd, &change);
		if (r == 0)
			return 0;
		if (r != -EINVAL)
			return error_errno(err, -r, "make the mount of %s private", plan->path);
		parent = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		fd_close(fd);
		fd = parent;
	}
	return error_errno(err, errno, "find the mount of %s", plan->path);
}

static int rootfs_clone(const struct rootfs_plan *plan, const struct sources *sources, int *ret_fd,
			struct error *err)
{
	struct sources_request request = {.path = plan->path, .recursive = true};
	struct mountfd_change private = {
		.propagation = plan->propagation & MS_SLAVE ? MS_SLAVE : MS_PRIVATE,
	};
	auto_close int fd = -EBADF;
	int r;

	r = sources_clone(sources, &request, &fd, err);
	if (r < 0)
		return error_at(err, "root.path");
	if (!rootfs_is_isolated(plan)) {
		r = mountfd_change(fd, &private);
		if (r < 0)
			return error_errno(err, -r, "make the root private");
	}
	*ret_fd = fd_take(&fd);
	return 0;
}

int rootfs_prepare(const struct rootfs_plan *plan, int *ret_fd, uint64_t *ret_mount,
		   struct error *err)
{
	const struct sources here = {.channel = -EBADF};
	struct sources_request request = {.path = plan->path, .recursive = true};
	struct mountfd_change private = {.propagation = MS_PRIVATE, .recursive = true};
	auto_close int fd = -EBADF;
	int r = sources_clone(&here, &request, &fd, err);

	if (r < 0)
		return error_at(err, "root.path");
	r = mountfd_change(fd, &private);
	if (r == 0)
		r = mountfd_identify(fd, ret_mount);
	if (r < 0)
		return error_errno(err, -r, "make the root private");
	*ret_fd = fd_take(&fd);
	return 0;
}

int rootfs_detach(const char *path, uint64_t mount, struct error *err)
{
	auto_close int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char link[64];
	uint64_t there = 0;
	int r;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	r = fd < 0 ? -errno : mountfd_identify(fd, &there);
	if (r < 0)
		return error_errno(err, -r, "look for the mounts on %s", path);
	if (there != mount)
		return 0;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	r = sys_umount2(link, MNT_DETACH);
	return r < 0 ? error_errno(err, -r, "detach the mounts on %s", path) : 0;
}

/* The path is resolved twice, by different processes where there is a user namespace: what is built
 * in one directory is not attached to another, that hooks would then take for the container's. */
static int rootfs_check_same(const struct rootfs_plan *plan, int target, int root,
			     struct error *err)
{
	struct stat there, here;

	if (fstat(target, &there) < 0 || fstat(root, &here) < 0)
		return error_errno(err, errno, "look at root filesystem %s", plan->path);
	if (there.st_dev == here.st_dev && there.st_ino == here.st_ino)
		return 0;
	error_set(err, EAGAIN, "%s was exchanged for another directory while it was opened",
		  plan->path);
	return error_at(err, "root.path");
}

int rootfs_attach(const struct rootfs_plan *plan, const struct sources *sources, int prepared,
		  int *ret_root, struct error *err)
{
	auto_close int target = open(plan->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_close int root = -EBADF;
	bool hidden = target < 0 && errno == EACCES && plan->mount_namespace;
	int r;

	if (hidden)
		target = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (target < 0) {
		error_errno(err, errno, "open root filesystem %s", plan->path);
		if (err->number == ENOENT)
			error_hint(err, "the container's files belong there");
		return error_at(err, "root.path");
	}
	if (!plan->mount_namespace && prepared < 0) {
		*ret_root = fd_take(&target);
		return 0;
	}
	if (!plan->mount_namespace) {
		r = mountfd_attach(prepared, target);
		if (r < 0)
			return error_errno(err, -r, "attach root filesystem %s", plan->path);
		*ret_root = prepared;
		return 0;
	}
	r = rootfs_set_propagation(plan, err);
	if (r < 0)
		return r;
	if (!rootfs_is_isolated(plan)) {
		r = rootfs_seclude_parent(plan, target, err);
		if (r < 0)
			return r;
	}
	r = rootfs_clone(plan, sources, &root, err);
	if (r == 0 && !hidden)
		r = rootfs_check_same(plan, target, root, err);
	if (r < 0)
		return r;
	r = mountfd_attach(root, target);
	if (r < 0) {
		error_errno(err, -r, "attach root filesystem %s", plan->path);
		return error_at(err, "root.path");
	}
	*ret_root = fd_take(&root);
	return 0;
}

/*
 * pivot_root(".", ".") puts the old root on top of the new one, where "." of umount2(2) finds it
 * (pivot_root(2), notes). No directory is needed for it, and the new root stays the cwd.
 */
static int rootfs_pivot(const struct rootfs_plan *plan, int root, struct error *err)
{
	struct mountfd_change slave = {.propagation = MS_SLAVE, .recursive = true};
	auto_close int old = -EBADF;
	int r;

	if (!rootfs_is_isolated(plan)) {
		old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (old < 0)
			return error_errno(err, errno, "open /");
	}
	if (fchdir(root) < 0)
		return error_errno(err, errno, "change to the root filesystem");
	r = sys_pivot_root(".", ".");
	if (r < 0) {
		error_errno(err, -r, "pivot_root");
		if (r == -EINVAL)
			error_hint(err, "a host that runs from a ramdisk needs --no-pivot");
		return r;
	}
	/* Or the host's mounts would be unmounted with ours. */
	if (old >= 0) {
		r = mountfd_change(old, &slave);
		if (r < 0)
			return error_errno(err, -r, "separate from the host's mounts");
	}
	r = sys_umount2(".", MNT_DETACH);
	if (r < 0)
		return error_errno(err, -r, "drop the host's root filesystem");
	return 0;
}

static int rootfs_chroot(int root, struct error *err)
{
	if (fchdir(root) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return error_errno(err, errno, "chroot into the root filesystem");
	return 0;
}

void rootfs_drop_too(const struct rootfs_plan *plan, int mount)
{
	/* Any file will do that is there and is a file: so is the mount's root. */
	if (mount >= 0 && plan->mount_namespace && !plan->no_pivot && rootfs_is_isolated(plan))
		(void)sys_move_mount(mount, "", AT_FDCWD, "/proc/version", MOVE_MOUNT_F_EMPTY_PATH);
}

int rootfs_enter(const struct rootfs_plan *plan, int root, struct error *err)
{
	struct mountfd_change change = {
		.propagation = plan->propagation & MS_SHARED,
		.recursive = plan->propagation & MS_REC,
	};
	int r;

	if (!plan->mount_namespace)
		return rootfs_chroot(root, err);
	if (plan->no_pivot) {
		r = rootfs_move(root, err);
		if (r == 0)
			r = rootfs_chroot(root, err);
	} else {
		r = rootfs_pivot(plan, root, err);
	}
	if (r < 0)
		return r;
	r = mountfd_change(root, &change);
	if (r < 0) {
		error_errno(err, -r, "set propagation of the root filesystem");
		return error_at(err, "linux.rootfsPropagation");
	}
	return 0;
}

int rootfs_make_readonly(const struct rootfs_plan *plan, int root, struct error *err)
{
	struct mountfd_change readonly = {.set = MOUNT_ATTR_RDONLY};
	int r;

	if (!plan->readonly)
		return 0;
	r = mountfd_change(root, &readonly);
	if (r < 0) {
		error_errno(err, -r, "make the root filesystem read-only");
		return error_at(err, "root.readonly");
	}
	return 0;
}
