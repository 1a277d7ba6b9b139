/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network interfaces of the host that become the container's (config-linux.md#network-devices).
 *
 * The work is done by a program of its own, knarr-net, which lies inside knarr as data and is
 * executed from memory only where a configuration names interfaces; so libmnl is not linked into
 * what every command has to load. It moves the interfaces, with their permanent global addresses,
 * and then waits for the word that they are to stay. Should that not come, because a later step of
 * `create` fails or because the runtime is killed, it puts everything back as it was and exits.
 */
#ifndef ISOLATE_NET_DEVICES_H
#define ISOLATE_NET_DEVICES_H

#include <knarr/config.h>
#include <stdbool.h>

#include "base/error.h"
#include "isolate/namespaces.h"

struct net_devices_step {
	const char *name;   /* on the host */
	const char *inside; /* in the container; a template when it has "%d" */
};

/* Strings are the configuration's. */
struct net_devices_plan {
	struct net_devices_step *steps;
	size_t count;
};

/*
 * Pure. `root`: the caller is root. Refuses interfaces without a network namespace of the
 * container's own, by a runtime without privileges, two of the same new name, and a '%' that is not
 * one "%d". Free with net_devices_plan_clear().
 */
int net_devices_plan(const struct oci_linux *linux_config, const struct namespaces_plan *namespaces,
		     bool root, struct net_devices_plan *ret_plan, struct error *err);
void net_devices_plan_clear(struct net_devices_plan *plan);

/* Interfaces that have been moved, but not for good. */
struct net_devices {
	int channel, pidfd; /* of knarr-net; -EBADF: there is none */
};
#define NET_DEVICES_INIT ((struct net_devices){-EBADF, -EBADF})

/*
 * In the runtime: moves all of them into the network namespace behind the descriptor `namespace`,
 * which must not be the caller's own, and brings them up. On failure none has been moved.
 */
int net_devices_move(const struct net_devices_plan *plan, int namespace,
		     struct net_devices *ret_devices, struct error *err);

/* They stay. -EPIPE when knarr-net is gone, whatever became of the interfaces. */
int net_devices_keep(struct net_devices *devices, struct error *err);

/* They go back. Does nothing after net_devices_keep(). Warns in the log of what failed. */
void net_devices_return(struct net_devices *devices);

#endif
