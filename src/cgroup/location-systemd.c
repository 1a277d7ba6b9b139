/* SPDX-License-Identifier: Apache-2.0 */
/* "slice:prefix:name" to a unit of systemd, and to where that has its cgroup. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "cgroup/location.h"

/* What may be in the name of a unit (systemd.unit(5)). */
#define UNIT_LETTERS                                                     \
	"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
	":-_.\\@"
/* The cgroup of a scope's container on UNIFIED, unless the annotation names another. */
#define UNIT_SUBGROUP "container"

static bool unit_is_slice(const char *name)
{
	size_t length = strlen(name);

	return length > 6 && strcmp(name + length - 6, ".slice") == 0;
}

bool cgroup_location_is_slice(const struct cgroup_location *location)
{
	return location->unit && unit_is_slice(location->unit);
}

/*
 * A unit's directory has its name, unless that could be one of the kernel's own files there: then
 * systemd puts an underscore before it (its cg_escape()).
 */
static void location_append_directory(struct text *path, const char *name, size_t length)
{
	static const char *const files[] = {
		"cgroup.",
		"cpu.",
		"cpuacct.",
		"cpuset.",
		"io.",
		"blkio.",
		"memory.",
		"devices.",
		"pids.",
		/* What systemd does by programs it counts among the controllers. */
		"bpf-firewall.",
		"bpf-devices.",
		"bpf-foreign.",
		"bpf-socket-bind.",
		"bpf-restrict-network-interfaces.",
	};
	bool escape = name[0] == '_' || name[0] == '.';

	for (size_t i = 0; i < array_size(files); i++)
		escape = escape || strncmp(name, files[i], strlen(files[i])) == 0;
	text_format(path, "/%s%.*s", escape ? "_" : "", (int)length, name);
}

/*
 * systemd's tree of slices is in their names (systemd.slice(5)): "a-b.slice" lies in "a.slice", and
 * "-.slice" is the root.
 */
static int location_expand_slice(const char *slice, struct text *path)
{
	size_t length = strlen(slice);

	if (!unit_is_slice(slice) || slice[strspn(slice, UNIT_LETTERS)] != '\0')
		return -EINVAL;
	if (strcmp(slice, "-.slice") == 0)
		return 0;
	length -= 6;
	if (slice[0] == '-' || slice[length - 1] == '-')
		return -EINVAL;
	for (size_t i = 1; i <= length; i++) {
		char name[NAME_MAX + 1];

		if (i < length && slice[i] != '-')
			continue;
		if (slice[i - 1] == '-' ||
		    snprintf(name, sizeof(name), "%.*s.slice", (int)i, slice) >= (int)sizeof(name))
			return -EINVAL;
		location_append_directory(path, name, strlen(name));
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

/* Letters that a unit's name may not have, though a container's id may ('+'), as "\x2b". */
static void location_escape_unit(struct text *out, const char *name)
{
	for (; *name; name++) {
		if (strchr(UNIT_LETTERS, *name))
			text_append_bytes(out, name, 1);
		else
			text_format(out, "\\x%02x", (unsigned int)(unsigned char)*name);
	}
}

static int location_name_unit(const struct location_unit *unit, struct cgroup_location *location,
			      struct error *err)
{
	auto_text struct text name = {0};

	if (unit_is_slice(unit->name)) {
		text_append(&name, unit->name);
	} else {
		location_escape_unit(&name, unit->prefix);
		text_append(&name, unit->prefix[0] ? "-" : "");
		location_escape_unit(&name, unit->name);
		text_append(&name, ".scope");
	}
	location->slice = strdup(unit->slice);
	if (name.failed || !location->slice)
		return location_no_memory(err);
	location->unit = name.data;
	name = (struct text){0};
	return 0;
}

/* The cgroup of the unit, below systemd's own. */
static int location_find_unit(const char *root, struct cgroup_location *location, struct error *err)
{
	auto_text struct text directory = {0};
	bool slice = cgroup_location_is_slice(location);

	text_append(&directory, root);
	if (location_expand_slice(location->slice, &directory) < 0)
		return location_refuse(err, location->slice, "is not the name of a systemd slice");
	if (slice) {
		/* A slice is where its own name says. */
		text_clear(&directory);
		text_append(&directory, root);
		if (location_expand_slice(location->unit, &directory) < 0 ||
		    strcmp(location->unit, "-.slice") == 0)
			return location_refuse(err, location->unit,
					       "is not the name of a systemd slice");
	} else {
		location_append_directory(&directory, location->unit, strlen(location->unit));
	}
	if (directory.failed)
		return location_no_memory(err);
	location->unit_path = directory.data;
	directory = (struct text){0};
	return 0;
}

static int location_find_group(const char *subgroup, struct cgroup_location *location,
			       struct error *err)
{
	bool own = location->mode == CGROUP_MODE_UNIFIED && !cgroup_location_is_slice(location);
	char joined[PATH_MAX];
	int r;

	if (!subgroup)
		subgroup = own ? UNIT_SUBGROUP : "";
	r = location_check(subgroup, err);
	if (r < 0)
		return r;
	if (snprintf(joined, sizeof(joined), "%s/%s", location->unit_path, subgroup) >=
	    (int)sizeof(joined))
		return location_refuse(err, subgroup, "is longer than a path can be");
	location->path = malloc(sizeof(joined));
	if (!location->path || path_clean(joined, location->path, sizeof(joined)) < 0)
		return location_no_memory(err);
	return 0;
}

static int location_copy_manager(const struct cgroup_host *host, struct cgroup_location *location,
				 struct error *err)
{
	location->bus = strdup(host->systemd ? host->systemd->bus : "");
	location->runtime = strdup(host->systemd ? host->systemd->runtime : "");
	return location->bus && location->runtime ? 0 : location_no_memory(err);
}

static int location_refuse_format(const char *path, struct error *err)
{
	/* runc's words, which its users search for. */
	error_set(err, EINVAL,
		  "expected cgroupsPath to be of format \"slice:prefix:name\" for systemd "
		  "cgroups, got \"%s\" instead",
		  path);
	error_at(err, "linux.cgroupsPath");
	return error_hint(err, "for example system.slice:knarr:NAME; a path wants the cgroupfs "
			       "manager");
}

int location_plan_systemd(const struct location_wish *wish, const struct cgroup_host *host,
			  struct cgroup_location *location, struct error *err)
{
	const char *root = host->systemd ? host->systemd->root : "";
	const char *path = wish->path;
	struct location_unit unit;
	char own[512];
	int r;

	if (!path) {
		if (snprintf(own, sizeof(own), ":knarr:%s", wish->id) >= (int)sizeof(own))
			return location_refuse(err, wish->id, "is too long for the name of a unit");
		path = own;
	}
	r = location_check(path, err);
	if (r < 0)
		return r;
	if (location_split(path, &unit) < 0)
		return location_refuse_format(path, err);
	if (unit.slice[0] == '\0')
		strcpy(unit.slice, host->rootless && host->mode == CGROUP_MODE_UNIFIED
					   ? "user.slice"
					   : "system.slice");
	r = location_name_unit(&unit, location, err);
	if (r == 0 && strlen(location->unit) > NAME_MAX)
		return location_refuse(err, path, "makes a unit name of more than 255 bytes");
	if (r == 0)
		r = location_find_unit(root, location, err);
	if (r == 0 && location_find_group(wish->subgroup, location, err) < 0) {
		/* Not the path's fault. */
		err->field[0] = '\0';
		return error_at(err, "annotations[\"run.oci.systemd.subgroup\"]");
	}
	return r < 0 ? r : location_copy_manager(host, location, err);
}
