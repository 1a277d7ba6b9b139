/* SPDX-License-Identifier: Apache-2.0 */
/* Limits and scheduling of a process: rlimits, OOM score, scheduler, I/O priority,
 * personality, memory policy, keyring.
 *
 * Those with a `pid` act on that process, 0 being the caller: the runtime applies them to an init
 * that waits, because it has the privileges over the host that init may have given up, and because
 * a limit must not hit what init still has to do itself. The others act on the caller. */
#ifndef ISOLATE_LIMITS_H
#define ISOLATE_LIMITS_H

#include <knarr/config.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * prlimit(2) for each: sets both limits as configured. A limit that already is what is wanted is no
 * error; UINT64_MAX is RLIM_INFINITY. Raising a hard limit needs CAP_SYS_RESOURCE, which a
 * container's user hardly has: so that is done before, by limits_raise_rlimits() on the process
 * while it is still privileged, which touches nothing but the hard limits that are too low. What is
 * left then is lowering, which cannot fail, and comes last so that it hits no work of the runtime's
 * own.
 */
int limits_apply_rlimits(const struct oci_rlimits *rlimits, pid_t pid, struct error *err);
int limits_raise_rlimits(const struct oci_rlimits *rlimits, pid_t pid, struct error *err);

/* oom_score_adj of the calling process by way of the private procfs. Nothing when not set; no
 * error when the value is the present one, though it could not be written. */
int limits_apply_oom_score_adj(const struct oci_opt_i32 *score, pid_t pid, int procfs,
			       struct error *err);

/* sched_setattr(2), ioprio_set(2), set_mempolicy(2), personality(2); each does nothing when NULL.
 */
int limits_apply_scheduler(const struct oci_scheduler *scheduler, pid_t pid, struct error *err);
int limits_apply_io_priority(const struct oci_io_priority *priority, pid_t pid, struct error *err);
int limits_apply_memory_policy(const struct oci_memory_policy *policy, struct error *err);
int limits_apply_personality(const struct oci_personality *config, struct error *err);

/* A list of memory nodes or CPUs, "0-3,7", as bits. `ret_bits` is malloc'ed (NULL when the list is
 * empty), 4 KiB long, and has *ret_count bits in use: the highest number + 1. -EINVAL when it is no
 * such list, -ERANGE when a number is beyond what any kernel takes. Blanks around a number and
 * empty parts are accepted, as in cpuset(7). Pure. */
int limits_parse_list(const char *list, unsigned long **ret_bits, unsigned long *ret_count);

/*
 * Joins the session keyring "_ses.ID" (keyrings(7)), made if there is none of that name, and lets
 * its owner search it, so that a later exec finds it by its name. It belongs to the caller's uid; a
 * process that changes its uid afterwards goes on possessing it. -ENOSYS and -EOPNOTSUPP are fine.
 */
int limits_new_keyring(const char *id, struct error *err);

#endif
