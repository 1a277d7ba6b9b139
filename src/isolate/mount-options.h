/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mounts[].options as what the mount API takes. Pure. One table of all options of the
 * specification (config.md#linux-mount-options), which `features` lists too.
 */
#ifndef ISOLATE_MOUNT_OPTIONS_H
#define ISOLATE_MOUNT_OPTIONS_H

#include <knarr/config.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "kernel/mountfd.h"

#define MOUNT_OPTIONS_PROPAGATIONS_MAX 4

struct mount_options {
	bool bind, rbind, remount;
	bool tmpcopyup, idmap, ridmap;
	bool copy_symlink, src_nofollow, dest_nofollow; /* crun's */
	/* Attributes of the mount alone, and of the mount with its submounts (the r-forms). */
	uint64_t set, clear;
	uint64_t recursive_set, recursive_clear;
	/* In the order given; MS_SHARED, MS_PRIVATE, MS_SLAVE, MS_UNBINDABLE, or-ed with MS_REC. */
	unsigned long propagations[MOUNT_OPTIONS_PROPAGATIONS_MAX];
	size_t propagation_count;
	/* Options of the filesystem itself, for fsconfig: "size=65536k" split at the first '=', and the
	 * generic superblock flags (ro, sync, dirsync, mand, lazytime, silent, iversion). Owned array
	 * whose strings point into `text`. */
	struct mountfd_option *filesystem;
	size_t filesystem_count;
	char *text;
};

/* Parses. `field` is the JSON path of the mount ("mounts[3]"), for errors. Free with _clear. */
int mount_options_parse(const struct oci_mount *mount, const char *field,
			struct mount_options *ret_options, struct error *err);
void mount_options_clear(struct mount_options *options);

/* The names of all options known, sorted, ended by NULL: features.mountOptions. */
const char *const *mount_options_names(void);

#endif
