/* SPDX-License-Identifier: Apache-2.0 */
/* How `exec` makes its process: by a helper that joins the container (isolate/namespaces.h). */
#ifndef CONTAINER_EXEC_FORK_H
#define CONTAINER_EXEC_FORK_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"
#include "cgroup/cgroup.h"
#include "container/birth.h"
#include "container/interrupt.h"
#include "container/state/status.h"

struct exec_fork {
	/* The caller's. */
	struct birth *birth;	   /* its plan; channel, pid and pidfd come from here */
	struct cgroup *cgroup;	   /* the process is to be in, cgroup_prepare_enter() done */
	bool exact;		   /* it was asked for: no other one will do */
	const struct status *init; /* of the container's */
	const struct interrupt *interrupt; /* ends the wait for the helper */
	int idle_close;			   /* struct namespaces_entry */
	bool followed;			   /* the process waits for SYNC_START */

	/* Made here. */
	int root;	    /* of init, which may have changed it */
	struct stat rootfs; /* of the container's, .st_ino 0: it is no more to be seen */
	bool attach;	    /* nobody may be cloned there: to be done by cgroup_attach() */
};

void exec_fork_init(struct exec_fork *fork, struct birth *birth);
void exec_fork_clear(struct exec_fork *fork);

/* Where init's root is, and whether it is still the container's: opens files of the host. */
int exec_fork_find_root(struct exec_fork *fork, const char *rootfs, struct error *err);

/*
 * Makes the process, and hears what its helper has to say until it is ready (birth_await_ready(),
 * with these events). It goes on by itself, unless it is followed (or has to be attached, which
 * sets that). Returns 0, or a negative errno with nothing left behind.
 */
int exec_fork(struct exec_fork *fork, const struct birth_events *events, struct error *err);

#endif
