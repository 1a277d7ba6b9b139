/* SPDX-License-Identifier: Apache-2.0 */
#include "container/events-encode.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

/* The members of an object, one behind the other. */
struct members {
	struct text *text;
	bool any;
};

static struct members members_open(struct text *text)
{
	text_append(text, "{");
	return (struct members){.text = text};
}

static void members_name(struct members *members, const char *name)
{
	text_format(members->text, "%s\"%s\":", members->any ? "," : "", name);
	members->any = true;
}

static struct members members_nested(struct members *members, const char *name)
{
	members_name(members, name);
	return members_open(members->text);
}

static void members_close(const struct members *members)
{
	text_append(members->text, "}");
}

static void members_number(struct members *members, const char *name, uint64_t value)
{
	members_name(members, name);
	text_format(members->text, "%" PRIu64, value);
}

/* Left out when it is 0. */
static void members_nonzero(struct members *members, const char *name, uint64_t value)
{
	if (value)
		members_number(members, name, value);
}

static void members_string(struct members *members, const char *name, const char *value)
{
	members_name(members, name);
	text_append_json(members->text, value);
}

static void members_numbers(struct members *members, const char *name,
			    const struct statistics_numbers *numbers)
{
	if (numbers->count == 0)
		return;
	members_name(members, name);
	for (size_t i = 0; i < numbers->count; i++)
		text_format(members->text, "%s%" PRIu64, i ? "," : "[", numbers->items[i]);
	text_append(members->text, "]");
}

/* Hundredths as the shortest decimal number. */
static void members_hundredths(struct members *members, const char *name, uint64_t value)
{
	members_name(members, name);
	text_format(members->text, "%" PRIu64, value / 100);
	if (value % 100 == 0)
		return;
	if (value % 10 == 0)
		text_format(members->text, ".%" PRIu64, value % 100 / 10);
	else
		text_format(members->text, ".%02" PRIu64, value % 100);
}

static void encode_psi_line(struct members *members, const char *name,
			    const struct statistics_psi_line *line)
{
	struct members own;

	if (!line->avg10 && !line->avg60 && !line->avg300 && !line->total)
		return;
	own = members_nested(members, name);
	members_hundredths(&own, "avg10", line->avg10);
	members_hundredths(&own, "avg60", line->avg60);
	members_hundredths(&own, "avg300", line->avg300);
	members_number(&own, "total", line->total);
	members_close(&own);
}

static void encode_psi(struct members *members, const struct statistics_psi *psi)
{
	struct members own;

	if (!psi->known)
		return;
	own = members_nested(members, "psi");
	encode_psi_line(&own, "some", &psi->some);
	encode_psi_line(&own, "full", &psi->full);
	members_close(&own);
}

static void encode_cpu_usage(struct members *members, const struct statistics_cpu *cpu)
{
	struct members own;

	if (!cpu->total && !cpu->kernel && !cpu->user && !cpu->percpu.count)
		return;
	own = members_nested(members, "usage");
	members_nonzero(&own, "total", cpu->total);
	members_numbers(&own, "percpu", &cpu->percpu);
	members_numbers(&own, "percpu_kernel", &cpu->percpu_kernel);
	members_numbers(&own, "percpu_user", &cpu->percpu_user);
	members_number(&own, "kernel", cpu->kernel);
	members_number(&own, "user", cpu->user);
	members_close(&own);
}

static void encode_cpu(struct members *members, const struct statistics_cpu *cpu)
{
	struct members own = members_nested(members, "cpu"), throttling;

	encode_cpu_usage(&own, cpu);
	if (cpu->periods || cpu->throttled_periods || cpu->throttled_time) {
		throttling = members_nested(&own, "throttling");
		members_nonzero(&throttling, "periods", cpu->periods);
		members_nonzero(&throttling, "throttledPeriods", cpu->throttled_periods);
		members_nonzero(&throttling, "throttledTime", cpu->throttled_time);
		members_close(&throttling);
	}
	encode_psi(&own, &cpu->psi);
	members_close(&own);
}

