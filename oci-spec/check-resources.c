/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of config-linux.md for control groups. */
#include <inttypes.h>
#include <string.h>

#include "oci-spec/check-rules.h"

void check_device_rules(struct check *check)
{
	const struct oci_device_rules *rules = &check->resources->devices;

	for (size_t i = 0; i < rules->count; i++) {
		const struct oci_device_rule *rule = &rules->items[i];

		if (rule->access && rule->access[strspn(rule->access, "rwm")])
			check_error(check_at(check, "devices[%zu].access", i),
				    "%s has other letters than \"r\", \"w\" and \"m\"",
				    check_show(check, rule->access));
		/* -1, as all engines write it, and absence are the wildcard. */
		if (rule->major.set && rule->major.value < -1)
			check_error(check_at(check, "devices[%zu].major", i),
				    "%" PRId64 " is not a device number", rule->major.value);
		if (rule->minor.set && rule->minor.value < -1)
			check_error(check_at(check, "devices[%zu].minor", i),
				    "%" PRId64 " is not a device number", rule->minor.value);
	}
}

static void check_bytes(struct check *check, const char *field, const struct oci_opt_i64 *bytes)
{
	if (bytes->set && bytes->value < -1)
		check_error(check_at(check, "memory.%s", field),
			    "%" PRId64 " is neither a number of bytes nor -1 (unlimited)",
			    bytes->value);
}

/* The kernel's own limits on kernel memory are gone since 5.16 and 6.x; the spec advises against.
 */
static void check_kernel_memory(struct check *check, const char *field,
				const struct oci_opt_i64 *bytes)
{
	check_bytes(check, field, bytes);
	if (bytes->set && bytes->value > 0)
		check_warning(check_at(check, "memory.%s", field), "is not recommended");
}

void check_memory(struct check *check)
{
	const struct oci_memory *memory = check->resources->memory;

	if (!memory)
		return;
	check_bytes(check, "limit", &memory->limit);
	check_bytes(check, "reservation", &memory->reservation);
	check_bytes(check, "swap", &memory->swap);
	check_kernel_memory(check, "kernel", &memory->kernel);
	check_kernel_memory(check, "kernelTCP", &memory->kernel_tcp);
	/* UINT64_MAX is how docker and runc spell "unset". */
	if (memory->swappiness.set && memory->swappiness.value > 100 &&
	    memory->swappiness.value != UINT64_MAX)
		check_error(check_at(check, "memory.swappiness"),
			    "%" PRIu64 " is not between 0 and 100", memory->swappiness.value);
}

/* `swap` is the limit of memory and swap together. 0 is how engines spell "unset". */
void check_swap(struct check *check)
{
	const struct oci_memory *memory = check->resources->memory;
	int64_t limit;

	if (!memory || !memory->swap.set || memory->swap.value <= 0)
		return;
	limit = memory->limit.set ? memory->limit.value : 0;
	if (limit > 0 && memory->swap.value < limit)
		check_error(check_at(check, "memory.swap"),
			    "%" PRId64 " is less than the memory limit %" PRId64
			    ", which it includes",
			    memory->swap.value, limit);
	/* An update may leave the limit as it is. */
	if (limit <= 0 && check->config)
		check_error(check_at(check, "memory.swap"),
			    "includes the memory limit, and there is none");
}

static void check_list(struct check *check, const char *field, const char *list)
{
	if (check_is_empty(list))
		return;
	if (strchr(list, '\n'))
		check_error(check_at(check, "cpu.%s", field), "must not contain a newline");
	else if (!check_is_list(list))
		check_warning(check_at(check, "cpu.%s", field), "%s is not a list like \"0-3,7\"",
			      check_show(check, list));
}

static void check_shares(struct check *check, const struct oci_cpu *cpu)
{
	uint64_t shares = cpu->shares.set ? cpu->shares.value : 0;

	if (shares == 1 || shares > 262144)
		check_warning(check_at(check, "cpu.shares"),
			      "the kernel takes 2 to 262144, and makes %" PRIu64 " the nearest",
			      shares);
}

/* tg_set_cfs_bandwidth() of the kernel. systemd rounds instead of refusing, hence no errors. */
static void check_bandwidth(struct check *check, const struct oci_cpu *cpu)
{
	uint64_t period = cpu->period.set ? cpu->period.value : 0;
	int64_t quota = cpu->quota.set ? cpu->quota.value : 0;

	if (period && (period < 1000 || period > 1000000))
		check_warning(check_at(check, "cpu.period"),
			      "the kernel takes 1000 to 1000000 microseconds, not %" PRIu64,
			      period);
	if (quota > 0 && quota < 1000)
		check_warning(check_at(check, "cpu.quota"),
			      "the kernel takes 1000 microseconds or more, not %" PRId64, quota);
	if (quota > 0 && cpu->burst.set && cpu->burst.value > (uint64_t)quota)
		check_error(check_at(check, "cpu.burst"),
			    "%" PRIu64 " is more than the quota %" PRId64, cpu->burst.value, quota);
}

static void check_realtime(struct check *check, const struct oci_cpu *cpu)
{
	int64_t runtime = cpu->realtime_runtime.set ? cpu->realtime_runtime.value : 0;
	uint64_t period = cpu->realtime_period.set ? cpu->realtime_period.value : 0;

	if (runtime < -1)
		check_error(check_at(check, "cpu.realtimeRuntime"),
			    "%" PRId64 " is neither a time nor -1 (unlimited)", runtime);
	if (runtime > 0 && period && (uint64_t)runtime > period)
		check_error(check_at(check, "cpu.realtimeRuntime"),
			    "%" PRId64 " is more than the period %" PRIu64, runtime, period);
}

