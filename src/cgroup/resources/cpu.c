/* SPDX-License-Identifier: Apache-2.0 */
/* CPU time and CPUs. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "cgroup/resources/plan.h"
#include "cgroup/resources/resources.h"

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

/* 0 is unset, and so is absence. */
static bool plan_is_set(bool set, bool zero)
{
	return set && !zero;
}

/* What is to be written of the bandwidth, and what the kernel wants of its order. */
struct bandwidth {
	bool quota, period, burst;
	/* burst <= quota at every moment; both old and both new values keep to that. */
	bool burst_first;
};

static struct bandwidth plan_bandwidth(const struct resources_plan *plan, const struct oci_cpu *cpu)
{
	struct bandwidth bandwidth = {
		.quota = plan_is_set(cpu->quota.set, cpu->quota.value == 0),
		.period = plan_is_set(cpu->period.set, cpu->period.value == 0),
		.burst = cpu->burst.set,
	};

	bandwidth.burst_first = bandwidth.burst && bandwidth.quota && cpu->quota.value > 0 &&
				(uint64_t)cpu->quota.value < plan->bounds->burst;
	return bandwidth;
}

/* The kernel resets the weight of a group that ceases to be idle, and refuses one for a group that
 * is. Returns the shares to write, or 0. */
static uint64_t plan_shares(struct resources_plan *plan, const struct oci_cpu *cpu)
{
	const struct oci_cpu *whole = plan->whole->cpu ? plan->whole->cpu : cpu;
	bool given = plan_is_set(cpu->shares.set, cpu->shares.value == 0);

	if (cpu->idle.set)
		return cpu->idle.value == 0 && whole->shares.set ? whole->shares.value : 0;
	if (given && plan->bounds->idle) {
		resources_refuse(plan, EINVAL, "cpu.shares",
				 "the cgroup is idle (cpu.idle), and has no weight");
		return 0;
	}
	return given ? cpu->shares.value : 0;
}

static void plan_max(struct resources_plan *plan, const struct oci_cpu *cpu,
		     const struct bandwidth *bandwidth)
{
	const struct oci_cpu *whole = plan->whole->cpu ? plan->whole->cpu : cpu;
	const char *field = bandwidth->quota ? "cpu.quota" : "cpu.period";
	unsigned int order =
		bandwidth->burst && !bandwidth->burst_first ? CGROUP_WRITE_OR_AFTER_NEXT : 0;
	int64_t quota = plan->bounds->quota;
	char max[32] = "max";

	if (plan_is_set(whole->quota.set, whole->quota.value == 0))
		quota = whole->quota.value;
	if (quota > 0)
		(void)snprintf(max, sizeof(max), "%" PRId64, quota);
	/* The period stays as it is when it is not written: 100000 at first. */
	if (plan_is_set(whole->period.set, whole->period.value == 0))
		resources_write(plan, "cpu.max", field, order, "%s %" PRIu64, max,
				whole->period.value);
	else
		resources_write(plan, "cpu.max", field, order, "%s", max);
}

static void plan_burst(struct resources_plan *plan, const struct oci_cpu *cpu, const char *file,
		       unsigned int flags)
{
	resources_write(plan, file, "cpu.burst", flags, "%" PRIu64, cpu->burst.value);
}

static void plan_cpu_v2(struct resources_plan *plan, const struct oci_cpu *cpu)
{
	struct bandwidth bandwidth = plan_bandwidth(plan, cpu);
	uint64_t shares = plan_shares(plan, cpu);

	if (cpu->idle.set)
		resources_write(plan, "cpu.idle", "cpu.idle", 0, "%" PRId64, cpu->idle.value);
	if (shares)
		resources_write(plan, "cpu.weight", "cpu.shares", 0, "%u",
				cgroup_cpu_weight(shares));
	if (bandwidth.burst_first)
		plan_burst(plan, cpu, "cpu.max.burst", CGROUP_WRITE_OR_AFTER_NEXT);
	if (bandwidth.quota || bandwidth.period)
		plan_max(plan, cpu, &bandwidth);
	if (bandwidth.burst && !bandwidth.burst_first)
		plan_burst(plan, cpu, "cpu.max.burst", 0);
	if (plan_is_set(cpu->realtime_runtime.set, cpu->realtime_runtime.value == 0))
		resources_refuse_v2(plan, "cpu.realtimeRuntime");
	if (plan_is_set(cpu->realtime_period.set, cpu->realtime_period.value == 0))
		resources_refuse_v2(plan, "cpu.realtimePeriod");
}

