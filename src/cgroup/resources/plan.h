/* SPDX-License-Identifier: Apache-2.0 */
/* What the functions that plan the controllers share; for this folder alone. */
#ifndef CGROUP_RESOURCES_PLAN_H
#define CGROUP_RESOURCES_PLAN_H

#include <knarr/config.h>
#include <stdbool.h>

#include "base/error.h"
#include "cgroup/resources/bounds.h"
#include "cgroup/resources/writes.h"

/* What they fill in. The first failure is kept in it and stops the rest, so only the end needs a
 * check. */
struct resources_plan {
	struct cgroup_writes writes;
	bool v2;
	/* What will hold when all is written: of two values that make one file, the one that is not
	 * to be changed comes from here. Without an update it is what is to be written. */
	const struct oci_resources *whole;
	const struct cgroup_bounds *bounds; /* what the cgroup has now */
	int result;
	struct error *err;
};

/* One more file; `field` is below linux.resources. The controller is the file's name up to the dot.
 */
void resources_write(struct resources_plan *plan, const char *file, const char *field,
		     unsigned int flags, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Fails: the specification wants an error for what cannot be applied (runtime.md#create). */
void resources_refuse(struct resources_plan *plan, int number, const char *field,
		      const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The same for what only v1 can do. */
void resources_refuse_v2(struct resources_plan *plan, const char *field);

void resources_add_memory(struct resources_plan *plan, const struct oci_memory *memory);
void resources_add_cpu(struct resources_plan *plan, const struct oci_cpu *cpu);
void resources_add_block_io(struct resources_plan *plan, const struct oci_block_io *io);
void resources_add_hugetlb(struct resources_plan *plan, const struct oci_hugepage_limits *limits);
void resources_add_network(struct resources_plan *plan, const struct oci_network *network);
void resources_add_rdma(struct resources_plan *plan, const struct oci_rdmas *rdmas);

#endif
