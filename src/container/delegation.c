/* SPDX-License-Identifier: Apache-2.0 */
#include "container/delegation.h"

#include <errno.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/procfs.h"

static bool delegation_is_cgroup(const struct oci_mount *mount)
{
	return mount->type &&
	       (strcmp(mount->type, "cgroup") == 0 || strcmp(mount->type, "cgroup2") == 0) &&
	       strcmp(mount->destination, "/sys/fs/cgroup") == 0;
}

bool delegation_plan(const struct plan *plan)
{
	const struct mounts_step *last = NULL;

	if (plan->cgroup_host.mode != CGROUP_MODE_UNIFIED ||
	    !(plan->namespaces.fresh & CLONE_NEWCGROUP))
		return false;
	for (size_t i = 0; i < plan->mounts.count; i++)
		if (delegation_is_cgroup(plan->mounts.steps[i].config))
			last = &plan->mounts.steps[i];
	return last && !(last->options.set & MOUNT_ATTR_RDONLY);
}

/*
 * The kernel's word on who init is: it has been through the maps of its user namespace, also of one
 * that was joined and whose maps the configuration need not tell.
 */
static int delegation_user(pid_t pid, int procfs, uint32_t *ret_uid, struct error *err)
{
	static const char field[] = "\nUid:\t";
	char path[32], status[4096];
	const char *line;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%d/status", (int)pid);
	n = procfs_read(procfs, path, status, sizeof(status));
	if (n < 0)
		return error_errno(err, (int)-n, "read /proc/%s", path);
	line = strstr(status, field); /* real, effective, saved, file system */
	if (!line || line[strlen(field)] < '0' || line[strlen(field)] > '9')
		return error_set(err, EBADMSG, "/proc/%s names no user", path);
	*ret_uid = (uint32_t)strtoul(line + strlen(field), NULL, 10);
	return 0;
}

int delegation_apply(const struct plan *plan, const struct cgroup *cgroup, pid_t pid, int procfs,
		     struct error *err)
{
	uint32_t uid;
	int r = delegation_user(pid, procfs, &uid, err);

	if (r < 0)
		return r;
	r = cgroup_delegate(cgroup, uid, err);
	if (r == -EPERM && plan->cgroup_host.rootless) {
		error_clear(err);
		return 0;
	}
	return r < 0 ? error_wrap(err, "cgroup") : 0;
}
