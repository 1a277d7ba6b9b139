/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "bpf-classic.h"
#include "bytes.h"
#include "isolate/seccomp/compile.h"
#include "isolate/seccomp/enosys.h"
#include "isolate/seccomp/seccomp.h"
#include "seccomp-oracle.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NAMES(...)                                                                             \
	{                                                                                      \
		(char **)(const char *[]){__VA_ARGS__}, COUNT(((const char *[]){__VA_ARGS__})) \
	}
#define ARGS(...)                                                        \
	{                                                                \
		(struct oci_seccomp_arg[]){__VA_ARGS__},                 \
			COUNT(((struct oci_seccomp_arg[]){__VA_ARGS__})) \
	}

static struct error err;

static struct oci_seccomp profile(enum oci_seccomp_action action, struct oci_seccomp_rule *rules,
				  size_t count)
{
	return (struct oci_seccomp){.default_action = action, .syscalls = {rules, count}};
}

/* Compiles, and checks that the kernel would take it. */
static struct seccomp_plan planned(const struct oci_seccomp *config)
{
	struct seccomp_plan plan;

	ck_assert_msg(seccomp_plan(config, &plan, &err) == 0, "%s: %s", err.field, err.message);
	ck_assert(bpf_classic_valid(plan.instructions, plan.count));
	return plan;
}

static uint32_t result(const struct seccomp_plan *plan, uint32_t architecture, int number,
		       uint64_t first, uint64_t second)
{
	struct seccomp_data data = {.nr = number, .arch = architecture, .args = {first, second}};

	return bpf_classic_run(plan->instructions, plan->count, &data);
}

/* The answer to one native call under a profile. */
static uint32_t answer(const struct oci_seccomp *config, int number, uint64_t first,
		       uint64_t second)
{
	struct seccomp_plan plan = planned(config);
	uint32_t action = result(&plan, AUDIT_ARCH_X86_64, number, first, second);

	seccomp_plan_clear(&plan);
	return action;
}

#define assert_refused(config, code, where, text)                                \
	do {                                                                     \
		struct seccomp_plan plan_ = {.count = 77};                       \
		ck_assert_int_eq(seccomp_plan((config), &plan_, &err), -(code)); \
		ck_assert_uint_eq(plan_.count, 77);                              \
		ck_assert_str_eq(err.field, (where));                            \
		ck_assert_str_eq(err.message, (text));                           \
	} while (0)

START_TEST(plans_nothing_for_nothing)
{
	struct seccomp_plan plan = {.count = 1};
	int listener = 5;

	ck_assert_int_eq(seccomp_plan(NULL, &plan, &err), 0);
	ck_assert_uint_eq(plan.count, 0);
	ck_assert_ptr_null(plan.instructions);
	ck_assert_int_eq(seccomp_apply(&plan, &listener, &err), 0);
	ck_assert_int_eq(listener, -EBADF);
}
END_TEST

static const struct {
	enum oci_seccomp_action action;
	struct oci_opt_u32 errno_ret;
	uint32_t expected;
} actions[] = {
	{OCI_SECCOMP_KILL, {0}, SECCOMP_RET_KILL_THREAD},
	{OCI_SECCOMP_KILL_THREAD, {0}, SECCOMP_RET_KILL_THREAD},
	{OCI_SECCOMP_KILL_PROCESS, {0}, SECCOMP_RET_KILL_PROCESS},
	{OCI_SECCOMP_TRAP, {0}, SECCOMP_RET_TRAP},
	{OCI_SECCOMP_ERRNO, {0}, SECCOMP_RET_ERRNO | EPERM},
	{OCI_SECCOMP_ERRNO, {true, ENOSYS}, SECCOMP_RET_ERRNO | ENOSYS},
	{OCI_SECCOMP_ERRNO, {true, 0}, SECCOMP_RET_ERRNO},
	{OCI_SECCOMP_ERRNO, {true, 4094}, SECCOMP_RET_ERRNO | 4094},
	{OCI_SECCOMP_TRACE, {0}, SECCOMP_RET_TRACE | EPERM},
	{OCI_SECCOMP_TRACE, {true, 65535}, SECCOMP_RET_TRACE | 65535},
	{OCI_SECCOMP_LOG, {0}, SECCOMP_RET_LOG},
	{OCI_SECCOMP_NOTIFY, {0}, SECCOMP_RET_USER_NOTIF},
};

START_TEST(gives_each_action)
{
	struct oci_seccomp_rule rule = {.names = NAMES("getppid"),
					.action = actions[_i].action,
					.errno_ret = actions[_i].errno_ret};
	struct oci_seccomp config = profile(OCI_SECCOMP_ALLOW, &rule, 1);

	ck_assert_uint_eq(answer(&config, SYS_getppid, 0, 0), actions[_i].expected);
	ck_assert_uint_eq(answer(&config, SYS_getpid, 0, 0), SECCOMP_RET_ALLOW);
	if (actions[_i].action == OCI_SECCOMP_NOTIFY)
		return;
	/* And as the default, below the newest syscall that is named. */
	rule.action = OCI_SECCOMP_ALLOW;
	rule.errno_ret = (struct oci_opt_u32){0};
	config.default_action = actions[_i].action;
	config.default_errno_ret = actions[_i].errno_ret;
	ck_assert_uint_eq(answer(&config, SYS_getpid, 0, 0), actions[_i].expected);
	ck_assert_uint_eq(answer(&config, SYS_getppid, 0, 0), SECCOMP_RET_ALLOW);
}
END_TEST

