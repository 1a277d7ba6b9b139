/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From `linux.resources` to the files of a cgroup: an ordered list of what to write. Pure.
 *
 * A new controller is some rows here and nothing elsewhere. Sources:
 * config-linux.md#control-groups; Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.
 *
 * How absence is spelt: the engines' libraries write 0 for "not set" in memory.limit,
 * memory.reservation, memory.swap, cpu.shares, cpu.period, cpu.quota, blockIO.weight and the like,
 * where no kernel would take 0 as a value; those zeroes write nothing. pids.limit 0 is a value.
 */
#ifndef CGROUP_RESOURCES_H
#define CGROUP_RESOURCES_H

#include <knarr/config.h>
#include <stdbool.h>

#include "base/error.h"
#include "cgroup/writes.h"

/*
 * What to write, in this order, for all resources but the devices (device-rules.h). `unified` comes
 * last, line by line, and so has the last word. NULL resources give an empty list.
 * Errors name the field: what this version of cgroups cannot do (-ENOTSUP), and values that mean
 * nothing (-EINVAL, -ERANGE).
 */
int cgroup_resources_plan(const struct oci_resources *resources, bool v2,
			  struct cgroup_writes *ret_writes, struct error *err);

/*
 * cpu.weight (1 to 10000) for cpu.shares (2 to 262144), by the quadratic interpolation in log scale
 * that all runtimes use since 2025: the minimum, default (1024 -> 100) and maximum meet.
 */
unsigned int cgroup_cpu_weight(uint64_t shares);

/* io.weight (1 to 10000) for blockIO.weight (10 to 1000). */
unsigned int cgroup_io_weight(unsigned int weight);

/*
 * memory.swap.max for memory.swap (memory and swap together) and memory.limit; 0 is unset, -1
 * unlimited. Gives false when there is nothing to write.
 */
int cgroup_swap_max(int64_t swap, int64_t limit, bool *ret_write, int64_t *ret_value,
		    struct error *err);

#endif
