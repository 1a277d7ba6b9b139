/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mountinfo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

static void check_words(const struct mountinfo *mount, const char *const words[static 6])
{
	ck_assert_str_eq(mount->device, words[0]);
	ck_assert_str_eq(mount->root, words[1]);
	ck_assert_str_eq(mount->point, words[2]);
	ck_assert_str_eq(mount->type, words[3]);
	ck_assert_str_eq(mount->source, words[4]);
	ck_assert_str_eq(mount->super_options, words[5]);
}

static const struct {
	const char *line, *words[6];
} lines[] = {
	{"22 27 0:21 / /proc rw,relatime - proc proc rw",
	 {"0:21", "/", "/proc", "proc", "proc", "rw"}},
	{"22 27 0:21 / /proc rw shared:1 master:2 - proc proc rw,hidepid=2",
	 {"0:21", "/", "/proc", "proc", "proc", "rw,hidepid=2"}},
	/* Escaped; only of root and point it is taken back. */
	{"23 27 259:1 /a\\134b /s\\040y\\011s\\012 rw - fuse.a\\040b s\\040s rw,x=\\054",
	 {"259:1", "/a\\b", "/s y\ts\n", "fuse.a\\040b", "s\\040s", "rw,x=\\054"}},
	/* What is no escape stays. */
	{"23 27 0:22 /a /\\04 rw - a b rw", {"0:22", "/a", "/\\04", "a", "b", "rw"}},
	{"23 27 0:22 /a /\\400\\08x\\ rw - a b rw",
	 {"0:22", "/a", "/\\400\\08x\\", "a", "b", "rw"}},
	/* A mount whose source is "". */
	{"24 27 0:23 / /x rw - cgroup2  rw,nsdelegate",
	 {"0:23", "/", "/x", "cgroup2", "", "rw,nsdelegate"}},
	{"24 27 0:23 / /x rw - tmpfs - ", {"0:23", "/", "/x", "tmpfs", "-", ""}},
	/* Options of some filesystems have blanks of their own. */
	{"24 27 0:23 / /x rw - a b rw,c d", {"0:23", "/", "/x", "a", "b", "rw,c d"}},
	{"4294967295 0 0:4 net:[1] /n rw - nsfs nsfs rw",
	 {"0:4", "net:[1]", "/n", "nsfs", "nsfs", "rw"}},
};

START_TEST(words)
{
	for (size_t i = 0; i < suite_count(lines); i++) {
		char *line = strdup(lines[i].line);
		struct mountinfo mount;

		ck_assert_int_eq(mountinfo_parse(line, &mount), 0);
		check_words(&mount, lines[i].words);
		free(line);
	}
}
END_TEST

START_TEST(who_follows_whom)
{
	static const struct {
		const char *tags;
		uint32_t master;
	} cases[] = {{"", 0},
		     {"shared:3 ", 0},
		     {"master:4294967295 ", UINT32_MAX},
		     {"shared:1 master:2 propagate_from:3 ", 2},
		     {"unbindable ", 0}};

	for (size_t i = 0; i < suite_count(cases); i++) {
		struct mountinfo mount;
		char line[128];

		(void)snprintf(line, sizeof(line), "22 27 0:21 / /x rw %s- tmpfs master:9 rw",
			       cases[i].tags);
		ck_assert_int_eq(mountinfo_parse(line, &mount), 0);
		ck_assert_uint_eq(mount.master, cases[i].master);
	}
}
END_TEST

START_TEST(not_a_mount)
{
	static const char *const none[] = {
		"",
		"22",
		"22 27 0:21 / /proc",
		"22 27 0:21 / /proc rw",
		"22 27 0:21 / /proc rw shared:1",
		"22 27 0:21 / /proc rw -",
		"22 27 0:21 / /proc rw - proc",
		"22 27 0:21 / /proc rw - proc proc",
		"22 27 0:21 / /proc - proc proc",
		"a 27 0:21 / /proc rw - proc proc rw",
		"22 -1 0:21 / /proc rw - proc proc rw",
		"4294967296 27 0:21 / /proc rw - proc proc rw",
	};

	for (size_t i = 0; i < suite_count(none); i++) {
		char *line = strdup(none[i]);
		struct mountinfo mount = {.id = 7};

		ck_assert_msg(mountinfo_parse(line, &mount) == -EINVAL, "%s", none[i]);
		ck_assert_uint_eq(mount.id, 7);
		free(line);
	}
}
END_TEST

START_TEST(of_many_lines)
{
	char text[] = "22 1 0:21 / /proc rw - proc proc rw\n"
		      "rubbish\n"
		      "\n"
		      "23 22 0:22 / /proc/sys rw - tmpfs  rw\n"
		      "24 22 0:23 / /last rw - tmpfs x rw";
	char empty[] = "", *rest = text;
	struct mountinfo mount;

	ck_assert(mountinfo_next(&rest, &mount));
	ck_assert_uint_eq(mount.id, 22);
	ck_assert_uint_eq(mount.parent, 1);
	ck_assert_str_eq(mount.super_options, "rw");
	ck_assert(mountinfo_next(&rest, &mount));
	ck_assert_uint_eq(mount.id, 23);
	ck_assert_uint_eq(mount.parent, 22);
	ck_assert(mountinfo_next(&rest, &mount));
	ck_assert_str_eq(mount.point, "/last");
	ck_assert(!mountinfo_next(&rest, &mount));
	ck_assert(!mountinfo_next(&rest, &mount));
	rest = empty;
	ck_assert(!mountinfo_next(&rest, &mount));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {words, who_follows_whom, not_a_mount, of_many_lines};

	return suite_run("mountinfo", tests, suite_count(tests));
}
