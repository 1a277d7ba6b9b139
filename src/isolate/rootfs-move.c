/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/rootfs-move.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/path.h"
#include "kernel/mountfd.h"
#include "kernel/syscalls.h"

#define ROOTFS_MOUNTINFO_MAX (64u << 20)

/* Blanks and backslashes in paths are written as \040, in place. */
static void rootfs_unescape(char *text)
{
	char *out = text;

	while (*text) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' &&
		    text[2] <= '7' && text[3] >= '0' && text[3] <= '7') {
			*out++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 |
					(text[3] - '0'));
			text += 4;
		} else {
			*out++ = *text++;
		}
	}
	*out = '\0';
}

int rootfs_mountinfo_parse(char *line, struct rootfs_mountinfo *ret_mount)
{
	struct rootfs_mountinfo mount = {0};
	char *rest = line, *word;

	/* id parent major:minor root POINT options [tags...] - TYPE source options */
	for (int i = 0; i < 5; i++) {
		word = strsep(&rest, " ");
		if (!word || !rest)
			return -EINVAL;
	}
	mount.point = word;
	while ((word = strsep(&rest, " ")) && strcmp(word, "-") != 0)
		;
	mount.type = strsep(&rest, " ");
	if (!mount.type)
		return -EINVAL;
	rootfs_unescape(mount.point);
	*ret_mount = mount;
	return 0;
}

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
	char *rest, *line;
	size_t length;
	int r;

	if (!real)
		return error_errno(err, errno, "resolve %s", path);
	r = fd < 0 ? -errno : io_read_all(fd, ROOTFS_MOUNTINFO_MAX, &text, &length);
	if (r < 0)
		return error_errno(err, -r, "read /proc/self/mountinfo");
	for (rest = text; (line = strsep(&rest, "\n"));) {
		struct rootfs_mountinfo mount;

		if (line[0] == '\0' || rootfs_mountinfo_parse(line, &mount) < 0)
			continue;
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
