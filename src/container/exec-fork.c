/* SPDX-License-Identifier: Apache-2.0 */
#include "container/exec-fork.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/text.h"
#include "container/init/init.h"
#include "kernel/channel.h"
#include "kernel/process.h"
#include "kernel/syscalls.h"

void exec_fork_init(struct exec_fork *fork, struct birth *birth)
{
	*fork = (struct exec_fork){.birth = birth, .idle_close = -EBADF, .root = -EBADF};
}

void exec_fork_clear(struct exec_fork *fork)
{
	fork->root = fd_close(fork->root);
}

/* Init's own root is another one than the container's when it has changed it; the other way round,
 * joining leads elsewhere when there is no mount namespace, or the runtime was in a chroot. */
int exec_fork_find_root(struct exec_fork *fork, const char *rootfs, struct error *err)
{
	char path[64];

	if (stat(rootfs, &fork->rootfs) < 0)
		fork->rootfs.st_ino = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/root", (int)fork->init->pid);
	fork->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fork->root < 0 ? error_errno(err, errno, "open the container's root") : 0;
}

/* The cgroup2 directory that init is in; for containers whose own cgroup has become an inner one.
 * Not inlined: its buffers would make the stack of each exec two pages deeper. */
__attribute__((noinline)) static int exec_fork_init_cgroup(pid_t init)
{
	char path[64], cgroups[4096], directory[4200];
	const char *unified;

	(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)init);
	if (io_read_small(AT_FDCWD, path, cgroups, sizeof(cgroups)) < 0)
		return -EBADF;
	unified = text_starts_with(cgroups, "0::") ? cgroups + 3 : strstr(cgroups, "\n0::");
	if (!unified)
		return -EBADF;
	unified += *unified == '\n' ? 4 : 0;
	(void)snprintf(directory, sizeof(directory), "/sys/fs/cgroup%.*s",
		       (int)strcspn(unified, "\n"), unified);
	return open(directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The process on its way: first as the helper, then as the helper's child. */
struct exec_fork_child {
	struct exec_fork *fork;
	struct init init;
};

static int exec_fork_prepare(void *data, struct error *err)
{
	const struct exec_fork_child *child = data;

	return cgroup_enter_self(child->fork->cgroup, err);
}

static int exec_fork_settle(void *data, struct error *err)
{
	struct exec_fork_child *child = data;

	(void)err; /* what fails is told over the channel, as by any init */
	child->fork->birth->channel = fd_close(child->fork->birth->channel);
	child->init.followed = child->fork->followed;
	init_aside(&child->init);
	child->init.role = INIT_JOINED;
	return 0;
}

static int exec_fork_tell(void *data, pid_t pid, const struct error *err)
{
	const struct exec_fork_child *child = data;

	return init_tell(&child->init, pid, err);
}

/* The helper's own words, when it came so far as to have any. */
static int exec_fork_failed(const struct birth *birth, struct error *err)
{
	struct channel_message message;
	int r;

	do {
		auto_close int fd = -EBADF;

		r = channel_recv(birth->channel, -1, process_now(), &message, &fd);
	} while (r == 0 && message.word != SYNC_FAILED);
	return r == 0 ? birth_failed(message.phase, &message.error, err) : error_wrap(err, "exec");
}

static int exec_fork_into(struct exec_fork *fork, struct namespaces_entry *entry, struct error *err)
{
	auto_close int other = -EBADF;
	int r = namespaces_fork_into(entry, cgroup_clone_fd(fork->cgroup), err);

	/* Who names a cgroup means that one. */
	if ((r == -EBUSY || r == -EOPNOTSUPP) && !fork->exact) {
		other = exec_fork_init_cgroup(fork->init->pid);
		/* Never into the cgroup that the runtime happens to be in. */
		if (other >= 0)
			r = namespaces_fork_into(entry, other, err);
	} else if (r == -EACCES && cgroup_can_attach(fork->cgroup)) {
		fork->attach = fork->followed = true;
		error_clear(err);
		r = namespaces_fork_into(entry, -EBADF, err);
	}
	return r;
}

static void exec_fork_undo(struct birth *birth)
{
	int status;

	if (birth->pidfd < 0)
		return;
	(void)process_signal(birth->pidfd, SIGKILL);
	(void)process_reap(birth->pidfd, &status);
	birth->pidfd = fd_close(birth->pidfd);
	birth->pid = 0;
}

/* The process has failed before its helper has said who it is. */
static void exec_fork_hear_rest(struct birth *birth)
{
	struct channel_message message;

	while (birth->ready == 0 &&
	       channel_recv(birth->channel, -1, process_now(), &message, NULL) == 0)
		if (message.word == SYNC_READY)
			birth->ready = message.value;
}

/*
 * The helper is dead, and all that it has said is there to be heard. A word of the process itself
 * may be before it; and who has CAP_SYS_PTRACE in a container without a user namespace may speak
 * for the process: only a child of ours is believed to be it.
 */
static int exec_fork_adopt(struct birth *birth, const struct birth_events *events,
			   struct error *err)
{
	int r = birth_await_ready(birth, events, err);

	/* Failed, it is to be reaped all the same. */
	if (r < 0)
		exec_fork_hear_rest(birth);
	birth->pidfd = birth->ready > 0 && birth->ready <= INT_MAX
			       ? sys_pidfd_open((pid_t)birth->ready, 0)
			       : -ESRCH;
	if (birth->pidfd >= 0 && !process_is_child(birth->pidfd))
		birth->pidfd = fd_close(birth->pidfd);
	if (birth->pidfd >= 0)
		birth->pid = (pid_t)birth->ready;
	else if (r == 0)
		r = error_set(err, EPROTO, "the container's process is not who it says");
	if (r < 0)
		exec_fork_undo(birth);
	return r;
}

int exec_fork(struct exec_fork *fork, const struct birth_events *events, struct error *err)
{
	struct birth *birth = fork->birth;
	auto_close int channel = -EBADF;
	struct exec_fork_child child = {
		.fork = fork,
		.init =
			{
				.role = INIT_ASIDE,
				.plan = birth->plan,
				.cgroup = fork->cgroup,
				.gate = -EBADF,
				.console_socket = birth->console_socket,
				.streams = HOOKS_STREAMS_INIT,
				.host_root = -EBADF,
				.procfs = birth->procfs,
				.sources = {.channel = -EBADF},
				.root = -EBADF,
				.null = -EBADF,
				.slave = -EBADF,
			},
	};
	struct namespaces_entry entry = {
		.pidfd = fork->init->pidfd,
		.types = birth->plan->namespaces.private,
		.root = fork->root,
		.rootfs = fork->rootfs.st_ino ? &fork->rootfs : NULL,
		.idle_close = fork->idle_close,
		.interrupt = fork->interrupt->fd,
		.prepare = exec_fork_prepare,
		.settle = exec_fork_settle,
		.tell = exec_fork_tell,
		.data = &child,
	};
	int ends[2], r;

	r = channel_open(ends);
	if (r < 0)
		return error_errno(err, -r, "make a channel to the process");
	birth->channel = ends[0];
	child.init.channel = channel = ends[1];
	r = exec_fork_into(fork, &entry, err);
	if (r == 0)
		init_main(&child.init);
	if (r < 0 && entry.refused)
		(void)cgroup_explain_clone(fork->cgroup, -r, err);
	/* Or its end would not be heard of. */
	channel = fd_close(channel);
	if (r == -EINTR && interrupt_check(fork->interrupt, err) < 0)
		return -err->number;
	if (r < 0)
		return exec_fork_failed(birth, err);
	return exec_fork_adopt(birth, events, err);
}
