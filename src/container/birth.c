/* SPDX-License-Identifier: Apache-2.0 */
#include "container/birth.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/path.h"
#include "container/init/init.h"
#include "isolate/limits.h"
#include "isolate/network.h"
#include "kernel/channel.h"
#include "kernel/process.h"

/* How long a process that has closed its channel may take to be dead, milliseconds. */
#define BIRTH_DEATH_TIMEOUT 10000

void birth_init(struct birth *birth, const struct plan *plan, struct rollback *rollback)
{
	*birth = (struct birth){
		.plan = plan,
		.rollback = rollback,
		.pidfd = -EBADF,
		.channel = -EBADF,
		.console_socket = -EBADF,
		.pidfd_socket = -EBADF,
		.procfs = -EBADF,
		.master = -EBADF,
		.interrupt = INTERRUPT_INIT,
	};
}

void birth_close(struct birth *birth)
{
	birth->pidfd = fd_close(birth->pidfd);
	birth->channel = fd_close(birth->channel);
	birth->console_socket = fd_close(birth->console_socket);
	birth->pidfd_socket = fd_close(birth->pidfd_socket);
	birth->procfs = fd_close(birth->procfs);
	birth->master = fd_close(birth->master);
	/* What has come since is not let through any more: the error is still to be told. */
	birth->interrupt.fd = fd_close(birth->interrupt.fd);
}

static int birth_connect_to(const char *path, const char *flag, int *ret_fd, struct error *err)
{
	int fd;

	if (!path)
		return 0;
	fd = channel_connect(path, SOCK_STREAM);
	if (fd == -EPROTOTYPE || fd == -ENOTSOCK)
		return error_errno(err, -fd, "connect to %s %s (it must be a stream socket)", flag,
				   path);
	if (fd < 0)
		return error_errno(err, -fd, "connect to %s %s", flag, path);
	*ret_fd = fd;
	return 0;
}

int birth_connect(struct birth *birth, struct error *err)
{
	const struct plan_options *options = birth->plan->options;
	int r = birth_connect_to(options->console_socket, "--console-socket",
				 &birth->console_socket, err);

	if (r == 0)
		r = birth_connect_to(options->pidfd_socket, "--pidfd-socket", &birth->pidfd_socket,
				     err);
	return r;
}

int birth_send(const struct birth *birth, enum sync_word word, struct error *err)
{
	struct channel_message message = {.word = word};
	int r = channel_send(birth->channel, &message, -1);

	if (r == -EPIPE) {
		/* Should it live after all, it hears that no word will come, and ends. */
		channel_end(birth->channel);
		return error_set(err, EPIPE,
				 "the container's process died before its program could run");
	}
	return r < 0 ? error_errno(err, -r, "speak to the container's process") : 0;
}

/* "mounts: clone mount of /x: ...": the phase, unless the text already begins with it. */
int birth_failed(uint32_t phase, const struct error *sent, struct error *err)
{
	const char *name = init_phase_name(phase);

	*err = *sent;
	/* Who is in a container can say what he likes: but not that a failure is none. */
	if (err->number == 0)
		err->number = EPROTO;
	if (strncmp(err->message, name, strlen(name)) == 0)
		return -err->number;
	return error_wrap(err, "%s", name);
}

static int birth_explain_death(const struct birth *birth, const struct birth_events *events,
			       struct error *err)
{
	int status = 0;

	/* Ctrl-C is for all processes of the terminal. */
	if (interrupt_check(&birth->interrupt, err) < 0)
		return -err->number;
	if (events->death && events->death(events->data, err) < 0)
		return -err->number;
	/* Its end may take long: as init of a pid namespace it waits for all others in there. */
	if (process_wait_dead(birth->pidfd, process_now() + BIRTH_DEATH_TIMEOUT) < 0 ||
	    process_reap(birth->pidfd, &status) < 0)
		return error_set(err, EIO, "the container's process died without a word");
	if (WIFSIGNALED(status))
		return error_set(err, EIO,
				 "the container's process died without a word (signal %d)",
				 WTERMSIG(status));
	return error_set(err, EIO, "the container's process died without a word (status %d)",
			 WEXITSTATUS(status));
}

static int birth_answer_hooks(struct birth *birth, const struct birth_events *events,
			      struct error *err)
{
	int r = events->hooks ? events->hooks(events->data, err) : 0;

	if (r == 0)
		r = birth_send(birth, SYNC_PROCEED, err);
	/* Gone meanwhile: the next word, or its absence, says why. */
	return r == -EPIPE ? 0 : r;
}

