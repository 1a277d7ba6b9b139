/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/resctrl/statistics.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/text.h"

#define RESCTRL_SCHEMATA_MAX (1U << 20)

void resctrl_statistics_clear(struct resctrl_statistics *statistics)
{
	free(statistics->l3_mask);
	free(statistics->root_schemata);
	free(statistics->schemata);
	free(statistics->nodes);
	*statistics = (struct resctrl_statistics){.known = false};
}

const char *resctrl_schema_line(const char *schemata, const char *resource, size_t *ret_length)
{
	size_t length = strlen(resource);

	for (const char *line = schemata; *line;) {
		const char *start = line + strspn(line, " \t");
		size_t n = strcspn(start, "\n");

		if (n > length && strncmp(start, resource, length) == 0 && start[length] == ':') {
			*ret_length = n;
			return start;
		}
		line = start + n;
		line += *line == '\n';
	}
	return NULL;
}

/* 0 where it is not there, or the hardware has no number just now ("Unavailable"). */
static uint64_t resctrl_number(int dir, const char *name)
{
	char text[64];
	uint64_t value;

	if (io_read_small(dir, name, text, sizeof(text)) <= 0 || text_parse_u64(text, &value) < 0)
		return 0;
	return value;
}

static int resctrl_read_info(int root, struct resctrl_statistics *statistics, struct error *err)
{
	char text[256];

	statistics->has_l3 = faccessat(root, "info/L3", F_OK, 0) == 0;
	statistics->has_mb = faccessat(root, "info/MB", F_OK, 0) == 0;
	if (io_read_small(root, "info/L3/cbm_mask", text, sizeof(text)) > 0) {
		statistics->l3_mask = strdup(text);
		if (!statistics->l3_mask)
			return error_errno(err, ENOMEM, "resctrl");
	}
	statistics->l3_min_bits = resctrl_number(root, "info/L3/min_cbm_bits");
	statistics->l3_classes = resctrl_number(root, "info/L3/num_closids");
	statistics->mb_granularity = resctrl_number(root, "info/MB/bandwidth_gran");
	statistics->mb_linear = resctrl_number(root, "info/MB/delay_linear");
	statistics->mb_minimum = resctrl_number(root, "info/MB/min_bandwidth");
	statistics->mb_classes = resctrl_number(root, "info/MB/num_closids");
	if (io_read_small(root, "info/L3_MON/mon_features", text, sizeof(text)) > 0) {
		statistics->has_bandwidth_monitoring =
			strstr(text, "mbm_total_bytes") || strstr(text, "mbm_local_bytes");
		statistics->has_cache_monitoring = strstr(text, "llc_occupancy") != NULL;
	}
	return 0;
}

static int resctrl_read_node(int data, const char *name, struct resctrl_statistics *statistics)
{
	auto_close int dir = openat(data, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct resctrl_node *nodes;

	if (dir < 0)
		return errno == ENOENT ? 0 : -errno;
	nodes = reallocarray(statistics->nodes, statistics->node_count + 1, sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	statistics->nodes = nodes;
	nodes[statistics->node_count++] = (struct resctrl_node){
		.total_bytes = resctrl_number(dir, "mbm_total_bytes"),
		.local_bytes = resctrl_number(dir, "mbm_local_bytes"),
		.occupancy = resctrl_number(dir, "llc_occupancy"),
	};
	return 0;
}

/* mon_data/mon_L3_00, mon_L3_01 ... by name. */
static int resctrl_read_nodes(const char *group, struct resctrl_statistics *statistics,
			      struct error *err)
{
	struct dirent **entries = NULL;
	auto_close int dir = -EBADF;
	char path[4200];
	int count, r = 0;

	(void)snprintf(path, sizeof(path), "%s/mon_data", group);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return errno == ENOENT ? 0 : error_errno(err, errno, "open %s", path);
	count = scandir(path, &entries, NULL, alphasort);
	if (count < 0)
		return error_errno(err, errno, "read %s", path);
	for (int i = 0; i < count; i++) {
		if (r == 0 && strncmp(entries[i]->d_name, "mon_", strlen("mon_")) == 0)
			r = resctrl_read_node(dir, entries[i]->d_name, statistics);
		free(entries[i]);
	}
	free(entries);
	return r < 0 ? error_errno(err, -r, "read %s", path) : 0;
}

static int resctrl_read_schemata(const char *directory, char **ret_text, struct error *err)
{
	auto_close int dir = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = dir < 0 ? -errno
			: io_read_file(dir, "schemata", 0, RESCTRL_SCHEMATA_MAX, ret_text, NULL);

	return r < 0 ? error_errno(err, -r, "read %s/schemata", directory) : 0;
}

int resctrl_statistics_read(const char *mount_point, const char *group, const char *monitor,
			    struct resctrl_statistics *ret_statistics, struct error *err)
{
	struct resctrl_statistics statistics = {.known = true};
	auto_close int root = open(mount_point, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (root < 0)
		return error_errno(err, errno, "open %s", mount_point);
	r = resctrl_read_info(root, &statistics, err);
	if (r == 0)
		r = resctrl_read_schemata(mount_point, &statistics.root_schemata, err);
	if (r == 0)
		r = resctrl_read_schemata(group, &statistics.schemata, err);
	if (r == 0 && (statistics.has_bandwidth_monitoring || statistics.has_cache_monitoring))
		r = resctrl_read_nodes(monitor ? monitor : group, &statistics, err);
	if (r < 0)
		resctrl_statistics_clear(&statistics);
	else
		*ret_statistics = statistics;
	return r;
}
