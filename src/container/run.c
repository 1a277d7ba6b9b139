/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `run`: create and start in one process, and in the foreground the company that is kept to init
 * until it has ended.
 */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "container/creation.h"
#include "container/kill.h"
#include "container/remove.h"
#include "container/start.h"
#include "container/sync.h"
#include "isolate/relay.h"
#include "isolate/terminal.h"
#include "kernel/channel.h"

/* The foreground's view of the container. */
struct run_watch {
	pid_t pid;
	int pidfd, master;
};

/* Reaps orphans of the container that have become our children, but not init: its status is wanted.
 */
static void run_reap_orphans(pid_t init)
{
	for (;;) {
		siginfo_t info = {0};

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0 ||
		    info.si_pid == init)
			return;
		(void)waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
	}
}

/* All signals that can be caught are init's affair, but for these: SIGCHLD tells us of orphans to
 * reap, SIGWINCH of a new size of the terminal, SIGURG is what Go's scheduler sends around for
 * itself. The terminal's stop signals are forwarded too. */
static void run_on_signal(void *data, int signal)
{
	const struct run_watch *watch = data;

	switch (signal) {
	case SIGCHLD:
		run_reap_orphans(watch->pid);
		return;
	case SIGWINCH:
		if (watch->master >= 0)
			(void)terminal_copy_size(STDIN_FILENO, watch->master);
		return;
	case SIGURG:
		return;
	default:
		(void)process_signal(watch->pidfd, signal);
	}
}

/* Signals arrive by a descriptor from here on; init has its own mask. */
static int run_block_signals(sigset_t *saved, int *ret_fd, struct error *err)
{
	sigset_t all;
	int fd;

	sigfillset(&all);
	/* These are ours: a fault of the runtime must end it. */
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGABRT);
	sigdelset(&all, SIGTRAP);
	if (sigprocmask(SIG_BLOCK, &all, saved) < 0)
		return error_errno(err, errno, "block signals");
	fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return error_errno(err, errno, "make a signalfd");
	*ret_fd = fd;
	return 0;
}

static int run_wait_plain(const struct run_watch *watch, int signals, struct error *err)
{
	for (;;) {
		struct signalfd_siginfo info;
		int r = process_wait_readable(signals, watch->pidfd, PROCESS_NO_DEADLINE);

		if (r < 0)
			return error_errno(err, -r, "wait for the container");
		while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
			run_on_signal((void *)(uintptr_t)watch, (int)info.ssi_signo);
		if (process_is_dead(watch->pidfd))
			return 0;
	}
}

static int run_wait_terminal(struct run_watch *watch, int signals, struct error *err)
{
	struct terminal_raw raw = {.fd = -EBADF};
	struct relay relay = {
		.input = STDIN_FILENO,
		.output = STDOUT_FILENO,
		.master = watch->master,
		.pidfd = watch->pidfd,
		.signals = signals,
		.on_signal = run_on_signal,
		.data = watch,
	};
	int r = 0;

	if (isatty(STDIN_FILENO))
		r = terminal_raw_enter(STDIN_FILENO, &raw, err);
	if (r == 0)
		r = relay_run(&relay, err);
	terminal_raw_restore(&raw);
	return r;
}

static int run_start(struct creation *creation, struct error *err)
{
	struct channel_message message = {.word = SYNC_START};
	int r = channel_send(creation->channel, &message, -1);

	if (r < 0)
		return error_errno(err, -r, "start the container");
	r = start_await_exec(creation->channel, creation->pidfd, &creation->bundle, err);
	return r < 0 ? r
		     : start_run_hooks(&creation->entry, &creation->intent, &creation->bundle,
				       creation->pid, err);
}

/* Everything from the start to the end of init. */
static int run_foreground(struct creation *creation, int signals, int *ret_status,
			  struct error *err)
{
	struct run_watch watch = {
		.pid = creation->pid,
		.pidfd = creation->pidfd,
		.master = creation->master,
	};
	int status = 0, r;

	/* The size of the caller's terminal, unless the configuration names one. */
	if (watch.master >= 0 && !creation->plan.process->console_size)
		(void)terminal_copy_size(STDIN_FILENO, watch.master);
	r = run_start(creation, err);
	if (r < 0)
		return r;
	/* It runs: from now on other commands work on it. */
	store_unlock(&creation->entry);
	r = watch.master >= 0 ? run_wait_terminal(&watch, signals, err)
			      : run_wait_plain(&watch, signals, err);
	if (r < 0)
		return r;
	r = process_reap(creation->pidfd, &status);
	if (r < 0)
		return error_errno(err, -r, "wait for the container");
	run_reap_orphans(0);
	*ret_status = process_exit_code(status);
	return 0;
}

static void run_remove(struct creation *creation, bool ended)
{
	struct error err = ERROR_INIT;
	int r = 0;

	if (!creation->entry.locked)
		r = store_lock(creation->store, &creation->entry,
			       process_now() + STORE_LOCK_TIMEOUT, &err);
	/* Somebody's `delete --force` was faster. */
	if (r == -ENOENT)
		return;
	if (r == 0)
		r = ended ? remove_ended(creation->store, &creation->entry, &creation->intent,
					 creation->cgroup, &err)
			  : remove_locked(creation->store, &creation->entry, &err);
	if (r < 0)
		log_warning("remove container %s: %s", creation->entry.id, err.message);
}

int container_run(const struct store *store, const struct run_request *request, int *ret_status,
		  struct error *err)
{
	bool detach = request->create.options.detach;
	auto_close int signals = -EBADF;
	struct creation creation;
	sigset_t saved;
	int r = 0;

	creation_init(&creation, store, &request->create);
	*ret_status = 0;
	if (!detach) {
		if (!request->no_subreaper)
			(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
		r = run_block_signals(&saved, &signals, err);
	}
	if (r == 0)
		r = creation_build(&creation, false, err);
	/* "running" before the word is said: should we die in between, init dies with us. */
	if (r == 0)
		r = creation_commit(&creation, RECORD_RUNNING, err);
	if (r < 0) {
		bundle_locate(&creation.bundle, err);
		creation_end(&creation);
		return r;
	}
	if (detach)
		r = run_start(&creation, err);
	else
		r = run_foreground(&creation, signals, ret_status, err);
	/* A detached one that did not start is removed as well: nobody was told of it. */
	if (r < 0 || (!detach && !request->keep))
		run_remove(&creation, r == 0);
	creation_end(&creation);
	return r;
}
