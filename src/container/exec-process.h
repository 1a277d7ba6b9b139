/* SPDX-License-Identifier: Apache-2.0 */
/* The process object of an exec: the container's own, a file's, and the command line's, merged.
 * Pure but for reading the file. */
#ifndef CONTAINER_EXEC_PROCESS_H
#define CONTAINER_EXEC_PROCESS_H

#include "container/bundle.h"
#include "container/request.h"

struct exec_process {
	struct oci_process process; /* what is to run; its strings belong to the parts below */
	struct bundle file;	    /* of --process, for the places of errors */
	struct oci_capabilities capabilities;
	/* Lists that were made here; free with exec_process_clear. */
	char **env;
	uint32_t *gids;
	char **sets[4];
};

int exec_process_make(const struct exec_request *request, const struct oci_process *container,
		      struct exec_process *ret_process, struct error *err);
void exec_process_clear(struct exec_process *process);

/* Puts the place in front of an error about the process: in the --process file, or nowhere. */
int exec_process_locate(const struct exec_process *process, struct error *err);

#endif
