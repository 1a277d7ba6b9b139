/* SPDX-License-Identifier: Apache-2.0 */
/* A container's cgroup as one thing: made, opened, entered, given away. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "cgroup/backend.h"
#include "cgroup/host.h"
#include "cgroup/systemd/systemd.h"

struct cgroup_member *cgroup_member_find(const struct cgroup *cgroup, const char *controller)
{
	if (cgroup->backend == &cgroup_backend_v2)
		return &cgroup->members[0];
	for (size_t i = 0; i < cgroup->count; i++) {
		const char *controllers = cgroup->members[i].controllers;

		if (*controller ? cgroup_list_has(controllers, ',', controller)
				: *controllers == '\0')
			return &cgroup->members[i];
	}
	return NULL;
}

void cgroup_free(struct cgroup *cgroup)
{
	if (!cgroup)
		return;
	for (size_t i = 0; i < cgroup->count; i++) {
		struct cgroup_member *member = &cgroup->members[i];

		tree_node_clear(&member->node);
		fd_close(member->tasks);
		free(member->controllers);
		free(member->mount_point);
		free(member->path);
		free(member->directory);
	}
	free(cgroup->members);
	systemd_unit_free(cgroup->unit);
	free(cgroup);
}

char *cgroup_member_path(const struct cgroup_location *location, const char *mount_point)
{
	size_t length = strlen(mount_point);

	if (!location->directories)
		return strdup(location->path);
	for (char **directory = location->directories; *directory; directory++)
		if (strncmp(*directory, mount_point, length) == 0 && (*directory)[length] == '/')
			return strdup(*directory + length);
	return NULL;
}

static int cgroup_member_init(struct cgroup_member *member, const struct cgroup_location *location,
			      const struct cgroup_hierarchy *hierarchy)
{
	*member = (struct cgroup_member){.node = TREE_NODE_NONE, .tasks = -EBADF};
	member->controllers = strdup(hierarchy->controllers);
	member->mount_point = strdup(hierarchy->mount_point);
	member->path = cgroup_member_path(location, hierarchy->mount_point);
	if (!member->controllers || !member->mount_point)
		return -ENOMEM;
	/* A hierarchy that was not mounted when the container was made has nothing of it. */
	if (!member->path)
		return location->directories ? 0 : -ENOMEM;
	return asprintf(&member->directory, "%s%s", member->mount_point, member->path) < 0 ? -ENOMEM
											   : 0;
}

static struct cgroup *cgroup_new(const struct cgroup_location *location,
				 const struct cgroup_host *host, struct error *err)
{
	struct cgroup *cgroup = calloc(1, sizeof(*cgroup));
	int r = cgroup ? 0 : -ENOMEM;

	if (r == 0 && location->manager != CGROUP_MANAGER_DISABLED) {
		cgroup->backend = location->mode == CGROUP_MODE_UNIFIED ? &cgroup_backend_v2
									: &cgroup_backend_v1;
		cgroup->members = calloc(host->count + 1, sizeof(*cgroup->members));
		r = cgroup->members ? 0 : -ENOMEM;
		for (size_t i = 0; i < host->count && r == 0; i++) {
			cgroup->count++;
			r = cgroup_member_init(&cgroup->members[i], location,
					       &host->hierarchies[i]);
			if (r < 0)
				break;
		}
	}
	if (r < 0) {
		cgroup_free(cgroup);
		error_errno(err, -r, "prepare the container's cgroup");
		return NULL;
	}
	if (location->manager == CGROUP_MANAGER_SYSTEMD) {
		cgroup->unit = systemd_unit_new(location, err);
		if (!cgroup->unit) {
			cgroup_free(cgroup);
			return NULL;
		}
	}
	return cgroup;
}

/* Back to before: what has been made is removed, and nothing else. */
static void cgroup_unmake(struct cgroup *cgroup)
{
	if (cgroup->unit)
		systemd_unit_leave(cgroup->unit);
	for (size_t i = 0; i < cgroup->count; i++) {
		struct cgroup_member *member = &cgroup->members[i];

		size_t made = member->node.made;

		/* First, should it be descriptors that are lacking. */
		tree_node_clear(&member->node);
		if (made > 0)
			tree_unmake(member->mount_point, member->path, made);
		member->tasks = fd_close(member->tasks);
	}
}

static int cgroup_make_all(struct cgroup *cgroup, const struct cgroup_host *host, struct error *err)
{
	int r = cgroup->unit ? cgroup_unit_check_place(cgroup, err) : 0;

	for (size_t i = 0; i < cgroup->count && r == 0; i++) {
		struct cgroup_member *member = &cgroup->members[i];

		if (member->path)
			r = tree_make(member->mount_point, member->path, cgroup->backend->made,
				      member, &member->node, err);
	}
	if (r == 0 && cgroup->unit)
		r = cgroup_unit_settle(cgroup, err);
	return r < 0 ? r : cgroup->backend->settle(cgroup, host, err);
}

