/* SPDX-License-Identifier: Apache-2.0 */
/* Packets as a hostile container may send them: the first byte says how many descriptors come
 * along. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "kernel/channel.h"
#include "kernel/process.h"

#define DESCRIPTORS_MAX 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void send_packet(int socket, const uint8_t *data, size_t size, size_t count)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
	} control;
	struct iovec iov = {(void *)(uintptr_t)data, size};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
	int fds[DESCRIPTORS_MAX] = {0, 0, 0, 0};

	if (count > 0) {
		memset(&control, 0, sizeof(control));
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	}
	(void)sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Which of the lowest descriptors are open. */
static uint64_t open_descriptors(void)
{
	uint64_t open = 0;

	for (int fd = 0; fd < 64; fd++)
		open |= (uint64_t)(fcntl(fd, F_GETFD) >= 0) << fd;
	return open;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t before = open_descriptors();
	struct channel_message message;
	int ends[2], fd = -EBADF, r;

	if (size == 0)
		return 0;
	if (channel_open(ends) < 0)
		abort();
	send_packet(ends[0], data + 1, size - 1, data[0] % (DESCRIPTORS_MAX + 1));
	fd_close(ends[0]);
	r = channel_recv(ends[1], -1, process_now() + 1000, &message, data[0] & 0x80 ? &fd : NULL);
	if (r == 0 && (message.word == 0 || message.error.number < 0 ||
		       !memchr(message.error.message, 0, sizeof(message.error.message))))
		abort();
	if (r < 0 && fd != -EBADF)
		abort();
	fd_close(fd);
	fd_close(ends[1]);
	if (open_descriptors() != before)
		abort();
	return 0;
}
