/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/procfs.h"
#include "suite.h"

static void drop_privileges(void)
{
	if (getuid() != 0)
		return;
	ck_assert_int_eq(setgroups(0, NULL), 0);
	ck_assert_int_eq(setresgid(65534, 65534, 65534), 0);
	ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
}

static void set_limit(int type, rlim_t soft, rlim_t hard)
{
	const struct rlimit limit = {soft, hard};

	ck_assert_int_eq(setrlimit(type, &limit), 0);
}

static void check_limit(int type, rlim_t soft, rlim_t hard)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(type, &limit), 0);
	ck_assert_uint_eq(limit.rlim_cur, soft);
	ck_assert_uint_eq(limit.rlim_max, hard);
}

START_TEST(rlimits_are_set)
{
	struct oci_rlimit items[] = {{RLIMIT_NOFILE, 200, 100}, {RLIMIT_CORE, 0, 0}};
	const struct oci_rlimits rlimits = {items, 2};
	struct error err = ERROR_INIT;

	drop_privileges();
	ck_assert_int_eq(limits_apply_rlimits(&rlimits, 0, &err), 0);
	check_limit(RLIMIT_NOFILE, 100, 200);
	check_limit(RLIMIT_CORE, 0, 0);
	/* Once more: what already is needs no privilege. */
	ck_assert_int_eq(limits_apply_rlimits(&rlimits, 0, &err), 0);
	ck_assert_int_eq(limits_apply_rlimits(&(struct oci_rlimits){0}, 0, &err), 0);
}
END_TEST

START_TEST(infinity_is_all_ones)
{
	struct oci_rlimit items[] = {{RLIMIT_CPU, UINT64_MAX, UINT64_MAX}};
	const struct oci_rlimits rlimits = {items, 1};
	struct error err = ERROR_INIT;
	struct rlimit limit;

	drop_privileges();
	ck_assert_int_eq(getrlimit(RLIMIT_CPU, &limit), 0);
	if (limit.rlim_max != RLIM_INFINITY)
		return;
	set_limit(RLIMIT_CPU, 1000, RLIM_INFINITY);
	ck_assert_int_eq(limits_apply_rlimits(&rlimits, 0, &err), 0);
	check_limit(RLIMIT_CPU, RLIM_INFINITY, RLIM_INFINITY);
}
END_TEST

