/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of config-linux.md that have no file of their own. */
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <string.h>

#include "oci-spec/check-rules.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* KTIME_SEC_MAX of the kernel: INT64_MAX nanoseconds in seconds. */
#define OFFSET_SECONDS_MAX INT64_C(9223372036)

void check_namespaces(struct check *check)
{
	const struct oci_namespaces *namespaces = &check->linux->namespaces;
	uint64_t seen = 0;

	for (size_t i = 0; i < namespaces->count; i++) {
		const struct oci_namespace *namespace = &namespaces->items[i];
		const char *name = oci_enum_name(oci_namespace_types, namespace->type);

		if (seen & namespace->type)
			check_error(check_at(check, "namespaces[%zu].type", i),
				    "\"%s\" is there more than once", name ? name : "");
		seen |= namespace->type;
		if (!check_is_empty(namespace->path) && namespace->path[0] != '/')
			check_error(check_at(check, "namespaces[%zu].path", i),
				    "must be an absolute path, not %s",
				    check_show(check, namespace->path));
	}
}

void check_mount_namespace(struct check *check)
{
	bool masked = check->linux->masked_paths.count > 0;

	if (check_find_namespace(check, CLONE_NEWNS))
		return;
	/* Else the host's own files would be hidden from the host. */
	if (masked || check->linux->readonly_paths.count > 0)
		check_error(check_at(check, "%s", masked ? "maskedPaths" : "readonlyPaths"),
			    "needs a namespace of type \"mount\" in linux.namespaces");
	if (check->config->mounts.count > 0)
		check_warning(check_at(check, "namespaces"),
			      "without a namespace of type \"mount\" the container's mounts are "
			      "made in the runtime's");
}

static bool overlap(uint32_t a, uint32_t b, const struct oci_id_mapping *one,
		    const struct oci_id_mapping *other)
{
	return a < (uint64_t)b + other->size && b < (uint64_t)a + one->size;
}

static void check_mapping_overlap(struct check *check, const char *field,
				  const struct oci_id_mappings *mappings, size_t i)
{
	const struct oci_id_mapping *one = &mappings->items[i];

	for (size_t j = 0; j < i; j++) {
		const struct oci_id_mapping *other = &mappings->items[j];
		bool inside = overlap(one->container_id, other->container_id, one, other);

		if (!inside && !overlap(one->host_id, other->host_id, one, other))
			continue;
		check_error(check_at(check, "%s[%zu]", field, i),
			    "its IDs %s the container overlap those of entry %zu",
			    inside ? "in" : "outside", j);
		return;
	}
}

void check_id_mappings(struct check *check, const char *field,
		       const struct oci_id_mappings *mappings)
{
	enum { EXTENTS_MAX = 340 }; /* UID_GID_MAP_MAX_EXTENTS of the kernel */

	if (mappings->count > EXTENTS_MAX) {
		check_error(check_at(check, "%s", field), "has %zu entries, the kernel takes %d",
			    mappings->count, EXTENTS_MAX);
		return;
	}
	for (size_t i = 0; i < mappings->count; i++) {
		const struct oci_id_mapping *mapping = &mappings->items[i];

		/* The last ID, (uid_t)-1, is none. */
		if (mapping->size == 0)
			check_error(check_at(check, "%s[%zu].size", field, i),
				    "must be greater than zero");
		else if (mapping->size > UINT32_MAX - mapping->container_id)
			check_error(check_at(check, "%s[%zu].size", field, i),
				    "containerID and size go beyond the last ID, 4294967294");
		else if (mapping->size > UINT32_MAX - mapping->host_id)
			check_error(check_at(check, "%s[%zu].size", field, i),
				    "hostID and size go beyond the last ID, 4294967294");
		else
			check_mapping_overlap(check, field, mappings, i);
	}
}

void check_user_namespace(struct check *check)
{
	const struct oci_linux *linux = check->linux;
	const struct oci_namespace *user = check_find_namespace(check, CLONE_NEWUSER);
	bool uids = linux->uid_mappings.count > 0, gids = linux->gid_mappings.count > 0;

	if (!user && (uids || gids))
		check_error(check_at(check, "%s", uids ? "uidMappings" : "gidMappings"),
			    "needs a namespace of type \"user\" in linux.namespaces");
	else if (user && check_is_empty(user->path) && !uids && !gids)
		/* Not an error: this is what crun writes for the unprivileged. */
		check_warning(check_at(check, "namespaces[%zu]",
				       (size_t)(user - linux->namespaces.items)),
			      "a new user namespace without linux.uidMappings and "
			      "linux.gidMappings: process.user will be the caller himself");
	else if (uids != gids)
		check_error(check_at(check, "%s", uids ? "uidMappings" : "gidMappings"),
			    "must be given along with %s", uids ? "gidMappings" : "uidMappings");
	check_id_mappings(check, "uidMappings", &linux->uid_mappings);
	check_id_mappings(check, "gidMappings", &linux->gid_mappings);
}

