/* SPDX-License-Identifier: Apache-2.0 */
#include "container/join.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "isolate/idmap.h"
#include "kernel/syscalls.h"

/* Types of namespaces, and what procfs calls them. */
static const struct {
	uint64_t type;
	const char *name;
} join_namespaces[] = {
	{CLONE_NEWUSER, "user"},     {CLONE_NEWNS, "mnt"},    {CLONE_NEWPID, "pid"},
	{CLONE_NEWNET, "net"},	     {CLONE_NEWIPC, "ipc"},   {CLONE_NEWUTS, "uts"},
	{CLONE_NEWCGROUP, "cgroup"}, {CLONE_NEWTIME, "time"},
};

/* Which namespaces of init are not our own. */
int join_find_namespaces(pid_t init, uint64_t *ret_types, struct error *err)
{
	uint64_t types = 0;

	for (size_t i = 0; i < array_size(join_namespaces); i++) {
		struct stat theirs, ours;
		char path[64];

		(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)init,
			       join_namespaces[i].name);
		if (stat(path, &theirs) < 0) {
			(void)snprintf(path, sizeof(path), "/proc/self/ns/%s",
				       join_namespaces[i].name);
			/* A type that this kernel does not have. */
			if (errno == ENOENT && stat(path, &ours) < 0)
				continue;
			return error_errno(err, errno, "look at the container's %s namespace",
					   join_namespaces[i].name);
		}
		(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", join_namespaces[i].name);
		if (stat(path, &ours) < 0)
			return error_errno(err, errno, "look at %s", path);
		if (theirs.st_ino != ours.st_ino || theirs.st_dev != ours.st_dev)
			types |= join_namespaces[i].type;
	}
	*ret_types = types;
	return 0;
}

int join_enter(int pidfd, uint64_t types, struct error *err)
{
	(void)prctl(PR_SET_DUMPABLE, 0);
	types &= ~(uint64_t)(CLONE_NEWPID | CLONE_NEWTIME);
	if (types != 0 && setns(pidfd, (int)types) < 0)
		return error_errno(err, errno, "enter the container's namespaces");
	return types & CLONE_NEWUSER ? idmap_take_root(err) : 0;
}
