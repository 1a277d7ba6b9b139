/* SPDX-License-Identifier: Apache-2.0 */
#include "container/kill.h"

#include <errno.h>

#include "cgroup/cgroup.h"
#include "container/record.h"
#include "container/status.h"

static int kill_cgroup(const struct record *record, int signal, struct error *err)
{
	struct cgroup_location location;
	struct cgroup *cgroup;
	int r;

	if (!record->intent)
		return 0;
	r = record_location(record->intent, &location, err);
	if (r < 0)
		return r;
	r = cgroup_open(&location, &cgroup, err);
	cgroup_location_clear(&location);
	if (r < 0)
		return r;
	r = cgroup_kill(cgroup, signal, err);
	cgroup_free(cgroup);
	return r;
}

int kill_all(const struct store_entry *entry, int signal, struct error *err)
{
	auto_record struct record record = RECORD_INIT;
	auto_status struct status status = STATUS_INIT;
	int r;

	r = record_load(entry, &record, err);
	if (r < 0)
		return r;
	r = status_determine(entry, &record, &status, err);
	if (r < 0)
		return r;
	r = kill_cgroup(&record, signal, err);
	/* Without a cgroup of its own (--cgroup-manager=disabled) there is init alone. */
	if (status.pidfd >= 0 && (r < 0 || !record.intent->cgroup_path))
		r = process_signal(status.pidfd, signal);
	return r == -ESRCH ? 0 : r;
}

int container_kill(const struct store *store, const char *id, int signal, bool all,
		   struct error *err)
{
	auto_entry struct store_entry entry = STORE_ENTRY_INIT;
	auto_record struct record record = RECORD_INIT;
	auto_status struct status status = STATUS_INIT;
	bool shared;
	int r;

	r = store_find(store, id, &entry, err);
	if (r == 0)
		r = record_load(&entry, &record, err);
	if (r == 0)
		r = status_determine(&entry, &record, &status, err);
	if (r < 0)
		return r;
	/* containerd kills the rest of a stopped container this way, and wants no error. */
	if (all)
		return kill_cgroup(&record, signal, err);
	r = lifecycle_check(LIFECYCLE_KILL, status.status, id, err);
	if (r < 0)
		return r;
	shared = record.intent && !record.intent->private_pid;
	if (signal == SIGKILL && (shared || status.status == LIFECYCLE_PAUSED) && record.intent &&
	    record.intent->cgroup_path)
		return kill_cgroup(&record, signal, err);
	r = process_signal(status.pidfd, signal);
	if (r == -ESRCH)
		return error_set(err, ESRCH, "%s: container not running", id);
	return r < 0 ? error_errno(err, -r, "signal init of container %s", id) : 0;
}
