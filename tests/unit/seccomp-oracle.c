/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Some things of libseccomp 2.5 are left out of the comparison, for there it does not compile what
 * the profile says, for other runtimes either:
 * - syscalls that 32-bit x86 also passes through socketcall and ipc, which it spreads over both
 * ways;
 * - constants beyond 32 bits on 32-bit architectures, of which it takes the lower half;
 * - several conditional rules for one syscall, which it merges into one tree: not always rightly,
 * so that a call that one of them is about gets the default action; and sometimes for ever. Only
 * when each is a single SCMP_CMP_EQ about the same argument (as for personality in docker's
 * profile) the comparison is exact; else the default and any of the actions that the rules give are
 * accepted.
 */
#include "seccomp-oracle.h"

#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>

#include "bpf-classic.h"
#include "bytes.h"
#include "isolate/seccomp.h"
#include "oci-spec/oci-spec.h"

#define X32_BIT 0x40000000u

/* libseccomp 2.5 loses some memory of rules that others make superfluous. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libseccomp\nleak:seccomp_rule_add_array";
}

/* Index in oci_seccomp_architectures -> libseccomp. The test machines are x86-64. */
static const struct {
	int architecture;
	uint32_t token;
} known[] = {
	{0, SCMP_ARCH_X86},	{1, SCMP_ARCH_X86_64},	 {2, SCMP_ARCH_X32},
	{4, SCMP_ARCH_AARCH64}, {18, SCMP_ARCH_RISCV64},
};

static bool in_filter(const struct oci_seccomp *config, uint32_t token)
{
	if (token == seccomp_arch_native())
		return true;
	for (size_t i = 0; i < config->architectures.count; i++) {
		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
			if (known[k].architecture == config->architectures.items[i] &&
			    known[k].token == token)
				return true;
		}
	}
	return false;
}

static uint32_t action_value(enum oci_seccomp_action action, const struct oci_opt_u32 *errno_ret)
{
	uint32_t value = errno_ret->set ? errno_ret->value : EPERM;

	switch (action) {
	case OCI_SECCOMP_KILL:
	case OCI_SECCOMP_KILL_THREAD:
		return SECCOMP_RET_KILL_THREAD;
	case OCI_SECCOMP_KILL_PROCESS:
		return SECCOMP_RET_KILL_PROCESS;
	case OCI_SECCOMP_TRAP:
		return SECCOMP_RET_TRAP;
	case OCI_SECCOMP_ERRNO:
		return SECCOMP_RET_ERRNO | value;
	case OCI_SECCOMP_TRACE:
		return SECCOMP_RET_TRACE | value;
	case OCI_SECCOMP_ALLOW:
		return SECCOMP_RET_ALLOW;
	case OCI_SECCOMP_LOG:
		return SECCOMP_RET_LOG;
	case OCI_SECCOMP_NOTIFY:
		return SECCOMP_RET_USER_NOTIF;
	}
	abort();
}

static bool condition_holds(const struct oci_seccomp_arg *arg, const struct seccomp_data *data,
			    bool narrow)
{
	uint64_t value = narrow ? (uint32_t)data->args[arg->index] : data->args[arg->index];

	switch (arg->op) {
	case OCI_SECCOMP_NE:
		return value != arg->value;
	case OCI_SECCOMP_LT:
		return value < arg->value;
	case OCI_SECCOMP_LE:
		return value <= arg->value;
	case OCI_SECCOMP_EQ:
		return value == arg->value;
	case OCI_SECCOMP_GE:
		return value >= arg->value;
	case OCI_SECCOMP_GT:
		return value > arg->value;
	case OCI_SECCOMP_MASKED_EQ:
		/* libseccomp leaves out what the mask leaves out of a constant, too. */
		return (value & arg->value) == (arg->value_two & arg->value);
	}
	abort();
}

static bool rule_holds(const struct oci_seccomp_rule *rule, const struct seccomp_data *data,
		       bool narrow)
{
	size_t holding = 0;
	bool twice = false;

	for (size_t i = 0; i < rule->args.count; i++) {
		holding += condition_holds(&rule->args.items[i], data, narrow);
		for (size_t k = 0; k < i; k++)
			twice = twice || rule->args.items[i].index == rule->args.items[k].index;
	}
	return twice ? holding > 0 : holding == rule->args.count;
}

