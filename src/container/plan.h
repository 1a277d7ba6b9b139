/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything about a container that can be decided before the first clone.
 *
 * plan_make() looks at the configuration and at the host, and changes neither. Init is a fork of
 * the runtime and finds the plan in its memory: it decides nothing any more.
 */
#ifndef CONTAINER_PLAN_H
#define CONTAINER_PLAN_H

#include <knarr/config.h>
#include <stdbool.h>

#include "base/error.h"
#include "cgroup/cgroup.h"
#include "cgroup/resctrl/resctrl.h"
#include "isolate/capabilities.h"
#include "isolate/devices/devices.h"
#include "isolate/identity.h"
#include "isolate/idmap/idmap.h"
#include "isolate/mounts/mounts.h"
#include "isolate/namespaces.h"
#include "isolate/net-devices/net-devices.h"
#include "isolate/rootfs/rootfs.h"
#include "isolate/seccomp/seccomp.h"

/* What the command line says. Strings are the caller's. */
struct plan_options {
	const char *id;
	const char *bundle; /* absolute */
	enum cgroup_manager cgroup_manager;
	bool detach; /* create, or run --detach */
	bool no_pivot, no_new_keyring;
	const char *console_socket; /* or NULL */
	const char *pidfd_socket;   /* or NULL */
	const char *pid_file;	    /* absolute, or NULL */
	int idle_close;		    /* to be closed in passing: kernel/seal.h; or -EBADF */
	unsigned int preserve_fds;  /* descriptors 3 .. 3 + n - 1 are the container's, LISTEN_FDS
				       included */
	/* Which of them are open; the others have been filled by fd_reserve(), so that no
	 * descriptor of ours can take their numbers, and are closed before the program runs. */
	const bool *preserve_open;
	const char *manager; /* NOTIFY_SOCKET, the caller's; or NULL */
	const char
		*notify; /* what is mounted at READINESS_TARGET, or NULL: container/readiness.h */
	unsigned int
		listen_fds; /* the first of those; the container gets LISTEN_FDS=n, LISTEN_PID=1 */
};

/* The configuration with a mount behind its own. */
struct plan_extended;
struct unprivileged;

struct plan {
	const struct plan_options *options;
	const struct oci_config *config;
	struct unprivileged *unprivileged; /* what was added to config.json, or NULL */
	struct plan_extended *extended;	   /* where `config` is, or NULL */
	const struct oci_process *process; /* never NULL; without arguments when there is none */
	struct namespaces_plan namespaces;
	struct idmap_plan idmap;
	struct rootfs_plan rootfs;
	struct mounts_plan mounts;
	struct devices_plan devices;
	struct net_devices_plan net_devices;
	struct capabilities_plan capabilities;
	struct seccomp_plan seccomp;
	struct cgroup_host cgroup_host;
	struct cgroup_location cgroup_location;
	struct resctrl resctrl;
	struct mounts_hierarchy *hierarchies; /* for mounts of type cgroup; v1 hosts */
	struct oci_strings env; /* process.env with LISTEN_* added; items owned when extended */
};

/* `config` has passed oci_config_check(). */
int plan_make(const struct oci_config *config, const struct plan_options *options,
	      struct plan *ret_plan, struct error *err);
void plan_clear(struct plan *plan);

/* A container can be created, but not started, without a process: -EINVAL when there is none. */
int plan_check_startable(const struct oci_config *config, struct error *err);

/* What is to be checked of a process against the options and the host; plan_make() does. */
int plan_check_process(const struct plan *plan, struct error *err);

/* The value of an annotation, or NULL. */
const char *plan_annotation(const struct oci_config *config, const char *key);

/* The filter that the configuration asks for, and the annotations about it; part of plan_make(). */
int plan_make_seccomp(struct plan *plan, struct error *err);

/* Whether the container has such a namespace of its own, new or joined: a CLONE_NEW* flag. */
static inline bool plan_has(const struct plan *plan, uint64_t type)
{
	return (plan->namespaces.private & type) != 0;
}

#endif
