/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/rootfs/move.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/mountinfo.h"
#include "kernel/mountfd.h"
#include "kernel/syscalls.h"

/* In a user namespace the mounts of the host are locked together and can only be covered. */
static int rootfs_hide(const char *point, struct error *err)
{
	struct mountfd_filesystem empty = {
		.type = "tmpfs",
		.source = "tmpfs",
		.attributes = MOUNT_ATTR_RDONLY,
	};
	auto_close int fd = -EBADF, target = -EBADF;
	int r;

	r = sys_umount2(point, MNT_DETACH);
	if (r == 0)
		return 0;
	if (r != -EINVAL && r != -EPERM)
		return error_errno(err, -r, "unmount %s of the host", point);
	target = open(point, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (target < 0 && (errno == ENOENT || errno == ENOTDIR)) /* covered by another mount */
		return 0;
	if (target < 0)
		return error_errno(err, errno, "open %s of the host", point);
	r = mountfd_create(&empty, &fd, err);
	if (r < 0)
		return r;
	r = mountfd_attach(fd, target);
	if (r < 0)
		return error_errno(err, -r, "cover %s of the host", point);
	return 0;
}

/* All mounts of a text. */
struct rootfs_mounts {
	struct mountinfo *items;
	size_t count;
};

static int rootfs_list(char *text, struct rootfs_mounts *ret_mounts)
{
	struct rootfs_mounts mounts = {.count = 0};
	size_t lines = 1;

	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	mounts.items = calloc(lines, sizeof(*mounts.items));
	if (!mounts.items)
		return -ENOMEM;
	while (mounts.count < lines && mountinfo_next(&text, &mounts.items[mounts.count]))
		mounts.count++;
	*ret_mounts = mounts;
	return 0;
}

/* By what is mounted on what, and not by the paths: names can be exchanged at any moment. */
static bool rootfs_is_below(const struct rootfs_mounts *mounts, const struct mountinfo *mount,
			    uint32_t root)
{
	uint32_t id = mount->parent;

	for (size_t depth = 0; depth < mounts->count && id != root; depth++) {
		size_t i = 0;

		while (i < mounts->count && mounts->items[i].id != id)
			i++;
		if (i == mounts->count)
			return false;
		id = mounts->items[i].parent;
	}
	return id == root;
}

static int rootfs_hide_all(const struct rootfs_mounts *mounts, int root, struct error *err)
{
	/* The number that mountinfo has, which is not the unique one of Linux 6.8. */
	struct sys_statx st;
	int found = sys_statx(root, "", AT_EMPTY_PATH, SYS_STATX_MNT_ID, &st);

	if (found < 0)
		return error_errno(err, -found, "look at the root filesystem");
	for (size_t i = 0; i < mounts->count; i++) {
		const struct mountinfo *mount = &mounts->items[i];
		int r;

		if (strcmp(mount->type, "proc") != 0 && strcmp(mount->type, "sysfs") != 0)
			continue;
		if (rootfs_is_below(mounts, mount, (uint32_t)st.mnt_id))
			continue;
		r = rootfs_hide(mount->point, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int rootfs_move(int root, struct error *err)
{
	auto_close int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC), target = -EBADF;
	auto_free char *text = NULL;
	struct rootfs_mounts mounts = {.count = 0};
	size_t length;
	int r;

	r = fd < 0 ? -errno : io_read_all(fd, MOUNTINFO_MAX, &text, &length);
	if (r == 0 && text)
		r = rootfs_list(text, &mounts);
	if (r < 0)
		return error_errno(err, -r, "read /proc/self/mountinfo");
	r = rootfs_hide_all(&mounts, root, err);
	free(mounts.items);
	if (r < 0)
		return r;
	target = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (target < 0)
		return error_errno(err, errno, "open /");
	r = mountfd_attach(root, target);
	if (r < 0)
		return error_errno(err, -r, "move the root filesystem to /");
	return 0;
}
