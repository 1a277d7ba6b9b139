/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of sources.h. */
#ifndef ISOLATE_SOURCES_REQUEST_H
#define ISOLATE_SOURCES_REQUEST_H

#include <stdbool.h>
#include <sys/types.h>

#include "isolate/idmap/idmap.h"

struct sources_request {
	const char *path; /* absolute, in the host's view */
	bool recursive;	  /* rbind */
	bool nofollow;	  /* do not follow a last symbolic link */
	/* When not 0: the source must be a character device of this number, else -ENODEV. */
	dev_t device;
	/*
	 * An id-mapped clone (mount_setattr(2), MOUNT_ATTR_IDMAP; spec: idmap, ridmap), with the
	 * maps given here (host ids as the runtime's user namespace numbers them) or those of the
	 * user namespace that the container is in. It takes root of the user namespace that the
	 * filesystem belongs to.
	 */
	const struct idmap_plan *idmap;
	bool idmap_container;
	bool idmap_recursive;
};

#endif
