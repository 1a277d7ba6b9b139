/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state root: one directory per container, named by its id.
 *
 *	ROOT/ID/intent.json   what has to be undone; written before anything is done, never changed
 *	ROOT/ID/config.json   the configuration as it was at create
 *	ROOT/ID/state.json    how far the container is, and who its init is; replaced atomically
 *	ROOT/ID/mounts.json   what `mounts add` has added
 *	ROOT/ID/resources.json  the limits since the last `update`
 *	ROOT/ID/gate          the socket at which init waits for `start`
 *
 * The directory itself is the lock: commands that change a container hold flock(2) on it, which the
 * kernel releases when they die. `state` and `list` take none.
 */
#ifndef CONTAINER_STATE_STORE_H
#define CONTAINER_STATE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define STORE_ID_MAX	1024
#define STORE_MARK_SIZE (STORE_ID_MAX + 48)
/* How long a command waits for another one on the same container to finish, milliseconds. */
#define STORE_LOCK_TIMEOUT 10000

#define STORE_INTENT	    "intent.json"
#define STORE_CONFIG	    "config.json"
#define STORE_STATE	    "state.json"
#define STORE_GATE	    "gate"
#define STORE_NOTIFY	    "notify" /* a directory: container/readiness.h */
#define STORE_NOTIFY_SOCKET "notify.sock"
#define STORE_MOUNTS	    "mounts.json"
#define STORE_RESOURCES	    "resources.json"

struct store {
	int fd; /* O_PATH; -EBADF: the root does not exist */
	const char *path;
};
#define STORE_INIT ((struct store){.fd = -EBADF})
#define auto_store __attribute__((cleanup(store_close)))

/*
 * Opens the state root. With `create` it is made (with parents, mode 0700; `sticky` sets that bit
 * too, so that a cleaner of $XDG_RUNTIME_DIR leaves it alone). A root that is not the caller's own,
 * or that others can write, is refused. Without `create` a missing one gives fd -EBADF and success.
 */
int store_open(const char *path, bool create, bool sticky, struct store *ret_store,
	       struct error *err);
void store_close(struct store *store);

/* The id's grammar: one or more of A-Z a-z 0-9 _ + - . (not first: '-' and '.'). */
int store_check_id(const char *id, struct error *err);

struct cgroup_host;

/* One container's directory. */
struct store_entry {
	int fd; /* O_RDONLY | O_DIRECTORY, for flock and *at calls */
	const char *id;
	bool locked; /* by this process */
	/* For who looks at many containers, or NULL: this boot's id, and what cgroup_look_frozen()
	 * is to keep from one to the next. Not owned. */
	const char *boot_id;
	struct cgroup_host *cgroups;
};
#define STORE_ENTRY_INIT ((struct store_entry){.fd = -EBADF})
void store_entry_close(struct store_entry *entry);
#define auto_entry __attribute__((cleanup(store_entry_close)))

/* Makes the directory of a new container and locks it, or takes over an empty one that nobody
 * holds. -EEXIST when the id is taken. */
int store_claim(const struct store *store, const char *id, struct store_entry *ret_entry,
		struct error *err);

/* Opens an existing one without a lock. -ENOENT: "container does not exist". */
int store_find(const struct store *store, const char *id, struct store_entry *ret_entry,
	       struct error *err);

/*
 * Locks it. Waits until `deadline` (kernel/process.h) for another command to finish; then -EBUSY,
 * and the error names the process that holds the lock. -ENOENT when the container was removed
 * meanwhile.
 */
int store_lock(const struct store *store, struct store_entry *entry, int64_t deadline,
	       struct error *err);

/* Lets other commands in again; closing the entry does so too. */
void store_unlock(struct store_entry *entry);

/* Whether some command holds the lock at this moment. */
bool store_is_locked(const struct store_entry *entry);

/* Whether what lies in it must be of this boot: it is in memory (tmpfs(5), ramfs). */
bool store_is_volatile(const struct store_entry *entry);

/* A text that stands for this very state directory, as long as it exists: containers of two state
 * roots may have the same id. Goes onto the cgroup, so that it is found when the intent is lost. */
void store_mark(const struct store_entry *entry, char mark[static STORE_MARK_SIZE]);

/*
 * Removes the directory with all in it: intent.json and then state.json last, for a directory that
 * is locked and has neither is one that is being removed (or made), and no container. What is gone
 * already is fine.
 */
int store_remove(const struct store *store, struct store_entry *entry, struct error *err);

/* The ids there are, sorted; a malloc'ed array of malloc'ed strings. */
int store_ids(const struct store *store, char ***ret_ids, size_t *ret_count, struct error *err);

#endif