static const struct {
	enum oci_seccomp_operator op;
	uint64_t value, two, arg;
	bool holds;
} comparisons[] = {
	{OCI_SECCOMP_NE, 5, 0, 6, true},
	{OCI_SECCOMP_NE, 5, 0, 5, false},
	{OCI_SECCOMP_NE, 5, 0, 0x100000005, true},
	{OCI_SECCOMP_LT, 5, 0, 4, true},
	{OCI_SECCOMP_LT, 5, 0, 5, false},
	{OCI_SECCOMP_LE, 5, 0, 5, true},
	{OCI_SECCOMP_LE, 5, 0, 0x100000000, false},
	{OCI_SECCOMP_EQ, 0xffffffffffffffff, 0, 0xffffffffffffffff, true},
	{OCI_SECCOMP_EQ, 0xffffffffffffffff, 0, 0xffffffff, false},
	{OCI_SECCOMP_GE, 0x100000000, 0, 0x100000000, true},
	{OCI_SECCOMP_GE, 0x100000000, 0, 0xffffffff, false},
	{OCI_SECCOMP_GT, 0x8000000000000000, 0, 0x8000000000000001, true},
	{OCI_SECCOMP_GT, 0x8000000000000000, 0, 0x8000000000000000, false},
	{OCI_SECCOMP_MASKED_EQ, 0x7e020000, 0, 0x1, true},
	{OCI_SECCOMP_MASKED_EQ, 0x7e020000, 0, 0x20000, false},
	{OCI_SECCOMP_MASKED_EQ, 0xff00000000, 0x1200000000, 0x3412ffffffff, true},
};

START_TEST(compares_all_64_bits)
{
	struct oci_seccomp_rule rule = {.names = NAMES("clone"),
					.action = OCI_SECCOMP_ALLOW,
					.args = ARGS({.index = 1,
						      .value = comparisons[_i].value,
						      .value_two = comparisons[_i].two,
						      .op = comparisons[_i].op})};
	struct oci_seccomp config = profile(OCI_SECCOMP_ERRNO, &rule, 1);

	ck_assert_uint_eq(answer(&config, SYS_clone, 0, comparisons[_i].arg),
			  comparisons[_i].holds ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | EPERM);
}
END_TEST