static void plan_quota_v1(struct resources_plan *plan, const struct oci_cpu *cpu,
			  unsigned int flags)
{
	resources_write(plan, "cpu.cfs_quota_us", "cpu.quota", flags, "%" PRId64,
			cpu->quota.value > 0 ? cpu->quota.value : -1);
}

/*
 * The share of time, quota by period, must fit into the parent's after each single write: it is
 * never larger in between than the larger of the old and the new one.
 */
static void plan_bandwidth_v1(struct resources_plan *plan, const struct oci_cpu *cpu)
{
	struct bandwidth bandwidth = plan_bandwidth(plan, cpu);
	const struct cgroup_bounds *now = plan->bounds;
	bool quota_first = bandwidth.quota && bandwidth.period && now->quota != -1 &&
			   cpu->period.value < now->period;
	unsigned int order = CGROUP_WRITE_OR_AFTER_NEXT;

	if (bandwidth.burst_first)
		plan_burst(plan, cpu, "cpu.cfs_burst_us", quota_first ? order : 0);
	if (quota_first)
		plan_quota_v1(plan, cpu, order);
	if (bandwidth.period)
		resources_write(plan, "cpu.cfs_period_us", "cpu.period",
				bandwidth.quota && !quota_first ? order : 0, "%" PRIu64,
				cpu->period.value);
	if (bandwidth.quota && !quota_first)
		plan_quota_v1(plan, cpu, bandwidth.burst && !bandwidth.burst_first ? order : 0);
	if (bandwidth.burst && !bandwidth.burst_first)
		plan_burst(plan, cpu, "cpu.cfs_burst_us", 0);
}

/* runtime <= period at every moment. */
static void plan_realtime_v1(struct resources_plan *plan, const struct oci_cpu *cpu)
{
	bool runtime = plan_is_set(cpu->realtime_runtime.set, cpu->realtime_runtime.value == 0);
	bool period = plan_is_set(cpu->realtime_period.set, cpu->realtime_period.value == 0);
	bool runtime_first = runtime && period && plan->bounds->realtime_runtime > 0 &&
			     cpu->realtime_period.value < (uint64_t)plan->bounds->realtime_runtime;

	if (runtime && runtime_first)
		resources_write(plan, "cpu.rt_runtime_us", "cpu.realtimeRuntime",
				CGROUP_WRITE_OR_AFTER_NEXT, "%" PRId64,
				cpu->realtime_runtime.value);
	if (period)
		resources_write(plan, "cpu.rt_period_us", "cpu.realtimePeriod",
				runtime && !runtime_first ? CGROUP_WRITE_OR_AFTER_NEXT : 0,
				"%" PRIu64, cpu->realtime_period.value);
	if (runtime && !runtime_first)
		resources_write(plan, "cpu.rt_runtime_us", "cpu.realtimeRuntime", 0, "%" PRId64,
				cpu->realtime_runtime.value);
}

static void plan_cpu_v1(struct resources_plan *plan, const struct oci_cpu *cpu)
{
	uint64_t shares = plan_shares(plan, cpu);

	if (cpu->idle.set)
		resources_write(plan, "cpu.idle", "cpu.idle", 0, "%" PRId64, cpu->idle.value);
	if (shares)
		resources_write(plan, "cpu.shares", "cpu.shares", 0, "%" PRIu64, shares);
	plan_bandwidth_v1(plan, cpu);
	plan_realtime_v1(plan, cpu);
}

void resources_add_cpu(struct resources_plan *plan, const struct oci_cpu *cpu)
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
