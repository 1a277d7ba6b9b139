/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How init asks the helper of sources.h: a request is one packet of a channel, with a fixed head,
 * then the path with its NUL, then the lines of the maps, and perhaps one descriptor.
 */
#ifndef ISOLATE_SOURCES_WIRE_H
#define ISOLATE_SOURCES_WIRE_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "isolate/sources/request.h"

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

/* A request as it came in, with what it refers to. */
struct sources_order {
	struct sources_packet packet;
	struct oci_id_mapping lines[SOURCES_LINES_MAX];
	struct idmap_plan idmap;
	struct sources_request request; /* points into the others */
	int user;			/* the descriptor that came with it, owned; or -EBADF */
};

/*
 * Sends a request, with the container's user namespace when `user` >= 0. Returns 0 or a negative
 * errno: -EPIPE when the other end is gone, -ENAMETOOLONG, -E2BIG for more than SOURCES_LINES_MAX
 * lines of maps.
 */
int sources_wire_send(int channel, const struct sources_request *request, int user);

/*
 * Takes a packet that is there. Fills *order in place; it may not be copied. Returns 0; -EPIPE at
 * the channel's end; -EBADMSG for a packet that is not one, in which case no descriptor of it is
 * left open; or another negative errno.
 */
int sources_wire_receive(int channel, struct sources_order *order);

#endif
