/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
/*
 * hunter SECONDS [stop]: runs inside a container and looks at every process that appears there, as
 * early as it can, for anything that leads out. With "stop" each one is stopped by SIGSTOP before
 * it is looked at, so that the narrowest window stays open for as long as the look takes.
 *
 * One line per distinct finding; what it means is for the test to judge:
 *	ready			the hunt has begun
 *	watching		the first such process is seen
 *	exe LINK		of a process that is not the container's program yet
 *	exe-host DEV:INO	that link opens, and is an executable with bytes in it, unsealed
 *	exe-write		that link opens for writing
 *	outside WHAT LINK	cwd, root or fd/N: a directory from where ".." ends at another root
 *	directory WHAT LINK	fd/N is any directory
 *	fd LINK			what fd/N is, its number left out
 *	environ VALUE		the value of HUNTED in its environment
 *	memory			/proc/PID/mem opens for writing
 *	memory-caps MASK	... and its permitted capabilities are more than our own
 *	stolen DEV:INO		pidfd_getfd gave a directory
 *	map PATH		of its memory, not in the container's root
 *	watched N		how many such processes were seen, at the end
 */
/* clang-format on */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define FINDINGS_MAX 2048

static char *findings[FINDINGS_MAX];
static size_t finding_count;
static struct stat own_root, own_program;

static void found(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void found(const char *format, ...)
{
	char line[PATH_MAX + 128];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	for (size_t i = 0; i < finding_count; i++)
		if (strcmp(findings[i], line) == 0)
			return;
	if (finding_count < FINDINGS_MAX)
		findings[finding_count++] = strdup(line);
	puts(line);
	fflush(stdout);
}

static bool read_link(const char *path, char *target)
{
	ssize_t length = readlink(path, target, PATH_MAX - 1);

	if (length >= 0)
		target[length] = '\0';
	return length >= 0;
}

static ssize_t read_file(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t n;

	if (fd < 0)
		return -1;
	while (length < size - 1 && (n = read(fd, buffer + length, size - 1 - length)) > 0)
		length += (size_t)n;
	buffer[length] = '\0';
	close(fd);
	return (ssize_t)length;
}

/* Up from a directory as far as it goes: is the end our root? */
static void climb(const char *path, const char *what, const char *link)
{
	char way[PATH_MAX];
	struct stat at, up;

	snprintf(way, sizeof(way), "%s/.", path);
	if (stat(way, &at) < 0)
		return;
	for (int depth = 0; depth < 64; depth++) {
		strcat(way, "/..");
		if (stat(way, &up) < 0)
			return;
		if (up.st_dev == at.st_dev && up.st_ino == at.st_ino)
			break;
		at = up;
	}
	if (at.st_dev != own_root.st_dev || at.st_ino != own_root.st_ino)
		found("outside %s %s", what, link);
}

static bool is_own(const struct stat *st)
{
	return st->st_dev == own_program.st_dev && st->st_ino == own_program.st_ino;
}

static void look_at_executable(int pid)
{
	char path[64], link[PATH_MAX];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	if (!read_link(path, link))
		return;
	found("exe %s", link);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	/* In the meantime it may have become the container's program. */
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0 && !is_own(&st) &&
	    !((fcntl(fd, F_GET_SEALS) > 0) && (fcntl(fd, F_GET_SEALS) & F_SEAL_WRITE)))
		found("exe-host %u:%u:%lu", major(st.st_dev), minor(st.st_dev), st.st_ino);
	if (fd >= 0)
		close(fd);
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && fstat(fd, &st) == 0 && !is_own(&st) && !(fcntl(fd, F_GET_SEALS) > 0))
		found("exe-write");
	if (fd >= 0)
		close(fd);
}

