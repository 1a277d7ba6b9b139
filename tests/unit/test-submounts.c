/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/submounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mountinfo.h"
#include "suite.h"

/* Whether the kernel has what it takes; else a word about it. */
static bool told(int r, const char *point)
{
	if (r == 0)
		return true;
	ck_assert_msg(r == -ENOSYS || r == -EOPNOTSUPP || r == -EPERM || r == -E2BIG,
		      "submounts_read: %s", strerror(-r));
	(void)fprintf(stderr, "submounts of %s: %s: untested\n", point, strerror(-r));
	return false;
}

/* The mount of that id in the text of mountinfo, which is cut in place. */
static void find_mount(char *text, uint32_t id, struct mountinfo *ret_mount)
{
	while (mountinfo_next(&text, ret_mount))
		if (ret_mount->id == id)
			return;
	ck_abort_msg("mount %u is not in mountinfo", id);
}

/* All that is told of each mount is what /proc/self/mountinfo says. Returns how many there are. */
static int compare(const char *point, const char *type)
{
	char *text = NULL, *all = NULL, *rest;
	struct mountinfo one, same;
	int count = 0;

	if (!told(submounts_read(point, type, &text), point))
		return -1;
	for (rest = text; mountinfo_next(&rest, &one); count++) {
		ck_assert_int_eq(io_read_file(AT_FDCWD, "/proc/self/mountinfo", 0, MOUNTINFO_MAX,
					      &all, NULL),
				 0);
		find_mount(all, one.id, &same);
		ck_assert_uint_eq(one.parent, same.parent);
		ck_assert_str_eq(one.device, same.device);
		ck_assert_str_eq(one.root, same.root);
		ck_assert_str_eq(one.point, same.point);
		ck_assert_str_eq(one.type, same.type);
		ck_assert_int_eq(strncmp(one.type, type, strlen(type)), 0);
		/* There the filesystem's flags come before its options. */
		ck_assert_ptr_nonnull(strstr(same.super_options, one.super_options));
		free(all);
	}
	free(text);
	return count;
}

START_TEST(as_in_mountinfo)
{
	(void)compare("/sys", "");
	(void)compare("/proc", "");
	(void)compare("/dev", "");
	(void)compare("/sys/fs/cgroup", "cgroup");
}
END_TEST

START_TEST(of_no_such_type)
{
	char *text = NULL;

	if (!told(submounts_read("/proc", "no such", &text), "/proc"))
		return;
	ck_assert_str_eq(text, "");
	free(text);
}
END_TEST

START_TEST(not_there)
{
	char *text = NULL;

	ck_assert_int_eq(submounts_read("/no/such/place", "", &text), -ENOENT);
	ck_assert_ptr_null(text);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {as_in_mountinfo, of_no_such_type, not_there};

	return suite_run("submounts", tests, suite_count(tests));
}
