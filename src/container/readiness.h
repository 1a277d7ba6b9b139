/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sd_notify(3) through the runtime: where `create`, `run` and `start` are called by a service
 * manager, with NOTIFY_SOCKET in their environment, the program of the container gets a socket of
 * its own to say READY=1 to. The manager's own is nowhere in the container: what else a program may
 * say to it (MAINPID, FDSTORE, another status) is not a container's to say.
 *
 * `create` makes a directory in the container's state and mounts it at READINESS_TARGET; `start`
 * binds the socket in it, waits for the word, and passes it on together with the pid of init.
 */
#ifndef CONTAINER_READINESS_H
#define CONTAINER_READINESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "container/state/store.h"

#define READINESS_TARGET   "/run/notify"
#define READINESS_VARIABLE "NOTIFY_SOCKET=" READINESS_TARGET "/notify.sock"

/* Whether the value of NOTIFY_SOCKET, or NULL, names a socket that we can speak to: a path, or "@"
 * and an abstract name. */
bool readiness_is_address(const char *manager);

/* In `create`, when the container's state directory has been claimed. */
int readiness_prepare(const struct store_entry *entry, struct error *err);

/* What `start` keeps from before the start to after it. */
struct readiness {
	int socket;	     /* the container's; or -EBADF: it has none, and nothing is done */
	const char *manager; /* NOTIFY_SOCKET, the caller's */
	pid_t pid;	     /* of init: told as MAINPID; 0: not told, the caller stays itself */
	int pidfd;	     /* of init */
};

/* Before the program runs: binds the socket, when both the caller and the container have one. */
int readiness_listen(const struct store_entry *entry, const char *manager, int *ret_socket,
		     struct error *err);

/*
 * Waits until the program is ready, without any limit but its death (how long that may take, the
 * manager knows: TimeoutStartSec=), tells the manager, and waits up to 30 seconds until it has
 * heard (sd_notify_barrier(3)).
 */
int readiness_relay(const struct readiness *readiness, struct error *err);

/* The same in a child that ends when it is done, or with the caller. Whoever reaps all children
 * reaps it. */
int readiness_relay_aside(const struct readiness *readiness, struct error *err);

/* Whether a message says that the program is ready: the whole line that does, for the manager. */
bool readiness_find(const char *message, size_t length, char *ret_line, size_t size);

#endif
