/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a restore (restore.c). For this folder only. */
#ifndef CONTAINER_CHECKPOINT_RESTORE_STEPS_H
#define CONTAINER_CHECKPOINT_RESTORE_STEPS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"
#include "container/checkpoint/checkpoint.h"
#include "container/checkpoint/restore-mounts.h"
#include "container/checkpoint/restore-stage.h"
#include "container/creation/creation.h"
#include "container/criu/criu.h"

struct restore {
	const struct restore_request *request;
	struct creation creation;
	struct criu_places places;
	struct text options;
	struct criu criu;
	char root[PATH_MAX];	      /* the mount point */
	char below[PATH_MAX];	      /* another one */
	char stage[PATH_MAX];	      /* both are on it, in a user namespace; or "" */
	struct restore_images images; /* on it, too */
	struct restore_belows belows;
	int namespaces[NAMESPACES_MAX]; /* for criu, from CRIU_FIRST_FD on */
	size_t namespace_count;
	bool managed; /* criu makes cgroups below the container's (criu_cgroup_find_mode()) */
	bool restored;
	pid_t first; /* the first process, once it has its namespaces */
};

/* ---- restore-options.c: into restore->options ---- */

/* All that is known before criu runs; opens restore->namespaces. */
int restore_put_options(struct restore *restore, struct error *err);
/* Where criu itself is by now is where what it makes shall be. */
int restore_put_cgroups(struct restore *restore, struct error *err);
/* Once the first process has its namespaces: its user namespace is the one of the configuration. */
int restore_check_ids(const struct restore *restore, pid_t pid, struct error *err);

/* ---- restore-child.c ---- */

struct restore_child {
	int (*run)(const struct restore *restore, struct error *err);
	const char *doing;
};

/* Something in a process of its own. */
int restore_fork(const struct restore *restore, const struct restore_child *child,
		 struct error *err);
/* The loopback interface of a network namespace that is new: criu makes that empty, and connections
 * of the container to itself come after. */
int restore_bring_up(const struct restore *restore, struct error *err);

/* ---- restore-root.c ---- */

/* Makes the mount points that the root does not have: an engine restores into a new one. */
int restore_prepare_root(const struct restore *restore, struct error *err);
/* For criu's process: goes into a copy of the host's mounts, with what criu needs as some more. The
 * sources of restore->belows are opened. Returns 0 or a negative errno. */
int restore_enter_copy(struct restore *restore);
/* When all processes are there, before any of them goes on: gives mounts and masks the attributes
 * that criu has not set. */
int restore_protect(const struct restore *restore, struct error *err);

#endif
