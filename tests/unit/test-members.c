/* SPDX-License-Identifier: Apache-2.0 */
#include "container/members.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

START_TEST(descendants)
{
	/* Children before and behind their parents, a loop, and parents that are not there. */
	struct member members[] = {
		{50, 40, false}, {40, 7, false}, {7, 1, true},	  {1, 0, false},   {3, 50, false},
		{8, 1, false},	 {9, 8, false},	 {12, 13, false}, {13, 12, false}, {14, 99, false},
	};
	static const pid_t wanted[] = {3, 7, 40, 50};
	size_t found = 0;

	members_spread(members, suite_count(members));
	for (size_t i = 0; i < suite_count(members); i++) {
		ck_assert(i == 0 || members[i].pid > members[i - 1].pid);
		if (members[i].counts) {
			ck_assert_uint_lt(found, suite_count(wanted));
			ck_assert_int_eq(members[i].pid, wanted[found++]);
		}
	}
	ck_assert_uint_eq(found, suite_count(wanted));
	members_spread(NULL, 0);
}
END_TEST

static pid_t child_start(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)pause();
		_exit(1);
	}
	ck_assert_int_gt(pid, 0);
	return pid;
}

START_TEST(what_is_there)
{
	pid_t init = child_start(), other = child_start(), *pids = malloc(sizeof(*pids));
	struct error err = ERROR_INIT;
	size_t count = 1;

	ck_assert_ptr_nonnull(pids);
	pids[0] = other; /* what a cgroup has told */
	ck_assert_int_eq(members_append(init, false, &pids, &count, &err), 0);
	ck_assert_uint_eq(count, 2);
	ck_assert_int_eq(pids[1], init);
	/* Once each. */
	ck_assert_int_eq(members_append(init, false, &pids, &count, &err), 0);
	ck_assert_uint_eq(count, 2);
	/* A zombie is nobody. */
	ck_assert_int_eq(kill(init, SIGKILL), 0);
	ck_assert_int_eq(waitid(P_PID, (id_t)init, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
	count = 0;
	ck_assert_int_eq(members_append(init, false, &pids, &count, &err), 0);
	ck_assert_uint_eq(count, 0);
	ck_assert_int_eq(waitpid(init, NULL, 0), init);
	/* In the pid namespace that is its own: here that of all. */
	ck_assert_int_eq(members_append(other, true, &pids, &count, &err), 0);
	ck_assert_uint_ge(count, 2);
	free(pids);
	ck_assert_int_eq(kill(other, SIGKILL), 0);
	ck_assert_int_eq(waitpid(other, NULL, 0), other);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {descendants, what_is_there};

	return suite_run("members", tests, suite_count(tests));
}
