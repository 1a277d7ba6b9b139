/* SPDX-License-Identifier: Apache-2.0 */
#include "container/state/survivor.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kernel/process.h"
#include "suite.h"

START_TEST(levels)
{
	static const struct {
		const char *status;
		size_t levels;
		pid_t innermost;
	} rows[] = {
		{"Name:\tx\nNSpid:\t1234\nNSpgid:\t1\n", 1, 1234},
		{"Name:\tx\nNSpid:\t1234\t1\nNSpgid:\t1234\t1\n", 2, 1},
		{"Name:\tx\nNSpid:\t1234\t17\t1", 3, 1},
		{"Name:\tNSpid: 5\nNSpid:\t7\n", 1, 7},
		{"Name:\tx\nNSpid:\t\n", 0, -1},
		{"Name:\tx\nPid:\t5\n", 0, -1},
		{"", 0, -1},
	};

	for (size_t i = 0; i < suite_count(rows); i++) {
		pid_t innermost = -1;

		ck_assert_uint_eq(survivor_parse_levels(rows[i].status, &innermost),
				  rows[i].levels);
		ck_assert_int_eq(innermost, rows[i].innermost);
	}
}
END_TEST

static pid_t child_new(void)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		alarm(30);
		for (;;)
			(void)pause();
	}
	return pid;
}

static void child_end(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/* No pid namespace of their own: the first that was there. */
START_TEST(oldest)
{
	/* The clock ticks that start times are counted in. */
	const struct timespec tick = {.tv_nsec = 30000000};
	pid_t first = child_new(), second, found = -1;
	int pidfd = -1;

	(void)nanosleep(&tick, NULL);
	second = child_new();
	ck_assert_int_eq(survivor_find((pid_t[]){second, first}, 2, &found, &pidfd), 0);
	ck_assert_int_eq(found, first);
	ck_assert(!process_is_dead(pidfd));
	child_end(first);
	ck_assert(process_is_dead(pidfd));
	(void)close(pidfd);

	ck_assert_int_eq(survivor_find((pid_t[]){first, second}, 2, &found, &pidfd), 0);
	ck_assert_int_eq(found, second);
	(void)close(pidfd);
	child_end(second);
}
END_TEST

START_TEST(nobody)
{
	pid_t pid = child_new(), found = -1;
	int pidfd = -1;

	ck_assert_int_eq(survivor_find(NULL, 0, &found, &pidfd), -ESRCH);
	/* A zombie is nobody. */
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(survivor_find(&pid, 1, &found, &pidfd), -ESRCH);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(survivor_find(&pid, 1, &found, &pidfd), -ESRCH);
	ck_assert_int_eq(found, -1);
	ck_assert_int_eq(pidfd, -1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {levels, oldest, nobody};

	return suite_run("survivor", tests, suite_count(tests));
}
