/* SPDX-License-Identifier: Apache-2.0 */
/* What resctrl tells of a container's class and monitoring group. */
#ifndef CGROUP_RESCTRL_STATISTICS_H
#define CGROUP_RESCTRL_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Of one L3 cache: bytes. */
struct resctrl_node {
	uint64_t total_bytes, local_bytes; /* over the memory bus since the group was made */
	uint64_t occupancy;		   /* of the cache now */
};

struct resctrl_statistics {
	bool known; /* there is a class */
	/* What the CPU can do. */
	bool has_l3, has_mb, has_bandwidth_monitoring, has_cache_monitoring;
	char *l3_mask;
	uint64_t l3_min_bits, l3_classes;
	uint64_t mb_granularity, mb_linear, mb_minimum, mb_classes;
	/* The files `schemata` of the default class and of the container's, whole. */
	char *root_schemata, *schemata;
	struct resctrl_node *nodes;
	size_t node_count;
};
void resctrl_statistics_clear(struct resctrl_statistics *statistics);

/* `monitor` may be NULL: then it is all of the class that is measured. */
int resctrl_statistics_read(const char *mount_point, const char *group, const char *monitor,
			    struct resctrl_statistics *ret_statistics, struct error *err);

/* The line of a resource ("L3") in a `schemata` text, without the space before it: its beginning,
 * and its length; NULL when there is none. Pure. */
const char *resctrl_schema_line(const char *schemata, const char *resource, size_t *ret_length);

#endif
