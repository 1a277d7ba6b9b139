/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup v1 and hybrid hosts: one directory for the container in each hierarchy, and in the cgroup2
 * of a hybrid host, which gives CLONE_INTO_CGROUP, cgroup.kill and cgroup.events even where it has
 * no controllers.
 *
 * What is v1's alone is here, in devices/rules-v1.c and in statistics/v1.c. The day hosts no longer
 * have it, these files go.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/log.h"
#include "base/path.h"
#include "cgroup/backend.h"
#include "cgroup/devices/rules.h"
#include "cgroup/statistics/read.h"
#include "cgroup/tree.h"
#include "kernel/process.h"
#include "kernel/syscalls.h"

/* How long freezing may take before its processes are signalled anyway, in ms. */
#define V1_FREEZE_MAX 500
/* After how long what still lives is signalled again, in ms: it may have forked meanwhile. */
#define V1_WAIT_SLICE 100
/* How many cgroups that a container has made in itself are thawed. */
#define V1_BELOW_MAX 100000

static const char *const v1_cpuset_files[] = {"cpuset.cpus", "cpuset.mems"};

/*
 * A new cpuset has no cpus and no mems, and a process cannot enter one: it takes those of its
 * parent. Not by cgroup.clone_children, which would change a parent that is not ours. One that has
 * some keeps them.
 */
static int v1_fill_cpuset(int parent, int fd, const char *directory, struct error *err)
{
	for (size_t i = 0; i < array_size(v1_cpuset_files); i++) {
		const char *file = v1_cpuset_files[i];
		char value[4096];
		ssize_t n = tree_read(fd, file, value, sizeof(value));
		int r;

		if (n > 0)
			continue;
		n = tree_read(parent, file, value, sizeof(value));
		if (n < 0)
			return error_errno(err, (int)-n, "read %s of the parent of cgroup %s", file,
					   directory);
		r = n > 0 ? io_write_value(fd, file, value) : 0;
		if (r < 0)
			return error_errno(
				err, -r,
				"cgroup controller cpuset: write \"%s\" to %s of cgroup %s", value,
				file, directory);
	}
	return 0;
}

static int v1_made(int parent, int fd, void *data, struct error *err)
{
	const struct cgroup_member *member = data;

	return cgroup_list_has(member->controllers, ',', "cpuset")
		       ? v1_fill_cpuset(parent, fd, member->directory, err)
		       : 0;
}

static bool v1_cpuset_is_full(int fd)
{
	char value[4096];

	for (size_t i = 0; i < array_size(v1_cpuset_files); i++)
		if (tree_read(fd, v1_cpuset_files[i], value, sizeof(value)) == 0)
			return false;
	return true;
}

/*
 * Somebody may have made the cgroup, or one above it, and put nothing into it: from the root on
 * each that has none takes those of its parent. Until then it was of no use to anybody.
 */
static int v1_settle_cpuset(const struct cgroup_member *member, struct error *err)
{
	auto_close int parent = -EBADF;
	char name[NAME_MAX + 1];

	if (v1_cpuset_is_full(member->node.fd))
		return 0;
	parent = tree_open_mount(member->mount_point);
	if (parent < 0)
		return error_errno(err, -parent, "open cgroup hierarchy %s", member->mount_point);
	for (const char *at = member->path + 1; *at;) {
		size_t n = strcspn(at, "/");
		int fd, r;

		(void)snprintf(name, sizeof(name), "%.*s", (int)n, at);
		fd = tree_open_below(parent, name, O_PATH | O_DIRECTORY);
		if (fd < 0)
			return error_errno(err, -fd, "open cgroup %s", member->directory);
		r = v1_fill_cpuset(parent, fd, member->directory, err);
		fd_close(parent);
		parent = fd;
		if (r < 0)
			return r;
		at += n;
		at += *at == '/';
	}
	return 0;
}

