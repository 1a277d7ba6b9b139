/* SPDX-License-Identifier: Apache-2.0 */
#include "container/checkpoint/user.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "isolate/idmap/idmap.h"

/* As what an id that is not mapped is shown. Before it is root of the user namespace criu sends its
 * own so, by a socket, where the kernel takes only ids that are mapped. */
#define CHECKPOINT_OVERFLOW_ID 65534

static bool checkpoint_is_mapped(const struct oci_mount *mount)
{
	if (mount->uid_mappings.count > 0 || mount->gid_mappings.count > 0)
		return true;
	for (size_t i = 0; i < mount->options.count; i++)
		if (strcmp(mount->options.items[i], "idmap") == 0 ||
		    strcmp(mount->options.items[i], "ridmap") == 0)
			return true;
	return false;
}

static int checkpoint_check_overflow(const struct oci_id_mappings *map, const char *kind,
				     struct error *err)
{
	uint32_t id;

	if (idmap_to_host(map, CHECKPOINT_OVERFLOW_ID, &id) == 0)
		return 0;
	error_set(err, ENOTSUP, "criu cannot restore a user namespace that does not map %d",
		  CHECKPOINT_OVERFLOW_ID);
	return error_at(err, "linux.%sMappings", kind);
}

static int checkpoint_check_own(const struct oci_linux *linux_config, bool managed,
				struct error *err)
{
	int r = checkpoint_check_overflow(&linux_config->uid_mappings, "uid", err);

	if (r == 0)
		r = checkpoint_check_overflow(&linux_config->gid_mappings, "gid", err);
	if (r < 0 || managed)
		return r;
	error_set(err, ENOTSUP,
		  "criu can restore a user namespace only where it makes the cgroups in it, too");
	return error_hint(
		err,
		"it does so where cgroup v2 is all there is, and for --manage-cgroups-mode soft");
}

bool checkpoint_has_user(const struct oci_config *config)
{
	const struct oci_linux *linux_config = config->linux;

	for (size_t i = 0; linux_config && i < linux_config->namespaces.count; i++)
		if (linux_config->namespaces.items[i].type == CLONE_NEWUSER)
			return true;
	return false;
}

int checkpoint_check_user(const struct oci_config *config, bool managed, struct error *err)
{
	const struct oci_linux *linux_config = config->linux;
	bool user = checkpoint_has_user(config);

	for (size_t i = 0; i < config->mounts.count; i++) {
		if (!checkpoint_is_mapped(&config->mounts.items[i]))
			continue;
		error_set(err, ENOTSUP, "criu cannot map the ids of a mount");
		return error_at(err, "mounts[%zu]", i);
	}
	for (size_t i = 0; user && i < linux_config->namespaces.count; i++) {
		const struct oci_namespace *namespace = &linux_config->namespaces.items[i];

		if (!namespace->path || !namespace->path[0])
			continue;
		error_set(err, ENOTSUP,
			  namespace->type == CLONE_NEWUSER
				  ? "criu cannot restore into a user namespace that is joined"
				  : "criu cannot restore a user namespace beside a namespace that "
				    "is joined");
		return error_at(err, "linux.namespaces[%zu].path", i);
	}
	return user ? checkpoint_check_own(linux_config, managed, err) : 0;
}

static bool checkpoint_has_line(const struct oci_id_mappings *map,
				const struct oci_id_mapping *wanted)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct oci_id_mapping *line = &map->items[i];

		if (line->container_id == wanted->container_id &&
		    line->host_id == wanted->host_id && line->size == wanted->size)
			return true;
	}
	return false;
}

static bool checkpoint_take_number(const char **text, uint32_t *ret_number)
{
	const char *at = *text + strspn(*text, " \n");
	unsigned long number;
	char *end;

	if (*at < '0' || *at > '9')
		return false;
	errno = 0;
	number = strtoul(at, &end, 10);
	if (errno != 0 || number > UINT32_MAX)
		return false;
	*ret_number = (uint32_t)number;
	*text = end + strspn(end, " \n");
	return true;
}

bool checkpoint_has_map(const char *text, const struct oci_id_mappings *map)
{
	size_t count = 0;

	/* The kernel's lines do not overlap, so no two of them are alike. */
	while (*text) {
		struct oci_id_mapping line;

		if (!checkpoint_take_number(&text, &line.container_id) ||
		    !checkpoint_take_number(&text, &line.host_id) ||
		    !checkpoint_take_number(&text, &line.size) || !checkpoint_has_line(map, &line))
			return false;
		count++;
	}
	return count == map->count;
}
