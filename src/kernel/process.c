/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/process.h"

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/signals.h"
#include "base/text.h"
#include "kernel/syscalls.h"

#define PROCESS_STATUS_MAX (4u << 20)

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

int64_t process_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

pid_t process_fork(uint64_t flags, int cgroup, int *ret_pidfd)
{
	int pidfd = -EBADF;
	struct sys_clone_args args = {
		.flags = flags | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		/* With CLONE_PARENT the signal is the one of our own parent's choice. */
		.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
	};
	pid_t pid;

	if (cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup;
	}
	pid = sys_clone3(&args);
	/* What a filter answers that cannot look into the arguments; of clone(2) it can. */
	if (pid == -ENOSYS && cgroup < 0 && args.flags <= UINT32_MAX)
		pid = sys_clone(args.flags | args.exit_signal, &pidfd);
	if (pid > 0)
		*ret_pidfd = pidfd;
	return pid;
}

/* Field 22 of /proc/PID/stat. The command in parentheses may hold anything, so start behind it. */
static int process_start_time(pid_t pid, uint64_t *ret_ticks)
{
	char path[64], stat[1024];
	char *at;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	n = io_read_small(AT_FDCWD, path, stat, sizeof(stat));
	if (n < 0)
		return n == -ENOENT ? -ESRCH : (int)n;
	at = strrchr(stat, ')');
	for (int field = 3; at && field <= 22; field++)
		at = strchr(at + 1, ' ');
	if (!at)
		return -EBADMSG;
	at[1 + strcspn(at + 1, " ")] = '\0';
	return text_parse_u64(at + 1, ret_ticks);
}

static uint64_t process_pidfs_inode(int pidfd)
{
	struct statfs fs;
	struct stat st;

	/* Before pidfs all pidfds share one anonymous inode. */
	if (fstatfs(pidfd, &fs) < 0 || fs.f_type != PID_FS_MAGIC || fstat(pidfd, &st) < 0)
		return 0;
	return st.st_ino;
}

int process_read_boot_id(char ret_id[static PROCESS_BOOT_ID_SIZE])
{
	ssize_t n = io_read_small(AT_FDCWD, "/proc/sys/kernel/random/boot_id", ret_id,
				  PROCESS_BOOT_ID_SIZE);

	return n < 0 ? (int)n : 0;
}

int process_identify(pid_t pid, int pidfd, struct process_identity *ret_identity)
{
	struct process_identity identity = {.pid = pid};
	int r = process_start_time(pid, &identity.start_time);

	if (r == 0)
		r = process_read_boot_id(identity.boot_id);
	if (r < 0)
		return r;
	identity.pidfs_inode = process_pidfs_inode(pidfd);
	*ret_identity = identity;
	return 0;
}

/* Whether the process behind the pidfd is the one that has this name in this boot: 1, 0 or a
 * negative errno. */
static int process_is_identical(const struct process_identity *identity, int pidfd)
{
	uint64_t start_time = 0;
	int r;

	if (identity->pidfs_inode != 0 && process_pidfs_inode(pidfd) != identity->pidfs_inode)
		return 0;
	/* Proof, of 64 bits (process.h); to read more costs more than all this. */
	if (identity->pidfs_inode != 0 && sizeof(long) == sizeof(uint64_t))
		return 1;
	r = process_start_time(identity->pid, &start_time);
	return r < 0 ? r : start_time == identity->start_time;
}

int process_open(const struct process_identity *identity, const char *boot_id)
{
	auto_close int pidfd = -EBADF;
	char own[PROCESS_BOOT_ID_SIZE];
	int r = 0;

	if (identity->pid <= 0)
		return -ESRCH;
	pidfd = sys_pidfd_open(identity->pid, 0);
	if (pidfd < 0)
		return pidfd;
	if (!boot_id)
		r = process_read_boot_id(own);
	if (r < 0)
		return r;
	if (strcmp(boot_id ? boot_id : own, identity->boot_id) != 0)
		return -ESRCH;
	/* Compared after opening: what the pidfd refers to cannot be swapped any more. */
	r = process_is_identical(identity, pidfd);
	if (r <= 0)
		return r < 0 ? r : -ESRCH;
	return fd_take(&pidfd);
}

bool process_is_dead(int pidfd)
{
	struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};

	return poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLIN | POLLHUP)) != 0;
}

void process_default_signals(void)
{
	/*
	 * Not by sigaction(3), which refuses those that the C library keeps to itself. Of the
	 * kernel's struct, at most 32 bytes, everything is 0: SIG_DFL, no flag, an empty mask.
	 */
	static const uint64_t action[4];

	/* Fails for KILL and STOP. */
	for (int number = 1; number <= SIGNALS_MAX; number++)
		(void)syscall(SYS_rt_sigaction, number, action, NULL, SIGNALS_MAX / 8);
}

void process_unblock_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

void process_reset_signals(void)
{
	process_default_signals();
	process_unblock_signals();
}

