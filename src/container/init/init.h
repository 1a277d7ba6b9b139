/* SPDX-License-Identifier: Apache-2.0 */
/* The container's first process, or a further one, from the clone to its execve. */
#ifndef CONTAINER_INIT_H
#define CONTAINER_INIT_H

#include "container/init/context.h"

/*
 * Runs the steps of init's table, in their order, and then the program. Never returns: leaves by
 * execve, or by _exit after the error has been sent.
 */
void init_main(struct init *init) __attribute__((noreturn));

/* The steps of INIT_ASIDE; init_main() of the child does those of INIT_JOINED. Returns when nothing
 * is left that the container may not see; else as init_main(). */
void init_aside(struct init *init);

/* What namespaces_fork_into() has to tell when all that is done: SYNC_READY with the pid of who
 * goes on, or SYNC_FAILED. Returns 0 or a negative errno. */
int init_tell(const struct init *init, pid_t pid, const struct error *err);

/* The name of init's step `phase`, as sent in a message ("mounts"). */
const char *init_phase_name(unsigned int phase);

#endif
