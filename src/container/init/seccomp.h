/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the seccomp filter comes into force.
 *
 * Last of all, with no_new_privs: behind it there is only execve. Without, the kernel demands
 * CAP_SYS_ADMIN of who installs it (seccomp(2)), which is kept until then, and dropped under the
 * filter. Who has that must not be seen by a container that may be allowed to trace. So of a
 * process that joins one, the helper that is not among its processes installs the filter, and what
 * it forks has it from the start; where the profile lets them do what is still to be done. Which
 * that is, is asked of the filter beforehand; one that forbids a part of it, or that notifies, or
 * that somebody else has compiled, comes last in this case too.
 */
#ifndef CONTAINER_INIT_SECCOMP_H
#define CONTAINER_INIT_SECCOMP_H

#include <stdbool.h>

#include "base/error.h"
#include "container/plan.h"

#define INIT_SECCOMP_ADMIN (1ULL << 21) /* CAP_SYS_ADMIN */

/* Whether the filter takes CAP_SYS_ADMIN that the program itself will not have. Pure. */
bool init_seccomp_needs_admin(const struct plan *plan);

/* Whether the helper of a process that joins a container is to install it. Pure. */
bool init_seccomp_is_first(const struct plan *plan);

/*
 * Installs it, if there is one, and gives up CAP_SYS_ADMIN if it was kept for that. A listener goes
 * to the runtime by `channel` (container/notify.h).
 */
int init_seccomp_apply(const struct plan *plan, int channel, struct error *err);

#endif
