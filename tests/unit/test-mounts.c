/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "isolate/mounts/mounts.h"
#include "kernel/syscalls.h"

static struct oci_namespace mount_namespace = {.type = CLONE_NEWNS};
static struct oci_linux linux_config = {.namespaces = {&mount_namespace, 1}};

/* One mount; `options` are separated by commas. */
struct mount_case {
	const char *destination, *type, *source, *options;
	/* What is expected: an error ... */
	const char *message, *field, *hint;
	int number;
	/* ... or a step. */
	enum mounts_kind kind;
	enum mounts_place place;
	bool readonly_last;
	const char *path;
};

static int plan(const struct mount_case *c, struct mounts_plan *ret_plan, struct error *err)
{
	static char text[256], *items[16];
	static struct oci_mount mounts[2]; /* what is planned points here */
	struct oci_config config = {.linux = &linux_config, .mounts = {mounts, 2}};
	char *rest = text, *word;

	mounts[0] = (struct oci_mount){.destination = (char *)"/first", .type = (char *)"tmpfs"};
	mounts[1] = (struct oci_mount){.destination = (char *)c->destination,
				       .type = (char *)c->type,
				       .source = (char *)c->source,
				       .options = {.items = items}};
	strcpy(text, c->options);
	while (text[0] && (word = strsep(&rest, ",")))
		mounts[1].options.items[mounts[1].options.count++] = word;
	return mounts_plan(&config, "/bundle", ret_plan, err);
}

static const struct mount_case accepted[] = {
	{"/proc", "proc", "proc", "", .kind = MOUNTS_FILESYSTEM, .place = MOUNTS_PROC},
	{"//proc/.", "proc", "proc", "ro", .kind = MOUNTS_FILESYSTEM, .place = MOUNTS_PROC},
	{"/proc", NULL, "/proc", "rbind", .kind = MOUNTS_BIND, .place = MOUNTS_PROC,
	 .path = "/proc"},
	{"/proc/cpuinfo", "bind", "/lxcfs", "bind", .kind = MOUNTS_BIND, .place = MOUNTS_BELOW_PROC,
	 .path = "/lxcfs"},
	{"/proc/sys/kernel/ns_last_pid", "x", "/y", "bind", .kind = MOUNTS_BIND,
	 .place = MOUNTS_BELOW_PROC, .path = "/y"},
	{"/proc/sys", NULL, NULL, "remount,ro", .kind = MOUNTS_REMOUNT},
	{"/process", "tmpfs", NULL, "", .kind = MOUNTS_FILESYSTEM},
	{"/dev", "tmpfs", "tmpfs", "nosuid,mode=755", .kind = MOUNTS_FILESYSTEM},
	{"/run", "tmpfs", "tmpfs", "ro", .kind = MOUNTS_FILESYSTEM, .readonly_last = true},
	{"dev/", "devtmpfs", "x", "ro", .kind = MOUNTS_FILESYSTEM, .readonly_last = true},
	{"/sys", "sysfs", "sysfs", "ro", .kind = MOUNTS_FILESYSTEM},
	{"/c", "cgroup", "cgroup", "ro", .kind = MOUNTS_CGROUP},
	{"/c", "cgroup2", "cgroup", "ro", .kind = MOUNTS_CGROUP},
	/* Relative sources lie in the bundle; ".." is the kernel's to resolve. */
	{"relative", "none", "volume/../x", "bind,ro", .kind = MOUNTS_BIND,
	 .path = "/bundle/volume/../x"},
	{"/b", "bind", "/a/../b", "", .kind = MOUNTS_BIND, .path = "/a/../b"},
	{"/t", "tmpfs", "tmpfs", "tmpcopyup", .kind = MOUNTS_FILESYSTEM},
	{"/b", "tmpfs", "/a", "bind,remount,ro", .kind = MOUNTS_REMOUNT},
};

