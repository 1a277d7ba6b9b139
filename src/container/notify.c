/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the listener gets to the agent
 *
 * The descriptor of the listener is made in the container's process, by the system call that puts
 * the filter in force, and from then on any system call of that process may wait for an agent that
 * does not have the listener yet. Sending it over a socket needs sendmsg(2), which is a call that
 * profiles like to notify of.
 *
 * So before the filter is installed the process forks a helper that shares its descriptors
 * (CLONE_FILES) and nothing else. The filter is not the helper's, but the listener is, as soon as
 * it is made. The process tells it the number with one write(2) into a pipe; that is all that a
 * profile must allow (isolate/seccomp/rules.c). The helper sends the listener over the channel to
 * the runtime, which delivers it to the agent and answers; then the helper ends.
 *
 * The process waits for this end. Should the profile notify of waitid(2), it waits for an agent
 *that by then gets the listener; should it forbid waitid, the process goes on at once, and what is
 * notified waits in the kernel until the agent has been told. From the end of the helper on nothing
 * but the process has the listener, and its execve closes it.
 *
 *	process                         helper                      runtime
 *	fork ------------------------>  read
 *	seccomp(NEW_LISTENER)
 *	write the number ------------>  SYNC_LISTENER ----------->  container process state,
 *	waitid                                                      to the agent
 *	                                exit        <-------------  SYNC_PROCEED
 *	execve
 *
 * The runtime could fetch the listener itself, by pidfd_getfd(2), but for that it would have to be
 * allowed to trace the process: not without privileges, as the process is not dumpable, nor with
 * Yama's strictest setting.
 *
 * When the delivery fails the process is killed: it must not run without its agent.
 */
#include "container/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "container/plan.h"
#include "container/sync.h"
#include "isolate/seccomp/seccomp.h"
#include "kernel/channel.h"
#include "kernel/process.h"
#include "oci-spec/oci-spec.h"

/* Gives the exit status. */
static int helper_main(int pipe, int channel, pid_t parent)
{
	struct channel_message message = {.word = SYNC_LISTENER};
	int listener;
	ssize_t n;

	/* The pipe does not tell of the parent's end: its other side is open here as well. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent)
		return EXIT_FAILURE;
	do
		n = read(pipe, &listener, sizeof(listener));
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(listener) || channel_send(channel, &message, listener) < 0)
		return EXIT_FAILURE;
	if (channel_recv(channel, -1, process_now() + SYNC_TIMEOUT, &message, NULL) < 0)
		return EXIT_FAILURE;
	return message.word == SYNC_PROCEED ? EXIT_SUCCESS : EXIT_FAILURE;
}

int notify_prepare(int channel, struct notify_helper *ret_helper, struct error *err)
{
	pid_t parent = getpid(), pid;
	int pipe[2];

	if (pipe2(pipe, O_CLOEXEC) < 0)
		return error_errno(err, errno, "make a pipe for the seccomp listener");
	pid = process_fork(CLONE_FILES, -EBADF, &ret_helper->pidfd);
	if (pid == 0)
		_exit(helper_main(pipe[0], channel, parent));
	if (pid < 0)
		return error_errno(err, -pid, "make a process to carry the seccomp listener");
	ret_helper->pipe = pipe[1];
	return 0;
}

int notify_hand_over(const struct notify_helper *helper, int listener, struct error *err)
{
	int status = 0;
	ssize_t n;

	do
		n = write(helper->pipe, &listener, sizeof(listener));
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(listener))
		return error_errno(err, n < 0 ? errno : EIO, "tell of the seccomp listener");
	if (process_reap_blocking(helper->pidfd, &status) == 0 && status != 0)
		return error_set(err, EPIPE, "the seccomp listener was not delivered");
	return 0;
}

static const char *notify_path(const struct oci_config *config)
{
	const char *path = config->linux->seccomp->listener_path;

	return path && path[0] ? path : plan_annotation(config, "run.oci.seccomp.receiver");
}

void notify_clear(struct notify *notify)
{
	notify->agent = fd_close(notify->agent);
}

int notify_connect(const struct oci_config *config, struct notify *notify, struct error *err)
{
	const char *path;
	int agent;

	if (!config || !config->linux || !seccomp_has_listener(config->linux->seccomp) ||
	    plan_annotation(config, "run.oci.seccomp_bpf_data"))
		return 0;
	path = notify_path(config);
	if (!path) {
		(void)error_set(err, EINVAL, "SCMP_ACT_NOTIFY needs a listenerPath");
		return error_at(err, "linux.seccomp");
	}
	agent = channel_connect(path, SOCK_STREAM);
	if (agent < 0) {
		(void)error_errno(err, -agent, "connect to the seccomp agent at %s%s", path,
				  agent == -EPROTOTYPE ? " (it must be a stream socket)" : "");
		return error_at(err, "linux.seccomp.listenerPath");
	}
	notify->agent = agent;
	notify->metadata = config->linux->seccomp->listener_metadata;
	return 0;
}

int notify_deliver(struct notify *notify, int listener, struct error *err)
{
	auto_text struct text state = {0};
	int r;

	if (notify->agent < 0 || listener < 0)
		return error_set(err, EPROTO, "the container's process has an unexpected listener");
	text_append(&state, "{\"ociVersion\":");
	text_append_json(&state, OCI_SPEC_VERSION);
	text_format(&state, ",\"fds\":[\"seccompFd\"],\"pid\":%d", (int)notify->pid);
	if (notify->metadata) {
		text_append(&state, ",\"metadata\":");
		text_append_json(&state, notify->metadata);
	}
	text_append(&state, ",\"state\":");
	status_encode(&notify->container, STATUS_FIELDS_SPEC, &state);
	text_append(&state, "}");
	if (state.failed)
		return error_errno(err, ENOMEM, "prepare the state for the seccomp agent");
	r = channel_send_fd(notify->agent, listener, state.data);
	notify_clear(notify);
	if (r < 0) {
		(void)error_errno(err, -r, "send the listener to the seccomp agent");
		return error_at(err, "linux.seccomp.listenerPath");
	}
	return 0;
}
