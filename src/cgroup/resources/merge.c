/* SPDX-License-Identifier: Apache-2.0 */
/* Two sets of limits as one, for an update. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "cgroup/resources/resources.h"

/* A list whose members are told apart by `same`, and of which a later one changes an earlier. */
struct merge_kind {
	size_t size;
	bool (*same)(const void *a, const void *b);
	void (*change)(void *old, const void *wanted);
};

/* Both point to structs of {items, count}, as all lists of the configuration are. */
struct merge_list {
	char *items;
	size_t count;
};

static bool merge_same_number(const void *a, const void *b)
{
	const struct oci_throttle_device *left = a, *right = b;

	return left->major == right->major && left->minor == right->minor;
}

static void merge_rate(void *old, const void *wanted)
{
	((struct oci_throttle_device *)old)->rate =
		((const struct oci_throttle_device *)wanted)->rate;
}

static bool merge_same_weight_device(const void *a, const void *b)
{
	const struct oci_weight_device *left = a, *right = b;

	return left->major == right->major && left->minor == right->minor;
}

static void merge_weights(void *old, const void *wanted)
{
	struct oci_weight_device *to = old;
	const struct oci_weight_device *from = wanted;

	if (from->weight.set && from->weight.value != 0)
		to->weight = from->weight;
	if (from->leaf_weight.set && from->leaf_weight.value != 0)
		to->leaf_weight = from->leaf_weight;
}

static bool merge_same_page_size(const void *a, const void *b)
{
	const struct oci_hugepage_limit *left = a, *right = b;

	return left->page_size && right->page_size &&
	       strcmp(left->page_size, right->page_size) == 0;
}

static void merge_page_limit(void *old, const void *wanted)
{
	((struct oci_hugepage_limit *)old)->limit =
		((const struct oci_hugepage_limit *)wanted)->limit;
}

static bool merge_same_interface(const void *a, const void *b)
{
	const struct oci_interface_priority *left = a, *right = b;

	return left->name && right->name && strcmp(left->name, right->name) == 0;
}

static void merge_priority(void *old, const void *wanted)
{
	((struct oci_interface_priority *)old)->priority =
		((const struct oci_interface_priority *)wanted)->priority;
}

static bool merge_same_rdma(const void *a, const void *b)
{
	return strcmp(((const struct oci_rdma *)a)->key, ((const struct oci_rdma *)b)->key) == 0;
}

static void merge_rdma(void *old, const void *wanted)
{
	struct oci_rdma *to = old;
	const struct oci_rdma *from = wanted;

	if (from->hca_handles.set)
		to->hca_handles = from->hca_handles;
	if (from->hca_objects.set)
		to->hca_objects = from->hca_objects;
}

static bool merge_same_key(const void *a, const void *b)
{
	return strcmp(((const struct oci_string_pair *)a)->key,
		      ((const struct oci_string_pair *)b)->key) == 0;
}

static void merge_value(void *old, const void *wanted)
{
	((struct oci_string_pair *)old)->value = ((const struct oci_string_pair *)wanted)->value;
}

static const struct merge_kind merge_throttles = {sizeof(struct oci_throttle_device),
						  merge_same_number, merge_rate};
static const struct merge_kind merge_weight_devices = {sizeof(struct oci_weight_device),
						       merge_same_weight_device, merge_weights};
static const struct merge_kind merge_pages = {sizeof(struct oci_hugepage_limit),
					      merge_same_page_size, merge_page_limit};
static const struct merge_kind merge_priorities = {sizeof(struct oci_interface_priority),
						   merge_same_interface, merge_priority};
static const struct merge_kind merge_rdmas = {sizeof(struct oci_rdma), merge_same_rdma, merge_rdma};
static const struct merge_kind merge_pairs = {sizeof(struct oci_string_pair), merge_same_key,
					      merge_value};

/* The lists are structs of different types with the same members: {items, count}. */
static int merge_lists(const struct merge_kind *kind, const void *old, const void *wanted,
		       void *ret_list)
{
	struct merge_list before, change, merged = {.count = 0};

	memcpy(&before, old, sizeof(before));
	memcpy(&change, wanted, sizeof(change));
	if (before.count + change.count > 0) {
		merged.items = calloc(before.count + change.count, kind->size);
		if (!merged.items)
			return -ENOMEM;
	}
	if (merged.items && before.count)
		memcpy(merged.items, before.items, before.count * kind->size);
	merged.count = before.count;
	for (size_t i = 0; merged.items && i < change.count; i++) {
		const char *item = change.items + i * kind->size;
		size_t at = merged.count;

		/* Of two of the same the kernel was given the last one last. */
		while (at > 0 && !kind->same(merged.items + (at - 1) * kind->size, item))
			at--;
		if (at > 0)
			kind->change(merged.items + (at - 1) * kind->size, item);
		else
			memcpy(merged.items + merged.count++ * kind->size, item, kind->size);
	}
	*(struct merge_list *)ret_list = merged;
	return 0;
}

/* Takes a scalar over unless it is absent, or a 0 that stands for absence. */
#define merge_nonzero(to, from)                      \
	do {                                         \
		if ((from).set && (from).value != 0) \
			(to) = (from);               \
	} while (0)
#define merge_set(to, from)            \
	do {                           \
		if ((from).set)        \
			(to) = (from); \
	} while (0)

