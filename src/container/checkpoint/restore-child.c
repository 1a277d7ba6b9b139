/* SPDX-License-Identifier: Apache-2.0 */
/* What a restore does in namespaces that are not the runtime's own. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "container/checkpoint/restore-steps.h"
#include "isolate/network.h"
#include "kernel/channel.h"
#include "kernel/process.h"
#include "kernel/program.h"
#include "kernel/syscalls.h"

#define RESTORE_CHILD_MS 60000

int restore_fork(const struct restore *restore, const struct restore_child *child,
		 struct error *err)
{
	struct channel_message message = {.word = 1};
	auto_close int ours = -EBADF, theirs = -EBADF;
	int ends[2], pidfd = -EBADF, status, r;
	pid_t pid;

	r = channel_open(ends);
	if (r < 0)
		return error_errno(err, -r, "make a channel");
	ours = ends[0];
	theirs = ends[1];
	pid = process_fork(CLONE_CLEAR_SIGHAND, -1, &pidfd);
	if (pid < 0)
		return error_errno(err, -pid, "start a process to %s", child->doing);
	if (pid == 0) {
		(void)child->run(restore, &message.error);
		(void)channel_send(theirs, &message, -1);
		_exit(0);
	}
	theirs = fd_close(theirs);
	r = channel_recv(ours, pidfd, process_now() + RESTORE_CHILD_MS, &message, NULL);
	(void)program_end(&pidfd, r < 0 ? 0 : RESTORE_CHILD_MS, &status);
	if (r < 0)
		return error_errno(err, -r, "%s", child->doing);
	if (message.error.number == 0)
		return 0;
	*err = message.error;
	return -err->number;
}

static int restore_enter_network(const struct restore *restore, struct error *err)
{
	auto_close int socket = -EBADF, namespace = -EBADF;
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)restore->first);
	namespace = open(path, O_RDONLY | O_CLOEXEC);
	if (namespace < 0 || setns(namespace, CLONE_NEWNET) < 0)
		return error_errno(err, errno, "enter the network namespace");
	r = network_open(&socket, err);
	return r < 0 ? r : network_loopback_up(socket, err);
}

int restore_bring_up(const struct restore *restore, struct error *err)
{
	const struct restore_child child = {restore_enter_network,
					    "bring the loopback interface up"};

	return restore->creation.plan.namespaces.fresh & CLONE_NEWNET
		       ? restore_fork(restore, &child, err)
		       : 0;
}
