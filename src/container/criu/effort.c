/* SPDX-License-Identifier: Apache-2.0 */
#include "container/criu/effort.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"

/* As many processes are looked at; more of them are at work together, and some of these too. */
#define EFFORT_PROCESSES_MAX 256
#define EFFORT_CHILDREN_MAX  65536

/* Fields 14 to 17 of proc_pid_stat(5): its own time and that of the children it has reaped. */
static uint64_t effort_ticks(pid_t pid)
{
	char path[64], stat[1024], *at;
	uint64_t ticks = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (io_read_small(AT_FDCWD, path, stat, sizeof(stat)) < 0)
		return 0;
	at = strrchr(stat, ')');
	for (int field = 3; at && field <= 17; field++) {
		at = strchr(at + 1, ' ');
		if (at && field >= 14)
			ticks += strtoull(at + 1, NULL, 10);
	}
	return ticks;
}

/* Appends the children of a process: proc_pid_task_children(5), which kernels have that criu can
 * work with (CONFIG_CHECKPOINT_RESTORE). */
static void effort_append_children(pid_t pid, pid_t *pids, size_t *count)
{
	auto_free char *list = NULL;
	char path[64], *save = NULL;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	if (io_read_file(AT_FDCWD, path, 0, EFFORT_CHILDREN_MAX, &list, NULL) < 0)
		return;
	for (char *word = strtok_r(list, " \n", &save); word && *count < EFFORT_PROCESSES_MAX;
	     word = strtok_r(NULL, " \n", &save))
		pids[(*count)++] = (pid_t)strtol(word, NULL, 10);
}

void criu_effort_look(pid_t pid, int work, const char *log, struct criu_effort *ret_effort)
{
	pid_t pids[EFFORT_PROCESSES_MAX] = {pid};
	struct criu_effort effort = {0};
	size_t count = 1;
	struct stat st;

	if (fstatat(work, log, &st, AT_SYMLINK_NOFOLLOW) == 0)
		effort.log = (uint64_t)st.st_size;
	effort_append_children(getpid(), pids, &count);
	for (size_t i = 0; i < count; i++) {
		/* It is among our children, too. */
		if (i == 0 || pids[i] != pid) {
			effort.ticks += effort_ticks(pids[i]);
			effort_append_children(pids[i], pids, &count);
		}
	}
	*ret_effort = effort;
}

bool criu_effort_is_same(const struct criu_effort *a, const struct criu_effort *b)
{
	return a->log == b->log && a->ticks == b->ticks;
}