static bool names_syscall(const struct oci_seccomp_rule *rule, uint32_t token, uint32_t number)
{
	for (size_t i = 0; i < rule->names.count; i++) {
		int found = seccomp_syscall_resolve_name_arch(token, rule->names.items[i]);

		if (found >= 0 && (uint32_t)found == number)
			return true;
	}
	return false;
}

static int64_t newest_named(const struct oci_seccomp *config, uint32_t token)
{
	int64_t newest = -1;

	for (size_t i = 0; i < config->syscalls.count; i++) {
		const struct oci_strings *names = &config->syscalls.items[i].names;

		for (size_t k = 0; k < names->count; k++) {
			int found = seccomp_syscall_resolve_name_arch(token, names->items[k]);

			newest = found > newest ? found : newest;
		}
	}
	return newest;
}

static bool forbids(uint32_t action)
{
	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_TRACE:
		return false;
	default:
		return action != (SECCOMP_RET_ERRNO | ENOSYS);
	}
}

/* 0: the call is through an architecture that is not in the filter. */
static uint32_t token_of_call(const struct oci_seccomp *config, const struct seccomp_data *data)
{
	bool x32 = data->arch == AUDIT_ARCH_X86_64 && ((uint32_t)data->nr & X32_BIT) &&
		   (data->nr != -1 || in_filter(config, SCMP_ARCH_X32));
	uint32_t token = x32 ? SCMP_ARCH_X32 : data->arch;

	return in_filter(config, token) ? token : 0;
}

static bool multiplexed(uint32_t token, int number)
{
	char *name;
	bool result;

	if (token != SCMP_ARCH_X86)
		return false;
	name = seccomp_syscall_resolve_num_arch(token, number);
	result = name && seccomp_syscall_resolve_name_arch(token, name) != number;
	result = result || number == 102 || number == 117; /* socketcall, ipc */
	free(name);
	return result;
}

static bool has_wide_constant(const struct oci_seccomp_rule *rule)
{
	for (size_t i = 0; i < rule->args.count; i++) {
		if (rule->args.items[i].value > UINT32_MAX ||
		    rule->args.items[i].value_two > UINT32_MAX)
			return true;
	}
	return false;
}

/* What libseccomp has to merge for one syscall. */
struct chains {
	size_t count;
	uint32_t index;
	bool simple; /* single conditions of equality, all about `index` */
};

static void count_chains(const struct oci_seccomp_rule *rule, struct chains *chains)
{
	const struct oci_seccomp_arg *args = rule->args.items;
	bool twice = false;

	for (size_t i = 0; i < rule->args.count; i++) {
		for (size_t k = 0; k < i; k++)
			twice = twice || args[i].index == args[k].index;
	}
	if (chains->count == 0)
		chains->index = args[0].index;
	chains->count += twice ? rule->args.count : 1;
	chains->simple = chains->simple && (twice || rule->args.count == 1);
	for (size_t i = 0; i < rule->args.count; i++)
		chains->simple = chains->simple && args[i].op == OCI_SECCOMP_EQ &&
				 args[i].index == chains->index;
}

bool seccomp_oracle_accepts(const struct oci_seccomp *config, const struct seccomp_data *data,
			    uint32_t action)
{
	uint32_t fallback = action_value(config->default_action, &config->default_errno_ret);
	uint32_t token = token_of_call(config, data);
	bool narrow = token == SCMP_ARCH_X86 || token == SCMP_ARCH_X32, any = false, hit = false;
	struct chains chains = {0, 0, true};
	bool listed = false;
	int64_t newest = token ? newest_named(config, token) : -1;

	if (token == 0)
		return action == SECCOMP_RET_KILL_THREAD;
	/* -1 has x32's bit too, and is no syscall: a tracer sets it to skip one. */
	if (token == SCMP_ARCH_X86_64 && data->nr == -1)
		return action == fallback;
	if (forbids(fallback) && newest >= 0 && (uint32_t)data->nr > newest)
		return action == (SECCOMP_RET_ERRNO | ENOSYS);
	if (multiplexed(token, data->nr))
		return true;
	for (size_t i = 0; i < config->syscalls.count; i++) {
		const struct oci_seccomp_rule *rule = &config->syscalls.items[i];
		uint32_t given = action_value(rule->action, &rule->errno_ret);

		if (given == fallback || !names_syscall(rule, token, (uint32_t)data->nr))
			continue;
		if (narrow && has_wide_constant(rule))
			return true;
		if (rule->args.count == 0)
			return action == given;
	}
	for (size_t i = 0; i < config->syscalls.count; i++) {
		const struct oci_seccomp_rule *rule = &config->syscalls.items[i];
		uint32_t given = action_value(rule->action, &rule->errno_ret);

		if (given == fallback || !names_syscall(rule, token, (uint32_t)data->nr))
			continue;
		any = any || rule_holds(rule, data, narrow);
		hit = hit || (rule_holds(rule, data, narrow) && action == given);
		listed = listed || action == given;
		count_chains(rule, &chains);
	}
	if (chains.count > 1 && !chains.simple)
		return listed || action == fallback;
	return any ? hit : action == fallback;
}

