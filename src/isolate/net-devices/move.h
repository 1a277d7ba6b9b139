/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving interfaces from one network namespace to another, and back: the inside of knarr-net.
 *
 * The kernel takes an interface down when it leaves a namespace; its addresses and routes are gone
 * then. The permanent global addresses are given to it again where it has come. What is needed to
 * make it what it was on the host is remembered: name, index, whether it was up, the bridge or bond
 * it belonged to, all permanent addresses, and the routes that were not the kernel's own.
 */
#ifndef ISOLATE_NET_DEVICES_MOVE_H
#define ISOLATE_NET_DEVICES_MOVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "kernel/netlink.h"

/* One interface. The caller sets the two names; the rest is zero. */
struct net_devices_link {
	const char *name, *inside; /* as in struct net_devices_step */
	bool moved;
	int new_index;		    /* in the container */
	struct netlink_link before; /* on the host */
	struct netlink_addresses addresses;
	struct netlink_routes routes;
};

struct net_devices_move {
	int host, container; /* descriptors of the network namespaces */
	struct netlink *at_host, *at_container;
	struct net_devices_link *links;
	size_t count;
};

/* Looks at everything first, then moves; after a failure everything is back. */
int net_devices_move_there(struct net_devices_move *move, struct error *err);

/* Restores what was. Does all it can; the error is the first one. */
int net_devices_move_back(struct net_devices_move *move, struct error *err);

/* Frees what the two have remembered. */
void net_devices_move_clear(struct net_devices_move *move);

#endif