static int cgroup_make(struct cgroup *cgroup, const struct cgroup_request *request,
		       struct error *err)
{
	const struct oci_linux *linux_config = request->config->linux;
	int r = cgroup_make_all(cgroup, request->host, err);

	/* Marked only now: a cgroup that turned out to be another's keeps its mark. */
	for (size_t i = 0; i < cgroup->count && r == 0; i++)
		if (cgroup->members[i].node.fd >= 0)
			cgroup_mark_set(cgroup->members[i].node.fd, request->mark);
	if (r == 0)
		r = cgroup_prepare_enter(cgroup, err);
	if (r == 0)
		return 0;
	r = cgroup_unit_explain(cgroup, linux_config ? linux_config->resources : NULL, r, err);
	cgroup_unmake(cgroup);
	return r;
}

int cgroup_create(const struct cgroup_request *request, struct cgroup **ret_cgroup,
		  struct error *err)
{
	const struct cgroup_host *host = request->host;
	struct cgroup *cgroup = cgroup_new(request->location, host, err);
	int r = 0;

	if (!cgroup)
		return -ENOMEM;
	if (cgroup->unit)
		r = cgroup_unit_start(cgroup, request, err);
	if (r == 0 && cgroup->backend) {
		r = cgroup_make(cgroup, request, err);
		if (r < 0 && cgroup->unit)
			cgroup_unit_stop(cgroup);
	}
	/* Users without delegated cgroups run their containers in the cgroup they are in. */
	if ((r == -EACCES || r == -EPERM || r == -EROFS) && host->rootless && !cgroup->unit) {
		log_debug("no cgroup for the container: %s", err->message);
		cgroup->denied = -r;
		error_clear(err);
		r = 0;
	}
	if (r < 0)
		cgroup_free(cgroup);
	else
		*ret_cgroup = cgroup;
	return r;
}

bool cgroup_is_absent(const struct cgroup *cgroup)
{
	return !cgroup->backend || cgroup->denied != 0;
}

static int cgroup_open_all(struct cgroup *cgroup, struct error *err)
{
	for (size_t i = 0; i < cgroup->count; i++) {
		struct cgroup_member *member = &cgroup->members[i];
		int r;

		if (!member->path)
			continue;
		r = tree_open(member->mount_point, member->path, &member->node);
		if (r < 0 && r != -ENOENT && r != -ENODEV)
			return error_errno(err, -r, "open cgroup %s", member->directory);
	}
	return 0;
}

int cgroup_find_host(const struct cgroup_location *location, struct cgroup_host *ret_host,
		     struct error *err)
{
	enum cgroup_mode mode;
	int r = cgroup_host_mode(&mode, err);

	if (r < 0)
		return r;
	if (location->mode != mode) {
		error_set(err, ENOTSUP,
			  "the container's cgroup is one of cgroup %s, but %s is cgroup %s here",
			  location->mode == CGROUP_MODE_UNIFIED ? "v2" : "v1", CGROUP_MOUNT_POINT,
			  mode == CGROUP_MODE_UNIFIED ? "v2" : "v1");
		return error_hint(err, "run the command where the container was created");
	}
	if (mode == CGROUP_MODE_UNIFIED)
		return cgroup_host_parse_unified("", ret_host, err);
	return cgroup_host_detect(ret_host, err);
}

int cgroup_open(const struct cgroup_location *location, struct cgroup **ret_cgroup,
		struct error *err)
{
	struct cgroup_host host = {.mode = location->mode};
	struct cgroup *cgroup;
	int r = 0;

	if (location->manager != CGROUP_MANAGER_DISABLED)
		r = cgroup_find_host(location, &host, err);
	if (r < 0)
		return r;
	cgroup = cgroup_new(location, &host, err);
	cgroup_host_clear(&host);
	if (!cgroup)
		return error_negative(-err->number);
	r = cgroup_open_all(cgroup, err);
	if (r < 0) {
		cgroup_free(cgroup);
		return r;
	}
	*ret_cgroup = cgroup;
	return 0;
}

int cgroup_clone_fd(const struct cgroup *cgroup)
{
	const struct cgroup_member *unified = cgroup_member_find(cgroup, "");

	return unified ? unified->node.fd : -EBADF;
}

