/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes: making one, knowing it again, waiting for it with a deadline.
 *
 * A pid in a file is only a number. What we store is struct process_identity, and what we act on
 * is a pidfd whose process has been compared with it, so that no signal ever reaches a stranger.
 */
#ifndef KERNEL_PROCESS_H
#define KERNEL_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* Milliseconds of CLOCK_MONOTONIC; a deadline is a point of it, PROCESS_NO_DEADLINE none. */
#define PROCESS_NO_DEADLINE INT64_MAX
int64_t process_now(void);

/*
 * fork by clone3(2), with `flags` of CLONE_NEW*, CLONE_PARENT, CLONE_FILES, CLONE_CLEAR_SIGHAND
 * (CLONE_PIDFD is added). With `cgroup` >= 0 the child starts in that cgroup2 directory. Under a
 * seccomp filter that knows no clone3 it is done by clone(2), which has neither a cgroup nor
 * CLONE_CLEAR_SIGHAND.
 * Returns 0 in the child, with *ret_pidfd untouched; the child's pid and its pidfd in the parent;
 * or a negative errno. The child shares no memory with the parent and must leave by _exit or
 * execve.
 */
pid_t process_fork(uint64_t flags, int cgroup, int *ret_pidfd);

#define PROCESS_BOOT_ID_SIZE 40

/*
 * Who a process is, beyond its pid.
 *
 * Within one boot a pidfs inode (Linux 6.9) alone is proof, and the start time is not compared: the
 * kernel gives each process that it makes a number of 64 bits, and gives none twice (alloc_pid(),
 * fs/pidfs.c: at a million a second they last for 500 000 years). From which namespace it is looked
 * at makes no difference. A kernel of 32 bits shows the lower half of that number as the inode's,
 * which comes again after 2^32 processes: a knarr of 32 bits compares both. Boots are told apart
 * by their ids, 122 random bits, and not by these numbers, which begin anew with each.
 */
struct process_identity {
	pid_t pid;
	uint64_t start_time;  /* clock ticks since boot: field 22 of proc_pid_stat(5) */
	uint64_t pidfs_inode; /* 0: this kernel has none */
	char boot_id[PROCESS_BOOT_ID_SIZE];
};

/* /proc/sys/kernel/random/boot_id. Returns 0 or a negative errno. */
int process_read_boot_id(char ret_id[static PROCESS_BOOT_ID_SIZE]);

/* Fills in the identity of a live process. -ESRCH when it is gone. */
int process_identify(pid_t pid, int pidfd, struct process_identity *ret_identity);

/*
 * Opens a pidfd of the process that an identity names. -ESRCH when it is no longer there, when the
 * pid is another's now, or when the machine has booted since. A zombie is still there. `boot_id` is
 * this boot's, for who asks about many; or NULL, and it is read.
 */
int process_open(const struct process_identity *identity, const char *boot_id);

/* True when the process is a zombie or gone: `pidfd` is readable then (pidfd_open(2)). */
bool process_is_dead(int pidfd);

/*
 * Every signal back to its default, and none blocked: what a program that is executed next expects.
 * Dispositions that are "ignore" would go through execve(2), and not even CLONE_CLEAR_SIGHAND takes
 * them away. The other two are the halves of it.
 */
void process_reset_signals(void);
void process_default_signals(void);
void process_unblock_signals(void);

/*
 * True when the process has given its memory back: it is past the point where it could execute
 * anything. The init of a pid namespace can stay like that, not dead, for as long as somebody
 * outside does not reap a zombie in there (pid_namespaces(7)).
 */
bool process_is_exiting(pid_t pid);

/*
 * True when SIGKILL is pending for the process (SigPnd and ShdPnd of proc_pid_status(5)): it runs
 * no instruction of its program any more, but has not begun to end. One that has is no longer told
 * of: process_is_exiting().
 */
bool process_is_killed(pid_t pid);

/* Sends a signal. Returns 0 or a negative errno. */
int process_signal(int pidfd, int signal);

/* Waits until the process is dead. Returns 0, or -ETIMEDOUT. */
int process_wait_dead(int pidfd, int64_t deadline);

/* Waits until something can be written to `fd`, or nobody is left to read it. Returns 0, or
 * -ETIMEDOUT, or another negative errno. */
int process_wait_writable(int fd, int64_t deadline);

/*
 * Reaps our own child behind a pidfd and gives its wait status; waits for its end, if it is still
 * to come, until the deadline. A process that has been killed need not end soon: it may hang in the
 * kernel (a filesystem that a container serves, a network that is gone), or be frozen on cgroup v1.
 * Returns 0, -ETIMEDOUT, or another negative errno.
 */
int process_reap_until(int pidfd, int64_t deadline, int *ret_status);

/* The same with a deadline for whom death is certain, milliseconds from now. */
#define PROCESS_REAP_MS 10000
int process_reap(int pidfd, int *ret_status);

/* One waitid(2) and no other call, for who is under a seccomp filter: it waits as long as it takes,
 * so the child has to have a deadline of its own. */
int process_reap_blocking(int pidfd, int *ret_status);

/* Whether the caller has it in effect (capabilities(7)), by its number. */
bool process_is_capable(int capability);

/* Whether the process behind the pidfd is a child of the caller's that is not reaped yet. */
bool process_is_child(int pidfd);

/* A wait status as shells show it: the exit status, or 128 + the signal's number. */
int process_exit_code(int status);

/*
 * Waits until `fd` has something to read (or its peer is gone), or the process behind `pidfd` (when
 * >= 0) is dead, or the deadline has come. Returns PROCESS_READABLE (preferred when both),
 * PROCESS_DEAD, -ETIMEDOUT or another negative errno. Retries EINTR.
 */
enum {
	PROCESS_READABLE = 1,
	PROCESS_DEAD = 2,
};
int process_wait_readable(int fd, int pidfd, int64_t deadline);

/* The same, but -EINTR as soon as `interrupt` (a signalfd, or negative) has something to read. */
int process_wait_interruptible(int fd, int pidfd, int interrupt, int64_t deadline);

/*
 * The same, but -EINTR only when nothing else has come within PROCESS_GRACE_MS (milliseconds) of
 * the signal, which stays to be read: for who hands signals on as soon as there is somebody, and is
 * to be ended by one when it takes too long until then.
 */
#define PROCESS_GRACE_MS 1000
int process_wait_graceful(int fd, int pidfd, int interrupt, int64_t deadline);

#endif
