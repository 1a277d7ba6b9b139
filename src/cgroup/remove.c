/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a cgroup: signals, waiting, removal. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/path.h"
#include "cgroup/backend.h"
#include "cgroup/host.h"
#include "kernel/process.h"

/* The longest pause between two attempts on a directory that the kernel still holds, in ms. */
#define REMOVE_PAUSE_MAX 32

int cgroup_kill(const struct cgroup *cgroup, int signal, struct error *err)
{
	if (cgroup_is_gone(cgroup))
		return 0;
	if (signal == SIGKILL)
		return cgroup->backend->kill(cgroup, err);
	return cgroup_signal_all(cgroup, signal, err);
}

/* Tries all directories. `deep`: with what is below. Returns how many are left, or an errno. */
static int remove_round(struct cgroup *cgroup, bool deep, struct error *err)
{
	int left = 0;

	for (size_t i = 0; i < cgroup->count; i++) {
		struct cgroup_member *member = &cgroup->members[i];
		const char *name;
		int r;

		if (member->node.fd < 0)
			continue;
		name = path_basename(member->path);
		if (deep)
			r = tree_remove(member->node.parent, name);
		else
			r = unlinkat(member->node.parent, name, AT_REMOVEDIR) < 0 ? -errno : 0;
		if (r == 0 || r == -ENOENT || r == -ENODEV)
			tree_node_clear(&member->node);
		else if (r == -EBUSY)
			left++;
		else
			return error_errno(err, -r, "remove cgroup %s", member->directory);
	}
	return left;
}

static const char *remove_first_left(const struct cgroup *cgroup)
{
	for (size_t i = 0; i < cgroup->count; i++)
		if (cgroup->members[i].node.fd >= 0)
			return cgroup->members[i].directory;
	return "";
}

static void remove_pause(int64_t pause, int64_t deadline)
{
	int64_t left = deadline - process_now();
	struct timespec time;

	if (pause > left)
		pause = left;
	if (pause <= 0)
		return;
	time = (struct timespec){.tv_nsec = pause * 1000000};
	(void)nanosleep(&time, NULL);
}

/* One attempt at an end of the processes. Returns 0 when none is left, 1 when it is time for the
 * next one, or an errno. */
static int remove_processes(const struct cgroup *cgroup, bool kill, int64_t deadline,
			    struct error *err)
{
	int r = kill ? cgroup->backend->kill(cgroup, err) : 0;

	if (r < 0)
		return r;
	r = cgroup->backend->wait_empty(cgroup, deadline);
	if (r == -ETIMEDOUT)
		return cgroup_explain_survivors(cgroup, remove_first_left(cgroup), err);
	return r < 0 ? error_errno(err, -r, "wait for the end of the processes in cgroup %s",
				   remove_first_left(cgroup))
		     : r;
}

static int remove_all(struct cgroup *cgroup, bool kill, int64_t deadline, struct error *err)
{
	/* Mostly nothing is in it any more, and one call is all. */
	int left = remove_round(cgroup, false, err);

	for (int64_t pause = 0; left > 0;) {
		int r = remove_processes(cgroup, kill, deadline, err);

		if (r < 0)
			return r;
		/* Below a cgroup that still lives nothing is touched. */
		if (r == 1)
			continue;
		left = remove_round(cgroup, true, err);
		if (left <= 0)
			break;
		if (process_now() >= deadline)
			return cgroup_explain_survivors(cgroup, remove_first_left(cgroup), err);
		remove_pause(pause, deadline);
		pause = pause ? pause * 2 : 1;
		if (pause > REMOVE_PAUSE_MAX)
			pause = REMOVE_PAUSE_MAX;
	}
	return left;
}

/*
 * The cgroup of a unit is systemd's to remove. It drops the unit when the kernel tells it that no
 * process is left, and looks at the cgroup then: if that were gone already, the unit would stay for
 * ever, at work with nobody in it and its name taken. So first the processes, then the unit, and
 * the directories last, should they still be there.
 */
static int remove_with_unit(struct cgroup *cgroup, bool kill, int64_t deadline, struct error *err)
{
	int r = cgroup_unit_widen(cgroup, err);

	if (r < 0 || cgroup_is_gone(cgroup)) {
		if (r == 0)
			(void)cgroup_unit_stop(cgroup);
		return r;
	}
	do
		r = remove_processes(cgroup, kill, deadline, err);
	while (r == 1);
	if (r < 0)
		return r;
	if (cgroup_unit_stop(cgroup))
		return remove_all(cgroup, kill, deadline, err);
	/* It is still there, and so is its cgroup, with nothing below. */
	for (size_t i = 0; i < cgroup->count; i++)
		if (cgroup->members[i].node.fd >= 0)
			(void)tree_remove_below(cgroup->members[i].node.fd);
	return 0;
}

int cgroup_remove(struct cgroup *cgroup, bool kill, int64_t deadline, struct error *err)
{
	return cgroup->unit ? remove_with_unit(cgroup, kill, deadline, err)
			    : remove_all(cgroup, kill, deadline, err);
}

/* None of these paths leads through what a container could have changed: the last component is the
 * only one that is its own, and rmdir follows no symbolic link. */
bool cgroup_remove_empty(const struct cgroup_location *location)
{
	struct error ignored = ERROR_INIT;
	enum cgroup_mode mode;
	char directory[PATH_MAX];

	if (location->manager != CGROUP_MANAGER_CGROUPFS || cgroup_host_mode(&mode, &ignored) < 0 ||
	    mode != location->mode)
		return false;
	for (char **at = location->directories; at && *at; at++)
		if (unlinkat(AT_FDCWD, *at, AT_REMOVEDIR) < 0)
			return false;
	if (location->directories)
		return true;
	return mode == CGROUP_MODE_UNIFIED && location->path &&
	       snprintf(directory, sizeof(directory), "%s%s", CGROUP_MOUNT_POINT, location->path) <
		       (int)sizeof(directory) &&
	       unlinkat(AT_FDCWD, directory, AT_REMOVEDIR) == 0;
}