int cgroup_explain_clone(const struct cgroup *cgroup, int number, struct error *err)
{
	const struct cgroup_member *unified = cgroup_member_find(cgroup, "");
	char type[64] = "";

	error_errno(err, number, "clone a process into cgroup %s",
		    unified ? unified->directory : "");
	if (!unified || unified->node.fd < 0)
		return -err->number;
	switch (number) {
	case EBUSY:
		return error_hint(err,
				  "it passes controllers on to cgroups below it, so it can have no "
				  "processes (cgroups(7))");
	case EOPNOTSUPP:
		(void)tree_read(unified->node.fd, "cgroup.type", type, sizeof(type));
		return error_hint(err, "it is of type \"%s\": a cgroup above it is threaded", type);
	case EACCES:
	case EPERM:
		return error_hint(err,
				  "the cgroup above both this process and the container is not "
				  "delegated to this user");
	case EAGAIN:
		return error_hint(err, "pids.max may be reached");
	case ENODEV:
	case ENOENT:
		return error_hint(err, "somebody has removed it");
	default:
		return -err->number;
	}
}

int cgroup_prepare_enter(struct cgroup *cgroup, struct error *err)
{
	for (size_t i = 0; i < cgroup->count; i++) {
		struct cgroup_member *member = &cgroup->members[i];

		if (*member->controllers == '\0' || member->node.fd < 0 || member->tasks >= 0)
			continue;
		member->tasks = openat(member->node.fd, "tasks", O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
		if (member->tasks < 0)
			return error_errno(err, errno, "open tasks of cgroup %s",
					   member->directory);
	}
	return 0;
}

int cgroup_enter_self(const struct cgroup *cgroup, struct error *err)
{
	for (size_t i = 0; i < cgroup->count; i++) {
		const struct cgroup_member *member = &cgroup->members[i];

		if (member->tasks >= 0 && write(member->tasks, "0", 1) != 1)
			return error_errno(err, errno, "enter cgroup %s", member->directory);
	}
	return 0;
}

/* The files that come with a delegation: those the kernel lists, or the three of cgroups(7). */
static int cgroup_delegate_files(int fd, const char *directory, uint32_t uid, struct error *err)
{
	char list[1024] = "cgroup.procs\ncgroup.threads\ncgroup.subtree_control", *save = NULL;

	(void)tree_read(AT_FDCWD, "/sys/kernel/cgroup/delegate", list, sizeof(list));
	for (char *file = strtok_r(list, "\n", &save); file; file = strtok_r(NULL, "\n", &save)) {
		if (strchr(file, '/'))
			continue;
		/* The list is of all controllers, enabled or not. */
		if (fchownat(fd, file, uid, (gid_t)-1, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
			return error_errno(err, errno, "give %s of cgroup %s to user %" PRIu32,
					   file, directory, uid);
	}
	return 0;
}

int cgroup_delegate(const struct cgroup *cgroup, uint32_t uid, struct error *err)
{
	const struct cgroup_member *member;

	if (cgroup->backend != &cgroup_backend_v2 || cgroup->members[0].node.fd < 0)
		return 0;
	member = &cgroup->members[0];
	if (fchown(member->node.fd, uid, (gid_t)-1) < 0)
		return error_errno(err, errno, "give cgroup %s to user %" PRIu32, member->directory,
				   uid);
	return cgroup_delegate_files(member->node.fd, member->directory, uid, err);
}

bool cgroup_is_gone(const struct cgroup *cgroup)
{
	for (size_t i = 0; i < cgroup->count; i++)
		if (cgroup->members[i].node.fd >= 0)
			return false;
	return true;
}

const char *cgroup_directory(const struct cgroup *cgroup, size_t i)
{
	return i < cgroup->count && cgroup->members[i].node.fd >= 0 ? cgroup->members[i].directory
								    : NULL;
}

int cgroup_is_frozen(const struct cgroup *cgroup, bool *ret_frozen, struct error *err)
{
	*ret_frozen = false;
	if (!cgroup->backend || cgroup_is_gone(cgroup))
		return 0;
	return cgroup->backend->is_frozen(cgroup, ret_frozen, err);
}

int cgroup_freeze(const struct cgroup *cgroup, bool freeze, int64_t deadline, struct error *err)
{
	struct error ignored = ERROR_INIT;
	int r;

	if (cgroup_is_absent(cgroup) || cgroup_is_gone(cgroup)) {
		error_set(err, ENOTSUP, "the container has no cgroup, which freezing needs");
		return error_hint(err,
				  "it was created with --cgroup-manager=disabled, or without the "
				  "right to make one");
	}
	r = cgroup->backend->freeze(cgroup, freeze, deadline, err);
	/* Half frozen is neither here nor there. */
	if (r < 0 && freeze)
		(void)cgroup->backend->freeze(cgroup, false, deadline, &ignored);
	return r;
}

void cgroup_memory_events(const struct cgroup *cgroup, struct cgroup_memory_events *ret_events)
{
	*ret_events = (struct cgroup_memory_events){.limit = UINT64_MAX};
	if (!cgroup_is_gone(cgroup))
		cgroup->backend->memory_events(cgroup, ret_events);
}

uint64_t cgroup_oom_kills(const struct cgroup *cgroup)
{
	return cgroup_is_gone(cgroup) ? 0 : cgroup->backend->oom_kills(cgroup);
}
