/* SPDX-License-Identifier: Apache-2.0 */
/* `kill`: signals to a container. */
#ifndef CONTAINER_KILL_H
#define CONTAINER_KILL_H

#include <signal.h>
#include <stdbool.h>

#include "base/error.h"
#include "container/state/store.h"

/*
 * Signals init, or with `all` every process of the container, also of a stopped one that has left
 * some. SIGKILL goes to all of them when they do not share a pid namespace of their own, for nobody
 * else would end them. Takes no lock: it must work while another command hangs.
 */
int container_kill(const struct store *store, const char *id, int signal, bool all,
		   struct error *err);

/* Signals everything in the container's cgroup, and init; for SIGKILL waits until init is dead, but
 * no longer than ten seconds (-EBUSY). For commands that hold the lock. */
int kill_all(const struct store_entry *entry, int signal, struct error *err);

#endif
