/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes between the caller's terminal and a pseudo-terminal of the container, in the foreground. */
#ifndef ISOLATE_RELAY_H
#define ISOLATE_RELAY_H

#include "base/error.h"

struct relay {
	int input;   /* the caller's; -1: nothing is read. Left in its mode; may block */
	int output;  /* the caller's; -1: what comes from the master is dropped */
	int master;  /* of the container's pseudo-terminal; made non-blocking */
	int pidfd;   /* of the process that is waited for */
	int signals; /* a signalfd (non-blocking or not) or -1 */
	void (*on_signal)(void *data, int signal); /* called for each signal of `signals` */
	void *data;
};

/*
 * Copies bytes both ways until the process behind `pidfd` is dead and what it wrote has been passed
 * on (for at most one second, for a grandchild may keep the slave open for ever). At the end of
 * `input` the terminal's VEOF character is typed, once, so that a process that reads a terminal sees
 * the end of a pipe. When `output` is gone, the rest of it is dropped and the process goes on.
 * Does not busy-wait. Returns 0, or a negative errno when waiting itself failed.
 * Does not reap the process. SIGPIPE must be ignored by the caller.
 */
int relay_run(const struct relay *relay, struct error *err);

#endif
