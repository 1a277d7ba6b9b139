/* SPDX-License-Identifier: Apache-2.0 */
/* What the runtime knows of a container that it makes, and has in hand. */
#ifndef CONTAINER_CREATION_CONTEXT_H
#define CONTAINER_CREATION_CONTEXT_H

#include "base/timestamp.h"
#include "container/birth.h"
#include "container/bundle.h"
#include "container/hooks.h"
#include "container/plan.h"
#include "container/request.h"
#include "container/rollback.h"
#include "container/state/record.h"
#include "container/state/store.h"
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

#endif
