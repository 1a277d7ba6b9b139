/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/systemd/properties.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "cgroup/systemd/value.h"

/* The most CPUs or nodes that a kernel is built for. */
#define PROPERTY_CPUS_MAX 8192
/* systemd's CGROUP_LIMIT_MAX and USEC_INFINITY. */
#define PROPERTY_INFINITY UINT64_MAX
#define PROPERTY_PERCENT  UINT64_C(10000) /* of a second of CPU time, in microseconds */
#define PROPERTY_PERIOD	  UINT64_C(100000)

void systemd_properties_clear(struct systemd_properties *properties)
{
	for (size_t i = 0; i < properties->count; i++) {
		free(properties->items[i].name);
		free(properties->items[i].value);
	}
	free(properties->items);
	*properties = (struct systemd_properties){0};
}

void systemd_properties_add(struct systemd_properties *properties, const char *name,
			    unsigned int since, const char *format, ...)
{
	struct systemd_property property = {.since = since, .name = strdup(name)}, *items;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&property.value, format, args);
	va_end(args);
	if (n < 0)
		property.value = NULL;
	if (properties->count == properties->size) {
		size_t size = properties->size ? properties->size * 2 : 16;

		items = realloc(properties->items, size * sizeof(*items));
		if (items) {
			properties->items = items;
			properties->size = size;
		}
	}
	if (!property.name || !property.value || properties->count == properties->size) {
		free(property.name);
		free(property.value);
		properties->failed = true;
		return;
	}
	properties->items[properties->count++] = property;
}

/*
 * The files.
 */

/* CPU time, which is one file on cgroup2 and two on v1. */
struct property_quota {
	uint64_t quota, period; /* microseconds; a quota of PROPERTY_INFINITY is none */
	bool has_quota, has_period;
};

struct property_plan {
	struct systemd_properties *properties;
	const struct systemd_limits *limits;
	struct property_quota quota;
};

static void add_u64(struct property_plan *plan, const char *name, unsigned int since,
		    uint64_t value)
{
	systemd_properties_add(plan->properties, name, since, "uint64 %" PRIu64, value);
}

/* A number, perhaps with the kernel's suffix (memparse()), "max", or v1's -1. What is none the file
 * itself refuses, with better words. */
static bool parse_limit(const char *text, uint64_t *ret_value)
{
	static const char suffixes[] = "KMGTPE";
	const char *suffix;
	char *end;

	*ret_value = PROPERTY_INFINITY;
	if (strcmp(text, "max") == 0 || strcmp(text, "-1") == 0)
		return true;
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*ret_value = strtoull(text, &end, 10);
	if (errno != 0)
		return false;
	if (*end == '\0')
		return true;
	suffix = strchr(suffixes, *end >= 'a' && *end <= 'z' ? *end - 'a' + 'A' : *end);
	if (!suffix || end[1] != '\0')
		return false;
	return !__builtin_mul_overflow(*ret_value, UINT64_C(1) << 10 * (suffix - suffixes + 1),
				       ret_value);
}

/* "0-3,7" as systemd's little-endian mask. */
static void add_set(struct property_plan *plan, const char *name, const char *list)
{
	unsigned char mask[PROPERTY_CPUS_MAX / 8] = {0};
	auto_text struct text value = {0};
	size_t length = 0;

	for (const char *at = list; *at;) {
		unsigned long first, last;
		char *end;

		if (*at < '0' || *at > '9')
			return;
		first = last = strtoul(at, &end, 10);
		if (*end == '-' && end[1] >= '0' && end[1] <= '9')
			last = strtoul(end + 1, &end, 10);
		if (last < first || last >= PROPERTY_CPUS_MAX || (*end != ',' && *end != '\0'))
			return;
		for (unsigned long i = first; i <= last; i++)
			mask[i / 8] |= (unsigned char)(1u << i % 8);
		if (last / 8 + 1 > length)
			length = last / 8 + 1;
		at = *end ? end + 1 : end;
	}
	text_append(&value, "@ay [");
	for (size_t i = 0; i < length; i++)
		text_format(&value, "%s%u", i ? ", " : "", mask[i]);
	text_append(&value, "]");
	if (value.failed)
		plan->properties->failed = true;
	else
		systemd_properties_add(plan->properties, name, 244, "%s", value.data);
}

static void add_quota(struct property_plan *plan)
{
	const struct property_quota *quota = &plan->quota;
	uint64_t period = quota->has_period ? quota->period : PROPERTY_PERIOD;

	if (quota->has_period)
		add_u64(plan, "CPUQuotaPeriodUSec", 242, period);
	if (!quota->has_quota)
		return;
	if (quota->quota == PROPERTY_INFINITY || period == 0)
		add_u64(plan, "CPUQuotaPerSecUSec", 0, PROPERTY_INFINITY);
	else
		add_u64(plan, "CPUQuotaPerSecUSec", 0,
			/* As a fraction, for the product might not fit. */
			(uint64_t)((__uint128_t)quota->quota * 100 / period +
				   ((__uint128_t)quota->quota * 100 % period != 0)) *
				PROPERTY_PERCENT);
}

