/* SPDX-License-Identifier: Apache-2.0 */
#include "container/interrupt.h"

#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/signals.h"
#include "base/text.h"

/* A signal that is blocked is kept even where it is ignored: those must not be blocked. */
static void interrupt_signals(sigset_t *set)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};

	sigemptyset(set);
	for (size_t i = 0; i < array_size(signals); i++) {
		struct sigaction now;

		if (sigaction(signals[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			sigaddset(set, signals[i]);
	}
}

int interrupt_open(struct interrupt *ret_interrupt, struct error *err)
{
	struct interrupt interrupt = INTERRUPT_INIT;
	sigset_t signals;
	int number;

	interrupt_signals(&signals);
	if (sigprocmask(SIG_BLOCK, &signals, &interrupt.before) < 0)
		return error_errno(err, errno, "hold signals back");
	interrupt.fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (interrupt.fd < 0) {
		number = errno;
		(void)sigprocmask(SIG_SETMASK, &interrupt.before, NULL);
		return error_errno(err, number, "make a signalfd");
	}
	*ret_interrupt = interrupt;
	return 0;
}

void interrupt_close(struct interrupt *interrupt)
{
	if (interrupt->fd < 0)
		return;
	interrupt->fd = fd_close(interrupt->fd);
	(void)sigprocmask(SIG_SETMASK, &interrupt->before, NULL);
}

int interrupt_check(const struct interrupt *interrupt, struct error *err)
{
	struct signalfd_siginfo info;
	const char *name;

	if (interrupt->fd < 0 || read(interrupt->fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return 0;
	name = signals_name((int)info.ssi_signo);
	return error_set(err, EINTR, "interrupted by SIG%s", name ? name : "NAL");
}
