/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "cgroup/statistics/read.h"

/* memory.stat has some KiB, io.stat a line for each of perhaps thousands of disks. */
#define STATISTICS_FILE_MAX (4u << 20)

void cgroup_statistics_clear(struct cgroup_statistics *statistics)
{
	struct statistics_counters *raw = &statistics->memory.raw;

	free(statistics->cpu.percpu.items);
	free(statistics->cpu.percpu_kernel.items);
	free(statistics->cpu.percpu_user.items);
	free(statistics->cpuset.cpus.items);
	free(statistics->cpuset.mems.items);
	for (size_t i = 0; i < raw->count; i++)
		free(raw->items[i].name);
	free(raw->items);
	for (size_t i = 0; i < array_size(statistics->io.kinds); i++)
		free(statistics->io.kinds[i].items);
	free(statistics->hugetlb);
	*statistics = CGROUP_STATISTICS_INIT;
}

int statistics_into_counters(const char *text, void *target)
{
	return statistics_parse_counters(text, target);
}

int statistics_into_psi(const char *text, void *target)
{
	return statistics_parse_psi(text, target);
}

int statistics_into_numbers(const char *text, void *target)
{
	return statistics_parse_numbers(text, target);
}

int statistics_into_list(const char *text, void *target)
{
	return statistics_parse_list(text, target);
}

/* Controllers that are off, counters of newer kernels, PSI that is switched off. */
static bool statistics_is_absent(int number)
{
	return number == -ENOENT || number == -EOPNOTSUPP;
}

void statistics_read(struct statistics_reading *reading, const char *file,
		     statistics_parse_fn *parse, void *target)
{
	auto_free char *text = NULL;
	int r;

	if (reading->result < 0 || !reading->member || reading->member->node.fd < 0)
		return;
	r = io_read_file(reading->member->node.fd, file, O_NOFOLLOW, STATISTICS_FILE_MAX, &text,
			 NULL);
	if (statistics_is_absent(r))
		return;
	if (r == 0)
		r = parse(text, target);
	if (r == -EBADMSG)
		reading->result = error_set(reading->err, EBADMSG, "%s of cgroup %s makes no sense",
					    file, reading->member->directory);
	else if (r < 0)
		reading->result = error_errno(reading->err, -r, "read %s of cgroup %s", file,
					      reading->member->directory);
}

void statistics_read_u64(struct statistics_reading *reading, const char *file, uint64_t *ret_value)
{
	int r;

	if (reading->result < 0 || !reading->member || reading->member->node.fd < 0)
		return;
	r = tree_read_u64(reading->member->node.fd, file, ret_value);
	if (r < 0 && !statistics_is_absent(r))
		reading->result = error_errno(reading->err, -r, "read %s of cgroup %s", file,
					      reading->member->directory);
}

static int hugetlb_compare(const void *a, const void *b)
{
	return strcmp(((const struct statistics_hugetlb *)a)->page_size,
		      ((const struct statistics_hugetlb *)b)->page_size);
}

static int hugetlb_add(struct cgroup_statistics *statistics, const char *size, size_t length)
{
	struct statistics_hugetlb *items =
		reallocarray(statistics->hugetlb, statistics->hugetlb_count + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	statistics->hugetlb = items;
	items[statistics->hugetlb_count] = (struct statistics_hugetlb){.usage = 0};
	memcpy(items[statistics->hugetlb_count++].page_size, size, length);
	return 0;
}

void statistics_find_page_sizes(struct statistics_reading *reading, const char *suffix)
{
	struct cgroup_statistics *statistics = reading->statistics;
	struct dirent *entry;
	int fd, r = 0;
	DIR *dir;

	if (reading->result < 0 || !reading->member || reading->member->node.fd < 0)
		return;
	fd = openat(reading->member->node.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		reading->result = error_errno(reading->err, errno, "read cgroup %s",
					      reading->member->directory);
		fd_close(fd);
		return;
	}
	while (r == 0 && (entry = readdir(dir))) {
		static const char prefix[] = "hugetlb.";
		const char *size = entry->d_name + sizeof(prefix) - 1;
		size_t length = strncmp(entry->d_name, prefix, sizeof(prefix) - 1) == 0
					? strcspn(size, ".")
					: 0;

		if (length > 0 && length < sizeof(statistics->hugetlb->page_size) &&
		    strcmp(size + length, suffix) == 0)
			r = hugetlb_add(statistics, size, length);
	}
	closedir(dir);
	if (r < 0)
		reading->result =
			error_errno(reading->err, -r, "read cgroup %s", reading->member->directory);
	if (statistics->hugetlb_count)
		qsort(statistics->hugetlb, statistics->hugetlb_count, sizeof(*statistics->hugetlb),
		      hugetlb_compare);
}

int cgroup_statistics_read(const struct cgroup *cgroup, struct cgroup_statistics *ret_statistics,
			   struct error *err)
{
	struct statistics_reading reading = {.statistics = ret_statistics, .err = err};

	*ret_statistics = CGROUP_STATISTICS_INIT;
	if (cgroup_is_absent(cgroup)) {
		error_set(err, ENOTSUP, "the container has no cgroup, which counts what it uses");
		return error_hint(err,
				  "it was created with --cgroup-manager=disabled, or without the "
				  "right to make one");
	}
	if (cgroup_is_gone(cgroup))
		return error_set(err, ENODEV, "the container's cgroup is gone");
	cgroup->backend->statistics(cgroup, &reading);
	if (reading.result < 0)
		cgroup_statistics_clear(ret_statistics);
	return reading.result;
}
