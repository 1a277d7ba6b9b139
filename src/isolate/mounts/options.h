/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mounts[].options as what the mount API takes. Pure. One table of all options of the
 * specification (config.md#linux-mount-options), which `features` lists too.
 *
 * The later of two options that contradict each other holds, as with mount(8).
 */
#ifndef ISOLATE_MOUNTS_OPTIONS_H
#define ISOLATE_MOUNTS_OPTIONS_H

#include <knarr/config.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "kernel/mountfd.h"

#define MOUNT_OPTIONS_PROPAGATIONS_MAX 4

/* Flags of the superblock, which belong to no filesystem in particular. */
enum mount_options_superblock {
	MOUNT_OPTIONS_RO = 1 << 0,
	MOUNT_OPTIONS_SYNC = 1 << 1,
	MOUNT_OPTIONS_DIRSYNC = 1 << 2,
	MOUNT_OPTIONS_MAND = 1 << 3,
	MOUNT_OPTIONS_LAZYTIME = 1 << 4,
};
#define MOUNT_OPTIONS_SUPERBLOCK_MAX 5

struct mount_options {
	bool bind, rbind, remount;
	bool tmpcopyup, idmap, ridmap;
	bool copy_symlink, src_nofollow, dest_nofollow; /* crun's */
	/* MOUNT_ATTR_* of the mount alone, and of the mount with its submounts (the r-forms). An
	 * option about access times puts the whole group MOUNT_ATTR__ATIME into `clear`, as
	 * mount_setattr(2) demands. */
	uint64_t set, clear;
	uint64_t recursive_set, recursive_clear;
	/* In the order given; MS_SHARED, MS_PRIVATE, MS_SLAVE, MS_UNBINDABLE, or-ed with MS_REC. */
	unsigned long propagations[MOUNT_OPTIONS_PROPAGATIONS_MAX];
	size_t propagation_count;
	/* enum mount_options_superblock; they mean nothing for a bind. */
	unsigned int superblock_set, superblock_clear;
	/* Options of the filesystem itself, for fsconfig: "size=65536k" split at the first '='.
	 * Owned array whose strings point into `text`, or NULL. */
	struct mountfd_option *filesystem;
	size_t filesystem_count;
	char *text;
};

/* Parses. `field` is the JSON path of the mount ("mounts[3]"), for errors: -EINVAL for options that
 * exclude each other, -ENOMEM. Free with _clear. */
int mount_options_parse(const struct oci_mount *mount, const char *field,
			struct mount_options *ret_options, struct error *err);
void mount_options_clear(struct mount_options *options);

/*
 * The superblock flags as fsconfig's words into `out`, which has room for
 * MOUNT_OPTIONS_SUPERBLOCK_MAX. With `cleared` those to take away ("rw", "async" ...), which only a
 * remount needs. Flags in `without` are left out. Returns how many were written.
 */
size_t mount_options_superblock(const struct mount_options *options, bool cleared,
				unsigned int without, struct mountfd_option *out);

/* Whether a filesystem's option `key` is given. */
bool mount_options_has(const struct mount_options *options, const char *key);

/* Whether it is one of SELinux's: context, fscontext, defcontext, rootcontext. Quotes around the
 * label, which mount(8) needs, are not part of the parsed value. */
bool mount_options_is_context(const char *key);

/* The names of all options known, sorted, ended by NULL: features.mountOptions. */
const char *const *mount_options_names(void);

#endif
