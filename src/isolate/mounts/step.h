/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How one mount is made; between the files of the mounts module.
 */
#ifndef ISOLATE_MOUNTS_STEP_H
#define ISOLATE_MOUNTS_STEP_H

#include <sys/stat.h>

#include "isolate/mounts/mounts.h"

struct mounts_run {
	const struct mounts_context *context;
	const char *label;		 /* linux.mountLabel or NULL */
	const char *label_option;	 /* what it is given by */
	uint64_t root_mount, root_inode; /* what a target must not be */
};

/* Where a step is mounted. */
struct mounts_target {
	int fd;
	bool existed;
	unsigned int mode; /* st_mode */
};

/* Fills in what is known of the root. */
int mounts_look_at_root(struct mounts_run *run, struct error *err);

/* Opens the target of a new filesystem, a directory that is made when it is missing. */
int mounts_open_directory(const struct mounts_run *run, const struct mounts_step *step,
			  struct mounts_target *ret_target, struct error *err);
/* Opens the target for a bind of `source`: a missing one is made as a file or directory, as that
 * is. */
int mounts_open_for(const struct mounts_run *run, const struct mounts_step *step, int source,
		    struct mounts_target *ret_target, struct error *err);

/* Attaches a detached mount on the target, then the propagation that the options ask for. */
int mounts_attach(const struct mounts_run *run, const struct mounts_step *step, int mount,
		  int target, struct error *err);

/* The propagation alone. */
int mounts_propagate(const struct mounts_step *step, int mount, struct error *err);

/* Mounts a new filesystem on the target by mount(2), which attaches it at once. -EINVAL for an
 * option with a comma, which mount(2) would take for two. */
int mounts_legacy(const struct mounts_run *run, const struct mounts_step *step, int target,
		  struct error *err);

/* Makes the filesystem of a step, attached nowhere. `device` in place of the configured source, or
 * NULL; what depends on the target is not in it. */
int mounts_create(const struct mounts_run *run, const struct mounts_step *step, const char *device,
		  int *ret_fd, struct error *err);

/* The MOUNT_ATTR_* of a new mount by its options. */
uint64_t mounts_attributes(const struct mounts_step *step);

/* Clones `source` of the host and gives the clone the options' attributes; nothing is attached. */
int mounts_clone(const struct mounts_run *run, const struct mounts_step *step, const char *source,
		 bool recursive, int *ret_fd, struct error *err);

/* A MOUNTS_CGROUP step (mounts/cgroup.c). */
int mounts_cgroup(const struct mounts_run *run, const struct mounts_step *step, struct error *err);

/*
 * Copies what is in directory `from` into the empty filesystem `to` (mounts/copy-up.c): owners,
 * modes, times and extended attributes too. Nothing below `from` is followed out of it. Errors name
 * the file relative to `from`.
 */
int mounts_copy_up(int from, int to, struct error *err);

#endif
