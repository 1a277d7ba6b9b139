/* SPDX-License-Identifier: Apache-2.0 */
/* --no-pivot: for hosts whose root is a ramdisk, which pivot_root(2) cannot leave. */
#ifndef ISOLATE_ROOTFS_MOVE_H
#define ISOLATE_ROOTFS_MOVE_H

#include "base/error.h"

/*
 * Moves the mount `root`, which is attached, on top of "/"; chroot(2) is left to the caller.
 * Before that all procfs and sysfs mounts that do not lie below it are taken out of this mount
 * namespace or covered: the host's tree stays reachable for whoever may chroot, and with a procfs
 * in sight the kernel would let the container mount one without the masks.
 */
int rootfs_move(int root, struct error *err);

#endif
