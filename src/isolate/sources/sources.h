/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes from the host: bind mount sources and device nodes, as detached mounts.
 *
 * They are cloned from the *container's own copy* of the host's mount tree, after rootfsPropagation
 * has been applied to it. So a clone has the propagation that the configuration asks for, and when
 * the container has its own user namespace the host's mount flags on it are locked: the container's
 * root cannot take "nosuid" or "ro" of a host mount away again.
 *
 * In that same case init has lost the host's privileges and may not be able to reach the source, so
 * a helper of the runtime (which keeps them) joins init's mount namespace and serves its requests
 * over a channel; it also applies id-mapped mounts, which only the host's root may do. Without a
 * user namespace init does it itself. Callers do not see the difference.
 */
#ifndef ISOLATE_SOURCES_H
#define ISOLATE_SOURCES_H

#include "base/error.h"
#include "isolate/sources/request.h"

/* Where clones come from: -EBADF for oneself, else the channel to the helper. */
struct sources {
	int channel;
};

/* In init: gives an owned descriptor of a detached clone. -EPIPE when the helper is gone. */
int sources_clone(const struct sources *sources, const struct sources_request *request, int *ret_fd,
		  struct error *err);

/*
 * In the runtime: forks the helper, which enters the mount namespace of the process behind
 * `init_pidfd`, answers requests that come in on `channel`, its end, and exits when init closes
 * the other end or dies, or when the runtime dies. It keeps none of the runtime's other
 * descriptors. The caller closes its own copy of `channel` and reaps the helper by *ret_pidfd. An
 * unprivileged runtime has no rights that init lacks but its supplementary groups; its helper
 * enters init's user namespace too and keeps those. `mounts` is that mount namespace where such
 * a runtime has no right to look into the process, who made it known itself; else -EBADF.
 */
int sources_serve(int init_pidfd, int mounts, int channel, int *ret_pidfd, struct error *err);

#endif
