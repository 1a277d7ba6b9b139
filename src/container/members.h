/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes of a container where its cgroup does not tell: there is none (the manager is
 * disabled, or nobody may make one), or init has been moved out of it.
 */
#ifndef CONTAINER_MEMBERS_H
#define CONTAINER_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/* One process of the host. */
struct member {
	pid_t pid, parent;
	bool counts; /* it is one of the container's */
};

/* Pure: the descendants of those that count do so as well. Sorts by pid. */
void members_spread(struct member *members, size_t count);

/*
 * Appends to a malloc'ed list, whatever is in it: init, all in its pid namespace when that is the
 * container's own, and their descendants. Zombies are none of them, as in a cgroup. Numbers are
 * those of the caller's procfs; what it does not let the caller see is missing.
 */
int members_append(pid_t init, bool private_pid, pid_t **pids, size_t *count, struct error *err);

#endif
