/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request is one packet: a fixed head, then the path with its NUL, then the lines of the maps. An
 * answer is a struct channel_message with the clone or with the error. Only init speaks to the
 * helper, before it runs anything of the container's; all the same the helper takes no packet on
 * trust, since it acts with the host's privileges.
 *
 * The helper cannot outlive what it is for: it exits at the end of the channel, watches init's
 * pidfd, and the kernel kills it with the runtime.
 */
#include "isolate/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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
#include "kernel/channel.h"
#include "kernel/mountfd.h"
#include "kernel/nsfs.h"
#include "kernel/process.h"
#include "kernel/procfs.h"
#include "kernel/syscalls.h"

/* A source on a network filesystem or below an automount may take its time. */
#define SOURCES_ANSWER_MS 60000
#define SOURCES_ANSWER	  1
#define SOURCES_LINES_MAX 680 /* 340 of each of the two maps */

enum sources_flags {
	SOURCES_RECURSIVE = 1 << 0,
	SOURCES_NOFOLLOW = 1 << 1,
	SOURCES_IDMAP = 1 << 2,
	SOURCES_IDMAP_CONTAINER = 1 << 3,
	SOURCES_IDMAP_RECURSIVE = 1 << 4,
};
#define SOURCES_FLAGS_ALL 0x1fU

struct sources_packet {
	uint32_t flags;
	uint32_t path_size; /* with its NUL */
	uint32_t uid_count, gid_count;
	uint64_t device;
	/* The path, then the lines; the lines are copied, so they need no alignment. */
	unsigned char tail[PATH_MAX + SOURCES_LINES_MAX * sizeof(struct oci_id_mapping)];
};
#define SOURCES_HEAD offsetof(struct sources_packet, tail)

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

static size_t sources_encode_lines(struct sources_packet *packet, size_t at,
				   const struct oci_id_mappings *map)
{
	size_t size = map->count * sizeof(*map->items);

	if (size > 0)
		memcpy(packet->tail + at, map->items, size);
	return at + size;
}

/* Gives the size of the packet, or a negative errno. */
static ssize_t sources_encode(const struct sources_request *request, struct sources_packet *packet)
{
	size_t path_size = strlen(request->path) + 1, at = path_size;

	if (path_size > PATH_MAX)
		return -ENAMETOOLONG;
	*packet = (struct sources_packet){
		.flags = (request->recursive ? SOURCES_RECURSIVE : 0) |
			 (request->nofollow ? SOURCES_NOFOLLOW : 0) |
			 (request->idmap ? SOURCES_IDMAP : 0) |
			 (request->idmap_container ? SOURCES_IDMAP_CONTAINER : 0) |
			 (request->idmap_recursive ? SOURCES_IDMAP_RECURSIVE : 0),
		.path_size = (uint32_t)path_size,
		.device = request->device,
	};
	memcpy(packet->tail, request->path, path_size);
	if (request->idmap) {
		if (request->idmap->uids.count + request->idmap->gids.count > SOURCES_LINES_MAX)
			return -E2BIG;
		packet->uid_count = (uint32_t)request->idmap->uids.count;
		packet->gid_count = (uint32_t)request->idmap->gids.count;
		at = sources_encode_lines(packet, at, &request->idmap->uids);
		at = sources_encode_lines(packet, at, &request->idmap->gids);
	}
	return (ssize_t)(SOURCES_HEAD + at);
}

