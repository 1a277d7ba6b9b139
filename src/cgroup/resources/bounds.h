/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CGROUP_RESOURCES_BOUNDS_H
#define CGROUP_RESOURCES_BOUNDS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Values of a cgroup that bound each other, so that what it has now decides which of the new ones
 * goes first. Microseconds and bytes; -1 is unlimited.
 */
struct cgroup_bounds {
	int64_t quota;
	uint64_t period, burst;
	int64_t realtime_runtime;
	int64_t memory; /* memory.max, memory.limit_in_bytes */
	int64_t swap;	/* v2: memory.swap.max; v1: memory.memsw.limit_in_bytes */
	bool idle;	/* cpu.idle: it has no weight */
};
/* Those of a new cgroup. */
#define CGROUP_BOUNDS_NEW        \
	((struct cgroup_bounds){ \
		.quota = -1, .period = 100000, .realtime_runtime = 0, .memory = -1, .swap = -1})

#endif
