/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A /proc that nobody can mount over.
 *
 * Writes to procfs decide about labels, ids and sysctls; CVE-2019-16884 and CVE-2025-52881 came of
 * writing to a /proc that somebody else had arranged. The handle here is the host's own /proc,
 * verified to be a procfs with the root inode, and every file below is opened with RESOLVE_BENEATH
 * | NO_XDEV | NO_SYMLINKS but for the leading "self": what is mounted on a part of it is refused
 * and not believed. Where such a mount is found at once, as inside of a container, the handle is a
 * detached clone without its submounts (open_tree), or a procfs of our own (fsopen). They are not
 * the rule, because the kernel waits for a grace period of RCU when a detached mount is closed: 0.2
 * ms of each command.
 */
#ifndef KERNEL_PROCFS_H
#define KERNEL_PROCFS_H

#include <sys/types.h>

#include "base/error.h"

/* An O_PATH descriptor of the root of such a procfs; the caller owns it. Must be called before
 * anything of a container has been mounted in this mount namespace. */
int procfs_open(int *ret_fd, struct error *err);

/* Opens a file below it, e.g. procfs_openat(proc, "self/attr/exec", O_WRONLY). A leading "self/" is
 * resolved to the calling process. Returns the descriptor or a negative errno. */
int procfs_openat(int procfs, const char *path, int flags);

/* Writes a value in one write(2). Returns 0 or a negative errno. */
int procfs_write(int procfs, const char *path, const char *value);

/* Reads a small file, NUL-terminated, one trailing newline cut. Returns its length or -errno. */
ssize_t procfs_read(int procfs, const char *path, char *buffer, size_t size);

#endif