static const struct mount_case refused[] = {
	{"/", "tmpfs", "x", "", "a mount cannot cover the root filesystem itself",
	 "mounts[1].destination", "", EINVAL},
	{"/a/../..//./", "tmpfs", "x", "", "a mount cannot cover the root filesystem itself",
	 "mounts[1].destination", "", EINVAL},
	{"/proc", "tmpfs", "x", "", "tmpfs cannot be mounted on /proc, only a procfs",
	 "mounts[1].destination", "", EINVAL},
	{"/a/../proc", "sysfs", "x", "", "sysfs cannot be mounted on /proc, only a procfs",
	 "mounts[1].destination", "", EINVAL},
	{"/proc/self/attr", "tmpfs", "x", "",
	 "/proc/self/attr is inside /proc, which may not be covered", "mounts[1].destination", "",
	 EPERM},
	{"proc/sys/kernel", NULL, "/x", "bind",
	 "/proc/sys/kernel is inside /proc, which may not be covered", "mounts[1].destination", "",
	 EPERM},
	{"/proc/cpuinfo/x", NULL, "/x", "bind",
	 "/proc/cpuinfo/x is inside /proc, which may not be covered", "mounts[1].destination", "",
	 EPERM},
	{"/x", NULL, "/x", "ro", "a mount needs a type, or bind or rbind among its options",
	 "mounts[1]", "", EINVAL},
	{"/x", NULL, NULL, "bind", "a bind mount needs a source", "mounts[1]", "", EINVAL},
	{"/x", NULL, "/y", "bind,size=3,mode=7",
	 "a bind mount cannot have options of a filesystem: size", "mounts[1].options", "", EINVAL},
	{"/x", "ramfs", "/y", "tmpcopyup", "tmpcopyup is for mounts of type tmpfs only",
	 "mounts[1].options", "", EINVAL},
	{"/x", "tmpfs", "/y", "bind,tmpcopyup", "tmpcopyup is for mounts of type tmpfs only",
	 "mounts[1].options", "", EINVAL},
	{"/x", "tmpfs", "/y", "src-nofollow",
	 "copy-symlink, src-nofollow and dest-nofollow are for binds only", "mounts[1].options", "",
	 EINVAL},
	{"/x", "tmpfs", "/y", "copy-symlink,src-nofollow",
	 "copy-symlink excludes src-nofollow and dest-nofollow", "mounts[1].options", "", EINVAL},
};

START_TEST(accepts)
{
	const struct mount_case *c = &accepted[_i];
	struct error err = ERROR_INIT;
	struct mounts_plan result;
	int r = plan(c, &result, &err);

	ck_assert_msg(r == 0, "%s: %s", c->destination, err.message);
	ck_assert_uint_eq(result.count, 2);
	ck_assert_uint_eq(result.steps[0].index, 0);
	ck_assert_int_eq(result.steps[0].kind, MOUNTS_FILESYSTEM);
	ck_assert_uint_eq(result.steps[1].index, 1);
	ck_assert_int_eq(result.steps[1].kind, c->kind);
	ck_assert_int_eq(result.steps[1].place, c->place);
	ck_assert_int_eq(result.steps[1].readonly_last, c->readonly_last);
	if (c->path)
		ck_assert_str_eq(result.steps[1].source, c->path);
	else
		ck_assert_ptr_null(result.steps[1].source);
	mounts_plan_clear(&result);
	ck_assert_ptr_null(result.steps);
}
END_TEST

static void check_refused(const struct mount_case *c)
{
	struct mounts_plan result = {.count = 77};
	struct error err = ERROR_INIT;

	ck_assert_int_eq(plan(c, &result, &err), -c->number);
	ck_assert_str_eq(err.message, c->message);
	ck_assert_str_eq(err.field, c->field);
	ck_assert_str_eq(err.hint, c->hint);
	ck_assert_uint_eq(result.count, 77);
}

START_TEST(refuses)
{
	check_refused(&refused[_i]);
}
END_TEST

START_TEST(destination_too_long)
{
	struct mount_case c = {.type = "tmpfs",
			       .options = "",
			       .message = "destination: File name too long (ENAMETOOLONG)",
			       .field = "mounts[1].destination",
			       .hint = "",
			       .number = ENAMETOOLONG};
	char destination[5000];

	memset(destination, 'a', sizeof(destination));
	destination[sizeof(destination) - 1] = '\0';
	c.destination = destination;
	check_refused(&c);
}
END_TEST

START_TEST(needs_mount_namespace)
{
	struct oci_mount mount = {.destination = (char *)"/x", .type = (char *)"tmpfs"};
	struct oci_namespace user = {.type = CLONE_NEWUSER};
	struct oci_linux without = {0};
	struct oci_config config = {.linux = &without, .mounts = {&mount, 1}};
	struct error err = ERROR_INIT;
	struct mounts_plan result;

	/* In the host's, when there is no user namespace either. */
	ck_assert_int_eq(mounts_plan(&config, "/b", &result, &err), 0);
	mounts_plan_clear(&result);
	without.namespaces = (struct oci_namespaces){&user, 1};
	ck_assert_int_eq(mounts_plan(&config, "/b", &result, &err), -EINVAL);
	ck_assert_str_eq(err.message, "in a user namespace mounts need a mount namespace");
	ck_assert_str_eq(err.field, "mounts");
	ck_assert_str_eq(err.hint, "add {\"type\": \"mount\"} to linux.namespaces");
	config.mounts.count = 0;
	config.linux = NULL;
	ck_assert_int_eq(mounts_plan(&config, "/b", &result, &err), 0);
	ck_assert_uint_eq(result.count, 0);
	ck_assert_ptr_null(result.label);
	mounts_plan_clear(&result);
}
END_TEST