#define RULES	  12
#define NAMES	  3
#define ARGUMENTS 4

static char names[][16] = {
	"read",	   "openat",  "socket",	      "clone",		 "clone3",    "personality",
	"ioctl",   "mmap",    "close_range",  "faccessat2",	 "getrandom", "socketcall",
	"chown32", "_llseek", "no_such_call", "restart_syscall", "execveat",  "set_tid_address",
};

/* A profile and where its parts are. */
struct profile {
	struct oci_seccomp config;
	int architectures[3];
	struct oci_seccomp_rule rules[RULES];
	char *names[RULES][NAMES];
	struct oci_seccomp_arg args[RULES][ARGUMENTS];
};

static uint64_t make_value(struct bytes *bytes)
{
	static const uint64_t values[] = {
		0,
		1,
		2,
		5,
		0x7f,
		0xffff,
		0x7fffffff,
		0x80000000,
		0xffffffff,
		0x100000000,
		0x100000001,
		0x7fffffffffffffff,
		0xffffffff00000000,
		0xffffffffffffffff,
	};
	unsigned int i = bytes_below(bytes, 16);

	return i < sizeof(values) / sizeof(values[0])
		       ? values[i]
		       : (uint64_t)bytes_u32(bytes) << 32 | bytes_u32(bytes);
}

static void make_action(struct bytes *bytes, bool is_default, enum oci_seccomp_action *ret_action,
			struct oci_opt_u32 *ret_errno)
{
	*ret_action = (enum oci_seccomp_action)bytes_below(bytes, is_default ? 8 : 9);
	*ret_errno = (struct oci_opt_u32){0};
	if (*ret_action == OCI_SECCOMP_ERRNO || *ret_action == OCI_SECCOMP_TRACE) {
		ret_errno->set = bytes_take(bytes) & 1;
		ret_errno->value = ret_errno->set ? bytes_below(bytes, 50) : 0;
	}
}

/* Whether an earlier rule with conditions names one of the rule's syscalls. */
static bool has_forerunner(const struct profile *profile, size_t i)
{
	const struct oci_strings *mine = &profile->rules[i].names;

	for (size_t r = 0; r < i; r++) {
		const struct oci_strings *theirs = &profile->rules[r].names;

		for (size_t k = 0; k < mine->count * theirs->count; k++) {
			if (profile->rules[r].args.count > 0 &&
			    mine->items[k % mine->count] == theirs->items[k / mine->count])
				return true;
		}
	}
	return false;
}

static void make_rule(struct profile *profile, size_t i, struct bytes *bytes)
{
	struct oci_seccomp_rule *rule = &profile->rules[i];
	bool alone;

	make_action(bytes, false, &rule->action, &rule->errno_ret);
	rule->names.items = profile->names[i];
	rule->names.count = 1 + bytes_below(bytes, NAMES);
	for (size_t k = 0; k < rule->names.count; k++)
		rule->names.items[k] = names[bytes_below(bytes, sizeof(names) / sizeof(names[0]))];
	rule->args.items = profile->args[i];
	rule->args.count = bytes_below(bytes, ARGUMENTS + 1);
	/* libseccomp 2.5 never comes back from two rules as "a0 != 0, a2 == 1" and "a0 != 0,
	 * a3 == 1", so only the first rule of a syscall has several. */
	alone = !has_forerunner(profile, i);
	if (!alone && rule->args.count > 1)
		rule->args.count = 0;
	for (size_t k = 0; k < rule->args.count; k++) {
		struct oci_seccomp_arg *arg = &rule->args.items[k];

		*arg = (struct oci_seccomp_arg){
			.index = bytes_below(bytes, 6),
			.value = make_value(bytes),
			.value_two = make_value(bytes),
			.op = (enum oci_seccomp_operator)bytes_below(bytes, 7),
		};
		/* A mask of nothing is no condition to libseccomp, and not sorted like one. */
		if (arg->op == OCI_SECCOMP_MASKED_EQ && (uint32_t)arg->value == 0)
			arg->value |= 1;
	}
}

