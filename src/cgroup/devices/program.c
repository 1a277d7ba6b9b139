/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The eBPF program of a device policy (BPF_PROG_TYPE_CGROUP_DEVICE, struct bpf_cgroup_dev_ctx).
 *
 * It looks for the entry of the device: the entries of one major stand together behind one
 * comparison, so a device of another major passes them with one jump. The found entry jumps to the
 * tail of its access, of which there are at most eight; a tail removes the allowed bits from those
 * that are asked for, and when none is left the access is granted. The kernel runs this at each
 * open of a device node, so what counts is the length of the path through it: with docker's list
 * some 20 instructions.
 */
#include "cgroup/devices/rules.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fd.h"

#define TAILS	(DEVICE_ACCESS_ALL + 1)
#define NO_TAIL TAILS
/* Not a tail: what comes behind the groups of majors. */
#define BEHIND (TAILS + 1)

/* Registers: r1 is the context at first. */
enum {
	RESULT = BPF_REG_0,
	CONTEXT = BPF_REG_1,
	TYPE = BPF_REG_2,
	ACCESS = BPF_REG_3,
	MAJOR = BPF_REG_4,
	MINOR = BPF_REG_5,
};

struct program {
	struct bpf_insn *code;
	uint8_t *tails; /* for each instruction: the tail that its jump goes to, or NO_TAIL */
	size_t count;
};

static void emit(struct program *program, struct bpf_insn instruction, uint8_t tail)
{
	program->code[program->count] = instruction;
	program->tails[program->count++] = tail;
}

static void emit_load(struct program *program, unsigned int to, int16_t offset)
{
	emit(program,
	     (struct bpf_insn){.code = BPF_LDX | BPF_MEM | BPF_W,
			       .dst_reg = to,
			       .src_reg = CONTEXT,
			       .off = offset},
	     NO_TAIL);
}

/* 32-bit arithmetic with a constant. */
static void emit_alu(struct program *program, uint8_t operation, unsigned int to, uint32_t value)
{
	emit(program,
	     (struct bpf_insn){.code = (uint8_t)(BPF_ALU | BPF_K | operation),
			       .dst_reg = to,
			       .imm = (int32_t)value},
	     NO_TAIL);
}

/* A jump on a 32-bit comparison, whose target is `offset` instructions on or the tail. */
static void emit_jump(struct program *program, struct bpf_insn jump, uint8_t tail)
{
	jump.code |= BPF_JMP32 | BPF_K;
	emit(program, jump, tail);
}

static void emit_always(struct program *program, uint8_t tail)
{
	emit(program, (struct bpf_insn){.code = BPF_JMP | BPF_JA}, tail);
}

static void emit_exit(struct program *program)
{
	emit(program, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT}, NO_TAIL);
}

