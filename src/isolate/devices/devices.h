/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes: the default ones, linux.devices, and the links in /dev
 * (config-linux.md#default-devices, #devices). */
#ifndef ISOLATE_DEVICES_H
#define ISOLATE_DEVICES_H

#include <knarr/config.h>
#include <stdbool.h>

#include "base/error.h"
#include "isolate/idmap/idmap.h"
#include "isolate/sources/sources.h"

struct devices_node {
	const char *path; /* in the container */
	char type;	  /* 'c', 'b', 'p' */
	unsigned int major, minor;
	unsigned int mode; /* permission bits */
	uint32_t uid, gid; /* in the container */
	bool configured;   /* from linux.devices; else a default one */
	size_t index;	   /* in linux.devices */
	char *owned;	   /* the path, if it is not as the config has it */
	bool prepared;	   /* by devices_prepare() */
};

struct devices_plan {
	struct devices_node *nodes;
	size_t count;
	bool bind;  /* no mknod in a user namespace: bind the host's */
	bool links; /* /dev/fd, stdin, stdout, stderr, core, ptmx */
	bool prepared;
	int filesystem; /* when `prepared`: a detached mount with the nodes that are */
};

/*
 * Pure. A configured node of a default one's path takes its place. /dev/ptmx is never made: it is a
 * link. When the config binds a directory of the host on /dev, that is the host's business: only
 * the configured nodes remain. -EINVAL for numbers and paths that cannot be a device's.
 */
int devices_plan(const struct oci_config *config, bool user_namespace,
		 struct devices_plan *ret_plan, struct error *err);
void devices_plan_clear(struct devices_plan *plan);

/*
 * In the runtime, before the clone: makes what linux.devices names for a container with a user
 * namespace of these maps, as far as the runtime may. Does nothing otherwise.
 */
void devices_prepare(struct devices_plan *plan, const struct idmap_plan *container);

/* What node `index` of the plan is called there. */
enum { DEVICES_NAME_SIZE = 24 };
void devices_prepared_name(size_t index, char name[DEVICES_NAME_SIZE]);

/*
 * In init, below the attached root: nodes, then the links. A file that exists and is not the node
 * wanted is an error (config-linux.md#devices); where the host's node is bound, it is covered
 * instead.
 */
int devices_apply(const struct devices_plan *plan, int root, const struct sources *sources,
		  struct error *err);

#endif
