/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "isolate/capabilities.h"
#include "oci-spec/oci-spec.h"
#include "suite.h"

#define BIT(n) (UINT64_C(1) << (n))

START_TEST(names)
{
	const char *const *list = oci_capability_names;
	size_t count = 0;

	while (list[count])
		count++;
	ck_assert_uint_eq(count, 41);
	ck_assert_str_eq(list[CAP_CHOWN], "CAP_CHOWN");
	ck_assert_str_eq(list[CAP_NET_BIND_SERVICE], "CAP_NET_BIND_SERVICE");
	ck_assert_str_eq(list[CAP_SYS_ADMIN], "CAP_SYS_ADMIN");
	ck_assert_str_eq(list[CAP_AUDIT_READ], "CAP_AUDIT_READ");
	ck_assert_str_eq(list[CAP_CHECKPOINT_RESTORE], "CAP_CHECKPOINT_RESTORE");
}
END_TEST

/* Each name alone gives its own bit, so that no two are one and none is out of its place. */
START_TEST(one_bit_each)
{
	for (size_t i = 0; oci_capability_names[i]; i++) {
		char *name = (char *)(uintptr_t)oci_capability_names[i];
		struct oci_capabilities config = {.bounding = {&name, 1}};
		struct capabilities_plan plan;

		capabilities_plan(&config, &plan);
		ck_assert_uint_eq(plan.bounding, BIT(i));
	}
}
END_TEST

START_TEST(absent_is_empty)
{
	struct capabilities_plan plan = {1, 1, 1, 1, 1};
	struct oci_capabilities config = {0};

	capabilities_plan(NULL, &plan);
	ck_assert_uint_eq(plan.bounding | plan.effective | plan.inheritable | plan.permitted |
				  plan.ambient,
			  0);
	plan = (struct capabilities_plan){1, 1, 1, 1, 1};
	capabilities_plan(&config, &plan);
	ck_assert_uint_eq(plan.bounding | plan.effective | plan.inheritable | plan.permitted |
				  plan.ambient,
			  0);
}
END_TEST

START_TEST(five_sets)
{
	char kill[] = "CAP_KILL", chown[] = "CAP_CHOWN", bpf[] = "CAP_BPF", raw[] = "CAP_NET_RAW";
	char *all[] = {kill, chown, bpf, raw}, *two[] = {kill, chown}, *one[] = {bpf};
	struct oci_capabilities config = {.bounding = {all, 4},
					  .effective = {two, 2},
					  .inheritable = {one, 1},
					  .permitted = {all, 3},
					  .ambient = {one, 1}};
	struct capabilities_plan plan;

	capabilities_plan(&config, &plan);
	ck_assert_uint_eq(plan.bounding,
			  BIT(CAP_KILL) | BIT(CAP_CHOWN) | BIT(CAP_BPF) | BIT(CAP_NET_RAW));
	ck_assert_uint_eq(plan.effective, BIT(CAP_KILL) | BIT(CAP_CHOWN));
	ck_assert_uint_eq(plan.inheritable, BIT(CAP_BPF));
	ck_assert_uint_eq(plan.permitted, BIT(CAP_KILL) | BIT(CAP_CHOWN) | BIT(CAP_BPF));
	ck_assert_uint_eq(plan.ambient, BIT(CAP_BPF));
}
END_TEST

/* The check of the configuration warns of them. */
START_TEST(unknown_are_left_out)
{
	char kill[] = "CAP_KILL", foo[] = "CAP_FOO", lower[] = "cap_chown", bare[] = "CHOWN",
	     nil[] = "";
	char *bounding[] = {foo, kill, foo}, *permitted[] = {kill, foo, lower, bare, nil};
	struct oci_capabilities config = {.bounding = {bounding, 3}, .permitted = {permitted, 5}};
	struct capabilities_plan plan;

	capabilities_plan(&config, &plan);
	ck_assert_uint_eq(plan.bounding, BIT(CAP_KILL));
	ck_assert_uint_eq(plan.permitted, BIT(CAP_KILL));
}
END_TEST

/* Of these too: runtimes should not fail for what cannot be granted. */
START_TEST(beyond_what_can_be_granted)
{
	char kill[] = "CAP_KILL", admin[] = "CAP_SYS_ADMIN", raw[] = "CAP_NET_RAW";
	char *all[] = {admin, kill, raw}, *one[] = {kill}, *two[] = {raw, kill};
	struct oci_capabilities config = {.effective = {all, 3},
					  .permitted = {two, 2},
					  .inheritable = {one, 1},
					  .ambient = {all, 3}};
	struct capabilities_plan plan;

	capabilities_plan(&config, &plan);
	ck_assert_uint_eq(plan.effective, BIT(CAP_KILL) | BIT(CAP_NET_RAW));
	ck_assert_uint_eq(plan.permitted, BIT(CAP_KILL) | BIT(CAP_NET_RAW));
	ck_assert_uint_eq(plan.inheritable, BIT(CAP_KILL));
	ck_assert_uint_eq(plan.ambient, BIT(CAP_KILL));
	ck_assert_uint_eq(plan.bounding, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		names,	   one_bit_each,	 absent_is_empty,
		five_sets, unknown_are_left_out, beyond_what_can_be_granted,
	};

	return suite_run("capabilities", tests, suite_count(tests));
}
