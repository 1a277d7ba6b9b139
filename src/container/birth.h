/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime's side of any process that comes to life in a container, be it init or one more: the
 * sockets that it was given, the conversation until the process is ready, and the announcement to
 * the caller.
 */
#ifndef CONTAINER_BIRTH_H
#define CONTAINER_BIRTH_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "container/interrupt.h"
#include "container/plan.h"
#include "container/rollback.h"
#include "container/sync.h"

struct birth {
	const struct plan *plan;
	struct rollback *rollback;
	pid_t pid;
	int pidfd;
	int channel;			  /* to the process */
	int64_t ready;			  /* the value that came with SYNC_READY */
	int console_socket, pidfd_socket; /* connected, or -EBADF */
	int procfs;			  /* kernel/procfs.h: the maker's to open */
	struct interrupt interrupt;	  /* of creation; not watched in exec */
	int master;			  /* its terminal, when it has come over the channel */
};

void birth_init(struct birth *birth, const struct plan *plan, struct rollback *rollback);
void birth_close(struct birth *birth);

/* Connects to the sockets of the command line: before anything is made. */
int birth_connect(struct birth *birth, struct error *err);

/* Says one word. -EPIPE when the process is gone: birth_await_ready() knows more of why. */
int birth_send(const struct birth *birth, enum sync_word word, struct error *err);

/* What the conversation meets, beyond what is common. Each may be NULL. */
struct birth_events {
	int (*hooks)(void *data, struct error *err); /* SYNC_HOOKS: answered by SYNC_PROCEED */
	int (*death)(void *data, struct error *err); /* gone without a word: sets the error */
	int64_t (*deadline)(void *data); /* of the next word; else SYNC_TIMEOUT from now */
	void *data;
};

/* Answers the process until it has said SYNC_READY, or has failed. */
int birth_await_ready(struct birth *birth, const struct birth_events *events, struct error *err);

/* The error that a process has sent, with the phase that it was in. */
int birth_failed(uint32_t phase, const struct error *sent, struct error *err);

/*
 * The process is ready: scheduling, which needs the runtime's privileges, then the pid file
 * (decimal, no newline: containerd parses all of it as a number) and --pidfd-socket. The pid file
 * is on the rollback.
 */
int birth_announce(struct birth *birth, struct error *err);

#endif