static void encode_cpuset(struct members *members, const struct statistics_cpuset *cpuset)
{
	struct members own = members_nested(members, "cpuset");

	members_numbers(&own, "cpus", &cpuset->cpus);
	members_number(&own, "cpu_exclusive", cpuset->cpu_exclusive);
	members_numbers(&own, "mems", &cpuset->mems);
	members_number(&own, "mem_hardwall", cpuset->mem_hardwall);
	members_number(&own, "mem_exclusive", cpuset->mem_exclusive);
	members_number(&own, "memory_migrate", cpuset->memory_migrate);
	members_number(&own, "memory_spread_page", cpuset->memory_spread_page);
	members_number(&own, "memory_spread_slab", cpuset->memory_spread_slab);
	members_number(&own, "memory_pressure", cpuset->memory_pressure);
	members_number(&own, "sched_load_balance", cpuset->sched_load_balance);
	members_name(&own, "sched_relax_domain_level");
	text_format(own.text, "%" PRId64, cpuset->sched_relax_domain_level);
	members_close(&own);
}

static void encode_memory_entry(struct members *members, const char *name,
				const struct statistics_memory_entry *entry)
{
	struct members own;

	if (!entry->limit && !entry->usage && !entry->max && !entry->failcnt)
		return;
	own = members_nested(members, name);
	members_number(&own, "limit", entry->limit);
	members_nonzero(&own, "usage", entry->usage);
	members_nonzero(&own, "max", entry->max);
	members_number(&own, "failcnt", entry->failcnt);
	members_close(&own);
}

static void encode_memory(struct members *members, const struct statistics_memory *memory)
{
	struct members own = members_nested(members, "memory");

	members_nonzero(&own, "cache", memory->cache);
	encode_memory_entry(&own, "usage", &memory->usage);
	encode_memory_entry(&own, "swap", &memory->swap);
	encode_memory_entry(&own, "kernel", &memory->kernel);
	encode_memory_entry(&own, "kernelTCP", &memory->kernel_tcp);
	if (memory->raw.count > 0) {
		struct members raw = members_nested(&own, "raw");

		for (size_t i = 0; i < memory->raw.count; i++) {
			text_append(raw.text, raw.any ? "," : "");
			text_append_json(raw.text, memory->raw.items[i].name);
			text_format(raw.text, ":%" PRIu64, memory->raw.items[i].value);
			raw.any = true;
		}
		members_close(&raw);
	}
	encode_psi(&own, &memory->psi);
	members_close(&own);
}

static void encode_io(struct members *members, const struct statistics_io *io)
{
	static const char *const names[] = {
		[STATISTICS_IO_BYTES] = "ioServiceBytesRecursive",
		[STATISTICS_IO_SERVICED] = "ioServicedRecursive",
		[STATISTICS_IO_QUEUED] = "ioQueueRecursive",
		[STATISTICS_IO_SERVICE_TIME] = "ioServiceTimeRecursive",
		[STATISTICS_IO_WAIT_TIME] = "ioWaitTimeRecursive",
		[STATISTICS_IO_MERGED] = "ioMergedRecursive",
		[STATISTICS_IO_TIME] = "ioTimeRecursive",
		[STATISTICS_IO_SECTORS] = "sectorsRecursive",
	};
	struct members own = members_nested(members, "blkio");

	for (size_t i = 0; i < array_size(names); i++) {
		const struct statistics_io_entries *entries = &io->kinds[i];

		if (entries->count == 0)
			continue;
		members_name(&own, names[i]);
		for (size_t j = 0; j < entries->count; j++) {
			const struct statistics_io_entry *entry = &entries->items[j];
			struct members item;

			text_append(own.text, j ? "," : "[");
			item = members_open(own.text);
			members_nonzero(&item, "major", entry->major);
			members_nonzero(&item, "minor", entry->minor);
			if (entry->op[0])
				members_string(&item, "op", entry->op);
			members_nonzero(&item, "value", entry->value);
			members_close(&item);
		}
		text_append(own.text, "]");
	}
	encode_psi(&own, &io->psi);
	members_close(&own);
}

static void encode_hugetlb(struct members *members, const struct cgroup_statistics *statistics)
{
	struct members own = members_nested(members, "hugetlb"), entry;

	for (size_t i = 0; i < statistics->hugetlb_count; i++) {
		entry = members_nested(&own, statistics->hugetlb[i].page_size);
		members_nonzero(&entry, "usage", statistics->hugetlb[i].usage);
		members_nonzero(&entry, "max", statistics->hugetlb[i].max);
		members_number(&entry, "failcnt", statistics->hugetlb[i].failcnt);
		members_close(&entry);
	}
	members_close(&own);
}

