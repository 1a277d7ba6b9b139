/* SPDX-License-Identifier: Apache-2.0 */
#include "container/join.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "isolate/idmap/idmap.h"
#include "kernel/nsfs.h"
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

/* Somebody who is in namespaces. */
struct join_process {
	int pidfd;
	char name[16]; /* in /proc */
	int directory; /* /proc/NAME/ns, once it was needed: each path through /proc is dear */
};

/* By the path, where the kernel cannot be asked through the pidfd (before Linux 6.11). */
static int join_stat_path(struct join_process *process, const char *name, struct stat *ret_st)
{
	char path[64];

	if (process->directory < 0) {
		(void)snprintf(path, sizeof(path), "/proc/%s/ns", process->name);
		process->directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	if (process->directory < 0)
		return -errno;
	return fstatat(process->directory, name, ret_st, 0) < 0 ? -errno : 0;
}

static int join_stat(struct join_process *process, const char *name, uint64_t type,
		     struct stat *ret_st)
{
	auto_close int fd = nsfs_open_of(process->pidfd, type);

	if (fd >= 0 && fstat(fd, ret_st) == 0)
		return 0;
	return join_stat_path(process, name, ret_st);
}

/* Whether both are in the same namespace: 1, 0 or a negative errno. */
static int join_is_shared(struct join_process *a, struct join_process *b, const char *name,
			  uint64_t type)
{
	struct stat st_a = {0}, st_b = {0};
	int r = join_stat(a, name, type, &st_a);

	/* A type that this kernel does not have. */
	if (r == -ENOENT && join_stat(b, name, type, &st_b) == -ENOENT)
		return 1;
	if (r == 0)
		r = join_stat(b, name, type, &st_b);
	return r < 0 ? r : st_a.st_ino == st_b.st_ino && st_a.st_dev == st_b.st_dev;
}

static int join_find(struct join_process *init, struct join_process *self, uint64_t *types,
		     struct error *err)
{
	for (size_t i = 0; i < array_size(join_namespaces); i++) {
		uint64_t type = join_namespaces[i].type;
		int r;

		if (*types & type)
			continue;
		r = join_is_shared(init, self, join_namespaces[i].name, type);
		if (r < 0)
			return error_errno(err, -r, "look at the container's %s namespace",
					   join_namespaces[i].name);
		if (r == 0)
			*types |= type;
	}
	return 0;
}

int join_find_namespaces(pid_t pid, int pidfd, uint64_t fresh, uint64_t *ret_types,
			 struct error *err)
{
	struct join_process init = {.pidfd = pidfd, .directory = -EBADF};
	struct join_process self = {
		.pidfd = sys_pidfd_open(getpid(), 0),
		.name = "self",
		.directory = -EBADF,
	};
	uint64_t types = fresh & ~(uint64_t)CLONE_NEWUSER;
	int r;

	(void)snprintf(init.name, sizeof(init.name), "%d", (int)pid);
	r = join_find(&init, &self, &types, err);
	if (r == 0)
		*ret_types = types;
	fd_close(self.pidfd);
	fd_close(self.directory);
	fd_close(init.directory);
	return r;
}

int join_enter(int pidfd, uint64_t types, struct error *err)
{
	(void)prctl(PR_SET_DUMPABLE, 0);
	types &= ~(uint64_t)(CLONE_NEWPID | CLONE_NEWTIME);
	if (types != 0 && setns(pidfd, (int)types) < 0)
		return error_errno(err, errno, "enter the container's namespaces");
	return types & CLONE_NEWUSER ? idmap_take_root(err) : 0;
}
