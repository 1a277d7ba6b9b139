/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network interfaces, their addresses and routes: rtnetlink(7), by libmnl.
 *
 * A socket belongs to the network namespace that it was opened in, whatever its process does later.
 * All functions return 0 or a negative errno with *err set; what the kernel itself says about a
 * refusal (NLMSGERR_ATTR_MSG) becomes the hint.
 */
#ifndef KERNEL_NETLINK_H
#define KERNEL_NETLINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct nlmsghdr;
struct netlink;

/* Opens a socket in the network namespace behind the descriptor `namespace`, or with -EBADF in the
 * caller's own. The caller, which must have one thread, is in its own again afterwards. */
int netlink_open(int namespace, struct netlink **ret_netlink, struct error *err);
void netlink_close(struct netlink *netlink);

struct netlink_link {
	int index;
	int master;	    /* index of the bridge or bond it is a port of, or 0 */
	unsigned int flags; /* IFF_* */
	char name[IFNAMSIZ];
};

/* -ENODEV when there is none. An alternative name of an interface finds it too. */
int netlink_find_link(struct netlink *netlink, const char *name, struct netlink_link *ret_link,
		      struct error *err);
int netlink_get_link(struct netlink *netlink, int index, struct netlink_link *ret_link,
		     struct error *err);

/* An index above all that are in use: a link can be moved there. */
int netlink_free_index(struct netlink *netlink, int *ret_index, struct error *err);

struct netlink_change {
	int index;	  /* of which link */
	int namespace;	  /* moved there; -EBADF: it stays */
	int new_index;	  /* its index there; 0: the kernel chooses */
	const char *name; /* new name, or with "%d" in it the first that is free; NULL: as it is */
	int master;	  /* 0: as it is */
	bool up;	  /* brought up; else as it is */
};
/* RTM_NEWLINK. A link that is moved and renamed may have been moved when renaming it fails. */
int netlink_change_link(struct netlink *netlink, const struct netlink_change *change,
			struct error *err);

/* One address as the kernel told it; `flags` (IFA_F_*), `index` and `label` may be changed before
 * it is added again. */
struct netlink_address {
	int index;
	uint8_t family, scope; /* RT_SCOPE_* */
	uint32_t flags;
	char label[IFNAMSIZ];	  /* "": none (IPv6) */
	struct nlmsghdr *message; /* all of it; owned */
};
struct netlink_addresses {
	struct netlink_address *items;
	size_t count;
};

/* All addresses of a link. Free with netlink_addresses_clear(). */
int netlink_list_addresses(struct netlink *netlink, int index,
			   struct netlink_addresses *ret_addresses, struct error *err);
void netlink_addresses_clear(struct netlink_addresses *addresses);

/* With all of its attributes. -EEXIST when the link has it. */
int netlink_add_address(struct netlink *netlink, const struct netlink_address *address,
			struct error *err);

/* One route by way of a link, as the kernel told it. */
struct netlink_route {
	uint8_t protocol; /* RTPROT_*: who made it */
	bool gateway;	  /* it needs another route to its gateway */
	struct nlmsghdr *message;
};
struct netlink_routes {
	struct netlink_route *items;
	size_t count;
};

/* The routes of all tables whose one next hop is on the link. Free with netlink_routes_clear(). */
int netlink_list_routes(struct netlink *netlink, int index, struct netlink_routes *ret_routes,
			struct error *err);
void netlink_routes_clear(struct netlink_routes *routes);

/* The same route again. -EEXIST when there is one. */
int netlink_add_route(struct netlink *netlink, const struct netlink_route *route,
		      struct error *err);

#endif
