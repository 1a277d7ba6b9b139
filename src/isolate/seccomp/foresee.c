/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a filter will say to a call of ours, known before it is in force.
 *
 * Only what our own compiler emits is understood; of anything else, as a filter that somebody else
 * has compiled may have, nothing is foreseen.
 */
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>

#include "isolate/seccomp/seccomp.h"

static uint32_t foresee_load(const struct seccomp_data *data, uint32_t offset)
{
	uint32_t value = 0;

	if (offset <= sizeof(*data) - sizeof(value))
		memcpy(&value, (const char *)data + offset, sizeof(value));
	return value;
}

/* How far a comparison jumps; *known is cleared for one that is not understood. */
static uint32_t foresee_jump(const struct sock_filter *at, uint32_t value, bool *known)
{
	switch (at->code) {
	case BPF_JMP | BPF_JA:
		return at->k;
	case BPF_JMP | BPF_JEQ | BPF_K:
		return value == at->k ? at->jt : at->jf;
	case BPF_JMP | BPF_JGT | BPF_K:
		return value > at->k ? at->jt : at->jf;
	case BPF_JMP | BPF_JGE | BPF_K:
		return value >= at->k ? at->jt : at->jf;
	case BPF_JMP | BPF_JSET | BPF_K:
		return value & at->k ? at->jt : at->jf;
	default:
		*known = false;
		return 0;
	}
}

bool seccomp_foresee(const struct seccomp_plan *plan, int number, uint64_t first,
		     uint32_t *ret_action)
{
	struct seccomp_data data = {
		.nr = number,
		.arch = seccomp_arch_native(),
		.args = {first},
	};
	uint32_t value = 0;
	bool known = true;

	/* Jumps lead forwards only. */
	for (size_t i = 0; known && i < plan->count; i++) {
		const struct sock_filter *at = &plan->instructions[i];

		if (at->code == (BPF_RET | BPF_K)) {
			*ret_action = at->k;
			return true;
		}
		if (at->code == (BPF_LD | BPF_W | BPF_ABS))
			value = foresee_load(&data, at->k);
		else if (at->code == (BPF_ALU | BPF_AND | BPF_K))
			value &= at->k;
		else
			i += foresee_jump(at, value, &known);
	}
	return false;
}

bool seccomp_lets_pass(const struct seccomp_plan *plan, int number, uint64_t first)
{
	uint32_t action;

	if (!seccomp_foresee(plan, number, first, &action))
		return false;
	action &= SECCOMP_RET_ACTION_FULL;
	return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}
