/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a profile means to libseccomp
 *
 * - The native architecture is always in the filter, whether `architectures` names it or not
 * (docker does not name it on ppc64le): libseccomp begins with it, for runc and crun too. A system
 * call through an architecture that is not in the filter kills the thread.
 * - A rule names syscalls; each is looked up on the native architecture. Names that are unknown
 * there, but belong to others, have negative numbers and work; names that libseccomp does not know
 * at all are skipped: the profile is newer than the library, and that syscall gets the default
 * action or ENOSYS.
 * - The conditions of one rule all have to hold. But when two of them are about the same argument,
 * each is a rule of its own and one suffices. That is not what the text of the specification
 * suggests, but what runc has always done, and what profiles count on ("arg 0 is 1 or is 2").
 * - A rule with the default action changes nothing and libseccomp refuses it, so it is left out.
 * With another errno it is another action.
 * - Each architecture is a filter of its own at first, with only the rules for syscalls that it
 * has, and the filters are merged. One filter for all would hold, for each architecture, also the
 * rules for syscalls of the others, under invented numbers. In libseccomp 2.5 that can go badly
 * wrong: when such a rule is sorted first, the instruction that loads the syscall number goes with
 * it, and no rule of that architecture ever matches. (x86-64 with x32, default ALLOW, socketcall
 * denied, chmod denied on a condition: chmod is allowed.)
 * - Of several rules about one syscall, one without conditions wins over those with; of two
 * without, the first wins. Two with the same conditions and different actions are an error.
 *
 * What it gets wrong (2.5.4), found by the oracle in tests/unit/seccomp-oracle.c: several
 * conditional rules for one syscall are merged into one tree, and unless each is one SCMP_CMP_EQ
 * about the same argument, a call may get an action that is not its own ("a0 < 1" or "a0 >= 1 <<
 * 32", allowed: a0 = 5 is allowed too), or the merging never ends ("a0 != 0, a2 == 1" and "a0 != 0,
 * a3 == 1"). No engine's own profile has such rules.
 *
 * The rules are compared one after the other (libseccomp's optimisation level 1). Its binary tree
 * (level 2) makes the compilation 50 % slower and the filter 25 % longer, and gives nothing back on
 * the kernels we run on: since Linux 5.11 the kernel runs the filter once for every syscall number
 * when it is installed, and keeps in a bitmap those that are allowed whatever the arguments are.
 * Only what is denied or looks at arguments runs the filter at all.
 */
#include "isolate/seccomp-compile.h"

#include <ctype.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "oci-spec/oci-spec.h"

#define ARGUMENTS 6
#define ERRNO_MAX 4094 /* what libseccomp takes, one less than the kernel's MAX_ERRNO */

/* Syscalls that may not wait for the seccomp agent, because the container process needs them to
 * say that the agent's descriptor is there. */
static const char *const never_notified[] = {"write", NULL};

/* One architecture's filter while it is made. */
struct compiler {
	scmp_filter_ctx filter;
	uint32_t default_action;
	uint32_t token;
};

uint32_t seccomp_architecture_token(int architecture)
{
	const char *name = oci_enum_name(oci_seccomp_architectures, (uint64_t)architecture);
	char lower[32];
	size_t i;

	if (architecture < 0 || !name || strncmp(name, "SCMP_ARCH_", 10) != 0)
		return 0;
	name += 10;
	for (i = 0; name[i] && i < sizeof(lower) - 1; i++)
		lower[i] = (char)tolower((unsigned char)name[i]);
	lower[i] = '\0';
	return seccomp_arch_resolve_name(lower);
}

static bool has_token(const struct seccomp_architectures *architectures, uint32_t token)
{
	for (size_t i = 0; i < architectures->count; i++) {
		if (architectures->tokens[i] == token)
			return true;
	}
	return false;
}

int seccomp_architectures_plan(const struct oci_seccomp *config,
			       struct seccomp_architectures *ret_architectures, struct error *err)
{
	auto_free uint32_t *tokens = calloc(config->architectures.count + 1, sizeof(*tokens));
	struct seccomp_architectures list = {tokens, 0};

	if (!tokens)
		return error_errno(err, ENOMEM, "seccomp architectures");
	tokens[list.count++] = seccomp_arch_native();
	for (size_t i = 0; i < config->architectures.count; i++) {
		int architecture = config->architectures.items[i];
		uint32_t token = seccomp_architecture_token(architecture);
		const char *name;

		if (token == 0) {
			name = oci_enum_name(oci_seccomp_architectures, (uint64_t)architecture);
			(void)error_set(err, EINVAL, "this libseccomp does not know %s",
					name ? name : "this architecture");
			return error_at(err, "linux.seccomp.architectures[%zu]", i);
		}
		if (!has_token(&list, token))
			tokens[list.count++] = token;
	}
	ret_architectures->tokens = pointer_take(tokens);
	ret_architectures->count = list.count;
	return 0;
}

static bool takes_errno(enum oci_seccomp_action action)
{
	return action == OCI_SECCOMP_ERRNO || action == OCI_SECCOMP_TRACE;
}

static int action_translate(enum oci_seccomp_action action, const struct oci_opt_u32 *errno_ret,
			    uint32_t *ret_action, struct error *err)
{
	uint32_t value = errno_ret->set ? errno_ret->value : EPERM;
	uint32_t max = action == OCI_SECCOMP_TRACE ? SECCOMP_RET_DATA : ERRNO_MAX;

	if (errno_ret->set && !takes_errno(action))
		return error_set(err, EINVAL, "%s gives no errno",
				 oci_enum_name(oci_seccomp_actions, action));
	if (value > max)
		return error_set(err, EINVAL, "%u is larger than %u", value, max);

	switch (action) {
	case OCI_SECCOMP_KILL:
	case OCI_SECCOMP_KILL_THREAD:
		*ret_action = SCMP_ACT_KILL_THREAD;
		return 0;
	case OCI_SECCOMP_KILL_PROCESS:
		*ret_action = SCMP_ACT_KILL_PROCESS;
		return 0;
	case OCI_SECCOMP_TRAP:
		*ret_action = SCMP_ACT_TRAP;
		return 0;
	case OCI_SECCOMP_ERRNO:
		*ret_action = SCMP_ACT_ERRNO(value);
		return 0;
	case OCI_SECCOMP_TRACE:
		*ret_action = SCMP_ACT_TRACE(value);
		return 0;
	case OCI_SECCOMP_ALLOW:
		*ret_action = SCMP_ACT_ALLOW;
		return 0;
	case OCI_SECCOMP_LOG:
		*ret_action = SCMP_ACT_LOG;
		return 0;
	case OCI_SECCOMP_NOTIFY:
		*ret_action = SCMP_ACT_NOTIFY;
		return 0;
	}
	return error_set(err, EINVAL, "%d is no seccomp action", (int)action);
}

static int default_action_translate(const struct oci_seccomp *config, uint32_t *ret_action,
				    struct error *err)
{
	if (config->default_action == OCI_SECCOMP_NOTIFY) {
		(void)error_set(err, EINVAL,
				"SCMP_ACT_NOTIFY cannot be the default: the container could not "
				"even say that there is somebody to notify");
		return error_at(err, "linux.seccomp.defaultAction");
	}
	if (action_translate(config->default_action, &config->default_errno_ret, ret_action, err) <
	    0)
		return error_at(err, "linux.seccomp.defaultErrnoRet");
	return 0;
}

static int operator_translate(enum oci_seccomp_operator op)
{
	switch (op) {
	case OCI_SECCOMP_NE:
		return SCMP_CMP_NE;
	case OCI_SECCOMP_LT:
		return SCMP_CMP_LT;
	case OCI_SECCOMP_LE:
		return SCMP_CMP_LE;
	case OCI_SECCOMP_EQ:
		return SCMP_CMP_EQ;
	case OCI_SECCOMP_GE:
		return SCMP_CMP_GE;
	case OCI_SECCOMP_GT:
		return SCMP_CMP_GT;
	case OCI_SECCOMP_MASKED_EQ:
		return SCMP_CMP_MASKED_EQ;
	}
	return -EINVAL;
}

/* On failure the caller names the field. */
static int condition_translate(const struct oci_seccomp_arg *arg,
			       struct scmp_arg_cmp *ret_condition, struct error *err)
{
	int op = operator_translate(arg->op);

	if (op < 0)
		return error_set(err, EINVAL, "%d is no seccomp operator", (int)arg->op);
	if (arg->index >= ARGUMENTS)
		return error_set(err, EINVAL, "a syscall has the arguments 0 to 5, not %u",
				 arg->index);
	*ret_condition = (struct scmp_arg_cmp){
		.arg = arg->index,
		.op = (enum scmp_compare)op,
		.datum_a = arg->value,
		.datum_b = arg->value_two,
	};
	return 0;
}

static int add_failed(int number, const char *name, struct error *err)
{
	if (number == EEXIST)
		return error_set(err, EINVAL,
				 "another rule has the same conditions for %s and another action",
				 name);
	return error_errno(err, number, "libseccomp: add the rule for %s", name);
}

/* From here down libseccomp invents numbers for syscalls that an architecture does not have. Above,
 * but negative, are those that it has as a part of socketcall or ipc. */
#define FIRST_INVENTED (-10000)

/* Whether there is anything to say about the syscall on this architecture. */
static bool syscall_exists(uint32_t token, const char *name)
{
	int number = seccomp_syscall_resolve_name_arch(token, name);

	if (number == __NR_SCMP_ERROR)
		log_debug("seccomp: libseccomp does not know the syscall \"%s\"", name);
	return number != __NR_SCMP_ERROR && number > FIRST_INVENTED;
}

static int syscall_add(struct compiler *compiler, const char *name, uint32_t action,
		       const struct scmp_arg_cmp *conditions, unsigned int count, struct error *err)
{
	/* libseccomp wants the native number, invented or not, on every architecture. */
	int number = seccomp_syscall_resolve_name(name), r;

	r = seccomp_rule_add_array(compiler->filter, action, number, count, conditions);
	return r < 0 ? add_failed(-r, name, err) : 0;
}

/* All conditions at once, or with `apart` each as a rule of its own. */
static int syscall_add_rules(struct compiler *compiler, const char *name, uint32_t action,
			     const struct oci_seccomp_args *args, struct error *err)
{
	struct scmp_arg_cmp conditions[ARGUMENTS];
	unsigned int seen = 0, count = 0;
	bool apart = false;
	int r;

	for (size_t i = 0; i < args->count; i++) {
		apart = apart || (seen & 1u << args->items[i].index);
		seen |= 1u << args->items[i].index;
	}
	if (!apart) {
		/* Checked before, and at most six as no two have the same index. */
		for (size_t i = 0; i < args->count; i++)
			(void)condition_translate(&args->items[i], &conditions[count++], err);
		return syscall_add(compiler, name, action, conditions, count, err);
	}
	for (size_t i = 0; i < args->count; i++) {
		(void)condition_translate(&args->items[i], &conditions[0], err);
		r = syscall_add(compiler, name, action, conditions, 1, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_notified(const struct oci_seccomp_rule *rule, const char *name, struct error *err)
{
	for (const char *const *never = never_notified; *never; never++) {
		if (rule->action == OCI_SECCOMP_NOTIFY && strcmp(name, *never) == 0)
			return error_set(err, EINVAL,
					 "SCMP_ACT_NOTIFY cannot be used for %s: the container "
					 "would wait for ever for its agent to be told of it",
					 name);
	}
	return 0;
}

/* The rule's own faults, whether or not it will be of use. */
static int rule_check(const struct oci_seccomp_rule *rule, size_t i, uint32_t *ret_action,
		      struct error *err)
{
	struct scmp_arg_cmp condition;

	if (action_translate(rule->action, &rule->errno_ret, ret_action, err) < 0)
		return error_at(err, "linux.seccomp.syscalls[%zu].errnoRet", i);
	for (size_t k = 0; k < rule->args.count; k++) {
		if (condition_translate(&rule->args.items[k], &condition, err) < 0)
			return error_at(err, "linux.seccomp.syscalls[%zu].args[%zu]", i, k);
	}
	for (size_t k = 0; k < rule->names.count; k++) {
		if (check_notified(rule, rule->names.items[k], err) < 0)
			return error_at(err, "linux.seccomp.syscalls[%zu].names[%zu]", i, k);
	}
	return 0;
}

static int rule_add(struct compiler *compiler, const struct oci_seccomp_rule *rule, size_t i,
		    struct error *err)
{
	uint32_t action;
	int r = rule_check(rule, i, &action, err);

	if (r < 0)
		return r;
	if (action == compiler->default_action)
		return 0;
	for (size_t k = 0; k < rule->names.count; k++) {
		if (!syscall_exists(compiler->token, rule->names.items[k]))
			continue;
		if (syscall_add_rules(compiler, rule->names.items[k], action, &rule->args, err) < 0)
			return error_at(err, "linux.seccomp.syscalls[%zu].names[%zu]", i, k);
	}
	return 0;
}

/* Begins with the native architecture, which makes room for the one that is meant. */
static int architecture_set(struct compiler *compiler, struct error *err)
{
	int r;

	if (compiler->token == seccomp_arch_native())
		return 0;
	r = seccomp_arch_add(compiler->filter, compiler->token);
	if (r == 0)
		r = seccomp_arch_remove(compiler->filter, SCMP_ARCH_NATIVE);
	if (r == -EDOM)
		(void)error_set(err, EINVAL,
				"an architecture has another byte order than this machine");
	else if (r < 0)
		(void)error_errno(err, -r, "libseccomp: add an architecture");
	return r < 0 ? error_at(err, "linux.seccomp.architectures") : 0;
}

static int compiler_init(struct compiler *compiler, enum oci_seccomp_action action,
			 struct error *err)
{
	compiler->filter = seccomp_init(compiler->default_action);
	if (!compiler->filter) {
		(void)error_set(err, EINVAL, "libseccomp refuses %s as the default action",
				oci_enum_name(oci_seccomp_actions, action));
		(void)error_hint(err, "this kernel, or a sandbox around us, may not support it");
		return error_at(err, "linux.seccomp.defaultAction");
	}
	/* Else it gives ECANCELED for every failure of a system call. */
	(void)seccomp_attr_set(compiler->filter, SCMP_FLTATR_API_SYSRAWRC, 1);
	return architecture_set(compiler, err);
}

static void filter_clear(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

/* The filter of one architecture; *ret_filter is written when there is one to be released, also on
 * failure. */
static int architecture_compile(const struct oci_seccomp *config, uint32_t token,
				scmp_filter_ctx *ret_filter, struct error *err)
{
	struct compiler compiler = {.token = token};
	int r = default_action_translate(config, &compiler.default_action, err);

	if (r < 0)
		return r;
	r = compiler_init(&compiler, config->default_action, err);
	for (size_t i = 0; r == 0 && i < config->syscalls.count; i++)
		r = rule_add(&compiler, &config->syscalls.items[i], i, err);
	*ret_filter = compiler.filter;
	return r;
}

static int architecture_merge(const struct oci_seccomp *config, uint32_t token,
			      scmp_filter_ctx whole, struct error *err)
{
	__attribute__((cleanup(filter_clear))) scmp_filter_ctx filter = NULL;
	int r = architecture_compile(config, token, &filter, err);

	if (r < 0)
		return r;
	r = seccomp_merge(whole, filter);
	if (r < 0) {
		(void)error_errno(err, -r, "libseccomp: merge the architectures' filters");
		return error_at(err, "linux.seccomp.architectures");
	}
	filter = NULL; /* the merge has taken it */
	return 0;
}

int seccomp_compile(const struct oci_seccomp *config,
		    const struct seccomp_architectures *architectures,
		    struct sock_filter **ret_instructions, size_t *ret_count, struct error *err)
{
	__attribute__((cleanup(filter_clear))) scmp_filter_ctx whole = NULL;
	int r = architecture_compile(config, architectures->tokens[0], &whole, err);

	for (size_t i = 1; r == 0 && i < architectures->count; i++)
		r = architecture_merge(config, architectures->tokens[i], whole, err);
	if (r < 0)
		return r;

	r = seccomp_export(whole, ret_instructions, ret_count);
	if (r < 0) {
		(void)error_errno(err, -r, "libseccomp: generate the filter");
		return error_at(err, "linux.seccomp");
	}
	return 0;
}
