/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller of `create`, `run` and `exec` asks for. */
#ifndef CONTAINER_REQUEST_H
#define CONTAINER_REQUEST_H

#include <knarr/config.h>
#include <stdbool.h>

#include "container/plan.h"

struct create_request {
	struct plan_options options;
	const char *config; /* path of config.json */
};

struct run_request {
	struct create_request create;
	bool keep;	   /* do not remove the container when it has ended */
	bool no_subreaper; /* do not become the reaper of the container's orphans */
};

struct exec_request {
	struct plan_options options; /* .bundle and .cgroup_manager are the container's own */
	const char *process_file;    /* --process: the whole object; nothing below counts then */
	struct oci_strings args;
	const char *cwd;	/* NULL: the container's */
	struct oci_strings env; /* behind the container's own */
	const char *user;	/* "UID[:GID]" or NULL */
	struct oci_u32s additional_gids;
	struct oci_strings capabilities; /* added to bounding, effective and permitted */
	const char *apparmor, *label;
	struct oci_strings cgroups; /* below the container's: one path, or "CONTROLLER,...:PATH" */
	struct oci_opt_bool no_new_privileges; /* not set: the container's */
	bool tty, ignore_paused;
};

#endif
