/* SPDX-License-Identifier: Apache-2.0 */
/* User and group id maps of a user namespace (user_namespaces(7)). */
#ifndef ISOLATE_IDMAP_H
#define ISOLATE_IDMAP_H

#include <knarr/config.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/* Maps for a *new* user namespace; both empty when there is none. Points into the config. */
struct idmap_plan {
	struct oci_id_mappings uids, gids;
};

/* Pure: the kernel's own rules (at most 340 lines, no overlap, no overflow), root mapped. */
int idmap_plan(const struct oci_linux *linux_config, struct idmap_plan *ret_plan,
	       struct error *err);

/* The id outside of one inside. -ENOENT when it is not mapped. An empty map maps each to itself. */
int idmap_to_host(const struct oci_id_mappings *map, uint32_t id, uint32_t *ret_id);

/*
 * Runtime side: writes uid_map, gid_map and setgroups of the process `pid` that waits in its new
 * user namespace. Directly with CAP_SETUID/CAP_SETGID over the parent namespace or for one line of
 * the caller's own id, else with newuidmap(1) and newgidmap(1).
 */
int idmap_write(const struct idmap_plan *plan, pid_t pid, struct error *err);

/*
 * Child side, after that: becomes root of the namespace (setgroups emptied where allowed, gid 0,
 * uid 0). Does nothing with an empty plan.
 */
int idmap_become_root(const struct idmap_plan *plan, struct error *err);

/* The same without a plan, for a user namespace that was joined: -EINVAL when it maps no root. */
int idmap_take_root(struct error *err);

/* Whether the caller's user namespace forbids setgroups(2), read from /proc/self/setgroups through
 * `procfs`. Returns 0 or a negative errno. */
int idmap_setgroups_denied(int procfs, bool *ret_denied);

/*
 * Makes a user namespace of its own that has these maps and no process in it, for id-mapped mounts
 * (mount_setattr(2)). Gives an owned descriptor. The maps need not have root.
 */
int idmap_open_namespace(const struct idmap_plan *plan, int procfs, int *ret_fd, struct error *err);

#endif
