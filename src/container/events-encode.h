/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of `events`, as runc writes it and its callers decode it: the names, the order, and what
 * is left out when it is 0. Pure.
 */
#ifndef CONTAINER_EVENTS_ENCODE_H
#define CONTAINER_EVENTS_ENCODE_H

#include <stddef.h>

#include "base/text.h"
#include "cgroup/resctrl/statistics.h"
#include "cgroup/statistics/statistics.h"

/* A network interface of the container, as the container sees it. */
struct events_interface {
	char name[32];
	uint64_t rx_bytes, rx_packets, rx_errors, rx_dropped;
	uint64_t tx_bytes, tx_packets, tx_errors, tx_dropped;
};

struct events_statistics {
	struct cgroup_statistics cgroup;
	struct resctrl_statistics resctrl;
	struct events_interface *interfaces;
	size_t interface_count;
};

void events_encode_oom(const char *id, struct text *text);
void events_encode_statistics(const char *id, const struct events_statistics *statistics,
			      struct text *text);

/* The interfaces of a text of /proc/PID/net/dev but for "lo"; malloc'ed. -EBADMSG, -ENOMEM. */
int events_parse_interfaces(const char *text, struct events_interface **ret_interfaces,
			    size_t *ret_count);

#endif
