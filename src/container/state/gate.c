/* SPDX-License-Identifier: Apache-2.0 */
#include "container/state/gate.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "container/sync.h"
#include "kernel/channel.h"
#include "kernel/process.h"

/* A state directory can be deeper than the 108 bytes of sun_path: it is reached by descriptor. */
static void gate_path(const struct store_entry *entry, char *path, size_t size)
{
	(void)snprintf(path, size, "/proc/self/fd/%d/" STORE_GATE, entry->fd);
}

int gate_listen(const struct store_entry *entry, int *ret_fd, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	auto_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	gate_path(entry, address.sun_path, sizeof(address.sun_path));
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 8) < 0)
		return error_errno(err, errno, "make the start gate of container %s", entry->id);
	*ret_fd = fd_take(&fd);
	return 0;
}

int gate_wait(int gate, int *ret_connection, struct error *err)
{
	for (;;) {
		auto_close int connection = accept4(gate, NULL, NULL, SOCK_CLOEXEC);
		struct channel_message message;

		if (connection < 0) {
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			return error_errno(err, errno, "wait at the start gate");
		}
		/* A prober connects and leaves; only who says the word within its time starts us.
		 */
		if (channel_recv(connection, -1, process_now() + SYNC_TIMEOUT, &message, NULL) <
			    0 ||
		    message.word != SYNC_START)
			continue;
		*ret_connection = fd_take(&connection);
		return 0;
	}
}

int gate_connect(const struct store_entry *entry, int *ret_connection)
{
	char path[64];
	int fd;

	gate_path(entry, path, sizeof(path));
	fd = channel_connect(path, SOCK_SEQPACKET);
	if (fd < 0)
		return fd;
	*ret_connection = fd;
	return 0;
}

static int gate_probe(const struct store_entry *entry)
{
	auto_close int connection = -EBADF;
	char path[64];

	/* No wait for a place in the backlog: that there is one is the answer. */
	gate_path(entry, path, sizeof(path));
	connection = channel_connect(path, SOCK_SEQPACKET | SOCK_NONBLOCK);
	return connection < 0 ? connection : 0;
}

bool gate_is_closed(const struct store_entry *entry)
{
	return gate_probe(entry) == -ECONNREFUSED;
}

bool gate_is_open(const struct store_entry *entry)
{
	int r = gate_probe(entry);

	return r == 0 || r == -EAGAIN;
}