static void make_profile(struct profile *profile, struct bytes *bytes)
{
	struct oci_seccomp *config = &profile->config;

	make_action(bytes, true, &config->default_action, &config->default_errno_ret);
	config->architectures.items = profile->architectures;
	config->architectures.count = bytes_below(bytes, 4);
	for (size_t i = 0; i < config->architectures.count; i++)
		profile->architectures[i] = known[bytes_below(bytes, 5)].architecture;
	config->syscalls.items = profile->rules;
	config->syscalls.count = bytes_below(bytes, RULES + 1);
	for (size_t i = 0; i < config->syscalls.count; i++)
		make_rule(profile, i, bytes);
}

static struct seccomp_data make_call(const struct profile *profile, struct bytes *bytes)
{
	static const uint32_t architectures[] = {AUDIT_ARCH_X86_64,  AUDIT_ARCH_X86_64,
						 AUDIT_ARCH_I386,    AUDIT_ARCH_AARCH64,
						 AUDIT_ARCH_RISCV64, AUDIT_ARCH_S390X};
	static const int odd[] = {-1, 0, 450, 1000, 0x40000000, 0x40000208, 0x7fffffff};
	struct seccomp_data call = {.arch = architectures[bytes_below(bytes, 6)]};
	unsigned int pick = bytes_below(bytes, 32);

	call.nr = pick < sizeof(odd) / sizeof(odd[0])
			  ? odd[pick]
			  : seccomp_syscall_resolve_name_arch(
				    pick & 1 && call.arch == AUDIT_ARCH_X86_64 ? SCMP_ARCH_X32
									       : call.arch,
				    names[pick % (sizeof(names) / sizeof(names[0]))]);
	for (size_t i = 0; i < 6; i++) {
		size_t rule = bytes_below(bytes, RULES);

		/* Mostly about one of the profile's own constants. */
		call.args[i] = rule < profile->config.syscalls.count
				       ? profile->args[rule][i % ARGUMENTS].value
				       : make_value(bytes);
		call.args[i] += bytes_below(bytes, 3) - 1u;
	}
	return call;
}

static void check_call(const struct profile *profile, const struct seccomp_plan *plan,
		       const struct seccomp_data *call)
{
	uint32_t action = bpf_classic_run(plan->instructions, plan->count, call);

	if (seccomp_oracle_accepts(&profile->config, call, action))
		return;
	fprintf(stderr, "syscall %d of architecture 0x%x (", call->nr, call->arch);
	for (size_t i = 0; i < 6; i++)
		fprintf(stderr, "%llx ", (unsigned long long)call->args[i]);
	fprintf(stderr, ") gives 0x%x with this profile:\ndefault %d %u\n", action,
		(int)profile->config.default_action, profile->config.default_errno_ret.value);
	for (size_t i = 0; i < profile->config.syscalls.count; i++) {
		const struct oci_seccomp_rule *rule = &profile->rules[i];

		fprintf(stderr, "action %d %d %u:", (int)rule->action, rule->errno_ret.set,
			rule->errno_ret.value);
		for (size_t k = 0; k < rule->names.count; k++)
			fprintf(stderr, " %s", rule->names.items[k]);
		for (size_t k = 0; k < rule->args.count; k++)
			fprintf(stderr, ", arg %u op %d %llx %llx", rule->args.items[k].index,
				(int)rule->args.items[k].op,
				(unsigned long long)rule->args.items[k].value,
				(unsigned long long)rule->args.items[k].value_two);
		fprintf(stderr, "\n");
	}
	abort();
}

void seccomp_oracle_check(const uint8_t *data, size_t size)
{
	struct bytes bytes = {data, size};
	struct profile profile = {0};
	struct error err = ERROR_INIT;
	struct seccomp_plan plan;

	make_profile(&profile, &bytes);
	if (seccomp_plan(&profile.config, &plan, &err) < 0) {
		/* Nothing but two rules that contradict each other can be wrong with it. */
		if (err.number != EINVAL || err.field[0] == '\0')
			abort();
		return;
	}
	if (!bpf_classic_valid(plan.instructions, plan.count))
		abort();
	for (int i = 0; i < 64; i++) {
		struct seccomp_data call = make_call(&profile, &bytes);

		check_call(&profile, &plan, &call);
	}
	seccomp_plan_clear(&plan);
}
