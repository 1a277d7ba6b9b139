/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mounts of config.json, in their order (config.md#mounts).
 */
#ifndef ISOLATE_MOUNTS_H
#define ISOLATE_MOUNTS_H

#include <knarr/config.h>

#include "base/error.h"
#include "isolate/idmap/idmap.h"
#include "isolate/mounts/options.h"
#include "isolate/sources/sources.h"

enum mounts_kind {
	MOUNTS_BIND,	   /* a clone of a host path */
	MOUNTS_FILESYSTEM, /* a new filesystem */
	MOUNTS_CGROUP,	   /* type "cgroup" or "cgroup2": depends on the host's hierarchies */
	MOUNTS_REMOUNT,	   /* "remount": attributes of what is mounted there already */
};

/*
 * What the destination has to do with procfs. Whoever can put something else in the place of a file
 * of /proc decides what a program believes about labels and ids (CVE-2019-16884, CVE-2025-52881),
 * so below /proc only the files that lxcfs emulates may be covered.
 */
enum mounts_place {
	MOUNTS_ORDINARY,   /* must not turn out to lie in a procfs */
	MOUNTS_PROC,	   /* "/proc" itself: takes a procfs only */
	MOUNTS_BELOW_PROC, /* one of the files allowed */
};

struct mounts_step {
	enum mounts_kind kind;
	enum mounts_place place;
	bool readonly_last; /* "ro" takes effect in mounts_make_readonly() */
	/* An id-mapped mount: with these maps, or when they are empty with those of the user
	 * namespace that the container is in. Points into the config. */
	bool idmapped;
	struct idmap_plan idmap;
	const struct oci_mount *config;
	size_t index; /* in config.json's mounts */
	char *source; /* MOUNTS_BIND: absolute; owned */
	struct mount_options options;
	int prepared; /* a detached mount of mounts_prepare(), or -EBADF */
};

struct mounts_plan {
	struct mounts_step *steps;
	size_t count;
	const char *label;	  /* linux.mountLabel or NULL */
	const char *label_option; /* the mount option it is given by: "context" or another of
				     mount(8) */
};

/*
 * fsconfig(2) takes values of up to 255 bytes, mount(2) a page of options: the layers of an overlay
 * need more than the one and fit the other. True when the options are too long for fsconfig.
 */
bool mounts_needs_legacy(const struct mounts_step *step);

/*
 * Pure: relative bind sources are taken as below `bundle` (absolute), relative destinations as
 * below the root. Free with mounts_plan_clear. -EINVAL for what can never be right: no type and no
 * bind, a destination that is "/" or below /proc, options of a filesystem on a bind, mounts without
 * a mount namespace (they would be the host's).
 */
int mounts_plan(const struct oci_config *config, const char *bundle, struct mounts_plan *ret_plan,
		struct error *err);
void mounts_plan_clear(struct mounts_plan *plan);

/*
 * In the runtime, before the clone: makes the mounts of filesystems on block devices and in image
 * files, which get a loop device, and of id-mapped filesystems. `container`: the maps of the
 * container's new user namespace, empty if there is none. mounts_plan_clear() closes them. Errors
 * name mounts[i].
 */
int mounts_prepare(struct mounts_plan *plan, const struct idmap_plan *container, struct error *err);

/* One cgroup v1 hierarchy of the host, for mounts of type "cgroup". */
struct mounts_hierarchy {
	const char *name;    /* directory below /sys/fs/cgroup: "cpu,cpuacct", "systemd" */
	const char *options; /* what mounts it: "cpu,cpuacct", "none,name=systemd" */
	const char *path;    /* host path of the container's cgroup in it, for a bind */
};

/*
 * What apply must know that is not in config.json. Cgroup facts come from the cgroup module by way
 * of container/, so that isolate and cgroup need not know each other.
 */
struct mounts_context {
	int root; /* the container's root, attached (isolate/rootfs/rootfs.h) */
	struct sources sources;
	bool cgroup_namespace;	  /* the container has its own */
	bool cgroup_unified;	  /* /sys/fs/cgroup is cgroup2 */
	const char *cgroup_path;  /* unified: host path of the container's cgroup, for a bind */
	const char *cgroup_whole; /* unified: where the host has all of it, or NULL */
	const struct mounts_hierarchy *hierarchies; /* otherwise */
	size_t hierarchy_count;
	/* Called before the first filesystem that may be of the network namespace, if there is one;
	 * or NULL. Until then that need not be entered. */
	int (*network)(void *data, struct error *err);
	void *network_data;
	/* Told of each mount that has been attached, with its descriptor; or NULL. Not of those of
	 * mount(2). */
	void (*attached)(int mount, void *data);
	void *attached_data;
};

/* In init, after rootfs_attach: all mounts, in order. Errors name mounts[i]. */
int mounts_apply(const struct mounts_plan *plan, const struct mounts_context *context,
		 struct error *err);

/*
 * In the container's mount namespace: the attributes of all bind mounts once more, as they were set
 * when they were made. Of two alike a restore by criu leaves those of one out.
 */
int mounts_reapply(const struct mounts_plan *plan, int root, struct error *err);

/* What is to be read-only but is still filled after it has been mounted: tmpfs (mount points below
 * it) and /dev (device nodes). After devices_apply(). */
int mounts_make_readonly(const struct mounts_plan *plan, int root, struct error *err);

#endif