static void encode_schema(struct members *members, const char *name, const char *schemata,
			  const char *resource)
{
	size_t length;
	const char *line = resctrl_schema_line(schemata, resource, &length);
	char *copy = line ? strndup(line, length) : NULL;

	if (copy)
		members_string(members, name, copy);
	else if (line)
		members->text->failed = true;
	free(copy);
}

static void encode_schemata(struct members *members, const char *schemata)
{
	bool any = false;

	members_name(members, "schemata");
	text_append(members->text, "[");
	for (const char *line = schemata; *line;) {
		const char *start = line + strspn(line, " \t");
		size_t length = strcspn(start, "\n");
		char *copy = strndup(start, length);

		text_append(members->text, any ? "," : "");
		if (copy)
			text_append_json(members->text, copy);
		else
			members->text->failed = true;
		free(copy);
		any = true;
		line = start + length;
		line += *line == '\n';
	}
	text_append(members->text, "]");
}

static void encode_nodes(struct members *members, const struct resctrl_statistics *resctrl)
{
	struct members item;

	if (resctrl->has_bandwidth_monitoring) {
		members_name(members, "mbm_stats");
		text_append(members->text, "[");
		for (size_t i = 0; i < resctrl->node_count; i++) {
			text_append(members->text, i ? "," : "");
			item = members_open(members->text);
			members_number(&item, "mbm_total_bytes", resctrl->nodes[i].total_bytes);
			members_number(&item, "mbm_local_bytes", resctrl->nodes[i].local_bytes);
			members_close(&item);
		}
		text_append(members->text, "]");
	}
	if (resctrl->has_cache_monitoring) {
		members_name(members, "cmt_stats");
		text_append(members->text, "[");
		for (size_t i = 0; i < resctrl->node_count; i++) {
			text_append(members->text, i ? "," : "");
			item = members_open(members->text);
			members_number(&item, "llc_occupancy", resctrl->nodes[i].occupancy);
			members_close(&item);
		}
		text_append(members->text, "]");
	}
}

static void encode_l3(struct members *members, const struct resctrl_statistics *resctrl)
{
	struct members own = members_nested(members, "l3_cache_info");

	if (resctrl->l3_mask)
		members_string(&own, "cbm_mask", resctrl->l3_mask);
	members_nonzero(&own, "min_cbm_bits", resctrl->l3_min_bits);
	members_nonzero(&own, "num_closids", resctrl->l3_classes);
	members_close(&own);
	encode_schema(members, "l3_cache_schema_root", resctrl->root_schemata, "L3");
	encode_schema(members, "l3_cache_schema", resctrl->schemata, "L3");
}

static void encode_mb(struct members *members, const struct resctrl_statistics *resctrl)
{
	struct members own = members_nested(members, "mem_bw_info");

	members_nonzero(&own, "bandwidth_gran", resctrl->mb_granularity);
	members_nonzero(&own, "delay_linear", resctrl->mb_linear);
	members_nonzero(&own, "min_bandwidth", resctrl->mb_minimum);
	members_nonzero(&own, "num_closids", resctrl->mb_classes);
	members_close(&own);
	encode_schema(members, "mem_bw_schema_root", resctrl->root_schemata, "MB");
	encode_schema(members, "mem_bw_schema", resctrl->schemata, "MB");
}

static void encode_resctrl(struct members *members, const struct resctrl_statistics *resctrl)
{
	struct members own = members_nested(members, "intel_rdt");

	if (resctrl->known) {
		if (resctrl->has_l3)
			encode_l3(&own, resctrl);
		if (resctrl->has_mb)
			encode_mb(&own, resctrl);
		encode_schemata(&own, resctrl->schemata);
		encode_nodes(&own, resctrl);
	}
	members_close(&own);
}

