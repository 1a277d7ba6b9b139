/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only opener below a container's root.
 *
 * Every path of the container is resolved by openat2(2) with RESOLVE_IN_ROOT and
 * RESOLVE_NO_MAGICLINKS against the descriptor of its root: symbolic links work as they would
 * inside, and nothing leads out. The kernel answers EAGAIN when a rename or mount races with the
 * walk of a ".."; that is retried a bounded number of times and then reported: it may be an attack.
 *
 * Descriptors handed out are O_PATH unless said otherwise, close-on-exec, and owned by the caller.
 * `path` is as the container sees it; a leading slash makes no difference. Errors name the path.
 */
#ifndef KERNEL_RESOLVE_H
#define KERNEL_RESOLVE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/* Opens what is there; `flags` are open(2)'s (O_PATH, O_NOFOLLOW, O_DIRECTORY, O_RDONLY ...).
 * Returns the descriptor or a negative errno; sets no struct error: absence is often fine. */
int resolve_open(int root, const char *path, int flags);

/* The same, but no component may be a symbolic link: -ELOOP. For what acts on more than the
 * container sees. */
int resolve_open_plain(int root, const char *path, int flags);

/*
 * Makes a directory and its missing parents, mode 0755 whatever the umask, each by mkdirat on the
 * verified parent, and opens it. An existing one, also through symbolic links, is taken; a link to
 * what does not exist is followed, inside, and its target made. Something else there: -ENOTDIR.
 * `path` is taken without its "." and ".." (path_clean).
 */
int resolve_make_directory(int root, const char *path, int *ret_fd, struct error *err);

/* The same, but makes none unless `make` says so: -ENOENT, or -ESRCH with the words for a link of
 * /proc that leads to whoever follows it. */
int resolve_directory(int root, const char *path, bool make, int *ret_fd, struct error *err);

/*
 * The same for an empty regular file (mode 0644, by mknodat: opening with O_CREAT could block or
 * trigger on a FIFO or a tty). Whatever exists there and is no directory is taken; -EISDIR.
 */
int resolve_make_file(int root, const char *path, int *ret_fd, struct error *err);

/*
 * Opens the directory that holds the last component of `path`, made if `make` says so, and
 * gives the component's name (pointing into `path`; never "", "." or ".."). For mknodat, symlinkat
 * and unlinkat on the result. The name itself is not resolved.
 */
int resolve_parent(int root, const char *path, bool make, int *ret_fd, const char **ret_name,
		   struct error *err);

#endif
