/* SPDX-License-Identifier: Apache-2.0 */
/* For targets that read packets with descriptors. */
#ifndef FUZZ_PACKET_H
#define FUZZ_PACKET_H

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define PACKET_DESCRIPTORS_MAX 4

/* One packet of these bytes, and standard input as often as `count` says. */
static inline void packet_send(int socket, const uint8_t *data, size_t size, size_t count)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(PACKET_DESCRIPTORS_MAX * sizeof(int))];
	} control;
	struct iovec iov = {(void *)(uintptr_t)data, size};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};

	memset(&control, 0, sizeof(control));
	if (count > 0) {
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
	}
	(void)sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Which of the lowest descriptors are open. */
static inline uint64_t packet_descriptors(void)
{
	uint64_t open = 0;

	for (int fd = 0; fd < 64; fd++)
		open |= (uint64_t)(fcntl(fd, F_GETFD) >= 0) << fd;
	return open;
}

#endif
