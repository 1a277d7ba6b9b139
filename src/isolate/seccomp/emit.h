/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A writer of classic BPF that begins at the end.
 *
 * BPF jumps only forwards, and its conditional jumps only over 255 instructions. Written from the
 * last instruction to the first one, everything that is jumped to is already there: a label is
 * simply its distance from the end, and where it is too far away an unconditional jump is put in
 * between. Nothing falls through from one piece into another, for every piece ends in a return or
 * in a jump with two places to go to.
 */
#ifndef ISOLATE_SECCOMP_EMIT_H
#define ISOLATE_SECCOMP_EMIT_H

#include <knarr/config.h>
#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many different actions keep a return in mind to be jumped to again. */
#define SECCOMP_EMIT_RETURNS 8

struct seccomp_emitter {
	struct sock_filter *code; /* the last `count` of BPF_MAXINSNS; the caller's */
	size_t count;
	bool overflow; /* it would have been more; what was emitted since is lost */
	struct {
		uint32_t action;
		size_t label;
	} returns[SECCOMP_EMIT_RETURNS];
	size_t next_return;
};

/* An instruction as seen from what is emitted later, that is in front of it. */
typedef size_t seccomp_label;

/* Returns `action`, by a return that is there already if one is near. */
seccomp_label seccomp_emit_return(struct seccomp_emitter *emitter, uint32_t action);

/* Compares what is loaded (`comparison`: BPF_JEQ, BPF_JGT, BPF_JGE or BPF_JSET with `value`). */
seccomp_label seccomp_emit_branch(struct seccomp_emitter *emitter, uint16_t comparison,
				  uint32_t value, seccomp_label yes, seccomp_label no);

/* Loads a word of struct seccomp_data. What was emitted last follows. */
seccomp_label seccomp_emit_load(struct seccomp_emitter *emitter, size_t offset);

/* A condition on an argument, all 64 bits of it; `narrow`: the arguments have 32 bits, so that the
 * upper ones are 0. */
seccomp_label seccomp_emit_condition(struct seccomp_emitter *emitter,
				     const struct oci_seccomp_arg *condition, bool narrow,
				     seccomp_label yes, seccomp_label no);

#endif
