/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer is a struct channel_message with the clone or with the error. Only init speaks to the
 * helper, before it runs anything of the container's; all the same the helper takes no packet on
 * trust (sources/wire.h), since it acts with the host's privileges.
 *
 * The helper cannot outlive what it is for: it exits at the end of the channel, watches init's
 * pidfd, and the kernel kills it with the runtime.
 */
#include "isolate/sources/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "isolate/sources/wire.h"
#include "kernel/channel.h"
#include "kernel/mountfd.h"
#include "kernel/nsfs.h"
#include "kernel/process.h"
#include "kernel/procfs.h"
#include "kernel/syscalls.h"

/* A source on a network filesystem or below an automount may take its time. */
#define SOURCES_ANSWER_MS 60000
#define SOURCES_ANSWER	  1
/*
 * Cloning, by init itself or by the helper.
 */

static int sources_open_device(const struct sources_request *request, int *ret_fd,
			       struct error *err)
{
	auto_close int fd =
		open(request->path, O_PATH | O_CLOEXEC | (request->nofollow ? O_NOFOLLOW : 0));
	struct stat st;

	if (fd < 0)
		return error_errno(err, errno, "open %s", request->path);
	if (fstat(fd, &st) < 0)
		return error_errno(err, errno, "stat %s", request->path);
	if (!S_ISCHR(st.st_mode) || st.st_rdev != request->device)
		return error_set(err, ENODEV, "%s is not the character device %u:%u", request->path,
				 major(request->device), minor(request->device));
	*ret_fd = fd_take(&fd);
	return 0;
}

static int sources_clone_plain(const struct sources_request *request, int *ret_fd,
			       struct error *err)
{
	auto_close int device = -EBADF;
	int r;

	if (request->device != 0) {
		r = sources_open_device(request, &device, err);
		/* By descriptor: what was looked at is what is cloned. */
		if (r == 0)
			r = mountfd_clone(device, "", request->recursive, false, ret_fd, err);
		return r;
	}
	r = mountfd_clone(AT_FDCWD, request->path, request->recursive, request->nofollow, ret_fd,
			  err);
	/* has_locked_children() of the kernel: what is mounted over must stay hidden. */
	if (r == -EINVAL && !request->recursive)
		error_hint(err,
			   "in a user namespace a directory with mounts below it can be bound with "
			   "\"rbind\" only");
	return r;
}

static int sources_open_user(const struct sources_request *request, int procfs, int container,
			     int *ret_fd, struct error *err)
{
	if (!request->idmap_container)
		return idmap_open_namespace(request->idmap, procfs, ret_fd, err);
	*ret_fd = fcntl(container, F_DUPFD_CLOEXEC, 3);
	return *ret_fd < 0 ? error_errno(err, errno, "open the container's user namespace") : 0;
}

/* `container` is the container's user namespace; it and `procfs` only count for id-mapped clones.
 */
static int sources_clone_here(const struct sources_request *request, int procfs, int container,
			      int *ret_fd, struct error *err)
{
	struct mountfd_change change = {.set = MOUNT_ATTR_IDMAP};
	auto_close int fd = -EBADF, user = -EBADF;
	int r;

	r = sources_clone_plain(request, &fd, err);
	if (r < 0)
		return r;
	if (request->idmap || request->idmap_container) {
		r = sources_open_user(request, procfs, container, &user, err);
		if (r < 0)
			return r;
		change.userns = user;
		change.recursive = request->idmap_recursive;
		r = mountfd_change(fd, &change);
		if (r < 0)
			error_errno(err, -r, "map the ids of %s", request->path);
		if (r == -EINVAL)
			error_hint(err, "its filesystem, or one mounted below it, may not support "
					"id-mapped mounts");
		else if (r == -EPERM)
			error_hint(err, "only root of the filesystem's own user namespace may do "
					"that, and not on top of another map");
		if (r < 0)
			return r;
	}
	*ret_fd = fd_take(&fd);
	return 0;
}

static int sources_open_own_user(int *ret_fd, struct error *err)
{
	auto_close int fd = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, errno, "open /proc/self/ns/user");
	if (nsfs_type(fd) != CLONE_NEWUSER)
		return error_set(err, EINVAL, "/proc/self/ns/user is no user namespace");
	*ret_fd = fd_take(&fd);
	return 0;
}

static int sources_clone_local(const struct sources_request *request, int *ret_fd,
			       struct error *err)
{
	auto_close int procfs = -EBADF;
	int r;

	if (request->idmap_container)
		return error_set(err, EINVAL,
				 "the container has no user namespace to take id maps from");
	if (request->idmap) {
		r = procfs_open(&procfs, err);
		if (r < 0)
			return r;
	}
	return sources_clone_here(request, procfs, -EBADF, ret_fd, err);
}

/*
 * Init's side of the channel.
 */

static int sources_clone_remote(int channel, const struct sources_request *request, int *ret_fd,
				struct error *err)
{
	struct channel_message answer = {0};
	auto_close int user = -EBADF, fd = -EBADF;
	int r;

	if (request->idmap_container) {
		r = sources_open_own_user(&user, err);
		if (r < 0)
			return r;
	}
	r = sources_wire_send(channel, request, user);
	if (r == 0)
		r = channel_recv(channel, -1, process_now() + SOURCES_ANSWER_MS, &answer, &fd);
	else if (r == -EPIPE && channel_recv(channel, -1, process_now(), &answer, &fd) == 0)
		r = 0; /* a helper that is gone may have left word why */
	if (r < 0)
		return error_errno(err, -r, "ask the runtime's helper for a mount of %s",
				   request->path);
	if (answer.error.number != 0) {
		*err = answer.error;
		return -err->number;
	}
	if (fd < 0)
		return error_set(err, EBADMSG, "the runtime's helper sent no mount of %s",
				 request->path);
	*ret_fd = fd_take(&fd);
	return 0;
}

