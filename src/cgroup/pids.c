/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a cgroup and those below it: who they are, and signals to them. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "cgroup/backend.h"
#include "kernel/process.h"
#include "kernel/syscalls.h"

/* How many pidfds a signal to all holds at a time. */
#define PIDS_BATCH 128

void tree_pids_clear(struct tree_pids *pids)
{
	free(pids->items);
	*pids = (struct tree_pids){0};
}

static int tree_pids_add(struct tree_pids *pids, pid_t pid)
{
	if (pid == 0) { /* cgroups(7): a process of a pid namespace that is not below ours */
		pids->foreign++;
		return 0;
	}
	if (pids->count == pids->size) {
		size_t size = pids->size ? pids->size * 2 : 32;
		pid_t *items = realloc(pids->items, size * sizeof(*items));

		if (!items)
			return -ENOMEM;
		pids->items = items;
		pids->size = size;
	}
	pids->items[pids->count++] = pid;
	return 0;
}

static int tree_pids_read_one(int dirfd, const char *name, struct tree_pids *pids)
{
	auto_close int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char buffer[4096];
	pid_t pid = 0;
	bool digits = false;

	if (fd < 0)
		return errno == ENOENT || errno == ENODEV ? 0 : -errno;
	for (;;) {
		ssize_t n = read(fd, buffer, sizeof(buffer));

		if (n < 0 && errno == EINTR)
			continue;
		/* A threaded cgroup: its processes are those of the domain above (cgroups(7)). */
		if (n < 0)
			return errno == EOPNOTSUPP || errno == ENODEV ? 0 : -errno;
		if (n == 0)
			return digits ? tree_pids_add(pids, pid) : 0;
		for (ssize_t i = 0; i < n; i++) {
			int r = 0;

			if (buffer[i] >= '0' && buffer[i] <= '9') {
				pid = pid * 10 + (buffer[i] - '0');
				digits = true;
				continue;
			}
			if (digits)
				r = tree_pids_add(pids, pid);
			if (r < 0)
				return r;
			pid = 0;
			digits = false;
		}
	}
}

static int tree_pids_visit(const struct tree_walk *walk, int parent, const char *name, void *data)
{
	char file[NAME_MAX + sizeof("/cgroup.procs")];

	(void)snprintf(file, sizeof(file), "%s/cgroup.procs", name);
	return tree_pids_read_one(parent, file, data);
}

int tree_pids_read(int fd, struct tree_pids *pids)
{
	int r = tree_pids_read_one(fd, "cgroup.procs", pids);

	if (r < 0)
		return r;
	r = tree_walk(fd, TREE_WALK_MAX, tree_pids_visit, pids);
	return r == -ENOENT || r == -ENODEV ? 0 : r;
}