static int plan_idmap(const char *type, const char *option, size_t uids, size_t gids, bool user,
		      struct mounts_plan *ret_plan, struct error *err)
{
	static struct oci_id_mapping lines[2] = {{0, 1000, 1}, {1, 5000, 10}};
	static struct oci_mount mount;
	struct oci_namespace both[] = {{.type = CLONE_NEWNS}, {.type = CLONE_NEWUSER}};
	struct oci_linux idmapped = {.namespaces = {both, user ? 2 : 1}};
	struct oci_config config = {.linux = &idmapped, .mounts = {&mount, 1}};
	char *item = (char *)option;

	mount = (struct oci_mount){.destination = (char *)"/x",
				   .type = (char *)type,
				   .source = (char *)"/y",
				   .options = {&item, 1},
				   .uid_mappings = {lines, uids},
				   .gid_mappings = {lines, gids}};
	return mounts_plan(&config, "/b", ret_plan, err);
}

START_TEST(idmap)
{
	static const struct {
		const char *type, *option;
		size_t uids, gids;
		bool user;
		const char *message; /* NULL: accepted */
	} cases[] = {
		{"bind", "rbind", 2, 1, false, NULL},
		{"bind", "ridmap", 2, 2, true, NULL},
		{"bind", "idmap", 0, 0, true, NULL},
		{"bind", "idmap", 0, 0, false,
		 "idmap needs uidMappings and gidMappings, or a user namespace to take them from"},
		{"bind", "bind", 1, 0, true,
		 "an id-mapped mount needs both uidMappings and gidMappings, or neither"},
		{"bind", "bind", 0, 1, true,
		 "an id-mapped mount needs both uidMappings and gidMappings, or neither"},
		{"tmpfs", "idmap", 0, 0, true, NULL},
		{"tmpfs", "ro", 1, 1, true, NULL},
		{"cgroup", "ro", 1, 1, true,
		 "only a bind mount or a new filesystem can be id-mapped"},
		{"bind", "remount", 1, 1, true,
		 "only a bind mount or a new filesystem can be id-mapped"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err = ERROR_INIT;
		struct mounts_plan result;
		int r = plan_idmap(cases[i].type, cases[i].option, cases[i].uids, cases[i].gids,
				   cases[i].user, &result, &err);

		if (cases[i].message) {
			ck_assert_int_eq(r, -EINVAL);
			ck_assert_str_eq(err.message, cases[i].message);
			ck_assert_str_eq(err.field, "mounts[0]");
			continue;
		}
		ck_assert_msg(r == 0, "%s", err.message);
		ck_assert(result.steps[0].idmapped);
		ck_assert_uint_eq(result.steps[0].idmap.uids.count, cases[i].uids);
		ck_assert_uint_eq(result.steps[0].idmap.gids.count, cases[i].gids);
		mounts_plan_clear(&result);
	}
}
END_TEST

START_TEST(label)
{
	struct oci_linux labelled = linux_config;
	struct oci_config config = {.linux = &labelled};
	struct error err = ERROR_INIT;
	struct mounts_plan result;

	labelled.mount_label = (char *)"system_u:object_r:container_file_t:s0:c1,c2";
	ck_assert_int_eq(mounts_plan(&config, "/b", &result, &err), 0);
	ck_assert_str_eq(result.label, labelled.mount_label);
	mounts_plan_clear(&result);
	labelled.mount_label = (char *)"";
	ck_assert_int_eq(mounts_plan(&config, "/b", &result, &err), 0);
	ck_assert_ptr_null(result.label);
	mounts_plan_clear(&result);
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

int main(void)
{
	Suite *suite = suite_create("mounts");
	TCase *tests = tcase_create("plan");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tests, accepts, 0, COUNT(accepted));
	tcase_add_loop_test(tests, refuses, 0, COUNT(refused));
	tcase_add_test(tests, destination_too_long);
	tcase_add_test(tests, needs_mount_namespace);
	tcase_add_test(tests, idmap);
	tcase_add_test(tests, label);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
