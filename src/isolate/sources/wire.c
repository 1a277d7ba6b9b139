/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/sources/wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "kernel/channel.h"

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

int sources_wire_send(int channel, const struct sources_request *request, int user)
{
	struct sources_packet packet;
	ssize_t n, size = sources_encode(request, &packet);
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = &packet};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};

	if (size < 0)
		return (int)size;
	iov.iov_len = (size_t)size;
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

/* The packet into a request, or -EBADMSG. */
static int sources_decode(struct sources_order *order, size_t size)
{
	const struct sources_packet *packet = &order->packet;
	size_t lines, rest;

	if (size < SOURCES_HEAD || (packet->flags & ~SOURCES_FLAGS_ALL))
		return -EBADMSG;
	rest = size - SOURCES_HEAD;
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
	return 0;
}

int sources_wire_receive(int channel, struct sources_order *order)
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
	auto_close int user = -EBADF;
	ssize_t n;
	int r;

	do
		n = recvmsg(channel, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	/* An empty packet looks like the end, and may bring descriptors all the same. */
	user = channel_take_fd(&header);
	if (n == 0)
		return -EPIPE;
	r = header.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? -EBADMSG
							: sources_decode(order, (size_t)n);
	if (r < 0)
		return r;
	order->user = fd_take(&user);
	return 0;
}
