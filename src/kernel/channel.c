/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/fd.h"
#include "kernel/process.h"

/* A listener that takes nobody off its backlog for so long is stuck. */
#define CHANNEL_CONNECT_SECONDS 10

int channel_open(int ret_ends[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_ends) < 0 ? -errno : 0;
}

/* Room for one descriptor, aligned as CMSG_* want it. */
union channel_control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static int channel_send_bytes(int socket, const struct iovec *data, int fd, int flags)
{
	union channel_control control;
	struct iovec iov = *data;
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (fd >= 0) {
		struct cmsghdr *cmsg = &control.header;

		memset(&control, 0, sizeof(control));
		header.msg_control = &control;
		header.msg_controllen = sizeof(control);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	do
		n = sendmsg(socket, &header, flags | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == data->iov_len ? 0 : -EIO;
}

int channel_send(int channel, const struct channel_message *message, int fd)
{
	struct iovec data = {(void *)(uintptr_t)message, sizeof(*message)};
	/* A peer that leaves so many messages unread is broken: it must not stop us as well. */
	int r = channel_send_bytes(channel, &data, fd, MSG_DONTWAIT);

	return r == -ECONNRESET || r == -ENOTCONN ? -EPIPE : r;
}

int channel_send_fd(int socket, int fd, const char *text)
{
	struct iovec data = {(void *)(uintptr_t)text, strlen(text)};

	/* A stream delivers no descriptor without at least one byte. */
	if (data.iov_len == 0)
		return -EINVAL;
	return channel_send_bytes(socket, &data, fd, 0);
}

/* The room for one is, by alignment, room for two on 64-bit machines. */
void channel_end(int channel)
{
	(void)shutdown(channel, SHUT_WR);
}

int channel_take_fd(struct msghdr *header)
{
	int first = -EBADF;

	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(header); cmsg; cmsg = CMSG_NXTHDR(header, cmsg)) {
		size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(fd), sizeof(fd));
			if (first < 0)
				first = fd;
			else
				(void)fd_close(fd);
		}
	}
	return first;
}

/* The peer may be in a container: its texts end where ours can, and its errno is one. */
static bool channel_make_safe(struct channel_message *message)
{
	struct error *error = &message->error;

	error->field[sizeof(error->field) - 1] = '\0';
	error->message[sizeof(error->message) - 1] = '\0';
	error->hint[sizeof(error->hint) - 1] = '\0';
	return message->word != 0 && error->number >= 0;
}

int channel_recv(int channel, int pidfd, int64_t deadline, struct channel_message *ret_message,
		 int *ret_fd)
{
	auto_close int fd = -EBADF;
	struct channel_message message;
	union channel_control control;
	struct iovec iov = {.iov_base = &message, .iov_len = sizeof(message)};
	struct msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;
	int reset = 0, r;

	r = process_wait_readable(channel, pidfd, deadline);
	if (r == PROCESS_DEAD)
		return -EPIPE;
	if (r < 0)
		return r;
	/* A peer that left without having read all from us is told of once, before its last words.
	 */
	do
		n = recvmsg(channel, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n < 0 && (errno == EINTR || (errno == ECONNRESET && !reset++)));
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	/* An empty packet looks like the end, and may bring descriptors all the same. */
	fd = channel_take_fd(&header);
	if (n == 0)
		return -EPIPE;
	if ((size_t)n != sizeof(message) || (header.msg_flags & MSG_TRUNC) != 0 ||
	    !channel_make_safe(&message))
		return -EBADMSG;
	*ret_message = message;
	if (ret_fd)
		*ret_fd = fd_take(&fd);
	return 0;
}

int channel_connect(const char *path, int type)
{
	auto_close int place = -EBADF;
	auto_close int fd = -EBADF;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	/* unix(7) waits this long for a place in the backlog, too. */
	struct timeval timeout = {.tv_sec = CHANNEL_CONNECT_SECONDS};

	/* sun_path holds 108 bytes; a path of any length is reached through its O_PATH descriptor.
	 */
	if (path[0] == '\0') {
		/* It would mean the abstract socket of 108 zeros. */
		return -ENOENT;
	} else if (strlen(path) < sizeof(address.sun_path)) {
		strcpy(address.sun_path, path);
	} else {
		place = open(path, O_PATH | O_CLOEXEC);
		if (place < 0)
			return -errno;
		(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d",
			       place);
	}
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
		return -errno;
	while (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		if (errno != EINTR)
			return -errno;
	return fd_take(&fd);
}
