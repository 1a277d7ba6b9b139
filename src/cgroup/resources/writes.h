/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be written to the files of a cgroup: planned by resources.c, carried out by apply.c.
 */
#ifndef CGROUP_RESOURCES_WRITES_H
#define CGROUP_RESOURCES_WRITES_H

#include <stddef.h>

enum cgroup_write_flags {
	/* A file that is not there is fine: the value is what its absence means, or a refinement.
	 */
	CGROUP_WRITE_OPTIONAL = 1 << 0,
	/* Two values bound each other, and which has to go first depends on the old ones: when this
	 * one is refused (EINVAL), it is written again after the next. */
	CGROUP_WRITE_OR_AFTER_NEXT = 1 << 1,
	/* Two names of one thing: when this file is not there the next is written, else not. */
	CGROUP_WRITE_OR_NEXT = 1 << 2,
	/* memory.checkBeforeUpdate: refuse a limit below what is in use now. */
	CGROUP_WRITE_ABOVE_USAGE = 1 << 3,
};

struct cgroup_write {
	char controller[32]; /* "memory"; "cgroup" for the core's own files */
	char file[256];	     /* "memory.max" */
	char *value;	     /* one line, no newline */
	char field[192];     /* "linux.resources.memory.limit" */
	unsigned int flags;  /* enum cgroup_write_flags */
};

struct cgroup_writes {
	struct cgroup_write *items;
	size_t count, size;
};
void cgroup_writes_clear(struct cgroup_writes *writes);

#endif
