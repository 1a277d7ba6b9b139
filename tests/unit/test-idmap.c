/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>

#include "isolate/idmap/idmap.h"
#include "suite.h"

#define MAX_LINES 340

static struct oci_id_mapping root_only[] = {{0, 1000, 1}};

/* With a new user namespace; gids are the given map, uids a good one. */
static int plan_gids(struct oci_id_mapping *lines, size_t count, struct error *err)
{
	struct oci_namespace user = {CLONE_NEWUSER, NULL};
	struct oci_linux linux_config = {
		.namespaces = {&user, 1},
		.uid_mappings = {root_only, 1},
		.gid_mappings = {lines, count},
	};
	struct idmap_plan plan;

	return idmap_plan(&linux_config, &plan, err);
}

static void refuse(struct oci_id_mapping *lines, size_t count, const char *field,
		   const char *message)
{
	struct error err = ERROR_INIT;

	ck_assert_int_lt(plan_gids(lines, count, &err), 0);
	ck_assert_str_eq(err.message, message);
	ck_assert_str_eq(err.field, field);
}

START_TEST(without_user_namespace)
{
	struct oci_namespace pid = {CLONE_NEWPID, NULL};
	struct oci_linux linux_config = {.namespaces = {&pid, 1},
					 .uid_mappings = {root_only, 1},
					 .gid_mappings = {root_only, 1}};
	struct idmap_plan plan = {.uids.count = 9};
	struct error err = ERROR_INIT;

	ck_assert_int_eq(idmap_plan(NULL, &plan, &err), 0);
	ck_assert_uint_eq(plan.uids.count, 0);
	plan.uids.count = 9;
	ck_assert_int_eq(idmap_plan(&linux_config, &plan, &err), 0);
	ck_assert_uint_eq(plan.uids.count, 0);
	ck_assert_uint_eq(plan.gids.count, 0);
	/* Nothing to write, nothing to become: neither looks at the pid or at privileges. */
	ck_assert_int_eq(idmap_write(&plan, -1, &err), 0);
	ck_assert_int_eq(idmap_become_root(&plan, &err), 0);
}
END_TEST

START_TEST(joined_user_namespace)
{
	char path[] = "/proc/1/ns/user";
	struct oci_namespace user = {CLONE_NEWUSER, path};
	struct oci_linux linux_config = {.namespaces = {&user, 1},
					 .uid_mappings = {root_only, 1},
					 .gid_mappings = {root_only, 1}};
	struct idmap_plan plan = {.uids.count = 9};
	struct error err = ERROR_INIT;

	ck_assert_int_eq(idmap_plan(&linux_config, &plan, &err), 0);
	ck_assert_uint_eq(plan.uids.count, 0);
}
END_TEST

START_TEST(new_user_namespace)
{
	struct oci_id_mapping gids[] = {{1, 200000, 65535}, {0, 50, 1}};
	struct oci_namespace user = {CLONE_NEWUSER, NULL};
	struct oci_linux linux_config = {.namespaces = {&user, 1},
					 .uid_mappings = {root_only, 1},
					 .gid_mappings = {gids, 2}};
	struct idmap_plan plan;
	struct error err = ERROR_INIT;
	uint32_t id = 7;

	ck_assert_int_eq(idmap_plan(&linux_config, &plan, &err), 0);
	ck_assert_ptr_eq(plan.uids.items, root_only);
	ck_assert_uint_eq(plan.uids.count, 1);
	ck_assert_ptr_eq(plan.gids.items, gids);
	ck_assert_uint_eq(plan.gids.count, 2);

	ck_assert_int_eq(idmap_to_host(&plan.gids, 0, &id), 0);
	ck_assert_uint_eq(id, 50);
	ck_assert_int_eq(idmap_to_host(&plan.gids, 1, &id), 0);
	ck_assert_uint_eq(id, 200000);
	ck_assert_int_eq(idmap_to_host(&plan.gids, 65535, &id), 0);
	ck_assert_uint_eq(id, 265534);
	id = 7;
	ck_assert_int_eq(idmap_to_host(&plan.gids, 65536, &id), -ENOENT);
	ck_assert_int_eq(idmap_to_host(&plan.gids, UINT32_MAX, &id), -ENOENT);
	ck_assert_uint_eq(id, 7);
}
END_TEST

