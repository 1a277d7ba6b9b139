/* SPDX-License-Identifier: Apache-2.0 */
/* The container's first process, or a further one, from the clone to its execve. */
#ifndef CONTAINER_INIT_H
#define CONTAINER_INIT_H

#include <stdbool.h>

#include "base/error.h"
#include "cgroup/cgroup.h"
#include "container/hooks.h"
#include "container/plan.h"
#include "isolate/sources.h"

/*
 * Init itself, or one more process (exec), which does those of its steps that make a process: what
 * needs privileges or descriptors of the host as a helper aside, which is in the container's
 * namespaces but not among its processes; the rest when it is.
 */
enum init_role {
	INIT_FIRST,
	INIT_ASIDE,
	INIT_JOINED,
};

/* What init gets from the runtime, besides the plan. Everything is in memory that the fork copied,
 * or a descriptor that it shares. */
struct init {
	enum init_role role;
	bool filtered; /* the seccomp filter is in force already, see init-seccomp.h */
	const struct plan *plan;
	const struct cgroup *cgroup;
	const struct namespaces_fds *namespaces;
	bool attach;	    /* wait until we have been moved into the cgroup */
	int channel;	    /* to the runtime (sync.h) */
	int gate;	    /* to wait at for `start`, or -EBADF: the channel is the gate */
	int console_socket; /* connected, or -EBADF */
	int procfs;	    /* kernel/procfs.h */
	struct hooks_streams streams; /* of the hooks in the container */
	struct sources sources;
	int host_root; /* of rootfs_prepare(), or -EBADF */

	/* Made on the way. */
	int root, null, slave;
	bool networked;			 /* the network namespace made apart is entered */
	char **arguments, **environment; /* with a NULL at their ends */
	char executable[4096];
};

/*
 * Runs the steps of init's table, in their order, and then the program. Never returns: leaves by
 * execve, or by _exit after the error has been sent.
 */
void init_main(struct init *init) __attribute__((noreturn));

/* The steps of INIT_ASIDE; init_main() of the child does those of INIT_JOINED. Returns when nothing
 * is left that the container may not see; else as init_main(). */
void init_aside(struct init *init);

/* The name of init's step `phase`, as sent in a message ("mounts"). */
const char *init_phase_name(unsigned int phase);

#endif
