/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/seccomp/emit.h"

#include <linux/seccomp.h>

/* Conditional jumps have eight bits. A little less, for emitting a bridge to the one place moves
 * the other one away. */
#define REACH 250

static seccomp_label emit(struct seccomp_emitter *emitter, uint16_t code, uint32_t k)
{
	if (emitter->count == BPF_MAXINSNS) {
		emitter->overflow = true;
		return emitter->count;
	}
	emitter->count++;
	emitter->code[BPF_MAXINSNS - emitter->count] = (struct sock_filter){.code = code, .k = k};
	return emitter->count;
}

static bool is_near(const struct seccomp_emitter *emitter, seccomp_label label)
{
	return emitter->count - label <= REACH;
}

/* The place itself or a bridge to it; a return is as well repeated. */
static seccomp_label emit_bridge(struct seccomp_emitter *emitter, seccomp_label label)
{
	const struct sock_filter *there = &emitter->code[BPF_MAXINSNS - label];

	if (is_near(emitter, label))
		return label;
	if (there->code == (BPF_RET | BPF_K))
		return seccomp_emit_return(emitter, there->k);
	return emit(emitter, BPF_JMP | BPF_JA, (uint32_t)(emitter->count - label));
}

seccomp_label seccomp_emit_return(struct seccomp_emitter *emitter, uint32_t action)
{
	seccomp_label label;
	size_t i;

	for (i = 0; i < SECCOMP_EMIT_RETURNS && emitter->returns[i].label; i++) {
		if (emitter->returns[i].action != action)
			continue;
		if (!is_near(emitter, emitter->returns[i].label))
			emitter->returns[i].label = emit(emitter, BPF_RET | BPF_K, action);
		return emitter->returns[i].label;
	}
	label = emit(emitter, BPF_RET | BPF_K, action);
	i = emitter->next_return++ % SECCOMP_EMIT_RETURNS;
	emitter->returns[i].action = action;
	emitter->returns[i].label = label;
	return label;
}

seccomp_label seccomp_emit_branch(struct seccomp_emitter *emitter, uint16_t comparison,
				  uint32_t value, seccomp_label yes, seccomp_label no)
{
	seccomp_label label;
	struct sock_filter *branch;

	yes = emit_bridge(emitter, yes);
	no = emit_bridge(emitter, no);
	label = emit(emitter, BPF_JMP | BPF_K | comparison, value);
	if (emitter->overflow)
		return label;
	branch = &emitter->code[BPF_MAXINSNS - label];
	branch->jt = (uint8_t)(label - yes - 1);
	branch->jf = (uint8_t)(label - no - 1);
	return label;
}

seccomp_label seccomp_emit_load(struct seccomp_emitter *emitter, size_t offset)
{
	return emit(emitter, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset);
}

static size_t word_offset(uint32_t index, bool high)
{
	size_t offset = offsetof(struct seccomp_data, args) + index * sizeof(uint64_t);
	bool second = high == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

	return offset + (second ? sizeof(uint32_t) : 0);
}

/* The bits of one half under the mask against the same bits of the value. */
static seccomp_label emit_masked(struct seccomp_emitter *emitter, size_t offset, uint32_t mask,
				 uint32_t value, const seccomp_label places[2])
{
	if (mask == 0)
		return places[0];
	(void)seccomp_emit_branch(emitter, BPF_JEQ, value & mask, places[0], places[1]);
	if (mask != UINT32_MAX)
		(void)emit(emitter, BPF_ALU | BPF_AND | BPF_K, mask);
	return seccomp_emit_load(emitter, offset);
}

static seccomp_label emit_equal(struct seccomp_emitter *emitter,
				const struct oci_seccomp_arg *condition, bool narrow,
				const seccomp_label places[2])
{
	bool masked = condition->op == OCI_SECCOMP_MASKED_EQ;
	uint64_t mask = masked ? condition->value : UINT64_MAX;
	uint64_t value = masked ? condition->value_two & mask : condition->value;
	seccomp_label low;

	if (narrow && value > UINT32_MAX)
		return places[1];
	low = emit_masked(emitter, word_offset(condition->index, false), (uint32_t)mask,
			  (uint32_t)value, places);
	if (narrow)
		return low;
	return emit_masked(emitter, word_offset(condition->index, true), (uint32_t)(mask >> 32),
			   (uint32_t)(value >> 32), (seccomp_label[]){low, places[1]});
}

/* Greater, or with BPF_JGE for the lower half: greater or equal. */
static seccomp_label emit_greater(struct seccomp_emitter *emitter,
				  const struct oci_seccomp_arg *condition, bool narrow,
				  const seccomp_label places[2])
{
	bool strict = condition->op == OCI_SECCOMP_GT || condition->op == OCI_SECCOMP_LE;
	uint32_t high = (uint32_t)(condition->value >> 32);
	seccomp_label low, equal;

	if (narrow && high > 0)
		return places[1];
	(void)seccomp_emit_branch(emitter, strict ? BPF_JGT : BPF_JGE, (uint32_t)condition->value,
				  places[0], places[1]);
	low = seccomp_emit_load(emitter, word_offset(condition->index, false));
	if (narrow)
		return low;
	if (high == 0) {
		(void)seccomp_emit_branch(emitter, BPF_JEQ, 0, low, places[0]);
	} else {
		equal = seccomp_emit_branch(emitter, BPF_JEQ, high, low, places[1]);
		(void)seccomp_emit_branch(emitter, BPF_JGT, high, places[0], equal);
	}
	return seccomp_emit_load(emitter, word_offset(condition->index, true));
}

seccomp_label seccomp_emit_condition(struct seccomp_emitter *emitter,
				     const struct oci_seccomp_arg *condition, bool narrow,
				     seccomp_label yes, seccomp_label no)
{
	const seccomp_label straight[2] = {yes, no}, reversed[2] = {no, yes};

	switch (condition->op) {
	case OCI_SECCOMP_EQ:
	case OCI_SECCOMP_MASKED_EQ:
		return emit_equal(emitter, condition, narrow, straight);
	case OCI_SECCOMP_NE:
		return emit_equal(emitter, condition, narrow, reversed);
	case OCI_SECCOMP_GT:
	case OCI_SECCOMP_GE:
		return emit_greater(emitter, condition, narrow, straight);
	case OCI_SECCOMP_LE:
	case OCI_SECCOMP_LT:
		return emit_greater(emitter, condition, narrow, reversed);
	}
	return no;
}
