/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "isolate/rootfs/rootfs.h"
#include "kernel/syscalls.h"

static struct oci_namespace namespaces[] = {{.type = CLONE_NEWPID}, {.type = CLONE_NEWNS}};
static char *paths[] = {(char *)"/proc/kcore"};

static struct oci_config make_config(struct oci_root *root, struct oci_linux *linux_config)
{
	*root = (struct oci_root){.path = (char *)"rootfs"};
	*linux_config = (struct oci_linux){.namespaces = {namespaces, 2}};
	return (struct oci_config){.root = root, .linux = linux_config};
}

START_TEST(defaults)
{
	struct oci_linux linux_config;
	struct oci_root root;
	struct oci_config config = make_config(&root, &linux_config);
	struct error err = ERROR_INIT;
	struct rootfs_plan plan;

	ck_assert_int_eq(rootfs_plan(&config, "/bundle", false, &plan, &err), 0);
	ck_assert_str_eq(plan.path, "/bundle/rootfs");
	ck_assert_uint_eq(plan.propagation, MS_SLAVE | MS_REC);
	ck_assert(plan.mount_namespace && !plan.readonly && !plan.no_pivot);
	ck_assert_ptr_null(plan.label);
	ck_assert_uint_eq(plan.masked_paths.count + plan.readonly_paths.count, 0);
	rootfs_plan_clear(&plan);
	ck_assert_ptr_null(plan.path);
}
END_TEST

START_TEST(configured)
{
	struct oci_linux linux_config;
	struct oci_root root;
	struct oci_config config = make_config(&root, &linux_config);
	struct error err = ERROR_INIT;
	struct rootfs_plan plan;

	root = (struct oci_root){.path = (char *)"/a/../root", .readonly = true};
	linux_config.rootfs_propagation = MS_SHARED;
	linux_config.masked_paths = (struct oci_strings){paths, 1};
	linux_config.readonly_paths = (struct oci_strings){paths, 1};
	linux_config.mount_label = (char *)"label";
	ck_assert_int_eq(rootfs_plan(&config, "/bundle", true, &plan, &err), 0);
	ck_assert_str_eq(plan.path, "/a/../root");
	ck_assert_uint_eq(plan.propagation, MS_SHARED);
	ck_assert(plan.readonly && plan.no_pivot);
	ck_assert_str_eq(plan.label, "label");
	ck_assert_str_eq(plan.masked_paths.items[0], "/proc/kcore");
	ck_assert_uint_eq(plan.readonly_paths.count, 1);
	rootfs_plan_clear(&plan);
}
END_TEST

static void check_refused(const struct oci_config *config, bool no_pivot, const char *message,
			  const char *field)
{
	struct rootfs_plan plan = {.propagation = 77};
	struct error err = ERROR_INIT;

	ck_assert_int_eq(rootfs_plan(config, "/bundle", no_pivot, &plan, &err), -EINVAL);
	ck_assert_str_eq(err.message, message);
	ck_assert_str_eq(err.field, field);
	ck_assert_uint_eq(plan.propagation, 77);
}

START_TEST(refuses)
{
	struct oci_linux linux_config;
	struct oci_root root;
	struct oci_config config = make_config(&root, &linux_config);

	root.path = (char *)"";
	check_refused(&config, false, "a container needs a root filesystem", "root.path");
	config.root = NULL;
	check_refused(&config, false, "a container needs a root filesystem", "root.path");

	config = make_config(&root, &linux_config);
	linux_config.rootfs_propagation = MS_PRIVATE;
	check_refused(&config, true, "--no-pivot cannot be used with a private propagation",
		      "linux.rootfsPropagation");
	linux_config.rootfs_propagation = MS_PRIVATE | MS_REC;
	check_refused(&config, true, "--no-pivot cannot be used with a private propagation",
		      "linux.rootfsPropagation");
}
END_TEST

/* What would have to be done to the host's mounts. */
START_TEST(without_mount_namespace)
{
	struct oci_linux linux_config;
	struct oci_root root;
	struct oci_config config = make_config(&root, &linux_config);
	struct error err = ERROR_INIT;
	struct rootfs_plan plan;

	linux_config.namespaces.count = 1;
	ck_assert_int_eq(rootfs_plan(&config, "/bundle", false, &plan, &err), 0);
	ck_assert(!plan.mount_namespace);
	rootfs_plan_clear(&plan);

	root.readonly = true;
	check_refused(&config, false, "a read-only root needs a mount namespace", "root.readonly");
	root.readonly = false;
	linux_config.masked_paths = (struct oci_strings){paths, 1};
	check_refused(&config, false, "masked paths need a mount namespace", "linux.maskedPaths");
	linux_config.masked_paths.count = 0;
	linux_config.readonly_paths = (struct oci_strings){paths, 1};
	check_refused(&config, false, "read-only paths need a mount namespace",
		      "linux.readonlyPaths");
	linux_config.readonly_paths.count = 0;
	linux_config.rootfs_propagation = MS_SLAVE;
	check_refused(&config, false, "a propagation needs a mount namespace",
		      "linux.rootfsPropagation");
}
END_TEST

START_TEST(path_too_long)
{
	struct oci_linux linux_config;
	struct oci_root root;
	struct oci_config config = make_config(&root, &linux_config);
	struct error err = ERROR_INIT;
	struct rootfs_plan plan;
	char path[5000];

	memset(path, 'a', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	root.path = path;
	ck_assert_int_eq(rootfs_plan(&config, "/bundle", false, &plan, &err), -ENAMETOOLONG);
	ck_assert_str_eq(err.message,
			 "the path of the root filesystem: File name too long (ENAMETOOLONG)");
	ck_assert_str_eq(err.field, "root.path");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rootfs");
	TCase *tests = tcase_create("plan");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, defaults);
	tcase_add_test(tests, configured);
	tcase_add_test(tests, refuses);
	tcase_add_test(tests, without_mount_namespace);
	tcase_add_test(tests, path_too_long);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
