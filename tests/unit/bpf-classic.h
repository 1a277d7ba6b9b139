/* SPDX-License-Identifier: Apache-2.0 */
/* An interpreter of classic BPF as seccomp(2) uses it. */
#ifndef TESTS_BPF_CLASSIC_H
#define TESTS_BPF_CLASSIC_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the kernel would take it: length, known instructions, loads within struct seccomp_data,
 * jumps that stay inside, a return at the end (bpf_check_classic, seccomp_check_filter). */
bool bpf_classic_valid(const struct sock_filter *code, size_t count);

/* The value that a valid program returns. */
uint32_t bpf_classic_run(const struct sock_filter *code, size_t count,
			 const struct seccomp_data *data);

#endif
