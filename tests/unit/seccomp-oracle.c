/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp-oracle.h"

#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf-classic.h"
#include "bytes.h"
#include "isolate/seccomp/seccomp.h"
#include "oci-spec/oci-spec.h"

#define X32_BIT 0x40000000u

/* Index in oci_seccomp_architectures -> libseccomp. The test machines are x86-64. */
static const struct {
	int architecture;
	uint32_t token;
} known[] = {
	{0, SCMP_ARCH_X86},	     {1, SCMP_ARCH_X86_64},   {2, SCMP_ARCH_X32},
	{3, SCMP_ARCH_ARM},	     {4, SCMP_ARCH_AARCH64},  {8, SCMP_ARCH_MIPSEL},
	{10, SCMP_ARCH_MIPSEL64N32}, {13, SCMP_ARCH_PPC64LE}, {18, SCMP_ARCH_RISCV64},
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

static bool has_index_twice(const struct oci_seccomp_rule *rule)
{
	for (size_t i = 0; i < rule->args.count; i++) {
		for (size_t k = 0; k < i; k++) {
			if (rule->args.items[i].index == rule->args.items[k].index)
				return true;
		}
	}
	return false;
}

/* With `muxed` the argument 0 is not the syscall's own, and is not looked at. */
static bool rule_holds(const struct oci_seccomp_rule *rule, const struct seccomp_data *data,
		       bool narrow, bool muxed)
{
	size_t holding = 0;

	for (size_t i = 0; i < rule->args.count; i++) {
		const struct oci_seccomp_arg *arg = &rule->args.items[i];

		holding += (muxed && arg->index == 0) || condition_holds(arg, data, narrow);
	}
	return has_index_twice(rule) ? holding > 0 : holding == rule->args.count;
}

/* How a name and a call are about the same. */
enum relation {
	UNRELATED,
	DIRECT,
	MUXED, /* the number is socketcall's or ipc's, and the name is one of its calls */
};

/* The number of its own of a call of socketcall or ipc, or -1: that of which libseccomp gives the
 * name. It looks that up slowly, so each answer is kept. */
static int own_number(const char *name, uint32_t token)
{
	static struct {
		uint32_t token;
		int number;
		char name[16];
	} kept[256];
	size_t i;

	for (i = 0; i < sizeof(kept) / sizeof(kept[0]) && kept[i].name[0]; i++) {
		if (kept[i].token == token && strcmp(kept[i].name, name) == 0)
			return kept[i].number;
	}
	if (i == sizeof(kept) / sizeof(kept[0]) || strlen(name) >= sizeof(kept[i].name))
		abort();
	kept[i].token = token;
	strcpy(kept[i].name, name);
	for (kept[i].number = 7000; kept[i].number >= 0; kept[i].number--) {
		char *other = seccomp_syscall_resolve_num_arch(token, kept[i].number);
		bool same = other && strcmp(other, name) == 0;

		free(other);
		if (same)
			break;
	}
	return kept[i].number;
}

/* Where a name is found: its own number, the multiplexer's and what its first argument is then. */
static void find_name(const char *name, uint32_t token, int *ret_own, int *ret_muxer,
		      uint32_t *ret_subcall)
{
	int found = seccomp_syscall_resolve_name_arch(token, name);

	*ret_own = found >= 0 ? found : -1;
	*ret_muxer = -1;
	if (found > -101 || found < -224)
		return;
	*ret_own = own_number(name, token);
	*ret_subcall = (uint32_t)-found % (found > -200 ? 100 : 200);
	*ret_muxer = seccomp_syscall_resolve_name_arch(token, found > -200 ? "socketcall" : "ipc");
}

static enum relation relate(const char *name, uint32_t token, int number, uint32_t *ret_subcall)
{
	int own, muxer;

	find_name(name, token, &own, &muxer, ret_subcall);
	if (own >= 0 && own == number)
		return DIRECT;
	return muxer >= 0 && muxer == number ? MUXED : UNRELATED;
}

/* The highest number that any name is about, or -1. */
static int64_t newest_named(const struct oci_seccomp *config, uint32_t token)
{
	int64_t newest = -1;

	for (size_t i = 0; i < config->syscalls.count; i++) {
		const struct oci_strings *named = &config->syscalls.items[i].names;

		for (size_t k = 0; k < named->count; k++) {
			uint32_t subcall;
			int own, muxer;

			find_name(named->items[k], token, &own, &muxer, &subcall);
			newest = own > newest ? own : newest;
			newest = muxer > newest ? muxer : newest;
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
	bool x32 = data->arch == AUDIT_ARCH_X86_64 && (uint32_t)data->nr >= X32_BIT &&
		   (data->nr != -1 || in_filter(config, SCMP_ARCH_X32));
	uint32_t token = x32 ? SCMP_ARCH_X32 : data->arch;

	return in_filter(config, token) ? token : 0;
}

static bool is_narrow(uint32_t token)
{
	return token == SCMP_ARCH_X86 || token == SCMP_ARCH_X32 || token == SCMP_ARCH_ARM ||
	       token == SCMP_ARCH_MIPSEL || token == SCMP_ARCH_MIPSEL64N32;
}

/* What one name of a rule gives for a call, or `fallback`. `whole`: only without conditions. */
static uint32_t name_action(const struct oci_seccomp_rule *rule, const char *name, uint32_t token,
			    const struct seccomp_data *data, bool whole)
{
	uint32_t subcall = 0, given = action_value(rule->action, &rule->errno_ret);
	bool narrow = is_narrow(token);
	uint64_t first = narrow ? (uint32_t)data->args[0] : data->args[0];

	switch (relate(name, token, data->nr, &subcall)) {
	case DIRECT:
		if (whole ? rule->args.count == 0 : rule_holds(rule, data, narrow, false))
			return given;
		break;
	case MUXED:
		if (!whole && first == subcall && rule_holds(rule, data, narrow, true))
			return given;
		break;
	case UNRELATED:
		break;
	}
	return UINT32_MAX;
}

static uint32_t first_action(const struct oci_seccomp *config, uint32_t token,
			     const struct seccomp_data *data, bool whole)
{
	uint32_t fallback = action_value(config->default_action, &config->default_errno_ret);

	for (size_t i = 0; i < config->syscalls.count; i++) {
		const struct oci_seccomp_rule *rule = &config->syscalls.items[i];

		for (size_t k = 0; k < rule->names.count; k++) {
			uint32_t action =
				name_action(rule, rule->names.items[k], token, data, whole);

			if (action != UINT32_MAX && action != fallback)
				return action;
		}
	}
	return UINT32_MAX;
}

uint32_t seccomp_oracle_action(const struct oci_seccomp *config, const struct seccomp_data *data)
{
	uint32_t fallback = action_value(config->default_action, &config->default_errno_ret);
	uint32_t token = token_of_call(config, data), action;
	int64_t newest;

	if (token == 0)
		return SECCOMP_RET_KILL_THREAD;
	/* -1 has x32's bit too, and is no syscall: a tracer sets it to skip one. */
	if (token == SCMP_ARCH_X86_64 && data->nr == -1)
		return fallback;
	if (forbids(fallback)) {
		newest = newest_named(config, token);
		if (newest >= 0 && (uint32_t)data->nr > newest)
			return SECCOMP_RET_ERRNO | ENOSYS;
	}
	action = first_action(config, token, data, true);
	if (action == UINT32_MAX)
		action = first_action(config, token, data, false);
	return action == UINT32_MAX ? fallback : action;
}

static bool same_condition(const struct oci_seccomp_arg *a, const struct oci_seccomp_arg *b)
{
	if (a->index != b->index || a->op != b->op || a->value != b->value)
		return false;
	return a->op != OCI_SECCOMP_MASKED_EQ ||
	       (a->value_two & a->value) == (b->value_two & b->value);
}

static bool among(const struct oci_seccomp_arg *arg, const struct oci_seccomp_rule *rule)
{
	for (size_t i = 0; i < rule->args.count; i++) {
		if (same_condition(arg, &rule->args.items[i]))
			return true;
	}
	return false;
}

/* Whether two rules ask for different actions under the same conditions. */
static bool contradict(const struct oci_seccomp_rule *a, const struct oci_seccomp_rule *b)
{
	bool apart_a = has_index_twice(a) || a->args.count == 1;
	bool apart_b = has_index_twice(b) || b->args.count == 1;
	size_t common = 0;

	if (action_value(a->action, &a->errno_ret) == action_value(b->action, &b->errno_ret))
		return false;
	for (size_t i = 0; i < a->args.count; i++)
		common += among(&a->args.items[i], b);
	if (apart_a || apart_b)
		return apart_a && apart_b && common > 0;
	return common == a->args.count && common == b->args.count;
}

/* Whether a rule that changes something has conditions (or has none) and this name. */
static bool names_it(const struct oci_seccomp *config, const struct oci_seccomp_rule *rule,
		     const char *name, bool conditional)
{
	if (action_value(rule->action, &rule->errno_ret) ==
		    action_value(config->default_action, &config->default_errno_ret) ||
	    (rule->args.count > 0) != conditional)
		return false;
	for (size_t k = 0; k < rule->names.count; k++) {
		if (strcmp(rule->names.items[k], name) == 0)
			return true;
	}
	return false;
}

static bool exists_somewhere(const struct oci_seccomp *config, const char *name)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		uint32_t subcall;
		int own, muxer;

		find_name(name, known[i].token, &own, &muxer, &subcall);
		if (in_filter(config, known[i].token) && own >= 0)
			return true;
	}
	return false;
}

static bool has_contradiction(const struct oci_seccomp *config, const char *name)
{
	const struct oci_seccomp_rule *rules = config->syscalls.items;

	for (size_t i = 0; i < config->syscalls.count; i++) {
		if (names_it(config, &rules[i], name, false))
			return false;
	}
	for (size_t i = 0; i < config->syscalls.count; i++) {
		for (size_t k = 0; k < i; k++) {
			if (names_it(config, &rules[i], name, true) &&
			    names_it(config, &rules[k], name, true) &&
			    contradict(&rules[i], &rules[k]))
				return exists_somewhere(config, name);
		}
	}
	return false;
}

static bool allows_write(const struct oci_seccomp *config)
{
	enum oci_seccomp_action action = config->default_action;
	bool conditional = false;

	for (size_t i = config->syscalls.count; i-- > 0;) {
		const struct oci_seccomp_rule *rule = &config->syscalls.items[i];

		if (names_it(config, rule, "write", false))
			action = rule->action;
		conditional = conditional || names_it(config, rule, "write", true);
	}
	for (size_t i = 0; i < config->syscalls.count; i++)
		conditional = conditional &&
			      !names_it(config, &config->syscalls.items[i], "write", false);
	return !conditional && (action == OCI_SECCOMP_ALLOW || action == OCI_SECCOMP_LOG);
}

static bool notifies(const struct oci_seccomp *config, const char *name)
{
	for (size_t i = 0; i < config->syscalls.count; i++) {
		const struct oci_seccomp_rule *rule = &config->syscalls.items[i];

		for (size_t k = 0; rule->action == OCI_SECCOMP_NOTIFY && k < rule->names.count;
		     k++) {
			if (!name || strcmp(rule->names.items[k], name) == 0)
				return true;
		}
	}
	return false;
}

bool seccomp_oracle_refuses(const struct oci_seccomp *config)
{
	for (size_t i = 0; i < config->syscalls.count; i++) {
		const struct oci_strings *named = &config->syscalls.items[i].names;

		for (size_t k = 0; k < named->count; k++) {
			if (has_contradiction(config, named->items[k]))
				return true;
		}
	}
	return notifies(config, "write") || (notifies(config, NULL) && !allows_write(config));
}

#define RULES	  12
#define NAMES	  3
#define ARGUMENTS 4

static char names[][16] = {
	"read",	      "openat",	 "socket",  "clone",	   "clone3",	 "personality",
	"ioctl",      "mmap",	 "write",   "close_range", "faccessat2", "getrandom",
	"socketcall", "chown32", "_llseek", "no_such",	   "accept",	 "restart_syscall",
	"execveat",   "semop",	 "semget",  "ipc",	   "semtimedop", "set_tid_address",
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

static void make_rule(struct profile *profile, size_t i, struct bytes *bytes)
{
	struct oci_seccomp_rule *rule = &profile->rules[i];

	make_action(bytes, false, &rule->action, &rule->errno_ret);
	rule->names.items = profile->names[i];
	rule->names.count = 1 + bytes_below(bytes, NAMES);
	for (size_t k = 0; k < rule->names.count; k++)
		rule->names.items[k] = names[bytes_below(bytes, sizeof(names) / sizeof(names[0]))];
	rule->args.items = profile->args[i];
	rule->args.count = bytes_below(bytes, ARGUMENTS + 1);
	for (size_t k = 0; k < rule->args.count; k++) {
		struct oci_seccomp_arg *arg = &rule->args.items[k];

		*arg = (struct oci_seccomp_arg){
			.index = bytes_below(bytes, 6),
			.value = make_value(bytes),
			.value_two = make_value(bytes),
			.op = (enum oci_seccomp_operator)bytes_below(bytes, 7),
		};
	}
}

static void make_profile(struct profile *profile, struct bytes *bytes)
{
	struct oci_seccomp *config = &profile->config;

	make_action(bytes, true, &config->default_action, &config->default_errno_ret);
	config->architectures.items = profile->architectures;
	config->architectures.count = bytes_below(bytes, 4);
	for (size_t i = 0; i < config->architectures.count; i++)
		profile->architectures[i] =
			known[bytes_below(bytes, sizeof(known) / sizeof(known[0]))].architecture;
	config->syscalls.items = profile->rules;
	config->syscalls.count = bytes_below(bytes, RULES + 1);
	for (size_t i = 0; i < config->syscalls.count; i++)
		make_rule(profile, i, bytes);
	/* Without it, notifying is refused. */
	if (config->syscalls.count > 0 && bytes_take(bytes) % 4) {
		static char write_name[] = "write";

		profile->rules[0] = (struct oci_seccomp_rule){.action = OCI_SECCOMP_ALLOW,
							      .names = {profile->names[0], 1}};
		profile->names[0][0] = write_name;
	}
}

static int make_number(uint32_t token, struct bytes *bytes, uint64_t *ret_first)
{
	static const int odd[] = {-1,	0,	    102,	117,	    450,
				  1000, 0x40000000, 0x40000208, 0x7fffffff, INT32_MIN};
	unsigned int pick = bytes_below(bytes, 48);
	int number;

	if (pick < sizeof(odd) / sizeof(odd[0]))
		return odd[pick];
	if (pick == 47)
		return (int)bytes_below(bytes, 4500);
	number = seccomp_syscall_resolve_name_arch(
		token, names[pick % (sizeof(names) / sizeof(names[0]))]);
	if (number >= -100 || number < -224)
		return number;
	*ret_first = (uint64_t)-number % (number > -200 ? 100 : 200);
	return seccomp_syscall_resolve_name_arch(token, number > -200 ? "socketcall" : "ipc");
}

static struct seccomp_data make_call(const struct profile *profile, struct bytes *bytes)
{
	static const uint32_t tokens[] = {
		SCMP_ARCH_X86_64,  SCMP_ARCH_X86_64, SCMP_ARCH_X32,	    SCMP_ARCH_X86,
		SCMP_ARCH_AARCH64, SCMP_ARCH_MIPSEL, SCMP_ARCH_MIPSEL64N32, SCMP_ARCH_PPC64LE,
		SCMP_ARCH_RISCV64, SCMP_ARCH_ARM,    SCMP_ARCH_S390X,
	};
	uint32_t token = tokens[bytes_below(bytes, sizeof(tokens) / sizeof(tokens[0]))];
	struct seccomp_data call = {.arch = token == SCMP_ARCH_X32 ? AUDIT_ARCH_X86_64 : token};
	uint64_t first = UINT64_MAX;

	call.nr = make_number(token, bytes, &first);
	for (size_t i = 0; i < 6; i++) {
		size_t rule = bytes_below(bytes, RULES);

		/* Mostly about one of the profile's own constants. */
		call.args[i] = rule < profile->config.syscalls.count
				       ? profile->args[rule][i % ARGUMENTS].value
				       : make_value(bytes);
		call.args[i] += bytes_below(bytes, 3) - 1u;
	}
	if (first != UINT64_MAX)
		call.args[0] = first;
	return call;
}

static void check_call(const struct profile *profile, const struct seccomp_plan *plan,
		       const struct seccomp_data *call)
{
	uint32_t action = bpf_classic_run(plan->instructions, plan->count, call);
	uint32_t expected = seccomp_oracle_action(&profile->config, call);

	if (action == expected)
		return;
	fprintf(stderr, "syscall %d of architecture 0x%x (", call->nr, call->arch);
	for (size_t i = 0; i < 6; i++)
		fprintf(stderr, "%llx ", (unsigned long long)call->args[i]);
	fprintf(stderr, ") gives 0x%x, not 0x%x, with this profile:\ndefault %d %u\n", action,
		expected, (int)profile->config.default_action,
		profile->config.default_errno_ret.value);
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
	int r;

	make_profile(&profile, &bytes);
	r = seccomp_plan(&profile.config, &plan, &err);
	/* Four architectures and all rules at their longest are too much. */
	if (r == -E2BIG && profile.config.architectures.count > 1)
		return;
	if (r < 0 && (r != -EINVAL || err.field[0] == '\0'))
		abort();
	if ((r < 0) != seccomp_oracle_refuses(&profile.config)) {
		fprintf(stderr, "%s: %s\n", err.field, err.message);
		abort();
	}
	if (r < 0)
		return;
	if (!bpf_classic_valid(plan.instructions, plan.count))
		abort();
	for (int i = 0; i < 64; i++) {
		struct seccomp_data call = make_call(&profile, &bytes);

		check_call(&profile, &plan, &call);
	}
	seccomp_plan_clear(&plan);
}
