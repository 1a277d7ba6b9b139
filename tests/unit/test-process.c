/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "suite.h"

/* A child that waits for its death. */
static pid_t start_sleeper(int *ret_pidfd)
{
	pid_t pid = process_fork(0, -1, ret_pidfd);

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		for (;;)
			(void)pause();
	return pid;
}

static void stop(int pidfd)
{
	int status;

	(void)process_signal(pidfd, SIGKILL);
	ck_assert_int_eq(process_wait_dead(pidfd, process_now() + 5000), 0);
	ck_assert_int_eq(process_reap(pidfd, &status), 0);
	(void)close(pidfd);
}

START_TEST(fork_and_exit_status)
{
	int pidfd = -EBADF, status = -1;
	pid_t pid = process_fork(0, -1, &pidfd);

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(pidfd == -EBADF && getppid() > 0 ? 42 : 1);
	ck_assert_int_ge(pidfd, 0);
	ck_assert_int_eq(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(process_wait_dead(pidfd, process_now() + 5000), 0);
	ck_assert(process_is_dead(pidfd));
	ck_assert_int_eq(process_reap(pidfd, &status), 0);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(process_exit_code(status), 42);
	ck_assert_int_eq(process_reap(pidfd, &status), -ECHILD);
	ck_assert_int_eq(process_signal(pidfd, 0), -ESRCH);
	(void)close(pidfd);
}
END_TEST

START_TEST(death_by_signal)
{
	int pidfd, status = -1;

	(void)start_sleeper(&pidfd);
	ck_assert(!process_is_dead(pidfd));
	ck_assert_int_eq(process_signal(pidfd, 0), 0);
	ck_assert_int_eq(process_signal(pidfd, SIGUSR1), 0);
	ck_assert_int_eq(process_wait_dead(pidfd, process_now() + 5000), 0);
	ck_assert_int_eq(process_reap(pidfd, &status), 0);
	ck_assert(WIFSIGNALED(status));
	ck_assert(!WCOREDUMP(status));
	ck_assert_int_eq(process_exit_code(status), 128 + SIGUSR1);
	(void)close(pidfd);
	ck_assert_int_eq(process_exit_code(0x80 | SIGSEGV), 128 + SIGSEGV);
	ck_assert_int_eq(process_exit_code(255 << 8), 255);
}
END_TEST

START_TEST(flags_that_the_kernel_refuses)
{
	int pidfd = -EBADF;

	/* CLONE_FS together with a new mount namespace. */
	ck_assert_int_eq(process_fork(0x00020000 | 0x00000200, -1, &pidfd), -EINVAL);
	ck_assert_int_eq(pidfd, -EBADF);
	ck_assert_int_eq(process_fork(0, open("/", O_PATH | O_CLOEXEC), &pidfd), -EBADF);
}
END_TEST

START_TEST(waits_end_at_their_deadline)
{
	int64_t before = process_now();
	int pidfd, pipes[2];

	(void)start_sleeper(&pidfd);
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	ck_assert_int_eq(process_wait_dead(pidfd, before - 1), -ETIMEDOUT);
	ck_assert_int_eq(process_wait_dead(pidfd, 0), -ETIMEDOUT);
	ck_assert_int_eq(process_wait_dead(pidfd, INT64_MIN), -ETIMEDOUT);
	ck_assert_int_eq(process_wait_readable(pipes[0], pidfd, before + 50), -ETIMEDOUT);
	ck_assert_int_ge(process_now() - before, 50);
	ck_assert_int_lt(process_now() - before, 5000);
	stop(pidfd);
}
END_TEST

static void ignore_alarm(int signal)
{
	(void)signal;
}

/* A signal neither ends the wait nor prolongs it. */
START_TEST(waits_go_on_behind_a_signal)
{
	struct sigaction action = {.sa_handler = ignore_alarm};
	int64_t before = process_now();
	int pidfd;

	(void)start_sleeper(&pidfd);
	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	(void)ualarm(20000, 20000);
	ck_assert_int_eq(process_wait_dead(pidfd, before + 200), -ETIMEDOUT);
	(void)ualarm(0, 0);
	ck_assert_int_ge(process_now() - before, 200);
	ck_assert_int_lt(process_now() - before, 5000);
	stop(pidfd);
}
END_TEST

START_TEST(what_was_said_before_death_comes_first)
{
	int pidfd, status, pipes[2];
	pid_t pid;

	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	pid = process_fork(0, -1, &pidfd);
	if (pid == 0)
		_exit(write(pipes[1], "x", 1) == 1 ? 0 : 1);
	ck_assert_int_eq(process_wait_dead(pidfd, process_now() + 5000), 0);
	ck_assert_int_eq(process_wait_readable(pipes[0], pidfd, PROCESS_NO_DEADLINE),
			 PROCESS_READABLE);
	ck_assert_int_eq(read(pipes[0], &status, 1), 1);
	ck_assert_int_eq(process_wait_readable(pipes[0], pidfd, PROCESS_NO_DEADLINE), PROCESS_DEAD);
	(void)close(pipes[1]);
	/* The end of the peer counts as readable, and without a pidfd there is nothing else. */
	ck_assert_int_eq(process_wait_readable(pipes[0], -1, PROCESS_NO_DEADLINE),
			 PROCESS_READABLE);
	ck_assert_int_eq(process_reap(pidfd, &status), 0);
}
END_TEST

START_TEST(reaping_has_a_deadline)
{
	int64_t before = process_now();
	int pidfd, status = -1;

	(void)start_sleeper(&pidfd);
	ck_assert_int_eq(process_reap_until(pidfd, before + 100, &status), -ETIMEDOUT);
	ck_assert_int_eq(process_reap_until(pidfd, before, &status), -ETIMEDOUT);
	ck_assert_int_ge(process_now() - before, 100);
	ck_assert_int_lt(process_now() - before, 5000);
	ck_assert_int_eq(status, -1);
	ck_assert_int_eq(process_signal(pidfd, SIGKILL), 0);
	ck_assert_int_eq(process_reap(pidfd, &status), 0);
	ck_assert_int_eq(process_exit_code(status), 128 + SIGKILL);
	(void)close(pidfd);
}
END_TEST

/* Its parent learns of a death only behind who traces it. */
START_TEST(a_dead_one_that_is_traced)
{
	int pidfd, tracer, status = -1, ready[2];
	pid_t pid = start_sleeper(&pidfd), by;
	char word;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	by = process_fork(0, -1, &tracer);
	if (by == 0) {
		if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		(void)pause();
		_exit(0);
	}
	ck_assert_int_eq(read(ready[0], &word, 1), 1);
	ck_assert_int_eq(process_signal(pidfd, SIGKILL), 0);
	ck_assert_int_eq(process_reap_until(pidfd, process_now() + 200, &status), -ETIMEDOUT);
	stop(tracer);
	ck_assert_int_eq(process_reap(pidfd, &status), 0);
	ck_assert_int_eq(process_exit_code(status), 128 + SIGKILL);
	(void)close(pidfd);
	(void)close(ready[0]);
	(void)close(ready[1]);
}
END_TEST

START_TEST(identity_is_found_again)
{
	struct process_identity identity, again;
	int pidfd, opened;
	pid_t pid = start_sleeper(&pidfd);

	ck_assert_int_eq(process_identify(pid, pidfd, &identity), 0);
	ck_assert_int_eq(identity.pid, pid);
	ck_assert_uint_gt(identity.start_time, 0);
	ck_assert_uint_eq(strlen(identity.boot_id), 36);
	opened = process_open(&identity, NULL);
	ck_assert_int_ge(opened, 0);
	ck_assert_int_eq(process_identify(pid, opened, &again), 0);
	ck_assert_uint_eq(again.start_time, identity.start_time);
	ck_assert_uint_eq(again.pidfs_inode, identity.pidfs_inode);
	(void)close(opened);

	/* Another start, another boot, another process under its number: a stranger. */
	again.start_time++;
	again.pidfs_inode = 0; /* nothing else tells them apart */
	ck_assert_int_eq(process_open(&again, NULL), -ESRCH);
	again = identity;
	again.boot_id[0] = again.boot_id[0] == '0' ? '1' : '0';
	ck_assert_int_eq(process_open(&again, NULL), -ESRCH);
	again = identity;
	again.pidfs_inode += 1;
	ck_assert_int_eq(process_open(&again, NULL), -ESRCH);
	again = identity;
	opened = process_open(&identity, identity.boot_id);
	ck_assert_int_ge(opened, 0);
	(void)close(opened);
	ck_assert_int_eq(process_open(&identity, "another"), -ESRCH);
	again.pidfs_inode = 0; /* stored on a kernel that had none */
	opened = process_open(&again, NULL);
	ck_assert_int_ge(opened, 0);
	(void)close(opened);
	again.pid = 0;
	ck_assert_int_eq(process_open(&again, NULL), -ESRCH);
	again.pid = -1;
	ck_assert_int_eq(process_open(&again, NULL), -ESRCH);

	/* A zombie is still there; what has been reaped is not. */
	(void)process_signal(pidfd, SIGKILL);
	ck_assert_int_eq(process_wait_dead(pidfd, process_now() + 5000), 0);
	opened = process_open(&identity, NULL);
	ck_assert_int_ge(opened, 0);
	ck_assert(process_is_dead(opened));
	(void)close(opened);
	stop(pidfd);
	ck_assert_int_eq(process_open(&identity, NULL), -ESRCH);
	ck_assert_int_eq(process_identify(pid, -1, &again), -ESRCH);
}
END_TEST

/* The command of a process is its own choice, and stands before the start time in /proc/PID/stat.
 */
START_TEST(identity_of_a_process_with_an_odd_name)
{
	struct process_identity plain, odd;
	char name[] = "a) R 1 1 (b 9";
	int pidfd;
	pid_t pid = start_sleeper(&pidfd);

	ck_assert_int_eq(process_identify(getpid(), -1, &plain), 0);
	ck_assert_int_eq(prctl(PR_SET_NAME, name), 0);
	ck_assert_int_eq(process_identify(getpid(), -1, &odd), 0);
	ck_assert_uint_eq(plain.start_time, odd.start_time);
	ck_assert_int_eq(process_identify(pid, pidfd, &odd), 0);
	stop(pidfd);
}
END_TEST

/* What the kernel shows of the effective set; then of one without it. */
START_TEST(capabilities)
{
	char status[8192];
	FILE *file = fopen("/proc/self/status", "r");
	unsigned long long effective;
	size_t length;

	ck_assert_ptr_nonnull(file);
	length = fread(status, 1, sizeof(status) - 1, file);
	fclose(file);
	status[length] = '\0';
	ck_assert_ptr_nonnull(strstr(status, "\nCapEff:"));
	effective = strtoull(strstr(status, "\nCapEff:") + strlen("\nCapEff:"), NULL, 16);
	for (int i = 0; i < 41; i++)
		ck_assert_int_eq(process_is_capable(i), (int)(effective >> i & 1));
	if (geteuid() == 0)
		ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
	for (int i = 0; i < 64; i++)
		ck_assert(!process_is_capable(i));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		fork_and_exit_status,
		death_by_signal,
		flags_that_the_kernel_refuses,
		waits_end_at_their_deadline,
		waits_go_on_behind_a_signal,
		what_was_said_before_death_comes_first,
		reaping_has_a_deadline,
		a_dead_one_that_is_traced,
		identity_is_found_again,
		identity_of_a_process_with_an_odd_name,
		capabilities,
	};

	return suite_run("process", tests, suite_count(tests));
}
