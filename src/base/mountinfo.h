/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of /proc/PID/mountinfo (proc_pid_mountinfo(5)). Whoever may mount chooses most of its
 * words: in /proc/self/mountinfo the callers of the runtime, in that of a container's process the
 * container.
 */
#ifndef BASE_MOUNTINFO_H
#define BASE_MOUNTINFO_H

#include <stdbool.h>
#include <stdint.h>

/* More of it is an error: 100,000 mounts (the kernel's own limit for a namespace) with long paths.
 */
#define MOUNTINFO_MAX (64u << 20)

/* One mount. The words point into the text that it was read from. */
struct mountinfo {
	uint32_t id, parent;
	uint32_t master; /* the group of mounts that it follows; 0: none */
	char *device;	 /* "MAJOR:MINOR" of the filesystem */
	char *root;	 /* what of the filesystem is to be seen, unescaped; of nsfs "net:[1]" */
	char *point;	 /* where, unescaped */
	char *type;	 /* of the filesystem, with its subtype: "fuse.sshfs" */
	char *source;	 /* escaped as it is; may be empty */
	char *super_options; /* of the filesystem, with commas, escaped as they are */
};

/* Pure: takes one line without its newline to pieces, in place. Returns 0, or -EINVAL. */
int mountinfo_parse(char *line, struct mountinfo *ret_mount);

/*
 * Pure: the next mount of a text of lines, which is cut in place; *rest is the text at first. Lines
 * that cannot be understood are passed over. False when there is none left.
 */
bool mountinfo_next(char **rest, struct mountinfo *ret_mount);

#endif
