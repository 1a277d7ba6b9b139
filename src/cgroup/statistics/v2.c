/* SPDX-License-Identifier: Apache-2.0 */
/* The counters of cgroup2, in the terms of v1, which callers know. */
#include <stdio.h>

#include "cgroup/statistics/read.h"

/* "usage_usec" and its like are microseconds. */
#define NANOSECONDS_PER_MICROSECOND 1000

static int v2_parse_cpu(const char *text, void *target)
{
	struct statistics_cpu *cpu = target;
	const struct {
		const char *key;
		uint64_t *value;
		uint64_t factor;
	} rows[] = {
		{"usage_usec", &cpu->total, NANOSECONDS_PER_MICROSECOND},
		{"user_usec", &cpu->user, NANOSECONDS_PER_MICROSECOND},
		{"system_usec", &cpu->kernel, NANOSECONDS_PER_MICROSECOND},
		{"nr_periods", &cpu->periods, 1},
		{"nr_throttled", &cpu->throttled_periods, 1},
		{"throttled_usec", &cpu->throttled_time, NANOSECONDS_PER_MICROSECOND},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t value;

		if (tree_parse_key(text, rows[i].key, &value) == 0)
			*rows[i].value = value * rows[i].factor;
	}
	return 0;
}

/* How often the limit was hit: what v1 calls failcnt. */
static int v2_parse_failcnt(const char *text, void *target)
{
	(void)tree_parse_key(text, "max", target);
	return 0;
}

static int v2_parse_io(const char *text, void *target)
{
	return statistics_parse_io(text, target);
}

static void v2_memory(struct statistics_reading *reading)
{
	struct statistics_memory *memory = &reading->statistics->memory;
	struct statistics_memory_entry swap = {.limit = 0};

	statistics_read(reading, "memory.stat", statistics_into_counters, &memory->raw);
	memory->cache = statistics_counter(&memory->raw, "file");
	statistics_read_u64(reading, "memory.current", &memory->usage.usage);
	statistics_read_u64(reading, "memory.max", &memory->usage.limit);
	statistics_read_u64(reading, "memory.peak", &memory->usage.max);
	statistics_read(reading, "memory.events", v2_parse_failcnt, &memory->usage.failcnt);
	statistics_read_u64(reading, "memory.swap.current", &swap.usage);
	statistics_read_u64(reading, "memory.swap.max", &swap.limit);
	statistics_read(reading, "memory.swap.events", v2_parse_failcnt, &swap.failcnt);
	/* Of the peak of both together nothing is known. */
	memory->swap.failcnt = swap.failcnt;
	memory->swap.usage = memory->usage.usage + swap.usage;
	memory->swap.limit = UINT64_MAX;
	if (swap.limit != UINT64_MAX && memory->usage.limit != UINT64_MAX)
		memory->swap.limit = memory->usage.limit + swap.limit;
	statistics_read(reading, "memory.pressure", statistics_into_psi, &memory->psi);
}

static void v2_hugetlb(struct statistics_reading *reading)
{
	statistics_find_page_sizes(reading, ".current");
	for (size_t i = 0; i < reading->statistics->hugetlb_count; i++) {
		struct statistics_hugetlb *entry = &reading->statistics->hugetlb[i];
		char file[64];

		(void)snprintf(file, sizeof(file), "hugetlb.%s.current", entry->page_size);
		statistics_read_u64(reading, file, &entry->usage);
		/* What is reserved counts, as the limit does: it includes what is used. */
		(void)snprintf(file, sizeof(file), "hugetlb.%s.rsvd.current", entry->page_size);
		statistics_read_u64(reading, file, &entry->usage);
		(void)snprintf(file, sizeof(file), "hugetlb.%s.events", entry->page_size);
		statistics_read(reading, file, v2_parse_failcnt, &entry->failcnt);
	}
}

void statistics_read_v2(const struct cgroup *cgroup, struct statistics_reading *reading)
{
	struct cgroup_statistics *statistics = reading->statistics;

	reading->member = &cgroup->members[0];
	statistics_read_u64(reading, "pids.current", &statistics->pids);
	statistics_read_u64(reading, "pids.max", &statistics->pids_limit);
	if (statistics->pids_limit == UINT64_MAX)
		statistics->pids_limit = 0;
	statistics_read(reading, "cpu.stat", v2_parse_cpu, &statistics->cpu);
	statistics_read(reading, "cpu.pressure", statistics_into_psi, &statistics->cpu.psi);
	statistics_read(reading, "cpuset.cpus.effective", statistics_into_list,
			&statistics->cpuset.cpus);
	statistics_read(reading, "cpuset.mems.effective", statistics_into_list,
			&statistics->cpuset.mems);
	v2_memory(reading);
	statistics_read(reading, "io.stat", v2_parse_io, &statistics->io);
	statistics_read(reading, "io.pressure", statistics_into_psi, &statistics->io.psi);
	v2_hugetlb(reading);
}
