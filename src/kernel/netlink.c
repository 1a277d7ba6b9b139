/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/fd.h"

/* A link with many virtual functions, or a dump's packet: the kernel fills up to 32 KiB. */
#define NETLINK_BUFFER_SIZE 65536
/* The kernel answers at once, once it has its lock, for which a driver may make it wait. */
#define NETLINK_ANSWER_SECONDS 30
/* A dump that something changes meanwhile has to be made again. */
#define NETLINK_DUMP_TRIES 8

struct netlink {
	struct mnl_socket *socket;
	uint32_t sequence;
	const char *what; /* is asked for, for errors */
	char request[NETLINK_BUFFER_SIZE];
	char answer[NETLINK_BUFFER_SIZE];
};

/* What is done with each message of an answer: 0 or a negative errno. */
typedef int netlink_take(const struct nlmsghdr *message, void *data);

/* Whatever came before anything was asked: between bind and connect anybody could speak. */
static void netlink_forget(struct netlink *netlink)
{
	int fd = mnl_socket_get_fd(netlink->socket);

	/* ENOBUFS: so much came that some of it is lost. */
	while (recv(fd, netlink->answer, sizeof(netlink->answer), MSG_DONTWAIT | MSG_TRUNC) >= 0 ||
	       errno == ENOBUFS || errno == EINTR)
		;
}

static int netlink_open_here(struct netlink *netlink)
{
	struct timeval timeout = {.tv_sec = NETLINK_ANSWER_SECONDS};
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	int one = 1;

	netlink->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!netlink->socket || mnl_socket_bind(netlink->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	/* The kernel lets nobody else speak to it from then on: in a network namespace that is
	 * joined others may have the right to, and forge answers. */
	if (connect(mnl_socket_get_fd(netlink->socket), (const struct sockaddr *)&kernel,
		    sizeof(kernel)) < 0 ||
	    setsockopt(mnl_socket_get_fd(netlink->socket), SOL_SOCKET, SO_RCVTIMEO, &timeout,
		       sizeof(timeout)) < 0)
		return -errno;
	netlink_forget(netlink);
	/* Only for the wording of errors. */
	(void)mnl_socket_setsockopt(netlink->socket, NETLINK_EXT_ACK, &one, sizeof(one));
	return 0;
}

static int netlink_open_in(struct netlink *netlink, int namespace)
{
	auto_close int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int r;

	if (own < 0 || setns(namespace, CLONE_NEWNET) < 0)
		return -errno;
	r = netlink_open_here(netlink);
	return setns(own, CLONE_NEWNET) < 0 && r == 0 ? -errno : r;
}

int netlink_open(int namespace, struct netlink **ret_netlink, struct error *err)
{
	struct netlink *netlink = calloc(1, sizeof(*netlink));
	int r = -ENOMEM;

	if (netlink)
		r = namespace < 0 ? netlink_open_here(netlink)
				  : netlink_open_in(netlink, namespace);
	if (r < 0) {
		netlink_close(netlink);
		return error_errno(err, -r, "open a netlink socket");
	}
	*ret_netlink = netlink;
	return 0;
}

void netlink_close(struct netlink *netlink)
{
	if (netlink && netlink->socket)
		(void)mnl_socket_close(netlink->socket);
	free(netlink);
}

/*
 * Questions and answers.
 */

static struct nlmsghdr *netlink_request(struct netlink *netlink, const char *what, uint16_t type,
					uint16_t flags)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(netlink->request);

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | flags;
	request->nlmsg_seq = ++netlink->sequence;
	netlink->what = what;
	return request;
}

