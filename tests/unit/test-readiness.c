/* SPDX-License-Identifier: Apache-2.0 */
#include "container/readiness.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(addresses)
{
	char longest[108 + 1];

	ck_assert(readiness_is_address("/run/systemd/notify"));
	ck_assert(readiness_is_address("@/org/freedesktop/systemd1/notify/123"));
	ck_assert(!readiness_is_address(NULL));
	ck_assert(!readiness_is_address(""));
	ck_assert(!readiness_is_address("/"));
	ck_assert(!readiness_is_address("@"));
	ck_assert(!readiness_is_address("vsock:2:1234"));
	ck_assert(!readiness_is_address("relative/path"));
	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[107] = '\0';
	ck_assert(readiness_is_address(longest));
	longest[107] = 'x';
	longest[108] = '\0';
	ck_assert(!readiness_is_address(longest));
}
END_TEST

static void check_line(const char *message, size_t length, const char *wanted)
{
	char line[16] = "untouched";

	ck_assert_int_eq(readiness_find(message, length, line, sizeof(line)), wanted != NULL);
	ck_assert_str_eq(line, wanted ? wanted : "untouched");
}

START_TEST(lines)
{
	static const struct {
		const char *message, *wanted;
	} rows[] = {
		{"READY=1", "READY=1"},
		{"READY=1\n", "READY=1"},
		{"STATUS=READY=1\nX=2\nREADY=0\nREADY=1", "READY=0"},
		{"\n\nREADY=1\nMAINPID=1", "READY=1"},
		{"", NULL},
		{"\n", NULL},
		{"READY=", NULL},
		{"READY", NULL},
		{"XREADY=1", NULL},
		{"STATUS=ready", NULL},
		{"READY=0123456789", NULL}, /* longer than there is room for */
		{"READY=0123456789\nREADY=1", "READY=1"},
		{"READY=012345678", "READY=012345678"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_line(rows[i].message, strlen(rows[i].message), rows[i].wanted);
	/* A message has no end but its length. */
	check_line("READY=1READY=2", 7, "READY=1");
	check_line("READY=1", 6, NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("readiness");
	TCase *tcase = tcase_create("readiness");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, addresses);
	tcase_add_test(tcase, lines);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
