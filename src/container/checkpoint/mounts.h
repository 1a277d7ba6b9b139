/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts of a container that come from the host.
 *
 * criu dumps what is in a mount namespace; where a mount shows a part of a filesystem that is
 * nowhere in there as a whole, a bind of the host, it has to be told a name for it, and at restore
 * what of the host the name stands for. The names: a bind of the configuration has its destination,
 * as it is written there; a mount below an rbind its own mount point; a device node (of a
 * container in a user namespace) its path; whatever masks a file "/dev/null". Without a cgroup
 * namespace mounts of type cgroup are binds, too: of the container's cgroup, with the destination
 * as its name, or on cgroup v1 of one in each hierarchy, with the hierarchy's name below it.
 *
 * Names are not to be trusted: with a user namespace the container may mount where it likes. So a
 * device is one of the configuration's or a default one.
 */
#ifndef CONTAINER_CHECKPOINT_MOUNTS_H
#define CONTAINER_CHECKPOINT_MOUNTS_H

#include <knarr/config.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"
#include "isolate/devices/devices.h"

struct checkpoint_mounts {
	const struct oci_config *config;
	pid_t init;
	int root;     /* of init */
	bool cgroups; /* it has no cgroup namespace, so its cgroups are mounts of the host's */
	bool unified; /* of which there is one hierarchy */
};

struct checkpoint_lists {
	struct text names; /* of those that a configuration does not tell */
	struct text
		slaves; /* of binds that follow the host's mounts: MASTER, DESTINATION, SOURCE */
};

/* Puts the external mounts of the container into criu's options, and JSON arrays of strings into
 * the lists, which are the caller's to clear. */
int checkpoint_put_mounts(const struct checkpoint_mounts *mounts, struct text *options,
			  struct checkpoint_lists *lists, struct error *err);

/* Whether a mount is in the mount namespace of `init`, by its number in mountinfo. */
int checkpoint_has_mount(pid_t init, unsigned int id, bool *ret_has, struct error *err);

/* What masks a file. */
#define CHECKPOINT_NULL "/dev/null"

/* The device of a container that has this clean path, or NULL. */
const struct devices_node *checkpoint_find_device(const struct devices_plan *devices,
						  const char *path);

/* criu's option for a mount of the host: `key` is what it shows in a checkpoint, and its name in a
 * restore; `value` its name, and a path of the host. */
void checkpoint_put_external(struct text *options, const char *key, const char *value);

/* Whether it is a bind of the host: by its type or its options. */
bool checkpoint_is_bind(const struct oci_mount *mount);

/* Whether it shows one cgroup; what a mount of type cgroup2 shows without a cgroup namespace
 * elsewhere than on cgroup v2 is all of the hierarchy, which is no bind. */
bool checkpoint_is_cgroup(const struct oci_mount *mount, bool unified);

#endif
