/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/nsfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/fd.h"
#include "kernel/procfs.h"
#include "kernel/syscalls.h"

uint64_t nsfs_type(int fd)
{
	struct statfs fs;
	int type;

	/* Asked first: on some other device the number of the ioctl could mean anything. */
	if (fstatfs(fd, &fs) < 0 || fs.f_type != NSFS_MAGIC)
		return 0;
	type = ioctl(fd, NS_GET_NSTYPE);
	return type < 0 ? 0 : (uint64_t)type;
}

int nsfs_open_owner(int fd)
{
	int owner = ioctl(fd, NS_GET_USERNS); /* close-on-exec */

	return owner < 0 ? -errno : owner;
}

/* PIDFD_GET_*_NAMESPACE of linux/pidfd.h, Linux 6.11. */
static unsigned int nsfs_pidfd_command(uint64_t type)
{
	switch (type) {
	case CLONE_NEWCGROUP:
		return _IO(0xFF, 1);
	case CLONE_NEWIPC:
		return _IO(0xFF, 2);
	case CLONE_NEWNS:
		return _IO(0xFF, 3);
	case CLONE_NEWNET:
		return _IO(0xFF, 4);
	case CLONE_NEWPID:
		return _IO(0xFF, 5);
	case CLONE_NEWTIME:
		return _IO(0xFF, 7);
	case CLONE_NEWUSER:
		return _IO(0xFF, 9);
	case CLONE_NEWUTS:
		return _IO(0xFF, 10);
	default:
		return 0;
	}
}

int nsfs_open_of(int pidfd, uint64_t type)
{
	int fd = ioctl(pidfd, nsfs_pidfd_command(type), 0); /* close-on-exec */

	return fd < 0 ? -errno : fd;
}

bool nsfs_is_same(int a, int b)
{
	struct stat st_a, st_b;

	return fstat(a, &st_a) == 0 && fstat(b, &st_b) == 0 && st_a.st_dev == st_b.st_dev &&
	       st_a.st_ino == st_b.st_ino;
}

const char *nsfs_name(uint64_t type)
{
	switch (type) {
	case CLONE_NEWCGROUP:
		return "cgroup";
	case CLONE_NEWIPC:
		return "ipc";
	case CLONE_NEWNET:
		return "net";
	case CLONE_NEWNS:
		return "mnt";
	case CLONE_NEWPID:
		return "pid";
	case CLONE_NEWTIME:
		return "time";
	case CLONE_NEWUSER:
		return "user";
	case CLONE_NEWUTS:
		return "uts";
	default:
		return NULL;
	}
}

bool nsfs_is_own(int fd, uint64_t type)
{
	struct stat theirs, own;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", nsfs_name(type));
	return fstat(fd, &theirs) == 0 && stat(path, &own) == 0 && theirs.st_dev == own.st_dev &&
	       theirs.st_ino == own.st_ino;
}

/* PROC_USER_INIT_INO of linux/proc_ns.h. A kernel without user namespaces has no such file. */
bool nsfs_is_initial_user(void)
{
	struct stat st;

	return stat("/proc/self/ns/user", &st) < 0 || st.st_ino == 0xEFFFFFFDU;
}

int nsfs_open(int procfs, const char *directory, const char *name, uint64_t type)
{
	auto_close int parent = procfs_openat(procfs, directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_close int fd = -EBADF;

	if (parent < 0)
		return parent;
	fd = openat(parent, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (nsfs_type(fd) != type)
		return -EINVAL;
	return fd_take(&fd);
}
