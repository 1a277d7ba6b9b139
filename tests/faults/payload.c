// SPDX-License-Identifier: Apache-2.0
/*
 * The program of the containers of tests/faults: says what it finds itself in, so that a container
 *that came to be in spite of a fault can be compared with one without.
 *
 *	payload wait     says it, and waits for a signal
 *	payload once     says it, and ends
 *	payload hook     reads all of standard input, and ends: a hook
 *
 * Static, and without a shell: it is there before anything else is.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static const char *const files[] = {
	"/proc/self/status",
	"/proc/self/limits",
	"/proc/self/cgroup",
	"/proc/self/oom_score_adj",
	"/proc/self/uid_map",
	"/proc/sys/kernel/hostname",
	"/proc/sys/kernel/domainname",
	"/proc/sys/net/ipv4/ip_forward",
	"/proc/kcore",
};

/* What is another's each time is left out, by the words that its line begins with. */
static const char *const lines_of_status[] = {
	"Umask:",  "Uid:",    "Gid:",	 "Groups:",	"NSpid:",	 "CapInh:",
	"CapPrm:", "CapEff:", "CapBnd:", "CapAmb:",	"Seccomp",	 "SigPnd",
	"SigBlk",  "SigIgn",  "SigCgt",	 "NoNewPrivs:", "Cpus_allowed:", "Shd"};

static int counts(const char *file, const char *line)
{
	if (strcmp(file, "/proc/self/status") != 0)
		return 1;
	for (size_t i = 0; i < sizeof(lines_of_status) / sizeof(lines_of_status[0]); i++)
		if (strncmp(line, lines_of_status[i], strlen(lines_of_status[i])) == 0)
			return 1;
	return 0;
}

static void say_file(const char *path)
{
	char line[1024];
	FILE *file = fopen(path, "re");

	printf("%s: %s\n", path, file ? "" : strerror(errno));
	while (file && fgets(line, sizeof(line), file))
		if (counts(path, line))
			printf("\t%s", line);
	if (file)
		fclose(file);
}

/* Without the numbers of mounts and devices. */
static void say_mounts(void)
{
	FILE *table = fopen("/proc/self/mountinfo", "re");
	char line[4096];

	puts("mounts:");
	while (table && fgets(line, sizeof(line), table)) {
		int at = 0;

		if (sscanf(line, "%*d %*d %*s %n", &at) == 0 && at > 0)
			printf("\t%s", line + at);
	}
	if (table)
		fclose(table);
}

static void say_directory(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort);

	printf("%s: %s\n", path, count < 0 ? strerror(errno) : "");
	for (int i = 0; i < count; i++) {
		char name[512], link[512] = "";
		struct stat st = {0};

		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		(void)!lstat(name, &st);
		(void)!readlink(name, link, sizeof(link) - 1);
		if (strcmp(path, "/proc/self/fd") == 0)
			printf("\t%s\n", entries[i]->d_name);
		else
			printf("\t%s %o %u %u %lx %s\n", entries[i]->d_name, st.st_mode, st.st_uid,
			       st.st_gid, (unsigned long)st.st_rdev, link);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "once";
	char buffer[4096];

	if (strcmp(what, "hook") == 0) {
		while (read(STDIN_FILENO, buffer, sizeof(buffer)) > 0)
			;
		return 0;
	}
	say_directory(
		"/proc/self/fd"); /* first of all: stdio makes no descriptors, but who knows */
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		say_file(files[i]);
	say_mounts();
	say_directory("/dev");
	say_directory("/proc/acpi");
	printf("cwd: %s\nsession: %d\n", getcwd(buffer, sizeof(buffer)), getsid(0) == getpid());
	for (char **variable = environ; *variable; variable++)
		printf("environment: %s\n", *variable);
	puts("end");
	fflush(stdout);
	while (strcmp(what, "wait") == 0)
		pause();
	return 0;
}
