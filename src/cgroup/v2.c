/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup2 (cgroups(7), Documentation/admin-guide/cgroup-v2.rst).
 *
 * A directory has the files of a controller only when every directory above it passes the
 * controller on (cgroup.subtree_control), and only a directory without processes can pass one on.
 * The usual ones are passed on when the cgroup is made, for engines measure by them; others when a
 * limit asks.
 *
 * What has been passed on stays so, also after a create or an update that failed. Parents are
 * shared: another runtime may have put a container beside ours meanwhile, found the controller
 * there and set a limit. The kernel takes a controller back from cgroups that have limits without a
 * word, and the limits with it. No lock of ours would keep the others out, and between a look and a
 * write there is always a moment. A controller too many counts a little; a limit that is gone is
 * gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/log.h"
#include "base/path.h"
#include "cgroup/backend.h"
#include "cgroup/devices/rules.h"
#include "cgroup/statistics/read.h"
#include "kernel/bpf.h"
#include "kernel/process.h"
#include "kernel/syscalls.h"

/* For how many processes, one after the other, the end of a cgroup is awaited by their own. */
#define V2_PROCESS_WAITS 16

/* What engines read their statistics from. */
static const char *const v2_usual[] = {"cpuset", "cpu", "io", "memory", "pids"};
#define V2_WANTED_MAX array_size(v2_usual)

/* The controllers to pass on; a NULL is one that was given up. */
struct v2_wanted {
	const char *names[V2_WANTED_MAX];
	size_t count;
};

static int v2_parse_events(const char *text, bool *ret_populated, bool *ret_frozen)
{
	uint64_t populated, frozen = 0;
	int r = tree_parse_key(text, "populated", &populated);

	if (r < 0)
		return r;
	(void)tree_parse_key(text, "frozen", &frozen);
	*ret_populated = populated != 0;
	*ret_frozen = frozen != 0;
	return 0;
}

int cgroup_v2_events(int fd, bool *ret_populated, bool *ret_frozen)
{
	char text[256];
	ssize_t n = tree_read(fd, "cgroup.events", text, sizeof(text));

	return n < 0 ? (int)n : v2_parse_events(text, ret_populated, ret_frozen);
}

int cgroup_v2_look(int root, const char *path, bool *ret_populated, bool *ret_frozen)
{
	char name[PATH_MAX], text[256];
	auto_close int fd = -EBADF;
	ssize_t n;

	if (snprintf(name, sizeof(name), "%s/cgroup.events", path) >= (int)sizeof(name))
		return -ENAMETOOLONG;
	fd = tree_open_below(root, name, O_RDONLY);
	if (fd < 0)
		return fd;
	n = io_read_small_fd(fd, text, sizeof(text));
	return n < 0 ? (int)n : v2_parse_events(text, ret_populated, ret_frozen);
}

/* Why a controller could not be passed on by this cgroup. */
static int v2_explain(int fd, const char *directory, const char *controller, int number,
		      struct error *err)
{
	char text[CGROUP_CONTROLLERS_MAX] = "";

	if (tree_read(fd, "cgroup.controllers", text, sizeof(text)) >= 0 &&
	    !cgroup_list_has(text, ' ', controller)) {
		error_set(err, ENOENT, "cgroup controller %s is missing: cgroup %s has %s",
			  controller, directory, text[0] ? text : "none");
		if (strcmp(directory, CGROUP_MOUNT_POINT) == 0)
			return error_hint(err,
					  "it may be disabled by cgroup_disable= on the kernel's "
					  "command line, or used by a cgroup v1 hierarchy");
		return error_hint(err, "it is not delegated to this cgroup");
	}
	error_errno(err, number, "enable cgroup controller %s in cgroup %s", controller, directory);
	switch (number) {
	case EBUSY:
		return error_hint(err,
				  "it has processes of its own, and only a cgroup without can pass "
				  "controllers on; choose another cgroupsPath");
	case EOPNOTSUPP:
		text[0] = '\0';
		(void)tree_read(fd, "cgroup.type", text, sizeof(text));
		return error_hint(err, "it is of type \"%s\", not a domain", text);
	case EACCES:
	case EPERM:
	case EROFS:
		return error_hint(err, "it is not delegated to this user");
	default:
		return -err->number;
	}
}

/*
 * Whether processes are in the cgroup itself. The root may have some. Of another one the kernel
 * would take most controllers nevertheless, for it takes them for threads: the whole cgroup becomes
 * a threaded one with that, in which no container can be, and stays so.
 */
