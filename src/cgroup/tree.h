/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories of one cgroup hierarchy, by descriptor.
 *
 * Nothing here follows a symbolic link, leaves the mount, or goes above where it started; no depth
 * or width that a container can make exhausts descriptors or the stack.
 */
#ifndef CGROUP_TREE_H
#define CGROUP_TREE_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"

struct tree_node {
	int parent;  /* O_PATH */
	int fd;	     /* O_RDONLY|O_DIRECTORY: fsetxattr and getdents do not take O_PATH */
	size_t made; /* how many levels of the path tree_make() has made; 0: all were there */
};
#define TREE_NODE_NONE ((struct tree_node){.parent = -EBADF, .fd = -EBADF})
void tree_node_clear(struct tree_node *node);

/* Called when the directory `fd` (O_PATH) has just been made in `parent`. */
typedef int tree_made_fn(int parent, int fd, void *data, struct error *err);

/*
 * Makes `path` ("/a/b/c", clean, not "/") below `mount_point` with its parents, mode 0755, and
 * opens it. Existing directories are taken. On failure removes the levels it made.
 */
int tree_make(const char *mount_point, const char *path, tree_made_fn *made, void *data,
	      struct tree_node *ret_node, struct error *err);

/* Removes the last `levels` levels of `path`, those that are empty. */
void tree_unmake(const char *mount_point, const char *path, size_t levels);

/* Opens an existing one; -ENOENT when it is not there. Sets no struct error. */
int tree_open(const char *mount_point, const char *path, struct tree_node *ret_node);

/* Opens the mount point (O_PATH). Returns an owned descriptor or a negative errno. */
int tree_open_mount(const char *mount_point);

/* A path below a descriptor of the same mount, by openat2(2). */
int tree_open_below(int dirfd, const char *relative, int flags);

/*
 * A file of a cgroup directory that the kernel gives in one piece (all but cgroup.procs and its
 * like) in one read(2), NUL-terminated, the trailing newline cut. Returns the length, or a negative
 * errno.
 */
ssize_t tree_read(int dirfd, const char *name, char *buffer, size_t size);

/* The same as a number; "max" is UINT64_MAX. Returns 0 or a negative errno. */
int tree_read_u64(int dirfd, const char *name, uint64_t *ret_value);

/* The number behind `key` in a file of "key value" lines ("oom_kill 1"). -ENOENT when not there. */
int tree_parse_key(const char *text, const char *key, uint64_t *ret_value);

/* Where a walk is. */
struct tree_walk;
/* Called for each directory below, children before their parent. A negative value ends the walk,
 * and is its result. */
typedef int tree_visit_fn(const struct tree_walk *walk, int parent, const char *name, void *data);

/*
 * Visits all directories below `root` (not itself), at most `max`: -E2BIG beyond. Uses two
 * descriptors however deep it gets. Directories that vanish meanwhile are skipped.
 */
int tree_walk(int root, size_t max, tree_visit_fn *visit, void *data);

/* The path of the directory being visited, relative to the walk's root, with a leading slash. */
void tree_walk_path(const struct tree_walk *walk, struct text *path);

#define TREE_WALK_MAX 1000000

/*
 * Removes the directory `name` in `parent` with all below, bottom up, once. 0 also when it is gone;
 * -EBUSY when a process is in it, or the kernel still has hold of it.
 */
int tree_remove(int parent, const char *name);

/* Removes the directories below, bottom up, once; those that are busy stay. 0 or a negative errno.
 */
int tree_remove_below(int fd);

/* Pids, as the caller's pid namespace numbers them. */
struct tree_pids {
	pid_t *items;
	size_t count, size;
	size_t foreign; /* processes that have no pid here */
};
void tree_pids_clear(struct tree_pids *pids);

/* Adds all processes in the directory and below. Returns 0 or a negative errno. */
int tree_pids_read(int fd, struct tree_pids *pids);

#endif
