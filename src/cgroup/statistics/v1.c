/* SPDX-License-Identifier: Apache-2.0 */
/* The counters of cgroup v1. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "cgroup/statistics/read.h"

#define NANOSECONDS_PER_SECOND UINT64_C(1000000000)

/* The product would be too large after five years of one CPU, which is a month of sixty. */
static uint64_t v1_nanoseconds(uint64_t ticks)
{
	uint64_t second = (uint64_t)sysconf(_SC_CLK_TCK);

	return ticks / second * NANOSECONDS_PER_SECOND +
	       ticks % second * NANOSECONDS_PER_SECOND / second;
}

/* cpuacct.stat: clock ticks. */
static int v1_parse_ticks(const char *text, void *target)
{
	struct statistics_cpu *cpu = target;
	uint64_t user, kernel;

	if (tree_parse_key(text, "user", &user) == 0)
		cpu->user = v1_nanoseconds(user);
	if (tree_parse_key(text, "system", &kernel) == 0)
		cpu->kernel = v1_nanoseconds(kernel);
	return 0;
}

static int v1_parse_throttling(const char *text, void *target)
{
	struct statistics_cpu *cpu = target;

	(void)tree_parse_key(text, "nr_periods", &cpu->periods);
	(void)tree_parse_key(text, "nr_throttled", &cpu->throttled_periods);
	(void)tree_parse_key(text, "throttled_time", &cpu->throttled_time);
	return 0;
}

static int v1_parse_usage_all(const char *text, void *target)
{
	struct statistics_cpu *cpu = target;

	return statistics_parse_usage_all(text, &cpu->percpu_user, &cpu->percpu_kernel);
}

static int v1_parse_signed(const char *text, void *target)
{
	char number[32];

	(void)snprintf(number, sizeof(number), "%.*s", (int)strcspn(text, "\n"), text);
	return text_parse_i64(number, target) < 0 ? -EBADMSG : 0;
}

static int v1_parse_blkio(const char *text, void *target)
{
	return statistics_parse_blkio(text, target);
}

static void v1_cpu(const struct cgroup *cgroup, struct statistics_reading *reading)
{
	struct statistics_cpu *cpu = &reading->statistics->cpu;

	reading->member = cgroup_member_find(cgroup, "cpuacct");
	statistics_read_u64(reading, "cpuacct.usage", &cpu->total);
	statistics_read(reading, "cpuacct.stat", v1_parse_ticks, cpu);
	statistics_read(reading, "cpuacct.usage_percpu", statistics_into_numbers, &cpu->percpu);
	statistics_read(reading, "cpuacct.usage_all", v1_parse_usage_all, cpu);
	reading->member = cgroup_member_find(cgroup, "cpu");
	statistics_read(reading, "cpu.stat", v1_parse_throttling, cpu);
}

static void v1_cpuset(const struct cgroup *cgroup, struct statistics_reading *reading)
{
	struct statistics_cpuset *cpuset = &reading->statistics->cpuset;

	reading->member = cgroup_member_find(cgroup, "cpuset");
	statistics_read(reading, "cpuset.cpus", statistics_into_list, &cpuset->cpus);
	statistics_read(reading, "cpuset.mems", statistics_into_list, &cpuset->mems);
	statistics_read_u64(reading, "cpuset.cpu_exclusive", &cpuset->cpu_exclusive);
	statistics_read_u64(reading, "cpuset.mem_hardwall", &cpuset->mem_hardwall);
	statistics_read_u64(reading, "cpuset.mem_exclusive", &cpuset->mem_exclusive);
	statistics_read_u64(reading, "cpuset.memory_migrate", &cpuset->memory_migrate);
	statistics_read_u64(reading, "cpuset.memory_spread_page", &cpuset->memory_spread_page);
	statistics_read_u64(reading, "cpuset.memory_spread_slab", &cpuset->memory_spread_slab);
	statistics_read_u64(reading, "cpuset.memory_pressure", &cpuset->memory_pressure);
	statistics_read_u64(reading, "cpuset.sched_load_balance", &cpuset->sched_load_balance);
	statistics_read(reading, "cpuset.sched_relax_domain_level", v1_parse_signed,
			&cpuset->sched_relax_domain_level);
}

/* What the kernel tells of each thing that it counts pages of (struct page_counter). */
static const char *const v1_page_files[] = {"usage_in_bytes", "max_usage_in_bytes", "failcnt",
					    "limit_in_bytes"};

/* The files that begin with `name`, into as many values; one that is not there leaves its value. */
static void v1_pages(struct statistics_reading *reading, const char *name, uint64_t *const values[],
		     size_t count)
{
	char file[64];

	for (size_t i = 0; i < count; i++) {
		(void)snprintf(file, sizeof(file), "%s.%s", name, v1_page_files[i]);
		statistics_read_u64(reading, file, values[i]);
	}
}

static void v1_memory_entry(struct statistics_reading *reading, const char *name,
			    struct statistics_memory_entry *entry)
{
	uint64_t *const values[] = {&entry->usage, &entry->max, &entry->failcnt, &entry->limit};

