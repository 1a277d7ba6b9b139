/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <errno.h>
#include <string.h>

#include "suite.h"

static const struct {
	const char *path, *clean;
} clean_cases[] = {
	{"", "."},
	{".", "."},
	{"/", "/"},
	{"//", "/"},
	{"/.", "/"},
	{"/..", "/"},
	{"/../../a", "/a"},
	{"..", "."},
	{"../a", "a"},
	{"a/..", "."},
	{"a/../..", "."},
	{"a/../../b", "b"},
	{"a//b///c/", "a/b/c"},
	{"/a/./b/.", "/a/b"},
	{"/a/b/../c", "/a/c"},
	{"/a/b/../../c", "/c"},
	{"/a/b/../../../c", "/c"},
	{"/a/...", "/a/..."},
	{"/..a/.b", "/..a/.b"},
	{"./a", "a"},
	{"a", "a"},
	{"ab/cd/..", "ab"},
};

START_TEST(clean)
{
	char out[64];

	for (size_t i = 0; i < suite_count(clean_cases); i++) {
		ck_assert_int_eq(path_clean(clean_cases[i].path, out, sizeof(out)), 0);
		ck_assert_msg(strcmp(out, clean_cases[i].clean) == 0, "%s gives %s, not %s",
			      clean_cases[i].path, out, clean_cases[i].clean);
	}
}
END_TEST

/* The result and its NUL fit exactly, or it is refused; nothing is written behind `size`. */
START_TEST(clean_at_the_edge)
{
	char out[8];

	memset(out, '#', sizeof(out));
	ck_assert_int_eq(path_clean("/abc/", out, 5), 0);
	ck_assert_str_eq(out, "/abc");
	ck_assert_int_eq(out[5], '#');
	ck_assert_int_eq(path_clean("/abcd", out, 5), -ENAMETOOLONG);
	ck_assert_int_eq(path_clean("abc/d", out, 5), -ENAMETOOLONG);
	ck_assert_int_eq(path_clean("/a/b", out, 5), 0);
	ck_assert_str_eq(out, "/a/b");
	ck_assert_int_eq(path_clean("/", out, 1), -ENAMETOOLONG);
	ck_assert_int_eq(path_clean("", out, 0), -ENAMETOOLONG);
	ck_assert_int_eq(path_clean("/", out, 2), 0);
	ck_assert_int_eq(out[5], '#');
}
END_TEST

START_TEST(join)
{
	char out[64], longer[9000];

	ck_assert_int_eq(path_join("/a", "b/../c", out, sizeof(out)), 0);
	ck_assert_str_eq(out, "/a/c");
	ck_assert_int_eq(path_join("/a", "../../b", out, sizeof(out)), 0);
	ck_assert_str_eq(out, "/b");
	ck_assert_int_eq(path_join("/a", "/b/.", out, sizeof(out)), 0);
	ck_assert_str_eq(out, "/b");
	ck_assert_int_eq(path_join("/", "b", out, sizeof(out)), 0);
	ck_assert_str_eq(out, "/b");
	ck_assert_int_eq(path_join("/a", "", out, sizeof(out)), 0);
	ck_assert_str_eq(out, "/a");
	ck_assert_int_eq(path_join("", "b", out, sizeof(out)), 0);
	ck_assert_str_eq(out, "/b");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	ck_assert_int_eq(path_join("/a", longer, out, sizeof(out)), -ENAMETOOLONG);
	ck_assert_int_eq(path_join(longer, "b", out, sizeof(out)), -ENAMETOOLONG);
}
END_TEST

START_TEST(below)
{
	ck_assert(path_is_below("/a", "/a"));
	ck_assert(path_is_below("/a/b", "/a"));
	ck_assert(!path_is_below("/ab", "/a"));
	ck_assert(!path_is_below("/", "/a"));
	ck_assert(path_is_below("/a", "/"));
	ck_assert(path_is_below("/", "/"));
	ck_assert(!path_is_below("a", "/"));
}
END_TEST

START_TEST(dotdot_and_basename)
{
	ck_assert(path_has_dotdot(".."));
	ck_assert(path_has_dotdot("/a/.."));
	ck_assert(path_has_dotdot("../a"));
	ck_assert(path_has_dotdot("a//..//b"));
	ck_assert(!path_has_dotdot("a/..b/.../c.."));
	ck_assert(!path_has_dotdot(""));
	ck_assert_str_eq(path_basename("/a/b"), "b");
	ck_assert_str_eq(path_basename("b"), "b");
	ck_assert_str_eq(path_basename("/a/"), "");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {clean, clean_at_the_edge, join, below, dotdot_and_basename};

	return suite_run("path", tests, suite_count(tests));
}
