/* SPDX-License-Identifier: Apache-2.0 */
/* `checkpoint` and `restore`: a container's processes as files, and back (criu(8)). */
#ifndef CONTAINER_CHECKPOINT_H
#define CONTAINER_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "container/request.h"
#include "container/state/store.h"

/* What both take. Paths are absolute. */
struct criu_flags {
	const char *image_path;
	const char *work_path;	  /* for criu's log; NULL: the same */
	const char *cgroups_mode; /* --manage-cgroups-mode; NULL: criu_cgroup_find_mode() */
	const char *network_lock; /* --network-lock; NULL: the same */
	bool tcp_established, ext_unix_sk, shell_job, file_locks, auto_dedup, lazy_pages;
};

struct checkpoint_request {
	const char *id;
	struct criu_flags flags;
	const char *parent_path;	 /* relative to the image path, or NULL */
	const char *page_server_address; /* or NULL */
	uint32_t page_server_port;
	int status_fd; /* of --lazy-pages: gets a NUL when they can be fetched; or -1 */
	bool leave_running, pre_dump, tcp_skip_in_flight, link_remap;
};

/*
 * Writes the container into request->flags.image_path, which is made if it is not there. Unless it
 * is left running (or this is a pre-dump) the container is then removed, as by delete. On failure
 * it goes on as it was.
 */
int container_checkpoint(const struct store *store, const struct checkpoint_request *request,
			 struct error *err);

struct restore_request {
	struct create_request create; /* .options.detach: do not wait for its end */
	struct criu_flags flags;
	const char *lsm_profile, *lsm_mount_context;
	bool tcp_close, no_subreaper;
};

/*
 * Makes the container of a bundle anew, and its processes from request->flags.image_path. It runs
 * when this returns; in the foreground, when it has ended, with its exit status.
 */
int container_restore(const struct store *store, const struct restore_request *request,
		      int *ret_status, struct error *err);

/* What both ask of criu by their flags. */
int criu_put_flags(struct text *options, const struct criu_flags *flags, struct error *err);

/* In the image directory. */
#define CHECKPOINT_DESCRIPTORS "descriptors.json"  /* where stdio of init led, as other runtimes */
#define CHECKPOINT_MOUNTS      "knarr-mounts.json" /* names of mounts that come from the host */
#define CHECKPOINT_SLAVES      "knarr-slaves.json" /* which of them follow which of the host's */

/* What a namespace that is joined by path is called towards criu. */
#define CHECKPOINT_NET_KEY "extRootNetNS"
#define CHECKPOINT_PID_KEY "extRootPidNS"

#endif
