/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf-extended.h"
#include "bytes.h"
#include "cgroup/devices/rules.h"
#include "device-oracle.h"
#include "suite.h"

#define R	  BPF_DEVCG_ACC_READ
#define W	  BPF_DEVCG_ACC_WRITE
#define M	  BPF_DEVCG_ACC_MKNOD
#define N(number) ((struct oci_opt_i64){true, (number)})
#define ANY	  ((struct oci_opt_i64){false, 0})
/* For -Wwrite-strings. */
#define A(access) ((char *)(access))

static struct error err;

static struct device_policy planned(struct oci_device_rule *items, size_t count)
{
	struct oci_device_rules rules = {items, count};
	struct device_policy policy;

	ck_assert_msg(device_rules_plan(&rules, &policy, &err) == 0, "%s", err.message);
	return policy;
}

/* Whether the program allows it; and the policy must say the same. */
static bool allows(const struct device_policy *policy, char type, uint32_t major, uint32_t minor,
		   uint8_t access)
{
	struct device_access asked = {type, major, minor, access};
	uint8_t allowed = device_policy_find(policy, type, major, minor);
	struct bpf_insn *code;
	size_t count;
	bool result;

	ck_assert_int_eq(device_rules_compile(policy, &code, &count, &err), 0);
	ck_assert(bpf_extended_valid(code, count));
	result = device_program_allows(code, count, &asked);
	ck_assert_int_eq(result, (access & ~allowed) == 0);
	free(code);
	return result;
}

/* "deny a|allow c 1:3 rwm" */
static void assert_lines(const struct device_policy *policy, const char *expected)
{
	struct device_line *lines;
	char text[4096] = "";
	size_t count;

	ck_assert_msg(device_rules_plan_v1(policy, &lines, &count, &err) == 0, "%s", err.message);
	for (size_t i = 0; i < count; i++) {
		strcat(text, i ? "|" : "");
		strcat(text, lines[i].allow ? "allow " : "deny ");
		strcat(text, lines[i].text);
	}
	ck_assert_str_eq(text, expected);
	free(lines);
}

START_TEST(denies_without_rules)
{
	struct device_policy policy;

	ck_assert_int_eq(device_rules_plan(NULL, &policy, &err), 0);
	assert_lines(&policy, "deny a|allow b *:* m|"
			      "allow c 1:3 rwm|allow c 1:5 rwm|allow c 1:7 rwm|allow c 1:8 rwm|"
			      "allow c 1:9 rwm|allow c 5:0 rwm|allow c 5:2 rwm|allow c 10:200 rwm|"
			      "allow c 136:* rwm|allow c *:* m");
	ck_assert(!device_policy_allows_all(&policy));
	ck_assert(allows(&policy, 'c', 1, 3, R | W | M));
	ck_assert(allows(&policy, 'c', 136, 77, R | W));
	ck_assert(allows(&policy, 'c', 10, 200, R | W));
	ck_assert(allows(&policy, 'b', 8, 0, M));
	ck_assert(!allows(&policy, 'b', 8, 0, R));
	ck_assert(!allows(&policy, 'b', 1, 3, R));
	ck_assert(!allows(&policy, 'c', 1, 1, R));
	ck_assert(!allows(&policy, 'c', 1, 11, R | M));
	ck_assert(!allows(&policy, 'c', 5, 1, R));
	device_policy_clear(&policy);
	ck_assert_ptr_null(policy.entries);
}
END_TEST

START_TEST(takes_what_engines_write)
{
	struct oci_device_rule docker[] = {
		{false, 'a', ANY, ANY, A("rwm")},     {true, 'c', N(1), N(5), A("rwm")},
		{true, 'c', N(1), N(3), A("rwm")},    {true, 'c', N(1), N(9), A("rwm")},
		{true, 'c', N(1), N(8), A("rwm")},    {true, 'c', N(5), N(0), A("rwm")},
		{true, 'c', N(5), N(1), A("rwm")},    {false, 'c', N(10), N(229), A("rwm")},
		{true, 'c', N(226), N(128), A("rw")},
	};
	struct device_policy policy = planned(docker, suite_count(docker));

	assert_lines(&policy,
		     "deny a|allow b *:* m|"
		     "allow c 1:3 rwm|allow c 1:5 rwm|allow c 1:7 rwm|allow c 1:8 rwm|"
		     "allow c 1:9 rwm|allow c 5:0 rwm|allow c 5:1 rwm|allow c 5:2 rwm|"
		     "allow c 10:200 rwm|allow c 226:128 rwm|allow c 136:* rwm|allow c *:* m");
	ck_assert(!allows(&policy, 'c', 10, 229, R));
	ck_assert(allows(&policy, 'c', 10, 229, M));
	ck_assert(allows(&policy, 'c', 226, 128, R | W));
	device_policy_clear(&policy);
}
END_TEST

