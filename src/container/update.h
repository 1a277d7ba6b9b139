/* SPDX-License-Identifier: Apache-2.0 */
/* `update`: other limits for a container that there is. */
#ifndef CONTAINER_UPDATE_H
#define CONTAINER_UPDATE_H

#include <knarr/config.h>

#include "base/error.h"
#include "container/state/store.h"

struct update_request {
	const char *id;
	/* --resources: a file with a linux.resources object, "-" is the standard input. NULL: */
	const char *file;
	const struct oci_resources *resources;	     /* what single options say */
	const char *l3_cache_schema, *mem_bw_schema; /* lines of resctrl, or NULL */
};

/*
 * Changes what the request names and nothing else, or nothing at all: when a value is refused,
 * those that were written before it are put back. What holds then is remembered (settings.h).
 */
int container_update(const struct store *store, const struct update_request *request,
		     struct error *err);

#endif
