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

void cgroup_location_clear(struct cgroup_location *location)
{
	for (char **directory = location->directories; directory && *directory; directory++)
		free(*directory);
	free(location->directories);
	free(location->path);
	free(location->unit);
	free(location->slice);
	*location = (struct cgroup_location){0};
}

static int location_no_memory(struct error *err)
{
	return error_errno(err, ENOMEM, "find the place of the container's cgroup");
}

static int location_refuse(struct error *err, const char *path, const char *why)
{
	(void)error_set(err, EINVAL, "\"%s\" %s", path, why);
	return error_at(err, "linux.cgroupsPath");
}

/* What no cgroup path may have in it, whoever wrote it. */
static int location_check(const char *path, struct error *err)
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

/*
 * systemd's tree of slices is in their names (systemd.slice(5)): "a-b.slice" lies in "a.slice", and
 * "-.slice" is the root.
 */
static int location_expand_slice(const char *slice, struct text *path)
{
	size_t length = strlen(slice);

	if (length < sizeof("x.slice") - 1 || strcmp(slice + length - 6, ".slice") != 0 ||
	    strchr(slice, '/'))
		return -EINVAL;
	if (strcmp(slice, "-.slice") == 0)
		return 0;
	length -= 6;
	if (slice[0] == '-' || slice[length - 1] == '-')
		return -EINVAL;
	for (size_t i = 1; i <= length; i++) {
		if (i < length && slice[i] != '-')
			continue;
		if (slice[i - 1] == '-')
			return -EINVAL;
		text_format(path, "/%.*s.slice", (int)i, slice);
	}
	return 0;
}

/* "slice:prefix:name" in its parts; the parts may be empty but for the name. */
struct location_unit {
	char slice[256], prefix[256], name[256];
};

static int location_split(const char *path, struct location_unit *unit)
{
	const char *first = strchr(path, ':'), *second = first ? strchr(first + 1, ':') : NULL;

	if (!second || strchr(second + 1, ':') || strchr(path, '/') || second[1] == '\0')
		return -EINVAL;
	if ((size_t)(first - path) >= sizeof(unit->slice) ||
	    (size_t)(second - first - 1) >= sizeof(unit->prefix) ||
	    strlen(second + 1) >= sizeof(unit->name))
		return -ENAMETOOLONG;
	(void)snprintf(unit->slice, sizeof(unit->slice), "%.*s", (int)(first - path), path);
	(void)snprintf(unit->prefix, sizeof(unit->prefix), "%.*s", (int)(second - first - 1),
		       first + 1);
	(void)snprintf(unit->name, sizeof(unit->name), "%s", second + 1);
	return 0;
}

static int location_plan_systemd(const char *path, const struct cgroup_host *host,
				 struct cgroup_location *location, struct error *err)
{
	auto_text struct text directory = {0};
	struct location_unit unit;
	size_t length;
	int r = location_check(path, err);

	if (r < 0)
		return r;
	if (location_split(path, &unit) < 0) {
		/* runc's words, which its users search for. */
		error_set(err, EINVAL,
			  "expected cgroupsPath to be of format \"slice:prefix:name\" for systemd "
			  "cgroups, got \"%s\" instead",
			  path);
		error_at(err, "linux.cgroupsPath");
		return error_hint(err,
				  "for example system.slice:knarr:NAME; a path wants the cgroupfs "
				  "manager");
	}
	if (unit.slice[0] == '\0')
		strcpy(unit.slice, host->rootless && host->mode == CGROUP_MODE_UNIFIED
					   ? "user.slice"
					   : "system.slice");
	if (location_expand_slice(unit.slice, &directory) < 0)
		return location_refuse(err, unit.slice, "is not the name of a systemd slice");
	length = strlen(unit.name);
	if (length > 6 && strcmp(unit.name + length - 6, ".slice") == 0)
		location->unit = strdup(unit.name);
	else if (asprintf(&location->unit, "%s%s%s.scope", unit.prefix, unit.prefix[0] ? "-" : "",
			  unit.name) < 0)
		location->unit = NULL;
	location->slice = strdup(unit.slice);
	if (!location->unit || !location->slice)
		return location_no_memory(err);
	if (strlen(location->unit) > NAME_MAX)
		return location_refuse(err, path, "makes a unit name of more than 255 bytes");
	text_format(&directory, "/%s", location->unit);
	if (directory.failed)
		return location_no_memory(err);
	location->path = directory.data;
	directory = (struct text){0};
	return 0;
}

static int location_plan(const char *path, const char *id, const struct cgroup_host *host,
			 struct cgroup_location *location, struct error *err)
{
	char unit[512];

	if (host->count == 0) {
		(void)error_set(err, ENOENT,
				"this host has no cgroup hierarchy mounted at or "
				"below " CGROUP_MOUNT_POINT);
		return error_hint(err, "mount cgroup2 there, or use --cgroup-manager=disabled");
	}
	if (location->manager == CGROUP_MANAGER_SYSTEMD) {
		if (snprintf(unit, sizeof(unit), ":knarr:%s", id) >= (int)sizeof(unit))
			return location_refuse(err, id, "is too long for the name of a unit");
		return location_plan_systemd(path && *path ? path : unit, host, location, err);
	}
	if (path && *path)
		return location_plan_path(path, location, err);
	if (strchr(id, '/') || path_has_dotdot(id) || *id == '\0' || strcmp(id, ".") == 0)
		return error_set(err, EINVAL, "\"%s\" cannot be the name of a cgroup", id);
	if (host->mode == CGROUP_MODE_UNIFIED)
		return location_plan_sibling(id, host, location, err);
	return location_plan_children(id, host, location, err);
}

int cgroup_locate(const struct oci_linux *linux_config, const char *id, enum cgroup_manager manager,
		  const struct cgroup_host *host, struct cgroup_location *ret_location,
		  struct error *err)
{
	struct cgroup_location location = {.manager = manager, .mode = host->mode};
	int r = 0;

	if (manager != CGROUP_MANAGER_DISABLED)
		r = location_plan(linux_config ? linux_config->cgroups_path : NULL, id, host,
				  &location, err);
	if (r < 0) {
		cgroup_location_clear(&location);
		return r;
	}
	*ret_location = location;
	return 0;
}
