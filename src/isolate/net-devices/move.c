/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/net-devices/move.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

/* Flags of an address that are its owner's wish; the others tell of its state. */
#define NET_DEVICES_ADDRESS_FLAGS                                                       \
	(IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE | \
	 IFA_F_MCAUTOJOIN)
/* An index that somebody else took meanwhile is tried again with another. */
#define NET_DEVICES_INDEX_TRIES 8

static bool net_devices_is_template(const char *name)
{
	return strchr(name, '%') != NULL;
}

/* Before anything is moved: is it there, and is its new name free? */
static int net_devices_look(const struct net_devices_move *move, struct net_devices_link *link,
			    struct error *err)
{
	struct netlink_link other;
	int r = netlink_find_link(move->at_host, link->name, &link->before, err);

	if (r == -ENODEV) {
		error_clear(err);
		return error_set(err, ENODEV, "the host has no network interface %s", link->name);
	}
	if (r < 0)
		return r;
	if (!net_devices_is_template(link->inside)) {
		r = netlink_find_link(move->at_container, link->inside, &other, err);
		error_clear(err);
		if (r == 0)
			return error_set(err, EEXIST,
					 "the container's network namespace has an interface %s "
					 "already",
					 link->inside);
	}
	r = netlink_list_addresses(move->at_host, link->before.index, &link->addresses, err);
	if (r < 0)
		return r;
	return netlink_list_routes(move->at_host, link->before.index, &link->routes, err);
}

/* An index of our choice is how to know the link again, whose name the kernel may choose. */
static int net_devices_send(const struct net_devices_move *move, struct net_devices_link *link,
			    struct error *err)
{
	struct netlink_change change = {
		.index = link->before.index,
		.namespace = move->container,
		.name = link->inside,
	};
	struct netlink_link there;
	int r = -EBUSY;

	for (int i = 0; r == -EBUSY && i < NET_DEVICES_INDEX_TRIES; i++) {
		struct error ignored = ERROR_INIT;

		error_clear(err);
		/* Its own if that is free, as the kernel does. */
		change.new_index = link->before.index;
		if (i > 0 ||
		    netlink_get_link(move->at_container, change.new_index, &there, &ignored) == 0) {
			r = netlink_free_index(move->at_container, &change.new_index, err);
			if (r < 0)
				return r;
		}
		r = netlink_change_link(move->at_host, &change, err);
	}
	link->new_index = change.new_index;
	link->moved = r == 0;
	/* It may have been moved, and only its new name been refused. */
	if (r < 0) {
		struct error ignored = ERROR_INIT;

		link->moved = netlink_get_link(move->at_host, link->before.index, &there,
					       &ignored) == -ENODEV;
	}
	if (r == -EINVAL)
		error_hint(err,
			   "an interface that belongs to its namespace, like lo, cannot leave");
	return r;
}

/* "eth0:1" of eth0 becomes "net0:1" of net0; a label that does not fit becomes the name. */
static void net_devices_relabel(struct netlink_address *address, const char *from, const char *to)
{
	char rest[sizeof(address->label)] = "";
	size_t length = strlen(from);

	if (address->label[0] == '\0')
		return;
	if (strncmp(address->label, from, length) == 0 && address->label[length] == ':')
		memcpy(rest, address->label + length, strlen(address->label + length) + 1);
	if (strlen(to) + strlen(rest) >= sizeof(address->label))
		rest[0] = '\0';
	memset(address->label, 0, sizeof(address->label));
	memcpy(address->label, to, strlen(to));
	memcpy(address->label + strlen(to), rest, strlen(rest) + 1);
}

/* Makes the addresses again that are permanent, and with `global` of that scope. */
static int net_devices_readdress(struct netlink *netlink, const struct net_devices_link *link,
				 const struct netlink_link *now, bool global, struct error *err)
{
	int result = 0;

	for (size_t i = 0; i < link->addresses.count; i++) {
		struct netlink_address address = link->addresses.items[i];
		struct error local = ERROR_INIT;
		int r;

		if (!(address.flags & IFA_F_PERMANENT) ||
		    (global && address.scope != RT_SCOPE_UNIVERSE))
			continue;
		address.index = now->index;
		address.flags &= NET_DEVICES_ADDRESS_FLAGS;
		net_devices_relabel(&address, link->before.name, now->name);
		r = netlink_add_address(netlink, &address, &local);
		/* The link-local one of IPv6 the kernel makes by itself. */
		if (r == 0 || r == -EEXIST)
			continue;
		if (result == 0) {
			*err = local;
			result = r;
		}
	}
	return result;
}

