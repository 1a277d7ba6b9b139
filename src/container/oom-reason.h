/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a process died for want of memory, and the words for it. */
#ifndef CONTAINER_OOM_REASON_H
#define CONTAINER_OOM_REASON_H

#include <stdint.h>

#include "base/error.h"
#include "cgroup/cgroup.h"

/*
 * When the kernel has killed more processes of the cgroup for want of memory than `before`
 * (cgroup_oom_kills()): sets the error that `who` was killed by the
 * cgroup's memory limit, with the limit and the peak, and returns -ENOMEM. Otherwise 0.
 */
int oom_explain(const struct cgroup *cgroup, uint64_t before, const char *who, struct error *err);

/* The same as a warning, for a process that has run, and whose end is no error of the runtime. */
void oom_warn(const struct cgroup *cgroup, uint64_t before, const char *who);

#endif