START_TEST(no_map_is_identity)
{
	struct oci_id_mappings none = {0};
	uint32_t id = 0;

	ck_assert_int_eq(idmap_to_host(&none, 4294967294, &id), 0);
	ck_assert_uint_eq(id, 4294967294);
}
END_TEST

START_TEST(missing_maps)
{
	struct oci_namespace user = {CLONE_NEWUSER, NULL};
	struct oci_linux linux_config = {.namespaces = {&user, 1}, .gid_mappings = {root_only, 1}};
	struct idmap_plan plan;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(idmap_plan(&linux_config, &plan, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "linux.uidMappings", "a new user namespace needs it", "");
	refuse(NULL, 0, "linux.gidMappings", "a new user namespace needs it");
}
END_TEST

START_TEST(root_not_mapped)
{
	struct oci_id_mapping lines[] = {{1, 1000, 10}};

	refuse(lines, 1, "linux.gidMappings",
	       "does not map 0, and the container is built by its root");
}
END_TEST

START_TEST(bad_lines)
{
	struct oci_id_mapping zero[] = {{0, 1000, 1}, {1, 2000, 0}};
	struct oci_id_mapping inside[] = {{0, 1000, 10}, {20, 5000, 10}, {9, 3000, 2}};
	struct oci_id_mapping outside[] = {{0, 1000, 10}, {10, 1009, 1}};
	struct oci_id_mapping beyond_inside[] = {{0, 1000, 1}, {4294967290, 2000, 6}};
	struct oci_id_mapping beyond_outside[] = {{0, 4294967295, 1}};
	struct oci_id_mapping huge[] = {{0, 0, 4294967295}};

	refuse(zero, 2, "linux.gidMappings[1]", "must not be of size 0");
	refuse(inside, 3, "linux.gidMappings[2]", "maps ids inside that entry 0 maps too");
	refuse(outside, 2, "linux.gidMappings[1]", "maps to ids outside that entry 0 has");
	refuse(beyond_inside, 2, "linux.gidMappings[1]", "goes beyond the last id, 4294967294");
	refuse(beyond_outside, 1, "linux.gidMappings[0]", "goes beyond the last id, 4294967294");
	/* 0 to 4294967294: the whole range, as of the initial user namespace. */
	struct error err = ERROR_INIT;

	ck_assert_int_eq(plan_gids(huge, 1, &err), 0);
	huge[0].container_id = 1;
	refuse(huge, 1, "linux.gidMappings[0]", "goes beyond the last id, 4294967294");
}
END_TEST

START_TEST(adjoining_lines)
{
	struct oci_id_mapping lines[] = {{10, 1010, 5}, {0, 1000, 10}, {15, 1015, 1}};
	struct error err = ERROR_INIT;

	ck_assert_int_eq(plan_gids(lines, 3, &err), 0);
}
END_TEST

START_TEST(as_many_as_the_kernel_takes)
{
	struct oci_id_mapping lines[MAX_LINES + 1];
	struct error err = ERROR_INIT;

	for (uint32_t i = 0; i <= MAX_LINES; i++)
		lines[i] = (struct oci_id_mapping){i, 100000 + 2 * i, 1};
	ck_assert_int_eq(plan_gids(lines, MAX_LINES, &err), 0);
	refuse(lines, MAX_LINES + 1, "linux.gidMappings", "has 341 entries, the kernel takes 340");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		without_user_namespace,
		joined_user_namespace,
		new_user_namespace,
		no_map_is_identity,
		missing_maps,
		root_not_mapped,
		bad_lines,
		adjoining_lines,
		as_many_as_the_kernel_takes,
	};

	return suite_run("idmap", tests, suite_count(tests));
}
