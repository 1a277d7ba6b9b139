/* SPDX-License-Identifier: Apache-2.0 */
/* What `create` and `run` share: the runtime's side of a birth, in steps. */
#ifndef CONTAINER_CREATION_H
#define CONTAINER_CREATION_H

#include "base/timestamp.h"
#include "container/birth.h"
#include "container/bundle.h"
#include "container/hooks.h"
#include "container/plan.h"
#include "container/record.h"
#include "container/request.h"
#include "container/rollback.h"
#include "container/store.h"
#include "kernel/process.h"

struct creation {
	enum record_phase phase; /* to be recorded when init is ready */
	const struct store *store;
	const struct create_request *request;
	struct bundle bundle;
	struct plan plan;
	struct store_entry entry;
	struct record_intent intent;
	char created[TIMESTAMP_SIZE];
	struct cgroup *cgroup;
	struct process_identity identity;
	struct birth birth; /* of init */
	int gate;	    /* -EBADF: `run`, the channel is the gate */
	int sources;   /* our end of the channel to the sources helper, while it is being set up */
	int helper;    /* its pidfd */
	int host_root; /* of rootfs_prepare(), or -EBADF */
	int home; /* our network namespace, while init's is to be made apart (apart.h), or -EBADF */
	int pidfd_receiver;	      /* connected to the annotation's socket, or -EBADF */
	struct hooks_streams streams; /* for init's hooks */
	struct net_devices net_devices;
	bool attach;	  /* init is not in its cgroup by the clone: systemd moves it there */
	bool hooks_ran;	  /* some that come before `start`, or may have */
	bool undo_failed; /* something is left: so are the records of it */
	struct rollback rollback;
};

/* An empty one, so that creation_end() may be called at any time. With RECORD_CREATED, init will
 * wait at a gate in the state directory; with RECORD_RUNNING, at the channel. */
void creation_init(struct creation *creation, const struct store *store,
		   const struct create_request *request, enum record_phase phase);

/* Everything up to an init that has said SYNC_READY: the container exists, but its state is only
 * prepared. */
int creation_build(struct creation *creation, struct error *err);

/* The same in parts, for a restore. What comes before an init: everything up to the cgroup with all
 * its rules, and the saved configuration. */
int creation_prepare(struct creation *creation, struct error *err);
/* The hooks that come when init has its namespaces; `init` is its pid. */
int creation_hooks(struct creation *creation, pid_t init, struct error *err);
/* Somebody else has made init, as our child; its state is prepared. */
int creation_adopt(struct creation *creation, pid_t init, struct error *err);

/* Limits from outside, state, pid file, pidfd socket; then SYNC_COMMIT. From here on nothing is
 * undone. */
int creation_commit(struct creation *creation, struct error *err);

/* Undoes what was not committed, and frees everything. The container itself goes on. */
void creation_end(struct creation *creation);

#endif
