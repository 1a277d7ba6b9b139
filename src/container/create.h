/* SPDX-License-Identifier: Apache-2.0 */
/* A container in the making: from the bundle to an init that waits for its start. */
#ifndef CONTAINER_CREATE_H
#define CONTAINER_CREATE_H

#include "base/error.h"
#include "container/request.h"
#include "container/state/store.h"

/*
 * `create`: 0 when init waits at its gate, the state is written, and the pid file too. On failure
 * nothing is left: no process, cgroup, mount, state or pid file; hooks.poststop have been run when
 * hooks of the runtime had been.
 */
int container_create(const struct store *store, const struct create_request *request,
		     struct error *err);

/*
 * `run`: creates and starts. In the foreground it relays the terminal and signals until init has
 * ended, removes the container unless told to keep it, and gives init's exit status (128 + signal)
 * in *ret_status. Detached, *ret_status is 0.
 */
int container_run(const struct store *store, const struct run_request *request, int *ret_status,
		  struct error *err);

#endif
