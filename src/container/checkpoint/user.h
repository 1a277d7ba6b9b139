/* SPDX-License-Identifier: Apache-2.0 */
/* Containers with a user namespace or mapped ids: what of them criu makes again as it was. Pure. */
#ifndef CONTAINER_CHECKPOINT_USER_H
#define CONTAINER_CHECKPOINT_USER_H

#include <knarr/config.h>
#include <stdbool.h>

#include "base/error.h"

/* Whether the container has a user namespace by its configuration, of its own or joined. */
bool checkpoint_has_user(const struct oci_config *config);

/*
 * -ENOTSUP for what would come back as something else, or not at all: mounts whose ids are mapped
 * (criu knows nothing of that); a user namespace that is joined (criu makes a new one); other
 * namespaces that are joined beside one of its own (only the host's root may enter them); maps
 * without the id 65534 (criu 4.1 needs that one itself). And for a user namespace unless cgroups
 * are `managed` (criu_cgroup_find_mode()): a cgroup namespace that is inherited is not the
 * container's, and its cgroups cannot be mounted there.
 */
int checkpoint_check_user(const struct oci_config *config, bool managed, struct error *err);

/* Whether the text of /proc/PID/uid_map, or gid_map, says the same as `map`, in any order. */
bool checkpoint_has_map(const char *text, const struct oci_id_mappings *map);

#endif
