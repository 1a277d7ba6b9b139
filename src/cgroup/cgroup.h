/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interface of the cgroup layer: one container's control group, whatever the host has.
 *
 * cgroup2 is the first citizen (v2.c); v1 and hybrid hosts are served by v1.c, behind the same
 * table of operations (backend.h). Which of them is asked once, in cgroup_plan().
 *
 * All paths here are relative to the mount point of the hierarchy and begin with a slash.
 */
#ifndef CGROUP_CGROUP_H
#define CGROUP_CGROUP_H

#include <knarr/config.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

enum cgroup_manager {
	CGROUP_MANAGER_CGROUPFS,
	CGROUP_MANAGER_SYSTEMD,
	CGROUP_MANAGER_DISABLED,
};

enum cgroup_mode {
	CGROUP_MODE_UNIFIED, /* /sys/fs/cgroup is a cgroup2 */
	CGROUP_MODE_LEGACY,  /* v1 hierarchies below it, perhaps a cgroup2 too (hybrid) */
};

/* One hierarchy of a v1 host, as mounted: from /proc/self/cgroup and /proc/self/mountinfo. */
struct cgroup_hierarchy {
	char *controllers; /* "cpu,cpuacct"; "name=systemd"; "" for the cgroup2 of a hybrid host */
	char *mount_point; /* "/sys/fs/cgroup/cpu,cpuacct" */
	char *own_path;	   /* the runtime's own cgroup in it, relative to what is mounted there */
};

/* What the host has. */
struct cgroup_host {
	enum cgroup_mode mode;
	struct cgroup_hierarchy *hierarchies; /* UNIFIED: exactly one */
	size_t count;
	bool rootless; /* not root, or root of a user namespace other than the first */
	/* The systemd that units are made by, once cgroup_host_find_systemd() has looked; else
	 * NULL. The strings are owned. */
	struct cgroup_systemd {
		char *bus;     /* D-Bus address */
		char *runtime; /* "/run/systemd": its private socket and what is transient */
		char *root;    /* its own place in the hierarchies: "", or with a slash before */
	} * systemd;
};

/* Looks (statfs of /sys/fs/cgroup, as every engine decides). Free with _clear. */
int cgroup_host_detect(struct cgroup_host *ret_host, struct error *err);
void cgroup_host_clear(struct cgroup_host *host);

/*
 * Finds the systemd for the systemd manager: the machine's for root, also for the root of a
 * container that has a systemd of its own; else the caller's user session, by
 * DBUS_SESSION_BUS_ADDRESS and XDG_RUNTIME_DIR. Calls nobody: that it answers is seen when the unit
 * is made.
 */
int cgroup_host_find_systemd(struct cgroup_host *host, struct error *err);

/* Whether this knarr can make units at all. */
bool cgroup_systemd_is_available(void);

/*
 * Where the container's cgroup is: everything needed to find and remove it again, without
 * config.json. This is what state keeps. Strings are owned.
 */
struct cgroup_location {
	enum cgroup_manager manager;
	enum cgroup_mode mode;
	char *path;  /* in the hierarchies (with `directories`: in the first); NULL when disabled */
	char *unit;  /* systemd's unit ("libpod-x.scope") or NULL, and then: */
	char *slice; /* its slice */
	char *unit_path; /* the unit's cgroup: `path` is that, or lies below it */
	char *bus;	 /* as in struct cgroup_systemd */
	char *runtime;
	/* LEGACY with no cgroupsPath: below the runtime's own cgroup, which differs by hierarchy,
	 * so the full directories are kept: one per hierarchy, NULL-terminated; else NULL. */
	char **directories;
};
void cgroup_location_clear(struct cgroup_location *location);

/* The unit is a slice, which has no processes of its own but for the container's. */
bool cgroup_location_is_slice(const struct cgroup_location *location);

/*
 * Pure on (config, host): the path by the rules of runc (absolute: below the mount point; relative:
 * the same; absent: a child named `id` of the parent of the runtime's own cgroup on UNIFIED, of the
 * own one on LEGACY). Refuses "..", newline, and with the systemd manager anything but
 * slice:prefix:name.
 *
 * With the systemd manager on UNIFIED the container is in a cgroup `container` below its scope, as
 * with crun, or in one that the annotation run.oci.systemd.subgroup names; "" is the scope itself,
 * and the default on LEGACY. In a cgroup of its own systemd changes nothing.
 */
int cgroup_locate(const struct oci_config *config, const char *id, enum cgroup_manager manager,
		  const struct cgroup_host *host, struct cgroup_location *ret_location,
		  struct error *err);

/* The cgroup of a container while a command works on it. */
struct cgroup;

