/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root filesystem: from a directory of the host to "/" of the container.
 *
 * Order (container/init/init.c's table): rootfs_attach, then mounts and devices below it, then
 * rootfs_enter, then the paths that are masked or read-only, last the root itself read-only.
 */
#ifndef ISOLATE_ROOTFS_H
#define ISOLATE_ROOTFS_H

#include <knarr/config.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "isolate/sources/sources.h"

struct rootfs_plan {
	char *path; /* absolute; owned */
	bool readonly;
	bool no_pivot; /* --no-pivot: MS_MOVE and chroot, for roots on ramfs */
	unsigned long
		propagation; /* MS_* of linux.rootfsPropagation; MS_SLAVE|MS_REC when absent */
	struct oci_strings masked_paths, readonly_paths; /* of the config */
	const char *label; /* linux.mountLabel or NULL; the config's */
	bool mount_namespace;
	bool host_tree; /* mounts without a mount namespace: rootfs_prepare() */
};

/*
 * Pure: `bundle` is absolute, root.path relative to it. --no-pivot is refused with a private
 * propagation, for then the host's root would stay reachable below. Without a mount namespace there
 * is only chroot(2): what would have to change the host's mounts (a read-only root, masked or
 * read-only paths, a propagation) is refused.
 */
int rootfs_plan(const struct oci_config *config, const char *bundle, bool no_pivot,
		struct rootfs_plan *ret_plan, struct error *err);
void rootfs_plan_clear(struct rootfs_plan *plan);

/*
 * In init, in its mount namespace: sets the propagation of the whole tree, clones the root
 * (recursively, through `sources`), attaches the clone and gives an O_PATH descriptor of it.
 * root.path must be a directory; the path itself is resolved as the host's.
 *
 * The clone is attached at root.path itself, for hooks that enter the mount namespace before
 * rootfs_enter() look for the root there; on top of "/" where init may not reach that path (in a
 * user namespace). Without a mount namespace `prepared` is attached, and when that is -EBADF the
 * directory itself is the root.
 */
int rootfs_attach(const struct rootfs_plan *plan, const struct sources *sources, int prepared,
		  int *ret_root, struct error *err);

/*
 * A container without a mount namespace has its mounts in the runtime's. So that they are no more
 * than one mount to anybody else, and go with it, they are made in a private clone of the root, on
 * top of the root itself.
 *
 * In the runtime, before anything is done: gives that clone, attached nowhere, and what is to be
 * written down in order to find it again. rootfs_attach() attaches it; rootfs_detach() takes it
 * from the host's tree, with all that is mounted in there. It is no error when it is gone, or when
 * another mount is there.
 */
int rootfs_prepare(const struct rootfs_plan *plan, int *ret_fd, uint64_t *ret_mount,
		   struct error *err);
int rootfs_detach(const char *path, uint64_t mount, struct error *err);

/*
 * Hangs a detached mount that is not needed any more into this namespace's copy of the host's tree,
 * with which rootfs_enter() drops it: the kernel waits for a grace period of RCU when mounts go,
 * and so it waits once, not twice. Left alone where that tree stays, or is shared with others.
 * Closing the descriptor is the caller's part in any case.
 */
void rootfs_drop_too(const struct rootfs_plan *plan, int mount);

/* pivot_root into it (or move and chroot), drop the host's tree, cwd "/". Applies a shared
 * rootfsPropagation to the new root. With no_pivot the host's tree stays below, without
 * the mounts of procfs and sysfs that are in it.
 */
int rootfs_enter(const struct rootfs_plan *plan, int root, struct error *err);

/*
 * After rootfs_enter and after `mounts`: linux.readonlyPaths and linux.maskedPaths. A path that
 * does not exist is skipped, one named twice is done once. Read-only is meant with all that is
 * mounted below. Files are covered by `null` (a detached clone of the host's /dev/null, taken
 * before; CVE-2025-31133), directories by clones of one read-only empty tmpfs. `null` may be -EBADF
 * when masked_paths is empty, and stays the caller's.
 */
int rootfs_protect_paths(const struct rootfs_plan *plan, int root, int null, struct error *err);

/* root.readonly, after everything else has been made. */
int rootfs_make_readonly(const struct rootfs_plan *plan, int root, struct error *err);

/* In the container's mount namespace: what masks files, read-only once more (mounts_reapply()). */
int rootfs_reapply_masks(const struct rootfs_plan *plan, int root, struct error *err);

#endif
