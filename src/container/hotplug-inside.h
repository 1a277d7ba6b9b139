/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes that mount and unmount in the namespaces of a container that runs.
 *
 * Who attaches a mount must be in the container's mount namespace; where the sources are is the
 * host's. And when the container has its own user namespace, its root must not be able to take
 * "ro" or "nosuid" of a host mount away, which the kernel sees to only for mounts that were copied
 * into a mount namespace of that user namespace. So there are three processes, as at create:
 *
 * - the copy: enters the user namespace, makes a mount namespace, a copy of the host's, and waits;
 * - the helper of isolate/sources/sources.h: joins that copy with the host's privileges and clones
 * from it;
 * - the worker: enters the container's namespaces, attaches, says what it attached, and waits for
 *   the word that it may stay. If the runtime dies before, it takes everything back.
 *
 * None of them enters the container's pid namespace, so that nobody in there can see or trace them.
 */
#ifndef CONTAINER_HOTPLUG_INSIDE_H
#define CONTAINER_HOTPLUG_INSIDE_H

#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "isolate/mounts/mounts.h"

/* The container, for these processes. */
struct hotplug_place {
	int pidfd;	    /* of init */
	uint64_t types;	    /* CLONE_NEW* of the namespaces that are not the caller's own */
	int root;	    /* init's root, O_PATH */
	struct stat rootfs; /* the container's, of namespaces_lead_to() */
	int procfs;	    /* kernel/procfs.h, of the host */
};

/* Identifies a mount: unique for this boot from Linux 6.8 on. 0: nothing was mounted. */
typedef uint64_t hotplug_id;

/*
 * Attaches the mounts of the plan, and hands their ids (one for each step) to `record`; when that
 * fails, or any mount, none stays. Errors name mounts[i].
 */
struct hotplug_add {
	const struct hotplug_place *place;
	const struct mounts_plan *plan;
	int (*record)(const hotplug_id *ids, void *data, struct error *err);
	void *data;
};
int hotplug_attach(const struct hotplug_add *add, struct error *err);

/* Detaches the mounts at these destinations, after a look at all of them: each must be on top of
 * its destination. *ret_count: how many were detached, also on failure. Errors name mounts[i]. */
struct hotplug_victim {
	const char *destination;
	hotplug_id id;
};
int hotplug_detach(const struct hotplug_place *place, const struct hotplug_victim *victims,
		   size_t count, size_t *ret_count, struct error *err);

#endif
