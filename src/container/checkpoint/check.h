/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What criu would refuse with odd words, or dump and then not restore: it is to be known before the
 * container is ended, and before there are images.
 */
#ifndef CONTAINER_CHECKPOINT_CHECK_H
#define CONTAINER_CHECKPOINT_CHECK_H

#include <knarr/config.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct checkpoint_subject {
	const char *id;
	const struct oci_config *config;
	const char *rootfs; /* on the host */
	const char *cgroups_mode;
	pid_t init;
	int root;	/* of init, O_PATH */
	uint64_t types; /* CLONE_NEW* of its namespaces that are not the caller's own */
};

/*
 * -ENOTSUP for a user namespace that would not come back (user.h, or one that the configuration
 * does not have), and for an init that has changed its root: criu looks at everything from there,
 * and begins what it restores at the root of the configuration. By chroot(2) it is not at the root
 * of its mount namespace any more; by pivot_root(2), in a mount namespace of its own, that is
 * another one than the container's. Other processes may be where they like.
 */
int checkpoint_check(const struct checkpoint_subject *subject, struct error *err);

#endif
