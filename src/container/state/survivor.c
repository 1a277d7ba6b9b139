/* SPDX-License-Identifier: Apache-2.0 */
#include "container/state/survivor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/io.h"
#include "kernel/process.h"

/* A status file has some 60 lines. */
#define SURVIVOR_STATUS_MAX (64 << 10)

size_t survivor_parse_levels(const char *status, pid_t *ret_innermost)
{
	static const char key[] = "\nNSpid:";
	const char *at = strstr(status, key);
	size_t levels = 0;

	if (!at)
		return 0;
	at += strlen(key);
	for (;;) {
		char *end;
		long number;

		at += strspn(at, " \t");
		number = strtol(at, &end, 10);
		if (end == at)
			return levels;
		*ret_innermost = (pid_t)number;
		levels++;
		at = end;
	}
}

static size_t survivor_levels(const char *name, pid_t *ret_innermost)
{
	auto_free char *status = NULL;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%s/status", name);
	if (io_read_file(AT_FDCWD, path, 0, SURVIVOR_STATUS_MAX, &status, NULL) < 0)
		return 0;
	return survivor_parse_levels(status, ret_innermost);
}

static bool survivor_is_first(pid_t pid, size_t our_levels)
{
	pid_t innermost = 0;
	char name[16];

	(void)snprintf(name, sizeof(name), "%d", (int)pid);
	return our_levels > 0 && survivor_levels(name, &innermost) == our_levels + 1 &&
	       innermost == 1;
}

int survivor_find(const pid_t *pids, size_t count, pid_t *ret_pid, int *ret_pidfd)
{
	struct process_identity found = {.pid = 0}, one;
	bool found_first = false;
	pid_t ignored;
	size_t levels = survivor_levels("self", &ignored);
	int fd;

	for (size_t i = 0; i < count && !found_first; i++) {
		if (process_identify(pids[i], -EBADF, &one) < 0)
			continue;
		found_first = survivor_is_first(pids[i], levels);
		if (found_first || found.pid == 0 || one.start_time < found.start_time ||
		    (one.start_time == found.start_time && one.pid < found.pid))
			found = one;
	}
	if (found.pid == 0)
		return -ESRCH;
	fd = process_open(&found, NULL);
	if (fd < 0)
		return fd;
	if (process_is_dead(fd)) {
		fd_close(fd);
		return -ESRCH;
	}
	*ret_pid = found.pid;
	*ret_pidfd = fd;
	return 0;
}
