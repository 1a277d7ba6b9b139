/* SPDX-License-Identifier: Apache-2.0 */
#include "container/init/seccomp.h"

#include <errno.h>
#include <string.h>

#include "suite.h"

/* What the helper and the process still have to call, but for the fork. */
#define NEEDED                                                                                  \
	"capget", "capset", "prctl", "exit_group", "poll", "ppoll", "setsid", "rt_sigprocmask", \
		"ioctl", "sendmsg", "recvmsg", "prlimit64", "execve"
#define NAMES(...)                                                                   \
	{                                                                            \
		(char **)(const char *[]){__VA_ARGS__},                              \
			sizeof((const char *[]){__VA_ARGS__}) / sizeof(const char *) \
	}

static const struct oci_process process, unprivileged = {.no_new_privileges = true};

/* Whether the helper installs a filter of these rules, where everything else is an error. */
static bool is_first(struct oci_seccomp_rule *rules, size_t count)
{
	struct oci_seccomp config = {.default_action = OCI_SECCOMP_ERRNO,
				     .syscalls = {rules, count}};
	struct plan plan = {.process = &process};
	struct error err;
	bool is;

	ck_assert_int_eq(seccomp_plan(&config, &plan.seccomp, &err), 0);
	ck_assert(init_seccomp_needs_admin(&plan));
	is = init_seccomp_is_first(&plan);
	seccomp_plan_clear(&plan.seccomp);
	return is;
}

START_TEST(where_everything_is_allowed)
{
	struct oci_seccomp_rule fork = {.names = NAMES("clone3", NEEDED),
					.action = OCI_SECCOMP_ALLOW};

	ck_assert(is_first(&fork, 1));
	fork.action = OCI_SECCOMP_LOG;
	ck_assert(is_first(&fork, 1));
}
END_TEST

/* As in the profile of docker: no new namespaces. */
START_TEST(where_clone_takes_the_place_of_clone3)
{
	struct oci_seccomp_arg no_namespaces = {0, 0x7e020000, 0, OCI_SECCOMP_MASKED_EQ};
	struct oci_seccomp_rule rules[] = {
		{.names = NAMES(NEEDED), .action = OCI_SECCOMP_ALLOW},
		{.names = NAMES("clone"), .action = OCI_SECCOMP_ALLOW, .args = {&no_namespaces, 1}},
		{.names = NAMES("clone3"),
		 .action = OCI_SECCOMP_ERRNO,
		 .errno_ret = {.set = true, .value = ENOSYS}},
	};

	ck_assert(is_first(rules, 3));
	rules[2].errno_ret.value = EPERM;
	ck_assert(!is_first(rules, 3));
	rules[2].errno_ret.value = ENOSYS;
	rules[1].names.count = 0;
	ck_assert(!is_first(rules, 3));
}
END_TEST

START_TEST(where_one_call_is_missing)
{
	const char *names[] = {"clone3", NEEDED};
	const char *left[suite_count(names)];

	for (size_t without = 0; without < suite_count(names); without++) {
		struct oci_seccomp_rule rule = {.names = {(char **)left, 0},
						.action = OCI_SECCOMP_ALLOW};

		/* poll(3) is one or the other. */
		if (strcmp(names[without], "poll") == 0 || strcmp(names[without], "ppoll") == 0)
			continue;
		for (size_t i = 0; i < suite_count(names); i++)
			if (i != without)
				left[rule.names.count++] = names[i];
		ck_assert_msg(!is_first(&rule, 1), "without %s", names[without]);
	}
}
END_TEST

START_TEST(where_it_is_not_needed)
{
	struct oci_seccomp config = {.default_action = OCI_SECCOMP_ALLOW};
	struct plan plan = {.process = &process};
	struct error err;

	/* No filter. */
	ck_assert(!init_seccomp_needs_admin(&plan));
	ck_assert(!init_seccomp_is_first(&plan));
	ck_assert_int_eq(seccomp_plan(&config, &plan.seccomp, &err), 0);
	ck_assert(init_seccomp_is_first(&plan));
	/* With a listener it is told to the runtime by calls of its own. */
	plan.seccomp.notify = true;
	ck_assert(!init_seccomp_is_first(&plan));
	plan.seccomp.notify = false;
	/* The program has it anyway. */
	plan.capabilities.effective = INIT_SECCOMP_ADMIN;
	ck_assert(!init_seccomp_is_first(&plan));
	plan.capabilities.effective = 0;
	plan.process = &unprivileged;
	ck_assert(!init_seccomp_needs_admin(&plan));
	ck_assert(!init_seccomp_is_first(&plan));
	seccomp_plan_clear(&plan.seccomp);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		where_everything_is_allowed,
		where_clone_takes_the_place_of_clone3,
		where_one_call_is_missing,
		where_it_is_not_needed,
	};

	return suite_run("init-seccomp", tests, suite_count(tests));
}
