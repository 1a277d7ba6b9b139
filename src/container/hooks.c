/* SPDX-License-Identifier: Apache-2.0 */
#include "container/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/log.h"
#include "base/text.h"
#include "kernel/channel.h"
#include "kernel/process.h"
#include "kernel/syscalls.h"
#include "oci-spec/annotations.h"

/* How much of a hook's output goes into the error; its end is what says why. */
#define HOOKS_OUTPUT_MAX 512
/* What a pipe holds (pipe(7)). */
#define HOOKS_PIPE_SIZE 65536
/* How long a hook may take to die of SIGKILL, milliseconds. */
#define HOOKS_KILL_TIMEOUT 10000

/* A window on the last bytes of a stream. */
struct hooks_output {
	char bytes[HOOKS_OUTPUT_MAX];
	size_t length;
};

static void hooks_output_add(struct hooks_output *output, const char *bytes, size_t length)
{
	size_t keep;

	if (length > HOOKS_OUTPUT_MAX) {
		bytes += length - HOOKS_OUTPUT_MAX;
		length = HOOKS_OUTPUT_MAX;
	}
	keep = HOOKS_OUTPUT_MAX - length < output->length ? HOOKS_OUTPUT_MAX - length
							  : output->length;
	memmove(output->bytes, output->bytes + output->length - keep, keep);
	memcpy(output->bytes + keep, bytes, length);
	output->length = keep + length;
}

/* The state as a file: a pipe could fill up, or raise SIGPIPE when the hook does not read it. */
static int hooks_state_file(const char *state)
{
	auto_close int fd = memfd_create("state", MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = io_write_all(fd, state, strlen(state));
	if (r < 0)
		return r;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	return fd_take(&fd);
}

static int hooks_stream_open(const struct oci_string_map *annotations, const char *key, int *ret_fd,
			     struct error *err)
{
	const char *path = oci_annotation_value(annotations, key);
	int fd;

	if (!path)
		return 0;
	/* Not to hang at a pipe that nobody reads. */
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0 || fcntl(fd, F_SETFL, O_APPEND) < 0) {
		(void)error_errno(err, errno, "open %s for the output of hooks", path);
		(void)fd_close(fd);
		return error_at(err, "annotations[\"%s\"]", key);
	}
	*ret_fd = fd;
	return 0;
}

void hooks_streams_close(struct hooks_streams *streams)
{
	streams->out = fd_close(streams->out);
	streams->err = fd_close(streams->err);
}

int hooks_streams_open(const struct oci_string_map *annotations, struct hooks_streams *ret_streams,
		       struct error *err)
{
	struct hooks_streams streams = HOOKS_STREAMS_INIT;
	int r = hooks_stream_open(annotations, "run.oci.hooks.stdout", &streams.out, err);

	if (r == 0)
		r = hooks_stream_open(annotations, "run.oci.hooks.stderr", &streams.err, err);
	if (r < 0)
		hooks_streams_close(&streams);
	else
		*ret_streams = streams;
	return r;
}

struct hooks_child {
	const struct oci_hook *hook;
	const struct hooks_run *run;
	int state, output, channel;
	pid_t parent;
};

/* A vector of the config with a NULL at its end; malloc'ed. */
static char **hooks_vector(const struct oci_strings *strings, char *first)
{
	size_t count = strings->count;
	char **vector = calloc(count + 2, sizeof(*vector));

	if (!vector)
		return NULL;
	for (size_t i = 0; i < count; i++)
		vector[i] = strings->items[i];
	if (count == 0)
		vector[0] = first;
	return vector;
}

/* The specification does not say what the absence of env means; hooks rely on a PATH. */
static char *const *hooks_environment(const struct hooks_run *run, char *const *own)
{
	if (own)
		return own;
	return run->environment ? run->environment : environ;
}

static int hooks_child_execute(const struct hooks_child *child, struct error *err)
{
	const struct oci_hook *hook = child->hook;
	const struct hooks_streams *streams = child->run->streams;
	auto_free char **args = hooks_vector(&hook->args, hook->path);
	auto_free char **env = hook->env.items ? hooks_vector(&hook->env, NULL) : NULL;
	int r;

	if (!args || (hook->env.items && !env))
		return error_errno(err, ENOMEM, "execute %s", hook->path);
	(void)setpgid(0, 0);
	/* A hook does not go on alone: whoever cleans up behind a dead runtime would not know it.
	 */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return error_errno(err, errno, "set the parent-death signal");
	if (getppid() != child->parent)
		_exit(127);
	if (child->run->prepare) {
		r = child->run->prepare(child->run->data, err);
		if (r < 0)
			return r;
	}
	if (dup2(child->state, STDIN_FILENO) < 0 ||
	    dup2(streams->out >= 0 ? streams->out : child->output, STDOUT_FILENO) < 0 ||
	    dup2(streams->err >= 0 ? streams->err : child->output, STDERR_FILENO) < 0)
		return error_errno(err, errno, "connect the hook's streams");
	r = fd_cloexec_from(STDERR_FILENO + 1);
	if (r < 0)
		return error_errno(err, -r, "mark descriptors to be closed");
	/* It may be gone by now, or closed to the root of a user namespace: all the same to most.
	 */
	if (child->run->directory && chdir(child->run->directory) < 0)
		errno = 0;
	process_reset_signals();
	execve(hook->path, args, hooks_environment(child->run, env));
	return error_errno(err, errno, "execute %s", hook->path);
}

static void hooks_child_main(const struct hooks_child *child)
{
	struct channel_message message = {.word = 1};

	(void)hooks_child_execute(child, &message.error);
	(void)channel_send(child->channel, &message, -1);
	_exit(127);
}