/* The kernel's sentence in an answer NLMSG_ERROR, behind the request that it repeats. */
static void netlink_explain(const struct nlmsghdr *message, struct error *err)
{
	const struct nlmsgerr *refusal = mnl_nlmsg_get_payload(message);
	size_t offset = sizeof(*refusal);
	const struct nlattr *attribute;

	if (!(message->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(message->nlmsg_flags & NLM_F_CAPPED))
		offset += refusal->msg.nlmsg_len - sizeof(refusal->msg);
	mnl_attr_for_each(attribute, message, offset)
	{
		if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_MSG &&
		    mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
			error_hint(err, "the kernel says: %s", mnl_attr_get_str(attribute));
	}
}

/* A message of an answer: 1 when it is the last one, 0, or a negative errno. */
static int netlink_handle(const struct netlink *netlink, const struct nlmsghdr *message,
			  netlink_take *take, void *data, struct error *err)
{
	const struct nlmsgerr *refusal = mnl_nlmsg_get_payload(message);
	int r;

	switch (message->nlmsg_type) {
	case NLMSG_ERROR:
		if (mnl_nlmsg_get_payload_len(message) < sizeof(*refusal))
			return -EBADMSG;
		if (refusal->error == 0)
			return 1;
		error_errno(err, -refusal->error, "%s", netlink->what);
		netlink_explain(message, err);
		return refusal->error;
	case NLMSG_DONE:
		return 1;
	case NLMSG_NOOP:
		return 0;
	default:
		r = take ? take(message, data) : 0;
		return r < 0 ? r : 0;
	}
}

/* The messages of one packet: 1 when the last one of the answer was there, 0, or a negative errno.
 */
static int netlink_read(const struct netlink *netlink, size_t length, netlink_take *take,
			void *data, struct error *err)
{
	const struct nlmsghdr *message = (const void *)netlink->answer;
	unsigned int port = mnl_socket_get_portid(netlink->socket);
	int left = (int)length, r = 0;

	for (; r == 0 && mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
		if (mnl_nlmsg_seq_ok(message, netlink->sequence) &&
		    mnl_nlmsg_portid_ok(message, port))
			r = netlink_handle(netlink, message, take, data, err);
	if (r < 0 && err->number == 0)
		return error_errno(err, -r, "%s", netlink->what);
	return r;
}

/* -EINTR: a dump that was no snapshot. It is read to its end, before which there can be no other.
 */
static int netlink_talk(struct netlink *netlink, const struct nlmsghdr *request, netlink_take *take,
			void *data, struct error *err)
{
	bool interrupted = false;
	int r = 0;

	if (mnl_socket_sendto(netlink->socket, request, request->nlmsg_len) < 0)
		return error_errno(err, errno, "%s: ask by netlink", netlink->what);
	while (r == 0) {
		const struct nlmsghdr *first = (const void *)netlink->answer;
		ssize_t n = mnl_socket_recvfrom(netlink->socket, netlink->answer,
						sizeof(netlink->answer));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, errno == EAGAIN ? ETIMEDOUT : errno,
					   "%s: wait for the answer by netlink", netlink->what);
		if (mnl_nlmsg_ok(first, (int)n))
			interrupted |= (first->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
		r = netlink_read(netlink, (size_t)n, take, data, err);
	}
	if (r > 0 && interrupted)
		return error_errno(err, EINTR, "%s", netlink->what);
	return r < 0 ? r : 0;
}

static int netlink_dump(struct netlink *netlink, struct nlmsghdr *request, netlink_take *take,
			void *data, struct error *err)
{
	/* The family, AF_UNSPEC, is the first byte of all heads; this one is the longest. */
	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	return netlink_talk(netlink, request, take, data, err);
}

/*
 * Links.
 */

static int netlink_take_link(const struct nlmsghdr *message, void *data)
{
	const struct ifinfomsg *head = mnl_nlmsg_get_payload(message);
	struct netlink_link *link = data;
	const struct nlattr *attribute;

	if (message->nlmsg_type != RTM_NEWLINK)
		return 0;
	*link = (struct netlink_link){.index = head->ifi_index, .flags = head->ifi_flags};
	mnl_attr_for_each(attribute, message, sizeof(*head))
	{
		switch (mnl_attr_get_type(attribute)) {
		case IFLA_IFNAME:
			strncpy(link->name, mnl_attr_get_str(attribute), sizeof(link->name) - 1);
			break;
		case IFLA_MASTER:
			link->master = (int)mnl_attr_get_u32(attribute);
			break;
		default:
			break;
		}
	}
	return 0;
}

static int netlink_ask_link(struct netlink *netlink, int index, const char *name,
			    struct netlink_link *ret_link, struct error *err)
{
	struct nlmsghdr *request =
		netlink_request(netlink, "find a network interface", RTM_GETLINK, NLM_F_ACK);
	struct ifinfomsg *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));
	struct netlink_link link = {0};
	int r;

	head->ifi_index = index;
	if (name)
		mnl_attr_put_strz(request, IFLA_IFNAME, name);
	r = netlink_talk(netlink, request, netlink_take_link, &link, err);
	if (r < 0)
		return r;
	*ret_link = link;
	return 0;
}

int netlink_find_link(struct netlink *netlink, const char *name, struct netlink_link *ret_link,
		      struct error *err)
{
	return netlink_ask_link(netlink, 0, name, ret_link, err);
}

