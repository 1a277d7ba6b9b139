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
#include "cgroup/resources/bounds.h"
#include "cgroup/resources/writes.h"

/*
 * What to write, in this order, for all resources but the devices (devices/rules.h). `unified`
 * comes last, line by line, and so has the last word. NULL resources give an empty list. Errors
 * name the field: what this version of cgroups cannot do (-ENOTSUP), and values that mean nothing
 * (-EINVAL, -ERANGE).
 */
int cgroup_resources_plan(const struct oci_resources *resources, bool v2,
			  struct cgroup_writes *ret_writes, struct error *err);

/*
 * The list for an update. `wanted` says what to change, `whole` what will hold then
 * (cgroup_resources_merge()): the other half of what shares a file with a changed value comes from
 * there. `bounds` are the cgroup's own before. At every moment in between the kernel takes the
 * values, and memory, whose limit may cost processes, comes last but for `unified`.
 */
struct cgroup_update {
	const struct oci_resources *wanted, *whole;
	struct cgroup_bounds bounds;
};
int cgroup_update_plan(const struct cgroup_update *update, bool v2,
		       struct cgroup_writes *ret_writes, struct error *err);

/*
 * `old` with what `wanted` says otherwise. An absent value, and a 0 that means absence, leaves the
 * old one; lists are matched by device, interface, page size or key, and what is only in one of
 * them is in the result. Rules about devices are replaced as a whole. memory.limit -1 without a
 * memory.swap takes the limit on both off, as on every runtime.
 *
 * The result points into both, which must outlive it. Pure. -ENOMEM.
 */
struct cgroup_merged {
	struct oci_resources resources;
	struct oci_memory memory;
	struct oci_cpu cpu;
	struct oci_pids pids;
	struct oci_block_io block_io;
	struct oci_network network;
};
int cgroup_resources_merge(const struct oci_resources *old, const struct oci_resources *wanted,
			   struct cgroup_merged **ret_merged, struct error *err);
void cgroup_merged_free(struct cgroup_merged *merged);

/*
 * What to write to put back what a file of a cgroup said before `written` was written to it:
 * `content` is the whole of the file then. Of files with a line for each device or the like only
 * the one that was written counts. *ret_value is malloc'ed, or NULL when there is nothing to put
 * back. -ENOMEM.
 */
int cgroup_restore_plan(const char *file, const char *written, const char *content,
			char **ret_value);

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
