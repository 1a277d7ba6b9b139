/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/syscalls.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

static long sys_result(long value)
{
	return value < 0 ? -errno : value;
}

pid_t sys_clone3(struct sys_clone_args *args)
{
	return (pid_t)sys_result(syscall(SYS_clone3, args, sizeof(*args)));
}

/* The stack comes first on some machines: clone(2). */
#ifdef __s390x__
#define SYS_CLONE(flags, pidfd) syscall(SYS_clone, NULL, flags, pidfd, NULL, NULL)
#else
#define SYS_CLONE(flags, pidfd) syscall(SYS_clone, flags, NULL, pidfd, NULL, NULL)
#endif

pid_t sys_clone(uint64_t flags, int *ret_pidfd)
{
	return (pid_t)sys_result(SYS_CLONE(flags, ret_pidfd));
}

int sys_openat2(int dirfd, const char *path, uint64_t flags, mode_t mode, uint64_t resolve)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.mode = mode,
		.resolve = resolve,
	};

	return (int)sys_result(syscall(SYS_openat2, dirfd, path, &how, sizeof(how)));
}

int sys_fsopen(const char *type)
{
	return (int)sys_result(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC));
}

int sys_fsconfig(int fd, unsigned int command, const char *key, const void *value, int aux)
{
	return (int)sys_result(syscall(SYS_fsconfig, fd, command, key, value, aux));
}

int sys_fsmount(int fd, unsigned int attributes)
{
	return (int)sys_result(syscall(SYS_fsmount, fd, FSMOUNT_CLOEXEC, attributes));
}

int sys_open_tree(int dirfd, const char *path, unsigned int flags)
{
	return (int)sys_result(syscall(SYS_open_tree, dirfd, path, flags | OPEN_TREE_CLOEXEC));
}

int sys_open_tree_attr(int dirfd, const char *path, unsigned int flags, struct mount_attr *attr)
{
	return (int)sys_result(syscall(__NR_open_tree_attr, dirfd, path, flags | OPEN_TREE_CLOEXEC,
				       attr, sizeof(*attr)));
}

int sys_move_mount(int from_fd, const char *from, int to_fd, const char *to, unsigned int flags)
{
	return (int)sys_result(syscall(SYS_move_mount, from_fd, from, to_fd, to, flags));
}

int sys_mount_setattr(int dirfd, const char *path, unsigned int flags, struct mount_attr *attr)
{
	return (int)sys_result(syscall(SYS_mount_setattr, dirfd, path, flags, attr, sizeof(*attr)));
}

int sys_fspick(int dirfd, const char *path, unsigned int flags)
{
	return (int)sys_result(syscall(SYS_fspick, dirfd, path, flags | FSPICK_CLOEXEC));
}

int sys_mount(const char *source, const char *target, const char *type, unsigned long flags,
	      const char *data)
{
	return (int)sys_result(syscall(SYS_mount, source, target, type, flags, data));
}

int sys_umount2(const char *path, int flags)
{
	return (int)sys_result(syscall(SYS_umount2, path, flags));
}

int sys_pivot_root(const char *new_root, const char *put_old)
{
	return (int)sys_result(syscall(SYS_pivot_root, new_root, put_old));
}

int sys_pidfd_open(pid_t pid, unsigned int flags)
{
	return (int)sys_result(syscall(SYS_pidfd_open, pid, flags));
}

int sys_pidfd_send_signal(int pidfd, int signal, siginfo_t *info, unsigned int flags)
{
	return (int)sys_result(syscall(SYS_pidfd_send_signal, pidfd, signal, info, flags));
}

int sys_pidfd_getfd(int pidfd, int target, unsigned int flags)
{
	return (int)sys_result(syscall(SYS_pidfd_getfd, pidfd, target, flags));
}

int sys_statx(int dirfd, const char *path, int flags, unsigned int mask, struct sys_statx *stx)
{
	return (int)sys_result(syscall(SYS_statx, dirfd, path, flags, mask, stx));
}

int sys_statmount(const struct sys_mnt_id_req *request, struct sys_statmount *mount, size_t size)
{
	return (int)sys_result(syscall(__NR_statmount, request, mount, size, 0));
}

int sys_listmount(const struct sys_mnt_id_req *request, uint64_t *ids, size_t count)
{
	return (int)sys_result(syscall(__NR_listmount, request, ids, count, 0));
}