/* time_namespaces(7) */
static void check_time_offset(struct check *check, const struct oci_time_offset *offset)
{
	if (strcmp(offset->clock, "monotonic") != 0 && strcmp(offset->clock, "boottime") != 0)
		check_error(check_at_key(check, "timeOffsets", offset->clock, NULL),
			    "only the clocks \"monotonic\" and \"boottime\" have offsets");
	if (offset->secs > OFFSET_SECONDS_MAX || offset->secs < -OFFSET_SECONDS_MAX)
		check_error(check_at_key(check, "timeOffsets", offset->clock, "secs"),
			    "is more than the %lld seconds that the kernel takes",
			    (long long)OFFSET_SECONDS_MAX);
	if (offset->nanosecs > 999999999)
		check_error(check_at_key(check, "timeOffsets", offset->clock, "nanosecs"),
			    "%u is not between 0 and 999999999", offset->nanosecs);
}

void check_time_offsets(struct check *check)
{
	const struct oci_time_offsets *offsets = &check->linux->time_offsets;
	const struct oci_namespace *time = check_find_namespace(check, CLONE_NEWTIME);

	if (offsets->count == 0)
		return;
	if (!time)
		check_error(check_at(check, "timeOffsets"),
			    "needs a namespace of type \"time\" in linux.namespaces");
	else if (!check_is_empty(time->path))
		check_error(check_at(check, "timeOffsets"),
			    "needs a new time namespace, and linux.namespaces[%zu] joins one",
			    (size_t)(time - check->linux->namespaces.items));
	for (size_t i = 0; i < offsets->count; i++)
		check_time_offset(check, &offsets->items[i]);
}

void check_cgroups_path(struct check *check)
{
	const char *path = check->linux->cgroups_path;

	if (check_is_empty(path))
		return;
	if (check_has_dotdot(path))
		check_error(check_at(check, "cgroupsPath"), "must not have \"..\" in it");
	if (strchr(path, '\n'))
		check_error(check_at(check, "cgroupsPath"), "must not contain a newline");
}

static bool is_domainname(const char *key)
{
	return strcmp(key, "kernel.domainname") == 0 || strcmp(key, "kernel/domainname") == 0;
}

void check_sysctl(struct check *check)
{
	const struct oci_string_map *sysctl = &check->linux->sysctl;

	for (size_t i = 0; i < sysctl->count; i++) {
		const char *key = sysctl->items[i].key, *value = sysctl->items[i].value;

		/* Dots become slashes: "a..b" would name the parent directory, or nothing. */
		if (!key[0])
			check_error(check_at_key(check, "sysctl", key, NULL),
				    "a key must not be empty");
		else if (strstr(key, ".."))
			check_error(check_at_key(check, "sysctl", key, NULL),
				    "a key must not contain \"..\"");
		if (is_domainname(key) && !check_is_empty(check->config->domainname) &&
		    strcmp(value, check->config->domainname) != 0)
			check_error(check_at_key(check, "sysctl", key, NULL),
				    "contradicts domainname, which is %s",
				    check_show(check, check->config->domainname));
		if (strchr(value, '\n'))
			check_error(check_at_key(check, "sysctl", key, NULL),
				    "a value must not contain a newline");
	}
}

static void check_absolute(struct check *check, const char *field, const struct oci_strings *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		if (paths->items[i][0] != '/')
			check_error(check_at(check, "%s[%zu]", field, i),
				    "must be an absolute path, not %s",
				    check_show(check, paths->items[i]));
}

void check_masked_paths(struct check *check)
{
	check_absolute(check, "maskedPaths", &check->linux->masked_paths);
}

void check_readonly_paths(struct check *check)
{
	check_absolute(check, "readonlyPaths", &check->linux->readonly_paths);
}

