/* SPDX-License-Identifier: Apache-2.0 */
/* Memory and swap. */
#include <errno.h>
#include <inttypes.h>

#include "cgroup/resources/plan.h"
#include "cgroup/resources/resources.h"

/* A limit in bytes; -1 is none, 0 unset. Returns whether there is something to write. */
static bool plan_bytes(struct resources_plan *plan, const struct oci_opt_i64 *bytes,
		       const char *field)
{
	if (!bytes->set || bytes->value == 0)
		return false;
	if (bytes->value < -1) {
		resources_refuse(plan, EINVAL, field,
				 "%" PRId64 " is no number of bytes (-1 means unlimited)",
				 bytes->value);
		return false;
	}
	return true;
}

static void plan_write_bytes(struct resources_plan *plan, const char *file, const char *field,
			     unsigned int flags, int64_t bytes)
{
	if (bytes == -1)
		resources_write(plan, file, field, flags, "%s", plan->v2 ? "max" : "-1");
	else
		resources_write(plan, file, field, flags, "%" PRId64, bytes);
}

int cgroup_swap_max(int64_t swap, int64_t limit, bool *ret_write, int64_t *ret_value,
		    struct error *err)
{
	*ret_write = true;
	*ret_value = -1;
	if (swap == -1)
		return 0;
	if (swap == 0) {
		/* As on v1, where the sum cannot stay limited when a part of it is not. */
		*ret_write = limit == -1;
		return 0;
	}
	if (swap < -1)
		return error_set(err, EINVAL,
				 "%" PRId64 " is no number of bytes (-1 means unlimited)", swap);
	if (limit == 0 || limit == -1)
		return error_set(err, EINVAL,
				 "it limits memory and swap together, so it needs a memory.limit");
	if (swap < limit)
		return error_set(err, EINVAL,
				 "%" PRId64 " (memory and swap together) is less than memory.limit "
				 "%" PRId64,
				 swap, limit);
	*ret_value = swap - limit;
	return 0;
}

/* Whether the limit `a` is larger than `b`; -1 is the largest. */
static bool plan_exceeds(int64_t a, int64_t b)
{
	return b != -1 && (a == -1 || a > b);
}

static unsigned int plan_check_flag(const struct oci_memory *memory)
{
	return memory->check_before_update.value ? CGROUP_WRITE_ABOVE_USAGE : 0;
}

/*
 * memory.max and memory.swap.max. The kernel takes them in any order, but a process must not die
 * for want of room that it is about to get: more swap comes before less memory.
 */
static void plan_limits_v2(struct resources_plan *plan, const struct oci_memory *memory)
{
	const struct oci_memory *whole = plan->whole->memory ? plan->whole->memory : memory;
	int64_t limit = whole->limit.set ? whole->limit.value : 0, swap_max;
	int64_t swap = whole->swap.set ? whole->swap.value : 0;
	bool limited = plan_bytes(plan, &memory->limit, "memory.limit");
	bool write, swap_first;
	unsigned int flags;

	/* Its value is a difference, which a new limit changes too. */
	if (plan->result < 0 || (!limited && !plan_bytes(plan, &memory->swap, "memory.swap")))
		return;
	if (cgroup_swap_max(swap, limit, &write, &swap_max, plan->err) < 0) {
		plan->result = error_at(plan->err, "linux.resources.memory.swap");
		return;
	}
	/* A kernel without swap accounting has no such file: nothing is swapped, or nothing
	 * limited. */
	flags = swap_max <= 0 ? CGROUP_WRITE_OPTIONAL : 0;
	swap_first = write && plan_exceeds(swap_max, plan->bounds->swap);
	if (swap_first)
		plan_write_bytes(plan, "memory.swap.max", "memory.swap", flags, swap_max);
	if (limited)
		plan_write_bytes(plan, "memory.max", "memory.limit", plan_check_flag(memory),
				 limit);
	if (write && !swap_first)
		plan_write_bytes(plan, "memory.swap.max", "memory.swap", flags, swap_max);
}

