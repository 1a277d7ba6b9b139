/* SPDX-License-Identifier: Apache-2.0 */
/* Limits and scheduling of a process: rlimits, OOM score, scheduler, I/O priority, affinity,
 * personality, memory policy, keyring. */
#ifndef ISOLATE_LIMITS_H
#define ISOLATE_LIMITS_H

#include <knarr/config.h>

#include "base/error.h"

/* setrlimit(2) for each; raising above the own hard limit needs CAP_SYS_RESOURCE: an error that names
 * the limit, both values and that hint; a limit that already is what is wanted is no error. */
int limits_apply_rlimits(const struct oci_rlimits *rlimits, struct error *err);

/* oom_score_adj of the calling process by way of the private procfs. */
int limits_apply_oom_score_adj(const struct oci_opt_i32 *score, int procfs, struct error *err);

/* sched_setattr(2), ioprio_set(2), set_mempolicy(2), personality(2); each does nothing when NULL. */
int limits_apply_scheduler(const struct oci_scheduler *scheduler, struct error *err);
int limits_apply_io_priority(const struct oci_io_priority *priority, struct error *err);
int limits_apply_memory_policy(const struct oci_memory_policy *policy, struct error *err);
int limits_apply_personality(const struct oci_personality *personality, struct error *err);

/* All CPUs, whatever the runtime's caller had been confined to; the cpuset decides. Best effort. */
void limits_reset_affinity(void);

/* Joins a new session keyring "_ses.ID" (keyrings(7)) that the container's user owns; ENOSYS is fine. */
int limits_new_keyring(const char *id, struct error *err);

#endif
