/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What knarr adds to the configuration, as crun does: the maps of a user namespace that names none,
 * and for a caller who is not root the namespace itself, without which he can have no container. So
 * configurations that were written for root, and those of `crun spec --rootless`, run.
 */
#ifndef CONTAINER_UNPRIVILEGED_H
#define CONTAINER_UNPRIVILEGED_H

#include <knarr/config.h>

#include "base/error.h"

/* Who calls, and what subuid(5) and subgid(5) give him. Strings are the caller's. */
struct unprivileged_caller {
	uint32_t uid, gid;
	const char *user;	       /* his login name, or his number */
	const char *subuids, *subgids; /* the texts of the two files */
};

/* A configuration and all that it has beyond the one that it was made of; one free(3). */
struct unprivileged;

/*
 * Pure. *ret_changed is NULL when there is nothing to add: there is a user namespace that is joined
 * or has maps, or the caller is root and there is none. Fails when process.user cannot be mapped.
 * The result points into `config`.
 */
int unprivileged_plan(const struct oci_config *config, const struct unprivileged_caller *caller,
		      struct unprivileged **ret_changed, struct error *err);

/*
 * The same for the process's own user, with the files of /etc. Without newuidmap(1) and
 * newgidmap(1) he is given his own id alone, unless he is root.
 */
int unprivileged_probe(const struct oci_config *config, struct unprivileged **ret_changed,
		       struct error *err);

/* Logs what he lacks, when the container has come to be. NULL is fine. */
void unprivileged_warn(const struct unprivileged *changed);

const struct oci_config *unprivileged_config(const struct unprivileged *changed);

#endif
