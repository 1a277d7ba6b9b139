/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CPUs that a process may run on (sched_setaffinity(2)), next to and below its cgroup's cpuset.
 * All of these act on the caller.
 */
#ifndef ISOLATE_AFFINITY_H
#define ISOLATE_AFFINITY_H

#include <knarr/config.h>

#include "base/error.h"

/*
 * process.execCPUAffinity.initial: of the runtime, before it makes a process that joins the
 * container's cgroup. Children inherit it. Nothing when there is none. An error when no CPU of the
 * list is online and in the caller's own cpuset.
 */
int affinity_set_initial(const struct oci_cpu_affinity *affinity, struct error *err);

/*
 * process.execCPUAffinity.final: of a process that is in the container's cgroup. With only an
 * initial one, the kernel has decided, and nothing is done. With neither, and for a container's
 * init (NULL), all CPUs, whatever the runtime's caller had been confined to: the cpuset decides,
 * now and after each change of it. That is best effort.
 */
int affinity_set_final(const struct oci_cpu_affinity *affinity, struct error *err);

#endif