	v1_pages(reading, name, values, array_size(values));
}

static void v1_memory(const struct cgroup *cgroup, struct statistics_reading *reading)
{
	struct statistics_memory *memory = &reading->statistics->memory;

	reading->member = cgroup_member_find(cgroup, "memory");
	statistics_read(reading, "memory.stat", statistics_into_counters, &memory->raw);
	memory->cache = statistics_counter(&memory->raw, "cache");
	v1_memory_entry(reading, "memory", &memory->usage);
	v1_memory_entry(reading, "memory.memsw", &memory->swap);
	v1_memory_entry(reading, "memory.kmem", &memory->kernel);
	v1_memory_entry(reading, "memory.kmem.tcp", &memory->kernel_tcp);
}

/*
 * Which files there are depends on the I/O scheduler. Of each family all files are read; the first
 * family whose count of operations has anything is the one in use.
 */
struct v1_io_family {
	const char *prefix, *suffix;
	bool all; /* or only the two that every family has */
};
static const struct v1_io_family v1_io_families[] = {
	{"blkio.bfq.", "_recursive", true},
	{"blkio.", "_recursive", true},
	{"blkio.throttle.", "_recursive", false},
	{"blkio.throttle.", "", false},
};
static const char *const v1_io_names[] = {
	[STATISTICS_IO_BYTES] = "io_service_bytes",
	[STATISTICS_IO_SERVICED] = "io_serviced",
	[STATISTICS_IO_QUEUED] = "io_queued",
	[STATISTICS_IO_SERVICE_TIME] = "io_service_time",
	[STATISTICS_IO_WAIT_TIME] = "io_wait_time",
	[STATISTICS_IO_MERGED] = "io_merged",
	[STATISTICS_IO_TIME] = "time",
	[STATISTICS_IO_SECTORS] = "sectors",
};

static void v1_io(const struct cgroup *cgroup, struct statistics_reading *reading)
{
	struct statistics_io *io = &reading->statistics->io;
	char file[64];

	reading->member = cgroup_member_find(cgroup, "blkio");
	for (size_t f = 0; f < array_size(v1_io_families); f++) {
		const struct v1_io_family *family = &v1_io_families[f];

		for (size_t i = 0; i < array_size(v1_io_names); i++) {
			if (!family->all && i != STATISTICS_IO_BYTES && i != STATISTICS_IO_SERVICED)
				continue;
			(void)snprintf(file, sizeof(file), "%s%s%s", family->prefix, v1_io_names[i],
				       family->suffix);
			statistics_read(reading, file, v1_parse_blkio, &io->kinds[i]);
		}
		if (io->kinds[STATISTICS_IO_SERVICED].count > 0)
			return;
	}
}

static void v1_hugetlb(const struct cgroup *cgroup, struct statistics_reading *reading)
{
	reading->member = cgroup_member_find(cgroup, "hugetlb");
	statistics_find_page_sizes(reading, ".usage_in_bytes");
	for (size_t i = 0; i < reading->statistics->hugetlb_count; i++) {
		struct statistics_hugetlb *entry = &reading->statistics->hugetlb[i];
		uint64_t *const values[] = {&entry->usage, &entry->max, &entry->failcnt};
		char name[48];

		(void)snprintf(name, sizeof(name), "hugetlb.%s", entry->page_size);
		v1_pages(reading, name, values, array_size(values));
		/* What is reserved counts where the kernel knows it, as the limit does. */
		(void)snprintf(name, sizeof(name), "hugetlb.%s.rsvd", entry->page_size);
		v1_pages(reading, name, values, array_size(values));
	}
}

/* The pressure on a hybrid host is known to its cgroup2, whoever has the controllers. */
static void v1_pressure(const struct cgroup *cgroup, struct statistics_reading *reading)
{
	struct cgroup_statistics *statistics = reading->statistics;

	reading->member = cgroup_member_find(cgroup, "");
	statistics_read(reading, "cpu.pressure", statistics_into_psi, &statistics->cpu.psi);
	statistics_read(reading, "memory.pressure", statistics_into_psi, &statistics->memory.psi);
	statistics_read(reading, "io.pressure", statistics_into_psi, &statistics->io.psi);
}

void statistics_read_v1(const struct cgroup *cgroup, struct statistics_reading *reading)
{
	struct cgroup_statistics *statistics = reading->statistics;

	v1_cpu(cgroup, reading);
	v1_cpuset(cgroup, reading);
	v1_memory(cgroup, reading);
	v1_io(cgroup, reading);
	v1_hugetlb(cgroup, reading);
	reading->member = cgroup_member_find(cgroup, "pids");
	statistics_read_u64(reading, "pids.current", &statistics->pids);
	statistics_read_u64(reading, "pids.max", &statistics->pids_limit);
	if (statistics->pids_limit == UINT64_MAX)
		statistics->pids_limit = 0;
	v1_pressure(cgroup, reading);
}
