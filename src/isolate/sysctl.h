/* SPDX-License-Identifier: Apache-2.0 */
/* linux.sysctl: only those that a namespace of the container's own keeps apart from the host. */
#ifndef ISOLATE_SYSCTL_H
#define ISOLATE_SYSCTL_H

#include <knarr/config.h>

#include "base/error.h"
#include "isolate/namespaces.h"

/* Pure: refuses a key that is not namespaced, or whose namespace is the host's (by absence). */
int sysctl_plan(const struct oci_linux *linux_config, const struct namespaces_plan *namespaces,
		struct error *err);

/* In the container's namespaces. Both "net.ipv4.ip_forward" and "net/ipv4/ip_forward" forms; dots
 * and slashes swap roles as sysctl(8) has it (net/ipv4/conf/eth0.1/...). */
int sysctl_apply(const struct oci_string_map *sysctl, int procfs, struct error *err);

#endif
