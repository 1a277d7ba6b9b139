/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a profile means
 *
 * The specification leaves much to "definitions in libseccomp". This is what libseccomp, and what
 * runc and crun have made of it, where it works as described; where its own merging of rules goes
 * wrong (2.5 allows a0 = 5 by "a0 < 1" together with "a0 >= 1 << 32"; from "a0 != 0, a2 == 1" and
 * "a0 != 0, a3 == 1" it never comes back) we do what the rules say.
 *
 * - The native architecture is always in the filter, whether `architectures` names it or not
 *   (docker does not name it on ppc64le). A system call through an architecture that is not in the
 *   filter kills the thread.
 * - A rule names syscalls; each architecture has its own number for a name, or none, and then the
 *   rule says nothing there. Names that libseccomp does not know are skipped: the profile is newer
 *   than the library, and that syscall gets the default action or ENOSYS.
 * - The conditions of one rule all have to hold. But when two of them are about the same argument,
 *   each of the rule's conditions is a rule of its own and one suffices. That is not what the text
 *   of the specification suggests, but what runc has always done, and what profiles count on
 *   ("argument 0 is 1 or is 2").
 * - A rule with the default action changes nothing: it is left out, and does not win over others.
 *   With another errno it is another action.
 * - Of several rules about one syscall, one without conditions wins over those with, wherever it
 *   stands; of two without conditions, the first wins. Of those with conditions the first in the
 *   profile that holds wins. (libseccomp has no order there of its own making: rules of real
 *   profiles exclude each other.) Two with the same conditions and different actions are an error.
 * - Arguments are compared as unsigned 64-bit numbers. On 32-bit architectures, x32 among them, the
 *   lower half of the registers is the argument, and no constant beyond 32 bits is ever equal to
 *   it. (libseccomp cuts such constants.)
 * - MASKED_EQ: what the mask leaves out of the argument it leaves out of the constant, too.
 *
 * socketcall and ipc: where a syscall can also be called through one of these, the rule holds for
 * that way as well. The argument 0 is then the number of the call, so that a condition about
 * argument 0 cannot be looked at: it falls away. Conditions about other arguments stay, and look at
 * what is in these registers (for socketcall nothing that the caller is bound to). That is
 * libseccomp's way, and what works for the programs that exist; a profile that wants to be sure
 * denies socketcall. Rules that come to contradict each other so are no error; the first one wins.
 */
#include "isolate/seccomp/rules.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "oci-spec/oci-spec.h"

/* MAX_ERRNO is 4095, but libseccomp takes one less. */
#define ERRNO_MAX 4094

/* Syscalls that may not wait for the seccomp agent, because the container process needs them to
 * hand over the agent's descriptor (container/notify.h). */
static const char *const never_notified[] = {"write", NULL};

static bool takes_errno(enum oci_seccomp_action action)
{
	return action == OCI_SECCOMP_ERRNO || action == OCI_SECCOMP_TRACE;
}

static int action_translate(enum oci_seccomp_action action, const struct oci_opt_u32 *errno_ret,
			    uint32_t *ret_action, struct error *err)
{
	static const uint32_t actions[] = {
		[OCI_SECCOMP_KILL] = SECCOMP_RET_KILL_THREAD,
		[OCI_SECCOMP_KILL_PROCESS] = SECCOMP_RET_KILL_PROCESS,
		[OCI_SECCOMP_KILL_THREAD] = SECCOMP_RET_KILL_THREAD,
		[OCI_SECCOMP_TRAP] = SECCOMP_RET_TRAP,
		[OCI_SECCOMP_ERRNO] = SECCOMP_RET_ERRNO,
		[OCI_SECCOMP_TRACE] = SECCOMP_RET_TRACE,
		[OCI_SECCOMP_ALLOW] = SECCOMP_RET_ALLOW,
		[OCI_SECCOMP_LOG] = SECCOMP_RET_LOG,
		[OCI_SECCOMP_NOTIFY] = SECCOMP_RET_USER_NOTIF,
	};
	uint32_t value = errno_ret->set ? errno_ret->value : EPERM;
	uint32_t max = action == OCI_SECCOMP_TRACE ? SECCOMP_RET_DATA : ERRNO_MAX;

	if ((size_t)action >= array_size(actions))
		return error_set(err, EINVAL, "%d is no seccomp action", (int)action);
	if (errno_ret->set && !takes_errno(action))
		return error_set(err, EINVAL, "%s gives no errno",
				 oci_enum_name(oci_seccomp_actions, action));
	if (value > max)
		return error_set(err, EINVAL, "%u is larger than %u", value, max);
	*ret_action = actions[action] | (takes_errno(action) ? value : 0);
	return 0;
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

static int condition_check(const struct oci_seccomp_arg *arg, struct error *err)
{
	if ((unsigned int)arg->op > OCI_SECCOMP_MASKED_EQ)
		return error_set(err, EINVAL, "%d is no seccomp operator", (int)arg->op);
	if (arg->index >= SECCOMP_ARGUMENTS)
		return error_set(err, EINVAL, "a syscall has the arguments 0 to 5, not %u",
				 arg->index);
	return 0;
}

static int notified_check(const struct oci_seccomp_rule *rule, const char *name, struct error *err)
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
	if (action_translate(rule->action, &rule->errno_ret, ret_action, err) < 0)
		return error_at(err, "linux.seccomp.syscalls[%zu].errnoRet", i);
	for (size_t k = 0; k < rule->args.count; k++) {
		if (condition_check(&rule->args.items[k], err) < 0)
			return error_at(err, "linux.seccomp.syscalls[%zu].args[%zu]", i, k);
	}
	for (size_t k = 0; rule->action == OCI_SECCOMP_NOTIFY && k < rule->names.count; k++) {
		if (notified_check(rule, rule->names.items[k], err) < 0)
			return error_at(err, "linux.seccomp.syscalls[%zu].names[%zu]", i, k);
	}
	return 0;
}

