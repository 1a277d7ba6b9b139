/* SPDX-License-Identifier: Apache-2.0 */
#include "oci-spec/oci-spec.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char text[] =
	"{\n"
	"\t\"process\": {\"args\": [\"a\", [1, {\"x\": true}], {\"y\": null}],\n"
	"\t\t\"cwd\": \"/\"},\n"
	"  \"annotations\": {\"a.b\": \"1\", \"q\\\"\\\\\\n[0]\": \"2\", \"\": 3,\n"
	"\"plain\": -4, \"\\u0041\": \"x\\\\\\\"y\"}, \"list\": []\n"
	"}\n";

struct place {
	const char *path;
	unsigned int line, column;
};

static const struct place places[] = {
	{"", 1, 1},
	{"process", 2, 13},
	{"process.args", 2, 22},
	{"process.args[0]", 2, 23},
	{"process.args[1]", 2, 28},
	{"process.args[1][0]", 2, 29},
	{"process.args[1][1]", 2, 32},
	{"process.args[1][1].x", 2, 38},
	{"process.args[2].y", 2, 52},
	{"process.cwd", 3, 10},
	{"process[\"cwd\"]", 3, 10},
	{"annotations", 4, 18},
	{"annotations[\"a.b\"]", 4, 26},
	{"annotations[\"q\\\"\\\\\\u000a[0]\"]", 4, 45},
	{"annotations[\"\"]", 4, 54},
	{"annotations.plain", 5, 10},
	{"annotations.A", 5, 24},
	{"list", 5, 43},
	/* What is not there: the nearest value around it. */
	{"nothing", 1, 1},
	{"nothing.at[3].all", 1, 1},
	{"process.nothing", 2, 13},
	{"process.arg", 2, 13},
	{"process.argsx", 2, 13},
	{"process.args[3]", 2, 22},
	{"process.args[18446744073709551615]", 2, 22},
	{"process.args[99999999999999999999999]", 2, 22},
	{"process.args.x", 2, 22},
	{"process.args[0].x", 2, 23},
	{"process.args[1][1].y", 2, 32},
	{"process[0]", 2, 13},
	{"process.cwd.x", 3, 10},
	{"list[0]", 5, 43},
	{"annotations[\"a.c\"]", 4, 18},
	{"annotations[\"a.\"]", 4, 18},
	{"annotations[\"a.bb\"]", 4, 18},
	{"annotations[\"a.b\"", 4, 18},
	{"annotations.a.b", 4, 18},
	{"process.args[", 2, 22},
	{"process.args[x]", 2, 22},
	{"annotations[\"\\", 4, 18},
	{"annotations[\"\\u00", 4, 18},
};

START_TEST(test_places)
{
	unsigned int line = 0, column = 0;
	char *copy = malloc(sizeof(text) - 1);

	memcpy(copy, text, sizeof(text) - 1);
	ck_assert_int_eq(oci_locate(copy, sizeof(text) - 1, places[_i].path, &line, &column), 0);
	ck_assert_msg(line == places[_i].line && column == places[_i].column,
		      "%s is at %u:%u, not at %u:%u", places[_i].path, places[_i].line,
		      places[_i].column, line, column);
	free(copy);
}
END_TEST

static int locate(const char *json, const char *path)
{
	unsigned int line = 77, column = 77;
	int r = oci_locate(json, strlen(json), path, &line, &column);

	if (r < 0) {
		ck_assert_uint_eq(line, 77);
		ck_assert_uint_eq(column, 77);
		return r;
	}
	return (int)(line * 1000 + column);
}

/* Text that is no JSON is no matter behind the place, but it is before it. */
START_TEST(test_broken)
{
	ck_assert_int_eq(locate("", ""), -ENOENT);
	ck_assert_int_eq(locate("}", ""), -ENOENT);
	ck_assert_int_eq(locate("{\"a\":1,", "a"), 1006);
	ck_assert_int_eq(locate("{\"a\":1,", "b"), -ENOENT);
	ck_assert_int_eq(locate("{\"a\":1 x", "b"), -ENOENT);
	ck_assert_int_eq(locate("{\"a\":1} x", "a"), 1006);
	ck_assert_int_eq(locate("{\"a\":[1,", "a[1]"), -ENOENT);
	ck_assert_int_eq(locate("{\"a\":[1,2", "a[1]"), 1009);
	ck_assert_int_eq(locate("{\"b\":\"\xff\",\"a\":1}", "a"), -ENOENT);
	ck_assert_int_eq(locate("{\"a\":1,\"b\":\"\xff\"}", "a"), 1006);
	ck_assert_int_eq(locate(" 5", ""), 1002);
	ck_assert_int_eq(locate(" 5", "a"), 1002);
	ck_assert_int_eq(locate("\"x\"", "[0]"), 1001);
	ck_assert_int_eq(locate("[[5]]", "[0][0]"), 1003);
}
END_TEST

/* Of equal keys the first counts; the decoder refuses them anyhow. */
START_TEST(test_duplicates)
{
	ck_assert_int_eq(locate("{\"a\":1,\"a\":2}", "a"), 1006);
	ck_assert_int_eq(locate("{\"b\":{\"a\":0},\"a\":2}", "a"), 1018);
	ck_assert_int_eq(locate("{\"b\":[{\"a\":0}],\"a\":[2]}", "a[0]"), 1021);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("oci-locate");
	TCase *tcase = tcase_create("paths");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, test_places, 0, (int)(sizeof(places) / sizeof(places[0])));
	tcase_add_test(tcase, test_broken);
	tcase_add_test(tcase, test_duplicates);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
