/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container has used: the counters of its cgroup, and the parsers of the files they are in
 * (Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/, accounting/psi.rst). Times are nanoseconds,
 * sizes bytes, UINT64_MAX is unlimited; what the host does not count is 0 or empty.
 */
#ifndef CGROUP_STATISTICS_H
#define CGROUP_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct cgroup;

struct statistics_numbers {
	uint64_t *items;
	size_t count, size;
};

/* "file 4096": a counter by its name. */
struct statistics_counter {
	char *name;
	uint64_t value;
};
struct statistics_counters {
	struct statistics_counter *items; /* sorted by name */
	size_t count, size;
};

/* Pressure stall information. The averages are hundredths of a percent. */
struct statistics_psi_line {
	uint64_t avg10, avg60, avg300;
	uint64_t total; /* microseconds */
};
struct statistics_psi {
	bool known;
	struct statistics_psi_line some, full;
};

struct statistics_cpu {
	uint64_t total, kernel, user;
	struct statistics_numbers percpu, percpu_kernel, percpu_user;
	uint64_t periods, throttled_periods, throttled_time;
	struct statistics_psi psi;
};

struct statistics_cpuset {
	struct statistics_numbers cpus, mems;
	uint64_t cpu_exclusive, mem_exclusive, mem_hardwall, memory_migrate, memory_pressure;
	uint64_t memory_spread_page, memory_spread_slab, sched_load_balance;
	int64_t sched_relax_domain_level;
};

struct statistics_memory_entry {
	uint64_t limit, usage, max, failcnt;
};
struct statistics_memory {
	uint64_t cache;
	/* `swap` is memory and swap together, as on v1. */
	struct statistics_memory_entry usage, swap, kernel, kernel_tcp;
	struct statistics_counters raw;
	struct statistics_psi psi;
};

struct statistics_io_entry {
	uint64_t major, minor, value;
	char op[16]; /* "Read"; "" where there is none */
};
struct statistics_io_entries {
	struct statistics_io_entry *items;
	size_t count, size;
};
/* In the order in which they are told. */
enum statistics_io_kind {
	STATISTICS_IO_BYTES,
	STATISTICS_IO_SERVICED,
	STATISTICS_IO_QUEUED,
	STATISTICS_IO_SERVICE_TIME,
	STATISTICS_IO_WAIT_TIME,
	STATISTICS_IO_MERGED,
	STATISTICS_IO_TIME,
	STATISTICS_IO_SECTORS,
	STATISTICS_IO_COUNT,
};
struct statistics_io {
	struct statistics_io_entries kinds[STATISTICS_IO_COUNT];
	struct statistics_psi psi;
};

struct statistics_hugetlb {
	char page_size[16]; /* "2MB" */
	uint64_t usage, max, failcnt;
};

struct cgroup_statistics {
	struct statistics_cpu cpu;
	struct statistics_cpuset cpuset;
	struct statistics_memory memory;
	struct statistics_io io;
	uint64_t pids, pids_limit;	    /* the limit is 0 when there is none */
	struct statistics_hugetlb *hugetlb; /* sorted by the size's name */
	size_t hugetlb_count;
};
#define CGROUP_STATISTICS_INIT ((struct cgroup_statistics){.hugetlb = NULL})
void cgroup_statistics_clear(struct cgroup_statistics *statistics);

/*
 * Reads all of it. -ENODEV when the cgroup has gone away; -EBADMSG for a file that cannot be
 * understood, which the error names. On failure *ret_statistics is cleared.
 */
int cgroup_statistics_read(const struct cgroup *cgroup, struct cgroup_statistics *ret_statistics,
			   struct error *err);

/*
 * The parsers; pure. Each adds to what is there. They return 0, -EBADMSG for a text that is not of
 * that form, -ENOMEM. What newer kernels may add (lines, keys, columns) is passed over.
 */

/* memory.stat: lines of a name and a number. */
int statistics_parse_counters(const char *text, struct statistics_counters *counters);
/* The value of a counter, or 0. */
uint64_t statistics_counter(const struct statistics_counters *counters, const char *name);
/* cpu.pressure and its like. */
int statistics_parse_psi(const char *text, struct statistics_psi *psi);
/* io.stat of v2: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 ...". */
int statistics_parse_io(const char *text, struct statistics_io *io);
/* blkio.* of v1: "8:0 Read 5", "8:0 5", and a line "Total 5", which is left out. */
int statistics_parse_blkio(const char *text, struct statistics_io_entries *entries);
/* cpuacct.usage_percpu: numbers. */
int statistics_parse_numbers(const char *text, struct statistics_numbers *numbers);
/* cpuacct.usage_all: a heading, and lines "cpu user system". */
int statistics_parse_usage_all(const char *text, struct statistics_numbers *user,
			       struct statistics_numbers *kernel);
/* cpuset.cpus: "0-3,7", the numbers up to 65535. */
int statistics_parse_list(const char *text, struct statistics_numbers *numbers);

#endif