START_TEST(wants_all_conditions_of_different_arguments)
{
	struct oci_seccomp_rule rule = {
		.names = NAMES("socket"),
		.action = OCI_SECCOMP_ALLOW,
		.args = ARGS({0, 16, 0, OCI_SECCOMP_EQ}, {1, 3, 0, OCI_SECCOMP_EQ})};
	struct oci_seccomp config = profile(OCI_SECCOMP_ERRNO, &rule, 1);

	ck_assert_uint_eq(answer(&config, SYS_socket, 16, 3), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(answer(&config, SYS_socket, 16, 2), SECCOMP_RET_ERRNO | EPERM);
	ck_assert_uint_eq(answer(&config, SYS_socket, 1, 3), SECCOMP_RET_ERRNO | EPERM);
}
END_TEST

START_TEST(wants_one_condition_when_an_argument_has_two)
{
	struct oci_seccomp_rule rule = {.names = NAMES("personality"),
					.action = OCI_SECCOMP_ALLOW,
					.args = ARGS({0, 0, 0, OCI_SECCOMP_EQ},
						     {0, 8, 0, OCI_SECCOMP_EQ},
						     {1, 1, 0, OCI_SECCOMP_EQ})};
	struct oci_seccomp config = profile(OCI_SECCOMP_ERRNO, &rule, 1);

	ck_assert_uint_eq(answer(&config, SYS_personality, 0, 0), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(answer(&config, SYS_personality, 8, 0), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(answer(&config, SYS_personality, 5, 1), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(answer(&config, SYS_personality, 5, 0), SECCOMP_RET_ERRNO | EPERM);
}
END_TEST

START_TEST(skips_what_libseccomp_does_not_know)
{
	struct oci_seccomp_rule rules[] = {
		{.names = NAMES("no_such_call", "getppid"), .action = OCI_SECCOMP_ALLOW},
		/* Redundant: the default action, and also with KILL for KILL_THREAD. */
		{.names = NAMES("getpid"), .action = OCI_SECCOMP_KILL_THREAD},
	};
	struct oci_seccomp config = profile(OCI_SECCOMP_KILL, rules, 2);

	ck_assert_uint_eq(answer(&config, SYS_getppid, 0, 0), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(answer(&config, SYS_getpid, 0, 0), SECCOMP_RET_KILL_THREAD);
}
END_TEST

START_TEST(kills_for_other_architectures)
{
	struct oci_seccomp_rule rule = {.names = NAMES("getppid", "close_range"),
					.action = OCI_SECCOMP_ALLOW};
	struct oci_seccomp config = profile(OCI_SECCOMP_ERRNO, &rule, 1);
	int x86[] = {0};
	struct seccomp_plan plan = planned(&config);

	ck_assert_uint_eq(result(&plan, AUDIT_ARCH_X86_64, SYS_getppid, 0, 0), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(result(&plan, AUDIT_ARCH_I386, 64, 0, 0), SECCOMP_RET_KILL_THREAD);
	ck_assert_uint_eq(result(&plan, AUDIT_ARCH_I386, 9999, 0, 0), SECCOMP_RET_KILL_THREAD);
	ck_assert_uint_eq(result(&plan, AUDIT_ARCH_X86_64, 0x40000027, 0, 0),
			  SECCOMP_RET_KILL_THREAD);
	seccomp_plan_clear(&plan);

	/* The native one need not be named. */
	config.architectures.items = x86;
	config.architectures.count = 1;
	plan = planned(&config);
	ck_assert_uint_eq(result(&plan, AUDIT_ARCH_X86_64, SYS_getppid, 0, 0), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(result(&plan, AUDIT_ARCH_I386, 64, 0, 0), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(result(&plan, AUDIT_ARCH_I386, 65, 0, 0), SECCOMP_RET_ERRNO | EPERM);
	seccomp_plan_clear(&plan);
}
END_TEST

START_TEST(answers_enosys_to_the_new)
{
	/* close_range is 436 everywhere; fsopen, 430, is unnamed. */
	struct oci_seccomp_rule rule = {.names = NAMES("read", "close_range"),
					.action = OCI_SECCOMP_ALLOW};
	struct oci_seccomp config = profile((enum oci_seccomp_action)_i, &rule, 1);
	int architectures[] = {0, 1, 2};
	bool wanted = _i != OCI_SECCOMP_ALLOW && _i != OCI_SECCOMP_LOG && _i != OCI_SECCOMP_TRACE;
	struct seccomp_plan plan;
	uint32_t fallback, newer;

	config.architectures.items = architectures;
	config.architectures.count = 3;
	plan = planned(&config);
	fallback = result(&plan, AUDIT_ARCH_X86_64, 430, 0, 0);
	newer = wanted ? SECCOMP_RET_ERRNO | ENOSYS : fallback;
	ck_assert_uint_ne(fallback, SECCOMP_RET_ERRNO | ENOSYS);
	ck_assert_uint_eq(result(&plan, AUDIT_ARCH_X86_64, 436, 0, 0), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(result(&plan, AUDIT_ARCH_X86_64, 437, 0, 0), newer);
	ck_assert_uint_eq(result(&plan, AUDIT_ARCH_X86_64, 9999, 0, 0), newer);
	ck_assert_uint_eq(result(&plan, AUDIT_ARCH_I386, 430, 0, 0), fallback);
	ck_assert_uint_eq(result(&plan, AUDIT_ARCH_I386, 437, 0, 0), newer);
	ck_assert_uint_eq(result(&plan, AUDIT_ARCH_X86_64, 0x40000000 + 436, 0, 0),
			  SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(result(&plan, AUDIT_ARCH_X86_64, 0x40000000 + 437, 0, 0), newer);
	ck_assert_uint_eq(result(&plan, AUDIT_ARCH_AARCH64, 437, 0, 0), SECCOMP_RET_KILL_THREAD);
	seccomp_plan_clear(&plan);
}
END_TEST

START_TEST(leaves_enosys_by_default_alone)
{
	struct oci_seccomp_rule rule = {.names = NAMES("read"), .action = OCI_SECCOMP_ALLOW};
	struct oci_seccomp config = profile(OCI_SECCOMP_ERRNO, &rule, 1);

	ck_assert(seccomp_enosys_wanted(&config));
	config.default_errno_ret = (struct oci_opt_u32){true, ENOSYS};
	ck_assert(!seccomp_enosys_wanted(&config));
	config.default_errno_ret.value = EACCES;
	ck_assert(seccomp_enosys_wanted(&config));
}
END_TEST

/* What a profile gives on architectures that this machine does not have. */
static struct seccomp_plan compiled(const struct oci_seccomp *config, uint32_t *tokens,
				    size_t count)
{
	const struct seccomp_architectures architectures = {tokens, count};
	struct seccomp_plan plan = {0};
	size_t length = 0;

	ck_assert_int_eq(seccomp_compile(config, &architectures, &plan.instructions, &length, &err),
			 0);
	ck_assert(bpf_classic_valid(plan.instructions, length));
	plan.count = (uint16_t)length;
	return plan;
}

static const struct {
	uint32_t architecture, number;
	bool enosys;
} enosys_cases[] = {
	{AUDIT_ARCH_AARCH64, 436, false},	{AUDIT_ARCH_AARCH64, 437, true},
	{AUDIT_ARCH_AARCH64, 0, false},		{AUDIT_ARCH_S390X, 0, true},
	{AUDIT_ARCH_S390X, 1, false},		{AUDIT_ARCH_S390X, 436, false},
	{AUDIT_ARCH_S390X, 437, true},		{AUDIT_ARCH_S390, 0, true},
	{AUDIT_ARCH_X86_64, 436, false},	{AUDIT_ARCH_X86_64, 437, true},
	{AUDIT_ARCH_X86_64, 0x40000000, false}, {AUDIT_ARCH_X86_64, 0x400001b4, false},
	{AUDIT_ARCH_X86_64, 0x400001b5, true},	{AUDIT_ARCH_X86_64, 0xffffffff, true},
	{AUDIT_ARCH_RISCV64, 437, true},	{AUDIT_ARCH_RISCV64, 436, false},
};

START_TEST(answers_enosys_on_each_architecture)
{
	struct oci_seccomp_rule rule = {.names = NAMES("close_range"), .action = OCI_SECCOMP_ALLOW};
	struct oci_seccomp config = profile(OCI_SECCOMP_ERRNO, &rule, 1);
	uint32_t tokens[] = {AUDIT_ARCH_AARCH64, AUDIT_ARCH_S390X,   AUDIT_ARCH_S390,
			     AUDIT_ARCH_X86_64,	 AUDIT_ARCH_RISCV64, SCMP_ARCH_X32};
	struct seccomp_plan plan = compiled(&config, tokens, COUNT(tokens));
	uint32_t action =
		result(&plan, enosys_cases[_i].architecture, (int)enosys_cases[_i].number, 0, 0);
	uint32_t expected = SECCOMP_RET_ERRNO | EPERM;

	if ((enosys_cases[_i].number & 0xfff) == 436)
		expected = SECCOMP_RET_ALLOW;
	if (enosys_cases[_i].enosys)
		expected = SECCOMP_RET_ERRNO | ENOSYS;
	ck_assert_uint_eq(action, expected);
	seccomp_plan_clear(&plan);
}
END_TEST

START_TEST(keeps_x32_apart)
{
	struct oci_seccomp_rule rule = {.names = NAMES("close_range"), .action = OCI_SECCOMP_ALLOW};
	struct oci_seccomp config = profile(OCI_SECCOMP_ERRNO, &rule, 1);
	uint32_t tokens[] = {AUDIT_ARCH_X86_64, SCMP_ARCH_X32};
	struct seccomp_plan plan = compiled(&config, tokens, 1);

	ck_assert_uint_eq(result(&plan, AUDIT_ARCH_X86_64, 0x400001b4, 0, 0),
			  SECCOMP_RET_KILL_THREAD);
	ck_assert_uint_eq(result(&plan, AUDIT_ARCH_X86_64, 0x3fffffff, 0, 0),
			  SECCOMP_RET_ERRNO | ENOSYS);
	ck_assert_uint_eq(result(&plan, AUDIT_ARCH_X86_64, -2, 0, 0), SECCOMP_RET_KILL_THREAD);
	ck_assert_uint_eq(result(&plan, AUDIT_ARCH_X86_64, -1, 0, 0), SECCOMP_RET_ERRNO | EPERM);
	seccomp_plan_clear(&plan);
	plan = compiled(&config, tokens + 1, 1);
	ck_assert_uint_eq(result(&plan, AUDIT_ARCH_X86_64, 436, 0, 0), SECCOMP_RET_KILL_THREAD);
	ck_assert_uint_eq(result(&plan, AUDIT_ARCH_X86_64, 0x400001b4, 0, 0), SECCOMP_RET_ALLOW);
	seccomp_plan_clear(&plan);
}
END_TEST

START_TEST(answers_no_enosys_when_nothing_is_named)
{
	struct oci_seccomp config = profile(OCI_SECCOMP_ERRNO, NULL, 0);

	ck_assert_uint_eq(answer(&config, 9999, 0, 0), SECCOMP_RET_ERRNO | EPERM);
}
END_TEST

/* Found by the fuzzer: a section of one range, behind others. */
START_TEST(keeps_architectures_apart)
{
	struct oci_seccomp_rule rule = {.names = NAMES("chown32"), .action = OCI_SECCOMP_LOG};
	struct oci_seccomp config = profile(OCI_SECCOMP_ERRNO, &rule, 1);
	uint32_t tokens[] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64, SCMP_ARCH_X32, AUDIT_ARCH_I386};
	struct seccomp_plan plan = compiled(&config, tokens, COUNT(tokens));

	ck_assert_uint_eq(result(&plan, AUDIT_ARCH_I386, 212, 0, 0), SECCOMP_RET_LOG);
	ck_assert_uint_eq(result(&plan, AUDIT_ARCH_I386, 213, 0, 0), SECCOMP_RET_ERRNO | ENOSYS);
	ck_assert_uint_eq(result(&plan, AUDIT_ARCH_X86_64, 212, 0, 0), SECCOMP_RET_ERRNO | EPERM);
	ck_assert_uint_eq(result(&plan, AUDIT_ARCH_X86_64, -1, 0, 0), SECCOMP_RET_ERRNO | EPERM);
	ck_assert_uint_eq(result(&plan, AUDIT_ARCH_AARCH64, 213, 0, 0), SECCOMP_RET_ERRNO | EPERM);
	seccomp_plan_clear(&plan);
}
END_TEST

START_TEST(plans_flags)
{
	struct oci_seccomp_rule rule = {.names = NAMES("mkdir"), .action = OCI_SECCOMP_ERRNO};
	struct oci_seccomp config = profile(OCI_SECCOMP_ALLOW, &rule, 1);
	struct seccomp_plan plan = planned(&config);

	ck_assert_uint_eq(plan.flags, SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	ck_assert(!plan.notify);
	seccomp_plan_clear(&plan);
	config.flags.set = true;
	plan = planned(&config);
	ck_assert_uint_eq(plan.flags, 0);
	seccomp_plan_clear(&plan);
	config.flags.value = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | 1 << 5;
	plan = planned(&config);
	ck_assert_uint_eq(plan.flags, SECCOMP_FILTER_FLAG_LOG);
	seccomp_plan_clear(&plan);
	rule.action = OCI_SECCOMP_NOTIFY;
	plan = planned(&config);
	ck_assert(plan.notify);
	ck_assert_uint_eq(plan.flags,
			  SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_NEW_LISTENER | 1 << 5);
	seccomp_plan_clear(&plan);
}
END_TEST

START_TEST(takes_a_compiled_filter)
{
	/* return ALLOW */
	static const char base64[] = "BgAAAAAA/38=";
	struct oci_seccomp config = profile(OCI_SECCOMP_KILL, NULL, 0);
	struct seccomp_plan plan;

	config.flags = (struct oci_seccomp_flags){true, SECCOMP_FILTER_FLAG_LOG};
	ck_assert_int_eq(seccomp_plan_raw(NULL, base64, &plan, &err), 0);
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_uint_eq(plan.flags, SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	ck_assert_uint_eq(plan.instructions[0].code, BPF_RET | BPF_K);
	ck_assert_uint_eq(plan.instructions[0].k, SECCOMP_RET_ALLOW);
	seccomp_plan_clear(&plan);
	ck_assert_int_eq(seccomp_plan_raw(&config, base64, &plan, &err), 0);
	ck_assert_uint_eq(plan.flags, SECCOMP_FILTER_FLAG_LOG);
	ck_assert(!plan.notify);
	seccomp_plan_clear(&plan);
}
END_TEST

static const struct {
	const char *base64, *text;
} raw_cases[] = {
	{"", "a filter has 1 to 4096 instructions of 8 bytes, not 0 bytes"},
	{"====", "the filter is not in base64"},
	{"BgAAAAAA/38", "the filter is not in base64"},
	{"BgAAAAAA/3==", "a filter has 1 to 4096 instructions of 8 bytes, not 7 bytes"},
	{"BgAA AAA/38=", "the filter is not in base64"},
	{"BgAA=AAA/38=", "the filter is not in base64"},
};

START_TEST(refuses_raw)
{
	struct seccomp_plan plan = {.count = 77};

	ck_assert_int_eq(seccomp_plan_raw(NULL, raw_cases[_i].base64, &plan, &err), -EINVAL);
	ck_assert_str_eq(err.message, raw_cases[_i].text);
	ck_assert_uint_eq(plan.count, 77);
}
END_TEST

START_TEST(refuses_unknown_syscalls_when_asked)
{
	struct oci_seccomp_rule rules[] = {
		/* One of another architecture is known. */
		{.names = NAMES("read", "socketcall", "chown32"), .action = OCI_SECCOMP_ALLOW},
		{.names = NAMES("read", "no_such"), .action = OCI_SECCOMP_ALLOW},
	};
	struct oci_seccomp config = profile(OCI_SECCOMP_ERRNO, rules, 1);

	ck_assert_int_eq(seccomp_check_known(&config, &err), 0);
	config.syscalls.count = 2;
	ck_assert_int_eq(seccomp_check_known(&config, &err), -EINVAL);
	ck_assert_str_eq(err.field, "linux.seccomp.syscalls[1].names[1]");
	ck_assert_str_eq(err.message, "libseccomp does not know the syscall no_such");
}
END_TEST

START_TEST(refuses_actions)
{
	struct oci_seccomp_rule rules[] = {
		{.names = NAMES("read"), .action = OCI_SECCOMP_ALLOW},
		{.names = NAMES("mkdir", "write"), .action = OCI_SECCOMP_NOTIFY},
	};
	struct oci_seccomp config = profile(OCI_SECCOMP_ERRNO, rules, 2);

	assert_refused(&config, EINVAL, "linux.seccomp.syscalls[1].names[1]",
		       "SCMP_ACT_NOTIFY cannot be used for write: the container would wait for "
		       "ever for its agent to be told of it");
	rules[1].action = OCI_SECCOMP_KILL_PROCESS;
	rules[1].errno_ret = (struct oci_opt_u32){true, 5};
	assert_refused(&config, EINVAL, "linux.seccomp.syscalls[1].errnoRet",
		       "SCMP_ACT_KILL_PROCESS gives no errno");
	rules[1].action = OCI_SECCOMP_ERRNO;
	rules[1].errno_ret.value = 4095;
	assert_refused(&config, EINVAL, "linux.seccomp.syscalls[1].errnoRet",
		       "4095 is larger than 4094");
	rules[1].action = OCI_SECCOMP_TRACE;
	rules[1].errno_ret.value = 65536;
	assert_refused(&config, EINVAL, "linux.seccomp.syscalls[1].errnoRet",
		       "65536 is larger than 65535");
	config.default_action = OCI_SECCOMP_ALLOW;
	config.default_errno_ret = (struct oci_opt_u32){true, 1};
	assert_refused(&config, EINVAL, "linux.seccomp.defaultErrnoRet",
		       "SCMP_ACT_ALLOW gives no errno");
	config.default_action = OCI_SECCOMP_NOTIFY;
	assert_refused(&config, EINVAL, "linux.seccomp.defaultAction",
		       "SCMP_ACT_NOTIFY cannot be the default: the container could not even say "
		       "that there is somebody to notify");
}
END_TEST

START_TEST(refuses_to_notify_without_write)
{
	static const char text[] =
		"a profile with SCMP_ACT_NOTIFY must allow write without conditions, or the "
		"container could not say that there is somebody to notify";
	struct oci_seccomp_rule rules[] = {
		{.names = NAMES("mkdir"), .action = OCI_SECCOMP_NOTIFY},
		{.names = NAMES("write"),
		 .action = OCI_SECCOMP_ALLOW,
		 .args = ARGS({0, 1, 0, OCI_SECCOMP_EQ})},
	};
	struct oci_seccomp config = profile(OCI_SECCOMP_ERRNO, rules, 1);

	assert_refused(&config, EINVAL, "linux.seccomp.syscalls", text);
	config.syscalls.count = 2;
	assert_refused(&config, EINVAL, "linux.seccomp.syscalls", text);
	rules[1].args.count = 0;
	ck_assert_uint_eq(answer(&config, SYS_mkdir, 0, 0), SECCOMP_RET_USER_NOTIF);
	rules[1].action = OCI_SECCOMP_TRACE;
	assert_refused(&config, EINVAL, "linux.seccomp.syscalls", text);
	config.syscalls.count = 1;
	config.default_action = OCI_SECCOMP_LOG;
	ck_assert_uint_eq(answer(&config, SYS_mkdir, 0, 0), SECCOMP_RET_USER_NOTIF);
}
END_TEST

START_TEST(finds_multiplexed_calls)
{
	struct oci_seccomp_rule rules[] = {
		{.names = NAMES("socket"),
		 .action = OCI_SECCOMP_ALLOW,
		 .args = ARGS({0, 40, 0, OCI_SECCOMP_NE})},
		{.names = NAMES("bind"), .action = OCI_SECCOMP_TRAP},
		{.names = NAMES("semop", "semget"), .action = OCI_SECCOMP_LOG},
		{.names = NAMES("connect"),
		 .action = OCI_SECCOMP_ALLOW,
		 .args = ARGS({1, 7, 0, OCI_SECCOMP_EQ})},
		{.names = NAMES("close_range"), .action = OCI_SECCOMP_ALLOW},
	};
	struct oci_seccomp config = profile(OCI_SECCOMP_ERRNO, rules, COUNT(rules));
	uint32_t x86 = AUDIT_ARCH_I386, no = SECCOMP_RET_ERRNO | EPERM;
	struct seccomp_plan plan = compiled(&config, &x86, 1);

	/* By numbers of their own. */
	ck_assert_uint_eq(result(&plan, x86, 359, 39, 0), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(result(&plan, x86, 359, 40, 0), no);
	ck_assert_uint_eq(result(&plan, x86, 361, 0, 0), SECCOMP_RET_TRAP);
	ck_assert_uint_eq(result(&plan, x86, 393, 0, 0), SECCOMP_RET_LOG);
	/* socketcall: 1 is socket, whatever the family is; 2 bind, 3 connect, 4 listen. */
	ck_assert_uint_eq(result(&plan, x86, 102, 1, 0), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(result(&plan, x86, 102, 2, 0), SECCOMP_RET_TRAP);
	ck_assert_uint_eq(result(&plan, x86, 102, 3, 7), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(result(&plan, x86, 102, 3, 8), no);
	ck_assert_uint_eq(result(&plan, x86, 102, 4, 0), no);
	/* ipc: 1 is semop, which has no number of its own; 2 semget, 3 semctl. */
	ck_assert_uint_eq(result(&plan, x86, 117, 1, 0), SECCOMP_RET_LOG);
	ck_assert_uint_eq(result(&plan, x86, 117, 2, 0), SECCOMP_RET_LOG);
	ck_assert_uint_eq(result(&plan, x86, 117, 3, 0), no);
	seccomp_plan_clear(&plan);

	/* A rule about socketcall itself wins. */
	rules[1] = (struct oci_seccomp_rule){.names = NAMES("socketcall"),
					     .action = OCI_SECCOMP_ALLOW};
	plan = compiled(&config, &x86, 1);
	ck_assert_uint_eq(result(&plan, x86, 102, 4, 0), SECCOMP_RET_ALLOW);
	seccomp_plan_clear(&plan);
}
END_TEST

START_TEST(lets_the_first_rule_win)
{
	struct oci_seccomp_rule rules[] = {
		{.names = NAMES("ioctl"),
		 .action = OCI_SECCOMP_TRAP,
		 .args = ARGS({0, 5, 0, OCI_SECCOMP_LT})},
		{.names = NAMES("ioctl"),
		 .action = OCI_SECCOMP_LOG,
		 .args = ARGS({1, 9, 0, OCI_SECCOMP_EQ})},
		{.names = NAMES("ioctl"), .action = OCI_SECCOMP_KILL_PROCESS},
		{.names = NAMES("ioctl"), .action = OCI_SECCOMP_ALLOW},
	};
	struct oci_seccomp config = profile(OCI_SECCOMP_ERRNO, rules, 2);

	ck_assert_uint_eq(answer(&config, SYS_ioctl, 1, 9), SECCOMP_RET_TRAP);
	ck_assert_uint_eq(answer(&config, SYS_ioctl, 6, 9), SECCOMP_RET_LOG);
	ck_assert_uint_eq(answer(&config, SYS_ioctl, 6, 8), SECCOMP_RET_ERRNO | EPERM);
	config.syscalls.count = 4;
	ck_assert_uint_eq(answer(&config, SYS_ioctl, 1, 9), SECCOMP_RET_KILL_PROCESS);
	/* Behind one without conditions they cannot contradict each other. */
	rules[1].args = rules[0].args;
	ck_assert_uint_eq(answer(&config, SYS_ioctl, 1, 9), SECCOMP_RET_KILL_PROCESS);
}
END_TEST

START_TEST(compares_32_bits_where_there_are_no_more)
{
	struct oci_seccomp_rule rules[] = {
		{.names = NAMES("mmap"),
		 .action = OCI_SECCOMP_LOG,
		 .args = ARGS({0, 0x100000005, 0, OCI_SECCOMP_EQ})},
		{.names = NAMES("mmap"),
		 .action = OCI_SECCOMP_TRAP,
		 .args = ARGS({0, 7, 0, OCI_SECCOMP_EQ})},
		{.names = NAMES("close_range"),
		 .action = OCI_SECCOMP_ALLOW,
		 .args = ARGS({0, 0x100000000, 0, OCI_SECCOMP_LT})},
	};
	struct oci_seccomp config = profile(OCI_SECCOMP_ERRNO, rules, COUNT(rules));
	uint32_t x86 = AUDIT_ARCH_I386;
	struct seccomp_plan plan = compiled(&config, &x86, 1);

	ck_assert_uint_eq(result(&plan, x86, 90, 5, 0), SECCOMP_RET_ERRNO | EPERM);
	ck_assert_uint_eq(result(&plan, x86, 90, 0x100000007, 0), SECCOMP_RET_TRAP);
	ck_assert_uint_eq(result(&plan, x86, 436, UINT64_MAX, 0), SECCOMP_RET_ALLOW);
	seccomp_plan_clear(&plan);
}
END_TEST

START_TEST(refuses_conditions)
{
	struct oci_seccomp_rule rules[] = {
		{.names = NAMES("read"),
		 .action = OCI_SECCOMP_ALLOW,
		 .args = ARGS({0, 1, 0, OCI_SECCOMP_EQ}, {6, 1, 0, OCI_SECCOMP_EQ})},
		{.names = NAMES("read"),
		 .action = OCI_SECCOMP_TRAP,
		 .args = ARGS({0, 1, 0, OCI_SECCOMP_EQ})},
	};
	struct oci_seccomp config = profile(OCI_SECCOMP_ERRNO, rules, 2);

	assert_refused(&config, EINVAL, "linux.seccomp.syscalls[0].args[1]",
		       "a syscall has the arguments 0 to 5, not 6");
	rules[0].args.count = 1;
	assert_refused(&config, EINVAL, "linux.seccomp.syscalls[1].names[0]",
		       "another rule has the same conditions for read and another action");
}
END_TEST

START_TEST(refuses_architectures)
{
	struct oci_seccomp config = profile(OCI_SECCOMP_ALLOW, NULL, 0);
	int architectures[] = {1, 15};

	config.architectures.items = architectures;
	config.architectures.count = 2;
	assert_refused(&config, EINVAL, "linux.seccomp.architectures[1]",
		       "SCMP_ARCH_S390X has another byte order than this machine");
	architectures[1] = 21;
	if (!seccomp_knows_architecture(21))
		assert_refused(&config, EINVAL, "linux.seccomp.architectures[1]",
			       "this libseccomp does not know SCMP_ARCH_SH");
	architectures[1] = 99;
	assert_refused(&config, EINVAL, "linux.seccomp.architectures[1]",
		       "this libseccomp does not know this architecture");
}
END_TEST

START_TEST(refuses_what_is_too_long)
{
	static struct oci_seccomp_arg args[1500];
	struct oci_seccomp_rule rule = {
		.names = NAMES("ioctl"), .action = OCI_SECCOMP_ALLOW, .args = {args, COUNT(args)}};
	struct oci_seccomp config = profile(OCI_SECCOMP_ERRNO, &rule, 1);
	struct seccomp_plan plan = {0};

	for (size_t i = 0; i < COUNT(args); i++)
		args[i] = (struct oci_seccomp_arg){1, (uint64_t)i << 32 | i, 0, OCI_SECCOMP_EQ};
	ck_assert_int_eq(seccomp_plan(&config, &plan, &err), -E2BIG);
	ck_assert_str_eq(err.field, "linux.seccomp");
	ck_assert_str_eq(err.message, "the profile makes a filter of more than the 4096 "
				      "instructions that the kernel takes");
	ck_assert_str_eq(err.hint, "fewer architectures or fewer conditions make it shorter");
	ck_assert_ptr_null(plan.instructions);
}
END_TEST

START_TEST(knows_architectures)
{
	ck_assert(seccomp_knows_architecture(0));
	ck_assert(seccomp_knows_architecture(1));
	ck_assert(seccomp_knows_architecture(18));
	ck_assert(!seccomp_knows_architecture(23));
	ck_assert(!seccomp_knows_architecture(-1));
}
END_TEST

START_TEST(tells_the_version)
{
	char version[32];
	unsigned int major, minor, micro;

	seccomp_library_version(version, sizeof(version));
	ck_assert_int_eq(sscanf(version, "%u.%u.%u", &major, &minor, &micro), 3);
	ck_assert_uint_ge(major * 100 + minor, 205);
}
END_TEST

START_TEST(agrees_with_the_oracle)
{
	uint8_t data[1500];

	bytes_random((uint64_t)_i, data, sizeof(data));
	seccomp_oracle_check(data, sizeof(data));
}
END_TEST

/* What is foreseen is what the filter does; of a call that it does not understand nothing. */
START_TEST(foresees_the_answer)
{
	struct oci_seccomp_rule rules[] = {
		{.names = NAMES("read", "setsid", "clone3"), .action = OCI_SECCOMP_ALLOW},
		{.names = NAMES("write"), .action = OCI_SECCOMP_LOG},
		{.names = NAMES("ioctl"),
		 .action = OCI_SECCOMP_ALLOW,
		 .args = ARGS({0, 5, 0, OCI_SECCOMP_LT})},
		{.names = NAMES("clone"),
		 .action = OCI_SECCOMP_ALLOW,
		 .args = ARGS({0, 0x7e020000, 0, OCI_SECCOMP_MASKED_EQ})},
		{.names = NAMES("prctl"),
		 .action = OCI_SECCOMP_TRAP,
		 .args = ARGS({0, 7, 0, OCI_SECCOMP_GT})},
	};
	struct oci_seccomp config = profile(OCI_SECCOMP_ERRNO, rules, COUNT(rules));
	struct seccomp_plan plan = planned(&config);
	uint32_t action = 0;

	for (int number = 0; number < 500; number++) {
		for (size_t i = 0; i < 40; i++) {
			uint64_t first = i < 20 ? i : 1ULL << (i + 12);

			ck_assert(seccomp_foresee(&plan, number, first, &action));
			ck_assert_uint_eq(action,
					  result(&plan, AUDIT_ARCH_X86_64, number, first, 0));
		}
	}
	ck_assert(seccomp_lets_pass(&plan, SYS_write, 0));
	ck_assert(seccomp_lets_pass(&plan, SYS_ioctl, 4));
	ck_assert(!seccomp_lets_pass(&plan, SYS_ioctl, 5));
	ck_assert(!seccomp_lets_pass(&plan, SYS_prctl, 8));
	ck_assert(!seccomp_lets_pass(&plan, SYS_open, 0));
	seccomp_plan_clear(&plan);
}
END_TEST

START_TEST(foresees_nothing_of_what_is_strange)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_filter strange[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 1),
		BPF_STMT(BPF_RET | BPF_A, 0),
		BPF_STMT(BPF_JMP | BPF_JA, 5),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 0),
	};
	struct sock_filter program[2];
	struct seccomp_plan plan = {.instructions = program, .count = 2};
	uint32_t action = 77;

	for (size_t i = 0; i < COUNT(strange); i++) {
		program[0] = strange[i];
		program[1] = allow;
		ck_assert(!seccomp_foresee(&plan, SYS_read, 0, &action));
		ck_assert(!seccomp_lets_pass(&plan, SYS_read, 0));
	}
	ck_assert_uint_eq(action, 77);
	plan.count = 0;
	ck_assert(!seccomp_foresee(&plan, SYS_read, 0, &action));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("seccomp");
	TCase *meaning = tcase_create("meaning"), *enosys = tcase_create("enosys");
	TCase *refusals = tcase_create("refusals"), *oracle = tcase_create("oracle");
	SRunner *runner;
	int failed;

	tcase_add_test(meaning, plans_nothing_for_nothing);
	tcase_add_loop_test(meaning, gives_each_action, 0, COUNT(actions));
	tcase_add_loop_test(meaning, compares_all_64_bits, 0, COUNT(comparisons));
	tcase_add_test(meaning, wants_all_conditions_of_different_arguments);
	tcase_add_test(meaning, wants_one_condition_when_an_argument_has_two);
	tcase_add_test(meaning, skips_what_libseccomp_does_not_know);
	tcase_add_test(meaning, kills_for_other_architectures);
	tcase_add_test(meaning, finds_multiplexed_calls);
	tcase_add_test(meaning, lets_the_first_rule_win);
	tcase_add_test(meaning, compares_32_bits_where_there_are_no_more);
	tcase_add_test(meaning, keeps_architectures_apart);
	tcase_add_test(meaning, plans_flags);
	tcase_add_test(meaning, knows_architectures);
	tcase_add_test(meaning, tells_the_version);
	tcase_add_test(meaning, foresees_the_answer);
	tcase_add_test(meaning, foresees_nothing_of_what_is_strange);
	tcase_add_test(meaning, takes_a_compiled_filter);
	suite_add_tcase(suite, meaning);
	tcase_add_loop_test(enosys, answers_enosys_to_the_new, 0, OCI_SECCOMP_NOTIFY);
	tcase_add_test(enosys, leaves_enosys_by_default_alone);
	tcase_add_loop_test(enosys, answers_enosys_on_each_architecture, 0, COUNT(enosys_cases));
	tcase_add_test(enosys, keeps_x32_apart);
	tcase_add_test(enosys, answers_no_enosys_when_nothing_is_named);
	suite_add_tcase(suite, enosys);
	tcase_add_loop_test(refusals, refuses_raw, 0, COUNT(raw_cases));
	tcase_add_test(refusals, refuses_unknown_syscalls_when_asked);
	tcase_add_test(refusals, refuses_actions);
	tcase_add_test(refusals, refuses_to_notify_without_write);
	tcase_add_test(refusals, refuses_conditions);
	tcase_add_test(refusals, refuses_architectures);
	tcase_add_test(refusals, refuses_what_is_too_long);
	suite_add_tcase(suite, refusals);
	tcase_add_loop_test(oracle, agrees_with_the_oracle, 0, 300);
	suite_add_tcase(suite, oracle);

	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