/* Once for all architectures. */
static int rows_find(struct seccomp_profile *profile, struct error *err)
{
	const struct oci_seccomp_rules *rules = &profile->config->syscalls;
	size_t hint = 0, next = 0;

	for (size_t i = 0; i < rules->count; i++)
		profile->names += rules->items[i].names.count;
	profile->rows = calloc(profile->names + 1, sizeof(*profile->rows));
	if (!profile->rows)
		return error_errno(err, ENOMEM, "seccomp rules");
	for (size_t i = 0; i < rules->count; i++)
		for (size_t k = 0; k < rules->items[i].names.count; k++)
			profile->rows[next++] =
				seccomp_table_find(rules->items[i].names.items[k], &hint);
	return 0;
}

int seccomp_profile_plan(const struct oci_seccomp *config, struct seccomp_profile *ret_profile,
			 struct error *err)
{
	struct seccomp_profile profile = {.config = config};
	int r = default_action_translate(config, &profile.default_action, err);

	if (r < 0)
		return r;
	profile.actions = calloc(config->syscalls.count + 1, sizeof(*profile.actions));
	if (!profile.actions)
		return error_errno(err, ENOMEM, "seccomp rules");
	for (size_t i = 0; r == 0 && i < config->syscalls.count; i++)
		r = rule_check(&config->syscalls.items[i], i, &profile.actions[i], err);
	if (r == 0)
		r = rows_find(&profile, err);
	if (r < 0) {
		seccomp_profile_clear(&profile);
		return r;
	}
	*ret_profile = profile;
	return 0;
}

bool seccomp_profile_notifies(const struct oci_seccomp *config)
{
	for (size_t i = 0; i < config->syscalls.count; i++) {
		if (config->syscalls.items[i].action == OCI_SECCOMP_NOTIFY)
			return true;
	}
	return false;
}

void seccomp_profile_clear(struct seccomp_profile *profile)
{
	free(profile->rows);
	free(profile->actions);
	*profile = (struct seccomp_profile){0};
}

int seccomp_too_long(struct error *err)
{
	(void)error_set(err, E2BIG,
			"the profile makes a filter of more than the %d instructions that the "
			"kernel takes",
			BPF_MAXINSNS);
	(void)error_hint(err, "fewer architectures or fewer conditions make it shorter");
	return error_at(err, "linux.seccomp");
}

/* The place of the next match, or NULL. */
static struct seccomp_match *matches_reserve(struct seccomp_matches *matches, struct error *err)
{
	size_t size = 2 * matches->size;
	struct seccomp_match *items;

	if (matches->count < matches->size)
		return &matches->items[matches->count];
	items = realloc(matches->items, size * sizeof(*items));
	if (!items) {
		error_errno(err, ENOMEM, "seccomp rules");
		return NULL;
	}
	matches->items = items;
	matches->size = size;
	return &items[matches->count];
}

/* Sorted in by argument. MASKED_EQ loses what its mask leaves out, the others what they do not look
 * at, so that equal ones look equal. */
