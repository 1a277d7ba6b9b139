/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of the host's cgroup2 filesystem, which criu takes away.
 *
 * For its own use criu mounts cgroup2 once more, without options. To the kernel that is an order
 * for the one filesystem there is: "nsdelegate" and others are gone for the whole host, and with
 * them what keeps containers from moving processes out of their cgroup namespace (cgroups(7)).
 *
 * The kernel takes such orders from the initial cgroup namespace only (apply_cgroup_root_flags()
 * in kernel/cgroup/cgroup.c). So criu gets a namespace of its own, whose root is the same as the
 * host's: it sees the same paths and can change nothing. To criu a container then has a cgroup
 * namespace whenever it is not in criu's; hence this is for containers that do have one. For the
 * others the options are noted and set again, one criu at a time.
 */
#ifndef CONTAINER_CRIU_CGROUP_H
#define CONTAINER_CRIU_CGROUP_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

#define CRIU_CGROUP_OPTIONS_MAX 256

/*
 * In the process that is to become criu: gives it a cgroup namespace with the host's root, and
 * leaves it in the cgroup it was in. Where that cannot be (another cgroup namespace than the
 * initial one, which needs none; cgroup v1; no right to write to the root's cgroup.procs) nothing
 * is done, and criu_cgroup_mend() has to do.
 */
void criu_cgroup_isolate(void);

/*
 * Whether criu is to note down cgroups and to make them again, or to leave them alone: then what is
 * restored stays in the cgroup, and in the cgroup namespace, that criu was started in. `mode` is
 * that of --manage-cgroups-mode, or NULL: then it is so where cgroup v2 is all there is. Where
 * there are hierarchies of v1, be it one that a program has mounted for itself beside v2, criu
 * would make all cgroups again that it found where the container has none of its own, at the root
 * of a hierarchy all of them: those of others, as often as somebody restores. Returns 0, -EINVAL
 * for a mode that is none, or what cgroup_host_detect() returns.
 */
int criu_cgroup_find_mode(const char *mode, bool *ret_managed, struct error *err);

/* Whether the process has another cgroup namespace than the caller. */
bool criu_cgroup_is_apart(pid_t pid);

/*
 * Waits until no other criu of ours is at work that the options would have to be set again for.
 * Returns an owned descriptor that holds that right until it is closed, or -EBADF after a minute
 * (with a warning) and where there is no cgroup2.
 */
int criu_cgroup_lock(void);

/* What is set now: words separated by commas, "" when /sys/fs/cgroup is no cgroup2. */
void criu_cgroup_options(char options[static CRIU_CGROUP_OPTIONS_MAX]);

/* Sets them as they were, if they have changed. What fails is logged. */
void criu_cgroup_mend(const char *options);

/* Pure: those in the text of a mountinfo, which is cut in place. */
void criu_cgroup_parse(char *mountinfo, char options[static CRIU_CGROUP_OPTIONS_MAX]);

#endif
