/* SPDX-License-Identifier: Apache-2.0 */
/* `exec`: one more process in a container that runs. */
#ifndef CONTAINER_EXEC_H
#define CONTAINER_EXEC_H

#include "base/error.h"
#include "container/request.h"
#include "container/state/store.h"

/*
 * The process gets what the container's configuration says of processes: capabilities, rlimits,
 * labels, no_new_privs, seccomp; a --process file replaces what it names. Detached, returns once it
 * has executed; otherwise when it has ended, with its exit status in *ret_status. Takes no lock:
 * the kernel decides whether the container still is.
 */
int container_exec(const struct store *store, const struct exec_request *request, int *ret_status,
		   struct error *err);

#endif
