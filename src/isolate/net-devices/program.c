/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/net-devices/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/fd.h"
#include "isolate/net-devices/move.h"
#include "kernel/channel.h"
#include "kernel/process.h"

static int program_names(struct net_devices_move *move, int argc, char **argv, struct error *err)
{
	move->count = (size_t)(argc - 1) / 2;
	move->links = calloc(move->count + 1, sizeof(*move->links));
	if (!move->links) {
		move->count = 0;
		return error_errno(err, ENOMEM, "network interfaces");
	}
	for (size_t i = 0; i < move->count; i++) {
		move->links[i].name = argv[2 * i + 1];
		move->links[i].inside = argv[2 * i + 2];
	}
	return 0;
}

/* Ours was the host's at the start, and will be for as long as we live. */
static int program_open(struct net_devices_move *move, struct error *err)
{
	int r;

	move->host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (move->host < 0)
		return error_errno(err, errno, "open /proc/self/ns/net");
	r = netlink_open(-EBADF, &move->at_host, err);
	return r < 0 ? r : netlink_open(move->container, &move->at_container, err);
}

static void program_close(struct net_devices_move *move)
{
	net_devices_move_clear(move);
	free(move->links);
	netlink_close(move->at_host);
	netlink_close(move->at_container);
	move->host = fd_close(move->host);
}

/* Nobody has to be told any more when the runtime is gone; the interfaces are what counts. */
static void program_wait(struct net_devices_move *move)
{
	struct channel_message message, answer = {.word = NET_DEVICES_RETURNED};
	int r = channel_recv(NET_DEVICES_FD_CHANNEL, -1, PROCESS_NO_DEADLINE, &message, NULL);

	if (r == 0 && message.word == NET_DEVICES_KEEP)
		return;
	(void)net_devices_move_back(move, &answer.error);
	(void)channel_send(NET_DEVICES_FD_CHANNEL, &answer, -1);
}

int main(int argc, char **argv)
{
	struct net_devices_move move = {.host = -EBADF, .container = NET_DEVICES_FD_NAMESPACE};
	struct channel_message message = {.word = NET_DEVICES_MOVED};
	int r;

	if (argc < 3 || argc % 2 == 0)
		return 2;
	r = fd_cloexec_from(NET_DEVICES_FD_CHANNEL);
	if (r < 0)
		error_errno(&message.error, -r, "set close-on-exec");
	if (r == 0)
		r = program_names(&move, argc, argv, &message.error);
	if (r == 0)
		r = program_open(&move, &message.error);
	if (r == 0)
		r = net_devices_move_there(&move, &message.error);
	if (channel_send(NET_DEVICES_FD_CHANNEL, &message, -1) < 0 && r == 0) {
		struct error ignored = ERROR_INIT;

		(void)net_devices_move_back(&move, &ignored);
	} else if (r == 0) {
		program_wait(&move);
	}
	program_close(&move);
	return r < 0 ? 1 : 0;
}
