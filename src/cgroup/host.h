/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of host detection: the parsers, which are pure, and single questions. */
#ifndef CGROUP_HOST_H
#define CGROUP_HOST_H

#include "cgroup/cgroup.h"

/*
 * The one hierarchy of a UNIFIED host, from the text of /proc/self/cgroup (cgroups(7)): the line
 * "0::".
 */
int cgroup_host_parse_unified(const char *own, struct cgroup_host *ret_host, struct error *err);

/*
 * The hierarchies of a LEGACY host from /proc/self/cgroup and /proc/self/mountinfo
 * (proc_pid_mountinfo(5)), in the order of the former. Those that are not mounted at or below
 * /sys/fs/cgroup are left out; of several mounts of one the last counts, which hides the others.
 * The own path is relative to what the mount shows of the hierarchy; "/" when it does not show the
 * own cgroup.
 */
int cgroup_host_parse_legacy(const char *own, const char *mountinfo, struct cgroup_host *ret_host,
			     struct error *err);

/*
 * The path in the hierarchy of `controllers` (struct cgroup_hierarchy) in the text of
 * /proc/PID/cgroup, malloc'ed. -ENOENT when it is not there, or -ENOMEM.
 */
int cgroup_host_own_path(const char *own, const char *controllers, char **ret_path);

/* What /sys/fs/cgroup is now; nothing at all counts as LEGACY. */
int cgroup_host_mode(enum cgroup_mode *ret_mode, struct error *err);

/* True for callers who are not root, or root only of a user namespace of their own. */
bool cgroup_host_is_rootless(void);

#endif