void check_mount_label(struct check *check)
{
	const char *label = check->linux->mount_label;

	/* It goes between quotes into the mount option context="...". */
	if (label && strpbrk(label, "\"\n"))
		check_error(check_at(check, "mountLabel"),
			    "must not contain a quotation mark or a newline");
}

static bool has_newline(const char *string)
{
	return string && strchr(string, '\n');
}

static void check_clos_id(struct check *check, const char *id)
{
	/* "/" alone is the default class. */
	if (check_is_empty(id) || strcmp(id, "/") == 0)
		return;
	if (strcmp(id, ".") == 0 || strcmp(id, "..") == 0 || strpbrk(id, "/\n"))
		check_error(check_at(check, "intelRdt.closID"),
			    "%s cannot be the name of a directory", check_show(check, id));
}

void check_intel_rdt(struct check *check)
{
	const struct oci_intel_rdt *rdt = check->linux->intel_rdt;

	if (!rdt)
		return;
	check_clos_id(check, rdt->clos_id);
	if (!check_is_empty(rdt->l3_cache_schema) && strncmp(rdt->l3_cache_schema, "L3:", 3) != 0)
		check_warning(check_at(check, "intelRdt.l3CacheSchema"),
			      "should start with \"L3:\"");
	if (has_newline(rdt->l3_cache_schema))
		check_warning(check_at(check, "intelRdt.l3CacheSchema"),
			      "should not contain a newline");
	if (!check_is_empty(rdt->mem_bw_schema) && strncmp(rdt->mem_bw_schema, "MB:", 3) != 0)
		check_error(check_at(check, "intelRdt.memBwSchema"), "must start with \"MB:\"");
	if (has_newline(rdt->mem_bw_schema))
		check_error(check_at(check, "intelRdt.memBwSchema"), "must not contain a newline");
	for (size_t i = 0; i < rdt->schemata.count; i++)
		if (has_newline(rdt->schemata.items[i]))
			check_error(check_at(check, "intelRdt.schemata[%zu]", i),
				    "must not contain a newline");
}

/* Newer than some kernels' headers. */
#define POLICY_WEIGHTED_INTERLEAVE 6
#define POLICY_PREFERRED_MANY	   5

static void check_policy_flags(struct check *check, const struct oci_memory_policy *policy)
{
	uint32_t nodemask = policy->flags & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES);

	if (nodemask == (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES))
		check_error(check_at(check, "memoryPolicy.flags"),
			    "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other");
	else if (nodemask && check_is_empty(policy->nodes))
		check_error(check_at(check, "memoryPolicy.flags"),
			    "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES need nodes");
	if (policy->flags & MPOL_F_NUMA_BALANCING && policy->mode != MPOL_BIND &&
	    policy->mode != POLICY_PREFERRED_MANY)
		check_error(check_at(check, "memoryPolicy.flags"),
			    "MPOL_F_NUMA_BALANCING needs MPOL_BIND or MPOL_PREFERRED_MANY");
}

/* set_mempolicy(2) */
void check_memory_policy(struct check *check)
{
	const struct oci_memory_policy *policy = check->linux->memory_policy;
	const char *name;
	bool nodes;

	if (!policy)
		return;
	nodes = !check_is_empty(policy->nodes);
	name = oci_enum_name(oci_memory_policy_modes, (uint64_t)policy->mode);
	if (!name)
		name = "the mode";
	if (nodes && !check_is_list(policy->nodes))
		check_error(check_at(check, "memoryPolicy.nodes"),
			    "%s is not a list of nodes like \"0-3,7\"",
			    check_show(check, policy->nodes));
	if (nodes && (policy->mode == MPOL_DEFAULT || policy->mode == MPOL_LOCAL))
		check_error(check_at(check, "memoryPolicy.nodes"), "%s takes no nodes", name);
	if (!nodes &&
	    (policy->mode == MPOL_BIND || policy->mode == MPOL_INTERLEAVE ||
	     policy->mode == POLICY_WEIGHTED_INTERLEAVE || policy->mode == POLICY_PREFERRED_MANY))
		check_error(check_at(check, "memoryPolicy.nodes"), "%s needs at least one node",
			    name);
	check_policy_flags(check, policy);
}

void check_personality(struct check *check)
{
	const struct oci_personality *personality = check->linux->personality;

	if (!personality)
		return;
	for (size_t i = 0; i < personality->flags.count; i++)
		check_warning(check_at(check, "personality.flags[%zu]", i),
			      "%s is ignored: the specification has no flags yet",
			      check_show(check, personality->flags.items[i]));
}
