/* SPDX-License-Identifier: Apache-2.0 */
/* The company that `run` and `exec` keep to a process in the foreground until it has ended. */
#ifndef CONTAINER_FOREGROUND_H
#define CONTAINER_FOREGROUND_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct foreground {
	pid_t pid;
	int pidfd;
	int master; /* of its terminal, relayed to the caller's; or -EBADF */
};

/*
 * Before the process is made: signals arrive by *ret_signals, a signalfd, from here on, and are
 * blocked for the caller. (A process that is forked has its own mask to set.)
 */
int foreground_block_signals(int *ret_signals, struct error *err);

/*
 * Relays the terminal and passes signals on until the process is dead, reaps it and the orphans
 * that have become ours, and gives its exit status as shells do. The caller's terminal is restored.
 */
int foreground_wait(const struct foreground *foreground, int signals, int *ret_status,
		    struct error *err);

#endif
