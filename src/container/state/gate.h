/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The start gate: where a created init waits for `start`.
 *
 * A listening SOCK_SEQPACKET socket, bound in the state directory and held by init alone. It is no
 * FIFO that the container could find or keep others waiting at: the path does not exist inside, a
 * connect to a dead init fails at once with ECONNREFUSED, and execve closes it (close-on-exec),
 * which is how anyone can tell whether the container has been started, whatever became of `start`.
 */
#ifndef CONTAINER_STATE_GATE_H
#define CONTAINER_STATE_GATE_H

#include <stdbool.h>

#include "base/error.h"
#include "container/state/store.h"

/* In the runtime, before the clone: makes it. Gives the listening descriptor. */
int gate_listen(const struct store_entry *entry, int *ret_fd, struct error *err);

/* In init: waits until somebody connects and says SYNC_START; gives the connection, on which a
 * failure to execute is reported, and which execve closes. Others are let go. */
int gate_wait(int gate, int *ret_connection, struct error *err);

/* In `start`: connects. -ECONNREFUSED or -ENOENT: init has executed its program, or is dead.
 * -EAGAIN: it is there, but has taken nobody off its backlog for ten seconds: it is frozen or
 * stopped. */
int gate_connect(const struct store_entry *entry, int *ret_connection);

/* Whether nobody is at the gate: init has executed its program, or is dead. For `state`, when
 * `start` was interrupted. */
bool gate_is_closed(const struct store_entry *entry);

/* Whether somebody is there. Without a gate (`run`) neither is true. */
bool gate_is_open(const struct store_entry *entry);

#endif
