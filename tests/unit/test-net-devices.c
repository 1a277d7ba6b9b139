/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>

#include "isolate/net-devices/net-devices.h"
#include "suite.h"

#define DEVICES_MAX 3

/* Pairs of names; a NULL name ends them. */
static int plan_pairs(const char *const pairs[][2], bool network, bool root,
		      struct net_devices_plan *plan, struct error *err)
{
	struct oci_net_device items[DEVICES_MAX];
	struct oci_linux linux_config = {.net_devices = {items, 0}};
	struct namespaces_plan namespaces = {.private = network ? CLONE_NEWNET : 0};
	size_t count = 0;

	for (; count < DEVICES_MAX && pairs[count][0]; count++)
		items[count] = (struct oci_net_device){.key = (char *)(uintptr_t)pairs[count][0],
						       .name = (char *)(uintptr_t)pairs[count][1]};
	linux_config.net_devices.count = count;
	error_clear(err);
	return net_devices_plan(&linux_config, &namespaces, root, plan, err);
}

static void refuse(const char *const pairs[][2], const char *field, const char *message)
{
	struct net_devices_plan plan;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(plan_pairs(pairs, true, true, &plan, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, field, message, "");
}

START_TEST(names_inside)
{
	static const char *const pairs[][2] = {
		{"wire0", NULL}, {"wire1", ""}, {"wire2", "eth%d"}, {NULL, NULL}};
	struct net_devices_plan plan;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(plan_pairs(pairs, true, true, &plan, &err), 0);
	ck_assert_uint_eq(plan.count, 3);
	ck_assert_str_eq(plan.steps[0].inside, "wire0");
	ck_assert_str_eq(plan.steps[1].inside, "wire1");
	ck_assert_str_eq(plan.steps[2].name, "wire2");
	ck_assert_str_eq(plan.steps[2].inside, "eth%d");
	net_devices_plan_clear(&plan);
	ck_assert_uint_eq(plan.count, 0);
}
END_TEST

START_TEST(nothing_to_move_needs_nothing)
{
	static const char *const pairs[][2] = {{NULL, NULL}};
	struct namespaces_plan namespaces = {0};
	struct net_devices_plan plan;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(plan_pairs(pairs, false, false, &plan, &err), 0);
	ck_assert_uint_eq(plan.count, 0);
	ck_assert_int_eq(net_devices_plan(NULL, &namespaces, false, &plan, &err), 0);
	ck_assert_uint_eq(plan.count, 0);
}
END_TEST

START_TEST(same_name_twice)
{
	static const char *const renamed[][2] = {
		{"wire0", "eth0"}, {"wire1", "eth0"}, {NULL, NULL}};
	static const char *const own[][2] = {{"wire0", "wire1"}, {"wire1", NULL}, {NULL, NULL}};
	static const char *const swapped[][2] = {
		{"wire0", "wire1"}, {"wire1", "wire0"}, {NULL, NULL}};
	static const char *const templates[][2] = {
		{"wire0", "eth%d"}, {"wire1", "eth%d"}, {NULL, NULL}};
	struct net_devices_plan plan;
	struct error err = ERROR_INIT;

	refuse(renamed, "linux.netDevices[\"wire1\"]",
	       "wire0 and wire1 cannot both be eth0 in the container");
	refuse(own, "linux.netDevices[\"wire1\"]",
	       "wire0 and wire1 cannot both be wire1 in the container");
	ck_assert_int_eq(plan_pairs(swapped, true, true, &plan, &err), 0);
	net_devices_plan_clear(&plan);
	ck_assert_int_eq(plan_pairs(templates, true, true, &plan, &err), 0);
	net_devices_plan_clear(&plan);
}
END_TEST

START_TEST(templates)
{
	static const char *const bad[] = {"eth%", "eth%s", "%d%d", "eth%%d", "a%db%"};
	static const char *const good[] = {"%d", "eth%d", "a%db", "eth%d0"};

	for (size_t i = 0; i < suite_count(bad); i++) {
		const char *const pairs[][2] = {{"wire0", bad[i]}, {NULL, NULL}};
		char message[128];

		(void)snprintf(message, sizeof(message),
			       "%s is no template: it takes one %%d and no other %%", bad[i]);
		refuse(pairs, "linux.netDevices[\"wire0\"]", message);
	}
	for (size_t i = 0; i < suite_count(good); i++) {
		const char *const pairs[][2] = {{"wire0", good[i]}, {NULL, NULL}};
		struct net_devices_plan plan;
		struct error err = ERROR_INIT;

		ck_assert_int_eq(plan_pairs(pairs, true, true, &plan, &err), 0);
		ck_assert_str_eq(plan.steps[0].inside, good[i]);
		net_devices_plan_clear(&plan);
	}
}
END_TEST

START_TEST(who_may)
{
	static const char *const pairs[][2] = {{"wire0", NULL}, {NULL, NULL}};
	struct net_devices_plan plan;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(plan_pairs(pairs, false, true, &plan, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "linux.netDevices",
			"network interfaces cannot be moved without a network namespace",
			"add {\"type\": \"network\"} to linux.namespaces");
	ck_assert_int_eq(plan_pairs(pairs, true, false, &plan, &err), -EPERM);
	ck_assert_error(&err, EPERM, "linux.netDevices",
			"only root can move network interfaces of the host", "");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		names_inside, nothing_to_move_needs_nothing, same_name_twice, templates, who_may,
	};

	return suite_run("net-devices", tests, suite_count(tests));
}