/* A cgroup to be made. */
struct cgroup_request {
	const struct cgroup_location *location;
	const struct cgroup_host *host;
	const struct oci_config *config; /* of the systemd manager: limits, annotations */
	const char *id;			 /* for people */
	const char *mark;		 /* noted on the directories (xattr) */
};

/*
 * Makes the directories (parents too, controllers enabled level by level on v2), refusing a cgroup
 * that exists with processes in it or is frozen, and notes the mark on them so that the container
 * is found again when its state is lost. With the systemd manager the unit is made before them,
 * with all its properties; then a process of knarr's is in the cgroup until cgroup_release(). On
 * failure removes what it made; controllers stay enabled in parents that were there (v2.c). With a
 * disabled manager everything below does nothing.
 */
int cgroup_create(const struct cgroup_request *request, struct cgroup **ret_cgroup,
		  struct error *err);

/* The container's init is in the cgroup: what has kept the place for it goes. */
int cgroup_release(struct cgroup *cgroup, struct error *err);

/*
 * For a caller whom the kernel does not let clone into the cgroup (-EACCES: in a login session,
 * which is not delegated to him): whether systemd can be asked to move a process there, and that.
 */
bool cgroup_can_attach(const struct cgroup *cgroup);
int cgroup_attach(const struct cgroup *cgroup, pid_t pid, struct error *err);

/*
 * Tells systemd of changed limits and device rules, so that it does not set the old ones again (at
 * a daemon-reload). The files are written by cgroup_apply() and cgroup_update(). Does nothing with
 * another manager.
 */
int cgroup_update_unit(const struct cgroup *cgroup, const struct oci_resources *resources,
		       struct error *err);

/*
 * True when there is no cgroup: the manager is disabled, or the caller is unprivileged and may not
 * make one. cgroup_create() gives such a cgroup instead of an error; its processes stay in the
 * cgroup of the caller, and everything below does nothing, but for cgroup_apply(), which refuses
 * limits.
 */
bool cgroup_is_absent(const struct cgroup *cgroup);

/* Opens an existing one. Directories that are gone are no error: there is then nothing in them. */
int cgroup_open(const struct cgroup_location *location, struct cgroup **ret_cgroup,
		struct error *err);
void cgroup_free(struct cgroup *cgroup);

/* For a process to enter: `below` the container's directory, in the hierarchy of a controller, or
 * with NULL in all that the container has a cgroup in. -ENOTSUP for one on UNIFIED, where
 * controllers have none of their own; -ENOENT when there is no such hierarchy or directory: never
 * is the process left where the caller is. */
int cgroup_descend(struct cgroup *cgroup, const char *controller, const char *below,
		   struct error *err);

/* The same where directories of the container's are gone though it lives, for somebody has moved it
 * elsewhere: those that `init` is in take their place. Does nothing for ordinary users without a
 * cgroup, and with a disabled manager. -ENOENT when it cannot be told or seen. */
int cgroup_follow(struct cgroup *cgroup, pid_t init, struct error *err);

/* Writes all limits, but for the device rules. */
int cgroup_apply(struct cgroup *cgroup, const struct oci_resources *resources, struct error *err);

/*
 * Puts the device rules in force (always: without rules of the config the default ones deny
 * everything but the default devices; config-linux.md#allowed-device-list). Apart from the limits
 * because the verifier takes its time over the program, which need not be waited for before the
 * clone.
 */
int cgroup_apply_devices(struct cgroup *cgroup, const struct oci_resources *resources,
			 struct error *err);

/*
 * New limits for a cgroup that may have processes: writes what `wanted` names, with `whole` as in
 * struct cgroup_update (resources.h). Should one write fail, the values that were there before are
 * put back in reverse order; controllers stay enabled in its parents (v2.c). Gives what is needed
 * to do that later, too; free with cgroup_undo_free(). -ENOTSUP when the container has no cgroup
 * and something is wanted.
 */
struct cgroup_undo;
int cgroup_update(struct cgroup *cgroup, const struct oci_resources *wanted,
		  const struct oci_resources *whole, struct cgroup_undo **ret_undo,
		  struct error *err);
/* Puts the old values back; those that cannot be are warned of. NULL is fine. */
void cgroup_update_undo(struct cgroup *cgroup, const struct cgroup_undo *undo);
void cgroup_undo_free(struct cgroup_undo *undo);

/*
 * Replaces the device rules of `old` (may be NULL) by those of `wanted`, unless they mean the same:
 * engines hand the whole list down with every update, and somebody (a GPU's hook) may have changed
 * the rules in force. Never more is allowed in between than before or after.
 */
int cgroup_update_devices(struct cgroup *cgroup, const struct oci_resources *old,
			  const struct oci_resources *wanted, bool *ret_changed, struct error *err);

