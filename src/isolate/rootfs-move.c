/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/rootfs-move.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/mountinfo.h"
#include "base/path.h"
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

int rootfs_move(const char *path, int root, struct error *err)
{
	auto_close int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC), target = -EBADF;
	auto_free char *text = NULL, *real = realpath(path, NULL);
	struct mountinfo mount;
	size_t length;
	char *rest;
	int r;

	if (!real)
		return error_errno(err, errno, "resolve %s", path);
	r = fd < 0 ? -errno : io_read_all(fd, MOUNTINFO_MAX, &text, &length);
	if (r < 0)
		return error_errno(err, -r, "read /proc/self/mountinfo");
	for (rest = text; mountinfo_next(&rest, &mount);) {
		if (strcmp(mount.type, "proc") != 0 && strcmp(mount.type, "sysfs") != 0)
			continue;
		if (path_is_below(mount.point, real))
			continue;
		r = rootfs_hide(mount.point, err);
		if (r < 0)
			return r;
	}
	target = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (target < 0)
		return error_errno(err, errno, "open /");
	r = mountfd_attach(root, target);
	if (r < 0)
		return error_errno(err, -r, "move the root filesystem to /");
	return 0;
}
