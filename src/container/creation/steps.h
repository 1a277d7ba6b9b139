/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a creation, and what takes each of them back. For this folder only. */
#ifndef CONTAINER_CREATION_STEPS_H
#define CONTAINER_CREATION_STEPS_H

#include "base/error.h"
#include "container/creation/context.h"

/* ---- creation/undo.c: for rollback_add(), with the creation. Each only warns of what fails ----
 */

/* Comes last, and leaves the state directory where anything else could not be undone. */
void creation_undo_store(void *data);
/* poststop's, when some may have run. Registered before the resources, so that it comes behind
 * their removal (runtime.md#lifecycle, steps 12 and 13), but while the id is still taken. */
void creation_undo_hooks(void *data);
void creation_undo_host_root(void *data);
void creation_undo_cgroup(void *data);
void creation_undo_resctrl(void *data);
/* Kills and reaps init and the sources helper. */
void creation_undo_init(void *data);
void creation_undo_net_devices(void *data);

/* ---- creation/found.c: before there is a process ---- */

/* What the kernel is not asked to change, then what the container is: reads the bundle, plans,
 * claims the id, writes the intent, makes the cgroup and the resctrl group. */
int creation_found(struct creation *creation, struct error *err);

/*
 * What need not be done before the clone, and is done while init builds its root on another CPU:
 * the device rules of cgroup v2, a program that the kernel verifies at length and puts in force in
 * one step (init itself may open what it likes anyhow), and the copy of the configuration, which is
 * no part of what an interrupted create has to undo.
 */
int creation_complete(struct creation *creation, struct error *err);

/* ---- creation/converse.c: from the clone to init's readiness ---- */

/* Whether createContainer hooks, which init runs, have to find the container complete. */
bool creation_completes_first(const struct creation *creation);

/* Answers init until it is ready. */
int creation_converse(struct creation *creation, struct error *err);

/* prestart's and createRuntime's. */
int creation_run_hooks(struct creation *creation, struct error *err);

/* All that will be recorded of init, so that its readiness only has to be put in force. */
int creation_prepare_state(struct creation *creation, struct error *err);

/* Waits for the sources helper, whose end of the channel init's readiness has closed. */
int creation_end_helper(struct creation *creation, struct error *err);

#endif