static int pids_compare(const void *a, const void *b)
{
	const pid_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* All hierarchies have the same processes, or should: what is in any of them counts, once. */
static int pids_read_all(const struct cgroup *cgroup, struct tree_pids *pids)
{
	size_t unique = 0;
	int r = 0;

	for (size_t i = 0; i < cgroup->count && r == 0; i++) {
		size_t foreign = pids->foreign;

		pids->foreign = 0;
		if (cgroup->members[i].node.fd >= 0)
			r = tree_pids_read(cgroup->members[i].node.fd, pids);
		if (pids->foreign < foreign)
			pids->foreign = foreign;
	}
	if (r < 0 || pids->count == 0 || cgroup->count < 2)
		return r;
	qsort(pids->items, pids->count, sizeof(*pids->items), pids_compare);
	for (size_t i = 0; i < pids->count; i++)
		if (i == 0 || pids->items[i] != pids->items[unique - 1])
			pids->items[unique++] = pids->items[i];
	pids->count = unique;
	return 0;
}

/*
 * A pid that was read may be another process's by the time it is opened. What is still in the
 * cgroup after its pidfd has been opened is the process the pidfd refers to, or one that is in the
 * cgroup, too.
 */
static int pids_signal_batch(const struct cgroup *cgroup, pid_t *items, size_t count, int signal)
{
	struct tree_pids again = {0};
	int pidfds[PIDS_BATCH], failed = 0, r;

	qsort(items, count, sizeof(*items), pids_compare);
	for (size_t i = 0; i < count; i++)
		pidfds[i] = sys_pidfd_open(items[i], 0);
	r = pids_read_all(cgroup, &again);
	for (size_t i = 0; r == 0 && i < again.count; i++) {
		const pid_t *item =
			bsearch(&again.items[i], items, count, sizeof(*items), pids_compare);
		int sent = 0;

		if (item && pidfds[item - items] >= 0)
			sent = process_signal(pidfds[item - items], signal);
		if (sent < 0 && sent != -ESRCH)
			failed = sent;
	}
	for (size_t i = 0; i < count; i++)
		fd_close(pidfds[i]);
	tree_pids_clear(&again);
	return r < 0 ? r : failed;
}

int cgroup_signal_all(const struct cgroup *cgroup, int signal, struct error *err)
{
	struct tree_pids pids = {0};
	int r = pids_read_all(cgroup, &pids);

	for (size_t i = 0; i < pids.count && r == 0; i += PIDS_BATCH) {
		size_t left = pids.count - i;

		r = pids_signal_batch(cgroup, pids.items + i, left < PIDS_BATCH ? left : PIDS_BATCH,
				      signal);
	}
	tree_pids_clear(&pids);
	return r < 0 ? error_errno(err, -r,
				   "send signal %d to the processes of the container's cgroup",
				   signal)
		     : 0;
}

int cgroup_pids(const struct cgroup *cgroup, pid_t **ret_pids, size_t *ret_count, struct error *err)
{
	struct tree_pids pids = {0};
	int r = pids_read_all(cgroup, &pids);

	if (r < 0) {
		tree_pids_clear(&pids);
		return error_errno(err, -r, "read the processes of the container's cgroup");
	}
	*ret_pids = pids.items;
	*ret_count = pids.count;
	return 0;
}

/* "17 (sh), 18 (sleep) and 3 more" */
static void pids_describe(const struct tree_pids *pids, struct text *text)
{
	size_t shown = pids->count < 8 ? pids->count : 8;
	size_t more = pids->count - shown + pids->foreign;

	for (size_t i = 0; i < shown; i++) {
		char path[64], comm[64];

		(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pids->items[i]);
		if (io_read_small(AT_FDCWD, path, comm, sizeof(comm)) < 0)
			strcpy(comm, "?");
		/* A process names itself as it likes. */
		text_make_line(comm);
		text_format(text, "%s%d (%s)", i ? ", " : "", (int)pids->items[i], comm);
	}
	if (more > 0)
		text_format(text, "%s%zu %s", shown ? " and " : "", more,
			    shown ? "more" : "process(es) of another pid namespace");
}

int cgroup_explain_survivors(const struct cgroup *cgroup, const char *directory, struct error *err)
{
	auto_text struct text text = {0};
	struct tree_pids pids = {0};

	(void)pids_read_all(cgroup, &pids);
	if (pids.count + pids.foreign == 0) {
		tree_pids_clear(&pids);
		return error_errno(err, EBUSY, "remove cgroup %s", directory);
	}
	pids_describe(&pids, &text);
	tree_pids_clear(&pids);
	return error_set(err, EBUSY, "cgroup %s cannot be removed, processes are left in it: %s",
			 directory, text.data ? text.data : "?");
}

int cgroup_refuse_used(const struct cgroup_member *member, bool populated, struct error *err)
{
	struct tree_pids pids = {0};
	int r = tree_pids_read(member->node.fd, &pids);
	size_t count = pids.count + pids.foreign;

	tree_pids_clear(&pids);
	if (r < 0)
		return error_errno(err, -r, "read cgroup.procs of cgroup %s", member->directory);
	if (count == 0 && !populated)
		return 0;
	error_set(err, EBUSY, "container's cgroup is not empty: %zu process(es) found in %s", count,
		  member->directory);
	return error_hint(err, "another container may use the same cgroupsPath");
}
