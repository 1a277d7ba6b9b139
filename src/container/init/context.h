/* SPDX-License-Identifier: Apache-2.0 */
/* What init knows, and its line to the runtime. */
#ifndef CONTAINER_INIT_CONTEXT_H
#define CONTAINER_INIT_CONTEXT_H

#include <stdbool.h>

#include "base/error.h"
#include "cgroup/cgroup.h"
#include "container/hooks.h"
#include "container/plan.h"
#include "container/sync.h"
#include "isolate/sources/sources.h"

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
	bool filtered; /* the seccomp filter is in force already, see init/seccomp.h */
	const struct plan *plan;
	const struct cgroup *cgroup;
	const struct namespaces_fds *namespaces;
	bool attach;	    /* wait until we have been moved into the cgroup */
	bool followed;	    /* one that joins: the runtime does things to it before it may run */
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

/* Says a word to the runtime, with a descriptor or -1. */
int init_send(const struct init *init, enum sync_word word, int fd, struct error *err);

/* Waits for a word of the runtime. Its death ends the wait, and the caller: nobody would know of
 * this process. */
int init_expect(const struct init *init, enum sync_word word, struct error *err);

/* The strings with a NULL behind them, which the configuration's lists do not have. The caller
 * frees the array and not the strings. NULL when there is no memory. */
char **init_vector(const struct oci_strings *strings);

#endif
