/* SPDX-License-Identifier: Apache-2.0 */
#include "container/hotplug-inside.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "container/join.h"
#include "isolate/namespaces.h"
#include "isolate/sources/sources.h"
#include "kernel/channel.h"
#include "kernel/mountfd.h"
#include "kernel/nsfs.h"
#include "kernel/process.h"
#include "kernel/procfs.h"
#include "kernel/program.h"
#include "kernel/resolve.h"
#include "kernel/syscalls.h"

/* A source on a network filesystem may take its time; a container may stall us on purpose. */
#define HOTPLUG_TIMEOUT 60000
/* How long the copy waits for both. */
#define HOTPLUG_COPY_MS 180000
#define HOTPLUG_KILL_MS 10000

enum hotplug_word {
	HOTPLUG_READY = 1, /* the copy is made */
	HOTPLUG_ONE,	   /* .value: the id of a mount attached, or 0 */
	HOTPLUG_DONE,	   /* .error when it failed */
	HOTPLUG_KEEP,	   /* from the runtime */
};

/* What a mount is known by, as the kernel at hand can tell. 0: it cannot. */
static hotplug_id hotplug_id_of(int fd)
{
	hotplug_id id;

	return mountfd_identify(fd, &id) == 0 ? id : 0;
}

/* Our own descriptors by number, in the host's procfs: a name that no container can change. */
static int hotplug_open_own(const struct hotplug_place *place, struct error *err)
{
	int fd = procfs_openat(place->procfs, "self/fd", O_PATH | O_DIRECTORY);

	return fd < 0 ? error_errno(err, -fd, "open the process's own descriptors") : fd;
}

/* Exactly the mount behind `fd`: by a magic link, so that no path is walked. */
static int hotplug_unmount(int own, int fd)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "%d", fd);
	if (fchdir(own) < 0)
		return -errno;
	return sys_umount2(name, MNT_DETACH);
}

/* ---- the copy ---- */

static int hotplug_make_copy(const struct hotplug_place *place, struct error *err)
{
	struct mount_attr private = {.propagation = MS_PRIVATE};
	int r;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (place->types & CLONE_NEWUSER && setns(place->pidfd, CLONE_NEWUSER) < 0)
		return error_errno(err, errno, "enter the container's user namespace");
	if (unshare(CLONE_NEWNS) < 0)
		return error_errno(err, errno, "copy the mount namespace");
	r = sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &private);
	if (r == -EINVAL) {
		error_set(err, EINVAL, "the runtime's own root directory is not a mount point");
		return error_hint(err, "a runtime cannot work in a chroot");
	}
	return r < 0 ? error_errno(err, -r, "make a copy of the mounts private") : 0;
}

/* Its namespace goes along: nobody may look into this process but with CAP_SYS_PTRACE. */
static void __attribute__((noreturn)) hotplug_copy(const struct hotplug_place *place, int channel)
{
	struct channel_message message = {.word = HOTPLUG_READY};
	int mounts = -EBADF;

	(void)prctl(PR_SET_DUMPABLE, 0);
	if (hotplug_make_copy(place, &message.error) == 0) {
		mounts = nsfs_open(place->procfs, "self/ns", "mnt", CLONE_NEWNS);
		if (mounts < 0)
			error_errno(&message.error, -mounts, "open the copy of the mounts");
	}
	/* Until the runtime has no more use for it, or is gone; unless it was not even heard. */
	if (channel_send(channel, &message, mounts) == 0)
		(void)channel_recv(channel, -1, process_now() + HOTPLUG_COPY_MS, &message, NULL);
	_exit(0);
}

/* Into the container, for a process of its own; place->root is the container's root then, whatever
 * init has made its own since. */
static int hotplug_enter(const struct hotplug_place *place, struct error *err)
{
	auto_close int root = -EBADF;
	int r = join_enter(place->pidfd, place->types, err);

	if (r < 0 || !namespaces_lead_to(&place->rootfs))
		return r;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || dup3(root, place->root, O_CLOEXEC) < 0)
		return error_errno(err, errno, "open the container's root");
	return 0;
}

/* ---- the worker, attaching ---- */

struct hotplug_worker {
	const struct hotplug_place *place;
	const struct mounts_plan *plan;
	int channel; /* to the runtime */
	int sources; /* to the helper */
	int own;
	int *attached; /* descriptors of the mounts, as many as `count` */
	size_t count;
};

static void hotplug_attached(int mount, void *data)
{
	struct hotplug_worker *worker = data;

	worker->attached[worker->count++] = fcntl(mount, F_DUPFD_CLOEXEC, 3);
}