static void encode_interfaces(struct members *members, const struct events_statistics *statistics)
{
	members_name(members, "network_interfaces");
	if (statistics->interface_count == 0) {
		text_append(members->text, "null");
		return;
	}
	for (size_t i = 0; i < statistics->interface_count; i++) {
		const struct events_interface *interface = &statistics->interfaces[i];
		struct members item;

		text_append(members->text, i ? "," : "[");
		item = members_open(members->text);
		members_string(&item, "Name", interface->name);
		members_number(&item, "RxBytes", interface->rx_bytes);
		members_number(&item, "RxPackets", interface->rx_packets);
		members_number(&item, "RxErrors", interface->rx_errors);
		members_number(&item, "RxDropped", interface->rx_dropped);
		members_number(&item, "TxBytes", interface->tx_bytes);
		members_number(&item, "TxPackets", interface->tx_packets);
		members_number(&item, "TxErrors", interface->tx_errors);
		members_number(&item, "TxDropped", interface->tx_dropped);
		members_close(&item);
	}
	text_append(members->text, "]");
}

static struct members encode_head(const char *type, const char *id, struct text *text)
{
	struct members members = members_open(text);

	members_string(&members, "type", type);
	members_string(&members, "id", id);
	return members;
}

void events_encode_oom(const char *id, struct text *text)
{
	struct members members = encode_head("oom", id, text);

	members_close(&members);
	text_append(text, "\n");
}

void events_encode_statistics(const char *id, const struct events_statistics *statistics,
			      struct text *text)
{
	const struct cgroup_statistics *cgroup = &statistics->cgroup;
	struct members members = encode_head("stats", id, text);
	struct members data = members_nested(&members, "data"), pids;

	encode_cpu(&data, &cgroup->cpu);
	encode_cpuset(&data, &cgroup->cpuset);
	encode_memory(&data, &cgroup->memory);
	pids = members_nested(&data, "pids");
	members_nonzero(&pids, "current", cgroup->pids);
	members_nonzero(&pids, "limit", cgroup->pids_limit);
	members_close(&pids);
	encode_io(&data, &cgroup->io);
	encode_hugetlb(&data, cgroup);
	encode_resctrl(&data, &statistics->resctrl);
	encode_interfaces(&data, statistics);
	members_close(&data);
	members_close(&members);
	text_append(text, "\n");
}

/* The numbers of one interface, as many as are used. */
#define INTERFACE_NUMBERS 12

/* proc_pid_net(5): "  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16". Returns 1, 0 for a heading. */
static int parse_interface(const char *line, struct events_interface *interface)
{
	struct statistics_numbers numbers = {.count = 0};
	const char *colon;
	char *rest;
	size_t length;
	int r;

	line += strspn(line, " ");
	colon = memchr(line, ':', strcspn(line, "\n"));
	if (!colon)
		return 0;
	length = (size_t)(colon - line);
	if (length == 0 || length >= sizeof(interface->name))
		return -EBADMSG;
	rest = strndup(colon + 1, strcspn(colon + 1, "\n"));
	r = rest ? statistics_parse_numbers(rest, &numbers) : -ENOMEM;
	free(rest);
	if (r == 0 && numbers.count < INTERFACE_NUMBERS)
		r = -EBADMSG;
	if (r == 0) {
		*interface = (struct events_interface){
			.rx_bytes = numbers.items[0],
			.rx_packets = numbers.items[1],
			.rx_errors = numbers.items[2],
			.rx_dropped = numbers.items[3],
			.tx_bytes = numbers.items[8],
			.tx_packets = numbers.items[9],
			.tx_errors = numbers.items[10],
			.tx_dropped = numbers.items[11],
		};
		memcpy(interface->name, line, length);
	}
	free(numbers.items);
	return r < 0 ? r : 1;
}

int events_parse_interfaces(const char *text, struct events_interface **ret_interfaces,
			    size_t *ret_count)
{
	struct events_interface *interfaces = NULL;
	size_t count = 0;
	int r = 0;

	for (const char *line = text; r >= 0 && *line;) {
		struct events_interface interface, *larger;

		r = parse_interface(line, &interface);
		line += strcspn(line, "\n");
		line += *line == '\n';
		if (r <= 0 || strcmp(interface.name, "lo") == 0)
			continue;
		larger = reallocarray(interfaces, count + 1, sizeof(*interfaces));
		r = larger ? 0 : -ENOMEM;
		if (!larger)
			break;
		interfaces = larger;
		interfaces[count++] = interface;
	}
	if (r < 0) {
		free(interfaces);
		return r;
	}
	*ret_interfaces = interfaces;
	*ret_count = count;
	return 0;
}