static void plan_memory_v2(struct resources_plan *plan, const struct oci_memory *memory)
{
	plan_limits_v2(plan, memory);
	if (plan_bytes(plan, &memory->reservation, "memory.reservation"))
		plan_write_bytes(plan, "memory.low", "memory.reservation", 0,
				 memory->reservation.value);
	if (plan_bytes(plan, &memory->kernel, "memory.kernel") && memory->kernel.value != -1)
		resources_refuse_v2(plan, "memory.kernel");
	if (plan_bytes(plan, &memory->kernel_tcp, "memory.kernelTCP") &&
	    memory->kernel_tcp.value != -1)
		resources_refuse_v2(plan, "memory.kernelTCP");
	if (memory->swappiness.set && memory->swappiness.value != UINT64_MAX)
		resources_refuse_v2(plan, "memory.swappiness");
	if (memory->disable_oom_killer.value)
		resources_refuse_v2(plan, "memory.disableOOMKiller");
}

static void plan_swap_v1(struct resources_plan *plan, const struct oci_memory *memory,
			 unsigned int flags)
{
	int64_t limit = memory->limit.set ? memory->limit.value : 0;

	if (plan_bytes(plan, &memory->swap, "memory.swap"))
		plan_write_bytes(plan, "memory.memsw.limit_in_bytes", "memory.swap",
				 flags | (memory->swap.value == -1 ? CGROUP_WRITE_OPTIONAL : 0),
				 memory->swap.value);
	else if (limit == -1)
		plan_write_bytes(plan, "memory.memsw.limit_in_bytes", "memory.limit",
				 flags | CGROUP_WRITE_OPTIONAL, -1);
}

/* memory.limit_in_bytes <= memory.memsw.limit_in_bytes at every moment. */
static void plan_limits_v1(struct resources_plan *plan, const struct oci_memory *memory)
{
	int64_t limit = memory->limit.set ? memory->limit.value : 0;
	bool limited = plan_bytes(plan, &memory->limit, "memory.limit");
	bool both = limited && ((memory->swap.set && memory->swap.value != 0) || limit == -1);
	unsigned int order = both ? CGROUP_WRITE_OR_AFTER_NEXT : 0;
	bool swap_first = both && plan_exceeds(limit, plan->bounds->swap);

	if (swap_first)
		plan_swap_v1(plan, memory, order);
	if (limited)
		plan_write_bytes(plan, "memory.limit_in_bytes", "memory.limit",
				 plan_check_flag(memory) | (swap_first ? 0 : order), limit);
	if (!swap_first)
		plan_swap_v1(plan, memory, 0);
}

static void plan_memory_v1(struct resources_plan *plan, const struct oci_memory *memory)
{
	plan_limits_v1(plan, memory);
	if (plan_bytes(plan, &memory->reservation, "memory.reservation"))
		plan_write_bytes(plan, "memory.soft_limit_in_bytes", "memory.reservation", 0,
				 memory->reservation.value);
	/* Unlimited is what a new cgroup has, and newer kernels take no other value for `kernel`.
	 */
	if (plan_bytes(plan, &memory->kernel, "memory.kernel"))
		plan_write_bytes(plan, "memory.kmem.limit_in_bytes", "memory.kernel",
				 memory->kernel.value == -1 ? CGROUP_WRITE_OPTIONAL : 0,
				 memory->kernel.value);
	if (plan_bytes(plan, &memory->kernel_tcp, "memory.kernelTCP"))
		plan_write_bytes(plan, "memory.kmem.tcp.limit_in_bytes", "memory.kernelTCP",
				 memory->kernel_tcp.value == -1 ? CGROUP_WRITE_OPTIONAL : 0,
				 memory->kernel_tcp.value);
	if (memory->swappiness.set && memory->swappiness.value != UINT64_MAX)
		resources_write(plan, "memory.swappiness", "memory.swappiness", 0, "%" PRIu64,
				memory->swappiness.value);
	if (memory->disable_oom_killer.set)
		resources_write(plan, "memory.oom_control", "memory.disableOOMKiller", 0, "%d",
				memory->disable_oom_killer.value);
}

void resources_add_memory(struct resources_plan *plan, const struct oci_memory *memory)
{
	if (plan->v2)
		plan_memory_v2(plan, memory);
	else
		plan_memory_v1(plan, memory);
	/* Both have only the hierarchical one: v1 since Linux 5.11. */
	if (memory->use_hierarchy.set && !memory->use_hierarchy.value)
		resources_refuse(plan, ENOTSUP, "memory.useHierarchy",
				 "this kernel always counts the memory of child cgroups");
}
