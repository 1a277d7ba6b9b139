/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of this host the names in a checkpoint's images stand for (checkpoint/mounts.h).
 *
 * They are not to be trusted: a container may have mounted where it liked, and what is below a
 * volume it can exchange with a link, for criu to follow. So a device is the one that the
 * configuration has of that name; and what is below a bind is walked to without links, and cloned
 * to a place of our own, before criu hears of it.
 */
#ifndef CONTAINER_CHECKPOINT_RESTORE_MOUNTS_H
#define CONTAINER_CHECKPOINT_RESTORE_MOUNTS_H

#include <knarr/config.h>

#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"
#include "container/checkpoint/names.h"
#include "isolate/devices/devices.h"
#include "isolate/mounts/mounts.h"

struct restore_mounts {
	const struct oci_config *config;
	const struct devices_plan *devices;
	const char *bundle; /* relative sources are below it */
	const char *place;  /* where restore_attach_belows() will be called for */
	bool all;	    /* what is mounted is the container's root, which walks there only */
	const char *names;  /* the JSON text of above, or NULL */
	/* Without a cgroup namespace: where the container's own cgroup is. */
	const char *cgroup; /* of the one hierarchy; or NULL */
	const struct mounts_hierarchy *hierarchies;
	size_t hierarchy_count; /* else */
};

/* Mounts below binds: `rest` is the path below the directory `source`; or "": what is there. */
struct restore_below {
	char *source, *rest;
	int fd; /* of restore_open_belows(); or -EBADF */
};
struct restore_belows {
	struct restore_below *items;
	size_t count;
};
void restore_belows_clear(struct restore_belows *belows);

/* For a restore: what each name stands for on this host, into criu's options; and what is to be
 * attached first. */
int restore_put_mounts(const struct restore_mounts *mounts, struct text *options,
		       struct restore_belows *ret_belows, struct error *err);

/*
 * Whether binds that followed the same mount of the host do so no more: `slaves` is what checkpoint
 * has written of them (mounts.h). One source has changed, or they are on different mounts now.
 */
bool restore_is_moved(const struct restore_mounts *mounts, const struct checkpoint_names *slaves);

/* In the mount namespace that criu will work in: opens them, as long as their paths lead there. */
int restore_open_belows(struct restore_belows *belows, struct error *err);
/* And then: clones of them, below the directory `place`. */
int restore_attach_belows(const struct restore_belows *belows, const char *place,
			  struct error *err);

#endif
