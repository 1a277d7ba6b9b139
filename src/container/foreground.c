/* SPDX-License-Identifier: Apache-2.0 */
#include "container/foreground.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/signals.h"
#include "isolate/relay.h"
#include "isolate/terminal.h"
#include "kernel/process.h"

/* Reaps orphans of the container that have become our children, but not init: its status is wanted.
 */
static void foreground_reap_orphans(pid_t init)
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
static void foreground_on_signal(void *data, int signal)
{
	const struct foreground *watch = data;

	switch (signal) {
	case SIGCHLD:
		foreground_reap_orphans(watch->pid);
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

int foreground_block_signals(int *ret_signals, struct error *err)
{
	sigset_t all;
	int fd;

	signals_fill(&all);
	/* These are ours: a fault of the runtime must end it. */
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGABRT);
	sigdelset(&all, SIGTRAP);
	if (sigprocmask(SIG_BLOCK, &all, NULL) < 0)
		return error_errno(err, errno, "block signals");
	fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return error_errno(err, errno, "make a signalfd");
	*ret_signals = fd;
	return 0;
}

static int foreground_wait_plain(const struct foreground *watch, int signals, struct error *err)
{
	for (;;) {
		struct signalfd_siginfo info;
		int r = process_wait_readable(signals, watch->pidfd, PROCESS_NO_DEADLINE);

		if (r < 0)
			return error_errno(err, -r, "wait for the container");
		while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
			foreground_on_signal((void *)(uintptr_t)watch, (int)info.ssi_signo);
		if (process_is_dead(watch->pidfd))
			return 0;
	}
}

static int foreground_wait_terminal(const struct foreground *watch, int signals, struct error *err)
{
	struct terminal_raw raw = {.fd = -EBADF};
	struct relay relay = {
		.input = STDIN_FILENO,
		.output = STDOUT_FILENO,
		.master = watch->master,
		.pidfd = watch->pidfd,
		.signals = signals,
		.on_signal = foreground_on_signal,
		.data = (void *)(uintptr_t)watch,
	};
	int r = 0;

	if (isatty(STDIN_FILENO))
		r = terminal_raw_enter(STDIN_FILENO, &raw, err);
	if (r == 0)
		r = relay_run(&relay, err);
	terminal_raw_restore(&raw);
	return r;
}

int foreground_wait(const struct foreground *foreground, int signals, int *ret_status,
		    struct error *err)
{
	int status = 0, r;

	r = foreground->master >= 0 ? foreground_wait_terminal(foreground, signals, err)
				    : foreground_wait_plain(foreground, signals, err);
	if (r < 0)
		return r;
	r = process_reap(foreground->pidfd, &status);
	if (r < 0)
		return error_errno(err, -r, "wait for the container's process");
	foreground_reap_orphans(0);
	*ret_status = process_exit_code(status);
	return 0;
}
