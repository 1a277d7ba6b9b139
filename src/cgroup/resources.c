/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/resources.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "cgroup/resources-plan.h"

void cgroup_writes_clear(struct cgroup_writes *writes)
{
	for (size_t i = 0; i < writes->count; i++)
		free(writes->items[i].value);
	free(writes->items);
	*writes = (struct cgroup_writes){0};
}

static struct cgroup_write *plan_grow(struct resources_plan *plan)
{
	struct cgroup_writes *writes = &plan->writes;

	if (writes->count == writes->size) {
		size_t size = writes->size ? writes->size * 2 : 16;
		struct cgroup_write *items = realloc(writes->items, size * sizeof(*items));

		if (!items) {
			plan->result = error_errno(plan->err, ENOMEM, "plan the cgroup's limits");
			return NULL;
		}
		writes->items = items;
		writes->size = size;
	}
	return &writes->items[writes->count];
}

void resources_write(struct resources_plan *plan, const char *file, const char *field,
		     unsigned int flags, const char *format, ...)
{
	struct cgroup_write *write;
	va_list args;
	int n;

	if (plan->result < 0)
		return;
	write = plan_grow(plan);
	if (!write)
		return;
	*write = (struct cgroup_write){.flags = flags};
	(void)snprintf(write->file, sizeof(write->file), "%s", file);
	(void)snprintf(write->field, sizeof(write->field), "linux.resources.%s", field);
	(void)snprintf(write->controller, sizeof(write->controller), "%.*s",
		       (int)strcspn(file, "."), file);
	va_start(args, format);
	n = vasprintf(&write->value, format, args);
	va_end(args);
	if (n < 0) {
		plan->result = error_errno(plan->err, ENOMEM, "plan the cgroup's limits");
		return;
	}
	plan->writes.count++;
}

void resources_refuse(struct resources_plan *plan, int number, const char *field,
		      const char *format, ...)
{
	char message[512];
	va_list args;

	if (plan->result < 0)
		return;
	va_start(args, format);
	(void)vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	error_set(plan->err, number, "%s", message);
	plan->result = error_at(plan->err, "linux.resources.%s", field);
}

void resources_refuse_v2(struct resources_plan *plan, const char *field)
{
	if (plan->result < 0)
		return;
	resources_refuse(plan, ENOTSUP, field, "cgroup v2 has nothing like it");
	(void)error_hint(plan->err,
			 "take it out of the configuration, or use a host with cgroup v1");
}

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

