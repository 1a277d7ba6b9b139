/* SPDX-License-Identifier: Apache-2.0 */
#include "container/join.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "isolate/idmap/idmap.h"
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

/* The directory is opened once: each path through /proc costs more than what it leads to. */
static int join_open_directory(const char *process)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%s/ns", process);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Whether init's and ours are the same namespace: 1, 0 or a negative errno. */
static int join_is_own(int theirs_dir, int ours_dir, const char *name)
{
	struct stat theirs, ours;

	if (fstatat(theirs_dir, name, &theirs, 0) < 0) {
		/* A type that this kernel does not have. */
		if (errno == ENOENT && fstatat(ours_dir, name, &ours, 0) < 0)
			return 1;
		return -errno;
	}
	if (fstatat(ours_dir, name, &ours, 0) < 0)
		return -errno;
	return theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev;
}

int join_find_namespaces(pid_t init, uint64_t fresh, uint64_t *ret_types, struct error *err)
{
	auto_close int theirs = -EBADF, ours = -EBADF;
	uint64_t types = fresh & ~(uint64_t)CLONE_NEWUSER;
	char pid[16];
	int r;

	(void)snprintf(pid, sizeof(pid), "%d", (int)init);
	theirs = join_open_directory(pid);
	if (theirs < 0)
		return error_errno(err, -theirs, "look at the container's namespaces");
	ours = join_open_directory("self");
	if (ours < 0)
		return error_errno(err, -ours, "look at /proc/self/ns");
	for (size_t i = 0; i < array_size(join_namespaces); i++) {
		if (types & join_namespaces[i].type)
			continue;
		r = join_is_own(theirs, ours, join_namespaces[i].name);
		if (r < 0)
			return error_errno(err, -r, "look at the container's %s namespace",
					   join_namespaces[i].name);
		if (r == 0)
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
