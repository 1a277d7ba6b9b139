/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/net-devices/net-devices.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "isolate/net-devices/image.h"
#include "isolate/net-devices/program.h"
#include "kernel/channel.h"
#include "kernel/nsfs.h"
#include "kernel/process.h"
#include "kernel/program.h"

/* How long moving, and moving back, may take, milliseconds: drivers wait for their hardware. */
#define NET_DEVICES_TIMEOUT 60000

static bool net_devices_is_template(const char *name)
{
	return strchr(name, '%') != NULL;
}

/* What the kernel makes a name of (dev_prep_valid_name()): one "%d" and no other '%'. */
static bool net_devices_is_good_template(const char *name)
{
	const char *percent = strchr(name, '%');

	return percent && percent[1] == 'd' && !strchr(percent + 1, '%');
}

static int net_devices_plan_names(const struct net_devices_plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct net_devices_step *step = &plan->steps[i];

		if (net_devices_is_template(step->inside)) {
			if (net_devices_is_good_template(step->inside))
				continue;
			error_set(err, EINVAL,
				  "%s is no template: it takes one %%d and no other %%",
				  step->inside);
			return error_at(err, "linux.netDevices[\"%s\"]", step->name);
		}
		for (size_t j = 0; j < i; j++) {
			if (strcmp(step->inside, plan->steps[j].inside) != 0)
				continue;
			error_set(err, EINVAL, "%s and %s cannot both be %s in the container",
				  plan->steps[j].name, step->name, step->inside);
			return error_at(err, "linux.netDevices[\"%s\"]", step->name);
		}
	}
	return 0;
}

int net_devices_plan(const struct oci_linux *linux_config, const struct namespaces_plan *namespaces,
		     bool root, struct net_devices_plan *ret_plan, struct error *err)
{
	size_t count = linux_config ? linux_config->net_devices.count : 0;
	struct net_devices_plan plan = {.count = count};
	int r;

	if (count == 0) {
		*ret_plan = plan;
		return 0;
	}
	if (!(namespaces->private & CLONE_NEWNET)) {
		error_set(err, EINVAL,
			  "network interfaces cannot be moved without a network namespace");
		error_hint(err, "add {\"type\": \"network\"} to linux.namespaces");
		return error_at(err, "linux.netDevices");
	}
	if (!root) {
		error_set(err, EPERM, "only root can move network interfaces of the host");
		return error_at(err, "linux.netDevices");
	}
	plan.steps = calloc(count, sizeof(*plan.steps));
	if (!plan.steps)
		return error_errno(err, ENOMEM, "network interfaces");
	for (size_t i = 0; i < count; i++) {
		const struct oci_net_device *device = &linux_config->net_devices.items[i];
		bool renamed = device->name && device->name[0];

		plan.steps[i].name = device->key;
		plan.steps[i].inside = renamed ? device->name : device->key;
	}
	r = net_devices_plan_names(&plan, err);
	if (r < 0) {
		net_devices_plan_clear(&plan);
		return r;
	}
	*ret_plan = plan;
	return 0;
}

void net_devices_plan_clear(struct net_devices_plan *plan)
{
	free(plan->steps);
	*plan = (struct net_devices_plan){0};
}

/*
 * The program.
 */

/* "knarr-net", the pairs of names, NULL. The caller frees the array. */
static char **net_devices_arguments(const struct net_devices_plan *plan)
{
	char **argv = calloc(2 * plan->count + 2, sizeof(*argv));

	if (!argv)
		return NULL;
	argv[0] = (char *)(uintptr_t) "knarr-net";
	for (size_t i = 0; i < plan->count; i++) {
		argv[2 * i + 1] = (char *)(uintptr_t)plan->steps[i].name;
		argv[2 * i + 2] = (char *)(uintptr_t)plan->steps[i].inside;
	}
	return argv;
}

