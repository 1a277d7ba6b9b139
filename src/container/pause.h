/* SPDX-License-Identifier: Apache-2.0 */
/* `pause` and `resume`: a container's processes stop and go on. */
#ifndef CONTAINER_PAUSE_H
#define CONTAINER_PAUSE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "container/state/store.h"

/* Freezes the container's cgroup, or thaws it. Returns when all processes have stopped, or an
 * error, and then none of them is stopped. */
int container_pause(const struct store *store, const char *id, bool pause, struct error *err);

/* All processes of a container as the caller's pid namespace numbers them, in cgroups below its own
 * too, sorted; malloc'ed. Where its init is in none of them, those that members_append() finds. */
int container_processes(const struct store *store, const char *id, pid_t **ret_pids,
			size_t *ret_count, struct error *err);

#endif