/* freezer.state; a hierarchy that is not there, or a directory that is gone, freezes nothing. */
static int v1_freezer_state(const struct cgroup *cgroup, char *state, size_t size)
{
	const struct cgroup_member *member = cgroup_member_find(cgroup, "freezer");
	ssize_t n;

	state[0] = '\0';
	if (!member || member->node.fd < 0)
		return 0;
	n = tree_read(member->node.fd, "freezer.state", state, size);
	return n < 0 && n != -ENOENT && n != -ENODEV ? (int)n : 0;
}

static int v1_is_frozen(const struct cgroup *cgroup, bool *ret_frozen, struct error *err)
{
	const struct cgroup_member *unified = cgroup_member_find(cgroup, "");
	bool populated, frozen = false;
	char state[64];
	int r;

	r = v1_freezer_state(cgroup, state, sizeof(state));
	if (r < 0)
		return error_errno(err, -r, "read freezer.state of cgroup %s",
				   cgroup_member_find(cgroup, "freezer")->directory);
	/* Somebody else may have used the other freezer of a hybrid host. */
	if (unified && unified->node.fd >= 0)
		(void)cgroup_v2_events(unified->node.fd, &populated, &frozen);
	*ret_frozen = frozen || (state[0] && strcmp(state, "THAWED") != 0);
	return 0;
}

static int v1_settle(struct cgroup *cgroup, const struct cgroup_host *host, struct error *err)
{
	bool frozen;
	int r;

	for (size_t i = 0; i < cgroup->count; i++) {
		struct cgroup_member *member = &cgroup->members[i];

		/* systemd has just made the unit, with nobody in it but us. */
		r = member->node.made > 0 || member->node.fd < 0 || cgroup->unit
			    ? 0
			    : cgroup_refuse_used(member, false, err);
		if (r == 0 && member->node.fd >= 0 &&
		    cgroup_list_has(member->controllers, ',', "cpuset"))
			r = v1_settle_cpuset(member, err);
		if (r < 0)
			return r;
	}
	r = v1_is_frozen(cgroup, &frozen, err);
	if (r < 0)
		return r;
	if (frozen) {
		error_set(err, EBUSY, "cgroup %s is frozen", cgroup->members[0].path);
		return error_hint(err,
				  "write THAWED to freezer.state there, or in the parent that is "
				  "frozen");
	}
	return 0;
}

/*
 * Also for a limit of 0, which is none to leave out: with it a process may use nothing of what
 * there is, or will be. (Engines that pass one for each size of huge pages ask first whether there
 * is a controller.)
 */
static int v1_enable(struct cgroup *cgroup, const char *controller, struct error *err)
{
	const struct cgroup_member *unified = cgroup_member_find(cgroup, "");
	char path[PATH_MAX], list[CGROUP_CONTROLLERS_MAX];

	error_set(err, ENOENT,
		  "cgroup controller %s is missing: no hierarchy of it is mounted below %s",
		  controller, CGROUP_MOUNT_POINT);
	if (unified)
		(void)snprintf(path, sizeof(path), "%s/cgroup.controllers", unified->mount_point);
	if (unified && io_read_small(AT_FDCWD, path, list, sizeof(list)) > 0 &&
	    cgroup_list_has(list, ' ', controller))
		return error_hint(err, "on this hybrid host it belongs to %s, where no limits are",
				  unified->mount_point);
	return error_hint(err,
			  "it may be disabled by cgroup_disable= on the kernel's command line");
}