static void merge_memory(struct oci_memory *to, const struct oci_memory *from)
{
	merge_nonzero(to->limit, from->limit);
	merge_nonzero(to->reservation, from->reservation);
	if (from->limit.set && from->limit.value == -1)
		to->swap = (struct oci_opt_i64){0};
	merge_nonzero(to->swap, from->swap);
	merge_nonzero(to->kernel, from->kernel);
	merge_nonzero(to->kernel_tcp, from->kernel_tcp);
	merge_set(to->swappiness, from->swappiness);
	merge_set(to->disable_oom_killer, from->disable_oom_killer);
	merge_set(to->use_hierarchy, from->use_hierarchy);
	/* About one write, and no limit that stays. */
	to->check_before_update = (struct oci_opt_bool){0};
}

static void merge_cpu(struct oci_cpu *to, const struct oci_cpu *from)
{
	merge_nonzero(to->shares, from->shares);
	merge_nonzero(to->quota, from->quota);
	merge_nonzero(to->period, from->period);
	merge_set(to->burst, from->burst);
	merge_nonzero(to->realtime_runtime, from->realtime_runtime);
	merge_nonzero(to->realtime_period, from->realtime_period);
	merge_set(to->idle, from->idle);
	if (from->cpus && from->cpus[0])
		to->cpus = from->cpus;
	if (from->mems && from->mems[0])
		to->mems = from->mems;
}

static int merge_block_io(struct oci_block_io *to, const struct oci_block_io *old,
			  const struct oci_block_io *wanted)
{
	int r;

	to->weight = old->weight;
	to->leaf_weight = old->leaf_weight;
	merge_nonzero(to->weight, wanted->weight);
	merge_nonzero(to->leaf_weight, wanted->leaf_weight);
	r = merge_lists(&merge_weight_devices, &old->weight_device, &wanted->weight_device,
			&to->weight_device);
	if (r == 0)
		r = merge_lists(&merge_throttles, &old->throttle_read_bps_device,
				&wanted->throttle_read_bps_device, &to->throttle_read_bps_device);
	if (r == 0)
		r = merge_lists(&merge_throttles, &old->throttle_write_bps_device,
				&wanted->throttle_write_bps_device, &to->throttle_write_bps_device);
	if (r == 0)
		r = merge_lists(&merge_throttles, &old->throttle_read_iops_device,
				&wanted->throttle_read_iops_device, &to->throttle_read_iops_device);
	if (r == 0)
		r = merge_lists(&merge_throttles, &old->throttle_write_iops_device,
				&wanted->throttle_write_iops_device,
				&to->throttle_write_iops_device);
	return r;
}

static void merge_scalars(struct cgroup_merged *merged, const struct oci_resources *from)
{
	if (from->memory) {
		merge_memory(&merged->memory, from->memory);
		merged->resources.memory = &merged->memory;
	}
	if (from->cpu) {
		merge_cpu(&merged->cpu, from->cpu);
		merged->resources.cpu = &merged->cpu;
	}
	if (from->pids) {
		merge_set(merged->pids.limit, from->pids->limit);
		merged->resources.pids = &merged->pids;
	}
	if (from->network) {
		merge_nonzero(merged->network.class_id, from->network->class_id);
		merged->resources.network = &merged->network;
	}
	if (from->devices.count > 0)
		merged->resources.devices = from->devices;
}

static int merge_all_lists(struct cgroup_merged *merged, const struct oci_resources *old,
			   const struct oci_resources *wanted)
{
	static const struct oci_block_io no_io;
	static const struct oci_network no_network;
	const struct oci_network *old_network = old->network ? old->network : &no_network;
	const struct oci_network *new_network = wanted->network ? wanted->network : &no_network;
	int r = 0;

	if (old->block_io || wanted->block_io) {
		r = merge_block_io(&merged->block_io, old->block_io ? old->block_io : &no_io,
				   wanted->block_io ? wanted->block_io : &no_io);
		merged->resources.block_io = &merged->block_io;
	}
	if (r == 0)
		r = merge_lists(&merge_priorities, &old_network->priorities,
				&new_network->priorities, &merged->network.priorities);
	if (r == 0)
		r = merge_lists(&merge_pages, &old->hugepage_limits, &wanted->hugepage_limits,
				&merged->resources.hugepage_limits);
	if (r == 0)
		r = merge_lists(&merge_rdmas, &old->rdma, &wanted->rdma, &merged->resources.rdma);
	if (r == 0)
		r = merge_lists(&merge_pairs, &old->unified, &wanted->unified,
				&merged->resources.unified);
	return r;
}

int cgroup_resources_merge(const struct oci_resources *old, const struct oci_resources *wanted,
			   struct cgroup_merged **ret_merged, struct error *err)
{
	static const struct oci_resources nothing;
	struct cgroup_merged *merged = calloc(1, sizeof(*merged));
	int r = merged ? 0 : -ENOMEM;

	if (!old)
		old = &nothing;
	if (r == 0) {
		merge_scalars(merged, old);
		merge_scalars(merged, wanted);
		r = merge_all_lists(merged, old, wanted);
	}
	if (r < 0) {
		cgroup_merged_free(merged);
		return error_errno(err, -r, "plan the update");
	}
	*ret_merged = merged;
	return 0;
}

void cgroup_merged_free(struct cgroup_merged *merged)
{
	if (!merged)
		return;
	free(merged->block_io.weight_device.items);
	free(merged->block_io.throttle_read_bps_device.items);
	free(merged->block_io.throttle_write_bps_device.items);
	free(merged->block_io.throttle_read_iops_device.items);
	free(merged->block_io.throttle_write_iops_device.items);
	free(merged->network.priorities.items);
	free(merged->resources.hugepage_limits.items);
	free(merged->resources.rdma.items);
	free(merged->resources.unified.items);
	free(merged);
}
