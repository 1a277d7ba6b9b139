/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's id on its cgroup directories, so that it is found again when its state is lost.
 *
 * trusted.* can be set and seen by root alone, so what it says is true. Users without privileges
 * have user.*, which counts only for those who cannot set trusted.*, and on directories that belong
 * to them: a container that has been given its cgroup, and be its root the host's, could otherwise
 * lead `delete --force` astray.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "cgroup/backend.h"

#define MARK_TRUSTED "trusted.knarr.id"
#define MARK_USER    "user.knarr.id"
#define MARK_NEVER   "trusted.knarr.never" /* set by nobody */
#define MARK_SIZE    1025
/* How many directories a search looks at in one hierarchy. */
#define MARK_SEARCH_MAX 100000

void cgroup_mark_set(int fd, const char *id)
{
	if (fsetxattr(fd, MARK_TRUSTED, id, strlen(id), 0) < 0 &&
	    fsetxattr(fd, MARK_USER, id, strlen(id), 0) < 0)
		log_debug("the cgroup cannot be marked with the container's id: %s",
			  error_name(errno));
}

/* Whether the caller's own marks are user.* ones. Nothing is removed: an attribute that is not
 * there is missed only by those who may remove it. */
static bool mark_is_unprivileged(int fd)
{
	return fremovexattr(fd, MARK_NEVER) < 0 && errno == EPERM;
}

static bool mark_is(int fd, const char *id)
{
	char value[MARK_SIZE];
	ssize_t n = fgetxattr(fd, MARK_TRUSTED, value, sizeof(value));
	struct stat st;

	if (n < 0) {
		n = fgetxattr(fd, MARK_USER, value, sizeof(value));
		if (n < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid() ||
		    !mark_is_unprivileged(fd))
			return false;
	}
	return (size_t)n == strlen(id) && memcmp(value, id, (size_t)n) == 0;
}

/* The search in one hierarchy. */
struct mark_search {
	const char *id;
	char *path; /* found */
};

static int mark_visit(const struct tree_walk *walk, int parent, const char *name, void *data)
{
	struct mark_search *search = data;
	auto_close int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct text path = {0};

	if (fd < 0 || !mark_is(fd, search->id))
		return 0;
	tree_walk_path(walk, &path);
	if (path.failed) {
		text_clear(&path);
		return -ENOMEM;
	}
	search->path = path.data;
	return -ECANCELED; /* enough */
}

/* The marked directory's path in one hierarchy: at `hint` if given and right, else anywhere. */
static int mark_find(const char *mount_point, const char *id, const char *hint, char **ret_path)
{
	struct mark_search search = {.id = id};
	struct tree_node node = TREE_NODE_NONE;
	auto_close int root = -EBADF;
	int r;

	if (hint && tree_open(mount_point, hint, &node) == 0) {
		bool found = mark_is(node.fd, id);

		tree_node_clear(&node);
		if (found) {
			*ret_path = strdup(hint);
			return *ret_path ? 0 : -ENOMEM;
		}
	}
	root = tree_open_mount(mount_point);
	if (root < 0)
		return root;
	r = tree_walk(root, MARK_SEARCH_MAX, mark_visit, &search);
	if (r != -ECANCELED)
		return r < 0 ? r : -ENOENT;
	*ret_path = search.path;
	return 0;
}

int cgroup_find_lost(const char *id, const struct cgroup_host *host,
		     struct cgroup_location *ret_location, struct error *err)
{
	struct cgroup_location location = {.manager = CGROUP_MANAGER_CGROUPFS, .mode = host->mode};
	bool same = true;
	size_t found = 0;
	int r = 0;

	location.directories = calloc(host->count + 1, sizeof(char *));
	if (!location.directories)
		r = -ENOMEM;
	for (size_t i = 0; i < host->count && r == 0; i++) {
		const char *mount_point = host->hierarchies[i].mount_point;
		auto_free char *path = NULL;

		r = mark_find(mount_point, id, location.path, &path);
		if (r == -ENOENT || r == -EACCES) {
			r = 0;
			continue;
		}
		if (r == 0 && asprintf(&location.directories[found], "%s%s", mount_point, path) < 0)
			r = -ENOMEM;
		if (r < 0)
			break;
		found++;
		same = same && (!location.path || strcmp(location.path, path) == 0);
		if (!location.path)
			location.path = pointer_take(path);
	}
	if (r == 0 && found > 0) {
		/* One path for all is told by `path` alone. */
		for (size_t i = 0; same && i < found; i++)
			free(location.directories[i]);
		if (same) {
			free(location.directories);
			location.directories = NULL;
		}
		*ret_location = location;
		return 0;
	}
	cgroup_location_clear(&location);
	return r < 0 ? error_errno(err, -r, "search the cgroups for container %s", id)
		     : error_set(err, ENOENT, "no cgroup is marked as that of container %s", id);
}
