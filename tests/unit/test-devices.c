/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "isolate/devices/devices.h"

static int plan(struct oci_device *devices, size_t count, struct devices_plan *ret_plan,
		struct error *err)
{
	struct oci_linux linux_config = {.devices = {devices, count}};
	struct oci_config config = {.linux = &linux_config};

	return devices_plan(&config, false, ret_plan, err);
}

static void check_node(const struct devices_node *node, const struct devices_node *expected)
{
	ck_assert_str_eq(node->path, expected->path);
	ck_assert_int_eq(node->type, expected->type);
	ck_assert_uint_eq(node->major, expected->major);
	ck_assert_uint_eq(node->minor, expected->minor);
	ck_assert_uint_eq(node->mode, expected->mode);
	ck_assert_uint_eq(node->uid, expected->uid);
	ck_assert_uint_eq(node->gid, expected->gid);
	ck_assert_int_eq(node->configured, expected->configured);
	ck_assert_uint_eq(node->index, expected->index);
}

/* config-linux.md#default-devices */
static const struct devices_node expected_default[] = {
	{"/dev/null", 'c', 1, 3, 0666, 0, 0, false, 0},
	{"/dev/zero", 'c', 1, 5, 0666, 0, 0, false, 0},
	{"/dev/full", 'c', 1, 7, 0666, 0, 0, false, 0},
	{"/dev/random", 'c', 1, 8, 0666, 0, 0, false, 0},
	{"/dev/urandom", 'c', 1, 9, 0666, 0, 0, false, 0},
	{"/dev/tty", 'c', 5, 0, 0666, 0, 0, false, 0},
};
#define DEFAULTS (sizeof(expected_default) / sizeof(expected_default[0]))

START_TEST(default_devices)
{
	struct oci_config config = {0};
	struct error err = ERROR_INIT;
	struct devices_plan result;

	ck_assert_int_eq(devices_plan(&config, true, &result, &err), 0);
	ck_assert(result.bind && result.links);
	ck_assert_uint_eq(result.count, DEFAULTS);
	for (size_t i = 0; i < DEFAULTS; i++)
		check_node(&result.nodes[i], &expected_default[i]);
	devices_plan_clear(&result);
	ck_assert_ptr_null(result.nodes);
	ck_assert_int_eq(devices_plan(&config, false, &result, &err), 0);
	ck_assert(!result.bind);
	devices_plan_clear(&result);
}
END_TEST

START_TEST(configured_devices)
{
	struct oci_device devices[] = {
		{.path = (char *)"/dev/fuse", .type = 'u', .major = 10, .minor = 229},
		/* Engines give the whole st_mode. */
		{.path = (char *)"/dev/sub/sda",
		 .type = 'b',
		 .major = 4095,
		 .minor = 1048575,
		 .file_mode = {true, 0060640},
		 .uid = {true, 7},
		 .gid = {true, 8}},
		{.path = (char *)"/pipe",
		 .type = 'p',
		 .major = -1,
		 .minor = -1,
		 .file_mode = {true, 01600}},
		/* In the place of a default one, in the form of the path given. */
		{.path = (char *)"/dev//zero",
		 .type = 'c',
		 .major = 1,
		 .minor = 5,
		 .file_mode = {true, 0}},
		/* A link is made for it. */
		{.path = (char *)"dev/ptmx", .type = 'c', .major = 5, .minor = 2},
	};
	static const struct devices_node expected[] = {
		{"/dev/fuse", 'c', 10, 229, 0666, 0, 0, true, 0},
		{"/dev/sub/sda", 'b', 4095, 1048575, 0640, 7, 8, true, 1},
		{"/pipe", 'p', 0, 0, 01600, 0, 0, true, 2},
		{"/dev//zero", 'c', 1, 5, 0, 0, 0, true, 3},
	};
	struct error err = ERROR_INIT;
	struct devices_plan result;

	ck_assert_int_eq(plan(devices, 5, &result, &err), 0);
	ck_assert_uint_eq(result.count, DEFAULTS + 3);
	check_node(&result.nodes[0], &expected_default[0]);
	check_node(&result.nodes[1], &expected[3]);
	check_node(&result.nodes[2], &expected_default[2]);
	for (size_t i = 0; i < 3; i++)
		check_node(&result.nodes[DEFAULTS + i], &expected[i]);
	devices_plan_clear(&result);
}
END_TEST

/* /dev of the host: only what was asked for. */
START_TEST(dev_is_bind)
{
	static const struct {
		const char *destination, *type, *option;
		bool bind;
	} cases[] = {
		{"/dev", "none", "rbind", true},   {"/dev/", NULL, "bind", true},
		{"x/../dev", "bind", "ro", true},  {"/dev", "tmpfs", "ro", false},
		{"/dev/shm", NULL, "bind", false}, {"/device", NULL, "bind", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct oci_device device = {
			.path = (char *)"/dev/null", .type = 'c', .major = 1, .minor = 3};
		char *option = (char *)cases[i].option;
		struct oci_mount mount = {.destination = (char *)cases[i].destination,
					  .type = (char *)cases[i].type,
					  .options = {&option, 1}};
		struct oci_linux linux_config = {.devices = {&device, 1}};
		struct oci_config config = {.linux = &linux_config, .mounts = {&mount, 1}};
		struct error err = ERROR_INIT;
		struct devices_plan result;

		ck_assert_int_eq(devices_plan(&config, false, &result, &err), 0);
		ck_assert_msg(result.links == !cases[i].bind, "%s", cases[i].destination);
		ck_assert_uint_eq(result.count, cases[i].bind ? 1 : DEFAULTS);
		ck_assert(result.nodes[0].configured);
		devices_plan_clear(&result);
	}
}
END_TEST

static const struct {
	const char *path;
	char type;
	int64_t major, minor;
	const char *message;
} refused[] = {
	{"/dev/x", 'c', 4096, 0, "/dev/x: there is no device 4096:0"},
	{"/dev/x", 'b', 0, 1048576, "/dev/x: there is no device 0:1048576"},
	{"/dev/x", 'c', -1, 0, "/dev/x: there is no device -1:0"},
	{"/dev/x", 'c', 1, INT64_MIN, "/dev/x: there is no device 1:-9223372036854775808"},
	{"/dev/x", 'a', 1, 1, "a device is of type c, u, b or p"},
	{"/dev/..", 'c', 1, 1, "/dev/.. is not the path of a device"},
	{"", 'c', 1, 1, " is not the path of a device"},
};

START_TEST(refuses)
{
	struct oci_device devices[2] = {
		{.path = (char *)"/p", .type = 'p'},
		{.path = (char *)refused[_i].path,
		 .type = refused[_i].type,
		 .major = refused[_i].major,
		 .minor = refused[_i].minor},
	};
	struct devices_plan result = {.count = 77};
	struct error err = ERROR_INIT;

	ck_assert_int_eq(plan(devices, 2, &result, &err), -EINVAL);
	ck_assert_str_eq(err.message, refused[_i].message);
	ck_assert_str_eq(err.field, "linux.devices[1]");
	ck_assert_uint_eq(result.count, 77);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("devices");
	TCase *tests = tcase_create("plan");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, default_devices);
	tcase_add_test(tests, configured_devices);
	tcase_add_test(tests, dev_is_bind);
	tcase_add_loop_test(tests, refuses, 0, sizeof(refused) / sizeof(refused[0]));
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
