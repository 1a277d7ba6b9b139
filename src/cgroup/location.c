/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "cgroup/backend.h"
#include "cgroup/location.h"
#include "oci-spec/annotations.h"

void cgroup_location_clear(struct cgroup_location *location)
{
	for (char **directory = location->directories; directory && *directory; directory++)
		free(*directory);
	free(location->directories);
	free(location->path);
	free(location->unit);
	free(location->slice);
	free(location->unit_path);
	free(location->bus);
	free(location->runtime);
	*location = (struct cgroup_location){0};
}

int location_no_memory(struct error *err)
{
	return error_errno(err, ENOMEM, "find the place of the container's cgroup");
}

int location_refuse(struct error *err, const char *path, const char *why)
{
	(void)error_set(err, EINVAL, "\"%s\" %s", path, why);
	return error_at(err, "linux.cgroupsPath");
}

/* What no cgroup path may have in it, whoever wrote it. */
int location_check(const char *path, struct error *err)
{
	for (const char *c = path; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f) {
			/* Not shown: it would break the line that tells of it. */
			(void)error_set(err, EINVAL, "has a control character in it");
			return error_at(err, "linux.cgroupsPath");
		}
	if (path_has_dotdot(path))
		return location_refuse(err, path, "has \"..\" in it");
	for (const char *c = path; *c; c += strspn(c, "/")) {
		size_t n = strcspn(c, "/");

		if (n > NAME_MAX)
			return location_refuse(err, path,
					       "has a name of more than 255 bytes in it");
		c += n;
	}
	return 0;
}

/* cgroupfs: below the mount point, whether it begins with a slash or not. */
static int location_plan_path(const char *path, struct cgroup_location *location, struct error *err)
{
	char joined[PATH_MAX];
	int r = location_check(path, err);

	if (r < 0)
		return r;
	if (snprintf(joined, sizeof(joined), "/%s", path) >= (int)sizeof(joined))
		return location_refuse(err, path, "is longer than a path can be");
	location->path = malloc(sizeof(joined));
	if (!location->path || path_clean(joined, location->path, sizeof(joined)) < 0)
		return location_no_memory(err);
	if (strcmp(location->path, "/") == 0)
		return location_refuse(err, path, "is the root of all cgroups");
	return 0;
}

/* "PARENT/NAME" with one slash. */
static char *location_join(const char *parent, const char *name)
{
	char *path;

	while (*name == '/')
		name++;
	return asprintf(&path, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, name) < 0 ? NULL
											  : path;
}

/* No path in the config: a place of its own beside the runtime (UNIFIED). */
static int location_plan_sibling(const char *id, const struct cgroup_host *host,
				 struct cgroup_location *location, struct error *err)
{
	auto_free char *parent = strdup(host->hierarchies[0].own_path);

	if (!parent)
		return location_no_memory(err);
	/* Outside the cgroup namespace's root (cgroup_namespaces(7)) there is no place for us. */
	if (path_has_dotdot(parent))
		strcpy(parent, "/");
	*(strrchr(parent, '/') + (strrchr(parent, '/') == parent)) = '\0';
	location->path = location_join(parent, id);
	return location->path ? 0 : location_no_memory(err);
}

/* The same below the runtime's own cgroups, which differ by hierarchy (LEGACY). */
static int location_plan_children(const char *id, const struct cgroup_host *host,
				  struct cgroup_location *location, struct error *err)
{
	location->directories = calloc(host->count + 1, sizeof(char *));
	if (!location->directories)
		return location_no_memory(err);
	for (size_t i = 0; i < host->count; i++) {
		const struct cgroup_hierarchy *hierarchy = &host->hierarchies[i];
		const char *own = path_has_dotdot(hierarchy->own_path) ? "/" : hierarchy->own_path;
		auto_free char *path = location_join(own, id);

		if (!path)
			return location_no_memory(err);
		location->directories[i] = location_join(hierarchy->mount_point, path);
		if (!location->directories[i])
			return location_no_memory(err);
		if (i == 0)
			location->path = pointer_take(path);
	}
	return 0;
}

static int location_plan(const struct location_wish *wish, const struct cgroup_host *host,
			 struct cgroup_location *location, struct error *err)
{
	if (host->count == 0) {
		(void)error_set(err, ENOENT,
				"this host has no cgroup hierarchy mounted at or "
				"below " CGROUP_MOUNT_POINT);
		return error_hint(err, "mount cgroup2 there, or use --cgroup-manager=disabled");
	}
	if (location->manager == CGROUP_MANAGER_SYSTEMD)
		return location_plan_systemd(wish, host, location, err);
	if (wish->path)
		return location_plan_path(wish->path, location, err);
	if (strchr(wish->id, '/') || path_has_dotdot(wish->id) || *wish->id == '\0' ||
	    strcmp(wish->id, ".") == 0)
		return error_set(err, EINVAL, "\"%s\" cannot be the name of a cgroup", wish->id);
	if (host->mode == CGROUP_MODE_UNIFIED)
		return location_plan_sibling(wish->id, host, location, err);
	return location_plan_children(wish->id, host, location, err);
}

int cgroup_locate(const struct oci_config *config, const char *id, enum cgroup_manager manager,
		  const struct cgroup_host *host, struct cgroup_location *ret_location,
		  struct error *err)
{
	struct cgroup_location location = {.manager = manager, .mode = host->mode};
	const char *path = config->linux ? config->linux->cgroups_path : NULL;
	struct location_wish wish = {
		.path = path && *path ? path : NULL,
		.id = id,
		.subgroup = oci_annotation_value(&config->annotations, "run.oci.systemd.subgroup"),
	};
	int r = 0;

	if (manager != CGROUP_MANAGER_DISABLED)
		r = location_plan(&wish, host, &location, err);
	if (r < 0) {
		cgroup_location_clear(&location);
		return r;
	}
	*ret_location = location;
	return 0;
}