static int v1_write_lines(const struct cgroup_member *member, const struct device_line *lines,
			  size_t count, struct error *err)
{
	auto_close int allow = -EBADF, deny = -EBADF;

	allow = openat(member->node.fd, "devices.allow", O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	deny = openat(member->node.fd, "devices.deny", O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (allow < 0 || deny < 0)
		return error_errno(err, errno, "open devices.allow and devices.deny of cgroup %s",
				   member->directory);
	for (size_t i = 0; i < count; i++) {
		int r = io_write_all(lines[i].allow ? allow : deny, lines[i].text,
				     strlen(lines[i].text));

		if (r < 0)
			return error_errno(
				err, -r,
				"cgroup controller devices: write \"%s\" to %s of cgroup %s",
				lines[i].text, lines[i].allow ? "devices.allow" : "devices.deny",
				member->directory);
	}
	return 0;
}

static int v1_apply_devices(struct cgroup *cgroup, const struct device_policy *policy,
			    struct error *err)
{
	const struct cgroup_member *member = cgroup_member_find(cgroup, "devices");
	const struct cgroup_member *unified = cgroup_member_find(cgroup, "");
	auto_free struct device_line *lines = NULL;
	size_t count;
	int r;

	if (!member && unified)
		return cgroup_v2_apply_devices(unified, policy, err);
	if (!member && device_policy_allows_all(policy))
		return 0;
	if (!member)
		return v1_enable(cgroup, "devices", err);
	r = device_rules_plan_v1(policy, &lines, &count, err);
	return r < 0 ? r : v1_write_lines(member, lines, count, err);
}

static void v1_sleep(long milliseconds)
{
	struct timespec time = {.tv_nsec = milliseconds * 1000000};

	(void)nanosleep(&time, NULL);
}

/* Stops all of them so that none can fork away while the others are signalled. As far as it goes.
 */
static void v1_freeze(const struct cgroup *cgroup, const struct cgroup_member *freezer)
{
	int64_t deadline = process_now() + V1_FREEZE_MAX;
	char state[64];

	if (io_write_value(freezer->node.fd, "freezer.state", "FROZEN") < 0)
		return;
	for (long pause = 1; process_now() < deadline; pause = pause < 32 ? pause * 2 : pause) {
		/* Reading it is what makes the kernel look whether all have stopped. */
		if (v1_freezer_state(cgroup, state, sizeof(state)) < 0 ||
		    strcmp(state, "FREEZING") != 0)
			return;
		v1_sleep(pause);
	}
}

static int v1_thaw(const struct cgroup_member *freezer, struct error *err)
{
	int r = io_write_value(freezer->node.fd, "freezer.state", "THAWED");

	if (r < 0 && r != -ENOENT && r != -ENODEV)
		return error_errno(err, -r, "write THAWED to freezer.state of cgroup %s",
				   freezer->directory);
	return 0;
}

/*
 * Known to get stuck in FREEZING when processes come and go meanwhile; then it is thawed for a
 * moment and tried again (Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst: "FREEZING" may
 * stay).
 */
static int v1_set_frozen(const struct cgroup *cgroup, bool freeze, int64_t deadline,
			 struct error *err)
{
	const struct cgroup_member *freezer = cgroup_member_find(cgroup, "freezer");
	char state[64];
	int r;

	if (!freezer || freezer->node.fd < 0) {
		error_set(err, ENOTSUP, "this host has no freezer controller");
		return error_hint(err, "mount the cgroup v1 hierarchy `freezer`");
	}
	if (!freeze)
		return v1_thaw(freezer, err);
	for (;;) {
		r = io_write_value(freezer->node.fd, "freezer.state", "FROZEN");
		if (r < 0)
			return error_errno(err, -r, "write FROZEN to freezer.state of cgroup %s",
					   freezer->directory);
		v1_freeze(cgroup, freezer);
		r = v1_freezer_state(cgroup, state, sizeof(state));
		if (r < 0)
			return error_errno(err, -r, "read freezer.state of cgroup %s",
					   freezer->directory);
		if (strcmp(state, "FROZEN") == 0)
			return 0;
		if (process_now() >= deadline)
			return error_set(err, ETIMEDOUT, "processes of cgroup %s do not stop",
					 freezer->directory);
		r = v1_thaw(freezer, err);
		if (r < 0)
			return r;
		v1_sleep(1);
	}
}

static int v1_thaw_below(const struct tree_walk *walk, int parent, const char *name, void *data)
{
	auto_close int fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	(void)walk;
	(void)data;
	if (fd >= 0)
		(void)io_write_value(fd, "freezer.state", "THAWED");
	return 0;
}

static bool v1_has_pid(const struct tree_pids *pids, pid_t pid)
{
	for (size_t i = 0; i < pids->count; i++)
		if (pids->items[i] == pid)
			return true;
	return false;
}

/* Our cgroup, or, when that is gone already as nobody was in it, the one above. */
static int v1_freezer_home(const struct cgroup_member *freezer)
{
	char above[PATH_MAX];
	int fd;

	if (freezer->node.fd >= 0)
		fd = openat(freezer->node.fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	else if (snprintf(above, sizeof(above), "%.*s",
			  (int)(path_basename(freezer->directory) - freezer->directory),
			  freezer->directory) < (int)sizeof(above))
		fd = open(above, O_PATH | O_DIRECTORY | O_CLOEXEC);
	else
		return -ENAMETOOLONG;
	return fd < 0 ? -errno : fd;
}

/*
 * Processes that somebody has moved into another freezer cgroup, and maybe frozen there: they come
 * back into ours, which is thawed. The order of reading leaves out those that end meanwhile.
 */
static void v1_take_back(const struct cgroup *cgroup, const struct cgroup_member *freezer)
{
	const struct cgroup_member *other = NULL;
	struct tree_pids ours = {0}, all = {0};
	auto_close int home = v1_freezer_home(freezer);
	char pid[16];

	for (size_t i = 0; i < cgroup->count && !other; i++)
		if (&cgroup->members[i] != freezer && cgroup->members[i].node.fd >= 0)
			other = &cgroup->members[i];
	if (other && home >= 0 &&
	    (freezer->node.fd < 0 || tree_pids_read(freezer->node.fd, &ours) == 0) &&
	    tree_pids_read(other->node.fd, &all) == 0) {
		for (size_t i = 0; i < all.count; i++) {
			if (v1_has_pid(&ours, all.items[i]))
				continue;
			(void)snprintf(pid, sizeof(pid), "%d", (int)all.items[i]);
			(void)io_write_value(home, "cgroup.procs", pid);
		}
	}
	tree_pids_clear(&ours);
	tree_pids_clear(&all);
}

/* One of the processes that are left: its pid, -1 when it has none here, 0 when there is none. */
static pid_t v1_any_process(const struct cgroup *cgroup)
{
	for (size_t i = 0; i < cgroup->count; i++) {
		struct tree_pids pids = {0};
		pid_t pid = 0;

		if (cgroup->members[i].node.fd >= 0)
			(void)tree_pids_read(cgroup->members[i].node.fd, &pids);
		if (pids.count > 0)
			pid = pids.items[0];
		else if (pids.foreign > 0)
			pid = -1;
		tree_pids_clear(&pids);
		if (pid != 0)
			return pid;
	}
	return 0;
}

/* v1 tells nobody when a cgroup is empty, but the death of a process that is in it can be awaited.
 */
static bool v1_await_last(const struct cgroup *cgroup, int64_t until)
{
	pid_t pid, last = 0;

	while ((pid = v1_any_process(cgroup)) != 0) {
		auto_close int pidfd = pid > 0 ? sys_pidfd_open(pid, 0) : -EBADF;

		if (process_now() >= until)
			return false;
		/* Dead and still listed: the kernel needs a moment. */
		if (pidfd < 0 || pid == last)
			v1_sleep(1);
		if (pidfd >= 0)
			(void)process_wait_dead(pidfd, until);
		last = pid;
	}
	return true;
}

static int v1_wait_empty(const struct cgroup *cgroup, int64_t deadline)
{
	const struct cgroup_member *unified = cgroup_member_find(cgroup, "");
	int64_t until = process_now() + V1_WAIT_SLICE;

	if (unified && unified->node.fd >= 0)
		return cgroup_v2_wait_empty(unified->node.fd, deadline);
	if (until > deadline)
		until = deadline;
	if (v1_await_last(cgroup, until))
		return 0;
	return until == deadline ? -ETIMEDOUT : 1;
}

/* A frozen process dies only when it thaws, whoever froze it, be it the container in a cgroup that
 * it made, and whatever else failed. */
static int v1_thaw_all(const struct cgroup *cgroup, const struct cgroup_member *freezer,
		       struct error *err)
{
	int r = 0;

	if (freezer && freezer->node.fd >= 0) {
		(void)tree_walk(freezer->node.fd, V1_BELOW_MAX, v1_thaw_below, NULL);
		r = v1_thaw(freezer, err);
	}
	if (freezer)
		v1_take_back(cgroup, freezer);
	return r;
}

/*
 * Who forks faster than the others are signalled is frozen for it, but only what has outlived a
 * first round: a runtime that is killed meanwhile would leave a container behind that is paused,
 * without anybody having asked for it. Of what is frozen in the second round init is dead.
 */
static int v1_kill(const struct cgroup *cgroup, struct error *err)
{
	const struct cgroup_member *unified = cgroup_member_find(cgroup, "");
	const struct cgroup_member *freezer = cgroup_member_find(cgroup, "freezer");
	bool freezes = freezer && freezer->node.fd >= 0, populated = false, frozen;
	struct error ignored = ERROR_INIT;
	int r, thawed;

	if (unified && unified->node.fd >= 0)
		(void)cgroup_v2_events(unified->node.fd, &populated, &frozen);
	r = populated ? cgroup_v2_kill(unified, err) : cgroup_signal_all(cgroup, SIGKILL, err);
	thawed = v1_thaw_all(cgroup, freezer, r < 0 ? &ignored : err);
	if (r < 0 || thawed < 0 || populated || !freezes ||
	    v1_await_last(cgroup, process_now() + V1_WAIT_SLICE))
		return r < 0 ? r : thawed;
	v1_freeze(cgroup, freezer);
	r = cgroup_signal_all(cgroup, SIGKILL, err);
	thawed = v1_thaw_all(cgroup, freezer, r < 0 ? &ignored : err);
	return r < 0 ? r : thawed;
}

static uint64_t v1_oom_kills(const struct cgroup *cgroup)
{
	const struct cgroup_member *member = cgroup_member_find(cgroup, "memory");
	uint64_t kills = 0;
	char text[256];

	if (member && member->node.fd >= 0 &&
	    tree_read(member->node.fd, "memory.oom_control", text, sizeof(text)) >= 0)
		(void)tree_parse_key(text, "oom_kill", &kills);
	return kills;
}

static void v1_memory_events(const struct cgroup *cgroup, struct cgroup_memory_events *events)
{
	const struct cgroup_member *member = cgroup_member_find(cgroup, "memory");

	if (!member || member->node.fd < 0)
		return;
	events->oom_kills = v1_oom_kills(cgroup);
	(void)tree_read_u64(member->node.fd, "memory.max_usage_in_bytes", &events->peak);
	events->limit_known =
		tree_read_u64(member->node.fd, "memory.limit_in_bytes", &events->limit) == 0;
	/* v1's word for none is the largest number of whole pages. */
	if (events->limit > INT64_MAX - (1 << 20))
		events->limit = UINT64_MAX;
}

const struct backend cgroup_backend_v1 = {
	.made = v1_made,
	.settle = v1_settle,
	.enable = v1_enable,
	.apply_devices = v1_apply_devices,
	.kill = v1_kill,
	.is_frozen = v1_is_frozen,
	.freeze = v1_set_frozen,
	.wait_empty = v1_wait_empty,
	.statistics = statistics_read_v1,
	.oom_kills = v1_oom_kills,
	.memory_events = v1_memory_events,
};