START_TEST(rlimits_that_cannot_be)
{
	struct oci_rlimit items[] = {{RLIMIT_CORE, 10, 10}, {RLIMIT_NOFILE, 300, 300}};
	const struct oci_rlimits rlimits = {items, 2};
	struct error err = ERROR_INIT;

	drop_privileges();
	set_limit(RLIMIT_CORE, 10, 20);
	set_limit(RLIMIT_NOFILE, 100, 200);
	set_limit(RLIMIT_CPU, 1000, 2000);
	ck_assert_int_eq(limits_apply_rlimits(&rlimits, 0, &err), -EPERM);
	ck_assert_error(
		&err, EPERM, "process.rlimits[1]",
		"set RLIMIT_NOFILE to soft 300, hard 300 (they are 100 and 200): Operation not "
		"permitted (EPERM)",
		"raising a hard limit needs CAP_SYS_RESOURCE, and none of this kind may be "
		"above the sysctl fs.nr_open");
	check_limit(RLIMIT_CORE, 10, 10);
	items[0] = (struct oci_rlimit){RLIMIT_CPU, UINT64_MAX, 5};
	ck_assert_int_eq(limits_apply_rlimits(&rlimits, 0, &err), -EPERM);
	ck_assert_error(
		&err, EPERM, "process.rlimits[0]",
		"set RLIMIT_CPU to soft 5, hard unlimited (they are 1000 and 2000): Operation "
		"not permitted (EPERM)",
		"raising a hard limit needs CAP_SYS_RESOURCE in the initial user namespace");
	items[0] = (struct oci_rlimit){RLIMIT_CPU, 5, 6};
	ck_assert_int_eq(limits_apply_rlimits(&rlimits, 0, &err), -EINVAL);
	ck_assert_error(
		&err, EINVAL, "process.rlimits[0]",
		"set RLIMIT_CPU to soft 6, hard 5 (they are 1000 and 2000): Invalid argument "
		"(EINVAL)",
		"the soft limit is above the hard one");
	items[0] = (struct oci_rlimit){99, 5, 5};
	ck_assert_int_eq(limits_apply_rlimits(&rlimits, 0, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "process.rlimits[0]",
			"set rlimit 99 of process 0: Invalid argument (EINVAL)", "");
}
END_TEST

static int open_procfs(void)
{
	struct error err = ERROR_INIT;
	int fd = -1;

	ck_assert_int_eq(procfs_open(&fd, &err), 0);
	return fd;
}

START_TEST(oom_score)
{
	int procfs = open_procfs();
	struct oci_opt_i32 score = {0};
	struct error err = ERROR_INIT;
	char now[16];

	ck_assert_int_gt(procfs_read(procfs, "self/oom_score_adj", now, sizeof(now)), 0);
	ck_assert_int_eq(limits_apply_oom_score_adj(&score, 0, procfs, &err), 0);
	/* The same value is no change, whoever asks. */
	score = (struct oci_opt_i32){true, atoi(now)};
	ck_assert_int_eq(limits_apply_oom_score_adj(&score, 0, procfs, &err), 0);
	score.value = 900;
	ck_assert_int_eq(limits_apply_oom_score_adj(&score, 0, procfs, &err), 0);
	ck_assert_int_eq(procfs_read(procfs, "self/oom_score_adj", now, sizeof(now)), 3);
	ck_assert_str_eq(now, "900");
	ck_assert_int_eq(limits_apply_oom_score_adj(&score, getpid(), procfs, &err), 0);
	score.value = 1001;
	ck_assert_int_eq(limits_apply_oom_score_adj(&score, 0, procfs, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "process.oomScoreAdj",
			"set oom_score_adj to 1001 (it is 900): Invalid argument (EINVAL)",
			"it goes from -1000 to 1000");
}
END_TEST

START_TEST(oom_score_is_not_lowered)
{
	struct oci_opt_i32 score = {true, -999};
	int procfs = open_procfs();
	struct error err = ERROR_INIT;
	char now[16], message[128];

	/* A process that cannot be dumped belongs to root in /proc; drop first, then it can. */
	ck_assert_int_gt(procfs_read(procfs, "self/oom_score_adj", now, sizeof(now)), 0);
	(void)snprintf(message, sizeof(message),
		       "set oom_score_adj to -999 (it is %s): Permission denied (EACCES)", now);
	drop_privileges();
	ck_assert_int_eq(limits_apply_oom_score_adj(&score, 0, procfs, &err), -EACCES);
	ck_assert_error(&err, EACCES, "process.oomScoreAdj", message,
			"lowering it needs CAP_SYS_RESOURCE in the initial user namespace");
}
END_TEST

START_TEST(scheduler)
{
	/* Whoever runs the tests may be nice already, and nobody may be less nice than before. */
	int nice = getpriority(PRIO_PROCESS, 0) < 16 ? getpriority(PRIO_PROCESS, 0) + 3 : 19;
	struct oci_scheduler config = {.policy = SCHED_BATCH, .nice = nice};
	struct error err = ERROR_INIT;

	ck_assert_int_eq(limits_apply_scheduler(NULL, 0, &err), 0);
	drop_privileges();
	ck_assert_int_eq(limits_apply_scheduler(&config, 0, &err), 0);
	ck_assert_int_eq(sched_getscheduler(0), SCHED_BATCH);
	ck_assert_int_eq(getpriority(PRIO_PROCESS, 0), nice);
	config = (struct oci_scheduler){.policy = SCHED_IDLE, .flags = 1};
	ck_assert_int_eq(limits_apply_scheduler(&config, getpid(), &err), 0);
	ck_assert_int_eq(sched_getscheduler(0), SCHED_IDLE | SCHED_RESET_ON_FORK);
}
END_TEST

START_TEST(scheduler_refused)
{
	struct oci_scheduler config = {.policy = SCHED_FIFO, .priority = 10};
	struct error err = ERROR_INIT;

	drop_privileges();
	set_limit(RLIMIT_RTPRIO, 0, 0);
	set_limit(RLIMIT_NICE, 0, 0);
	ck_assert_int_eq(limits_apply_scheduler(&config, 0, &err), -EPERM);
	ck_assert_error(&err, EPERM, "process.scheduler",
			"set the scheduler to SCHED_FIFO: Operation not permitted (EPERM)",
			"it needs CAP_SYS_NICE, or room in RLIMIT_NICE and RLIMIT_RTPRIO; in a "
			"cgroup of v1 "
			"cpu.realtimeRuntime, too");
	config.priority = 100;
	ck_assert_int_eq(limits_apply_scheduler(&config, 0, &err), -EINVAL);
	ck_assert_str_eq(err.hint, "its priority goes from 1 to 99");
	config = (struct oci_scheduler){.policy = SCHED_OTHER, .nice = -5};
	ck_assert_int_eq(limits_apply_scheduler(&config, 0, &err), -EPERM);
	ck_assert_str_eq(err.message,
			 "set the scheduler to SCHED_OTHER: Operation not permitted (EPERM)");
	config = (struct oci_scheduler){
		.policy = SCHED_DEADLINE, .runtime = 100, .deadline = 10, .period = 1};
	ck_assert_int_eq(limits_apply_scheduler(&config, 0, &err), -EINVAL);
	ck_assert_str_eq(err.hint, "1024 <= runtime <= deadline <= period must hold (nanoseconds)");
	config = (struct oci_scheduler){.policy = SCHED_OTHER, .flags = UINT64_C(1) << 40};
	ck_assert_int_eq(limits_apply_scheduler(&config, 0, &err), -EINVAL);
	ck_assert_str_eq(err.field, "process.scheduler");
}
END_TEST

START_TEST(io_priority)
{
	struct oci_io_priority config = {.class = 2, .priority = 6};
	struct error err = ERROR_INIT;

	ck_assert_int_eq(limits_apply_io_priority(NULL, 0, &err), 0);
	drop_privileges();
	ck_assert_int_eq(limits_apply_io_priority(&config, 0, &err), 0);
	ck_assert_int_eq(syscall(SYS_ioprio_get, 1, 0), 2 << 13 | 6);
	config.priority = 8;
	ck_assert_int_eq(limits_apply_io_priority(&config, 0, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "process.ioPriority.priority",
			"8 is not an I/O priority from 0 to 7", "");
	config.priority = -1;
	ck_assert_int_eq(limits_apply_io_priority(&config, 0, &err), -EINVAL);
	config = (struct oci_io_priority){.class = 1, .priority = 0};
	ck_assert_int_eq(limits_apply_io_priority(&config, 0, &err), -EPERM);
	ck_assert_error(
		&err, EPERM, "process.ioPriority",
		"set the I/O priority to IOPRIO_CLASS_RT 0: Operation not permitted (EPERM)",
		"IOPRIO_CLASS_RT needs CAP_SYS_NICE or CAP_SYS_ADMIN");
}
END_TEST

static const struct {
	const char *list;
	int result;
	unsigned long first_word, count;
} node_cases[] = {
	{"", 0, 0, 0},
	{" \n", 0, 0, 0},
	{"0", 0, 1, 1},
	{"0-3,7", 0, 0x8f, 8},
	{"7,0-3", 0, 0x8f, 8},
	{"1-1", 0, 2, 2},
	{"0, 2 ,,4,\n", 0, 0x15, 5},
	{"1 2", 0, 6, 3},
	{"0-63", 0, ~0UL, 64},
	{"32767", 0, 0, 32768},
	{"32768", -ERANGE, 0, 0},
	{"0-32768", -ERANGE, 0, 0},
	{"99999999999999999999999999", -ERANGE, 0, 0},
	{"18446744073709551616", -ERANGE, 0, 0},
	{"3-1", -EINVAL, 0, 0},
	{"a", -EINVAL, 0, 0},
	{"-1", -EINVAL, 0, 0},
	{"1-", -EINVAL, 0, 0},
	{"1-a", -EINVAL, 0, 0},
	{"1--2", -EINVAL, 0, 0},
	{"1-2-3", -EINVAL, 0, 0},
	{"1;2", -EINVAL, 0, 0},
	{"0x1", -EINVAL, 0, 0},
	{"1-2/2", -EINVAL, 0, 0},
	{"all", -EINVAL, 0, 0},
};

START_TEST(nodes)
{
	for (size_t i = 0; i < suite_count(node_cases); i++) {
		unsigned long *bits = NULL, count = 77;
		int r = limits_parse_list(node_cases[i].list, &bits, &count);

		ck_assert_msg(r == node_cases[i].result, "\"%s\": %d", node_cases[i].list, r);
		if (r < 0) {
			ck_assert_ptr_null(bits);
			ck_assert_uint_eq(count, 77);
			continue;
		}
		ck_assert_msg(count == node_cases[i].count, "\"%s\": %lu", node_cases[i].list,
			      count);
		if (count > 0)
			ck_assert_uint_eq(bits[0], node_cases[i].first_word);
		else
			ck_assert_ptr_null(bits);
		free(bits);
	}
}
END_TEST

START_TEST(memory_policy)
{
	struct oci_memory_policy config = {.mode = 2, .nodes = (char[]){"0"}};
	unsigned long bits[1024 / sizeof(long)] = {0};
	struct error err = ERROR_INIT;
	int mode = -1, r;

	ck_assert_int_eq(limits_apply_memory_policy(NULL, &err), 0);
	r = limits_apply_memory_policy(&config, &err);
	if (r == -ENOSYS) {
		ck_assert_str_eq(err.hint, "this kernel was built without CONFIG_NUMA");
		(void)fprintf(stderr, "limits: a kernel without NUMA: memory policy untested\n");
		return;
	}
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(syscall(SYS_get_mempolicy, &mode, bits, sizeof(bits) * 8, NULL, 0), 0);
	ck_assert_int_eq(mode, 2);
	ck_assert_uint_eq(bits[0], 1);
	config = (struct oci_memory_policy){.mode = 3, .nodes = (char[]){"0"}, .flags = 1 << 15};
	ck_assert_int_eq(limits_apply_memory_policy(&config, &err), 0);
	ck_assert_int_eq(syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 0), 0);
	ck_assert_int_eq(mode, 3 | 1 << 15);
	config = (struct oci_memory_policy){.mode = 0};
	ck_assert_int_eq(limits_apply_memory_policy(&config, &err), 0);
	ck_assert_int_eq(syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 0), 0);
	ck_assert_int_eq(mode, 0);
}
END_TEST

START_TEST(memory_policy_refused)
{
	struct oci_memory_policy config = {.mode = 2, .nodes = (char[]){"0-x"}};
	struct error err = ERROR_INIT;

	ck_assert_int_eq(limits_apply_memory_policy(&config, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "linux.memoryPolicy.nodes",
			"\"0-x\" is not a list of memory nodes like 0-3,7", "");
	config.nodes = (char[]){"900"};
	if (limits_apply_memory_policy(&config, &err) == -ENOSYS)
		return;
	ck_assert_error(
		&err, EINVAL, "linux.memoryPolicy",
		"set the memory policy to MPOL_BIND with nodes \"900\": Invalid argument (EINVAL)",
		"a node may not exist or not be in the cpuset, or the mode takes no such nodes "
		"or flags");
}
END_TEST

START_TEST(execution_domain)
{
	char flag[] = "ADDR_NO_RANDOMIZE", *flags[] = {flag};
	struct oci_personality config = {.domain = PER_LINUX32};
	struct error err = ERROR_INIT;

	ck_assert_int_eq(limits_apply_personality(NULL, &err), 0);
	ck_assert_int_eq(limits_apply_personality(&config, &err), 0);
	ck_assert_int_eq(personality(0xffffffff), PER_LINUX32);
	/* The specification has none; oci_config_check() has warned of it. */
	config.flags = (struct oci_strings){flags, 1};
	ck_assert_int_eq(limits_apply_personality(&config, &err), 0);
	ck_assert_int_eq(personality(0xffffffff), PER_LINUX32);
}
END_TEST

static long keyctl(int command, long first, long second)
{
	return syscall(SYS_keyctl, command, first, second, 0, 0);
}

START_TEST(keyring)
{
	char description[256] = "", name[64], wanted[256];
	struct error err = ERROR_INIT;
	long before = keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0), made;
	pid_t child;

	(void)snprintf(name, sizeof(name), "unit-%d", (int)getpid());
	ck_assert_int_eq(limits_new_keyring(name, &err), 0);
	made = keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
	if (made < 0) {
		(void)fprintf(stderr, "limits: a kernel without keyrings: untested\n");
		return;
	}
	ck_assert_int_ne(made, before);
	ck_assert_int_gt(
		syscall(SYS_keyctl, KEYCTL_DESCRIBE, made, description, sizeof(description)), 0);
	/* All for who possesses it; view, read, search and link for its owner; nothing for others.
	 */
	(void)snprintf(wanted, sizeof(wanted), "keyring;%u;%u;3f1b0000;_ses.%s", getuid(), getgid(),
		       name);
	ck_assert_str_eq(description, wanted);
	/* Again is fine. */
	ck_assert_int_eq(limits_new_keyring(name, &err), 0);
	ck_assert_int_eq(keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0), made);
	/* The child keeps it, as the container's first process does. */
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0)
		for (;;)
			(void)pause();
	/* Another container has another one; a later process of this one finds it by its name. */
	(void)snprintf(wanted, sizeof(wanted), "%s-other", name);
	ck_assert_int_eq(limits_new_keyring(wanted, &err), 0);
	ck_assert_int_ne(keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0), made);
	ck_assert_int_eq(limits_new_keyring(name, &err), 0);
	ck_assert_int_eq(keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0), made);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

START_TEST(keyring_with_a_long_name)
{
	char name[1025];
	struct error err = ERROR_INIT;

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	/* Ids have up to 1024 characters. */
	ck_assert_int_eq(limits_new_keyring(name, &err), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		rlimits_are_set,
		infinity_is_all_ones,
		rlimits_that_cannot_be,
		oom_score,
		oom_score_is_not_lowered,
		scheduler,
		scheduler_refused,
		io_priority,
		nodes,
		memory_policy,
		memory_policy_refused,
		execution_domain,
		keyring,
		keyring_with_a_long_name,
	};

	return suite_run("limits", tests, suite_count(tests));
}
