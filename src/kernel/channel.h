/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line between two of our processes: a pair of AF_UNIX SOCK_SEQPACKET sockets.
 *
 * One message is one packet of a fixed size: a word, a number, an error when there is one, and
 * possibly one descriptor. No wait is unbounded: the peer's pidfd is watched, and there is a
 * deadline. When the peer dies or closes its end, recv gives -EPIPE.
 */
#ifndef KERNEL_CHANNEL_H
#define KERNEL_CHANNEL_H

#include <stdint.h>
#include <sys/socket.h>

#include "base/error.h"

struct channel_message {
	uint32_t word;	/* what it means is the callers' (container/sync.h); never 0 */
	uint32_t phase; /* where the sender was (container/sync.h) */
	int64_t value;
	struct error error; /* .number == 0: none */
};

/* Makes both ends, close-on-exec. Returns 0 or a negative errno. */
int channel_open(int ret_ends[2]);

/*
 * Sends one message, with a descriptor when `fd` >= 0. Never raises SIGPIPE
 * and never waits. -EPIPE when the peer is gone, -EAGAIN when it has left some ninety messages
 * unread.
 */
int channel_send(int channel, const struct channel_message *message, int fd);

/*
 * Receives one. `pidfd` (or -1) is the peer's. Gives 0, -EPIPE when the peer closed or died before
 * it sent, -ETIMEDOUT, -EBADMSG for a packet that is none of ours. A descriptor that came along
 * goes to *ret_fd (-EBADF when none did); with ret_fd NULL it is closed, as is any further one.
 */
int channel_recv(int channel, int pidfd, int64_t deadline, struct channel_message *ret_message,
		 int *ret_fd);

/*
 * No more will be sent: the peer's channel_recv() gives -EPIPE, while what it has to say can still
 * be received.
 */
void channel_end(int channel);

/* The first descriptor that came with a message, owned, or -EBADF; what else came is closed. */
int channel_take_fd(struct msghdr *header);

/* Sends one descriptor with `text` as payload over any AF_UNIX socket, in exactly one message with
 * exactly one control message, as console and pidfd sockets want it. Returns 0 or a negative errno;
 * -EINVAL for an empty text, with which a stream socket would deliver nothing. */
int channel_send_fd(int socket, int fd, const char *text);

/* Connects a SOCK_STREAM or SOCK_SEQPACKET socket to a path of any length, relative to the cwd.
 * Gives an owned descriptor or a negative errno. Waits for at most ten
 * seconds while the backlog is full, then -EAGAIN; the same goes for what is sent over it. */
int channel_connect(const char *path, int type);

#endif