/* cpu.max: "QUOTA [PERIOD]". */
static bool parse_cpu_max(const char *value, struct property_quota *ret_quota)
{
	struct property_quota quota = {.has_quota = true};
	char first[24];
	size_t n = strcspn(value, " ");

	if (n == 0 || n >= sizeof(first))
		return false;
	memcpy(first, value, n);
	first[n] = '\0';
	if (!parse_limit(first, &quota.quota))
		return false;
	if (value[n]) {
		quota.has_period = true;
		if (text_parse_u64(value + n + 1, &quota.period) < 0 || quota.period == 0)
			return false;
	}
	*ret_quota = quota;
	return true;
}

unsigned int systemd_io_weight(unsigned int weight)
{
	/* The inverse of systemd's map, whose two lines meet at the default (100 either way). */
	if (weight <= 100)
		return weight ? weight : 1;
	return 100 + (weight - 100) * 11;
}

/* io.weight and io.bfq.weight: "100", "default 100", or "8:0 100". */
static void add_io_weight(struct property_plan *plan, const char *value, bool bfq)
{
	const char *space = strchr(value, ' '), *number = space ? space + 1 : value;
	uint64_t weight;

	if (text_parse_u64(number, &weight) < 0 || weight == 0 || weight > (bfq ? 1000 : 10000))
		return;
	if (bfq)
		weight = systemd_io_weight((unsigned int)weight);
	if (!space || strncmp(value, "default ", 8) == 0)
		add_u64(plan, "IOWeight", 0, weight);
	else
		systemd_properties_add(plan->properties, "IODeviceWeight", 0,
				       "[('/dev/block/%.*s', uint64 %" PRIu64 ")]",
				       (int)(space - value), value, weight);
}

