/* SPDX-License-Identifier: Apache-2.0 */
/* `start`: lets a created container run its program. */
#ifndef CONTAINER_START_H
#define CONTAINER_START_H

#include <sys/types.h>

#include "base/error.h"
#include "container/bundle.h"
#include "container/interrupt.h"
#include "container/notify.h"
#include "container/state/record.h"
#include "container/state/store.h"

/* A container whose poststart hook fails is destroyed, as by `delete --force`. */
/* `manager` is NOTIFY_SOCKET or NULL; with one, returns when the program is ready, or dead. */
int container_start(const struct store *store, const char *id, const char *manager,
		    struct error *err);

/*
 * The second half, common with `run` and `exec`: after SYNC_START has been sent over `channel`,
 * waits until execve has closed it or the process has told why not. On the way its seccomp listener
 * is passed on.
 */
struct start_wait {
	int channel, pidfd;
	const struct bundle *bundle; /* for the places of errors */
	struct notify *notify;
	const struct interrupt *interrupt; /* that ends it, with a grace; or NULL */
};
int start_await_exec(const struct start_wait *wait, struct error *err);

/* Runs the poststart hooks; when one fails the container is killed, and to be destroyed by
 * the caller (runtime.md#lifecycle, step 9). */
int start_run_hooks(const struct store_entry *entry, const struct record_intent *intent,
		    const struct bundle *bundle, pid_t pid, struct error *err);

#endif
