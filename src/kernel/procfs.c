/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/procfs.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/text.h"
#include "kernel/syscalls.h"

/* PROC_ROOT_INO of the kernel's include/linux/proc_fs.h: only the root of a procfs has it. */
#define PROCFS_ROOT_INODE 1

static bool procfs_is_root(int fd)
{
	struct statfs fs;
	struct stat st;

	return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC && fstat(fd, &st) == 0 &&
	       st.st_ino == PROCFS_ROOT_INODE;
}

/* A procfs of our own, of the pid namespace that the caller is in. */
static int procfs_new(void)
{
	auto_close int context = sys_fsopen("proc");
	int r;

	if (context < 0)
		return context;
	r = sys_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (r < 0)
		return r;
	return sys_fsmount(context, 0);
}

/* Whether something is mounted on a part that we write to, as in a container that is our host. */
static bool procfs_is_covered(int fd)
{
	auto_close int sysctl = procfs_openat(fd, "sys/kernel", O_PATH | O_DIRECTORY);
	auto_close int self = procfs_openat(fd, "self/attr", O_PATH | O_DIRECTORY);

	return sysctl == -EXDEV || self == -EXDEV;
}

/* The same without what is mounted on it. */
static int procfs_open_bare(void)
{
	int fd = sys_open_tree(AT_FDCWD, "/proc", OPEN_TREE_CLONE);

	/* EINVAL: submounts are locked to it, as in a nested container. EPERM: not our namespace.
	 */
	return fd < 0 ? procfs_new() : fd;
}

int procfs_open(int *ret_fd, struct error *err)
{
	auto_close int fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool root;

	if (fd < 0)
		return error_errno(err, errno, "open /proc");
	root = procfs_is_root(fd);
	if (root && procfs_is_covered(fd)) {
		int bare = procfs_open_bare();

		/* Not to be had by the unprivileged: what is covered fails with EXDEV. */
		if (bare >= 0) {
			fd_close(fd);
			fd = bare;
			root = procfs_is_root(fd);
		}
	}
	if (!root) {
		error_set(err, EINVAL, "/proc is not the root of a procfs");
		return error_hint(err, "mount -t proc proc /proc");
	}
	*ret_fd = fd_take(&fd);
	return 0;
}

int procfs_openat(int procfs, const char *path, int flags)
{
	char resolved[256];

	if (text_starts_with(path, "self/")) {
		/* The link names us in the numbers of this procfs, which getpid() may not know. */
		char pid[32];
		ssize_t length = readlinkat(procfs, "self", pid, sizeof(pid) - 1);

		if (length <= 0)
			return length < 0 ? -errno : -ESRCH;
		pid[length] = '\0';
		if (snprintf(resolved, sizeof(resolved), "%s%s", pid, path + 4) >=
		    (int)sizeof(resolved))
			return -ENAMETOOLONG;
		path = resolved;
	}
	/* openat2(2) takes no other flags beside O_PATH. */
	if (!(flags & O_PATH))
		flags |= O_NOCTTY;
	return sys_openat2(procfs, path, (uint64_t)(unsigned int)flags, 0,
			   RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
}

int procfs_write(int procfs, const char *path, const char *value)
{
	auto_close int fd = procfs_openat(procfs, path, O_WRONLY);
	size_t length = strlen(value);
	ssize_t n;

	if (fd < 0)
		return fd;
	do
		n = write(fd, value, length);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == length ? 0 : -EIO;
}

ssize_t procfs_read(int procfs, const char *path, char *buffer, size_t size)
{
	auto_close int fd = procfs_openat(procfs, path, O_RDONLY);

	return fd < 0 ? fd : io_read_small_fd(fd, buffer, size);
}
