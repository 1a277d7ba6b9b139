/* SPDX-License-Identifier: Apache-2.0 */
/* `delete`: everything that there is of a container goes. */
#ifndef CONTAINER_REMOVE_H
#define CONTAINER_REMOVE_H

#include <stdbool.h>

#include "base/error.h"
#include "cgroup/cgroup.h"
#include "container/state/record.h"
#include "container/state/store.h"

/*
 * Kills what is left (only with `force` when it is running), waits until it is dead, removes the
 * cgroup, runs the poststop hooks and removes the state. Each step may find its work done already:
 * a removal that was interrupted is completed by the next one. With `force` an unknown id is no
 * error.
 */
int container_delete(const struct store *store, const char *id, bool force, struct error *err);

/* The same for a container whose lock the caller holds and whose init is dead or to be killed. */
int remove_locked(const struct store *store, struct store_entry *entry, struct error *err);

/* The same for `run`, which has waited for the end of init and still holds what it made: nothing
 * has to be read back and compared. */
int remove_ended(const struct store *store, struct store_entry *entry,
		 const struct record_intent *intent, struct cgroup *cgroup, struct error *err);

#endif