static void look_at_descriptors(int pid)
{
	char directory[64], path[sizeof(directory) + NAME_MAX + 1], link[PATH_MAX];
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	snprintf(directory, sizeof(directory), "/proc/%d/fd", pid);
	dir = opendir(directory);
	while (dir && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		if (!read_link(path, link))
			continue;
		if (strchr(link, '[') && link[0] != '/')
			link[strcspn(link, "[")] = '\0'; /* socket:[123] */
		found("fd %s", link);
		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
			found("directory fd %s", link);
			climb(path, "fd", link);
		}
	}
	if (dir)
		closedir(dir);
	for (int number = 0; pidfd >= 0 && number < 64; number++) {
		int fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);

		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
			found("stolen %u:%u:%lu", major(st.st_dev), minor(st.st_dev), st.st_ino);
		if (fd >= 0)
			close(fd);
	}
	if (pidfd >= 0)
		close(pidfd);
}

static void look_at_places(int pid)
{
	static const char *const names[] = {"cwd", "root"};
	char path[64], link[PATH_MAX];

	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, names[i]);
		if (!read_link(path, link))
			continue;
		climb(path, names[i], link);
	}
}

static unsigned long long permitted_of(const char *pid)
{
	char path[64], status[8192], *at;

	snprintf(path, sizeof(path), "/proc/%s/status", pid);
	if (read_file(path, status, sizeof(status)) < 0)
		return 0;
	at = strstr(status, "CapPrm:");
	return at ? strtoull(at + 7, NULL, 16) : 0;
}

static void look_at_memory(int pid)
{
	static char text[1 << 20];
	char path[64], number[16];
	unsigned long long more;
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	length = read_file(path, text, sizeof(text));
	for (ssize_t at = 0; at < length; at += (ssize_t)strlen(text + at) + 1)
		if (strncmp(text + at, "HUNTED=", 7) == 0)
			found("environ %s", text + at + 7);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		found("memory");
		snprintf(number, sizeof(number), "%d", pid);
		more = permitted_of(number) & ~permitted_of("self");
		if (more)
			found("memory-caps %llx", more);
		close(fd);
	}
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	if (read_file(path, text, sizeof(text)) > 0)
		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
			if (strchr(line, '/'))
				found("map %s", strchr(line, '/'));
}

/* Not the container's program yet: one of the runtime's. "spy" is what the test executes. */
static bool is_foreign(int pid)
{
	char path[64], link[PATH_MAX];
	struct stat there;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	if (!read_link(path, link))
		return errno == EACCES || errno == EPERM;
	return stat(path, &there) < 0 || !is_own(&there);
}

static size_t inspect(int pid)
{
	if (!is_foreign(pid))
		return 0;
	found("watching");
	look_at_descriptors(pid);
	look_at_places(pid);
	look_at_executable(pid);
	look_at_memory(pid);
	return 1;
}

/* The newest process of our pid namespace: whoever gets no processor for a while must not look for
 * those of long ago for ever. */
static int newest(int loadavg)
{
	char text[128], *at;
	ssize_t n = pread(loadavg, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	at = strrchr(text, ' ');
	return at ? atoi(at + 1) : 0;
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 1);
	bool stop = argc > 2 && strcmp(argv[2], "stop") == 0;
	int loadavg = open("/proc/loadavg", O_RDONLY | O_CLOEXEC), last = getpid();
	size_t watched = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (stat("/", &own_root) < 0 || stat("/bin/busybox", &own_program) < 0)
		return 1;
	puts("ready");
	for (unsigned int turn = 1; time(NULL) < end && access("/tmp/stop", F_OK) < 0; turn++) {
		if (turn % 16 == 0 && newest(loadavg) > last + 5)
			last = newest(loadavg) - 5;
		for (int pid = last + 1; pid < last + 6; pid++) {
			if (kill(pid, stop ? SIGSTOP : 0) < 0 && errno == ESRCH)
				continue;
			/* Without a stop there is no second chance, so look as often as it lives.
			 */
			for (int i = 0; i < (stop ? 1 : 50); i++) {
				size_t seen = inspect(pid);

				if (!seen)
					break;
				watched += i == 0;
			}
			if (stop)
				kill(pid, SIGCONT);
			last = pid;
		}
	}
	printf("watched %zu\n", watched);
	return 0;
}
