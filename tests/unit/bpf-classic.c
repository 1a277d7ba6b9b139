/* SPDX-License-Identifier: Apache-2.0 */
#include "bpf-classic.h"

#include <stdlib.h>
#include <string.h>

static bool instruction_valid(const struct sock_filter *code, size_t i, size_t count)
{
	switch (code[i].code) {
	case BPF_LD | BPF_W | BPF_ABS:
		return code[i].k % 4 == 0 && code[i].k + 4 <= sizeof(struct seccomp_data);
	case BPF_ALU | BPF_AND | BPF_K:
	case BPF_RET | BPF_K:
		return true;
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM:
	case BPF_ST:
	case BPF_STX:
		return code[i].k < BPF_MEMWORDS;
	case BPF_MISC | BPF_TAX:
	case BPF_MISC | BPF_TXA:
		return true;
	case BPF_JMP | BPF_JA:
		return code[i].k < count - i - 1;
	case BPF_JMP | BPF_JEQ | BPF_K:
	case BPF_JMP | BPF_JGT | BPF_K:
	case BPF_JMP | BPF_JGE | BPF_K:
	case BPF_JMP | BPF_JSET | BPF_K:
		return i + 1 + code[i].jt < count && i + 1 + code[i].jf < count;
	default:
		return false;
	}
}

bool bpf_classic_valid(const struct sock_filter *code, size_t count)
{
	if (count == 0 || count > BPF_MAXINSNS || code[count - 1].code != (BPF_RET | BPF_K))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!instruction_valid(code, i, count))
			return false;
	}
	return true;
}

static uint32_t load(const struct seccomp_data *data, uint32_t offset)
{
	uint32_t value;

	memcpy(&value, (const char *)data + offset, sizeof(value));
	return value;
}

static bool compare(const struct sock_filter *jump, uint32_t a)
{
	switch (BPF_OP(jump->code)) {
	case BPF_JEQ:
		return a == jump->k;
	case BPF_JGT:
		return a > jump->k;
	case BPF_JGE:
		return a >= jump->k;
	case BPF_JSET:
		return (a & jump->k) != 0;
	default:
		abort();
	}
}

uint32_t bpf_classic_run(const struct sock_filter *code, size_t count,
			 const struct seccomp_data *data)
{
	uint32_t a = 0, x = 0, memory[BPF_MEMWORDS] = {0};

	for (size_t i = 0; i < count; i++) {
		const struct sock_filter *now = &code[i];

		switch (now->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			a = load(data, now->k);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= now->k;
			break;
		case BPF_LD | BPF_MEM:
			a = memory[now->k];
			break;
		case BPF_LDX | BPF_MEM:
			x = memory[now->k];
			break;
		case BPF_ST:
			memory[now->k] = a;
			break;
		case BPF_STX:
			memory[now->k] = x;
			break;
		case BPF_MISC | BPF_TAX:
			x = a;
			break;
		case BPF_MISC | BPF_TXA:
			a = x;
			break;
		case BPF_JMP | BPF_JA:
			i += now->k;
			break;
		case BPF_RET | BPF_K:
			return now->k;
		default:
			i += compare(now, a) ? now->jt : now->jf;
		}
	}
	abort(); /* a valid program ends with a return */
}
