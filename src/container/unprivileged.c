/* SPDX-License-Identifier: Apache-2.0 */
#include "container/unprivileged.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/log.h"
#include "container/doctor/doctor.h"
#include "isolate/idmap/choose.h"
#include "kernel/program.h"

/* Directories with a hundred thousand users exist; more than this is none of these files. */
#define UNPRIVILEGED_FILE_MAX ((size_t)16 << 20)

struct unprivileged {
	struct oci_config config;
	struct oci_linux linux_config;
	struct oci_id_mapping uids[IDMAP_CHOSEN_MAX], gids[IDMAP_CHOSEN_MAX];
	bool lacks_tools;
	struct oci_namespace namespaces[];
};

static const struct oci_namespace *unprivileged_find(const struct oci_linux *linux_config)
{
	for (size_t i = 0; linux_config && i < linux_config->namespaces.count; i++)
		if (linux_config->namespaces.items[i].type == CLONE_NEWUSER)
			return &linux_config->namespaces.items[i];
	return NULL;
}

/* config.md has either both maps or none. Root needs no user namespace. */
static bool unprivileged_is_complete(const struct oci_linux *linux_config, uint32_t uid)
{
	const struct oci_namespace *user = unprivileged_find(linux_config);

	if (!user)
		return uid == 0;
	return (user->path && user->path[0]) || linux_config->uid_mappings.count > 0 ||
	       linux_config->gid_mappings.count > 0;
}

static int unprivileged_map(const char *text, const struct unprivileged_caller *caller,
			    uint32_t own, uint32_t inside, struct oci_id_mapping *lines,
			    struct oci_id_mappings *ret_map)
{
	struct idmap_ranges ranges;
	size_t count;
	int r;

	idmap_find_ranges(text, caller->user, caller->uid, &ranges);
	r = idmap_choose(&ranges, own, inside, lines, &count);
	if (r < 0)
		return r;
	*ret_map = (struct oci_id_mappings){lines, count};
	return 0;
}

static int unprivileged_fail(const char *file, const char *field, uint32_t inside,
			     const struct unprivileged_caller *caller, struct error *err)
{
	error_set(
		err, EINVAL,
		"%u cannot be mapped along with 0, which builds the container: %s gives %s no ids",
		inside, file, caller->user);
	error_hint(err, "see subuid(5), subgid(5) and newuidmap(1)");
	return error_at(err, "process.user.%s", field);
}

int unprivileged_plan(const struct oci_config *config, const struct unprivileged_caller *caller,
		      struct unprivileged **ret_changed, struct error *err)
{
	const struct oci_linux *given = config->linux;
	size_t count = given ? given->namespaces.count : 0;
	uint32_t uid = config->process ? config->process->user.uid : 0;
	uint32_t gid = config->process ? config->process->user.gid : 0;
	auto_free struct unprivileged *changed = NULL;
	struct oci_linux *linux_config;

	if (unprivileged_is_complete(given, caller->uid)) {
		*ret_changed = NULL;
		return 0;
	}
	changed = calloc(1, sizeof(*changed) + (count + 1) * sizeof(changed->namespaces[0]));
	if (!changed)
		return error_errno(err, ENOMEM, "prepare a user namespace");
	linux_config = &changed->linux_config;
	if (given)
		*linux_config = *given;
	for (size_t i = 0; i < count; i++)
		changed->namespaces[i] = given->namespaces.items[i];
	if (!unprivileged_find(given))
		changed->namespaces[count++] = (struct oci_namespace){.type = CLONE_NEWUSER};
	linux_config->namespaces = (struct oci_namespaces){changed->namespaces, count};
	if (unprivileged_map(caller->subuids, caller, caller->uid, uid, changed->uids,
			     &linux_config->uid_mappings) < 0)
		return unprivileged_fail("/etc/subuid", "uid", uid, caller, err);
	if (unprivileged_map(caller->subgids, caller, caller->gid, gid, changed->gids,
			     &linux_config->gid_mappings) < 0)
		return unprivileged_fail("/etc/subgid", "gid", gid, caller, err);
	changed->config = *config;
	changed->config.linux = linux_config;
	*ret_changed = pointer_take(changed);
	return 0;
}

/* "" when there is none. */
static int unprivileged_read(const char *path, char **ret_text, struct error *err)
{
	int r = io_read_file(AT_FDCWD, path, 0, UNPRIVILEGED_FILE_MAX, ret_text, NULL);

	if (r == -ENOENT) {
		*ret_text = strdup("");
		r = *ret_text ? 0 : -ENOMEM;
	}
	return r < 0 ? error_errno(err, -r, "read %s", path) : 0;
}

static bool unprivileged_has_tools(void)
{
	char path[PATH_MAX];

	return program_find("newuidmap", path, sizeof(path)) == 0 &&
	       program_find("newgidmap", path, sizeof(path)) == 0;
}

int unprivileged_probe(const struct oci_config *config, struct unprivileged **ret_changed,
		       struct error *err)
{
	auto_free char *passwd = NULL, *subuids = NULL, *subgids = NULL;
	struct unprivileged_caller caller = {.uid = geteuid(), .gid = getegid()};
	bool lacks_tools;
	char user[256];
	int r;

	if (unprivileged_is_complete(config->linux, caller.uid)) {
		*ret_changed = NULL;
		return 0;
	}
	r = unprivileged_read("/etc/passwd", &passwd, err);
	if (r == 0)
		r = unprivileged_read("/etc/subuid", &subuids, err);
	if (r == 0)
		r = unprivileged_read("/etc/subgid", &subgids, err);
	if (r < 0)
		return r;
	/* Not by getpwuid(3), which a static program cannot rely on. */
	(void)snprintf(user, sizeof(user), "%u", caller.uid);
	(void)doctor_find_user(passwd, caller.uid, user, sizeof(user));
	caller.user = user;
	caller.subuids = subuids;
	caller.subgids = subgids;
	lacks_tools = caller.uid != 0 && (subuids[0] || subgids[0]) && !unprivileged_has_tools();
	if (lacks_tools)
		caller.subuids = caller.subgids = "";
	r = unprivileged_plan(config, &caller, ret_changed, err);
	if (r == 0 && *ret_changed)
		(*ret_changed)->lacks_tools = lacks_tools;
	return r;
}

void unprivileged_warn(const struct unprivileged *changed)
{
	if (changed && changed->lacks_tools)
		log_warning("newuidmap or newgidmap is not there: the container has one user and "
			    "one group only");
}

const struct oci_config *unprivileged_config(const struct unprivileged *changed)
{
	return &changed->config;
}
