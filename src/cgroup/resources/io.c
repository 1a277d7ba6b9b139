/* SPDX-License-Identifier: Apache-2.0 */
/* Block devices, huge pages, networks and RDMA. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "cgroup/resources/plan.h"
#include "cgroup/resources/resources.h"

unsigned int cgroup_io_weight(unsigned int weight)
{
	if (weight <= 10)
		return 1;
	return 1 + (weight - 10) * 9999 / 990;
}

static void plan_weight_device(struct resources_plan *plan, const struct oci_weight_device *device,
			       size_t i)
{
	long long major = device->major, minor = device->minor;
	char field[64];

	(void)snprintf(field, sizeof(field), "blockIO.weightDevice[%zu]", i);
	if (device->weight.set && device->weight.value != 0 && plan->v2) {
		resources_write(plan, "io.bfq.weight", field, CGROUP_WRITE_OR_NEXT, "%lld:%lld %u",
				major, minor, device->weight.value);
		resources_write(plan, "io.weight", field, 0, "%lld:%lld %u", major, minor,
				cgroup_io_weight(device->weight.value));
	} else if (device->weight.set && device->weight.value != 0) {
		resources_write(plan, "blkio.bfq.weight_device", field, CGROUP_WRITE_OR_NEXT,
				"%lld:%lld %u", major, minor, device->weight.value);
		resources_write(plan, "blkio.weight_device", field, 0, "%lld:%lld %u", major, minor,
				device->weight.value);
	}
	if (!device->leaf_weight.set || device->leaf_weight.value == 0)
		return;
	(void)snprintf(field, sizeof(field), "blockIO.weightDevice[%zu].leafWeight", i);
	if (plan->v2)
		resources_refuse_v2(plan, field);
	else
		resources_write(plan, "blkio.leaf_weight_device", field, 0, "%lld:%lld %u", major,
				minor, device->leaf_weight.value);
}

/* One row for each of the four lists of throttled devices. */
struct throttle_row {
	const char *field, *v1_file, *v2_key;
	size_t offset;
};
static const struct throttle_row throttle_rows[] = {
	{"throttleReadBpsDevice", "blkio.throttle.read_bps_device", "rbps",
	 offsetof(struct oci_block_io, throttle_read_bps_device)},
	{"throttleWriteBpsDevice", "blkio.throttle.write_bps_device", "wbps",
	 offsetof(struct oci_block_io, throttle_write_bps_device)},
	{"throttleReadIOPSDevice", "blkio.throttle.read_iops_device", "riops",
	 offsetof(struct oci_block_io, throttle_read_iops_device)},
	{"throttleWriteIOPSDevice", "blkio.throttle.write_iops_device", "wiops",
	 offsetof(struct oci_block_io, throttle_write_iops_device)},
};

static void plan_throttle(struct resources_plan *plan, const struct throttle_row *row,
			  const struct oci_throttle_devices *devices)
{
	for (size_t i = 0; i < devices->count; i++) {
		const struct oci_throttle_device *device = &devices->items[i];
		long long major = device->major, minor = device->minor;
		char field[96];

		(void)snprintf(field, sizeof(field), "blockIO.%s[%zu]", row->field, i);
		if (!plan->v2)
			resources_write(plan, row->v1_file, field, 0, "%lld:%lld %" PRIu64, major,
					minor, device->rate);
		else if (device->rate == 0) /* v1's word for none */
			resources_write(plan, "io.max", field, 0, "%lld:%lld %s=max", major, minor,
					row->v2_key);
		else
			resources_write(plan, "io.max", field, 0, "%lld:%lld %s=%" PRIu64, major,
					minor, row->v2_key, device->rate);
	}
}

