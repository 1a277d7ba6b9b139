/* SPDX-License-Identifier: Apache-2.0 */
/* `events`: what a container uses, and the kills of its memory limit. */
#ifndef CONTAINER_EVENTS_H
#define CONTAINER_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "container/state/store.h"

struct events_request {
	const char *id;
	bool once;	  /* the statistics, once */
	int64_t interval; /* else how often, milliseconds; at least 1 */
	int output; /* where the lines go: it ends when nobody reads them any more; or -EBADF */
	/* Writes a line. */
	int (*emit)(const struct text *line, struct error *err);
};

/*
 * Emits one line of JSON for each event, until the container has stopped; the statistics for the
 * first time after one interval. Takes no lock.
 */
int container_events(const struct store *store, const struct events_request *request,
		     struct error *err);

#endif