static void plan_memory_v2(struct resources_plan *plan, const struct oci_memory *memory)
{
	int64_t limit = memory->limit.set ? memory->limit.value : 0;
	int64_t swap = memory->swap.set ? memory->swap.value : 0, swap_max;
	unsigned int check = memory->check_before_update.value ? CGROUP_WRITE_ABOVE_USAGE : 0;
	bool write;

	if (plan_bytes(plan, &memory->limit, "memory.limit"))
		plan_write_bytes(plan, "memory.max", "memory.limit", check, limit);
	if (plan->result < 0)
		return;
	if (cgroup_swap_max(swap, limit, &write, &swap_max, plan->err) < 0) {
		plan->result = error_at(plan->err, "linux.resources.memory.swap");
		return;
	}
	/* A kernel without swap accounting has no such file: nothing is swapped, or nothing
	 * limited. */
	if (write)
		plan_write_bytes(plan, "memory.swap.max", "memory.swap",
				 swap_max <= 0 ? CGROUP_WRITE_OPTIONAL : 0, swap_max);
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

static void plan_memory_v1(struct resources_plan *plan, const struct oci_memory *memory)
{
	int64_t limit = memory->limit.set ? memory->limit.value : 0;
	unsigned int flags = memory->check_before_update.value ? CGROUP_WRITE_ABOVE_USAGE : 0;
	bool swap = plan_bytes(plan, &memory->swap, "memory.swap");

	/* limit <= memsw.limit at every moment. */
	if (plan_bytes(plan, &memory->limit, "memory.limit"))
		plan_write_bytes(plan, "memory.limit_in_bytes", "memory.limit",
				 flags | (swap || limit == -1 ? CGROUP_WRITE_OR_AFTER_NEXT : 0),
				 limit);
	if (swap)
		plan_write_bytes(plan, "memory.memsw.limit_in_bytes", "memory.swap",
				 memory->swap.value == -1 ? CGROUP_WRITE_OPTIONAL : 0,
				 memory->swap.value);
	else if (limit == -1)
		plan_write_bytes(plan, "memory.memsw.limit_in_bytes", "memory.limit",
				 CGROUP_WRITE_OPTIONAL, -1);
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

static void plan_memory(struct resources_plan *plan, const struct oci_memory *memory)
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

/*
 * log2 and 10^x by their series: they are all that would need libm, which costs the dynamic build a
 * library at each start. Exact to some 1e-14 in the range used.
 */
static double weight_log2(uint64_t value)
{
	int exponent = 63 - __builtin_clzll(value);
	double mantissa = (double)value / (double)(1ull << exponent);
	double z = (mantissa - 1) / (mantissa + 1), power = z, sum = 0;

	for (int k = 1; k < 40; k += 2) {
		sum += power / k;
		power *= z * z;
	}
	return exponent + 2 * sum / 0.69314718055994530942;
}

static double weight_exp10(double x)
{
	double t = x * 2.30258509299404568402 / 16, term = 1, sum = 1;

	for (int k = 1; k < 24; k++) {
		term *= t / k;
		sum += term;
	}
	for (int i = 0; i < 4; i++)
		sum *= sum;
	return sum;
}

unsigned int cgroup_cpu_weight(uint64_t shares)
{
	double l, weight;
	unsigned int floor;

	if (shares <= 2)
		return 1;
	if (shares >= 262144)
		return 10000;
	l = weight_log2(shares);
	weight = weight_exp10((l * l + 125 * l - 126) / 612);
	/* Rounded up, but what is whole but for the series' own error stays (1024 gives 100). */
	floor = (unsigned int)(weight + 1e-9);
	return weight - floor > 1e-9 ? floor + 1 : floor;
}

static void plan_cpu_v2(struct resources_plan *plan, const struct oci_cpu *cpu)
{
	bool quota = cpu->quota.set && cpu->quota.value != 0;
	bool period = cpu->period.set && cpu->period.value != 0;
	bool idle = cpu->idle.set && cpu->idle.value != 0;
	unsigned int order = cpu->burst.set ? CGROUP_WRITE_OR_AFTER_NEXT : 0;
	char max[32] = "max";

	if (cpu->idle.set)
		resources_write(plan, "cpu.idle", "cpu.idle", 0, "%" PRId64, cpu->idle.value);
	/* An idle group has the least weight there is, and the kernel refuses another. */
	if (cpu->shares.set && cpu->shares.value != 0 && !idle)
		resources_write(plan, "cpu.weight", "cpu.shares", 0, "%u",
				cgroup_cpu_weight(cpu->shares.value));
	if (quota && cpu->quota.value > 0)
		(void)snprintf(max, sizeof(max), "%" PRId64, cpu->quota.value);
	/* The period stays as it is when it is not written: 100000 at first. */
	if (period)
		resources_write(plan, "cpu.max", quota ? "cpu.quota" : "cpu.period", order,
				"%s %" PRIu64, max, cpu->period.value);
	else if (quota)
		resources_write(plan, "cpu.max", "cpu.quota", order, "%s", max);
	if (cpu->burst.set)
		resources_write(plan, "cpu.max.burst", "cpu.burst", 0, "%" PRIu64,
				cpu->burst.value);
	if (cpu->realtime_runtime.set && cpu->realtime_runtime.value != 0)
		resources_refuse_v2(plan, "cpu.realtimeRuntime");
	if (cpu->realtime_period.set && cpu->realtime_period.value != 0)
		resources_refuse_v2(plan, "cpu.realtimePeriod");
}

static void plan_cpu_v1(struct resources_plan *plan, const struct oci_cpu *cpu)
{
	bool quota = cpu->quota.set && cpu->quota.value != 0;
	bool period = cpu->period.set && cpu->period.value != 0;
	bool idle = cpu->idle.set && cpu->idle.value != 0;
	bool runtime = cpu->realtime_runtime.set && cpu->realtime_runtime.value != 0;

	if (cpu->idle.set)
		resources_write(plan, "cpu.idle", "cpu.idle", 0, "%" PRId64, cpu->idle.value);
	if (cpu->shares.set && cpu->shares.value != 0 && !idle)
		resources_write(plan, "cpu.shares", "cpu.shares", 0, "%" PRIu64, cpu->shares.value);
	/* Bandwidth must fit into the parent's after each single write. */
	if (period)
		resources_write(plan, "cpu.cfs_period_us", "cpu.period",
				quota ? CGROUP_WRITE_OR_AFTER_NEXT : 0, "%" PRIu64,
				cpu->period.value);
	if (quota)
		resources_write(plan, "cpu.cfs_quota_us", "cpu.quota",
				cpu->burst.set ? CGROUP_WRITE_OR_AFTER_NEXT : 0, "%" PRId64,
				cpu->quota.value > 0 ? cpu->quota.value : -1);
	if (cpu->burst.set)
		resources_write(plan, "cpu.cfs_burst_us", "cpu.burst", 0, "%" PRIu64,
				cpu->burst.value);
	if (cpu->realtime_period.set && cpu->realtime_period.value != 0)
		resources_write(plan, "cpu.rt_period_us", "cpu.realtimePeriod",
				runtime ? CGROUP_WRITE_OR_AFTER_NEXT : 0, "%" PRIu64,
				cpu->realtime_period.value);
	if (runtime)
		resources_write(plan, "cpu.rt_runtime_us", "cpu.realtimeRuntime", 0, "%" PRId64,
				cpu->realtime_runtime.value);
}

static void plan_cpu(struct resources_plan *plan, const struct oci_cpu *cpu)
{
	if (plan->v2)
		plan_cpu_v2(plan, cpu);
	else
		plan_cpu_v1(plan, cpu);
	if (cpu->mems && cpu->mems[0])
		resources_write(plan, "cpuset.mems", "cpu.mems", 0, "%s", cpu->mems);
	if (cpu->cpus && cpu->cpus[0])
		resources_write(plan, "cpuset.cpus", "cpu.cpus", 0, "%s", cpu->cpus);
}

static void plan_pids(struct resources_plan *plan, const struct oci_pids *pids)
{
	if (!pids->limit.set)
		return;
	if (pids->limit.value < 0)
		resources_write(plan, "pids.max", "pids.limit", 0, "max");
	else
		/* 0 forbids init itself to be cloned into the cgroup. With init in it, 1 is the
		 * same. */
		resources_write(plan, "pids.max", "pids.limit", 0, "%" PRId64,
				pids->limit.value ? pids->limit.value : 1);
}

/* Files that move, stop or kill processes: no limits, and of no use to a container about to start.
 */
static bool unified_is_action(const char *key)
{
	static const char *const actions[] = {"cgroup.procs", "cgroup.threads", "cgroup.kill",
					      "cgroup.freeze", "cgroup.type"};

	for (size_t i = 0; i < array_size(actions); i++)
		if (strcmp(key, actions[i]) == 0)
			return true;
	return false;
}

static void plan_unified(struct resources_plan *plan, const struct oci_string_pair *pair)
{
	const char *key = pair->key, *line = pair->value;
	char field[160];

	(void)snprintf(field, sizeof(field), "unified[\"%s\"]", key);
	if (!plan->v2)
		resources_refuse(plan, ENOTSUP, field,
				 "this host has cgroup v1, unified is for cgroup v2");
	else if (key[0] == '\0' || strchr(key, '/') || !strchr(key, '.') || key[0] == '.' ||
		 strlen(key) >= sizeof(((struct cgroup_write *)0)->file))
		resources_refuse(plan, EINVAL, field, "\"%s\" is not the name of a cgroup file",
				 key);
	else if (unified_is_action(key))
		resources_refuse(plan, EINVAL, field, "%s sets no limit", key);
	if (plan->result < 0)
		return;
	/* Nested keys (io.max) take one line at a write. */
	do {
		size_t n = strcspn(line, "\n");

		if (n > 0 || *pair->value == '\0')
			resources_write(plan, key, field, 0, "%.*s", (int)n, line);
		line += n;
		line += *line == '\n';
	} while (*line);
}

int cgroup_resources_plan(const struct oci_resources *resources, bool v2,
			  struct cgroup_writes *ret_writes, struct error *err)
{
	struct resources_plan plan = {.v2 = v2, .err = err};

	if (resources) {
		if (resources->memory)
			plan_memory(&plan, resources->memory);
		if (resources->cpu)
			plan_cpu(&plan, resources->cpu);
		if (resources->pids)
			plan_pids(&plan, resources->pids);
		if (resources->block_io)
			resources_add_block_io(&plan, resources->block_io);
		resources_add_hugetlb(&plan, &resources->hugepage_limits);
		if (resources->network)
			resources_add_network(&plan, resources->network);
		resources_add_rdma(&plan, &resources->rdma);
		for (size_t i = 0; i < resources->unified.count; i++)
			plan_unified(&plan, &resources->unified.items[i]);
	}
	if (plan.result < 0) {
		cgroup_writes_clear(&plan.writes);
		return plan.result;
	}
	*ret_writes = plan.writes;
	return 0;
}
