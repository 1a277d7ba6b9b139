/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the cgroup layer: what a cgroup is while a command works on it, and what differs between
 * cgroup2 (v2.c) and v1 (v1.c). What does not differ is in handle.c, apply.c and remove.c.
 */
#ifndef CGROUP_BACKEND_H
#define CGROUP_BACKEND_H

#include "cgroup/cgroup.h"
#include "cgroup/resources/resources.h"
#include "cgroup/tree.h"

#define CGROUP_MOUNT_POINT "/sys/fs/cgroup"
/* Long enough for the list of all controllers ("cpuset cpu io memory hugetlb pids rdma misc dmem").
 */
#define CGROUP_CONTROLLERS_MAX 256

/* The container's directory in one hierarchy. */
struct cgroup_member {
	char *controllers; /* as in struct cgroup_hierarchy; "" for cgroup2 */
	char *mount_point;
	char *path;	       /* in the hierarchy, "/a/b" */
	char *directory;       /* mount_point + path */
	struct tree_node node; /* .fd < 0: there is no such directory */
	int tasks;	       /* v1: `tasks`, open for writing, or -EBADF */
};

struct cgroup {
	const struct backend *backend; /* NULL: the manager is disabled */
	struct cgroup_member *members; /* one for each hierarchy of the host, in its order */
	size_t count;
	int denied; /* the errno for which an unprivileged caller got no cgroup, else 0 */
	struct cgroup_unit *unit; /* of the systemd manager (systemd.h), else NULL */
	/* UNIFIED: the controllers that the container's directory has; "" until they are known. */
	char controllers[CGROUP_CONTROLLERS_MAX];
	struct cgroup_undo *undo; /* during an update: where old values are noted; else NULL */
	uint64_t memory_limit;	  /* bytes, as cgroup_apply() has set it; 0: not known */
};

struct device_policy;
struct statistics_reading;

struct backend {
	/* Called for each directory that cgroup_create makes, parents first; may be NULL. `data` is
	 * the struct cgroup_member. */
	tree_made_fn *made;
	/* After the directories have been made or taken over: refuses a cgroup in use, and makes
	 * ready what the clone needs. */
	int (*settle)(struct cgroup *cgroup, const struct cgroup_host *host, struct error *err);
	/* Makes one more controller available, or tells why it is missing. */
	int (*enable)(struct cgroup *cgroup, const char *controller, struct error *err);
	int (*apply_devices)(struct cgroup *cgroup, const struct device_policy *policy,
			     struct error *err);
	/* SIGKILL for all, also for frozen ones. */
	int (*kill)(const struct cgroup *cgroup, struct error *err);
	int (*is_frozen)(const struct cgroup *cgroup, bool *ret_frozen, struct error *err);
	/* Freezes, and waits until all have stopped: -ETIMEDOUT at the deadline; or thaws. */
	int (*freeze)(const struct cgroup *cgroup, bool freeze, int64_t deadline,
		      struct error *err);
	/* Waits until no process is left: 0. 1 when it is time to signal again what is left,
	 * -ETIMEDOUT at the deadline; sets no struct error. */
	int (*wait_empty)(const struct cgroup *cgroup, int64_t deadline);
	void (*statistics)(const struct cgroup *cgroup, struct statistics_reading *reading);
	uint64_t (*oom_kills)(const struct cgroup *cgroup);
	void (*memory_events)(const struct cgroup *cgroup, struct cgroup_memory_events *events);
};

extern const struct backend cgroup_backend_v2;
extern const struct backend cgroup_backend_v1;

/* The member whose hierarchy has `controller` ("memory"; "" for cgroup2), or NULL. On UNIFIED
 * always the one member there is. */
struct cgroup_member *cgroup_member_find(const struct cgroup *cgroup, const char *controller);

/*
 * The container's path in the hierarchy mounted there, malloc'ed: the same in all, or what its own
 * full directory says. NULL without memory; with `directories` also when it has none there.
 */
char *cgroup_member_path(const struct cgroup_location *location, const char *mount_point);

/*
 * The hierarchies to open a cgroup in; free with cgroup_host_clear(). On UNIFIED they are known
 * without a look at procfs, and most commands do no more than this. -ENOTSUP, with a hint, when the
 * cgroups here are not of the kind that the container was made in.
 */