bool process_is_exiting(pid_t pid)
{
	char path[64], statm[256];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	n = io_read_small(AT_FDCWD, path, statm, sizeof(statm));
	/* proc_pid_statm(5): all 0 without memory. What else fails says nothing of the process. */
	return n < 0 ? n == -ENOENT || n == -ESRCH : text_starts_with(statm, "0 0 0");
}

/* One mask of proc_pid_status(5), by "\nNAME:\t". */
static bool process_has_signal(const char *status, const char *name, int signal)
{
	const char *at = strstr(status, name);

	return at && (strtoull(at + strlen(name), NULL, 16) >> (signal - 1) & 1);
}

bool process_is_killed(pid_t pid)
{
	auto_free char *status = NULL;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	/* As long as its groups are many. */
	if (io_read_file(AT_FDCWD, path, 0, PROCESS_STATUS_MAX, &status, NULL) < 0)
		return false;
	return process_has_signal(status, "\nSigPnd:\t", SIGKILL) ||
	       process_has_signal(status, "\nShdPnd:\t", SIGKILL);
}

int process_signal(int pidfd, int signal)
{
	return sys_pidfd_send_signal(pidfd, signal, NULL, 0);
}

/* ppoll until the deadline, whatever interrupts it. Returns > 0, -ETIMEDOUT or another errno. */
static int process_poll(struct pollfd *fds, nfds_t count, int64_t deadline)
{
	for (;;) {
		int64_t now = process_now(), left = deadline > now ? deadline - now : 0;
		int r;

		if (left > INT_MAX)
			left = INT_MAX;
		if (deadline == PROCESS_NO_DEADLINE)
			left = -1;
		r = poll(fds, count, (int)left);
		if (r > 0)
			return r;
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r == 0 && deadline != PROCESS_NO_DEADLINE && process_now() >= deadline)
			return -ETIMEDOUT;
	}
}

int process_wait_dead(int pidfd, int64_t deadline)
{
	struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
	int r = process_poll(&poll_fd, 1, deadline);

	return r < 0 ? r : 0;
}

int process_wait_writable(int fd, int64_t deadline)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
	int r = process_poll(&poll_fd, 1, deadline);

	return r < 0 ? r : 0;
}

int process_wait_readable(int fd, int pidfd, int64_t deadline)
{
	return process_wait_interruptible(fd, pidfd, -EBADF, deadline);
}

int process_wait_interruptible(int fd, int pidfd, int interrupt, int64_t deadline)
{
	struct pollfd fds[3] = {
		{.fd = fd, .events = POLLIN},
		{.fd = pidfd, .events = POLLIN},
		{.fd = interrupt, .events = POLLIN},
	};
	int r = process_poll(fds, 3, deadline);

	if (r < 0)
		return r;
	if (fds[2].revents)
		return -EINTR;
	return fds[0].revents ? PROCESS_READABLE : PROCESS_DEAD;
}

int process_wait_graceful(int fd, int pidfd, int interrupt, int64_t deadline)
{
	int r = process_wait_interruptible(fd, pidfd, interrupt, deadline);
	int64_t end;

	if (r != -EINTR)
		return r;
	end = process_now() + PROCESS_GRACE_MS;
	if (end >= deadline)
		return process_wait_readable(fd, pidfd, deadline);
	r = process_wait_readable(fd, pidfd, end);
	return r == -ETIMEDOUT ? -EINTR : r;
}

/* Into the form of wait(2), which the exit codes are defined on. */
static int process_status(const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED)
		return (info->si_status & 0xff) << 8;
	return info->si_status | (info->si_code == CLD_DUMPED ? 0x80 : 0);
}

/* One waitid(2). -EAGAIN: it has not ended yet. */
static int process_try_reap(int pidfd, int flags, int *ret_status)
{
	siginfo_t info = {0};
	int r;

	do
		r = waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | flags);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	if (info.si_pid == 0)
		return -EAGAIN;
	*ret_status = process_status(&info);
	return 0;
}

int process_reap_until(int pidfd, int64_t deadline, int *ret_status)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int r;

	while ((r = process_try_reap(pidfd, WNOHANG, ret_status)) == -EAGAIN) {
		/* Dead, but not for us: its tracer is to take notice first. */
		if (process_is_dead(pidfd) && process_now() < deadline)
			(void)nanosleep(&pause, NULL);
		else if ((r = process_wait_dead(pidfd, deadline)) < 0)
			return r;
		else if (process_now() >= deadline)
			return -ETIMEDOUT;
	}
	return r;
}

int process_reap(int pidfd, int *ret_status)
{
	return process_reap_until(pidfd, process_now() + PROCESS_REAP_MS, ret_status);
}

int process_reap_blocking(int pidfd, int *ret_status)
{
	return process_try_reap(pidfd, 0, ret_status);
}

bool process_is_capable(int capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	if (syscall(SYS_capget, &header, data) < 0)
		return false;
	return (data[capability / 32].effective >> capability % 32) & 1;
}

bool process_is_child(int pidfd)
{
	siginfo_t info;

	return waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | WNOWAIT) == 0 ||
	       errno != ECHILD;
}

int process_exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
