/* SPDX-License-Identifier: Apache-2.0 */
#include "container/remove.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "cgroup/cgroup.h"
#include "cgroup/resctrl/resctrl.h"
#include "container/bundle.h"
#include "container/hooks.h"
#include "container/state/record.h"
#include "container/state/status.h"
#include "isolate/rootfs/rootfs.h"

/* How long processes may take to die after SIGKILL, and the cgroup to become empty, milliseconds.
 */
#define REMOVE_TIMEOUT 10000

/* How long init may take to be dead, and not only to have ended, before that is looked into. */
#define REMOVE_ZOMBIES 200

/* How long `delete` looks whether init, which runs, is not about to end, milliseconds. */
#define REMOVE_GLIMPSE 10

/* Whether the state was written before the machine's last boot, which has ended all there was. */
static bool remove_is_of_past_boot(const struct record *record)
{
	struct process_identity self;

	return record->state && process_identify(getpid(), -EBADF, &self) == 0 &&
	       strcmp(self.boot_id, record->state->boot_id) != 0;
}

static int remove_cgroup(const struct store_entry *entry, const struct record *record,
			 int64_t deadline, struct error *err)
{
	struct cgroup_location location;
	struct cgroup *cgroup;
	int r = record_find_cgroup(entry, record, &location, err);

	if (r == 0 && cgroup_remove_empty(&location)) {
		cgroup_location_clear(&location);
		return 0;
	}
	if (r == 0) {
		r = cgroup_open(&location, &cgroup, err);
		cgroup_location_clear(&location);
	}
	/* Nothing is known of one; or the host has other hierarchies by now. */
	if (r == -ENOENT || (r == -ENOTSUP && remove_is_of_past_boot(record)))
		return 0;
	if (r != 0)
		return r;
	r = cgroup_remove(cgroup, true, deadline, err);
	cgroup_free(cgroup);
	return r;
}

static int remove_processes(const struct store_entry *entry, const struct record *record,
			    const struct status *status, struct error *err)
{
	int64_t deadline = process_now() + REMOVE_TIMEOUT;
	int r;

	/* By pidfd too: without a cgroup, or with init moved out of it by somebody. */
	if (status->pidfd >= 0) {
		r = process_signal(status->pidfd, SIGKILL);
		if (r < 0 && r != -ESRCH)
			return error_errno(err, -r, "kill init of container %s", entry->id);
	}
	r = remove_cgroup(entry, record, deadline, err);
	if (r < 0)
		return r;
	if (status->pidfd < 0 ||
	    process_wait_dead(status->pidfd, process_now() + REMOVE_ZOMBIES) == 0)
		return 0;
	/*
	 * Of a process that was executed in the container a zombie is left until its parent reaps
	 * it, and init's number waits for that. Everything else of init is gone.
	 */
	if (process_is_exiting(status->pid)) {
		log_debug("init of container %s waits for zombies that are not reaped", entry->id);
		return 0;
	}
	if (process_wait_dead(status->pidfd, deadline) < 0)
		return error_set(err, EBUSY, "container init still running: %s (process %d)",
				 entry->id, (int)status->pid);
	return 0;
}

/* Of a container that has none of its own. */
static int remove_host_mounts(const struct record_intent *intent, struct error *err)
{
	if (!intent || intent->host_mount == 0)
		return 0;
	return rootfs_detach(intent->rootfs, intent->host_mount, err);
}

/* A class and a monitoring group of the container's; processes that are left lose their class. */
static int remove_resctrl(const struct record_intent *intent, struct error *err)
{
	if (!intent)
		return 0;
	return resctrl_remove(intent->rdt_own_group ? intent->rdt_group : NULL, intent->rdt_monitor,
			      err);
}