/* The cgroup2 directory to clone a process into (CLONE_INTO_CGROUP), or -EBADF where there is none
 * (pure v1, disabled). Owned by the cgroup. */
int cgroup_clone_fd(const struct cgroup *cgroup);

/* The error about a clone into cgroup_clone_fd() that failed with `number`: says why the cgroup did
 * not take the process. Returns -number. */
int cgroup_explain_clone(const struct cgroup *cgroup, int number, struct error *err);

/* Before the clone of a process that calls cgroup_enter_self(): opens what that needs. After
 * cgroup_create() it is open already. */
int cgroup_prepare_enter(struct cgroup *cgroup, struct error *err);

/*
 * In the new process itself: enters the v1 hierarchies through descriptors opened before the clone.
 * A process that moves itself by writing "0" to `tasks` does not take the global lock that stalls a
 * write of a pid. Does nothing on UNIFIED, where the clone did it.
 */
int cgroup_enter_self(const struct cgroup *cgroup, struct error *err);

/* Gives the cgroup to a user of the host (cgroups(7), delegation): the directory and the files that
 * /sys/kernel/cgroup/delegate lists; their group stays. Does nothing but on UNIFIED. */
int cgroup_delegate(const struct cgroup *cgroup, uint32_t uid, struct error *err);

/* All pids in it and below, in the caller's pid namespace; malloc'ed. */
int cgroup_pids(const struct cgroup *cgroup, pid_t **ret_pids, size_t *ret_count,
		struct error *err);

/* Signals every process in it and below. SIGKILL uses cgroup.kill where there is one, and thaws. */
int cgroup_kill(const struct cgroup *cgroup, int signal, struct error *err);

/* Whether it is frozen now. *ret_frozen is false when it is gone. */
int cgroup_is_frozen(const struct cgroup *cgroup, bool *ret_frozen, struct error *err);

/*
 * The same of a cgroup that is not open, of which no more is opened than tells it. Who looks at
 * many hands in a `host`, at first {0}: where it is needed it is filled, for the next look, and not
 * read again (the list of all mounts is among what is read, and gets longer with each container);
 * cgroup_host_clear() is his. Or NULL.
 */
int cgroup_look_frozen(const struct cgroup_location *location, struct cgroup_host *host,
		       bool *ret_frozen, struct error *err);

/*
 * Freezes everything in it and below, and waits until it has stopped, at most until `deadline`:
 * then it is thawed again, and the error names what did not stop. Or thaws it.
 */
int cgroup_freeze(const struct cgroup *cgroup, bool freeze, int64_t deadline, struct error *err);

/*
 * Removes it with everything below, bottom up, once no process is left in it: waits for that until
 * `deadline` (kernel/process.h), killing meanwhile when `kill`. Survivors are named in the error.
 * What is gone already is fine. Parents that knarr made for it stay, as with runc.
 */
int cgroup_remove(struct cgroup *cgroup, bool kill, int64_t deadline, struct error *err);

/*
 * The same without opening it, which would cost more than its removal: where nobody is in it, and
 * nothing below it, one rmdir(2) for each of its directories is all. Returns false when that was
 * not all (whatever is the reason, and some of them may be gone), or when systemd has a unit of it:
 * then cgroup_remove() is the way.
 */
bool cgroup_remove_empty(const struct cgroup_location *location);

/* "killed by the memory limit": the count of oom_kill events and the peak in bytes, each 0 when the
 * kernel does not tell (memory.peak: since Linux 5.19), and the limit, UINT64_MAX without one. A
 * limit of less than a page is 0. Nothing can be told of a cgroup that is gone, but for the limit
 * that this process has set. */
struct cgroup_memory_events {
	uint64_t oom_kills, peak, limit;
	bool limit_known;
};
void cgroup_memory_events(const struct cgroup *cgroup, struct cgroup_memory_events *ret_events);
/* The first of them alone: one file to read and not three. */
uint64_t cgroup_oom_kills(const struct cgroup *cgroup);

/* For mounts of type cgroup: absolute host directory of the container's cgroup in hierarchy `i` of
 * the host (UNIFIED: 0), or NULL when it has none. Owned by the cgroup. */
const char *cgroup_directory(const struct cgroup *cgroup, size_t i);

/*
 * Finds the location of a container by the xattr `id` left on its cgroups, when its state is lost.
 * Believes trusted.knarr.id, and user.knarr.id only on directories of the caller's own.
 * Returns 0 (with *ret_location) or -ENOENT.
 */
int cgroup_find_lost(const char *id, const struct cgroup_host *host,
		     struct cgroup_location *ret_location, struct error *err);

#endif
