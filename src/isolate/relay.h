/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes between the caller's terminal and a pseudo-terminal of the container, in the foreground. */
#ifndef ISOLATE_RELAY_H
#define ISOLATE_RELAY_H

#include "base/error.h"

struct relay {
	int input;   /* the caller's; -1: nothing is read */
	int output;  /* the caller's; -1: what comes from the master is dropped */
	int master;  /* of the container's pseudo-terminal; made non-blocking */
	int pidfd;   /* of the process that is waited for */
	int signals; /* a signalfd or -1 */
	void (*on_signal)(void *data, int signal); /* called for each signal of `signals` */
	void *data;
};

/*
 * Copies bytes both ways until the process behind `pidfd` is dead and what it wrote has been passed
 * on. Neither input nor output changes its mode; a slow output does not keep signals or input
 * waiting.
 *
 * End of `input`: the terminal's end-of-file character is typed whenever its reader has taken all
 * that came before, so that a process which reads a terminal sees the end of a pipe (a bounded
 * number of times). Output gone: the rest is dropped and the process goes on. After the death: what
 * the terminal still holds is passed on, which is a bounded amount, and a grandchild that keeps the
 * slave open is not waited for; an output that takes nothing is waited for until it does, goes
 * away, or one of SIGHUP, SIGINT, SIGQUIT, SIGTERM comes by way of `signals`.
 *
 * Does not busy-wait. Returns 0, or a negative errno when waiting itself failed. Does not reap the
 * process and closes none of the descriptors. SIGPIPE must be ignored or blocked by the caller.
 */
int relay_run(const struct relay *relay, struct error *err);

#endif
