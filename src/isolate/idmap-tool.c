/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/idmap-tool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "kernel/process.h"
#include "kernel/syscalls.h"

#define IDMAP_TOOL_MS 10000

/* TOOL PID, and three arguments for each line of the map. */
struct idmap_tool_arguments {
	char **argv;
	struct text numbers; /* what argv points into: NUL after each */
};

static void idmap_tool_clear(struct idmap_tool_arguments *arguments)
{
	free(arguments->argv);
	text_clear(&arguments->numbers);
}

static void idmap_tool_number(struct idmap_tool_arguments *arguments, uint32_t number)
{
	text_format(&arguments->numbers, "%u", number);
	text_append_bytes(&arguments->numbers, "", 1);
}

static int idmap_tool_arguments(const char *tool, pid_t pid, const struct oci_id_mappings *map,
				struct idmap_tool_arguments *arguments)
{
	size_t count = 1 + 3 * map->count;
	char *at;

	arguments->argv = calloc(count + 2, sizeof(char *));
	if (!arguments->argv)
		return -ENOMEM;
	idmap_tool_number(arguments, (uint32_t)pid);
	for (size_t i = 0; i < map->count; i++) {
		idmap_tool_number(arguments, map->items[i].container_id);
		idmap_tool_number(arguments, map->items[i].host_id);
		idmap_tool_number(arguments, map->items[i].size);
	}
	if (arguments->numbers.failed)
		return -ENOMEM;
	arguments->argv[0] = (char *)(uintptr_t)tool;
	at = arguments->numbers.data;
	for (size_t i = 0; i < count; i++, at += strlen(at) + 1)
		arguments->argv[1 + i] = at;
	return 0;
}

static int idmap_tool_find(const char *tool, char *path, size_t size)
{
	static const char *const directories[] = {"/usr/bin", "/usr/sbin", "/bin", "/sbin"};

	for (size_t i = 0; i < array_size(directories); i++) {
		(void)snprintf(path, size, "%s/%s", directories[i], tool);
		if (access(path, X_OK) == 0)
			return 0;
	}
	return -ENOENT;
}

/* In the child. Everything is left behind but the pipe: it is a setuid program. */
static void __attribute__((noreturn)) idmap_tool_exec(const char *path, char **argv, int output)
{
	char *environment[] = {NULL};
	sigset_t none;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
	    dup2(output, STDERR_FILENO) >= 0 && fd_cloexec_from(STDERR_FILENO + 1) == 0)
		(void)execve(path, argv, environment);
	_exit(127);
}

/* Reads what the tool says until it is dead, one line of it, as far as it fits. */
static int idmap_tool_listen(int output, int pidfd, char *words, size_t size)
{
	int64_t deadline = process_now() + IDMAP_TOOL_MS;
	size_t length = 0;
	char chunk[512];
	int r = 0;

	while (r >= 0) {
		ssize_t n;

		r = process_wait_readable(output, pidfd, deadline);
		if (r < 0)
			break;
		n = read(output, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 && r == PROCESS_DEAD)
			break;
		if (n <= 0) {
			r = process_wait_dead(pidfd, deadline);
			break;
		}
		for (ssize_t i = 0; i < n && length + 1 < size; i++)
			words[length++] = chunk[i] == '\n' ? ' ' : chunk[i];
	}
	while (length > 0 && words[length - 1] == ' ')
		length--;
	words[length] = '\0';
	return r < 0 ? r : 0;
}

/* Waits for the tool, stops it when it takes too long. */
static int idmap_tool_collect(const char *path, int output, int pidfd, struct error *err)
{
	char words[512];
	int status = 0, r;

	r = idmap_tool_listen(output, pidfd, words, sizeof(words));
	if (r < 0)
		(void)process_signal(pidfd, SIGKILL);
	if (process_reap(pidfd, &status) < 0 && r == 0)
		r = -ECHILD;
	if (r < 0)
		return error_errno(err, -r, "wait for %s", path);
	if (status == 0)
		return 0;
	error_set(err, EPERM, "%s failed with status %d%s%s", path, process_exit_code(status),
		  words[0] ? ": " : "", words);
	return error_hint(err,
			  "see /etc/subuid and /etc/subgid for the ids that this user may map");
}

int idmap_tool_run(const char *tool, pid_t pid, const struct oci_id_mappings *map,
		   const char *field, struct error *err)
{
	struct idmap_tool_arguments __attribute__((cleanup(idmap_tool_clear))) arguments = {0};
	auto_close int read_end = -EBADF, write_end = -EBADF, pidfd = -EBADF;
	int ends[2], r;
	char path[64];
	pid_t child;

	if (idmap_tool_find(tool, path, sizeof(path)) < 0) {
		error_set(err, ENOENT,
			  "needs %s to map more than the user's own id, and it is not "
			  "there",
			  tool);
		error_hint(err, "install the package uidmap (shadow-utils)");
		return error_at(err, "%s", field);
	}
	if (idmap_tool_arguments(tool, pid, map, &arguments) < 0)
		return error_errno(err, ENOMEM, "run %s", path);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, errno, "make a pipe");
	read_end = ends[0];
	write_end = ends[1];
	(void)fcntl(read_end, F_SETFL, O_NONBLOCK);
	child = process_fork(CLONE_CLEAR_SIGHAND, -1, &pidfd);
	if (child < 0)
		return error_errno(err, -child, "run %s", path);
	if (child == 0)
		idmap_tool_exec(path, arguments.argv, write_end);
	write_end = fd_close(write_end);
	r = idmap_tool_collect(path, read_end, pidfd, err);
	return r < 0 ? error_at(err, "%s", field) : 0;
}
