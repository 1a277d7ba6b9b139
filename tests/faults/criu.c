/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In the place of criu(8), where faults are tried that are the runtime's: of a request to dump it
 * does what is to be seen from outside. It ends the process, unless that is to go on, and says so;
 * nothing is written down.
 */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define SOCKET	      3
#define TYPE_DUMP     1
#define FIELD_TYPE    1 /* of criu_req */
#define FIELD_OPTIONS 2
#define FIELD_PID     2 /* of criu_opts */
#define FIELD_LEAVE   3
#define WAIT_MS	      10000

struct reader {
	const unsigned char *at, *end;
};

static uint64_t take_varint(struct reader *reader)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
		unsigned char byte = *reader->at++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			break;
	}
	return value;
}

/* The number of a field, its value, and for bytes where they are. */
static unsigned int take_field(struct reader *reader, uint64_t *value, struct reader *inner)
{
	uint64_t key = take_varint(reader);

	*value = take_varint(reader);
	if ((key & 7) == 2) {
		if (*value > (uint64_t)(reader->end - reader->at))
			_exit(2);
		inner->at = reader->at;
		reader->at += *value;
		inner->end = reader->at;
	}
	return (unsigned int)(key >> 3);
}

/* criu has seized it, and sees its end. */
static void end_process(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd poller = {.fd = fd, .events = POLLIN};

	if (fd < 0 || kill(pid, SIGKILL) < 0)
		return;
	(void)poll(&poller, 1, WAIT_MS);
	(void)close(fd);
}

int main(void)
{
	static const char done[] = "\x08\x01\x10\x01";
	static unsigned char request[65536];
	ssize_t n = recv(SOCKET, request, sizeof(request), 0);
	struct reader reader = {request, request + (n > 0 ? n : 0)}, options = {0};
	uint64_t value, pid = 0;
	bool dump = false, leave = false;

	if (n <= 0)
		return 1;
	while (reader.at < reader.end)
		if (take_field(&reader, &value, &options) == FIELD_TYPE)
			dump = value == TYPE_DUMP;
	while (options.at < options.end) {
		struct reader unused;

		switch (take_field(&options, &value, &unused)) {
		case FIELD_PID:
			pid = value;
			break;
		case FIELD_LEAVE:
			leave = value;
			break;
		default:
			break;
		}
	}
	if (!dump || pid == 0)
		return 1;
	if (!leave)
		end_process((pid_t)pid);
	return send(SOCKET, done, sizeof(done) - 1, MSG_NOSIGNAL) < 0;
}