static int hotplug_attach_all(struct hotplug_worker *worker, struct error *err)
{
	struct mounts_context context = {
		.root = worker->place->root,
		.sources = {.channel = worker->sources},
		.attached = hotplug_attached,
		.attached_data = worker,
	};
	int r;

	/* As often as a mount may be: one for each step. */
	worker->attached = calloc(worker->plan->count + 1, sizeof(*worker->attached));
	if (!worker->attached)
		return error_errno(err, ENOMEM, "mounts");
	worker->own = hotplug_open_own(worker->place, err);
	if (worker->own < 0)
		return worker->own;
	r = hotplug_enter(worker->place, err);
	for (size_t i = 0; r == 0 && i < worker->plan->count; i++) {
		struct mounts_plan one = *worker->plan;
		struct channel_message message = {.word = HOTPLUG_ONE};
		size_t before = worker->count;

		one.steps = &worker->plan->steps[i];
		one.count = 1;
		r = mounts_apply(&one, &context, err);
		if (r == 0 && worker->count > before)
			message.value = (int64_t)hotplug_id_of(worker->attached[before]);
		if (r == 0 && channel_send(worker->channel, &message, -1) < 0)
			r = error_errno(err, EPIPE, "tell the runtime");
	}
	return r;
}

static void hotplug_take_back(const struct hotplug_worker *worker)
{
	for (size_t i = worker->count; i > 0; i--)
		(void)hotplug_unmount(worker->own, worker->attached[i - 1]);
}

static void __attribute__((noreturn)) hotplug_work(struct hotplug_worker *worker)
{
	struct channel_message message = {.word = HOTPLUG_DONE}, answer = {0};
	int r;

	(void)prctl(PR_SET_DUMPABLE, 0);
	r = hotplug_attach_all(worker, &message.error);
	if (channel_send(worker->channel, &message, -1) < 0)
		r = -EPIPE;
	if (r == 0)
		r = channel_recv(worker->channel, -1, process_now() + HOTPLUG_TIMEOUT, &answer,
				 NULL);
	if (r < 0 || answer.word != HOTPLUG_KEEP)
		hotplug_take_back(worker);
	_exit(0);
}

/* ---- the runtime's side ---- */

static int hotplug_channel(int *ret_ours, int *ret_theirs, struct error *err)
{
	int ends[2], r = channel_open(ends);

	if (r < 0)
		return error_errno(err, -r, "make a channel");
	*ret_ours = ends[0];
	*ret_theirs = ends[1];
	return 0;
}

/* A process with a line to the runtime: both sides get their own end of it, and a pid, 0 in the
 * process itself. */
static pid_t hotplug_fork(int *ret_channel, int *ret_pidfd, struct error *err)
{
	auto_close int ours = -EBADF, theirs = -EBADF;
	int r = hotplug_channel(&ours, &theirs, err);
	pid_t pid;

	if (r < 0)
		return r;
	pid = process_fork(CLONE_CLEAR_SIGHAND, -1, ret_pidfd);
	if (pid < 0)
		return error_errno(err, -pid, "start a process for the mounts");
	*ret_channel = pid == 0 ? fd_take(&theirs) : fd_take(&ours);
	return pid;
}

struct hotplug_copy {
	int pidfd, channel;
	int mounts; /* its mount namespace */
};

static int hotplug_start_copy(const struct hotplug_place *place, struct hotplug_copy *ret_copy,
			      struct error *err)
{
	auto_close int channel = -EBADF, mounts = -EBADF;
	struct channel_message message;
	int pidfd = -EBADF, status, r;
	pid_t pid = hotplug_fork(&channel, &pidfd, err);

	if (pid < 0)
		return pid;
	if (pid == 0)
		hotplug_copy(place, channel);
	r = channel_recv(channel, pidfd, process_now() + HOTPLUG_TIMEOUT, &message, &mounts);
	if (r < 0)
		error_errno(err, -r, "wait for a copy of the mounts");
	else if (message.error.number != 0)
		*err = message.error;
	if (r < 0 || message.error.number != 0) {
		(void)program_end(&pidfd, 0, &status);
		return -err->number;
	}
	ret_copy->pidfd = pidfd;
	ret_copy->channel = fd_take(&channel);
	ret_copy->mounts = fd_take(&mounts);
	return 0;
}

/* Hears the worker out, and lets what it did stay when `record` agrees. */
static int hotplug_hear(const struct hotplug_add *add, int channel, int pidfd, struct error *err)
{
	struct channel_message message, keep = {.word = HOTPLUG_KEEP};
	auto_free hotplug_id *ids = calloc(add->plan->count + 1, sizeof(*ids));
	int64_t deadline = process_now() + HOTPLUG_TIMEOUT;
	size_t count = 0;
	int r;

	if (!ids)
		return error_errno(err, ENOMEM, "mounts");
	for (;;) {
		r = channel_recv(channel, pidfd, deadline, &message, NULL);
		if (r < 0)
			return error_errno(err, -r, "mount in the container");
		if (message.word != HOTPLUG_ONE)
			break;
		if (count < add->plan->count)
			ids[count++] = (hotplug_id)message.value;
	}
	if (message.error.number != 0) {
		*err = message.error;
		return -err->number;
	}
	r = add->record(ids, add->data, err);
	if (r < 0)
		return r;
	r = channel_send(channel, &keep, -1);
	return r < 0 ? error_errno(err, -r, "leave the mounts in the container") : 0;
}