int netlink_get_link(struct netlink *netlink, int index, struct netlink_link *ret_link,
		     struct error *err)
{
	return netlink_ask_link(netlink, index, NULL, ret_link, err);
}

static int netlink_take_index(const struct nlmsghdr *message, void *data)
{
	const struct ifinfomsg *head = mnl_nlmsg_get_payload(message);
	int *highest = data;

	if (message->nlmsg_type == RTM_NEWLINK && head->ifi_index > *highest)
		*highest = head->ifi_index;
	return 0;
}

int netlink_free_index(struct netlink *netlink, int *ret_index, struct error *err)
{
	int highest = 0, r = -EINTR;

	for (int i = 0; r == -EINTR && i < NETLINK_DUMP_TRIES; i++) {
		error_clear(err);
		highest = 0;
		r = netlink_dump(netlink,
				 netlink_request(netlink, "list network interfaces", RTM_GETLINK,
						 NLM_F_DUMP),
				 netlink_take_index, &highest, err);
	}
	if (r < 0)
		return r;
	*ret_index = highest + 1;
	return 0;
}

int netlink_change_link(struct netlink *netlink, const struct netlink_change *change,
			struct error *err)
{
	struct nlmsghdr *request =
		netlink_request(netlink, "change a network interface", RTM_NEWLINK, NLM_F_ACK);
	struct ifinfomsg *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));

	head->ifi_index = change->index;
	if (change->up) {
		head->ifi_flags = IFF_UP;
		head->ifi_change = IFF_UP;
	}
	if (change->namespace >= 0)
		mnl_attr_put_u32(request, IFLA_NET_NS_FD, (uint32_t)change->namespace);
	if (change->new_index > 0)
		mnl_attr_put_u32(request, IFLA_NEW_IFINDEX, (uint32_t)change->new_index);
	if (change->name)
		mnl_attr_put_strz(request, IFLA_IFNAME, change->name);
	if (change->master > 0)
		mnl_attr_put_u32(request, IFLA_MASTER, (uint32_t)change->master);
	return netlink_talk(netlink, request, NULL, NULL, err);
}

/*
 * Lists of addresses and routes.
 */

static struct nlmsghdr *netlink_copy(const struct nlmsghdr *message)
{
	struct nlmsghdr *copy = malloc(message->nlmsg_len);

	if (copy)
		memcpy(copy, message, message->nlmsg_len);
	return copy;
}

struct netlink_address_list {
	int index;
	struct netlink_addresses addresses;
};

static int netlink_take_address(const struct nlmsghdr *message, void *data)
{
	const struct ifaddrmsg *head = mnl_nlmsg_get_payload(message);
	struct netlink_address_list *list = data;
	struct netlink_address address = {0}, *items;
	const struct nlattr *attribute;

	if (message->nlmsg_type != RTM_NEWADDR || head->ifa_index != (unsigned int)list->index)
		return 0;
	items = reallocarray(list->addresses.items, list->addresses.count + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	list->addresses.items = items;
	address = (struct netlink_address){
		.index = list->index,
		.family = head->ifa_family,
		.scope = head->ifa_scope,
		.flags = head->ifa_flags,
		.message = netlink_copy(message),
	};
	if (!address.message)
		return -ENOMEM;
	mnl_attr_for_each(attribute, message, sizeof(*head))
	{
		/* All 32 of them, where the head has room for eight. */
		if (mnl_attr_get_type(attribute) == IFA_FLAGS)
			address.flags = mnl_attr_get_u32(attribute);
		else if (mnl_attr_get_type(attribute) == IFA_LABEL)
			strncpy(address.label, mnl_attr_get_str(attribute),
				sizeof(address.label) - 1);
	}
	items[list->addresses.count++] = address;
	return 0;
}

int netlink_list_addresses(struct netlink *netlink, int index,
			   struct netlink_addresses *ret_addresses, struct error *err)
{
	struct netlink_address_list list = {.index = index};
	int r = -EINTR;

	for (int i = 0; r == -EINTR && i < NETLINK_DUMP_TRIES; i++) {
		error_clear(err);
		netlink_addresses_clear(&list.addresses);
		r = netlink_dump(
			netlink,
			netlink_request(netlink, "list addresses", RTM_GETADDR, NLM_F_DUMP),
			netlink_take_address, &list, err);
	}
	if (r < 0) {
		netlink_addresses_clear(&list.addresses);
		return r;
	}
	*ret_addresses = list.addresses;
	return 0;
}

void netlink_addresses_clear(struct netlink_addresses *addresses)
{
	for (size_t i = 0; i < addresses->count; i++)
		free(addresses->items[i].message);
	free(addresses->items);
	*addresses = (struct netlink_addresses){0};
}

static void netlink_repeat_attribute(struct nlmsghdr *request, const struct nlattr *attribute)
{
	mnl_attr_put(request, mnl_attr_get_type(attribute), mnl_attr_get_payload_len(attribute),
		     mnl_attr_get_payload(attribute));
}

int netlink_add_address(struct netlink *netlink, const struct netlink_address *address,
			struct error *err)
{
	struct nlmsghdr *request = netlink_request(netlink, "add an address", RTM_NEWADDR,
						   NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	struct ifaddrmsg *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));
	const struct nlattr *attribute;

	memcpy(head, mnl_nlmsg_get_payload(address->message), sizeof(*head));
	head->ifa_index = (unsigned int)address->index;
	head->ifa_flags = (uint8_t)address->flags;
	mnl_attr_for_each(attribute, address->message, sizeof(*head))
	{
		uint16_t type = mnl_attr_get_type(attribute);

		if (type != IFA_FLAGS && type != IFA_LABEL && type != IFA_TARGET_NETNSID)
			netlink_repeat_attribute(request, attribute);
	}
	mnl_attr_put_u32(request, IFA_FLAGS, address->flags);
	if (address->label[0])
		mnl_attr_put_strz(request, IFA_LABEL, address->label);
	return netlink_talk(netlink, request, NULL, NULL, err);
}

