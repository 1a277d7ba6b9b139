/* SPDX-License-Identifier: Apache-2.0 */
/* What the two ways to a location share; for location*.c alone. */
#ifndef CGROUP_LOCATION_H
#define CGROUP_LOCATION_H

#include "cgroup/cgroup.h"

struct location_wish {
	const char *path; /* cgroupsPath, or NULL */
	const char *id;
	const char *subgroup; /* the annotation run.oci.systemd.subgroup, or NULL */
};

/* Fills in the unit and what belongs to it; what it made is in *location also on failure. */
int location_plan_systemd(const struct location_wish *wish, const struct cgroup_host *host,
			  struct cgroup_location *location, struct error *err);

/* What no cgroup path may have in it, whoever wrote it. */
int location_check(const char *path, struct error *err);

/* The errors about linux.cgroupsPath, and about memory. */
int location_refuse(struct error *err, const char *path, const char *why);
int location_no_memory(struct error *err);

#endif
