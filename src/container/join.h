/* SPDX-License-Identifier: Apache-2.0 */
/* The namespaces of a container that lives, for who goes into them. */
#ifndef CONTAINER_JOIN_H
#define CONTAINER_JOIN_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* Which namespaces of the process `init` are not the caller's own: CLONE_NEW*, or-ed. */
int join_find_namespaces(pid_t init, uint64_t *ret_types, struct error *err);

#endif
