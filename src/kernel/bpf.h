/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading of eBPF programs of type BPF_PROG_TYPE_CGROUP_DEVICE and their attachment to a cgroup2
 * directory. Source: bpf(2), Documentation/bpf/prog_cgroup_sockopt.rst (attach flags).
 */
#ifndef KERNEL_BPF_H
#define KERNEL_BPF_H

#include <linux/bpf.h>
#include <stddef.h>

#include "base/error.h"

/*
 * Loads a device program. From Linux 5.11 on its memory is charged to the cgroup, not to
 * RLIMIT_MEMLOCK, so no limit has to be raised. Gives an owned descriptor; -EPERM without CAP_BPF
 * or CAP_SYS_ADMIN. The verifier's words are in the error.
 */
int bpf_load_device_program(const struct bpf_insn *instructions, size_t count, int *ret_fd,
			    struct error *err);

/*
 * Makes `program` the one device program of ours on the cgroup: attached with BPF_F_ALLOW_MULTI
 * when none is there, else put in place of the first one by BPF_F_REPLACE in one atomic step,
 * others detached. There is no moment without a program once there has been one.
 */
int bpf_attach_device_program(int cgroup, int program, struct error *err);

/* How many device programs are attached to this cgroup itself, or a negative errno. */
int bpf_count_device_programs(int cgroup);

#endif
