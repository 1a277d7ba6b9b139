/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that libc has no wrapper for (glibc 2.35 is the oldest we build with), and the
 * constants that kernel headers of that age lack.
 *
 * Each returns what the kernel returns, or a negative errno: no -1, no errno.
 * Sources: the man page of the same name; numbers are common to all architectures from 424 on.
 */
#ifndef KERNEL_SYSCALLS_H
#define KERNEL_SYSCALLS_H

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#ifndef __NR_open_tree_attr
#define __NR_open_tree_attr 467
#endif
#ifndef __NR_statmount
#define __NR_statmount 457
#endif
#ifndef __NR_listmount
#define __NR_listmount 458
#endif
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif
#ifndef MNT_DETACH /* <sys/mount.h> of glibc 2.36 cannot be included beside <linux/mount.h> */
#define MNT_DETACH 2
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif
#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif
/* uapi/linux/magic.h values that are missing in old headers */
#ifndef PID_FS_MAGIC
#define PID_FS_MAGIC 0x50494446
#endif

/* struct clone_args as of Linux 5.7, with cgroup. */
struct sys_clone_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	uint64_t set_tid, set_tid_size, cgroup;
};

pid_t sys_clone3(struct sys_clone_args *args);
/* As fork(2), by clone(2): `flags` with CLONE_PIDFD, of 32 bits, and the signal at its end. */
pid_t sys_clone(uint64_t flags, int *ret_pidfd);
int sys_openat2(int dirfd, const char *path, uint64_t flags, mode_t mode, uint64_t resolve);
int sys_fsopen(const char *type); /* FSOPEN_CLOEXEC */
int sys_fsconfig(int fd, unsigned int command, const char *key, const void *value, int aux);
int sys_fsmount(int fd, unsigned int attributes);		    /* FSMOUNT_CLOEXEC */
int sys_open_tree(int dirfd, const char *path, unsigned int flags); /* OPEN_TREE_CLOEXEC added */
/* open_tree_attr(2), Linux 6.15: clones and sets attributes in one step; -ENOSYS before. */
int sys_open_tree_attr(int dirfd, const char *path, unsigned int flags, struct mount_attr *attr);
int sys_move_mount(int from_fd, const char *from, int to_fd, const char *to, unsigned int flags);
int sys_mount_setattr(int dirfd, const char *path, unsigned int flags, struct mount_attr *attr);
int sys_fspick(int dirfd, const char *path, unsigned int flags); /* FSPICK_CLOEXEC added */
/* mount(2), declared by <sys/mount.h>, which clashes with <linux/mount.h>. */
int sys_mount(const char *source, const char *target, const char *type, unsigned long flags,
	      const char *data);
int sys_umount2(const char *path, int flags);
int sys_pivot_root(const char *new_root, const char *put_old);
int sys_pidfd_open(pid_t pid, unsigned int flags);
int sys_pidfd_send_signal(int pidfd, int signal, siginfo_t *info, unsigned int flags);
int sys_pidfd_getfd(int pidfd, int target, unsigned int flags);

/* struct statx of <linux/stat.h> as of Linux 5.8, and its masks: C libraries have an older one, or
 * none. */
struct sys_statx_time {
	int64_t sec;
	uint32_t nsec;
	int32_t spare;
};
struct sys_statx {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, spare0;
	uint64_t ino, size, blocks, attributes_mask;
	struct sys_statx_time atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t mnt_id;
	uint64_t spare[13];
};
_Static_assert(sizeof(struct sys_statx) == 256, "what the kernel writes");
#define SYS_STATX_INO		0x0100u
#define SYS_STATX_BASIC_STATS	0x07ffu
#define SYS_STATX_MNT_ID	0x1000u
#define SYS_STATX_MNT_ID_UNIQUE 0x4000u /* Linux 6.8 */
int sys_statx(int dirfd, const char *path, int flags, unsigned int mask, struct sys_statx *stx);

/* struct mnt_id_req and struct statmount of <linux/mount.h> as of Linux 6.11, and their masks. */
struct sys_mnt_id_req {
	uint32_t size, spare;
	uint64_t mnt_id, param;
};
#define SYS_STATMOUNT_SB_BASIC	0x01u
#define SYS_STATMOUNT_MNT_BASIC 0x02u
#define SYS_STATMOUNT_MNT_ROOT	0x08u
#define SYS_STATMOUNT_MNT_POINT 0x10u
#define SYS_STATMOUNT_FS_TYPE	0x20u
#define SYS_STATMOUNT_MNT_OPTS	0x80u /* Linux 6.11 */
struct sys_statmount {
	uint32_t size, mnt_opts; /* words are offsets behind the struct */
	uint64_t mask;
	uint32_t sb_dev_major, sb_dev_minor;
	uint64_t sb_magic;
	uint32_t sb_flags, fs_type;
	uint64_t mnt_id, mnt_parent_id;
	uint32_t mnt_id_old, mnt_parent_id_old;
	uint64_t mnt_attr, mnt_propagation, mnt_peer_group, mnt_master, propagate_from;
	uint32_t mnt_root, mnt_point;
	uint64_t spare[50];
};
_Static_assert(sizeof(struct sys_statmount) == 512, "the words begin there");
/* Linux 6.8; -ENOSYS before. The latter returns how many ids there are, at most `count`. */
int sys_statmount(const struct sys_mnt_id_req *request, struct sys_statmount *mount, size_t size);
int sys_listmount(const struct sys_mnt_id_req *request, uint64_t *ids, size_t count);

#endif
