/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of the host's cgroup2 filesystem, which criu takes away.
 *
 * For its own use criu mounts cgroup2 once more, without options. To the kernel that is an order
 * for the one filesystem there is: "nsdelegate" and others are gone for the whole host, and with
 * them what keeps containers from moving processes out of their cgroup namespace (cgroups(7)).
 */
#ifndef CONTAINER_CRIU_CGROUP_H
#define CONTAINER_CRIU_CGROUP_H

#define CRIU_CGROUP_OPTIONS_MAX 256

/* What is set now: words separated by commas, "" when /sys/fs/cgroup is no cgroup2. */
void criu_cgroup_options(char options[static CRIU_CGROUP_OPTIONS_MAX]);

/* Sets them as they were, if they have changed. What fails is logged. */
void criu_cgroup_mend(const char *options);

/* Pure: those in the text of a mountinfo, which is cut in place. */
void criu_cgroup_parse(char *mountinfo, char options[static CRIU_CGROUP_OPTIONS_MAX]);

#endif
