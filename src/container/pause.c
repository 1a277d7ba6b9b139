/* SPDX-License-Identifier: Apache-2.0 */
#include "container/pause.h"

#include <errno.h>
#include <stdlib.h>

#include "cgroup/cgroup.h"
#include "container/members.h"
#include "container/state/record.h"
#include "container/state/status.h"
#include "kernel/process.h"

/* How long processes may take to stop, milliseconds: one in an uninterruptible sleep may never. */
#define PAUSE_TIMEOUT 10000

/* The container, looked at, with its cgroup. */
struct pause_view {
	struct store_entry entry;
	struct record record;
	struct status status;
	struct cgroup *cgroup;
};

static void pause_view_clear(struct pause_view *view)
{
	cgroup_free(view->cgroup);
	status_clear(&view->status);
	record_clear(&view->record);
	store_entry_close(&view->entry);
}

static int pause_look(const struct store *store, const char *id, bool lock, struct pause_view *view,
		      struct error *err)
{
	int r;

	*view = (struct pause_view){.entry = STORE_ENTRY_INIT, .status = STATUS_INIT};
	r = store_find(store, id, &view->entry, err);
	if (r == 0 && lock)
		r = store_lock(store, &view->entry, process_now() + STORE_LOCK_TIMEOUT, err);
	if (r == 0)
		r = status_load(&view->entry, &view->record, &view->status, err);
	if (r == 0)
		r = record_open_cgroup(&view->entry, &view->record, &view->cgroup, err);
	return r;
}

int container_pause(const struct store *store, const char *id, bool pause, struct error *err)
{
	struct pause_view view;
	int r = pause_look(store, id, true, &view, err);

	if (r == 0)
		r = lifecycle_check(pause ? LIFECYCLE_PAUSE : LIFECYCLE_RESUME, view.status.status,
				    id, err);
	if (r == 0)
		r = cgroup_freeze(view.cgroup, pause, process_now() + PAUSE_TIMEOUT, err);
	pause_view_clear(&view);
	return r;
}

static int pause_compare(const void *a, const void *b)
{
	pid_t left = *(const pid_t *)a, right = *(const pid_t *)b;

	return (left > right) - (left < right);
}

/* Whether a container that runs is not, or not all, in its cgroup. */
static bool pause_misses_init(const struct pause_view *view, const pid_t *pids, size_t count)
{
	if (view->status.pidfd < 0)
		return false;
	for (size_t i = 0; i < count; i++)
		if (pids[i] == view->status.pid)
			return false;
	return true;
}

int container_processes(const struct store *store, const char *id, pid_t **ret_pids,
			size_t *ret_count, struct error *err)
{
	struct pause_view view;
	int r = pause_look(store, id, false, &view, err);

	if (r == 0)
		r = cgroup_pids(view.cgroup, ret_pids, ret_count, err);
	if (r == 0 && pause_misses_init(&view, *ret_pids, *ret_count))
		r = members_append(view.status.pid,
				   view.record.intent && view.record.intent->private_pid, ret_pids,
				   ret_count, err);
	if (r == 0 && *ret_count > 0)
		qsort(*ret_pids, *ret_count, sizeof(**ret_pids), pause_compare);
	pause_view_clear(&view);
	return r;
}