static void condition_insert(struct oci_seccomp_arg *conditions, size_t count,
			     const struct oci_seccomp_arg *arg)
{
	struct oci_seccomp_arg one = *arg;

	one.value_two = one.op == OCI_SECCOMP_MASKED_EQ ? one.value_two & one.value : 0;
	for (; count > 0 && conditions[count - 1].index > one.index; count--)
		conditions[count] = conditions[count - 1];
	conditions[count] = one;
}

/* The same with what stands for the name in front, in place of a condition on argument 0. */
static int match_add_conditions(struct seccomp_matches *matches, struct seccomp_match *match,
				const struct oci_seccomp_arg *args, size_t count,
				const struct seccomp_number *through, struct error *err)
{
	struct seccomp_conditions *conditions = calloc(1, sizeof(*conditions));

	if (!conditions)
		return error_errno(err, ENOMEM, "seccomp rules");
	conditions->next = matches->conditions;
	matches->conditions = conditions;
	if (through)
		conditions->items[match->count++] =
			(struct oci_seccomp_arg){.value = through->subcall, .op = OCI_SECCOMP_EQ};
	for (size_t i = 0; i < count; i++) {
		if (!through || args[i].index != 0)
			condition_insert(conditions->items, match->count++, &args[i]);
	}
	match->conditions = conditions->items;
	return 0;
}

/* Adds one match for a number: `model`, with `count` conditions. */
static int match_add(struct seccomp_matches *matches, const struct seccomp_match *model,
		     const struct oci_seccomp_args *args, const struct seccomp_number *through,
		     struct error *err)
{
	struct seccomp_match match = *model;
	struct seccomp_match *place = matches_reserve(matches, err);
	int r = 0;

	if (!place)
		return -err->number;
	if (args->count > 0 || through)
		r = match_add_conditions(matches, &match, args->items, args->count, through, err);
	if (r < 0)
		return r;
	match.multiplexed = through != NULL;
	*place = match;
	matches->count++;
	return 0;
}

static bool has_index_twice(const struct oci_seccomp_args *args)
{
	unsigned int seen = 0;

	for (size_t i = 0; i < args->count; i++) {
		if (seen & 1u << args->items[i].index)
			return true;
		seen |= 1u << args->items[i].index;
	}
	return false;
}

/* All conditions at once, or each as a rule of its own. */
static int name_add_number(struct seccomp_matches *matches, const struct seccomp_match *model,
			   const struct oci_seccomp_args *args,
			   const struct seccomp_number *through, struct error *err)
{
	int r = 0;

	if (!has_index_twice(args))
		return match_add(matches, model, args, through, err);
	/* Each takes two instructions at least. */
	if (args->count > BPF_MAXINSNS / 2)
		return seccomp_too_long(err);
	for (size_t i = 0; r == 0 && i < args->count; i++) {
		const struct oci_seccomp_args one = {&args->items[i], 1};

		r = match_add(matches, model, &one, through, err);
	}
	return r;
}

static int name_add(struct seccomp_matches *matches, struct seccomp_match *model,
		    const struct oci_seccomp_args *args, const struct seccomp_number *number,
		    struct error *err)
{
	int r = 0;

	if (number->direct >= 0) {
		model->number = (uint32_t)number->direct;
		r = name_add_number(matches, model, args, NULL, err);
	}
	if (r == 0 && number->multiplexer >= 0) {
		model->number = (uint32_t)number->multiplexer;
		r = name_add_number(matches, model, args, number, err);
	}
	return r;
}

static int rule_collect(const struct seccomp_profile *profile, size_t i,
			struct seccomp_lookup *lookup, struct seccomp_matches *matches,
			struct error *err)
{
	const struct oci_seccomp_rule *rule = &profile->config->syscalls.items[i];
	struct seccomp_match match = {.action = profile->actions[i], .rule = (uint32_t)i};
	int r = 0;

	for (size_t k = 0; r == 0 && k < rule->names.count; k++) {
		const struct seccomp_row *row = *lookup->rows++;
		struct seccomp_number number;

		if (seccomp_lookup_find(lookup, rule->names.items[k], row, &number) < 0) {
			log_debug("seccomp: architecture 0x%x has no syscall \"%s\"", lookup->token,
				  rule->names.items[k]);
			continue;
		}
		if (number.direct > matches->newest)
			matches->newest = number.direct;
		if (number.multiplexer > matches->newest)
			matches->newest = number.multiplexer;
		match.name = (uint32_t)k;
		if (match.action != profile->default_action)
			r = name_add(matches, &match, &rule->args, &number, err);
	}
	return r;
}