int sources_clone(const struct sources *sources, const struct sources_request *request, int *ret_fd,
		  struct error *err)
{
	if (sources->channel >= 0)
		return sources_clone_remote(sources->channel, request, ret_fd, err);
	return sources_clone_local(request, ret_fd, err);
}

/*
 * The helper.
 */

/* One request and its answer. */
static int sources_answer(int channel, int init_pidfd, int procfs)
{
	struct channel_message answer = {.word = SOURCES_ANSWER};
	struct sources_order order;
	auto_close int fd = -EBADF, user = -EBADF;
	int r;

	r = process_wait_readable(channel, init_pidfd, PROCESS_NO_DEADLINE);
	if (r < 0 || r == PROCESS_DEAD)
		return r < 0 ? r : -EPIPE;
	r = sources_wire_receive(channel, &order);
	if (r < 0)
		return r;
	user = order.user;
	if (order.request.idmap_container && nsfs_type(user) != CLONE_NEWUSER)
		return -EBADMSG;
	r = sources_clone_here(&order.request, procfs, user, &fd, &answer.error);
	return channel_send(channel, &answer, r < 0 ? -1 : fd);
}

/* Closes everything but these three. */
static void sources_close_others(int a, int b, int c)
{
	int kept[3] = {a, b, c};
	unsigned int first = 0;

	for (size_t i = 0; i < 3; i++) {
		size_t least = i;

		for (size_t j = i + 1; j < 3; j++)
			if (kept[j] < kept[least])
				least = j;
		a = kept[i];
		kept[i] = kept[least];
		kept[least] = a;
		if ((unsigned int)kept[i] > first)
			(void)fd_close_range(first, (unsigned int)kept[i] - 1);
		first = (unsigned int)kept[i] + 1;
	}
	(void)fd_close_from(first);
}

static int sources_enter(int init_pidfd, int mounts)
{
	auto_close int user = -EBADF;

	/* Root and cwd become those of the other mount namespace: setns(2). */
	if (setns(init_pidfd, CLONE_NEWNS) == 0)
		return 0;
	/* The unprivileged have CAP_SYS_CHROOT only inside; what is gained: see the header. Others
	 * in that user namespace may not look at who sees the host's files. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return -errno;
	if (mounts < 0)
		return setns(init_pidfd, CLONE_NEWUSER | CLONE_NEWNS) < 0 ? -errno : 0;
	user = nsfs_open_owner(mounts);
	if (user < 0)
		return user;
	return setns(user, CLONE_NEWUSER) < 0 || setns(mounts, CLONE_NEWNS) < 0 ? -errno : 0;
}

/* Closing what it has of the runtime's pipe says that it has entered, or has tried to. */
static void __attribute__((noreturn))
sources_helper(int init_pidfd, int mounts, int channel, int procfs, pid_t runtime)
{
	struct channel_message refusal = {.word = SOURCES_ANSWER};
	int r;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != runtime)
		_exit(1);
	r = sources_enter(init_pidfd, mounts);
	sources_close_others(init_pidfd, channel, procfs);
	if (r < 0) {
		error_errno(&refusal.error, -r, "enter the mount namespace of init");
		(void)channel_send(channel, &refusal, -1);
		_exit(1);
	}
	/* Again: what changes credentials clears it (prctl(2)). */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != runtime)
		_exit(1);
	do
		r = sources_answer(channel, init_pidfd, procfs);
	while (r == 0);
	_exit(r == -EPIPE ? 0 : 1);
}

/*
 * To enter takes the right to look into init (ptrace(2)), and of a process that has changed its
 * user only CAP_SYS_PTRACE gives it: init is to become root of its namespace, who may be another
 * user than the caller. So without it nothing goes on before the helper is in.
 */
static int sources_await(int *entering, int entered, int pidfd, struct error *err)
{
	int r;

	*entering = fd_close(*entering);
	r = process_wait_readable(entered, pidfd, process_now() + SOURCES_ANSWER_MS);
	return r < 0 ? error_errno(err, -r, "wait for the helper for bind sources") : 0;
}

int sources_serve(int init_pidfd, int mounts, int channel, int *ret_pidfd, struct error *err)
{
	auto_close int procfs = -EBADF, entered = -EBADF, entering = -EBADF;
	pid_t pid, runtime = getpid();
	int r, ends[2];

	/* While the mount namespace is still the host's own. */
	r = procfs_open(&procfs, err);
	if (r < 0)
		return r;
	if (!process_is_capable(CAP_SYS_PTRACE)) {
		if (pipe2(ends, O_CLOEXEC) < 0)
			return error_errno(err, errno, "make the helper for bind sources");
		entered = ends[0];
		entering = ends[1];
	}
	pid = process_fork(CLONE_CLEAR_SIGHAND, -1, ret_pidfd);
	if (pid < 0)
		return error_errno(err, -pid, "make the helper for bind sources");
	if (pid == 0)
		sources_helper(init_pidfd, mounts, channel, procfs, runtime);
	return entered < 0 ? 0 : sources_await(&entering, entered, *ret_pidfd, err);
}
