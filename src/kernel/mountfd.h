/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts as descriptors: made detached, given their attributes, attached by descriptor.
 *
 * One fsconfig(2) per option makes the injection of a second option by a comma impossible, and the
 * kernel's own message about a refused one can be read back from the context. Sources: fsopen(2),
 * fsconfig(2), fsmount(2), open_tree(2), move_mount(2), mount_setattr(2).
 * All descriptors are close-on-exec and owned by the caller.
 */
#ifndef KERNEL_MOUNTFD_H
#define KERNEL_MOUNTFD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* One option of a filesystem: a flag when `value` is NULL. */
struct mountfd_option {
	const char *key, *value;
};

struct mountfd_filesystem {
	const char *type;   /* "tmpfs" */
	const char *source; /* NULL for none */
	/* Given to the kernel in this order, so that `options` override `defaults`. */
	const struct mountfd_option *defaults;
	size_t default_count;
	const struct mountfd_option *options;
	size_t option_count;
	uint64_t attributes; /* MOUNT_ATTR_* of the new mount */
};

/* A new filesystem's mount, attached nowhere. The error holds the kernel's own words if it gave
 * any. */
int mountfd_create(const struct mountfd_filesystem *filesystem, int *ret_fd, struct error *err);

/* Changes the options of the filesystem that is mounted at `fd`, a mount's root (fspick(2)). Only
 * its `options` and `defaults` count. */
int mountfd_reconfigure(int fd, const struct mountfd_filesystem *filesystem, struct error *err);

/* A detached clone of the mount at (dirfd, path), or of the descriptor itself when path is "";
 * with its submounts when `recursive`. A last symbolic link is followed unless `nofollow`. */
int mountfd_clone(int dirfd, const char *path, bool recursive, bool nofollow, int *ret_fd,
		  struct error *err);

/* mount_setattr(2) on the mount behind a descriptor: MOUNT_ATTR_* to set and to clear,
 * MS_SHARED|PRIVATE|SLAVE|UNBINDABLE as propagation (0: as it is). */
struct mountfd_change {
	uint64_t set, clear, propagation;
	int userns; /* with MOUNT_ATTR_IDMAP in `set` */
	bool recursive;
};
int mountfd_change(int fd, const struct mountfd_change *change);

/* Attaches a detached mount on top of what `target` refers to. Returns 0 or a negative errno. */
int mountfd_attach(int fd, int target);

/* What the mount behind a descriptor is known by (statx(2)): its unique id from Linux 6.8 on,
 * before that one which is unique among the mounts that there are. Returns 0 or a negative errno.
 */
int mountfd_identify(int fd, uint64_t *ret_id);

#endif
