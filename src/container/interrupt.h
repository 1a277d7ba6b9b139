/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGTERM, SIGINT and SIGHUP while a container is being made: they do not kill the runtime, which
 * would leave a half-made container for `delete --force`; its waits see them, and what was made is
 * undone. Those that the caller has chosen to ignore (nohup) stay ignored.
 */
#ifndef CONTAINER_INTERRUPT_H
#define CONTAINER_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

#include "base/error.h"

struct interrupt {
	int fd; /* a signalfd, or -EBADF: nothing is watched */
	sigset_t before;
};
#define INTERRUPT_INIT ((struct interrupt){.fd = -EBADF})

/* From here on the signals are held back. A child that goes on by itself has to unblock them
 * (process_reset_signals()). */
int interrupt_open(struct interrupt *ret_interrupt, struct error *err);

/* Back to how it was. One that is still held back takes effect now. */
void interrupt_close(struct interrupt *interrupt);

/* 0, or -EINTR and the error when one of the signals has come. */
int interrupt_check(const struct interrupt *interrupt, struct error *err);

#endif