void check_cpu(struct check *check)
{
	const struct oci_cpu *cpu = check->resources->cpu;

	if (!cpu)
		return;
	check_shares(check, cpu);
	check_bandwidth(check, cpu);
	check_realtime(check, cpu);
	check_list(check, "cpus", cpu->cpus);
	check_list(check, "mems", cpu->mems);
	if (cpu->idle.set && cpu->idle.value != 0 && cpu->idle.value != 1)
		check_error(check_at(check, "cpu.idle"), "must be 0 or 1, not %" PRId64,
			    cpu->idle.value);
}

void check_pids(struct check *check)
{
	const struct oci_pids *pids = check->resources->pids;

	if (pids && pids->limit.set && pids->limit.value < -1)
		check_error(check_at(check, "pids.limit"),
			    "%" PRId64 " is neither a number of tasks nor -1 (unlimited)",
			    pids->limit.value);
}

/* 0 is how engines spell "unset". */
static bool weight_is_bad(const struct oci_opt_u16 *weight)
{
	return weight->set && weight->value != 0 && (weight->value < 10 || weight->value > 1000);
}

static void check_weight(struct check *check, const char *field, const struct oci_opt_u16 *weight)
{
	if (weight_is_bad(weight))
		check_error(check_at(check, "blockIO.%s", field), "%u is not between 10 and 1000",
			    weight->value);
}

static void check_number(struct check *check, const char *list, size_t i, const char *field,
			 int64_t number)
{
	if (number < 0)
		check_error(check_at(check, "blockIO.%s[%zu].%s", list, i, field),
			    "%" PRId64 " is not a device number", number);
}

static void check_weight_devices(struct check *check, const struct oci_weight_devices *devices)
{
	for (size_t i = 0; i < devices->count; i++) {
		const struct oci_weight_device *device = &devices->items[i];

		check_number(check, "weightDevice", i, "major", device->major);
		check_number(check, "weightDevice", i, "minor", device->minor);
		if (!device->weight.set && !device->leaf_weight.set)
			check_error(check_at(check, "blockIO.weightDevice[%zu]", i),
				    "needs a weight or a leafWeight");
		if (weight_is_bad(&device->weight))
			check_error(check_at(check, "blockIO.weightDevice[%zu].weight", i),
				    "%u is not between 10 and 1000", device->weight.value);
		if (weight_is_bad(&device->leaf_weight))
			check_error(check_at(check, "blockIO.weightDevice[%zu].leafWeight", i),
				    "%u is not between 10 and 1000", device->leaf_weight.value);
	}
}

static void check_throttles(struct check *check, const char *list,
			    const struct oci_throttle_devices *devices)
{
	for (size_t i = 0; i < devices->count; i++) {
		check_number(check, list, i, "major", devices->items[i].major);
		check_number(check, list, i, "minor", devices->items[i].minor);
	}
}

void check_block_io(struct check *check)
{
	const struct oci_block_io *io = check->resources->block_io;

	if (!io)
		return;
	check_weight(check, "weight", &io->weight);
	check_weight(check, "leafWeight", &io->leaf_weight);
	check_weight_devices(check, &io->weight_device);
	check_throttles(check, "throttleReadBpsDevice", &io->throttle_read_bps_device);
	check_throttles(check, "throttleWriteBpsDevice", &io->throttle_write_bps_device);
	check_throttles(check, "throttleReadIOPSDevice", &io->throttle_read_iops_device);
	check_throttles(check, "throttleWriteIOPSDevice", &io->throttle_write_iops_device);
}

static bool is_page_size(const char *size)
{
	size_t digits = strspn(size, "0123456789");

	if (digits == 0 || size[0] == '0')
		return false;
	return size[digits] && strchr("KMG", size[digits]) && strcmp(size + digits + 1, "B") == 0;
}

void check_hugepages(struct check *check)
{
	const struct oci_hugepage_limits *limits = &check->resources->hugepage_limits;

	for (size_t i = 0; i < limits->count; i++) {
		const char *size = limits->items[i].page_size;

		if (!size || !is_page_size(size))
			check_error(check_at(check, "hugepageLimits[%zu].pageSize", i),
				    "%s is not a page size like \"2MB\"", check_show(check, size));
	}
}

void check_network(struct check *check)
{
	const struct oci_network *network = check->resources->network;

	for (size_t i = 0; network && i < network->priorities.count; i++) {
		const char *name = network->priorities.items[i].name;

		if (!name || !check_is_interface(name))
			check_error(check_at(check, "network.priorities[%zu].name", i),
				    "%s cannot be the name of a network interface",
				    check_show(check, name));
	}
}

void check_rdma(struct check *check)
{
	const struct oci_rdmas *rdmas = &check->resources->rdma;

	for (size_t i = 0; i < rdmas->count; i++) {
		const struct oci_rdma *rdma = &rdmas->items[i];

		/* The kernel reads a line of words, the first of which is the name. */
		if (!rdma->key[0] || strpbrk(rdma->key, " \t\n"))
			check_error(check_at_key(check, "rdma", rdma->key, NULL),
				    "%s cannot be the name of an RDMA device",
				    check_show(check, rdma->key));
		if (!rdma->hca_handles.set && !rdma->hca_objects.set)
			check_error(check_at_key(check, "rdma", rdma->key, NULL),
				    "needs hcaHandles or hcaObjects");
	}
}

void check_unified(struct check *check)
{
	const struct oci_string_map *unified = &check->resources->unified;

	for (size_t i = 0; i < unified->count; i++) {
		const char *key = unified->items[i].key;

		if (!key[0] || strchr(key, '/') || strcmp(key, ".") == 0 || strcmp(key, "..") == 0)
			check_error(check_at_key(check, "unified", key, NULL),
				    "%s is not the name of a file of the cgroup",
				    check_show(check, key));
	}
}
