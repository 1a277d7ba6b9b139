/* SPDX-License-Identifier: Apache-2.0 */
/* An interpreter of the part of eBPF that device programs are made of. */
#ifndef TESTS_BPF_EXTENDED_H
#define TESTS_BPF_EXTENDED_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the verifier would take it: known instructions, jumps forward and inside, every
 * instruction reached, only registers read that are written, the context read at its fields only.
 */
bool bpf_extended_valid(const struct bpf_insn *code, size_t count);

/* What a valid program returns for this access. */
uint64_t bpf_extended_run(const struct bpf_insn *code, size_t count,
			  const struct bpf_cgroup_dev_ctx *context);

#endif
