/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/timestamp.h"

START_TEST(known)
{
	static const struct {
		int64_t seconds;
		long nanoseconds;
		const char *text;
	} cases[] = {
		{0, 0, "1970-01-01T00:00:00.000000000Z"},
		{951782400, 1, "2000-02-29T00:00:00.000000001Z"},
		{951868799, 999999999, "2000-02-29T23:59:59.999999999Z"},
		{4107542400, 0, "2100-03-01T00:00:00.000000000Z"},
		{1735689599, 500, "2024-12-31T23:59:59.000000500Z"},
		{-1, 0, "1969-12-31T23:59:59.000000000Z"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct timespec when = {.tv_sec = cases[i].seconds,
					.tv_nsec = cases[i].nanoseconds};
		char out[TIMESTAMP_SIZE];

		timestamp_format(&when, out);
		ck_assert_str_eq(out, cases[i].text);
	}
}
END_TEST

/* libc's calendar is the oracle, a day at a time over four centuries. */
START_TEST(as_gmtime)
{
	for (int64_t day = 0; day < 146097; day++) {
		struct timespec when = {.tv_sec = day * 86400 + day % 86400};
		char out[TIMESTAMP_SIZE], expected[TIMESTAMP_SIZE];
		time_t seconds = when.tv_sec;
		struct tm tm;

		timestamp_format(&when, out);
		ck_assert_ptr_nonnull(gmtime_r(&seconds, &tm));
		ck_assert(strftime(expected, sizeof(expected), "%FT%T.000000000Z", &tm) > 0);
		ck_assert_str_eq(out, expected);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("timestamp");
	TCase *tcase = tcase_create("timestamp");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, known);
	tcase_add_test(tcase, as_gmtime);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
