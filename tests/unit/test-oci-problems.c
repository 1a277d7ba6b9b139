/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci-spec/oci-spec.h"

static void collect(void *data, const struct oci_problem *problem)
{
	char *out = data;
	size_t length = strlen(out);

	(void)snprintf(out + length, 4096 - length, "%u:%u %s: %s\n", problem->line,
		       problem->column, problem->path, problem->message);
}

static size_t problems(const char *text, char out[4096])
{
	struct oci_report report = {.problem = collect, .data = out};

	out[0] = '\0';
	return oci_config_problems(text, strlen(text), &report);
}

/* A wrong type, a broken rule elsewhere, and nothing about what follows from the wrong type. */
START_TEST(both_kinds)
{
	char out[4096];

	ck_assert_uint_eq(problems("{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":7},\n"
				   "\"process\":{\"cwd\":\"relative\",\"args\":[\"x\"]}}",
				   out),
			  2);
	ck_assert_ptr_nonnull(strstr(out, "1:38 root.path: expected a string, not a number\n"));
	ck_assert_ptr_nonnull(strstr(out, "2:18 process.cwd: "));
	ck_assert_ptr_null(strstr(out, "root: "));
}
END_TEST

START_TEST(nothing_behind_a_syntax_error)
{
	char out[4096];

	ck_assert_uint_eq(
		problems("{\"ociVersion\":\"1.2.0\",\"process\":{\"cwd\":\"relative\",}}", out), 1);
	ck_assert_ptr_null(strstr(out, "relative"));
}
END_TEST

START_TEST(not_an_object)
{
	char out[4096];

	ck_assert_uint_eq(problems("null", out), 1);
	ck_assert_uint_eq(problems("[]", out), 1);
	ck_assert_uint_eq(problems("", out), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("oci-problems");
	TCase *tcase = tcase_create("oci-problems");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, both_kinds);
	tcase_add_test(tcase, nothing_behind_a_syntax_error);
	tcase_add_test(tcase, not_an_object);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