/* One pass over one byte of the numbers, from the one list to the other; false when it would change
 * nothing. */
static bool matches_sort_byte(const struct seccomp_match *from, struct seccomp_match *to,
			      size_t count, unsigned int shift)
{
	size_t places[256] = {0}, place = 0;

	for (size_t i = 0; i < count; i++)
		places[from[i].number >> shift & 0xff]++;
	if (places[from[0].number >> shift & 0xff] == count)
		return false;
	for (size_t byte = 0; byte < array_size(places); byte++) {
		size_t here = places[byte];

		places[byte] = place;
		place += here;
	}
	for (size_t i = 0; i < count; i++)
		to[places[from[i].number >> shift & 0xff]++] = from[i];
	return true;
}

/* By number, byte by byte; those of one number stay in the order of the profile. */
static int matches_sort(struct seccomp_matches *matches, struct error *err)
{
	struct seccomp_match *other;

	if (matches->count == 0)
		return 0;
	other = malloc(matches->count * sizeof(*other));
	if (!other)
		return error_errno(err, ENOMEM, "seccomp rules");
	for (unsigned int shift = 0; shift < 32; shift += 8) {
		struct seccomp_match *sorted = other;

		if (!matches_sort_byte(matches->items, sorted, matches->count, shift))
			continue;
		other = matches->items;
		matches->items = sorted;
	}
	free(other);
	return 0;
}

int seccomp_matches_collect(const struct seccomp_profile *profile, uint32_t token,
			    struct seccomp_matches *ret_matches, struct error *err)
{
	/* Mostly there is one for each name. */
	struct seccomp_matches matches = {.newest = -1, .size = profile->names + 1};
	struct seccomp_lookup lookup = {.token = token, .rows = profile->rows};
	int r = 0;

	matches.items = malloc(matches.size * sizeof(*matches.items));
	if (!matches.items)
		return error_errno(err, ENOMEM, "seccomp rules");
	for (size_t i = 0; r == 0 && i < profile->config->syscalls.count; i++)
		r = rule_collect(profile, i, &lookup, &matches, err);
	if (r == 0)
		r = matches_sort(&matches, err);
	if (r < 0) {
		seccomp_matches_clear(&matches);
		return r;
	}
	*ret_matches = matches;
	return 0;
}

void seccomp_matches_clear(struct seccomp_matches *matches)
{
	while (matches->conditions) {
		struct seccomp_conditions *next = matches->conditions->next;

		free(matches->conditions);
		matches->conditions = next;
	}
	free(matches->items);
	*matches = (struct seccomp_matches){0};
}

static bool same_conditions(const struct seccomp_match *a, const struct seccomp_match *b)
{
	bool same = a->count == b->count;

	for (size_t i = 0; same && i < a->count; i++) {
		const struct oci_seccomp_arg *one = &a->conditions[i], *other = &b->conditions[i];

		same = one->index == other->index && one->op == other->op &&
		       one->value == other->value && one->value_two == other->value_two;
	}
	return same;
}

/* Whether `match` is among the first ones already. -EINVAL when it contradicts one. */
static int match_find(const struct seccomp_profile *profile, const struct seccomp_match *matches,
		      size_t count, const struct seccomp_match *match, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (!same_conditions(&matches[i], match))
			continue;
		if (matches[i].action == match->action || matches[i].multiplexed ||
		    match->multiplexed)
			return 1;
		(void)error_set(
			err, EINVAL,
			"another rule has the same conditions for %s and another action",
			profile->config->syscalls.items[match->rule].names.items[match->name]);
		return error_at(err, "linux.seccomp.syscalls[%u].names[%u]", match->rule,
				match->name);
	}
	return 0;
}

int seccomp_matches_reduce(const struct seccomp_profile *profile, struct seccomp_match *matches,
			   size_t count, size_t *ret_count, struct error *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (matches[i].count == 0) {
			matches[0] = matches[i];
			*ret_count = 1;
			return 0;
		}
	}
	for (size_t i = 0; i < count; i++) {
		int r = match_find(profile, matches, kept, &matches[i], err);

		if (r < 0)
			return r;
		if (r == 0)
			matches[kept++] = matches[i];
		if (kept > BPF_MAXINSNS / 2)
			return seccomp_too_long(err);
	}
	*ret_count = kept;
	return 0;
}
