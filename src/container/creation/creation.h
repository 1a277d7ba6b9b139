/* SPDX-License-Identifier: Apache-2.0 */
/* What `create` and `run` share: the runtime's side of a birth, in steps. */
#ifndef CONTAINER_CREATION_H
#define CONTAINER_CREATION_H

#include "container/creation/context.h"

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
