/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the container may divide its cgroup itself: config-linux.md, "Cgroup ownership". */
#ifndef CONTAINER_DELEGATION_H
#define CONTAINER_DELEGATION_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "cgroup/cgroup.h"
#include "container/plan.h"

/*
 * True on cgroup v2 when the container gets a cgroup namespace of its own and a cgroup mount at
 * /sys/fs/cgroup that is not read-only. On v1 a delegation is not safe. Pure.
 */
bool delegation_plan(const struct plan *plan);

/*
 * Makes the user of the process `pid`, an init that has become its user, the owner of the cgroup
 * and of those of its files that let it be divided but leave its own limits alone (cgroups(7)).
 * Whoever is not privileged owns the cgroup already, and may not give it away: no error.
 */
int delegation_apply(const struct plan *plan, const struct cgroup *cgroup, pid_t pid, int procfs,
		     struct error *err);

#endif