/* After the resources are gone (runtime.md#lifecycle, step 13). They only warn. */
static void remove_run_hooks(const struct store_entry *entry, const struct record *record)
{
	auto_bundle struct bundle bundle = BUNDLE_INIT;
	struct status_document document = {.intent = record->intent, .status = LIFECYCLE_STOPPED};
	struct hooks_run run = {.kind = "poststop", .keep_going = true};
	auto_text struct text state = {0};
	struct error err = ERROR_INIT;

	if (!record->intent || !record->intent->poststop)
		return;
	if (bundle_load_snapshot(entry, &bundle, &err) < 0) {
		log_warning("poststop hooks of container %s are not run: %s", entry->id,
			    err.message);
		return;
	}
	if (!bundle.config->hooks)
		return;
	run.hooks = &bundle.config->hooks->poststop;
	status_encode(&document, STATUS_FIELDS_SPEC, &state);
	if (state.failed) {
		log_warning("poststop hooks of container %s are not run: no memory", entry->id);
		return;
	}
	run.state = state.data;
	run.annotations = &record->intent->annotations;
	run.directory = record->intent->bundle;
	(void)hooks_run(&run, &err);
}

static int remove_with(const struct store *store, struct store_entry *entry,
		       const struct record *record, const struct status *status, struct error *err)
{
	int r = remove_processes(entry, record, status, err);

	if (r == 0)
		r = remove_host_mounts(record->intent, err);
	if (r == 0)
		r = remove_resctrl(record->intent, err);
	if (r < 0)
		return r;
	remove_run_hooks(entry, record);
	return store_remove(store, entry, err);
}

int remove_locked(const struct store *store, struct store_entry *entry, struct error *err)
{
	auto_record struct record record = RECORD_INIT;
	auto_status struct status status = STATUS_INIT;
	int r = status_load(entry, &record, &status, err);

	return r < 0 ? r : remove_with(store, entry, &record, &status, err);
}

int remove_ended(const struct store *store, struct store_entry *entry,
		 const struct record_intent *intent, struct cgroup *cgroup, struct error *err)
{
	const struct record record = {.intent = intent};
	int r = cgroup_remove(cgroup, true, process_now() + REMOVE_TIMEOUT, err);

	if (r == 0)
		r = remove_host_mounts(intent, err);
	if (r == 0)
		r = remove_resctrl(intent, err);
	if (r < 0)
		return r;
	remove_run_hooks(entry, &record);
	return store_remove(store, entry, err);
}

/*
 * Whether init, alive when it was looked at, has ended or will for certain: `kill` has just been
 * called, and the kernel needs its time. It may get stuck on the way (a filesystem that does not
 * answer, zombies of `exec` that nobody reaps), where remove_processes() has the patience and the
 * words.
 */
static bool remove_may_wait(const struct status *status)
{
	int64_t deadline = process_now() + REMOVE_TIMEOUT;

	if (status->pidfd < 0)
		return false;
	/* Between the signal and the end there is a moment in which the kernel tells of neither. */
	do {
		if (process_wait_dead(status->pidfd, process_now() + REMOVE_GLIMPSE) == 0 ||
		    process_is_exiting(status->pid))
			return true;
	} while (process_is_killed(status->pid) && process_now() < deadline);
	return false;
}

int container_delete(const struct store *store, const char *id, bool force, struct error *err)
{
	auto_entry struct store_entry entry = STORE_ENTRY_INIT;
	auto_record struct record record = RECORD_INIT;
	auto_status struct status status = STATUS_INIT;
	struct error refusal = ERROR_INIT;
	int r;

	r = store_find(store, id, &entry, err);
	if (r == 0)
		r = store_lock(store, &entry, process_now() + STORE_LOCK_TIMEOUT, err);
	/* Another `delete` was faster, or there never was one: what was asked for is so. */
	if (r == -ENOENT && force)
		return 0;
	if (r == 0)
		r = status_load(&entry, &record, &status, err);
	if (r < 0)
		return r;
	if (!force && lifecycle_check(LIFECYCLE_DELETE, status.status, id, &refusal) < 0 &&
	    !remove_may_wait(&status)) {
		*err = refusal;
		return -err->number;
	}
	return remove_with(store, &entry, &record, &status, err);
}
