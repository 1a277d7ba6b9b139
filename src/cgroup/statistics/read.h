/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of v1 and v2 share, and what the backends call. */
#ifndef CGROUP_STATISTICS_READ_H
#define CGROUP_STATISTICS_READ_H

#include "cgroup/backend.h"
#include "cgroup/statistics/statistics.h"

/* A reading. The first failure is kept and stops the rest, so only the end needs a check. */
struct statistics_reading {
	const struct cgroup_member *member; /* whose files are read now; NULL: not on this host */
	struct cgroup_statistics *statistics;
	int result;
	struct error *err;
};

/* Parses the text of a file into `target`; one of statistics.h, for any type. */
typedef int statistics_parse_fn(const char *text, void *target);

/* A file that is not there, or that the kernel does not serve, leaves the target as it is. */
void statistics_read(struct statistics_reading *reading, const char *file,
		     statistics_parse_fn *parse, void *target);
/* A file of one number; "max" is UINT64_MAX. */
void statistics_read_u64(struct statistics_reading *reading, const char *file, uint64_t *ret_value);

/* The parsers of statistics.h behind that type. */
int statistics_into_counters(const char *text, void *target);
int statistics_into_psi(const char *text, void *target);
int statistics_into_numbers(const char *text, void *target);
int statistics_into_list(const char *text, void *target);

/*
 * The page sizes that the directory has files for, from "hugetlb.2MB<suffix>", into
 * statistics->hugetlb.
 */
void statistics_find_page_sizes(struct statistics_reading *reading, const char *suffix);

void statistics_read_v2(const struct cgroup *cgroup, struct statistics_reading *reading);
void statistics_read_v1(const struct cgroup *cgroup, struct statistics_reading *reading);

#endif