int cgroup_find_host(const struct cgroup_location *location, struct cgroup_host *ret_host,
		     struct error *err);

/* Signals every process of the container, once: those in and below any of its directories, which
 * on v1 somebody may have moved in one hierarchy alone. */
int cgroup_signal_all(const struct cgroup *cgroup, int signal, struct error *err);

/* A cgroup that was there before, and has processes, is somebody else's: -EBUSY. `populated`: the
 * kernel says that it has, whether or not they can be listed. */
int cgroup_refuse_used(const struct cgroup_member *member, bool populated, struct error *err);

/* The error about processes that are still in the cgroup: names them. Returns -EBUSY. */
int cgroup_explain_survivors(const struct cgroup *cgroup, const char *directory, struct error *err);

/* True when there is no directory of it (any more, or at all). */
bool cgroup_is_gone(const struct cgroup *cgroup);

/* Carries out a plan, value by value. */
int cgroup_write_all(struct cgroup *cgroup, const struct cgroup_writes *writes, struct error *err);

/* An empty one, for cgroup_undo_free(); NULL without memory. */
struct cgroup_undo *cgroup_undo_new(void);
/*
 * Notes what has to be written to put back the value that `write` is about to replace in the
 * directory `fd`; -ENOMEM. What was noted since a mark is forgotten when the write fails.
 */
int cgroup_undo_note(struct cgroup_undo *undo, int fd, const struct cgroup_write *write);
size_t cgroup_undo_mark(const struct cgroup_undo *undo);
void cgroup_undo_forget(struct cgroup_undo *undo, size_t mark);

/* Notes the container's id on a directory (O_RDONLY descriptor), as far as the kernel lets us. */
void cgroup_mark_set(int fd, const char *id);

/*
 * The systemd manager (unit.c); the cgroup has a unit. Before the directories are made: the unit.
 */
int cgroup_unit_start(struct cgroup *cgroup, const struct cgroup_request *request,
		      struct error *err);
/*
 * Whether it is where it was expected, which has been written down first: -EPROTO. The container
 * would be in a cgroup that is nobody's.
 */
int cgroup_unit_check_place(const struct cgroup *cgroup, struct error *err);
/* When they are: what keeps the place moves to where init is going to be. */
int cgroup_unit_settle(struct cgroup *cgroup, struct error *err);
/* Whether a write has to wait for cgroup_release(). False without a unit. */
bool cgroup_unit_defers(const struct cgroup *cgroup, const struct cgroup_write *write);
/* Makes the plan say what systemd says where both write the same files. */
void cgroup_unit_adjust(const struct cgroup *cgroup, struct cgroup_writes *writes);
/*
 * Something has failed, -r: when it did because what keeps the place has been killed, as happens in
 * too little memory, the error says that instead. Returns the error's number, negative.
 */
int cgroup_unit_explain(const struct cgroup *cgroup, const struct oci_resources *resources, int r,
			struct error *err);
/* Before a removal: from the container's cgroup to the unit's, with nobody of ours in it. */
int cgroup_unit_widen(struct cgroup *cgroup, struct error *err);
/* Nothing is in it any more: systemd forgets the unit. False, and a warning in the log, when it
 * cannot be told to; it will as soon as it is able to, while the unit's cgroup is there. */
bool cgroup_unit_stop(struct cgroup *cgroup);

/* True when `word` is one of the words of `list`, which `separator` separates. */
bool cgroup_list_has(const char *list, char separator, const char *word);

/* cgroup.events of a cgroup2 directory: whether it has processes and is frozen. */
int cgroup_v2_events(int fd, bool *ret_populated, bool *ret_frozen);
/* The same of the cgroup `path`, without a leading slash, below the mount's directory. */
int cgroup_v2_look(int root, const char *path, bool *ret_populated, bool *ret_frozen);
/* Writes cgroup.kill. */
int cgroup_v2_kill(const struct cgroup_member *member, struct error *err);
/* Waits by cgroup.events. */
int cgroup_v2_wait_empty(int fd, int64_t deadline);
/* Puts the device rules on a cgroup2 directory as an eBPF program. */
int cgroup_v2_apply_devices(const struct cgroup_member *member, const struct device_policy *policy,
			    struct error *err);

#endif
