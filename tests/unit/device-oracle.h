/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What device rules mean, said a second time and as plainly as possible; and what the kernel's v1
 * controller makes of the lines that are written to it. Shared by the unit test and the fuzzer.
 */
#ifndef TESTS_DEVICE_ORACLE_H
#define TESTS_DEVICE_ORACLE_H

#include <knarr/config.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cgroup/devices/rules.h"

/* One access: struct bpf_cgroup_dev_ctx in words. */
struct device_access {
	char type; /* 'b' or 'c' */
	uint32_t major, minor;
	uint8_t access; /* BPF_DEVCG_ACC_*, or-ed */
};

/* By the meaning in the essay of devices/rules.c: each bit by the last rule that names it. */
bool device_oracle_allows(const struct oci_device_rules *rules, const struct device_access *access);

/* By security/device_cgroup.c of Linux 6.1, for a cgroup below one that allows all. */
bool device_oracle_v1_allows(const struct device_line *lines, size_t count,
			     const struct device_access *access);

/* Runs the program. */
bool device_program_allows(const struct bpf_insn *code, size_t count,
			   const struct device_access *access);

/* Makes rules out of the bytes and compares policy, program and v1 lines with the oracles.
 * Aborts with a description on stderr when they differ. Gives whether v1 has lines for them. */
bool device_oracle_check(const uint8_t *data, size_t size);

#endif
