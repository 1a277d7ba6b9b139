/* SPDX-License-Identifier: Apache-2.0 */
/* Where a further process of a container goes: below its cgroup, or to where its init has been
 * moved. Nowhere is it left where the caller is. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/path.h"
#include "cgroup/backend.h"
#include "cgroup/host.h"

/* As long as the paths of a dozen hierarchies get. */
#define ENTER_TEXT_MAX (1u << 20)

/* Its paths are what they were, or both new. */
static int enter_rename(struct cgroup_member *member, const char *path, struct error *err)
{
	char *copy = strdup(path), *directory;

	if (asprintf(&directory, "%s%s", member->mount_point, path) < 0)
		directory = NULL;
	if (!copy || !directory) {
		free(copy);
		free(directory);
		return error_errno(err, ENOMEM, "open cgroup");
	}
	free(member->path);
	free(member->directory);
	member->path = copy;
	member->directory = directory;
	return 0;
}

static int cgroup_descend_member(struct cgroup_member *member, const char *below, struct error *err)
{
	auto_free char *path = NULL;
	char clean[PATH_MAX];
	int r;

	if (asprintf(&path, "%s/%s", member->path, below) < 0) {
		path = NULL;
		return error_errno(err, ENOMEM, "open cgroup");
	}
	r = path_clean(path, clean, sizeof(clean));
	if (r < 0)
		return error_errno(err, -r, "open cgroup %s", path);
	r = enter_rename(member, clean, err);
	if (r < 0)
		return r;
	tree_node_clear(&member->node);
	r = tree_open(member->mount_point, clean, &member->node);
	return r < 0 ? error_errno(err, -r, "open cgroup %s", member->directory) : 0;
}

static int cgroup_descend_all(struct cgroup *cgroup, const char *below, struct error *err)
{
	size_t count = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < cgroup->count; i++) {
		if (!cgroup->members[i].path || cgroup->members[i].node.fd < 0)
			continue;
		r = cgroup_descend_member(&cgroup->members[i], below, err);
		count++;
	}
	return r == 0 && count == 0 ? error_set(err, ENOENT, "the container has no cgroup") : r;
}

int cgroup_descend(struct cgroup *cgroup, const char *controller, const char *below,
		   struct error *err)
{
	struct cgroup_member *member;

	if (!controller)
		return cgroup_descend_all(cgroup, below, err);
	if (cgroup->backend == &cgroup_backend_v2) {
		error_set(err, ENOTSUP,
			  "controllers have no hierarchies of their own on cgroup v2");
		return error_hint(err, "give the path alone");
	}
	member = cgroup_member_find(cgroup, controller);
	if (!member || !member->path)
		return error_set(err, ENOENT, "no cgroup v1 hierarchy has the controller %s",
				 controller);
	return cgroup_descend_member(member, below, err);
}

/* The root of a hierarchy is nobody's child, but a process may be in it. */
static int enter_open(const char *mount_point, const char *path, struct tree_node *ret_node)
{
	int fd;

	if (strcmp(path, "/") != 0)
		return tree_open(mount_point, path, ret_node);
	fd = open(mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_node = (struct tree_node){.parent = -EBADF, .fd = fd};
	return 0;
}

static int enter_follow_member(struct cgroup_member *member, const char *own, struct error *err)
{
	auto_free char *path = NULL;
	int r = cgroup_host_own_path(own, member->controllers, &path);

	if (r < 0)
		return error_errno(err, -r,
				   "cgroup %s is gone: look for the one that the container's init "
				   "is in",
				   member->directory);
	if (path_has_dotdot(path))
		return error_set(err, ENOENT,
				 "cgroup %s is gone, and the one that the container's init is in "
				 "cannot be seen from here",
				 member->directory);
	r = enter_open(member->mount_point, path, &member->node);
	if (r < 0)
		return error_errno(err, -r,
				   "cgroup %s is gone: open %s%s, which the container's init is in",
				   member->directory, member->mount_point, path);
	return enter_rename(member, path, err);
}

int cgroup_follow(struct cgroup *cgroup, pid_t init, struct error *err)
{
	auto_free char *own = NULL;
	char file[64];
	int r = 0;

	/* Ordinary users without a cgroup of the container's never had one. */
	if (!cgroup->backend || (cgroup_is_gone(cgroup) && cgroup_host_is_rootless()))
		return 0;
	for (size_t i = 0; i < cgroup->count && r == 0; i++) {
		struct cgroup_member *member = &cgroup->members[i];

		if (!member->path || member->node.fd >= 0)
			continue;
		(void)snprintf(file, sizeof(file), "/proc/%d/cgroup", (int)init);
		if (!own)
			r = io_read_file(AT_FDCWD, file, 0, ENTER_TEXT_MAX, &own, NULL);
		r = r < 0 ? error_errno(err, -r, "read %s", file)
			  : enter_follow_member(member, own, err);
	}
	return r;
}
