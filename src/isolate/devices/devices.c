/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/devices/devices.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/path.h"

/* The kernel's dev_t: 12 bits of major, 20 of minor (include/linux/kdev_t.h). */
#define DEVICES_MAJOR_MAX ((1 << 12) - 1)
#define DEVICES_MINOR_MAX ((1 << 20) - 1)

/* config-linux.md#default-devices; /dev/console is the terminal's, /dev/ptmx a link. */
static const struct devices_node devices_default[] = {
	{.path = "/dev/null", .type = 'c', .major = 1, .minor = 3, .mode = 0666},
	{.path = "/dev/zero", .type = 'c', .major = 1, .minor = 5, .mode = 0666},
	{.path = "/dev/full", .type = 'c', .major = 1, .minor = 7, .mode = 0666},
	{.path = "/dev/random", .type = 'c', .major = 1, .minor = 8, .mode = 0666},
	{.path = "/dev/urandom", .type = 'c', .major = 1, .minor = 9, .mode = 0666},
	{.path = "/dev/tty", .type = 'c', .major = 5, .minor = 0, .mode = 0666},
};

static bool devices_clean(const char *path, char *clean, size_t size)
{
	char absolute[PATH_MAX];

	return snprintf(absolute, sizeof(absolute), "/%s", path) < (int)sizeof(absolute) &&
	       path_clean(absolute, clean, size) == 0;
}

static bool devices_dev_is_bind(const struct oci_config *config)
{
	char destination[PATH_MAX];

	for (size_t i = 0; i < config->mounts.count; i++) {
		const struct oci_mount *mount = &config->mounts.items[i];
		bool bind = mount->type && strcmp(mount->type, "bind") == 0;

		for (size_t j = 0; j < mount->options.count; j++)
			bind |= strcmp(mount->options.items[j], "bind") == 0 ||
				strcmp(mount->options.items[j], "rbind") == 0;
		if (bind && devices_clean(mount->destination, destination, sizeof(destination)) &&
		    strcmp(destination, "/dev") == 0)
			return true;
	}
	return false;
}

static int devices_plan_node(const struct oci_device *device, size_t index,
			     struct devices_node *ret_node, struct error *err)
{
	struct devices_node node = {
		.path = device->path,
		.type = device->type == 'u' ? 'c' : device->type,
		/* Engines give st_mode whole, with the type. */
		.mode = device->file_mode.set ? device->file_mode.value & 07777 : 0666,
		.uid = device->uid.set ? device->uid.value : 0,
		.gid = device->gid.set ? device->gid.value : 0,
		.configured = true,
		.index = index,
	};

	if (node.type != 'c' && node.type != 'b' && node.type != 'p')
		return error_set(err, EINVAL, "a device is of type c, u, b or p");
	if (node.type == 'p') {
		*ret_node = node;
		return 0;
	}
	if (device->major < 0 || device->major > DEVICES_MAJOR_MAX || device->minor < 0 ||
	    device->minor > DEVICES_MINOR_MAX)
		return error_set(err, EINVAL, "%s: there is no device %lld:%lld", device->path,
				 (long long)device->major, (long long)device->minor);
	node.major = (unsigned int)device->major;
	node.minor = (unsigned int)device->minor;
	*ret_node = node;
	return 0;
}

/* Takes the place of an earlier node of the same path. */
static void devices_put(struct devices_plan *plan, const struct devices_node *node,
			const char *clean)
{
	for (size_t i = 0; i < array_size(devices_default) && i < plan->count; i++) {
		if (!plan->nodes[i].configured && strcmp(plan->nodes[i].path, clean) == 0) {
			plan->nodes[i] = *node;
			return;
		}
	}
	plan->nodes[plan->count++] = *node;
}

static int devices_plan_configured(const struct oci_devices *devices, struct devices_plan *plan,
				   struct error *err)
{
	for (size_t i = 0; i < devices->count; i++) {
		struct devices_node node = {0};
		char clean[PATH_MAX];
		int r;

		if (!devices_clean(devices->items[i].path, clean, sizeof(clean)))
			r = error_errno(err, ENAMETOOLONG, "path of a device");
		else if (strcmp(clean, "/") == 0)
			r = error_set(err, EINVAL, "%s is not the path of a device",
				      devices->items[i].path);
		else
			r = devices_plan_node(&devices->items[i], i, &node, err);
		if (r == 0 && node.path[strlen(node.path) - 1] == '/') {
			node.path = node.owned = strdup(clean);
			r = node.path ? 0 : error_errno(err, ENOMEM, "path of a device");
		}
		if (r < 0)
			return error_at(err, "linux.devices[%zu]", i);
		if (strcmp(clean, "/dev/ptmx") != 0)
			devices_put(plan, &node, clean);
		else
			free(node.owned);
	}
	return 0;
}

int devices_plan(const struct oci_config *config, bool user_namespace,
		 struct devices_plan *ret_plan, struct error *err)
{
	struct devices_plan plan = {.bind = user_namespace, .links = !devices_dev_is_bind(config)};
	size_t configured = config->linux ? config->linux->devices.count : 0;
	int r = 0;

	plan.nodes = calloc(array_size(devices_default) + configured, sizeof(*plan.nodes));
	if (!plan.nodes)
		return error_errno(err, ENOMEM, "devices");
	if (plan.links) {
		memcpy(plan.nodes, devices_default, sizeof(devices_default));
		plan.count = array_size(devices_default);
	}
	if (config->linux)
		r = devices_plan_configured(&config->linux->devices, &plan, err);
	if (r < 0) {
		devices_plan_clear(&plan);
		return r;
	}
	*ret_plan = plan;
	return 0;
}

void devices_plan_clear(struct devices_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		free(plan->nodes[i].owned);
	if (plan->prepared)
		fd_close(plan->filesystem);
	free(plan->nodes);
	*plan = (struct devices_plan){0};
}
