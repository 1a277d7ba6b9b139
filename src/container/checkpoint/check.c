/* SPDX-License-Identifier: Apache-2.0 */
#include "container/checkpoint/check.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container/checkpoint/user.h"
#include "container/criu/cgroup.h"

static bool checkpoint_joins_mounts(const struct oci_config *config)
{
	const struct oci_linux *linux_config = config->linux;

	for (size_t i = 0; linux_config && i < linux_config->namespaces.count; i++)
		if (linux_config->namespaces.items[i].type == CLONE_NEWNS &&
		    linux_config->namespaces.items[i].path &&
		    linux_config->namespaces.items[i].path[0])
			return true;
	return false;
}

/* A mount point: engines mount the root of a user namespace where only its creation sees it. */
static bool checkpoint_is_empty(const char *path)
{
	DIR *stream = opendir(path);
	const struct dirent *entry;
	size_t count = 0;

	if (!stream)
		return false;
	while ((entry = readdir(stream)) && count <= 2)
		count++;
	(void)closedir(stream);
	return count <= 2;
}

static int checkpoint_check_root(const struct checkpoint_subject *subject, struct error *err)
{
	char path[64], root[PATH_MAX];
	struct stat own, rootfs;
	ssize_t n;

	/* In the host's mount namespace criu goes by its own root. */
	if (!(subject->types & CLONE_NEWNS))
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/root", (int)subject->init);
	n = readlink(path, root, sizeof(root) - 1);
	if (n < 0)
		return error_errno(err, errno, "look at the container's root");
	root[n] = '\0';
	if (strcmp(root, "/") != 0) {
		error_set(err, ENOTSUP,
			  "%s: its first process has changed its root directory to %s, which criu "
			  "cannot checkpoint",
			  subject->id, root);
		return error_hint(err, "other processes of the container may do so");
	}
	if (checkpoint_joins_mounts(subject->config))
		return 0;
	if (fstat(subject->root, &own) < 0)
		return error_errno(err, errno, "look at the container's root");
	if (stat(subject->rootfs, &rootfs) < 0 ||
	    (own.st_dev == rootfs.st_dev && own.st_ino == rootfs.st_ino) ||
	    checkpoint_is_empty(subject->rootfs))
		return 0;
	return error_set(err, ENOTSUP,
			 "%s: its first process has another root than %s, and would not come back "
			 "there",
			 subject->id, subject->rootfs);
}

int checkpoint_check(const struct checkpoint_subject *subject, struct error *err)
{
	bool managed;
	int r = criu_cgroup_find_mode(subject->cgroups_mode, &managed, err);

	if (r == 0)
		r = checkpoint_check_user(subject->config, managed, err);
	if (r < 0)
		return r;
	if (subject->types & CLONE_NEWUSER && !checkpoint_has_user(subject->config))
		return error_set(err, ENOTSUP,
				 "%s: it is in a user namespace that its configuration does not "
				 "have, and could not be restored",
				 subject->id);
	return checkpoint_check_root(subject, err);
}
