/* SPDX-License-Identifier: Apache-2.0 */
#include "container/kill.h"

#include <errno.h>

#include "base/fd.h"
#include "cgroup/cgroup.h"
#include "container/state/record.h"
#include "container/state/status.h"

/* How long processes may take to die of SIGKILL, milliseconds. */
#define KILL_TIMEOUT 10000

static int kill_cgroup(const struct store_entry *entry, const struct record *record, pid_t init,
		       int signal, bool *ret_reached, struct error *err)
{
	auto_free pid_t *pids = NULL;
	struct cgroup *cgroup;
	size_t count;
	int r;

	*ret_reached = false;
	r = record_open_cgroup(entry, record, &cgroup, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = cgroup_pids(cgroup, &pids, &count, err);
	for (size_t i = 0; r == 0 && i < count; i++)
		*ret_reached = *ret_reached || pids[i] == init;
	if (r == 0)
		r = cgroup_kill(cgroup, signal, err);
	cgroup_free(cgroup);
	return r;
}

/* All in the container's cgroup; and init also where it has none (the manager is disabled, or
 * nobody may make one), or has been moved out of it. */
static int kill_everything(const struct store_entry *entry, const struct record *record,
			   const struct status *status, int signal, struct error *err)
{
	bool reached;
	int r = kill_cgroup(entry, record, status->pid, signal, &reached, err);
	int sent = 0;

	if (status->pidfd >= 0 && (!reached || r < 0))
		sent = process_signal(status->pidfd, signal);
	if (r == 0 && sent < 0 && sent != -ESRCH)
		return error_errno(err, -sent, "signal init of container %s", entry->id);
	return r;
}

int kill_all(const struct store_entry *entry, int signal, struct error *err)
{
	auto_record struct record record = RECORD_INIT;
	auto_status struct status status = STATUS_INIT;
	int r = status_load(entry, &record, &status, err);

	if (r == 0)
		r = kill_everything(entry, &record, &status, signal, err);
	if (r == 0 && signal == SIGKILL && status.pidfd >= 0 &&
	    process_wait_dead(status.pidfd, process_now() + KILL_TIMEOUT) < 0)
		return error_set(err, EBUSY, "container init still running: %s (process %d)",
				 entry->id, (int)status.pid);
	return r;
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
		r = status_load(&entry, &record, &status, err);
	if (r < 0)
		return r;
	/* containerd kills the rest of a stopped container this way, and wants no error. */
	if (all)
		return kill_everything(&entry, &record, &status, signal, err);
	r = lifecycle_check(LIFECYCLE_KILL, status.status, id, err);
	if (r < 0)
		return r;
	/* Whoever shares his pid namespace is not ended by the end of init. Frozen ones must be
	 * thawed. And when it is not known who init is, it is among all. */
	shared = !record.intent || !record.intent->private_pid;
	if (status.pidfd < 0 ||
	    (signal == SIGKILL && (shared || status.status == LIFECYCLE_PAUSED)))
		return kill_everything(&entry, &record, &status, signal, err);
	r = process_signal(status.pidfd, signal);
	if (r == -ESRCH)
		return error_set(err, ESRCH, "%s: container not running", id);
	return r < 0 ? error_errno(err, -r, "signal init of container %s", id) : 0;
}