static int net_devices_start(const struct net_devices_plan *plan, int namespace,
			     struct net_devices *ret_devices, struct error *err)
{
	/* cppcheck-suppress comparePointers ; two ends of one thing, which only the linker knows */
	size_t size = (size_t)(net_devices_image_end - net_devices_image);
	auto_close int image = -EBADF, channel = -EBADF, theirs = -EBADF;
	auto_free char **argv = net_devices_arguments(plan);
	struct program program = {.name = "knarr-net", .arguments = argv, .deaf = true};
	int ends[2], descriptors[2], pidfd, r;

	if (!argv)
		return error_errno(err, ENOMEM, "network interfaces");
	r = program_image_open("knarr-net", net_devices_image, size, &image, err);
	if (r < 0)
		return r;
	r = channel_open(ends);
	if (r < 0)
		return error_errno(err, -r, "make a channel to knarr-net");
	channel = ends[0];
	theirs = ends[1];
	descriptors[NET_DEVICES_FD_CHANNEL - STDERR_FILENO - 1] = theirs;
	descriptors[NET_DEVICES_FD_NAMESPACE - STDERR_FILENO - 1] = namespace;
	program.image = image;
	program.descriptors = descriptors;
	program.descriptor_count = array_size(descriptors);
	r = program_start(&program, &pidfd, NULL, err);
	if (r < 0)
		return r;
	*ret_devices = (struct net_devices){.channel = fd_take(&channel), .pidfd = pidfd};
	return 0;
}

/* Waits for its end, and forces it when it does not come. Gives the exit status. */
static int net_devices_end(struct net_devices *devices)
{
	int status = 0;

	devices->channel = fd_close(devices->channel);
	(void)program_end(&devices->pidfd, NET_DEVICES_TIMEOUT, &status);
	return process_exit_code(status);
}

static int net_devices_explain(struct net_devices *devices, int r, struct error *err)
{
	int status = net_devices_end(devices);

	if (r != -EPIPE)
		return error_errno(err, -r, "wait for knarr-net");
	error_set(err, EIO, "knarr-net, which moves network interfaces, ended with status %d",
		  status);
	/* What the dynamic loader exits with. */
	if (status == 127)
		error_hint(err, "it needs libmnl.so.0 and the C library that knarr was built with");
	return -err->number;
}

int net_devices_move(const struct net_devices_plan *plan, int namespace,
		     struct net_devices *ret_devices, struct error *err)
{
	struct net_devices devices = NET_DEVICES_INIT;
	struct channel_message message;
	int r;

	if (nsfs_is_own(namespace, CLONE_NEWNET)) {
		error_set(err, EINVAL, "the container's network namespace is the host's own");
		return error_at(err, "linux.netDevices");
	}
	r = net_devices_start(plan, namespace, &devices, err);
	if (r < 0)
		return r;
	r = channel_recv(devices.channel, devices.pidfd, process_now() + NET_DEVICES_TIMEOUT,
			 &message, NULL);
	if (r < 0)
		return net_devices_explain(&devices, r, err);
	if (message.error.number != 0) {
		(void)net_devices_end(&devices);
		*err = message.error;
		return -err->number;
	}
	*ret_devices = devices;
	return 0;
}

int net_devices_keep(struct net_devices *devices, struct error *err)
{
	struct channel_message keep = {.word = NET_DEVICES_KEEP};
	int r;

	if (devices->pidfd < 0)
		return 0;
	r = channel_send(devices->channel, &keep, -1);
	(void)net_devices_end(devices);
	return r < 0 ? error_errno(err, -r, "leave the network interfaces to the container") : 0;
}

void net_devices_return(struct net_devices *devices)
{
	struct channel_message message = {.word = NET_DEVICES_RETURN};
	int r;

	if (devices->pidfd < 0)
		return;
	r = channel_send(devices->channel, &message, -1);
	if (r == 0)
		r = channel_recv(devices->channel, devices->pidfd,
				 process_now() + NET_DEVICES_TIMEOUT, &message, NULL);
	if (r < 0)
		log_warning("the container's network interfaces may not have come back (%s)",
			    error_name(-r));
	else if (message.error.number != 0)
		log_warning("%s", message.error.message);
	(void)net_devices_end(devices);
}