static int hotplug_run_worker(const struct hotplug_add *add, int sources, struct error *err)
{
	struct hotplug_worker worker = {
		.place = add->place, .plan = add->plan, .sources = sources, .own = -EBADF};
	auto_close int channel = -EBADF;
	int pidfd = -EBADF, status, r;
	pid_t pid = hotplug_fork(&channel, &pidfd, err);

	if (pid < 0)
		return pid;
	if (pid == 0) {
		worker.channel = channel;
		hotplug_work(&worker);
	}
	r = hotplug_hear(add, channel, pidfd, err);
	/* Without the word it takes everything back; that must not be cut short. */
	channel = fd_close(channel);
	(void)program_end(&pidfd, HOTPLUG_KILL_MS, &status);
	return r;
}

int hotplug_attach(const struct hotplug_add *add, struct error *err)
{
	auto_close int ours = -EBADF, theirs = -EBADF;
	struct hotplug_copy copy = {.pidfd = -EBADF, .channel = -EBADF, .mounts = -EBADF};
	int helper = -EBADF, status, r;

	r = hotplug_start_copy(add->place, &copy, err);
	if (r < 0)
		return r;
	r = hotplug_channel(&ours, &theirs, err);
	if (r == 0)
		r = sources_serve(copy.pidfd, copy.mounts, theirs, &helper, err);
	if (r == 0) {
		theirs = fd_close(theirs);
		r = hotplug_run_worker(add, ours, err);
	}
	ours = fd_close(ours);
	if (helper >= 0)
		(void)program_end(&helper, HOTPLUG_KILL_MS, &status);
	fd_close(copy.mounts);
	fd_close(copy.channel);
	(void)program_end(&copy.pidfd, HOTPLUG_KILL_MS, &status);
	return r;
}

/* ---- detaching ---- */

static int hotplug_find(const struct hotplug_place *place, const struct hotplug_victim *victim,
			struct error *err)
{
	auto_close int fd = resolve_open(place->root, victim->destination, O_PATH);

	if (fd < 0)
		return error_errno(err, -fd, "open %s in the container", victim->destination);
	if (victim->id == 0 || hotplug_id_of(fd) != victim->id) {
		error_set(err, EINVAL, "what was added at %s is not on top there any more",
			  victim->destination);
		return error_hint(err, "the container has unmounted it, or mounted over it");
	}
	return fd_take(&fd);
}

/* Whether an earlier one of the list lies on top of it. */
static bool hotplug_is_covered(const struct hotplug_victim *victims, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(victims[i].destination, victims[index].destination) == 0)
			return true;
	return false;
}

static int hotplug_look(const struct hotplug_place *place, const struct hotplug_victim *victims,
			size_t count, int *fds, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		fds[i] = -EBADF;
		if (hotplug_is_covered(victims, i))
			continue;
		fds[i] = hotplug_find(place, &victims[i], err);
		if (fds[i] < 0)
			return error_at(err, "mounts[%zu]", i);
	}
	return 0;
}

static int hotplug_detach_all(const struct hotplug_place *place,
			      const struct hotplug_victim *victims, size_t count, int channel,
			      struct error *err)
{
	struct channel_message message = {.word = HOTPLUG_ONE};
	auto_free int *fds = calloc(count + 1, sizeof(*fds));
	auto_close int own = hotplug_open_own(place, err);
	int r = own < 0 ? own : hotplug_enter(place, err);

	if (!fds)
		return error_errno(err, ENOMEM, "mounts");
	if (r == 0)
		r = hotplug_look(place, victims, count, fds, err);
	for (size_t i = 0; r == 0 && i < count; i++) {
		if (fds[i] < 0)
			fds[i] = hotplug_find(place, &victims[i], err);
		if (fds[i] < 0)
			return error_at(err, "mounts[%zu]", i);
		r = hotplug_unmount(own, fds[i]);
		if (r < 0) {
			error_errno(err, -r, "unmount %s", victims[i].destination);
			return error_at(err, "mounts[%zu]", i);
		}
		(void)channel_send(channel, &message, -1);
	}
	return r;
}

int hotplug_detach(const struct hotplug_place *place, const struct hotplug_victim *victims,
		   size_t count, size_t *ret_count, struct error *err)
{
	auto_close int channel = -EBADF;
	struct channel_message message = {.word = HOTPLUG_DONE};
	int64_t deadline = process_now() + HOTPLUG_TIMEOUT;
	int pidfd = -EBADF, status, r;
	pid_t pid = hotplug_fork(&channel, &pidfd, err);

	*ret_count = 0;
	if (pid < 0)
		return pid;
	if (pid == 0) {
		(void)prctl(PR_SET_DUMPABLE, 0);
		(void)hotplug_detach_all(place, victims, count, channel, &message.error);
		(void)channel_send(channel, &message, -1);
		_exit(0);
	}
	do {
		r = channel_recv(channel, pidfd, deadline, &message, NULL);
		*ret_count += r == 0 && message.word == HOTPLUG_ONE;
	} while (r == 0 && message.word == HOTPLUG_ONE);
	if (r < 0)
		error_errno(err, -r, "unmount in the container");
	else if (message.error.number != 0)
		*err = message.error;
	(void)program_end(&pidfd, r < 0 ? 0 : HOTPLUG_KILL_MS, &status);
	return r < 0 || message.error.number != 0 ? -err->number : 0;
}
