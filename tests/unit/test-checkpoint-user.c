/* SPDX-License-Identifier: Apache-2.0 */
#include "container/checkpoint/user.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container/checkpoint/restore-stage.h"
#include "suite.h"

START_TEST(maps_as_the_kernel_writes_them)
{
	struct oci_id_mapping lines[] = {{0, 200000, 1000}, {1000, 300000, 64536}};
	const struct oci_id_mappings map = {lines, 2}, none = {NULL, 0};

	ck_assert(checkpoint_has_map("         0     200000       1000\n"
				     "      1000     300000      64536\n",
				     &map));
	ck_assert(checkpoint_has_map("1000 300000 64536\n0 200000 1000\n", &map));
	ck_assert(checkpoint_has_map("", &none));
	ck_assert(!checkpoint_has_map("", &map));
	ck_assert(!checkpoint_has_map("0 200000 1000\n", &map));
	ck_assert(!checkpoint_has_map("0 200000 1000\n1000 300000 64535\n", &map));
	ck_assert(!checkpoint_has_map("0 200000 1000\n1000 300001 64536\n", &map));
	ck_assert(!checkpoint_has_map("0 200000 1000\n1001 300000 64536\n", &map));
	ck_assert(!checkpoint_has_map("0 200000 1000\n1000 300000 64536\n70000 1 1\n", &map));
	ck_assert(!checkpoint_has_map("0 200000\n", &map));
	ck_assert(!checkpoint_has_map("0 0 4294967295\n", &none));
}
END_TEST

static char *words(const char *text)
{
	return (char *)(uintptr_t)text;
}

START_TEST(what_comes_back_as_it_was)
{
	struct oci_id_mapping line = {0, 200000, 65535};
	struct oci_namespace namespaces[] = {{.type = CLONE_NEWNET}, {.type = CLONE_NEWUSER}};
	char *options[] = {words("bind"), words("ro")};
	struct oci_mount mount = {.destination = words("/mnt"), .options = {options, 2}};
	struct oci_linux linux_config = {.uid_mappings = {&line, 1},
					 .gid_mappings = {&line, 1},
					 .namespaces = {namespaces, 2}};
	struct oci_config config = {.linux = &linux_config, .mounts = {&mount, 1}};
	struct error err = ERROR_INIT;

	ck_assert_int_eq(checkpoint_check_user(&config, true, &err), 0);
	ck_assert_int_eq(checkpoint_check_user(&config, false, &err), -ENOTSUP);
	ck_assert_str_eq(
		err.message,
		"criu can restore a user namespace only where it makes the cgroups in it, too");
	error_clear(&err);
	namespaces[0].path = words("");
	ck_assert_int_eq(checkpoint_check_user(&config, true, &err), 0);
	namespaces[0].path = words("/run/netns/x");
	ck_assert_int_eq(checkpoint_check_user(&config, true, &err), -ENOTSUP);
	ck_assert_str_eq(err.field, "linux.namespaces[0].path");
	namespaces[0].path = NULL;
	namespaces[1].path = words("/run/userns/x");
	error_clear(&err);
	ck_assert_int_eq(checkpoint_check_user(&config, true, &err), -ENOTSUP);
	ck_assert_str_eq(err.field, "linux.namespaces[1].path");
	namespaces[1].path = NULL;
	line.size = 65534;
	error_clear(&err);
	ck_assert_int_eq(checkpoint_check_user(&config, true, &err), -ENOTSUP);
	ck_assert_str_eq(err.field, "linux.uidMappings");
	/* Without a user namespace others may be joined, and cgroups left alone. */
	linux_config.namespaces.count = 1;
	namespaces[0].path = words("/run/netns/x");
	ck_assert_int_eq(checkpoint_check_user(&config, false, &err), 0);
	options[1] = words("ridmap");
	error_clear(&err);
	ck_assert_int_eq(checkpoint_check_user(&config, true, &err), -ENOTSUP);
	ck_assert_str_eq(err.field, "mounts[0]");
	config.linux = NULL;
	options[1] = words("rw");
	ck_assert_int_eq(checkpoint_check_user(&config, true, &err), 0);
	mount.uid_mappings = (struct oci_id_mappings){&line, 1};
	ck_assert_int_eq(checkpoint_check_user(&config, true, &err), -ENOTSUP);
}
END_TEST

START_TEST(parents_of_images)
{
	char path[PATH_MAX];

	ck_assert_int_eq(restore_stage_follow("/a/b", "../c", path), 0);
	ck_assert_str_eq(path, "/a/c");
	ck_assert_int_eq(restore_stage_follow("/a/b", "c/./d/..", path), 0);
	ck_assert_str_eq(path, "/a/b/c");
	ck_assert_int_eq(restore_stage_follow("/a/b", "../../../../x", path), 0);
	ck_assert_str_eq(path, "/x");
	ck_assert_int_eq(restore_stage_follow("/a/b", "/c", path), -EINVAL);
}
END_TEST

START_TEST(where_others_cannot_walk)
{
	char folder[] = "/tmp/knarr-stage-XXXXXX", open[64], closed[64], deep[64], path[PATH_MAX];

	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(open, sizeof(open), "%s/open", folder);
	(void)snprintf(closed, sizeof(closed), "%s/open/closed", folder);
	(void)snprintf(deep, sizeof(deep), "%s/open/closed/deep", folder);
	ck_assert_int_eq(mkdir(open, 0755), 0);
	ck_assert_int_eq(mkdir(closed, 0700), 0);
	ck_assert_int_eq(mkdir(deep, 0755), 0);
	ck_assert_int_eq(chmod(folder, 0711) | chmod(open, 0755) | chmod(deep, 0755), 0);
	ck_assert_int_eq(restore_stage_find(deep, path), 0);
	ck_assert_str_eq(path, closed);
	ck_assert_int_eq(chmod(closed, 0711), 0);
	ck_assert_int_eq(restore_stage_find(deep, path), 0);
	ck_assert_str_eq(path, deep);
	ck_assert_int_eq(chmod(folder, 0700), 0);
	ck_assert_int_eq(restore_stage_find(deep, path), 0);
	ck_assert_str_eq(path, folder);
	ck_assert_int_eq(chmod(folder, 0711), 0);
	ck_assert_int_eq(rmdir(deep), 0);
	ck_assert_int_eq(restore_stage_find(deep, path), -ENOENT);
	ck_assert_int_eq(rmdir(closed) | rmdir(open) | rmdir(folder), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {maps_as_the_kernel_writes_them, what_comes_back_as_it_was,
				      parents_of_images, where_others_cannot_walk};

	return suite_run("checkpoint-user", tests, suite_count(tests));
}
