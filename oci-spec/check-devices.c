/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of config-linux.md for device nodes and network devices. */
#include <linux/sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "oci-spec/check-rules.h"

/* Of the kernel's dev_t: MINORBITS and what is left of 32. */
enum { MAJOR_MAX = 4095, MINOR_MAX = 1048575 };

static void check_device(struct check *check, const struct oci_device *device, size_t i)
{
	if (!device->path || device->path[0] != '/')
		check_error(check_at(check, "devices[%zu].path", i),
			    "must be an absolute path, not %s", check_show(check, device->path));
	/* Engines pass on st_mode as it is, with the bits of the type. */
	if (device->file_mode.set && device->file_mode.value > (S_IFMT | 07777))
		check_error(check_at(check, "devices[%zu].fileMode", i),
			    "%u (octal %o) is not a file mode", device->file_mode.value,
			    device->file_mode.value);
	if (device->type == 'p')
		return;
	if (device->major < 0 || device->major > MAJOR_MAX)
		check_error(check_at(check, "devices[%zu].major", i),
			    "%lld is not between 0 and %d", (long long)device->major, MAJOR_MAX);
	if (device->minor < 0 || device->minor > MINOR_MAX)
		check_error(check_at(check, "devices[%zu].minor", i),
			    "%lld is not between 0 and %d", (long long)device->minor, MINOR_MAX);
}

void check_devices(struct check *check)
{
	const struct oci_devices *devices = &check->linux->devices;

	for (size_t i = 0; i < devices->count; i++)
		check_device(check, &devices->items[i], i);
}

/* 'u' is another name for 'c' (mknod(1)). */
static char device_type(const struct oci_device *device)
{
	return device->type == 'u' ? 'c' : device->type;
}

static int compare_number(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int compare_nodes(const struct oci_device *a, const struct oci_device *b)
{
	int order = compare_number(device_type(a), device_type(b));

	/* A FIFO has no number: all are alike. */
	if (!order && device_type(a) != 'p')
		order = compare_number(a->major, b->major);
	if (!order && device_type(a) != 'p')
		order = compare_number(a->minor, b->minor);
	return order;
}

/* By path or by number, then in the order of the file: the array is one, so addresses tell. */
static int by_path(const void *left, const void *right)
{
	const struct oci_device *a = *(const struct oci_device *const *)left;
	const struct oci_device *b = *(const struct oci_device *const *)right;
	int order = strcmp(a->path ? a->path : "", b->path ? b->path : "");

	return order ? order : (a > b) - (a < b);
}

static int by_node(const void *left, const void *right)
{
	const struct oci_device *a = *(const struct oci_device *const *)left;
	const struct oci_device *b = *(const struct oci_device *const *)right;
	int order = compare_nodes(a, b);

	return order ? order : (a > b) - (a < b);
}

static void check_same_path(struct check *check, const struct oci_device *first,
			    const struct oci_device *second)
{
	const struct oci_device *all = check->linux->devices.items;

	if (!first->path || !second->path || strcmp(first->path, second->path) != 0)
		return;
	if (compare_nodes(first, second) != 0)
		check_error(check_at(check, "devices[%zu].path", (size_t)(second - all)),
			    "is already another device, that of entry %zu", (size_t)(first - all));
	else
		check_advice(check_at(check, "devices[%zu].path", (size_t)(second - all)),
			     "is already there, in entry %zu", (size_t)(first - all));
}

static void check_same_node(struct check *check, const struct oci_device *first,
			    const struct oci_device *second)
{
	const struct oci_device *all = check->linux->devices.items;

	if (device_type(first) == 'p' || compare_nodes(first, second) != 0)
		return;
	/* The same path twice has been spoken of. */
	if (first->path && second->path && strcmp(first->path, second->path) == 0)
		return;
	check_advice(check_at(check, "devices[%zu]", (size_t)(second - all)),
		     "%c %lld:%lld is already used by entry %zu", device_type(second),
		     (long long)second->major, (long long)second->minor, (size_t)(first - all));
}

void check_device_duplicates(struct check *check)
{
	const struct oci_devices *devices = &check->linux->devices;
	const struct oci_device **sorted;

	if (devices->count < 2)
		return;
	/* Sorted, as a privileged container has hundreds and a hostile file millions. */
	sorted = calloc(devices->count, sizeof(*sorted));
	if (!sorted) {
		check_error(check_at(check, "devices"), "out of memory");
		return;
	}
	for (size_t i = 0; i < devices->count; i++)
		sorted[i] = &devices->items[i];
	qsort(sorted, devices->count, sizeof(*sorted), by_path);
	for (size_t i = 1; i < devices->count; i++)
		check_same_path(check, sorted[i - 1], sorted[i]);
	qsort(sorted, devices->count, sizeof(*sorted), by_node);
	for (size_t i = 1; i < devices->count; i++)
		check_same_node(check, sorted[i - 1], sorted[i]);
	free(sorted);
}

void check_net_devices(struct check *check)
{
	const struct oci_net_devices *devices = &check->linux->net_devices;

	if (devices->count > 0 && !check_find_namespace(check, CLONE_NEWNET))
		check_error(check_at(check, "netDevices"),
			    "needs a namespace of type \"network\" in linux.namespaces");
	for (size_t i = 0; i < devices->count; i++) {
		const char *key = devices->items[i].key, *name = devices->items[i].name;

		if (!check_is_interface(key))
			check_error(check_at_key(check, "netDevices", key, NULL),
				    "%s cannot be the name of a network interface",
				    check_show(check, key));
		if (!check_is_empty(name) && !check_is_interface(name))
			check_error(check_at_key(check, "netDevices", key, "name"),
				    "%s cannot be the name of a network interface",
				    check_show(check, name));
	}
}
