/* SPDX-License-Identifier: Apache-2.0 */
#include "container/members.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/text.h"

static int members_compare(const void *a, const void *b)
{
	const struct member *left = a, *right = b;

	return (left->pid > right->pid) - (left->pid < right->pid);
}

void members_spread(struct member *members, size_t count)
{
	bool more = count > 0;

	if (more)
		qsort(members, count, sizeof(*members), members_compare);
	while (more) {
		more = false;
		for (size_t i = 0; i < count; i++) {
			const struct member key = {.pid = members[i].parent}, *parent;

			if (members[i].counts)
				continue;
			parent = bsearch(&key, members, count, sizeof(*members), members_compare);
			members[i].counts = parent && parent->counts;
			more |= members[i].counts;
		}
	}
}

/* Fields 3 and 4 of /proc/PID/stat, behind a name that may hold anything. False: it is gone, or a
 * zombie. */
static bool members_read_parent(const char *name, pid_t *ret_parent)
{
	char path[280], stat[1024], *at, *end;
	long parent;

	(void)snprintf(path, sizeof(path), "/proc/%s/stat", name);
	if (io_read_small(AT_FDCWD, path, stat, sizeof(stat)) < 0)
		return false;
	at = strrchr(stat, ')');
	/* ") S 1234 " */
	if (!at || strlen(at) < 5 || strchr("ZX", at[2]))
		return false;
	parent = strtol(at + 4, &end, 10);
	*ret_parent = (pid_t)parent;
	return *end == ' ';
}

/* The inode of a process's pid namespace; 0 when the caller may not know. */
static uint64_t members_namespace(const char *name)
{
	struct stat st;
	char path[280];

	(void)snprintf(path, sizeof(path), "/proc/%s/ns/pid", name);
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

struct members_list {
	struct member *items;
	size_t count, room;
};

static int members_put(struct members_list *list, const struct member *member)
{
	if (list->count == list->room) {
		size_t room = list->room * 2 + 64;
		struct member *items = realloc(list->items, room * sizeof(*items));

		if (!items)
			return -ENOMEM;
		list->items = items;
		list->room = room;
	}
	list->items[list->count++] = *member;
	return 0;
}

/* All processes of the host that can be seen. `own` is the inode of the container's own pid
 * namespace, or 0. */
static int members_scan(DIR *proc, pid_t init, uint64_t own, struct members_list *list)
{
	const struct dirent *entry;
	int r = 0;

	while (r == 0 && (errno = 0, entry = readdir(proc))) {
		struct member member;
		uint32_t pid;

		if (text_parse_u32(entry->d_name, &pid) < 0 ||
		    !members_read_parent(entry->d_name, &member.parent))
			continue;
		member.pid = (pid_t)pid;
		member.counts =
			member.pid == init || (own != 0 && members_namespace(entry->d_name) == own);
		r = members_put(list, &member);
	}
	return r < 0 ? r : -errno;
}

static int members_copy(const struct members_list *list, pid_t **pids, size_t *count)
{
	pid_t *all = realloc(*pids, (*count + list->count + 1) * sizeof(*all));

	if (!all)
		return -ENOMEM;
	*pids = all;
	for (size_t i = 0; i < list->count; i++) {
		bool known = !list->items[i].counts;

		for (size_t j = 0; !known && j < *count; j++)
			known = all[j] == list->items[i].pid;
		if (!known)
			all[(*count)++] = list->items[i].pid;
	}
	return 0;
}

int members_append(pid_t init, bool private_pid, pid_t **pids, size_t *count, struct error *err)
{
	struct members_list list = {.items = NULL};
	DIR *proc = opendir("/proc");
	char name[16];
	int r;

	if (!proc)
		return error_errno(err, errno, "read /proc");
	(void)snprintf(name, sizeof(name), "%d", (int)init);
	r = members_scan(proc, init, private_pid ? members_namespace(name) : 0, &list);
	(void)closedir(proc);
	if (r == 0) {
		members_spread(list.items, list.count);
		r = members_copy(&list, pids, count);
	}
	free(list.items);
	return r < 0 ? error_errno(err, -r, "find the processes of the container") : 0;
}
