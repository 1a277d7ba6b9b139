/* SPDX-License-Identifier: Apache-2.0 */
/* Packets as a hostile container may send them: the first byte says how many descriptors come
 * along. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "kernel/channel.h"
#include "kernel/process.h"
#include "packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t before = packet_descriptors();
	struct channel_message message;
	int ends[2], fd = -EBADF, r;

	if (size == 0)
		return 0;
	if (channel_open(ends) < 0)
		abort();
	packet_send(ends[0], data + 1, size - 1, data[0] % (PACKET_DESCRIPTORS_MAX + 1));
	fd_close(ends[0]);
	r = channel_recv(ends[1], -1, process_now() + 1000, &message, data[0] & 0x80 ? &fd : NULL);
	if (r == 0 && (message.word == 0 || message.error.number < 0 ||
		       !memchr(message.error.message, 0, sizeof(message.error.message))))
		abort();
	if (r < 0 && fd != -EBADF)
		abort();
	fd_close(fd);
	fd_close(ends[1]);
	if (packet_descriptors() != before)
		abort();
	return 0;
}
