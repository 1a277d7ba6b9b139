/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape of the filter
 *
 *	load the architecture
 *	for each that is in the filter, the native one first: jump to its section
 *	kill the thread
 *	section: load the number
 *	         find its range by halves: which of them begins at or below the number?
 *	         return the action, or look at the arguments
 *
 * A section is a list of ranges from 0 to 2^32 - 1 that have no gap; neighbours with the same
 * action are one. docker's profile comes to some sixty ranges for four hundred names, so six or
 * seven comparisons. Before arguments are loaded nothing but the architecture and the number is
 * looked at, by instructions that seccomp_is_const_allow() in the kernel understands: since Linux
 * 5.11 it runs the filter once for each number when it is installed, and what is allowed whatever
 * the arguments are never runs it again.
 *
 * Why not libseccomp: for docker's profile it takes 7 to 14 ms, as long as all the rest of a start,
 * and it does not always compile what the rules say (seccomp/rules.c).
 */
#include "isolate/seccomp/compile.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "isolate/seccomp/emit.h"
#include "isolate/seccomp/enosys.h"
#include "isolate/seccomp/rules.h"

/* The numbers from `first` on: one action, or with `count` the first match that holds, and the
 * default action when none does. */
struct range {
	uint32_t first, action;
	const struct seccomp_match *matches;
	size_t count;
	bool narrow;
};

/* What the kernel calls one architecture. */
struct section {
	uint32_t architecture;
	struct range *ranges; /* owned */
	size_t count;
	struct seccomp_matches matches[2]; /* of x86-64 and of x32, which are one; else the first */
};

struct compiler {
	struct seccomp_profile profile;
	bool enosys;
	struct section *sections; /* owned */
	size_t count;
	struct seccomp_emitter emitter;
};

static bool has_token(const struct seccomp_architectures *architectures, uint32_t token)
{
	for (size_t i = 0; i < architectures->count; i++) {
		if (architectures->tokens[i] == token)
			return true;
	}
	return false;
}

/* Begins a new range, unless it goes on with what was before it. */
static void range_begin(struct section *section, uint32_t first, const struct range *model)
{
	struct range *ranges = section->ranges;
	size_t count = section->count;

	/* What would have begun here has no number left. */
	if (count > 0 && ranges[count - 1].first == first)
		count--;
	if (count == 0 || ranges[count - 1].count > 0 || model->count > 0 ||
	    ranges[count - 1].action != model->action) {
		ranges[count] = *model;
		ranges[count++].first = first;
	}
	section->count = count;
}

static void range_begin_action(struct section *section, uint32_t first, uint32_t action)
{
	const struct range range = {.action = action};

	range_begin(section, first, &range);
}

/* The numbers that have matches, from `first` on. Gives the number behind the last of them. */
static int section_add_numbers(const struct compiler *compiler, struct section *section,
			       struct seccomp_matches *matches, bool narrow, uint32_t *next,
			       struct error *err)
{
	size_t end;

	for (size_t i = 0; i < matches->count; i = end) {
		struct range range = {.matches = &matches->items[i], .narrow = narrow};
		uint32_t number = matches->items[i].number;
		int r;

		for (end = i; end < matches->count && matches->items[end].number == number;)
			end++;
		r = seccomp_matches_reduce(&compiler->profile, &matches->items[i], end - i,
					   &range.count, err);
		if (r < 0)
			return r;
		if (range.matches->count == 0) {
			range.action = range.matches->action;
			range.count = 0;
		}
		range_begin_action(section, *next, compiler->profile.default_action);
		range_begin(section, number, &range);
		*next = number + 1;
	}
	return 0;
}

/* Room for so many ranges, and for those that every list has: the beginning, the two ends of the
 * numbers that are named, the other architecture's half and -1. */
static int section_reserve(struct section *section, size_t count, struct error *err)
{
	struct range *ranges =
		realloc(section->ranges, (section->count + count + 8) * sizeof(*section->ranges));

	if (!ranges)
		return error_errno(err, ENOMEM, "seccomp filter");
	section->ranges = ranges;
	return 0;
}

/* Gives back what turned out to be one range with its neighbour: most of it, and the next
 * architecture takes it. */
static void section_trim(struct section *section)
{
	struct range *ranges = realloc(section->ranges, section->count * sizeof(*section->ranges));

	if (ranges)
		section->ranges = ranges;
}

