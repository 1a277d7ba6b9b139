/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to the helper that keeps the host's privileges: the first byte says how many descriptors
 * come along. What is accepted means the same when it is sent again; no descriptor is left open.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "isolate/sources/wire.h"
#include "kernel/channel.h"
#include "packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_same_map(const struct oci_id_mappings *a, const struct oci_id_mappings *b)
{
	if (a->count != b->count ||
	    (a->count > 0 && memcmp(a->items, b->items, a->count * sizeof(*a->items)) != 0))
		abort();
}

static void fuzz_again(int ends[2], const struct sources_order *order)
{
	const struct sources_request *a = &order->request, *b;
	struct sources_order *again = malloc(sizeof(*again));

	if (!again || a->path[0] != '/' || strlen(a->path) >= PATH_MAX)
		abort();
	if (sources_wire_send(ends[0], a, order->user) < 0 ||
	    sources_wire_receive(ends[1], again) < 0)
		abort();
	b = &again->request;
	if (strcmp(a->path, b->path) != 0 || a->recursive != b->recursive ||
	    a->nofollow != b->nofollow || a->device != b->device || !a->idmap != !b->idmap ||
	    a->idmap_container != b->idmap_container || a->idmap_recursive != b->idmap_recursive ||
	    (order->user < 0) != (again->user < 0))
		abort();
	if (a->idmap) {
		fuzz_same_map(&a->idmap->uids, &b->idmap->uids);
		fuzz_same_map(&a->idmap->gids, &b->idmap->gids);
	}
	fd_close(again->user);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sources_order *order = malloc(sizeof(*order));
	uint64_t before = packet_descriptors();
	int ends[2];

	if (size > 0 && order) {
		if (channel_open(ends) < 0)
			abort();
		order->user = -EBADF;
		packet_send(ends[0], data + 1, size - 1, data[0] % (PACKET_DESCRIPTORS_MAX + 1));
		if (sources_wire_receive(ends[1], order) == 0)
			fuzz_again(ends, order);
		else if (order->user != -EBADF)
			abort();
		fd_close(order->user);
		fd_close(ends[0]);
		fd_close(ends[1]);
	}
	if (packet_descriptors() != before)
		abort();
	free(order);
	return 0;
}
