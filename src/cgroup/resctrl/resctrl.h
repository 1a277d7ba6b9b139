/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's class of cache and memory bandwidth, and its monitoring group: directories of the
 * resctrl file system (config-linux.md#intelrdt; Documentation/filesystems/resctrl.rst).
 *
 * Without intelRdt in the configuration nothing here touches, or even looks for, a resctrl mount.
 */
#ifndef CGROUP_RESCTRL_H
#define CGROUP_RESCTRL_H

#include <knarr/config.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"

/* Where the container belongs. Strings are owned; the configuration is the caller's. */
struct resctrl {
	const struct oci_intel_rdt *config; /* NULL: none is configured, nothing else is set */
	char *mount_point;
	char *group;	 /* the class's directory, absolute */
	char *monitor;	 /* the monitoring group's directory, or NULL */
	bool make_group; /* it is not there */
	bool own_group;	 /* named by the container's id and made by us: goes with the container */
};

/* The last mount of the whole of a resctrl in the text of /proc/self/mountinfo: an owned string.
 * -ENOENT: there is none. Pure. */
int resctrl_find_mount(const char *mountinfo, char **ret_mount_point);

/*
 * Decides, and looks but changes nothing. `linux_config` may be NULL. With `mount_point` NULL it is
 * found in /proc/self/mountinfo. Refuses a host without resctrl, a class that must be there and is
 * not, one that is there with another l3CacheSchema or memBwSchema, and names that resctrl has for
 * itself. Free with resctrl_clear().
 */
int resctrl_plan(const struct oci_linux *linux_config, const char *id, const char *mount_point,
		 struct resctrl *ret_resctrl, struct error *err);
void resctrl_clear(struct resctrl *resctrl);

/* Makes what is not there: the class, then the monitoring group in it. On failure nothing stays. */
int resctrl_make(const struct resctrl *resctrl, struct error *err);

/* Writes l3CacheSchema, memBwSchema and schemata, in this order, each line by itself. */
int resctrl_configure(const struct resctrl *resctrl, struct error *err);

/* Puts a process, and so its future children, into the group and, unless that is NULL, the
 * monitoring group. */
int resctrl_assign(const char *group, const char *monitor, pid_t pid, struct error *err);

/* Undoes resctrl_make() for a container that has not come to be. A class with other processes in it
 * stays. */
int resctrl_unmake(const struct resctrl *resctrl, struct error *err);

/*
 * Writes other lines ("L3:0=ff;1=f0"; NULL ones are passed over) to a class that is in use, each by
 * itself; should one be refused, the old ones are put back. *ret_before, unless NULL, gets the old
 * lines of the same resources, malloc'ed.
 */
int resctrl_update(const char *group, const char *const *schemata, size_t count, char **ret_before,
		   struct error *err);

/* Appends the lines of a `schemata` file that are of the resources a schema names. Pure. */
void resctrl_previous(const char *schema, const char *schemata, struct text *text);

/* Where resctrl is mounted; an owned string. */
int resctrl_locate(char **ret_mount_point, struct error *err);

/* Removes the monitoring group and the group, each unless it is NULL or gone. */
int resctrl_remove(const char *group, const char *monitor, struct error *err);

/*
 * Whether the lines of a schema hold already, by the text of a `schemata` file: each value that
 * they name is there, as a number. What they do not name may be anything. Pure.
 */
bool resctrl_matches(const char *schema, const char *schemata);

#endif