struct netlink_route_list {
	int index;
	struct netlink_routes routes;
};

static int netlink_take_route(const struct nlmsghdr *message, void *data)
{
	const struct rtmsg *head = mnl_nlmsg_get_payload(message);
	struct netlink_route_list *list = data;
	struct netlink_route route = {.protocol = head->rtm_protocol}, *items;
	const struct nlattr *attribute;
	int index = 0;

	if (message->nlmsg_type != RTM_NEWROUTE || (head->rtm_flags & RTM_F_CLONED))
		return 0;
	mnl_attr_for_each(attribute, message, sizeof(*head))
	{
		if (mnl_attr_get_type(attribute) == RTA_OIF)
			index = (int)mnl_attr_get_u32(attribute);
		else if (mnl_attr_get_type(attribute) == RTA_GATEWAY ||
			 mnl_attr_get_type(attribute) == RTA_VIA)
			route.gateway = true;
	}
	if (index != list->index)
		return 0;
	items = reallocarray(list->routes.items, list->routes.count + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	list->routes.items = items;
	route.message = netlink_copy(message);
	if (!route.message)
		return -ENOMEM;
	items[list->routes.count++] = route;
	return 0;
}

int netlink_list_routes(struct netlink *netlink, int index, struct netlink_routes *ret_routes,
			struct error *err)
{
	struct netlink_route_list list = {.index = index};
	int r = -EINTR;

	for (int i = 0; r == -EINTR && i < NETLINK_DUMP_TRIES; i++) {
		error_clear(err);
		netlink_routes_clear(&list.routes);
		r = netlink_dump(netlink,
				 netlink_request(netlink, "list routes", RTM_GETROUTE, NLM_F_DUMP),
				 netlink_take_route, &list, err);
	}
	if (r < 0) {
		netlink_routes_clear(&list.routes);
		return r;
	}
	*ret_routes = list.routes;
	return 0;
}

void netlink_routes_clear(struct netlink_routes *routes)
{
	for (size_t i = 0; i < routes->count; i++)
		free(routes->items[i].message);
	free(routes->items);
	*routes = (struct netlink_routes){0};
}

int netlink_add_route(struct netlink *netlink, const struct netlink_route *route, struct error *err)
{
	struct nlmsghdr *request = netlink_request(netlink, "add a route", RTM_NEWROUTE,
						   NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	struct rtmsg *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));
	const struct nlattr *attribute;

	memcpy(head, mnl_nlmsg_get_payload(route->message), sizeof(*head));
	/* What the kernel tells of the next hop's state it takes from nobody. */
	head->rtm_flags &= RTNH_F_ONLINK;
	mnl_attr_for_each(attribute, route->message, sizeof(*head))
	{
		if (mnl_attr_get_type(attribute) != RTA_CACHEINFO)
			netlink_repeat_attribute(request, attribute);
	}
	return netlink_talk(netlink, request, NULL, NULL, err);
}