START_TEST(allows_all)
{
	struct oci_device_rule rules[] = {{false, 'a', ANY, ANY, A("rwm")},
					  {true, 'a', N(-1), N(-1), A("mrw")}};
	struct device_policy policy = planned(rules, 2);

	ck_assert(device_policy_allows_all(&policy));
	assert_lines(&policy, "allow a");
	ck_assert(allows(&policy, 'b', 259, 3, R | W | M));
	device_policy_clear(&policy);
}
END_TEST

START_TEST(denies_single_bits)
{
	struct oci_device_rule rules[] = {{true, 'a', ANY, ANY, A("rwm")},
					  {false, 'b', N(8), N(0), A("w")}};
	struct device_policy policy = planned(rules, 2);

	ck_assert(allows(&policy, 'b', 8, 0, R));
	ck_assert(allows(&policy, 'b', 8, 0, R | M));
	ck_assert(!allows(&policy, 'b', 8, 0, W));
	ck_assert(!allows(&policy, 'b', 8, 0, R | W));
	ck_assert(allows(&policy, 'b', 8, 1, R | W));
	assert_lines(&policy, "allow a|deny b 8:0 w");
	device_policy_clear(&policy);
}
END_TEST

START_TEST(joins_bits_of_several_rules)
{
	struct oci_device_rule rules[] = {{true, 'b', N(8), N(0), A("r")},
					  {true, 'b', N(8), ANY, A("w")},
					  {false, 'a', N(8), N(1), A("w")}};
	struct device_policy policy = planned(rules, 3);

	ck_assert(allows(&policy, 'b', 8, 0, R | W));
	ck_assert(allows(&policy, 'b', 8, 2, W));
	ck_assert(!allows(&policy, 'b', 8, 2, R));
	ck_assert(!allows(&policy, 'b', 8, 1, W));
	device_policy_clear(&policy);
}
END_TEST

START_TEST(takes_numbers_of_both_types_literally)
{
	struct oci_device_rule rules[] = {{true, 'a', N(7), N(1), A("r")}};
	struct device_policy policy = planned(rules, 1);

	ck_assert(allows(&policy, 'b', 7, 1, R));
	ck_assert(allows(&policy, 'c', 7, 1, R));
	ck_assert(!allows(&policy, 'b', 7, 2, R));
	assert_lines(&policy, "deny a|allow b 7:1 rm|allow b *:* m|"
			      "allow c 1:3 rwm|allow c 1:5 rwm|allow c 1:7 rwm|allow c 1:8 rwm|"
			      "allow c 1:9 rwm|allow c 5:0 rwm|allow c 5:2 rwm|allow c 7:1 rm|"
			      "allow c 10:200 rwm|allow c 136:* rwm|allow c *:* m");
	device_policy_clear(&policy);
}
END_TEST

START_TEST(keeps_the_default_devices)
{
	struct oci_device_rule rules[] = {{true, 'a', ANY, ANY, A("rwm")},
					  {false, 'c', N(1), N(3), A("rwm")},
					  {false, 'c', ANY, ANY, A("m")}};
	struct device_policy policy = planned(rules, 3);

	ck_assert(device_policy_allows_all(&policy));
	assert_lines(&policy, "allow a");
	device_policy_clear(&policy);
}
END_TEST

START_TEST(cuts_wildcards_by_the_last_rule)
{
	struct oci_device_rule rules[] = {{true, 'b', N(8), ANY, A("rw")},
					  {false, 'b', ANY, N(5), A("w")}};
	struct device_policy policy = planned(rules, 2);

	ck_assert(allows(&policy, 'b', 8, 4, R | W));
	ck_assert(!allows(&policy, 'b', 8, 5, W));
	ck_assert(allows(&policy, 'b', 8, 5, R));
	device_policy_clear(&policy);
}
END_TEST

START_TEST(compares_large_numbers)
{
	struct oci_device_rule rules[] = {{true, 'b', N(4294967294), N(2147483648), A("r")}};
	struct device_policy policy = planned(rules, 1);

	ck_assert(allows(&policy, 'b', 4294967294, 2147483648, R));
	ck_assert(!allows(&policy, 'b', 4294967294, 2147483649, R));
	device_policy_clear(&policy);
}
END_TEST

