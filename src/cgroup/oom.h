/* SPDX-License-Identifier: Apache-2.0 */
/* Word of the memory limit's kills: memory.events of v2, an eventfd on memory.oom_control of v1. */
#ifndef CGROUP_OOM_H
#define CGROUP_OOM_H

#include <stdint.h>

#include "base/error.h"

struct cgroup;

struct cgroup_oom_watch {
	int fd; /* to poll(2) with .events; -EBADF where memory is not limited at all */
	short events;
	int directory;	/* v1: not owned */
	uint64_t kills; /* v2: those told so far */
};
#define CGROUP_OOM_WATCH_INIT ((struct cgroup_oom_watch){.fd = -EBADF, .directory = -EBADF})
void cgroup_oom_watch_close(struct cgroup_oom_watch *watch);

/* Watches from now on. `cgroup` must outlive the watch. */
int cgroup_oom_watch_open(const struct cgroup *cgroup, struct cgroup_oom_watch *ret_watch,
			  struct error *err);

/* How often it has happened since the last call, or the opening; does not wait. 0 when the cgroup
 * is gone. */
uint64_t cgroup_oom_watch_take(struct cgroup_oom_watch *watch);

#endif
