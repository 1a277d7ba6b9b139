/* SPDX-License-Identifier: Apache-2.0 */
/* `exec`: one more process in a container that runs. */
#ifndef CONTAINER_EXEC_H
#define CONTAINER_EXEC_H

#include <knarr/config.h>
#include <stdbool.h>

#include "base/error.h"
#include "container/plan.h"
#include "container/store.h"

struct exec_request {
	struct plan_options options; /* .bundle and .cgroup_manager are the container's own */
	const char
		*process_file; /* --process: the whole process object; nothing below counts then */
	struct oci_strings args;
	const char *cwd;	/* NULL: the container's */
	struct oci_strings env; /* behind the container's own */
	const char *user;	/* "UID[:GID]" or NULL */
	struct oci_u32s additional_gids;
	struct oci_strings capabilities; /* added to bounding, effective and permitted */
	const char *apparmor, *label;
	const char *cgroup; /* below the container's, or NULL */
	bool tty, no_new_privileges, ignore_paused;
};

/*
 * The process gets what the container's configuration says of processes: capabilities, rlimits,
 * labels, no_new_privs, seccomp; a --process file replaces what it names. Detached, returns once it
 * has executed; otherwise when it has ended, with its exit status in *ret_status. Takes no lock:
 * the kernel decides whether the container still is.
 */
int container_exec(const struct store *store, const struct exec_request *request, int *ret_status,
		   struct error *err);

#endif