static int net_devices_move_link(const struct net_devices_move *move, struct net_devices_link *link,
				 struct error *err)
{
	struct netlink_change up = {.namespace = -EBADF, .up = true};
	struct netlink_link now;
	int r = net_devices_send(move, link, err);

	if (r == 0)
		r = netlink_get_link(move->at_container, link->new_index, &now, err);
	/* Up first or last makes no difference to IPv4; IPv6 wants an address before its DAD. */
	if (r == 0)
		r = net_devices_readdress(move->at_container, link, &now, true, err);
	up.index = link->new_index;
	return r < 0 ? r : netlink_change_link(move->at_container, &up, err);
}

static int net_devices_move_each(struct net_devices_move *move, struct error *err)
{
	for (size_t i = 0; i < move->count; i++) {
		struct net_devices_link *link = &move->links[i];

		if (net_devices_look(move, link, err) < 0)
			return error_at(err, "linux.netDevices[\"%s\"]", link->name);
	}
	/* Templates last: what they are given must not be a name that another one wants. */
	for (size_t i = 0; i < 2 * move->count; i++) {
		struct net_devices_link *link = &move->links[i % move->count];

		if (net_devices_is_template(link->inside) != (i >= move->count))
			continue;
		if (net_devices_move_link(move, link, err) < 0) {
			error_wrap(err, "move network interface %s to %s in the container",
				   link->name, link->inside);
			return error_at(err, "linux.netDevices[\"%s\"]", link->name);
		}
	}
	return 0;
}

/*
 * The way back.
 */

static int net_devices_reroute(const struct net_devices_move *move,
			       const struct net_devices_link *link, struct error *err)
{
	int result = 0;

	/* Gateways last: there must be a route to them. */
	for (size_t i = 0; i < 2 * link->routes.count; i++) {
		const struct netlink_route *route = &link->routes.items[i % link->routes.count];
		struct error local = ERROR_INIT;
		int r;

		if (route->gateway != (i >= link->routes.count) ||
		    route->protocol == RTPROT_KERNEL || route->protocol == RTPROT_RA)
			continue;
		r = netlink_add_route(move->at_host, route, &local);
		if (r == 0 || r == -EEXIST || result < 0)
			continue;
		*err = local;
		result = r;
	}
	return result;
}

static int net_devices_return_link(const struct net_devices_move *move,
				   struct net_devices_link *link, struct error *err)
{
	struct netlink_change change = {
		.index = link->new_index,
		.namespace = move->host,
		.new_index = link->before.index,
		.name = link->before.name,
	};
	struct netlink_change restore = {
		.index = link->before.index,
		.namespace = -EBADF,
		.master = link->before.master,
		.up = link->before.flags & IFF_UP,
	};
	struct netlink_link now;
	int r = netlink_change_link(move->at_container, &change, err);

	/* A hook may have moved it on, or made it again under another index. */
	if (r < 0)
		return r;
	link->moved = false;
	r = netlink_get_link(move->at_host, link->before.index, &now, err);
	if (r == 0)
		r = netlink_change_link(move->at_host, &restore, err);
	if (r == 0)
		r = net_devices_readdress(move->at_host, link, &now, false, err);
	return r < 0 ? r : net_devices_reroute(move, link, err);
}

int net_devices_move_back(struct net_devices_move *move, struct error *err)
{
	int result = 0;

	for (size_t i = move->count; i-- > 0;) {
		struct net_devices_link *link = &move->links[i];
		struct error local = ERROR_INIT;
		int r;

		if (!link->moved)
			continue;
		r = net_devices_return_link(move, link, &local);
		if (r == 0 || result < 0)
			continue;
		*err = local;
		error_wrap(err, "bring network interface %s back to the host", link->name);
		result = r;
	}
	return result;
}

int net_devices_move_there(struct net_devices_move *move, struct error *err)
{
	struct error back = ERROR_INIT;
	int r = net_devices_move_each(move, err);

	if (r == 0)
		return 0;
	if (net_devices_move_back(move, &back) < 0)
		error_hint(err, "%s", back.message);
	return r;
}

void net_devices_move_clear(struct net_devices_move *move)
{
	for (size_t i = 0; i < move->count; i++) {
		netlink_addresses_clear(&move->links[i].addresses);
		netlink_routes_clear(&move->links[i].routes);
	}
}
