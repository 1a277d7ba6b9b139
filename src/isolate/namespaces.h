/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces: which are new, which are joined, and the birth of a process in them.
 */
#ifndef ISOLATE_NAMESPACES_H
#define ISOLATE_NAMESPACES_H

#include <knarr/config.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

#define NAMESPACES_MAX 8

/* One namespace that is joined by path; `index` is its place in linux.namespaces. */
struct namespaces_join {
	uint64_t type; /* CLONE_NEW* */
	const char *path;
	size_t index;
};

struct namespaces_plan {
	uint64_t fresh;   /* CLONE_NEW* of those made new */
	uint64_t private; /* those made new or joined; the others are the runtime's own */
	struct namespaces_join joins[NAMESPACES_MAX];
	size_t join_count;
	const struct oci_time_offsets *time_offsets; /* NULL: none */
};

/* Pure. `linux` may be NULL (no namespaces at all). Refuses duplicates. */
int namespaces_plan(const struct oci_linux *linux_config, struct namespaces_plan *ret_plan,
		    struct error *err);

/* The descriptors of the joined namespaces, in the order of plan->joins; -EBADF elsewhere. */
struct namespaces_fds {
	int fds[NAMESPACES_MAX];
};
void namespaces_fds_init(struct namespaces_fds *fds);
void namespaces_fds_close(struct namespaces_fds *fds);

/* Opens each path and compares its type (NS_GET_NSTYPE of ioctl_ns(2)) with the one configured. */
int namespaces_open(const struct namespaces_plan *plan, struct namespaces_fds *ret_fds,
		    struct error *err);

/*
 * Forks a process that starts in all the joined namespaces and in new ones of plan->fresh, except
 * cgroup and time, which need more preparation (namespaces_finish). The order of setns calls, and the
 * helper process that it takes where a user namespace is involved, are explained in the .c.
 * With `cgroup` >= 0 the process starts in that cgroup2 directory.
 * Returns 0 in the child; in the parent the pid (as the caller's pid namespace numbers it; a child of
 * the caller) and *ret_pidfd; or a negative errno with *err. The caller's own namespaces are
 * unchanged when this returns.
 */
pid_t namespaces_fork(const struct namespaces_plan *plan, const struct namespaces_fds *fds,
		      int cgroup, int *ret_pidfd, struct error *err);

/*
 * In the child, once its id maps are written and it is in its final cgroups: makes the new cgroup
 * namespace, makes the new time namespace, writes its offsets and enters it. `procfs` as of
 * kernel/procfs.h.
 */
int namespaces_finish(const struct namespaces_plan *plan, int procfs, struct error *err);

#endif