/* All numbers of one architecture, from `first` on. */
static int section_add(const struct compiler *compiler, struct section *section, uint32_t token,
		       uint32_t first, struct error *err)
{
	bool x32 = seccomp_architecture_is_x32(token);
	struct seccomp_matches *matches = &section->matches[x32];
	uint32_t next = first, fallback = compiler->profile.default_action;
	int r;

	r = seccomp_matches_collect(&compiler->profile, token, matches, err);
	/* Each number, and what is behind it. */
	if (r == 0)
		r = section_reserve(section, 2 * matches->count, err);
	if (r < 0)
		return r;
	if (compiler->enosys && matches->newest >= 0 && seccomp_enosys_zero(token)) {
		range_begin_action(section, next, SECCOMP_RET_ERRNO | ENOSYS);
		next = 1;
	}
	r = section_add_numbers(compiler, section, matches, seccomp_architecture_is_narrow(token),
				&next, err);
	if (r < 0)
		return r;
	range_begin_action(section, next, fallback);
	if (compiler->enosys && matches->newest >= 0)
		range_begin_action(section, (uint32_t)matches->newest + 1,
				   SECCOMP_RET_ERRNO | ENOSYS);
	section_trim(section);
	return 0;
}

/* x86-64 and x32, of which either may be missing: its half is killed for. But -1 is no syscall of
 * any architecture: a tracer sets it to skip one. */
static int section_add_x86(const struct compiler *compiler, struct section *section,
			   const struct seccomp_architectures *architectures, uint32_t x32_token,
			   struct error *err)
{
	int r;

	if (has_token(architectures, AUDIT_ARCH_X86_64)) {
		r = section_add(compiler, section, AUDIT_ARCH_X86_64, 0, err);
	} else {
		r = section_reserve(section, 0, err);
		if (r == 0)
			range_begin_action(section, 0, SECCOMP_RET_KILL_THREAD);
	}
	if (r == 0 && x32_token)
		r = section_add(compiler, section, x32_token, SECCOMP_X32_BIT, err);
	if (r == 0 && !x32_token)
		r = section_reserve(section, 0, err);
	if (r < 0 || x32_token)
		return r;
	range_begin_action(section, SECCOMP_X32_BIT, SECCOMP_RET_KILL_THREAD);
	range_begin_action(section, UINT32_MAX, compiler->profile.default_action);
	return 0;
}

static uint32_t find_x32(const struct seccomp_architectures *architectures)
{
	for (size_t i = 0; i < architectures->count; i++) {
		if (seccomp_architecture_is_x32(architectures->tokens[i]))
			return architectures->tokens[i];
	}
	return 0;
}

static int sections_make(struct compiler *compiler,
			 const struct seccomp_architectures *architectures, struct error *err)
{
	bool x86_done = false;
	int r = 0;

	compiler->sections = calloc(architectures->count, sizeof(*compiler->sections));
	if (!compiler->sections)
		return error_errno(err, ENOMEM, "seccomp filter");
	for (size_t i = 0; r == 0 && i < architectures->count; i++) {
		struct section *section = &compiler->sections[compiler->count];
		uint32_t token = architectures->tokens[i];
		bool x86 = token == AUDIT_ARCH_X86_64 || seccomp_architecture_is_x32(token);

		if (x86 && x86_done)
			continue;
		compiler->count++;
		section->architecture = x86 ? AUDIT_ARCH_X86_64 : token;
		if (x86)
			r = section_add_x86(compiler, section, architectures,
					    find_x32(architectures), err);
		else
			r = section_add(compiler, section, token, 0, err);
		x86_done = x86_done || x86;
	}
	return r;
}

static const struct range *section_find(const struct section *section, uint32_t number)
{
	size_t i = section->count - 1;

	while (section->ranges[i].first > number)
		i--;
	return &section->ranges[i];
}

/* The descriptor of the listener is handed over with the help of write(2), under the filter. */
static int notify_check(const struct compiler *compiler, struct error *err)
{
	const struct range *range = section_find(&compiler->sections[0], SYS_write);

	if (range->count == 0 &&
	    (range->action == SECCOMP_RET_ALLOW || range->action == SECCOMP_RET_LOG))
		return 0;
	(void)error_set(
		err, EINVAL,
		"a profile with SCMP_ACT_NOTIFY must allow write without conditions, or the "
		"container could not say that there is somebody to notify");
	return error_at(err, "linux.seccomp.syscalls");
}