static int birth_wait(const struct birth *birth, int64_t deadline, struct error *err)
{
	int r;

	if (birth->interrupt.fd < 0)
		return 0;
	r = process_wait_interruptible(birth->channel, birth->pidfd, birth->interrupt.fd, deadline);
	if (r == -EINTR && interrupt_check(&birth->interrupt, err) < 0)
		return -EINTR;
	return r < 0 ? error_errno(err, -r, "wait for the container's process") : 0;
}

/*
 * Whether a word may come now: each at most once, and only what init's steps have it for. Who has
 * CAP_SYS_PTRACE in a container without a user namespace may take over the process that `exec`
 * makes, and speak for it.
 */
static bool birth_expects(const struct birth *birth, const struct birth_events *events,
			  uint32_t word, unsigned int heard)
{
	if (word > SYNC_FAILED || (heard & 1U << word))
		return false;
	switch (word) {
	case SYNC_HOOKS:
		return events->hooks;
	case SYNC_LOOPBACK:
		return birth->plan->namespaces.fresh & CLONE_NEWNET;
	case SYNC_TERMINAL:
		return birth->plan->process->terminal && birth->console_socket < 0;
	default:
		return word == SYNC_READY || word == SYNC_FAILED;
	}
}

int birth_await_ready(struct birth *birth, const struct birth_events *events, struct error *err)
{
	unsigned int heard = 0;
	int r = 0;

	while (r == 0) {
		int64_t deadline = events->deadline ? events->deadline(events->data)
						    : process_now() + SYNC_TIMEOUT;
		struct channel_message message;
		auto_close int fd = -EBADF;

		r = birth_wait(birth, deadline, err);
		if (r < 0)
			return r;
		r = channel_recv(birth->channel, birth->pidfd, deadline, &message, &fd);
		if (r == -EPIPE)
			return birth_explain_death(birth, events, err);
		if (r < 0)
			return error_errno(err, -r, "wait for the container's process");
		if (!birth_expects(birth, events, message.word, heard))
			return error_set(err, EPROTO, "the container's process said %u",
					 message.word);
		heard |= 1U << message.word;
		switch (message.word) {
		case SYNC_HOOKS:
			r = birth_answer_hooks(birth, events, err);
			break;
		case SYNC_LOOPBACK:
			r = network_loopback_up(fd, err);
			if (r < 0)
				error_wrap(err, "network");
			break;
		case SYNC_TERMINAL:
			birth->master = fd_take(&fd);
			break;
		case SYNC_READY:
			birth->ready = message.value;
			return 0;
		default:
			return birth_failed(message.phase, &message.error, err);
		}
	}
	return r;
}

static void birth_undo_pid_file(void *data)
{
	const struct birth *birth = data;

	(void)unlink(birth->plan->options->pid_file);
}

static int birth_write_pid_file(struct birth *birth, struct error *err)
{
	const char *path = birth->plan->options->pid_file;
	const char *name;
	auto_close int dir = -EBADF;
	char directory[4096], pid[32];
	struct stat st;
	int length, r;

	if (!path)
		return 0;
	name = path_basename(path);
	if ((size_t)(name - path) >= sizeof(directory))
		return error_errno(err, ENAMETOOLONG, "pid file %s", path);
	memcpy(directory, path, (size_t)(name - path));
	directory[name - path] = '\0';
	dir = open(directory[0] ? directory : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_errno(err, errno, "open the directory of pid file %s", path);
	/* A device or a pipe of that name would be replaced by a file. */
	if (fstatat(dir, name, &st, 0) == 0 && !S_ISREG(st.st_mode))
		return error_set(err, EINVAL, "pid file %s is not a regular file", path);
	length = snprintf(pid, sizeof(pid), "%d", (int)birth->pid);
	rollback_add(birth->rollback, birth_undo_pid_file, birth);
	r = io_publish_file(dir, name, pid, (size_t)length, 0644);
	return r < 0 ? error_errno(err, -r, "write pid file %s", path) : 0;
}

int birth_announce(struct birth *birth, struct error *err)
{
	const struct oci_process *process = birth->plan->process;
	int r = limits_apply_scheduler(process->scheduler, birth->pid, err);

	if (r == 0)
		r = limits_apply_io_priority(process->io_priority, birth->pid, err);
	if (r == 0)
		r = birth_write_pid_file(birth, err);
	if (r < 0 || birth->pidfd_socket < 0)
		return r;
	r = channel_send_fd(birth->pidfd_socket, birth->pidfd, "pidfd");
	return r < 0 ? error_errno(err, -r, "send the pidfd to --pidfd-socket") : 0;
}
