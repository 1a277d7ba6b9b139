// SPDX-License-Identifier: Apache-2.0
/*
 * The stopwatch of contrib/bench: starts a command, waits for it, says what it cost.
 *
 * A program of its own, because the starter is part of what is measured. From Python a start costs
 * more than some of the commands, and vfork makes the starter's memory the first memory of the
 * command: ru_maxrss would never be below the interpreter's 10 MiB.
 *
 * It is a child subreaper as the engines are, so that a container's init becomes its child when
 * `create` has exited. ru_maxrss of a process covers what it was before its execve and the children
 * it waited for; together with the orphans reaped here, every process of a command is counted.
 *
 * stdin, one request a line, fields separated by tabs:
 *	PAUSE_US PROGRAM [ARG...]
 * stdout, one answer a line:
 *	WALL_NS STATUS MAXRSS_KIB USER_US SYSTEM_US ORPHANS_MAXRSS_KIB
 * STATUS is the exit status, or 128 + the signal. ORPHANS_MAXRSS_KIB is the greatest of those
 * reaped since the last answer, 0 without any. The command gets /dev/null as standard input and
 * output and keeps standard error. At the start one line `self KIB` tells the least the memory
 * columns can show: our own peak, which the command shares until its execve.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ARGS      64
#define MAX_LINE      8192
#define ONE_SECOND_NS 1000000000LL

static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * ONE_SECOND_NS + ts.tv_nsec;
}

static void pause_us(long us)
{
	struct timespec ts = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};

	while (us > 0 && nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

static long reap_orphans(void)
{
	struct rusage usage;
	long peak = 0;

	while (wait4(-1, NULL, WNOHANG, &usage) > 0)
		if (usage.ru_maxrss > peak)
			peak = usage.ru_maxrss;
	return peak;
}

/* Not ru_maxrss: that one remembers whoever started us. */
static long own_peak_kib(void)
{
	char text[256];
	long kib = 0;
	FILE *status = fopen("/proc/self/status", "re");

	while (status && fgets(text, sizeof(text), status))
		if (strncmp(text, "VmHWM:", 6) == 0)
			kib = strtol(text + 6, NULL, 10);
	if (status)
		fclose(status);
	return kib;
}

/* Splits in place; returns the number of fields. */
static int split(char *line, char *fields[MAX_ARGS])
{
	int count = 0;

	line[strcspn(line, "\n")] = '\0';
	for (char *word = strtok(line, "\t"); word && count < MAX_ARGS - 1;
	     word = strtok(NULL, "\t"))
		fields[count++] = word;
	fields[count] = NULL;
	return count;
}

static int time_command(char **argv, const posix_spawn_file_actions_t *actions)
{
	struct rusage usage;
	pid_t pid;
	int status;
	long orphans = reap_orphans();
	long long begin = now_ns();
	int r = posix_spawnp(&pid, argv[0], actions, NULL, argv, environ);

	if (r != 0) {
		fprintf(stderr, "timer: %s: %s\n", argv[0], strerror(r));
		return -r;
	}
	while (wait4(pid, &status, 0, &usage) < 0)
		if (errno != EINTR)
			return -errno;

	long long wall = now_ns() - begin;
	long late = reap_orphans();
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);

	printf("%lld %d %ld %lld %lld %ld\n", wall, code, usage.ru_maxrss,
	       (long long)usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec,
	       (long long)usage.ru_stime.tv_sec * 1000000 + usage.ru_stime.tv_usec,
	       late > orphans ? late : orphans);
	return fflush(stdout) == 0 ? 0 : -EIO;
}

int main(void)
{
	static char line[MAX_LINE];
	char *fields[MAX_ARGS];
	posix_spawn_file_actions_t actions;

	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return 1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	printf("self %ld\n", own_peak_kib());
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		if (split(line, fields) < 2) {
			fprintf(stderr, "timer: a request is PAUSE_US PROGRAM [ARG...]\n");
			return 2;
		}
		pause_us(strtol(fields[0], NULL, 10));
		if (time_command(fields + 1, &actions) < 0)
			return 1;
	}
	posix_spawn_file_actions_destroy(&actions);
	return 0;
}
