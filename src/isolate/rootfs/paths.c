/* SPDX-License-Identifier: Apache-2.0 */
/* linux.readonlyPaths and linux.maskedPaths. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/fd.h"
#include "isolate/rootfs/rootfs.h"
#include "kernel/mountfd.h"
#include "kernel/resolve.h"
#include "kernel/syscalls.h"

/*
 * What covers files, and what covers directories. One mount each: the first use attaches it, and
 * only then can more be cloned from it (before Linux 6.15 a detached mount cannot be cloned).
 */
struct rootfs_masks {
	int null, directory;
	bool null_used, directory_used;
	dev_t directory_device;
	const char *label;
};

/* One tmpfs for all: each is a superblock with per-CPU counters, and hosts run many containers. */
static int rootfs_open_mask(struct rootfs_masks *masks, struct error *err)
{
	struct mountfd_option options[] = {
		{"nr_blocks", "1"}, {"nr_inodes", "1"}, {"context", masks->label}};
	struct mountfd_filesystem filesystem = {
		.type = "tmpfs",
		.source = "tmpfs",
		.options = options,
		.option_count = masks->label ? 3 : 2,
		.attributes = MOUNT_ATTR_RDONLY,
	};
	struct stat st;
	int r;

	r = mountfd_create(&filesystem, &masks->directory, err);
	if (r < 0)
		return r;
	if (fstat(masks->directory, &st) < 0)
		return error_errno(err, errno, "look at the mask");
	masks->directory_device = st.st_dev;
	return 0;
}

static int rootfs_cover(int mount, bool *used, int target, struct error *err)
{
	auto_close int clone = -EBADF;
	int r;

	if (*used) {
		r = mountfd_clone(mount, "", false, false, &clone, err);
		if (r < 0)
			return r;
	}
	r = mountfd_attach(*used ? clone : mount, target);
	if (r < 0)
		return error_errno(err, -r, "cover");
	*used = true;
	return 0;
}

static int rootfs_mask(struct rootfs_masks *masks, int root, const char *path, struct error *err)
{
	auto_close int target = resolve_open(root, path, O_PATH);
	struct stat st;
	int r;

	if (target == -ENOENT || target == -ENOTDIR)
		return 0;
	if (target < 0)
		return error_errno(err, -target, "open");
	if (fstat(target, &st) < 0)
		return error_errno(err, errno, "look at it");
	if (!S_ISDIR(st.st_mode)) {
		/* Already the null device: named twice, or nothing to hide. */
		if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
			return 0;
		return rootfs_cover(masks->null, &masks->null_used, target, err);
	}
	if (masks->directory < 0) {
		r = rootfs_open_mask(masks, err);
		if (r < 0)
			return r;
	}
	if (st.st_dev == masks->directory_device)
		return 0;
	return rootfs_cover(masks->directory, &masks->directory_used, target, err);
}

static int rootfs_mask_paths(const struct rootfs_plan *plan, int root, int null, struct error *err)
{
	struct rootfs_masks masks = {.null = null, .directory = -EBADF, .label = plan->label};
	/* Or the container's root could change the mode of the host's node through a mask. */
	struct mountfd_change readonly = {.set = MOUNT_ATTR_RDONLY};
	int r = 0;

	if (plan->masked_paths.count == 0)
		return 0;
	r = mountfd_change(null, &readonly);
	if (r < 0)
		return error_errno(err, -r, "make the null device's mount read-only");
	for (size_t i = 0; i < plan->masked_paths.count && r == 0; i++) {
		const char *path = plan->masked_paths.items[i];

		r = rootfs_mask(&masks, root, path, err);
		if (r < 0) {
			error_wrap(err, "mask %s", path);
			error_at(err, "linux.maskedPaths[%zu]", i);
		}
	}
	fd_close(masks.directory);
	return r;
}

static int rootfs_protect(int root, const char *path, struct error *err)
{
	struct mountfd_change readonly = {.set = MOUNT_ATTR_RDONLY, .recursive = true};
	auto_close int target = resolve_open(root, path, O_PATH);
	auto_close int clone = -EBADF;
	int r;

	if (target == -ENOENT || target == -ENOTDIR)
		return 0;
	if (target < 0)
		return error_errno(err, -target, "open");
	r = mountfd_clone(target, "", true, false, &clone, err);
	if (r < 0)
		return r;
	r = mountfd_change(clone, &readonly);
	if (r < 0)
		return error_errno(err, -r, "set the mount read-only");
	r = mountfd_attach(clone, target);
	if (r < 0)
		return error_errno(err, -r, "attach");
	return 0;
}

int rootfs_protect_paths(const struct rootfs_plan *plan, int root, int null, struct error *err)
{
	/* Only now, for nothing can be cloned from what is unbindable. */
	struct mountfd_change unbindable = {
		.propagation = plan->propagation & MS_UNBINDABLE,
		.recursive = plan->propagation & MS_REC,
	};
	int r;

	for (size_t i = 0; i < plan->readonly_paths.count; i++) {
		const char *path = plan->readonly_paths.items[i];

		if (rootfs_protect(root, path, err) < 0) {
			error_wrap(err, "make %s read-only", path);
			return error_at(err, "linux.readonlyPaths[%zu]", i);
		}
	}
	r = rootfs_mask_paths(plan, root, null, err);
	if (r < 0)
		return r;
	r = mountfd_change(root, &unbindable);
	if (r < 0) {
		error_errno(err, -r, "set propagation of the root filesystem");
		return error_at(err, "linux.rootfsPropagation");
	}
	return 0;
}

int rootfs_reapply_masks(const struct rootfs_plan *plan, int root, struct error *err)
{
	struct mountfd_change readonly = {.set = MOUNT_ATTR_RDONLY};

	for (size_t i = 0; i < plan->masked_paths.count; i++) {
		const char *path = plan->masked_paths.items[i];
		auto_close int fd = resolve_open(root, path, O_PATH);
		int r;

		/* What was not there was not masked. */
		if (fd == -ENOENT || fd == -ENOTDIR)
			continue;
		r = fd < 0 ? fd : mountfd_change(fd, &readonly);
		/* It lies in a masked directory, and is no mount. */
		if (r == -EINVAL)
			continue;
		if (r < 0) {
			error_errno(err, -r, "mask %s", path);
			return error_at(err, "linux.maskedPaths[%zu]", i);
		}
	}
	return 0;
}
