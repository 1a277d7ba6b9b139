/* SPDX-License-Identifier: Apache-2.0 */
/* The namespaces of a container that lives, for who goes into them. */
#ifndef CONTAINER_JOIN_H
#define CONTAINER_JOIN_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * Which namespaces of a container's init (`pid`, `pidfd`) are not the caller's own: CLONE_NEW*,
 * or-ed. Those in `fresh` were made for it: they are not looked at, for each look costs as much as
 * joining it in vain. Only the user namespace is all the same, since nobody may join his own again.
 */
int join_find_namespaces(pid_t pid, int pidfd, uint64_t fresh, uint64_t *ret_types,
			 struct error *err);

/*
 * In a process of its own: into these of init's namespaces but the pid and the time namespace, so
 * that nobody in the container sees it; root of a user namespace. Not to be traced from in there.
 */
int join_enter(int pidfd, uint64_t types, struct error *err);

#endif
