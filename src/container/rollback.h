/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be undone when a command fails half-way: kernel side effects follow the same law as
 * memory. Each effect registers its inverse; unless committed, all run in reverse order.
 *
 *	auto_rollback struct rollback rollback = ROLLBACK_INIT;
 *	...
 *	rollback_add(&rollback, remove_cgroup, cgroup);
 *	...
 *	rollback_commit(&rollback);
 */
#ifndef CONTAINER_ROLLBACK_H
#define CONTAINER_ROLLBACK_H

#include <stddef.h>

typedef void rollback_fn(void *data);

#define ROLLBACK_MAX 8

struct rollback {
	struct {
		rollback_fn *undo;
		void *data;
	} steps[ROLLBACK_MAX];
	size_t count;
};

#define ROLLBACK_INIT ((struct rollback){0})

/* Registers an inverse. `data` must live as long as the rollback. Room for ROLLBACK_MAX of them,
 * which is a property of the code, not of the input: more is a bug and aborts. */
void rollback_add(struct rollback *rollback, rollback_fn *undo, void *data);

/* Everything stays as it is now. */
void rollback_commit(struct rollback *rollback);

/* Undoes in reverse order; each at most once. */
void rollback_run(struct rollback *rollback);

#define auto_rollback __attribute__((cleanup(rollback_run)))

#endif
