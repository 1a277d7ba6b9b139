/* SPDX-License-Identifier: Apache-2.0 */
/* newuidmap(1) and newgidmap(1): the setuid programs that map what /etc/subuid and /etc/subgid
 * grant. */
#ifndef ISOLATE_IDMAP_TOOL_H
#define ISOLATE_IDMAP_TOOL_H

#include <knarr/config.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * Runs `tool` ("newuidmap") on the process `pid` and waits for it, 10 s at most. It is looked for
 * in the system's directories alone, whatever PATH is, and gets an empty environment. What it
 * prints ends up in the error, which is about `field` of config.json.
 */
int idmap_tool_run(const char *tool, pid_t pid, const struct oci_id_mappings *map,
		   const char *field, struct error *err);

#endif
