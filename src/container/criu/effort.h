/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether criu gets on with its work. How long that takes nobody can say: it goes by the memory of
 * the container and by the disk. So what is waited for is not its end but a sign of life: a longer
 * log, or processor time of criu and of what it has made.
 */
#ifndef CONTAINER_CRIU_EFFORT_H
#define CONTAINER_CRIU_EFFORT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct criu_effort {
	uint64_t log;	/* bytes */
	uint64_t ticks; /* of the processors */
};

/*
 * What can be seen by now of the process `pid`, of all below it, and of the caller's other children
 * (criu makes a restored init as its own sibling). `log` is a path relative to `work`. What is not
 * there counts as 0.
 */
void criu_effort_look(pid_t pid, int work, const char *log, struct criu_effort *ret_effort);

bool criu_effort_is_same(const struct criu_effort *a, const struct criu_effort *b);

#endif