/* Written backwards: the last match, and its last condition, first. */
static seccomp_label emit_range(struct compiler *compiler, const struct range *range)
{
	struct seccomp_emitter *emitter = &compiler->emitter;
	seccomp_label label, yes;

	if (range->count == 0)
		return seccomp_emit_return(emitter, range->action);
	label = seccomp_emit_return(emitter, compiler->profile.default_action);
	for (size_t i = range->count; i-- > 0;) {
		const struct seccomp_match *match = &range->matches[i];
		seccomp_label no = label;

		yes = seccomp_emit_return(emitter, match->action);
		for (size_t k = match->count; k-- > 0;) {
			label = seccomp_emit_condition(emitter, &match->conditions[k],
						       range->narrow, yes, no);
			yes = label;
		}
	}
	return label;
}

/* The number is loaded; it is in one of the ranges from `first` to `last`. */
static seccomp_label emit_search(struct compiler *compiler, const struct section *section,
				 size_t first, size_t last)
{
	const struct range *ranges = section->ranges;
	size_t middle = first + (last - first + 1) / 2;
	seccomp_label below, above;

	if (first == last)
		return emit_range(compiler, &ranges[first]);
	/* One number between two ranges of the same action. */
	if (last - first == 2 && ranges[last].first - ranges[middle].first == 1 &&
	    ranges[first].count == 0 && ranges[last].count == 0 &&
	    ranges[first].action == ranges[last].action) {
		above = emit_range(compiler, &ranges[first]);
		below = emit_range(compiler, &ranges[middle]);
		return seccomp_emit_branch(&compiler->emitter, BPF_JEQ, ranges[middle].first, below,
					   above);
	}
	above = emit_search(compiler, section, middle, last);
	below = emit_search(compiler, section, first, middle - 1);
	return seccomp_emit_branch(&compiler->emitter, BPF_JGE, ranges[middle].first, above, below);
}

static int filter_emit(struct compiler *compiler, struct error *err)
{
	struct seccomp_emitter *emitter = &compiler->emitter;
	auto_free seccomp_label *labels = calloc(compiler->count, sizeof(*labels));
	seccomp_label other;

	if (!labels)
		return error_errno(err, ENOMEM, "seccomp filter");
	for (size_t i = compiler->count; i-- > 0 && !emitter->overflow;) {
		const struct section *section = &compiler->sections[i];

		labels[i] = emit_search(compiler, section, 0, section->count - 1);
		/* With one range the number does not matter, and nothing may be there to load for.
		 */
		if (section->count > 1)
			labels[i] = seccomp_emit_load(emitter, offsetof(struct seccomp_data, nr));
	}
	other = seccomp_emit_return(emitter, SECCOMP_RET_KILL_THREAD);
	for (size_t i = compiler->count; i-- > 0 && !emitter->overflow;)
		other = seccomp_emit_branch(emitter, BPF_JEQ, compiler->sections[i].architecture,
					    labels[i], other);
	(void)seccomp_emit_load(emitter, offsetof(struct seccomp_data, arch));
	return emitter->overflow ? seccomp_too_long(err) : 0;
}

static int filter_make(struct compiler *compiler, const struct seccomp_architectures *architectures,
		       struct error *err)
{
	int r = seccomp_profile_plan(compiler->profile.config, &compiler->profile, err);

	if (r < 0)
		return r;
	r = sections_make(compiler, architectures, err);
	if (r == 0 && seccomp_profile_notifies(compiler->profile.config))
		r = notify_check(compiler, err);
	return r < 0 ? r : filter_emit(compiler, err);
}

static void compiler_clear(struct compiler *compiler)
{
	for (size_t i = 0; i < compiler->count; i++) {
		seccomp_matches_clear(&compiler->sections[i].matches[0]);
		seccomp_matches_clear(&compiler->sections[i].matches[1]);
		free(compiler->sections[i].ranges);
	}
	free(compiler->sections);
	seccomp_profile_clear(&compiler->profile);
}

int seccomp_compile(const struct oci_seccomp *config,
		    const struct seccomp_architectures *architectures,
		    struct sock_filter **ret_instructions, size_t *ret_count, struct error *err)
{
	/* Not zeroed: of its eight pages most filters touch one. */
	auto_free struct sock_filter *code = malloc(BPF_MAXINSNS * sizeof(*code));
	struct compiler compiler = {
		.profile = {.config = config},
		.enosys = seccomp_enosys_wanted(config),
		.emitter = {.code = code},
	};
	size_t count;
	int r;

	if (!code)
		return error_errno(err, ENOMEM, "seccomp filter");
	r = filter_make(&compiler, architectures, err);
	compiler_clear(&compiler);
	if (r < 0)
		return r;
	count = compiler.emitter.count;
	memmove(code, code + BPF_MAXINSNS - count, count * sizeof(*code));
	*ret_instructions = pointer_take(code);
	*ret_count = count;
	return 0;
}