/* Reads the output until the hook is dead or too late. Its own children may keep the pipe open. */
static int hooks_watch(const struct hooks_run *run, int pidfd, int output_fd, int64_t deadline,
		       struct hooks_output *output)
{
	int interrupt = run->interrupt > 0 ? run->interrupt : -EBADF;
	int r = 0;

	while (!process_is_dead(pidfd)) {
		r = process_wait_interruptible(output_fd, pidfd, interrupt, deadline);
		if (r < 0)
			return r;
		if (r == PROCESS_READABLE) {
			char chunk[4096];
			ssize_t n = read(output_fd, chunk, sizeof(chunk));

			if (n > 0)
				hooks_output_add(output, chunk, (size_t)n);
			/* All writers are gone, but the hook itself may go on. */
			if (n == 0) {
				r = process_wait_interruptible(-EBADF, pidfd, interrupt, deadline);
				return r < 0 ? r : 0;
			}
		}
	}
	/* What it has left in the pipe, but not what others may go on to write into it. */
	for (int i = 0; i < HOOKS_PIPE_SIZE / 4096; i++) {
		char chunk[4096];
		ssize_t n = read(output_fd, chunk, sizeof(chunk));

		if (n <= 0)
			break;
		hooks_output_add(output, chunk, (size_t)n);
	}
	return 0;
}

static int hooks_judge(const struct oci_hook *hook, int status, const struct hooks_output *output,
		       struct error *err)
{
	char line[HOOKS_OUTPUT_MAX * 2 + 1];

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	text_quote_output(output->bytes, output->length, line, sizeof(line));
	if (WIFSIGNALED(status))
		return error_set(err, EIO, "hook %s was killed by signal %d%s%s", hook->path,
				 WTERMSIG(status), line[0] ? ": " : "", line);
	return error_set(err, EIO, "hook %s exited with status %d%s%s", hook->path,
			 WEXITSTATUS(status), line[0] ? ": " : "", line);
}

static int hooks_run_one(const struct hooks_run *run, const struct oci_hook *hook,
			 struct error *err)
{
	auto_close int state = hooks_state_file(run->state);
	auto_close int output_read = -EBADF, output_write = -EBADF;
	auto_close int line = -EBADF, child_line = -EBADF;
	auto_close int pidfd = -EBADF;
	struct hooks_output output = {.length = 0};
	struct channel_message message;
	struct hooks_child child;
	int64_t deadline;
	int ends[2], status = 0, r;
	pid_t pid;

	if (state < 0)
		return error_errno(err, -state, "prepare the state for hook %s", hook->path);
	/* The pipe's reading end does not block: it is drained after the hook is dead. */
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return error_errno(err, errno, "make a pipe for hook %s", hook->path);
	output_read = ends[0];
	output_write = ends[1];
	/* To the hook the stream must be an ordinary, blocking one. */
	if (fcntl(output_write, F_SETFL, 0) < 0)
		return error_errno(err, errno, "make a pipe for hook %s", hook->path);
	r = channel_open(ends);
	if (r < 0)
		return error_errno(err, -r, "make a channel for hook %s", hook->path);
	line = ends[0];
	child_line = ends[1];

	child = (struct hooks_child){hook, run, state, output_write, child_line, getpid()};
	pid = process_fork(CLONE_CLEAR_SIGHAND, -1, &pidfd);
	if (pid < 0)
		return error_errno(err, -pid, "start hook %s", hook->path);
	if (pid == 0)
		hooks_child_main(&child);

	child_line = fd_close(child_line);
	output_write = fd_close(output_write);
	deadline = hook->timeout.set ? process_now() + (int64_t)hook->timeout.value * 1000
				     : PROCESS_NO_DEADLINE;
	r = hooks_watch(run, pidfd, output_read, deadline, &output);
	if (r < 0) {
		/* The group, so that what the hook has started goes with it; the leader is not
		 * reaped yet, so its number is still its own. */
		(void)kill(-pid, SIGKILL);
		(void)process_signal(pidfd, SIGKILL);
	}
	if (process_wait_dead(pidfd, process_now() + HOOKS_KILL_TIMEOUT) == 0)
		(void)process_reap(pidfd, &status);
	if (r == -ETIMEDOUT)
		return error_set(err, ETIMEDOUT, "hook %s ran past its timeout of %d s", hook->path,
				 hook->timeout.value);
	if (r < 0)
		return error_errno(err, -r, "wait for hook %s", hook->path);
	/* EOF: execve closed the line. A message: it never came so far. */
	if (channel_recv(line, -1, process_now(), &message, NULL) == 0) {
		*err = message.error;
		return error_wrap(err, "hook");
	}
	return hooks_judge(hook, status, &output, err);
}

static int hooks_run_all(const struct hooks_run *run, struct error *err)
{
	for (size_t i = 0; i < run->hooks->count; i++) {
		int r = hooks_run_one(run, &run->hooks->items[i], err);

		if (r == 0)
			continue;
		error_at(err, "hooks.%s[%zu]", run->kind, i);
		if (!run->keep_going)
			return r;
		log_warning("hooks.%s[%zu]: %s", run->kind, i, err->message);
	}
	return 0;
}

int hooks_run(const struct hooks_run *run, struct error *err)
{
	struct hooks_streams streams = HOOKS_STREAMS_INIT;
	struct hooks_run opened = *run;
	int r = 0;

	if (!run->hooks || run->hooks->count == 0)
		return 0;
	if (!run->streams) {
		opened.streams = &streams;
		if (run->annotations)
			r = hooks_streams_open(run->annotations, &streams, err);
	}
	if (r < 0 && !run->keep_going)
		return r;
	if (r < 0)
		log_warning("%s", err->message);
	r = hooks_run_all(&opened, err);
	hooks_streams_close(&streams);
	return r;
}
