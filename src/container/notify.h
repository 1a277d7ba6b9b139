/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SCMP_ACT_NOTIFY: the listener goes from the container's process to the seccomp agent
 * (config-linux.md#seccomp, seccomp_unotify(2)). Why it goes as it goes is told in the .c.
 */
#ifndef CONTAINER_NOTIFY_H
#define CONTAINER_NOTIFY_H

#include <knarr/config.h>
#include <sys/types.h>

#include "base/error.h"
#include "container/state/status.h"

/* ---- in the container's process ---- */

/* The helper that carries the listener. */
struct notify_helper {
	int pipe;  /* the listener's number goes in here */
	int pidfd; /* of the helper */
};

/* Makes the helper, before the filter is installed. It dies with the caller. */
int notify_prepare(int channel, struct notify_helper *ret_helper, struct error *err);

/*
 * Under the filter: returns when the agent has the listener. Needs write(2), and makes use of
 * waitid(2) when it may. -EPIPE when the runtime could not deliver it, or is dead.
 */
int notify_hand_over(const struct notify_helper *helper, int listener, struct error *err);

/* ---- in the runtime ---- */

/* What the agent is told about. */
struct notify {
	int agent;	      /* connected, or -EBADF: the configuration notifies nobody */
	const char *metadata; /* or NULL */
	pid_t pid;	      /* of the process that has the filter */
	struct status_document container; /* with the pid of init */
};
#define NOTIFY_INIT ((struct notify){.agent = -EBADF})
void notify_clear(struct notify *notify);
#define auto_notify __attribute__((cleanup(notify_clear)))

/* Connects to the agent, before anything runs that it would have to answer for: at listenerPath, or
 * where the annotation run.oci.seccomp.receiver says. The rest of *notify is the caller's. */
int notify_connect(const struct oci_config *config, struct notify *notify, struct error *err);

/* Sends the container process state and the listener, in one message, and ends the connection. */
int notify_deliver(struct notify *notify, int listener, struct error *err);

#endif
