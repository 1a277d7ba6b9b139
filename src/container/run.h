/* SPDX-License-Identifier: Apache-2.0 */
/* What `run` does behind a birth, and `restore` too. */
#ifndef CONTAINER_RUN_H
#define CONTAINER_RUN_H

#include <stdbool.h>

#include "base/error.h"
#include "container/creation/creation.h"

/* The container runs: keeps it company until init has ended (container/foreground.h). */
int run_attend(struct creation *creation, int signals, int *ret_status, struct error *err);

/* Removes the container, whose init has ended or else is to be killed; what fails is logged. */
void run_remove(struct creation *creation, bool ended);

/* A caller that was given no container must not find a dead child of one. */
void run_reap(const struct creation *creation);

#endif
