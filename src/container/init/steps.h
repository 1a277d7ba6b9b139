/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of init's table (init.c), which tells their order and why it is this one. For this
 * folder only.
 *
 * Each applies what the plan says of one thing, and fails with a sentence that init.c puts the
 * phase before; place in config.json and hint are set where there are some.
 */
#ifndef CONTAINER_INIT_STEPS_H
#define CONTAINER_INIT_STEPS_H

#include "base/error.h"
#include "container/init/context.h"

/* ---- init/root.c: what is around a program ---- */

int init_cgroup(struct init *init, struct error *err);
int init_namespaces(struct init *init, struct error *err);
int init_network(struct init *init, struct error *err);
/* Enters the network namespace that the runtime makes meanwhile; once, as late as can be. */
int init_enter_network(struct init *init, struct error *err);
int init_rootfs(struct init *init, struct error *err);
int init_mounts(struct init *init, struct error *err);
int init_devices(struct init *init, struct error *err);
/* From here on nothing of the host can be reached, nor seen of its caller. */
int init_enter_rootfs(struct init *init, struct error *err);
int init_names(struct init *init, struct error *err);
int init_sysctl(struct init *init, struct error *err);
int init_protect(struct init *init, struct error *err);

/* ---- init/hooks.c ---- */

int init_runtime_hooks(struct init *init, struct error *err);
int init_container_hooks(struct init *init, struct error *err);
int init_start_hooks(struct init *init, struct error *err);

/* ---- init/process.c: what makes a process, also one that joins a container ---- */

int init_join(struct init *init, struct error *err);
int init_affinity(struct init *init, struct error *err);
int init_session(struct init *init, struct error *err);
int init_lead(struct init *init, struct error *err);
/* What /proc/PID/environ shows until execve is the environment of the runtime's caller. */
void init_forget_environment(void);
int init_terminal(struct init *init, struct error *err);
int init_labels(struct init *init, struct error *err);
int init_process(struct init *init, struct error *err);
int init_identity(struct init *init, struct error *err);
int init_executable(struct init *init, struct error *err);
int init_capabilities(struct init *init, struct error *err);
int init_descriptors(struct init *init, struct error *err);
int init_limits(struct init *init, struct error *err);
/* Returns only when it failed. */
int init_execute(struct init *init, struct error *err);

#endif