/* io.max: "8:0 rbps=1000 wiops=max". */
static void add_io_max(struct property_plan *plan, const char *value)
{
	static const struct {
		const char *key, *name;
	} keys[] = {
		{"rbps=", "IOReadBandwidthMax"},
		{"wbps=", "IOWriteBandwidthMax"},
		{"riops=", "IOReadIOPSMax"},
		{"wiops=", "IOWriteIOPSMax"},
	};
	auto_free char *copy = strdup(value);
	char *save = NULL, *device = copy ? strtok_r(copy, " ", &save) : NULL;

	if (!copy)
		plan->properties->failed = true;
	if (!device || device[strspn(device, "0123456789:")] != '\0')
		return;
	for (char *word = strtok_r(NULL, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		for (size_t i = 0; i < array_size(keys); i++) {
			uint64_t limit;

			if (text_starts_with(word, keys[i].key) &&
			    parse_limit(word + strlen(keys[i].key), &limit))
				systemd_properties_add(plan->properties, keys[i].name, 0,
						       "[('/dev/block/%s', uint64 %" PRIu64 ")]",
						       device, limit);
		}
	}
}

static void add_cpu_max(struct property_plan *plan, const char *name, const char *value)
{
	(void)parse_cpu_max(value, &plan->quota);
}

static void add_cfs_quota(struct property_plan *plan, const char *name, const char *value)
{
	plan->quota.has_quota = parse_limit(value, &plan->quota.quota);
}

static void add_cfs_period(struct property_plan *plan, const char *name, const char *value)
{
	plan->quota.has_period =
		text_parse_u64(value, &plan->quota.period) == 0 && plan->quota.period > 0;
}

static void add_idle(struct property_plan *plan, const char *name, const char *value)
{
	/* Back from idle comes with a weight, or by the default one. */
	if (strcmp(value, "1") == 0)
		add_u64(plan, name, 252, 0);
}

static void add_oom_group(struct property_plan *plan, const char *name, const char *value)
{
	if (!plan->limits->update)
		systemd_properties_add(plan->properties, name, 253, "'%s'",
				       strcmp(value, "1") == 0 ? "kill" : "continue");
}

static void add_weight(struct property_plan *plan, const char *name, const char *value)
{
	add_io_weight(plan, value, false);
}

static void add_max(struct property_plan *plan, const char *name, const char *value)
{
	add_io_max(plan, value);
}

/*
 * One row for each file that has a property: the table of the driver. A row without a function is
 * of a number or "max". BlockIOWeight= and MemoryLimit= are words for v1 alone.
 */
static const struct property_row {
	const char *file, *name;
	unsigned int since;
	void (*add)(struct property_plan *plan, const char *name, const char *value);
} property_rows[] = {
	{"memory.min", "MemoryMin", 240, NULL},
	{"memory.low", "MemoryLow", 231, NULL},
	{"memory.high", "MemoryHigh", 231, NULL},
	{"memory.max", "MemoryMax", 231, NULL},
	{"memory.swap.max", "MemorySwapMax", 232, NULL},
	{"memory.zswap.max", "MemoryZSwapMax", 253, NULL},
	{"memory.oom.group", "OOMPolicy", 253, add_oom_group},
	{"cpu.weight", "CPUWeight", 232, NULL},
	{"cpu.idle", "CPUWeight", 252, add_idle},
	{"cpu.max", NULL, 0, add_cpu_max},
	{"cpuset.cpus", "AllowedCPUs", 244, add_set},
	{"cpuset.mems", "AllowedMemoryNodes", 244, add_set},
	{"pids.max", "TasksMax", 227, NULL},
	{"io.weight", "IOWeight", 230, add_weight},
	{"io.max", NULL, 230, add_max},
	/* v1 */
	{"memory.limit_in_bytes", "MemoryLimit", 0, NULL},
	{"cpu.shares", "CPUShares", 0, NULL},
	{"cpu.cfs_quota_us", NULL, 0, add_cfs_quota},
	{"cpu.cfs_period_us", NULL, 0, add_cfs_period},
	{"blkio.weight", "BlockIOWeight", 0, NULL},
};

static void add_write(struct property_plan *plan, const struct cgroup_write *write)
{
	for (size_t i = 0; i < array_size(property_rows); i++) {
		const struct property_row *row = &property_rows[i];
		uint64_t limit;

		if (strcmp(row->file, write->file) != 0)
			continue;
		if (row->add)
			row->add(plan, row->name, write->value);
		else if (parse_limit(write->value, &limit))
			add_u64(plan, row->name, row->since, limit);
		return;
	}
}

void systemd_properties_add_limits(struct systemd_properties *properties,
				   const struct cgroup_writes *writes,
				   const struct systemd_limits *limits)
{
	struct property_plan plan = {.properties = properties, .limits = limits};

	for (size_t i = 0; i < writes->count; i++) {
		const struct cgroup_write *write = &writes->items[i];

		/* The weight of blockIO comes as two files, of which the first that is there is
		 * written. */
		if (strcmp(write->file, "io.bfq.weight") == 0 && limits->bfq) {
			add_io_weight(&plan, write->value, true);
			i += (write->flags & CGROUP_WRITE_OR_NEXT) != 0;
			continue;
		}
		add_write(&plan, write);
	}
	add_quota(&plan);
}

/* What systemd makes of a quota; 0 when it does not fit. */
static uint64_t round_quota(uint64_t quota, uint64_t period)
{
	__uint128_t percent = ((__uint128_t)quota * 100 + period - 1) / period;
	__uint128_t rounded = percent * period / 100;

	/* systemd gives no less than a millisecond. */
	if (rounded < 1000)
		return 1000;
	return rounded < UINT64_MAX ? (uint64_t)rounded : 0;
}

static void round_cpu_max(struct cgroup_write *write)
{
	struct property_quota quota;
	uint64_t period, rounded;
	char *value;

	if (!parse_cpu_max(write->value, &quota) || quota.quota == PROPERTY_INFINITY)
		return;
	period = quota.has_period ? quota.period : PROPERTY_PERIOD;
	rounded = round_quota(quota.quota, period);
	if (rounded == 0 || asprintf(&value, "%" PRIu64 " %" PRIu64, rounded, period) < 0)
		return;
	free(write->value);
	write->value = value;
}

static void round_cfs_quota(struct cgroup_write *write, uint64_t period)
{
	uint64_t quota, rounded;
	char *value;

	if (!parse_limit(write->value, &quota) || quota == PROPERTY_INFINITY)
		return;
	rounded = round_quota(quota, period);
	if (rounded == 0 || asprintf(&value, "%" PRIu64, rounded) < 0)
		return;
	free(write->value);
	write->value = value;
}

void systemd_round_quota(struct cgroup_writes *writes, uint64_t period)
{
	/* On v1 the period has a file of its own, and may come behind the quota. */
	for (size_t i = 0; i < writes->count; i++)
		if (strcmp(writes->items[i].file, "cpu.cfs_period_us") == 0)
			(void)text_parse_u64(writes->items[i].value, &period);
	for (size_t i = 0; i < writes->count; i++) {
		struct cgroup_write *write = &writes->items[i];

		if (strcmp(write->file, "cpu.max") == 0)
			round_cpu_max(write);
		else if (strcmp(write->file, "cpu.cfs_quota_us") == 0 && period > 0)
			round_cfs_quota(write, period);
	}
}
