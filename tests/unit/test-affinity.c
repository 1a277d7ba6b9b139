/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>

#include "isolate/affinity.h"
#include "suite.h"

/* Each test is a process of its own. */
static int first_cpu(void)
{
	cpu_set_t set;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(set), &set), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set))
			return cpu;
	ck_abort_msg("no CPU");
}

static int count_cpus(void)
{
	cpu_set_t set;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(set), &set), 0);
	return CPU_COUNT(&set);
}

static void confine(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(first_cpu(), &set);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(set), &set), 0);
}

START_TEST(sets)
{
	char list[32];
	const struct oci_cpu_affinity affinity = {.initial = list, .final = list};
	struct error err = ERROR_INIT;

	(void)snprintf(list, sizeof(list), "%d,8000-8191", first_cpu());
	ck_assert_int_eq(_i == 0 ? affinity_set_initial(&affinity, &err)
				 : affinity_set_final(&affinity, &err),
			 0);
	ck_assert_int_eq(count_cpus(), 1);
}
END_TEST

START_TEST(nothing_is_asked)
{
	struct oci_cpu_affinity affinity = {.initial = (char[]){""}, .final = (char[]){""}};
	int all = count_cpus();
	struct error err = ERROR_INIT;

	confine();
	ck_assert_int_eq(affinity_set_initial(NULL, &err), 0);
	ck_assert_int_eq(affinity_set_initial(&affinity, &err), 0);
	ck_assert_int_eq(count_cpus(), 1);
	ck_assert_int_eq(affinity_set_final(_i == 0 ? NULL : &affinity, &err), 0);
	ck_assert_int_eq(count_cpus(), all);
}
END_TEST

/* "the final affinity is determined by the Linux kernel" */
START_TEST(only_initial)
{
	char list[32];
	const struct oci_cpu_affinity affinity = {.initial = list};
	struct error err = ERROR_INIT;

	(void)snprintf(list, sizeof(list), "%d", first_cpu());
	confine();
	ck_assert_int_eq(affinity_set_final(&affinity, &err), 0);
	ck_assert_int_eq(count_cpus(), 1);
}
END_TEST

START_TEST(refusals)
{
	const struct oci_cpu_affinity none = {.initial = (char[]){"8000"}};
	const struct oci_cpu_affinity word = {.final = (char[]){"all"}};
	const struct oci_cpu_affinity beyond = {.final = (char[]){"0-32768"}};
	const struct oci_cpu_affinity empty = {.final = (char[]){","}};
	struct error err = ERROR_INIT;

	ck_assert_int_eq(affinity_set_initial(&none, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "process.execCPUAffinity.initial",
			"set the CPU affinity to 8000: Invalid argument (EINVAL)",
			"none of these CPUs is online and in the cpuset");
	err = (struct error)ERROR_INIT;
	ck_assert_int_eq(affinity_set_final(&word, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "process.execCPUAffinity.final",
			"\"all\" is not a list of CPUs like 0-3,7", "");
	err = (struct error)ERROR_INIT;
	ck_assert_int_eq(affinity_set_final(&beyond, &err), -ERANGE);
	err = (struct error)ERROR_INIT;
	ck_assert_int_eq(affinity_set_final(&empty, &err), -EINVAL);
}
END_TEST

static Suite *affinity_suite(void)
{
	Suite *suite = suite_create("affinity");
	TCase *tests = tcase_create("affinity");

	tcase_add_loop_test(tests, sets, 0, 2);
	tcase_add_loop_test(tests, nothing_is_asked, 0, 2);
	tcase_add_test(tests, only_initial);
	tcase_add_test(tests, refusals);
	suite_add_tcase(suite, tests);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(affinity_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