/* access_type holds the access in its upper and the type in its lower half. */
static void emit_head(struct program *program)
{
	emit_load(program, TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	emit(program,
	     (struct bpf_insn){
		     .code = BPF_ALU | BPF_MOV | BPF_X, .dst_reg = ACCESS, .src_reg = TYPE},
	     NO_TAIL);
	emit_alu(program, BPF_RSH, ACCESS, 16);
	emit_alu(program, BPF_AND, TYPE, 0xffff);
	emit_load(program, MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
	emit_load(program, MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
}

static void emit_minor(struct program *program, const struct device_entry *entry)
{
	emit_jump(
		program,
		(struct bpf_insn){.code = BPF_JEQ, .dst_reg = MINOR, .imm = (int32_t)entry->minor},
		entry->access);
}

/*
 * The entries of one type: first those with a major. The ones with major and minor come before the
 * ones with a major alone in the policy, both sorted by major, so two cursors walk along them
 * together. A group ends with a jump: without it the verifier would follow each major through all
 * the groups that come after its own, and give up at some hundred of them.
 */
static void emit_majors(struct program *program, const struct device_entry *exact,
			const struct device_entry *wide, const struct device_entry *end)
{
	const struct device_entry *exact_end = wide;

	while (exact < exact_end || wide < end) {
		uint32_t major = exact < exact_end ? exact->major : wide->major;
		size_t guard = program->count;

		if (wide < end && wide->major < major)
			major = wide->major;
		emit_jump(
			program,
			(struct bpf_insn){.code = BPF_JNE, .dst_reg = MAJOR, .imm = (int32_t)major},
			NO_TAIL);
		for (; exact < exact_end && exact->major == major; exact++)
			emit_minor(program, exact);
		if (wide < end && wide->major == major)
			emit_always(program, (wide++)->access);
		else
			emit_always(program, BEHIND);
		program->code[guard].off = (int16_t)(program->count - guard - 1);
	}
}

/* Sets the jumps to BEHIND among the instructions from `begin` on to the next instruction. */
static void land_behind(struct program *program, size_t begin)
{
	for (size_t i = begin; i < program->count; i++) {
		if (program->tails[i] != BEHIND)
			continue;
		program->code[i].off = (int16_t)(program->count - i - 1);
		program->tails[i] = NO_TAIL;
	}
}

static const struct device_entry *skip(const struct device_entry *entry,
				       const struct device_entry *end, bool any_major,
				       bool any_minor)
{
	while (entry < end && (entry->major == DEVICE_ANY) == any_major &&
	       (entry->minor == DEVICE_ANY) == any_minor)
		entry++;
	return entry;
}

static void emit_type(struct program *program, const struct device_entry *entries, size_t count)
{
	const struct device_entry *end = entries + count;
	const struct device_entry *wide = skip(entries, end, false, false);
	const struct device_entry *minors = skip(wide, end, false, true);
	size_t begin = program->count;

	emit_majors(program, entries, wide, minors);
	land_behind(program, begin);
	for (; minors < end && minors->minor != DEVICE_ANY; minors++)
		emit_minor(program, minors);
	/* "Any, any" is the last entry of each type. */
	emit_always(program, minors < end ? minors->access : 0);
}

/* The tails that are jumped to, the verdict behind them, and the targets of the jumps. */
static void emit_tails(struct program *program)
{
	size_t begin = program->count, position[TAILS] = {0}, verdict;

	for (uint32_t access = 0; access < TAILS; access++) {
		for (size_t i = 0; i < begin && position[access] == 0; i++) {
			if (program->tails[i] == access)
				position[access] = program->count;
		}
		if (position[access] == 0)
			continue;
		emit_alu(program, BPF_AND, ACCESS, ~access);
		emit_always(program, NO_TAIL);
	}
	verdict = program->count;
	emit_alu(program, BPF_MOV, RESULT, 0);
	emit_jump(program, (struct bpf_insn){.code = BPF_JNE, .dst_reg = ACCESS, .off = 1},
		  NO_TAIL);
	emit_alu(program, BPF_MOV, RESULT, 1);
	emit_exit(program);

	for (size_t i = 0; i < begin; i++) {
		if (program->tails[i] != NO_TAIL)
			program->code[i].off = (int16_t)(position[program->tails[i]] - i - 1);
	}
	for (size_t i = begin; i < verdict; i++) {
		if (program->code[i].code == (BPF_JMP | BPF_JA))
			program->code[i].off = (int16_t)(verdict - i - 1);
	}
}

int device_rules_compile(const struct device_policy *policy, struct bpf_insn **ret_instructions,
			 size_t *ret_count, struct error *err)
{
	/* Each entry is a comparison of the minor or a jump, and may begin and end a group of its
	 * major; then the head, the jump to the second type, two ends, the tails and the verdict.
	 */
	size_t room = 3 * policy->count + 6 + 1 + 2 + 2 * (size_t)TAILS + 4, blocks = 0, branch;
	auto_free struct bpf_insn *code = calloc(room, sizeof(*code));
	auto_free uint8_t *tails = calloc(room, sizeof(*tails));
	struct program program = {.code = code, .tails = tails};

	if (!code || !tails)
		return error_errno(err, ENOMEM, "device program");
	while (blocks < policy->count && policy->entries[blocks].type == 'b')
		blocks++;

	emit_head(&program);
	branch = program.count;
	emit_jump(&program,
		  (struct bpf_insn){.code = BPF_JEQ, .dst_reg = TYPE, .imm = BPF_DEVCG_DEV_CHAR},
		  NO_TAIL);
	emit_type(&program, policy->entries, blocks);
	program.code[branch].off = (int16_t)(program.count - branch - 1);
	emit_type(&program, policy->entries + blocks, policy->count - blocks);
	emit_tails(&program);

	*ret_instructions = pointer_take(code);
	*ret_count = program.count;
	return 0;
}