static bool v2_is_inner(int fd)
{
	auto_close int procs = openat(fd, "cgroup.procs", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char text[32];

	/* The root has no such file. */
	return procs >= 0 && faccessat(fd, "cgroup.type", F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
	       read(procs, text, sizeof(text)) > 0;
}

static int v2_pass_on(int fd, const char *controller)
{
	char value[64];

	if (snprintf(value, sizeof(value), "+%s", controller) >= (int)sizeof(value))
		return -ENOENT;
	return io_write_value(fd, "cgroup.subtree_control", value);
}

/*
 * Passes on at one level what is wanted and not yet passed on. With one controller a failure is an
 * error; of several those that fail are given up.
 */
static int v2_pass_on_level(int fd, const char *directory, struct v2_wanted *wanted,
			    struct error *err)
{
	char enabled[CGROUP_CONTROLLERS_MAX] = "", value[CGROUP_CONTROLLERS_MAX] = "";
	size_t length = 0;
	bool inner;

	(void)tree_read(fd, "cgroup.subtree_control", enabled, sizeof(enabled));
	for (size_t i = 0; i < wanted->count; i++)
		if (wanted->names[i] && !cgroup_list_has(enabled, ' ', wanted->names[i]))
			length += (size_t)snprintf(value + length, sizeof(value) - length, "%s+%s",
						   length ? " " : "", wanted->names[i]);
	if (length == 0)
		return 0;
	inner = v2_is_inner(fd);
	if (!inner && wanted->count > 1 && io_write_value(fd, "cgroup.subtree_control", value) == 0)
		return 0;
	/* The kernel takes all or none of a line: who is it? */
	for (size_t i = 0; i < wanted->count; i++) {
		int r;

		if (!wanted->names[i] || cgroup_list_has(enabled, ' ', wanted->names[i]))
			continue;
		r = inner ? -EBUSY : v2_pass_on(fd, wanted->names[i]);
		if (r < 0 && wanted->count == 1)
			return v2_explain(fd, directory, wanted->names[i], -r, err);
		if (r < 0)
			wanted->names[i] = NULL;
	}
	return 0;
}

/* From the root down to the parent of the container's cgroup. */
static int v2_pass_on_all(const struct cgroup_member *member, struct v2_wanted *wanted,
			  struct error *err)
{
	auto_close int fd = tree_open_mount(member->mount_point);
	const char *at = member->path + 1, *leaf = path_basename(member->path);
	char directory[PATH_MAX], name[NAME_MAX + 1];
	size_t length = strlen(member->mount_point);

	if (fd < 0)
		return error_errno(err, -fd, "open cgroup hierarchy %s", member->mount_point);
	for (;;) {
		size_t n = strcspn(at, "/");
		int next, r;

		(void)snprintf(directory, sizeof(directory), "%.*s", (int)length,
			       member->directory);
		r = v2_pass_on_level(fd, directory, wanted, err);
		if (r < 0)
			return r;
		if (at == leaf)
			return 0;
		memcpy(name, at, n);
		name[n] = '\0';
		next = tree_open_below(fd, name, O_PATH | O_DIRECTORY);
		if (next < 0)
			return error_errno(err, -next, "open cgroup %s/%s", directory, name);
		fd_close(fd);
		fd = next;
		length += 1 + n;
		at += n + 1;
	}
}

/* The usual controllers; what cannot be had is an error only when a limit wants it. */
static int v2_enable_usual(struct cgroup *cgroup, struct error *err)
{
	const struct cgroup_member *member = &cgroup->members[0];
	char available[CGROUP_CONTROLLERS_MAX] = "";
	struct v2_wanted wanted = {.count = 0};
	struct error ignored = ERROR_INIT;
	auto_close int root = -EBADF;
	size_t missing = 0;
	ssize_t n;

	n = tree_read(member->node.fd, "cgroup.controllers", cgroup->controllers,
		      sizeof(cgroup->controllers));
	if (n < 0)
		return error_errno(err, (int)-n, "read cgroup.controllers of cgroup %s",
				   member->directory);
	for (size_t i = 0; i < array_size(v2_usual); i++)
		missing += !cgroup_list_has(cgroup->controllers, ' ', v2_usual[i]);
	if (missing == 0)
		return 0;
	root = tree_open_mount(member->mount_point);
	if (root < 0 || tree_read(root, "cgroup.controllers", available, sizeof(available)) < 0)
		return 0;
	for (size_t i = 0; i < array_size(v2_usual); i++)
		if (cgroup_list_has(available, ' ', v2_usual[i]) &&
		    !cgroup_list_has(cgroup->controllers, ' ', v2_usual[i]))
			wanted.names[wanted.count++] = v2_usual[i];
	if (wanted.count == 0)
		return 0;
	(void)v2_pass_on_all(member, &wanted, &ignored);
	(void)tree_read(member->node.fd, "cgroup.controllers", cgroup->controllers,
			sizeof(cgroup->controllers));
	return 0;
}

/* The kernel would take a process into a cgroup for threads, but not kill or list what is in it. */
static int v2_refuse_threaded(const struct cgroup_member *member, struct error *err)
{
	char type[64] = "";

	(void)tree_read(member->node.fd, "cgroup.type", type, sizeof(type));
	if (strcmp(type, "threaded") != 0 && strcmp(type, "domain invalid") != 0)
		return 0;
	error_set(err, EOPNOTSUPP, "cgroup %s is of type \"%s\"", member->directory, type);
	return error_hint(err, "it is for threads, as is everything beside and below a threaded "
			       "cgroup; choose another cgroupsPath");
}

static int v2_settle(struct cgroup *cgroup, const struct cgroup_host *host, struct error *err)
{
	const struct cgroup_member *member = &cgroup->members[0];
	bool populated = false, frozen = false;
	int r;

	/* Also of a new one: below a frozen parent a new process would stop before it has begun. */
	r = cgroup_v2_events(member->node.fd, &populated, &frozen);
	if (r < 0)
		return error_errno(err, -r, "read cgroup.events of cgroup %s", member->directory);
	/* systemd has just made the unit, with nobody in it but us. */
	if (populated && !cgroup->unit)
		return cgroup_refuse_used(member, true, err);
	r = v2_refuse_threaded(member, err);
	if (r < 0)
		return r;
	if (frozen) {
		error_set(err, EBUSY, "cgroup %s is frozen", member->directory);
		return error_hint(
			err, "write 0 to cgroup.freeze there, or in the parent that is frozen");
	}
	return v2_enable_usual(cgroup, err);
}

static int v2_enable(struct cgroup *cgroup, const char *controller, struct error *err)
{
	struct v2_wanted wanted = {.names = {controller}, .count = 1};

	return v2_pass_on_all(&cgroup->members[0], &wanted, err);
}

int cgroup_v2_apply_devices(const struct cgroup_member *member, const struct device_policy *policy,
			    struct error *err)
{
	auto_free struct bpf_insn *instructions = NULL;
	auto_close int program = -EBADF;
	size_t count;
	int r;

	if (device_policy_allows_all(policy) && member->node.made > 0)
		return 0;
	r = device_rules_compile(policy, &instructions, &count, err);
	if (r < 0)
		return r;
	r = bpf_load_device_program(instructions, count, &program, err);
	if (r < 0)
		return r;
	r = bpf_attach_device_program(member->node.fd, program, err);
	return r < 0 ? error_wrap(err, "device rules of cgroup %s", member->directory) : 0;
}

static int v2_apply_devices(struct cgroup *cgroup, const struct device_policy *policy,
			    struct error *err)
{
	return cgroup_v2_apply_devices(&cgroup->members[0], policy, err);
}

int cgroup_v2_kill(const struct cgroup_member *member, struct error *err)
{
	int r = io_write_value(member->node.fd, "cgroup.kill", "1");

	if (r < 0 && r != -ENOENT && r != -ENODEV)
		return error_errno(err, -r, "write 1 to cgroup.kill of cgroup %s",
				   member->directory);
	return 0;
}

static int v2_kill(const struct cgroup *cgroup, struct error *err)
{
	return cgroup_v2_kill(&cgroup->members[0], err);
}

static int v2_is_frozen(const struct cgroup *cgroup, bool *ret_frozen, struct error *err)
{
	const struct cgroup_member *member = &cgroup->members[0];
	bool populated;
	int r = cgroup_v2_events(member->node.fd, &populated, ret_frozen);

	if (r == -ENOENT || r == -ENODEV) {
		*ret_frozen = false;
		return 0;
	}
	return r < 0 ? error_errno(err, -r, "read cgroup.events of cgroup %s", member->directory)
		     : 0;
}

/* The kernel tells of each change of cgroup.events by POLLPRI, though late when two come within 10
 * ms. */
static int v2_freeze(const struct cgroup *cgroup, bool freeze, int64_t deadline, struct error *err)
{
	const struct cgroup_member *member = &cgroup->members[0];
	auto_close int events = -EBADF;
	int r = io_write_value(member->node.fd, "cgroup.freeze", freeze ? "1" : "0");

	if (r < 0)
		return error_errno(err, -r, "write %d to cgroup.freeze of cgroup %s", freeze,
				   member->directory);
	events = openat(member->node.fd, "cgroup.events", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (events < 0)
		return error_errno(err, errno, "open cgroup.events of cgroup %s",
				   member->directory);
	for (;;) {
		struct pollfd poll_fd = {.fd = events, .events = POLLPRI};
		bool populated, frozen;
		int64_t left = deadline - process_now();
		char text[256];
		ssize_t n = pread(events, text, sizeof(text) - 1, 0);

		if (n < 0)
			return error_errno(err, errno, "read cgroup.events of cgroup %s",
					   member->directory);
		text[n] = '\0';
		if (v2_parse_events(text, &populated, &frozen) < 0)
			return error_set(err, EBADMSG, "cgroup.events of cgroup %s makes no sense",
					 member->directory);
		/* A parent may be frozen: then ours stays so, and it is not for us to thaw that. */
		if (frozen == freeze || !freeze)
			return 0;
		if (left <= 0)
			return error_set(err, ETIMEDOUT, "processes of cgroup %s do not stop",
					 member->directory);
		if (poll(&poll_fd, 1, left > 50 ? 50 : (int)left) < 0 && errno != EINTR)
			return error_errno(err, errno, "wait for cgroup %s", member->directory);
	}
}

/* A process of the directory itself as a pidfd, or a negative errno when there is none. */
static int v2_open_process(int fd)
{
	char text[32];
	pid_t pid;
	ssize_t n;
	auto_close int procs = openat(fd, "cgroup.procs", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (procs < 0)
		return -errno;
	/* The first line is enough of a list that may be long. */
	n = read(procs, text, sizeof(text) - 1);
	if (n <= 0)
		return -ESRCH;
	text[n] = '\0';
	pid = (pid_t)strtol(text, NULL, 10);
	return pid > 0 ? sys_pidfd_open(pid, 0) : -ESRCH;
}

/*
 * The kernel tells of a change of cgroup.events by POLLPRI, but at most once in 10 ms: the second
 * change within that time (made, filled, emptied at once) is told late. So at first a process of
 * the cgroup is waited for, too, and when that cannot be, the file is looked at again after 1, 2, 4
 * and 8 ms.
 */
int cgroup_v2_wait_empty(int fd, int64_t deadline)
{
	auto_close int events = openat(fd, "cgroup.events", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int64_t slice = 1;

	if (events < 0)
		return errno == ENOENT || errno == ENODEV ? 0 : -errno;
	for (int round = 0;; round++) {
		auto_close int process = -EBADF;
		struct pollfd fds[2] = {{.fd = events, .events = POLLPRI}, {.events = POLLIN}};
		bool populated, frozen;
		int64_t left;
		char text[256];
		ssize_t n = pread(events, text, sizeof(text) - 1, 0);

		if (n < 0)
			return errno == ENODEV ? 0 : -errno;
		text[n] = '\0';
		if (v2_parse_events(text, &populated, &frozen) < 0)
			return -EBADMSG;
		if (!populated)
			return 0;
		left = deadline - process_now();
		if (left <= 0)
			return -ETIMEDOUT;
		if (round < V2_PROCESS_WAITS)
			process = v2_open_process(fd);
		/* A negative descriptor is passed over by poll(2). */
		fds[1].fd = process >= 0 && !process_is_dead(process) ? process : -1;
		if (fds[1].fd < 0 && slice <= 8) {
			left = slice < left ? slice : left;
			slice *= 2;
		}
		if (poll(fds, 2, left > INT_MAX ? INT_MAX : (int)left) < 0 && errno != EINTR)
			return -errno;
	}
}

static int v2_wait_empty(const struct cgroup *cgroup, int64_t deadline)
{
	return cgroup_v2_wait_empty(cgroup->members[0].node.fd, deadline);
}

static uint64_t v2_oom_kills(const struct cgroup *cgroup)
{
	uint64_t kills = 0;
	char text[512];

	if (tree_read(cgroup->members[0].node.fd, "memory.events", text, sizeof(text)) >= 0)
		(void)tree_parse_key(text, "oom_kill", &kills);
	return kills;
}

static void v2_memory_events(const struct cgroup *cgroup, struct cgroup_memory_events *events)
{
	int fd = cgroup->members[0].node.fd;

	events->oom_kills = v2_oom_kills(cgroup);
	(void)tree_read_u64(fd, "memory.peak", &events->peak); /* from Linux 5.19 on */
	/* systemd removes a unit's cgroup as soon as its last process has ended: also between two
	 * reads. */
	events->limit_known = tree_read_u64(fd, "memory.max", &events->limit) == 0;
	if (!events->limit_known && cgroup->memory_limit > 0) {
		events->limit = cgroup->memory_limit;
		events->limit_known = true;
	}
}

const struct backend cgroup_backend_v2 = {
	.settle = v2_settle,
	.enable = v2_enable,
	.apply_devices = v2_apply_devices,
	.kill = v2_kill,
	.is_frozen = v2_is_frozen,
	.freeze = v2_freeze,
	.wait_empty = v2_wait_empty,
	.statistics = statistics_read_v2,
	.oom_kills = v2_oom_kills,
	.memory_events = v2_memory_events,
};
