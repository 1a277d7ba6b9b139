/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes: the default ones, linux.devices, and the links in /dev
 * (config-linux.md#default-devices, #devices). */
#ifndef ISOLATE_DEVICES_H
#define ISOLATE_DEVICES_H

#include <knarr/config.h>
#include <stdbool.h>

#include "base/error.h"
#include "isolate/idmap.h"
#include "isolate/sources.h"

struct devices_node {
	const char *path; /* in the container */
	char type;        /* 'c', 'b', 'p' */
	unsigned int major, minor;
	unsigned int mode; /* permission bits */
	uint32_t uid, gid; /* in the container */
	bool configured;   /* from linux.devices; else a default one */
	size_t index;      /* in linux.devices */
};

struct devices_plan {
	struct devices_node *nodes;
	size_t count;
	bool bind; /* no mknod in a user namespace: bind the host's */
};

/* Pure. A configured node of a default one's path takes its place. */
int devices_plan(const struct oci_config *config, bool user_namespace, struct devices_plan *ret_plan,
		 struct error *err);
void devices_plan_clear(struct devices_plan *plan);

/*
 * In init, below the attached root: nodes, then /dev/fd, stdin, stdout, stderr, core, ptmx. Nothing is
 * made when /dev is a bind mount of the config (`dev_is_bind` as runc: then it is the host's business)
 * except configured devices. A file that exists and is not the node wanted is an error.
 */
int devices_apply(const struct devices_plan *plan, int root, const struct sources *sources,
		  struct error *err);

#endif
