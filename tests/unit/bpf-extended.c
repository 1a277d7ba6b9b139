/* SPDX-License-Identifier: Apache-2.0 */
#include "bpf-extended.h"

#include <stdlib.h>
#include <string.h>

#define REGISTERS 6

/* Which registers hold something when an instruction is reached on every way to it; -1: not
 * reached. */
struct ways {
	int written;
};

/* Joins a way with those that are known already. */
static void reach(struct ways *ways, int written)
{
	ways->written = ways->written < 0 ? written : ways->written & written;
}

static bool is_compare(uint8_t code)
{
	return code == (BPF_JMP32 | BPF_JEQ | BPF_K) || code == (BPF_JMP32 | BPF_JNE | BPF_K);
}

/* Gives the registers that hold something afterwards, or -1. */
static int step(const struct bpf_insn *now, int written)
{
	if (now->dst_reg >= REGISTERS || now->src_reg >= REGISTERS)
		return -1;
	switch (now->code) {
	case BPF_LDX | BPF_MEM | BPF_W:
		return now->src_reg == BPF_REG_1 && now->off % 4 == 0 && now->off >= 0 &&
				       now->off < (int)sizeof(struct bpf_cgroup_dev_ctx)
			       ? written | 1 << now->dst_reg
			       : -1;
	case BPF_ALU | BPF_MOV | BPF_K:
		return written | 1 << now->dst_reg;
	case BPF_ALU | BPF_MOV | BPF_X:
		return written & 1 << now->src_reg ? written | 1 << now->dst_reg : -1;
	case BPF_ALU | BPF_AND | BPF_K:
	case BPF_ALU | BPF_RSH | BPF_K:
	case BPF_JMP32 | BPF_JEQ | BPF_K:
	case BPF_JMP32 | BPF_JNE | BPF_K:
		return written & 1 << now->dst_reg ? written : -1;
	case BPF_JMP | BPF_JA:
		return written;
	case BPF_JMP | BPF_EXIT:
		return written & 1 << BPF_REG_0 ? written : -1;
	default:
		return -1;
	}
}

bool bpf_extended_valid(const struct bpf_insn *code, size_t count)
{
	struct ways *ways = malloc((count + 1) * sizeof(*ways));
	bool valid = ways && count > 0;

	for (size_t i = 0; valid && i < count; i++)
		ways[i].written = -1;
	if (valid)
		ways[0].written = 1 << BPF_REG_1;
	for (size_t i = 0; valid && i < count; i++) {
		int written = ways[i].written < 0 ? -1 : step(&code[i], ways[i].written);
		bool jumps = code[i].code == (BPF_JMP | BPF_JA) || is_compare(code[i].code);
		size_t target = i + 1 + (size_t)code[i].off;

		valid = written >= 0 && (!jumps || (code[i].off >= 0 && target < count));
		if (valid && jumps)
			reach(&ways[target], written);
		if (valid && code[i].code != (BPF_JMP | BPF_JA) &&
		    code[i].code != (BPF_JMP | BPF_EXIT)) {
			valid = i + 1 < count;
			reach(&ways[valid ? i + 1 : i], written);
		}
	}
	free(ways);
	return valid;
}

uint64_t bpf_extended_run(const struct bpf_insn *code, size_t count,
			  const struct bpf_cgroup_dev_ctx *context)
{
	uint32_t registers[REGISTERS] = {0};

	for (size_t i = 0; i < count; i++) {
		const struct bpf_insn *now = &code[i];
		uint32_t *to = &registers[now->dst_reg];
		uint32_t value = (uint32_t)now->imm;

		switch (now->code) {
		case BPF_LDX | BPF_MEM | BPF_W:
			memcpy(to, (const char *)context + now->off, sizeof(*to));
			break;
		case BPF_ALU | BPF_MOV | BPF_K:
			*to = value;
			break;
		case BPF_ALU | BPF_MOV | BPF_X:
			*to = registers[now->src_reg];
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			*to &= value;
			break;
		case BPF_ALU | BPF_RSH | BPF_K:
			*to >>= value;
			break;
		case BPF_JMP32 | BPF_JEQ | BPF_K:
			i += *to == value ? (size_t)now->off : 0;
			break;
		case BPF_JMP32 | BPF_JNE | BPF_K:
			i += *to != value ? (size_t)now->off : 0;
			break;
		case BPF_JMP | BPF_JA:
			i += (size_t)now->off;
			break;
		case BPF_JMP | BPF_EXIT:
			return registers[BPF_REG_0];
		default:
			abort();
		}
	}
	abort(); /* a valid program exits */
}
