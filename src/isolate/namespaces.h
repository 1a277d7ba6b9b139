/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces: which are new, which are joined, and the birth of a process in them.
 */
#ifndef ISOLATE_NAMESPACES_H
#define ISOLATE_NAMESPACES_H

#include <knarr/config.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
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
	uint64_t fresh;	  /* CLONE_NEW* of those made new */
	uint64_t private; /* those made new or joined; the others are the runtime's own */
	uint64_t apart;	  /* of the new ones, that which neither the fork nor the child makes
			     (isolate/network.h): set by who makes it, 0 by namespaces_plan() */
	struct namespaces_join joins[NAMESPACES_MAX];
	size_t join_count;
	const struct oci_time_offsets *time_offsets; /* NULL: none */
};

/* Pure. `linux_config` may be NULL (no namespaces at all). Refuses duplicates and time offsets
 * without a new time namespace. An empty path counts as none. */
int namespaces_plan(const struct oci_linux *linux_config, struct namespaces_plan *ret_plan,
		    struct error *err);

/* The descriptors of the joined namespaces, in the order of plan->joins; -EBADF elsewhere, and for
 * the user namespace that the caller is in already (the kernel refuses to join that one again). */
struct namespaces_fds {
	int fds[NAMESPACES_MAX];
};
void namespaces_fds_init(struct namespaces_fds *fds);
void namespaces_fds_close(struct namespaces_fds *fds);

/* Opens each path and compares its type (NS_GET_NSTYPE of ioctl_ns(2)) with the one configured. */
int namespaces_open(const struct namespaces_plan *plan, struct namespaces_fds *ret_fds,
		    struct error *err);

/*
 * Forks a process that becomes the container's first, or another one in its namespaces. How, and
 * why a helper process is needed where a user namespace is involved, is explained in the .c.
 *
 * The child starts in new namespaces of plan->fresh and in the joined pid and user namespaces; what
 * else there is to join or to make it does itself, by namespaces_finish(). With `cgroup` >= 0 it
 * starts in that cgroup2 directory.
 *
 * The child is not dumpable (prctl(2)) if it joined a pid or user namespace, where others could
 * trace it, until it calls execve; its files in /proc then belong to the host's root.
 *
 * Returns 0 in the child and only there; in the caller the pid, as the caller's pid namespace
 * numbers it, of a child of the caller's own, and *ret_pidfd; or a negative errno with *err, and
 * then nothing is left behind. The caller must have one thread. Its own namespaces are unchanged
 * when this returns; its descriptor table is shared with the helper for the duration.
 */
pid_t namespaces_fork(const struct namespaces_plan *plan, const struct namespaces_fds *fds,
		      int cgroup, int *ret_pidfd, struct error *err);

/*
 * In the child, once its id maps are written, idmap_become_root() is done and it is in its final
 * cgroups: joins what is left to join, becomes root of a joined user namespace, makes the
 * namespaces that clone could not make (cgroup, time with its offsets, ipc below a user namespace)
 * and enters them. `procfs` as of kernel/procfs.h. `fds` may be closed after this.
 */
int namespaces_finish(const struct namespaces_plan *plan, const struct namespaces_fds *fds,
		      int procfs, struct error *err);

/*
 * Into the namespaces of a process that lives in all of the container's: for exec.
 *
 * A helper process joins them at once through the pidfd (setns(2), Linux 5.8) and forks the child
 * as the caller's own; the caller itself goes nowhere. `prepare` runs in the helper before that,
 * and `settle` behind it. The child is to be seen in the container's pid namespace, by processes
 * that may be allowed to trace it; the helper never is. So what nobody in there may get hold of, be
 * it descriptors or privileges, `settle` gives up. Both are not dumpable: see the top of the .c.
 *
 * The last that the helper does is `tell`: of the child, whose pid it gives as the caller numbers
 * it, or of what has failed (a negative errno and the error); and then it exits. A child that
 * cannot be told of (a negative errno) is killed. The child may be quicker to say something by the
 * same way, and to say this: the caller believes no pid that is not of a child of his
 * (process_is_child()).
 *
 * The helper starts in the `cgroup`, and the child with it. It shares no descriptors: those of the
 * child are the ones that `settle` has left.
 *
 * Returns 0 in the child and only there; in the caller 1 when the helper is dead and there is a
 * child; or a negative errno with *err, and then there is none.
 *
 * `idle_close` is one that takes the kernel long to close, and that the helper does not get. Once
 * there is a helper it is closed, and set to -EBADF.
 *
 * What the helper opens in the container may be a file whose server does not answer. A signal to
 * `interrupt` (process_wait_graceful()) ends that: the helper is killed, -EINTR.
 */
struct namespaces_entry {
	int pidfd;		   /* of the process to follow */
	uint64_t types;		   /* CLONE_NEW* of the namespaces that are not the caller's own */
	int root;		   /* of that process, to change to afterwards; or -EBADF */
	const struct stat *rootfs; /* or where joining leads to this: that; or NULL */
	int idle_close;		   /* a descriptor to be closed while the helper works; or -EBADF */
	int interrupt;		   /* a signalfd, or -EBADF: see below */
	int (*prepare)(void *data, struct error *err);
	int (*settle)(void *data, struct error *err);
	int (*tell)(void *data, pid_t pid, const struct error *err);
	void *data;
	bool refused; /* out: it was the cgroup that the kernel did not make the helper in */
};
int namespaces_fork_into(struct namespaces_entry *entry, int cgroup, struct error *err);

/*
 * Whether the caller's root is this directory, as stat(2) has told of it in another mount
 * namespace. Who joins a mount namespace is at its topmost root, and that is the container's, also
 * when a process in there has changed its own with chroot(2), as servers do; but not when the
 * runtime that made the container was in a chroot itself, for then it is the host's.
 */
bool namespaces_lead_to(const struct stat *rootfs);

#endif
