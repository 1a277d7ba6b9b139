/* SPDX-License-Identifier: Apache-2.0 */
/* The network namespace, made by the runtime while init works (isolate/network.h). */
#ifndef CONTAINER_APART_H
#define CONTAINER_APART_H

#include "container/birth.h"

/*
 * Before the clone: whether it can be done. If so, plan->namespaces.apart says it to the clone and
 * to init, and the descriptor returned, which is the caller's, is where the runtime belongs; else
 * -EBADF, and the namespace comes with clone3. That is so where a user namespace is new or joined,
 * for the network namespace is to belong to it, and where the runtime could not come back.
 */
int apart_plan(struct plan *plan);

/* Behind the clone, before init can need it: makes it, sends it (SYNC_NETWORK), brings its `lo` up.
 * An init that is dead already is not an error: what it said last says more. */
int apart_make(struct birth *birth, int home, struct error *err);

#endif