void resources_add_block_io(struct resources_plan *plan, const struct oci_block_io *io)
{
	if (io->weight.set && io->weight.value != 0 && plan->v2) {
		resources_write(plan, "io.bfq.weight", "blockIO.weight", CGROUP_WRITE_OR_NEXT, "%u",
				io->weight.value);
		resources_write(plan, "io.weight", "blockIO.weight", 0, "%u",
				cgroup_io_weight(io->weight.value));
	} else if (io->weight.set && io->weight.value != 0) {
		resources_write(plan, "blkio.bfq.weight", "blockIO.weight", CGROUP_WRITE_OR_NEXT,
				"%u", io->weight.value);
		resources_write(plan, "blkio.weight", "blockIO.weight", 0, "%u", io->weight.value);
	}
	if (io->leaf_weight.set && io->leaf_weight.value != 0 && plan->v2)
		resources_refuse_v2(plan, "blockIO.leafWeight");
	else if (io->leaf_weight.set && io->leaf_weight.value != 0)
		resources_write(plan, "blkio.leaf_weight", "blockIO.leafWeight", 0, "%u",
				io->leaf_weight.value);
	for (size_t i = 0; i < io->weight_device.count; i++)
		plan_weight_device(plan, &io->weight_device.items[i], i);
	for (size_t i = 0; i < array_size(throttle_rows); i++)
		plan_throttle(plan, &throttle_rows[i],
			      (const void *)((const char *)io + throttle_rows[i].offset));
}

/* "2MB", "1GB", "64KB": what the kernel has in the names of its files, and no path. */
static bool page_size_is_valid(const char *size)
{
	size_t digits = strspn(size, "0123456789");

	return digits > 0 && digits < 16 && size[0] != '0' &&
	       (strcmp(size + digits, "KB") == 0 || strcmp(size + digits, "MB") == 0 ||
		strcmp(size + digits, "GB") == 0);
}

void resources_add_hugetlb(struct resources_plan *plan, const struct oci_hugepage_limits *limits)
{
	for (size_t i = 0; i < limits->count; i++) {
		const struct oci_hugepage_limit *limit = &limits->items[i];
		const char *end = plan->v2 ? "max" : "limit_in_bytes";
		char field[64], file[64];

		if (!limit->page_size || !page_size_is_valid(limit->page_size)) {
			(void)snprintf(field, sizeof(field), "hugepageLimits[%zu].pageSize", i);
			resources_refuse(plan, EINVAL, field,
					 "\"%s\" is no page size such as 2MB or 1GB",
					 limit->page_size ? limit->page_size : "");
			return;
		}
		(void)snprintf(field, sizeof(field), "hugepageLimits[%zu]", i);
		(void)snprintf(file, sizeof(file), "hugetlb.%s.%s", limit->page_size, end);
		resources_write(plan, file, field, 0, "%" PRIu64, limit->limit);
		/* Also what is only reserved, or a process dies by SIGBUS instead of an mmap that
		 * fails. */
		(void)snprintf(file, sizeof(file), "hugetlb.%s.rsvd.%s", limit->page_size, end);
		resources_write(plan, file, field, CGROUP_WRITE_OPTIONAL, "%" PRIu64, limit->limit);
	}
}

void resources_add_network(struct resources_plan *plan, const struct oci_network *network)
{
	if (plan->v2 && network->class_id.set && network->class_id.value != 0)
		resources_refuse_v2(plan, "network.classID");
	if (plan->v2 && network->priorities.count > 0)
		resources_refuse_v2(plan, "network.priorities");
	if (plan->v2)
		return;
	if (network->class_id.set && network->class_id.value != 0)
		resources_write(plan, "net_cls.classid", "network.classID", 0, "%" PRIu32,
				network->class_id.value);
	for (size_t i = 0; i < network->priorities.count; i++) {
		const struct oci_interface_priority *item = &network->priorities.items[i];
		char field[64];

		(void)snprintf(field, sizeof(field), "network.priorities[%zu]", i);
		resources_write(plan, "net_prio.ifpriomap", field, 0, "%s %" PRIu32, item->name,
				item->priority);
	}
}

void resources_add_rdma(struct resources_plan *plan, const struct oci_rdmas *rdmas)
{
	for (size_t i = 0; i < rdmas->count; i++) {
		const struct oci_rdma *rdma = &rdmas->items[i];
		char field[128], handles[32] = "", objects[32] = "";

		(void)snprintf(field, sizeof(field), "rdma[\"%s\"]", rdma->key);
		if (rdma->hca_handles.set)
			(void)snprintf(handles, sizeof(handles), " hca_handle=%" PRIu32,
				       rdma->hca_handles.value);
		if (rdma->hca_objects.set)
			(void)snprintf(objects, sizeof(objects), " hca_object=%" PRIu32,
				       rdma->hca_objects.value);
		if (handles[0] || objects[0])
			resources_write(plan, "rdma.max", field, 0, "%s%s%s", rdma->key, handles,
					objects);
	}
}
