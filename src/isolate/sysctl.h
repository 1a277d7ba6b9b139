/* SPDX-License-Identifier: Apache-2.0 */
/* linux.sysctl: only those that a namespace of the container's own keeps apart from the host. */
#ifndef ISOLATE_SYSCTL_H
#define ISOLATE_SYSCTL_H

#include <knarr/config.h>
#include <stddef.h>

#include "base/error.h"
#include "isolate/namespaces.h"

/* Pure: refuses a key that no namespace keeps apart, one whose namespace is the host's (by
 * absence), and a newline in a value. */
int sysctl_plan(const struct oci_linux *linux_config, const struct namespaces_plan *namespaces,
		struct error *err);

/* What sysctl_plan() cannot know: refuses a key whose namespace is joined and turns out to be the
 * caller's own. Before namespaces_fork(). */
int sysctl_check_joined(const struct oci_linux *linux_config,
			const struct namespaces_plan *namespaces, const struct namespaces_fds *fds,
			struct error *err);

/* Pure: the path below /proc/sys of a key. -EINVAL when it is none, -ENAMETOOLONG. */
int sysctl_path(const char *key, char *out, size_t size);

/* In the container's namespaces. Both "net.ipv4.ip_forward" and "net/ipv4/ip_forward" forms; dots
 * and slashes swap roles as sysctl(8) has it (net/ipv4/conf/eth0.1/...). */
int sysctl_apply(const struct oci_string_map *sysctl, int procfs, struct error *err);

#endif