START_TEST(refuses_a_hole_on_v1_alone)
{
	struct oci_device_rule rules[] = {{true, 'b', ANY, ANY, A("rw")},
					  {false, 'b', N(8), N(0), A("w")}};
	struct device_policy policy = planned(rules, 2);
	struct device_line *lines = NULL;
	size_t count;

	ck_assert(allows(&policy, 'b', 8, 0, R));
	ck_assert(!allows(&policy, 'b', 8, 0, W));
	ck_assert(allows(&policy, 'b', 8, 1, R | W));
	ck_assert_int_eq(device_rules_plan_v1(&policy, &lines, &count, &err), -ENOTSUP);
	ck_assert_ptr_null(lines);
	ck_assert_error(&err, ENOTSUP, "linux.resources.devices",
			"cgroup v1 has no rule for a device that is allowed less than the wildcard "
			"around it: \"b 8:0 rm\"",
			"allow the devices one by one, or use cgroup v2");
	device_policy_clear(&policy);
}
END_TEST

static const struct {
	struct oci_device_rule rule;
	const char *field, *message;
} broken[] = {
	{{true, 'p', ANY, ANY, A("r")}, "linux.resources.devices[1].type", "not a, b or c"},
	{{true, 'c', N(-2), ANY, A("r")},
	 "linux.resources.devices[1].major",
	 "-2 is no device number"},
	{{true, 'c', N(4294967295), ANY, A("r")},
	 "linux.resources.devices[1].major",
	 "4294967295 is no device number"},
	{{true, 'c', ANY, N(99999999999), A("r")},
	 "linux.resources.devices[1].minor",
	 "99999999999 is no device number"},
	{{true, 'c', ANY, ANY, A("rx")},
	 "linux.resources.devices[1].access",
	 "\"rx\" is no combination of r, w and m"},
	{{true, 'c', ANY, ANY, NULL},
	 "linux.resources.devices[1].access",
	 "\"\" is no combination of r, w and m"},
};

START_TEST(refuses_broken_rules)
{
	for (size_t i = 0; i < suite_count(broken); i++) {
		struct oci_device_rule items[] = {{false, 'a', ANY, ANY, A("rwm")}, broken[i].rule};
		struct oci_device_rules rules = {items, 2};
		struct device_policy policy = {.count = 5};

		ck_assert_int_eq(device_rules_plan(&rules, &policy, &err), -EINVAL);
		ck_assert_uint_eq(policy.count, 5);
		ck_assert_error(&err, EINVAL, broken[i].field, broken[i].message, "");
	}
}
END_TEST

/* `majors` rules for a major each and `minors` for a minor each: they have majors * minors cuts. */
static int plan_many(size_t majors, size_t minors, struct device_policy *ret_policy)
{
	static struct oci_device_rule items[6000];
	struct oci_device_rules rules = {items, majors + minors};

	for (size_t i = 0; i < majors; i++)
		items[i] = (struct oci_device_rule){true, 'b', N((int64_t)i), ANY, A("r")};
	for (size_t i = 0; i < minors; i++)
		items[majors + i] = (struct oci_device_rule){true, 'b', ANY, N((int64_t)i), A("w")};
	return device_rules_plan(&rules, ret_policy, &err);
}

START_TEST(has_a_limit)
{
	struct device_policy policy;

	ck_assert_int_eq(plan_many(2000, 0, &policy), 0);
	ck_assert(allows(&policy, 'b', 1999, 0, R));
	ck_assert(!allows(&policy, 'b', 2000, 0, R));
	device_policy_clear(&policy);
	ck_assert_int_eq(plan_many(43, 43, &policy), 0);
	ck_assert(allows(&policy, 'b', 42, 42, R | W));
	device_policy_clear(&policy);
	ck_assert_int_eq(plan_many(50, 50, &policy), -E2BIG);
	ck_assert_error(&err, E2BIG, "linux.resources.devices",
			"the rules tell more than 2048 devices apart", "");
	ck_assert_int_eq(plan_many(6000, 0, &policy), -E2BIG);
}
END_TEST

START_TEST(agrees_with_the_oracles)
{
	int with_lines = 0;

	for (uint64_t seed = 0; seed < 300; seed++) {
		uint8_t data[64];

		bytes_random(seed, data, sizeof(data));
		with_lines += device_oracle_check(data, sizeof(data));
	}
	/* Else the v1 lines would hardly have been compared. */
	ck_assert_int_gt(with_lines, 20);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		denies_without_rules,
		takes_what_engines_write,
		allows_all,
		denies_single_bits,
		joins_bits_of_several_rules,
		takes_numbers_of_both_types_literally,
		keeps_the_default_devices,
		cuts_wildcards_by_the_last_rule,
		compares_large_numbers,
		refuses_a_hole_on_v1_alone,
		refuses_broken_rules,
		has_a_limit,
		agrees_with_the_oracles,
	};

	return suite_run("device-rules", tests, suite_count(tests));
}