/* The packet, with the container's user namespace when the helper will need it. */
static int sources_send(int channel, const struct sources_packet *packet, size_t size, int user)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)packet, .iov_len = size};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (user >= 0) {
		header.msg_control = &control;
		header.msg_controllen = sizeof(control);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &user, sizeof(user));
	}
	do
		n = sendmsg(channel, &header, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static int sources_clone_remote(int channel, const struct sources_request *request, int *ret_fd,
				struct error *err)
{
	struct channel_message answer = {0};
	struct sources_packet packet;
	auto_close int user = -EBADF, fd = -EBADF;
	ssize_t size = sources_encode(request, &packet);
	int r;

	if (size < 0)
		return error_errno(err, (int)-size, "clone mount of %s", request->path);
	if (request->idmap_container) {
		r = sources_open_own_user(&user, err);
		if (r < 0)
			return r;
	}
	r = sources_send(channel, &packet, (size_t)size, user);
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

/* A request as it came in, with what it refers to. */
struct sources_order {
	struct sources_packet packet;
	size_t size;
	struct oci_id_mapping lines[SOURCES_LINES_MAX];
	struct idmap_plan idmap;
	struct sources_request request;
	int user; /* the descriptor that came with it */
};

/* Returns 0, -EPIPE when init is gone, or another negative errno. */
static int sources_receive(int channel, int init_pidfd, struct sources_order *order)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = &order->packet, .iov_len = sizeof(order->packet)};
	struct msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	ssize_t n;
	int r;

	r = process_wait_readable(channel, init_pidfd, PROCESS_NO_DEADLINE);
	if (r < 0 || r == PROCESS_DEAD)
		return r < 0 ? r : -EPIPE;
	do
		n = recvmsg(channel, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : -EPIPE;
	cmsg = CMSG_FIRSTHDR(&header);
	if (cmsg && cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS &&
	    cmsg->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&order->user, CMSG_DATA(cmsg), sizeof(order->user));
	order->size = (size_t)n;
	return header.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? -EBADMSG : 0;
}

/* The packet into a request, or -EBADMSG. */
static int sources_decode(struct sources_order *order)
{
	const struct sources_packet *packet = &order->packet;
	size_t lines, rest;

	if (order->size < SOURCES_HEAD || (packet->flags & ~SOURCES_FLAGS_ALL))
		return -EBADMSG;
	rest = order->size - SOURCES_HEAD;
	if (packet->path_size < 2 || packet->path_size > PATH_MAX || packet->path_size > rest)
		return -EBADMSG;
	if (packet->tail[0] != '/' ||
	    strnlen((const char *)packet->tail, packet->path_size) != packet->path_size - 1)
		return -EBADMSG;
	if (packet->uid_count > SOURCES_LINES_MAX || packet->gid_count > SOURCES_LINES_MAX)
		return -EBADMSG;
	lines = (size_t)packet->uid_count + packet->gid_count;
	rest -= packet->path_size;
	if (lines > SOURCES_LINES_MAX || rest != lines * sizeof(order->lines[0]))
		return -EBADMSG;
	if (lines > 0)
		memcpy(order->lines, packet->tail + packet->path_size, rest);
	order->idmap = (struct idmap_plan){
		.uids = {order->lines, packet->uid_count},
		.gids = {order->lines + packet->uid_count, packet->gid_count},
	};
	order->request = (struct sources_request){
		.path = (const char *)packet->tail,
		.recursive = packet->flags & SOURCES_RECURSIVE,
		.nofollow = packet->flags & SOURCES_NOFOLLOW,
		.device = packet->device,
		.idmap = packet->flags & SOURCES_IDMAP ? &order->idmap : NULL,
		.idmap_container = packet->flags & SOURCES_IDMAP_CONTAINER,
		.idmap_recursive = packet->flags & SOURCES_IDMAP_RECURSIVE,
	};
	return order->request.idmap_container && nsfs_type(order->user) != CLONE_NEWUSER ? -EBADMSG
											 : 0;
}

/* One request and its answer. */
static int sources_answer(int channel, int init_pidfd, int procfs)
{
	struct channel_message answer = {.word = SOURCES_ANSWER};
	struct sources_order order;
	auto_close int fd = -EBADF, user = -EBADF;
	int r;

	order.user = -EBADF;
	r = sources_receive(channel, init_pidfd, &order);
	user = order.user;
	if (r < 0)
		return r;
	r = sources_decode(&order);
	if (r < 0)
		return r;
	r = sources_clone_here(&order.request, procfs, order.user, &fd, &answer.error);
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
			(void)close_range(first, (unsigned int)kept[i] - 1, 0);
		first = (unsigned int)kept[i] + 1;
	}
	(void)close_range(first, ~0U, 0);
}

static int sources_enter(int init_pidfd)
{
	/* Root and cwd become those of the other mount namespace: setns(2). */
	if (setns(init_pidfd, CLONE_NEWNS) == 0)
		return 0;
	/* The unprivileged have CAP_SYS_CHROOT only inside; what is gained: see the header. */
	return setns(init_pidfd, CLONE_NEWUSER | CLONE_NEWNS) < 0 ? -errno : 0;
}

static void __attribute__((noreturn))
sources_helper(int init_pidfd, int channel, int procfs, pid_t runtime)
{
	struct channel_message refusal = {.word = SOURCES_ANSWER};
	int r;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != runtime)
		_exit(1);
	sources_close_others(init_pidfd, channel, procfs);
	r = sources_enter(init_pidfd);
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

int sources_serve(int init_pidfd, int channel, int *ret_pidfd, struct error *err)
{
	auto_close int procfs = -EBADF;
	pid_t pid, runtime = getpid();
	int r;

	/* While the mount namespace is still the host's own. */
	r = procfs_open(&procfs, err);
	if (r < 0)
		return r;
	pid = process_fork(CLONE_CLEAR_SIGHAND, -1, ret_pidfd);
	if (pid < 0)
		return error_errno(err, -pid, "make the helper for bind sources");
	if (pid == 0)
		sources_helper(init_pidfd, channel, procfs, runtime);
	return 0;
}
