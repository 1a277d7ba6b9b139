/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe WHAT...: what a program in a container can learn about itself without a shell.
 *	fds		each open descriptor and what it is, but for the one that reads the list
 *	call N...	the result of system call number N with zeros as arguments: "N: errno E" or
 *"N: ok" call32 N	the same through int 0x80 (x86 only) mknod MAJOR MINOR	makes a character
 *device in /tmp and reads from it: "errno E" or "ok"
 *	sticky PATH	what TIOCSTI says on a terminal: "errno E" or "ok"
 *	where MARK	for each of cwd and the first 64 descriptors: "escape" if MARK is to be seen
 *from there exe		device and inode of /proc/self/exe, and its seals
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int fds(void)
{
	char path[64], link[PATH_MAX];

	for (int fd = 0; fd < 1024; fd++) {
		ssize_t length;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		length = readlink(path, link, sizeof(link) - 1);
		if (length < 0)
			continue;
		link[length] = '\0';
		printf("%d %s\n", fd, link);
	}
	return 0;
}

static int call(int count, char **numbers)
{
	for (int i = 0; i < count; i++) {
		long r = syscall(strtol(numbers[i], NULL, 0), 0, 0, 0, 0, 0, 0);

		if (r < 0)
			printf("%s: errno %d\n", numbers[i], errno);
		else
			printf("%s: ok\n", numbers[i]);
		fflush(stdout);
	}
	return 0;
}

static int call32(const char *number)
{
#if defined(__x86_64__) || defined(__i386__)
	long r;

	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(strtol(number, NULL, 0)), "b"(0), "c"(0), "d"(0)
			 : "memory");
	if (r < 0)
		printf("%s: errno %ld\n", number, -r);
	else
		printf("%s: ok\n", number);
#else
	printf("%s: no such way\n", number);
#endif
	return 0;
}

static int make_node(int major_number, int minor_number)
{
	char byte;
	int fd;

	if (mknod("/tmp/node", S_IFCHR | 0600,
		  makedev((unsigned)major_number, (unsigned)minor_number)) < 0) {
		printf("errno %d\n", errno);
		return 0;
	}
	fd = open("/tmp/node", O_RDONLY | O_NONBLOCK);
	if (fd < 0 || read(fd, &byte, 1) < 0)
		printf("errno %d\n", errno);
	else
		printf("ok\n");
	return 0;
}

static int sticky(const char *path)
{
	int fd = open(path, O_RDWR | O_NOCTTY);
	char key = 'x';

	if (fd < 0 || ioctl(fd, TIOCSTI, &key) < 0)
		printf("errno %d\n", errno);
	else
		printf("ok\n");
	return 0;
}

static int where(const char *mark)
{
	static const char *const ups = "../../../../../../../../../../../../";
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", ups, mark);
	if (access(path, F_OK) == 0)
		printf("escape cwd\n");
	for (int fd = 0; fd < 64; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d/%s%s", fd, ups, mark);
		if (access(path, F_OK) == 0)
			printf("escape fd\n");
	}
	printf("looked\n");
	return 0;
}

static int see(const char *directory, const char *mark)
{
	static const char *const ways[] = {"", "/tmpfs", "/directory", "/deep", "/deep/er"};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		snprintf(path, sizeof(path), "%s%s%s", directory, ways[i], mark);
		if (access(path, F_OK) == 0)
			printf("escape %s\n", path);
	}
	printf("looked\n");
	return 0;
}

static int exe(void)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		printf("errno %d\n", errno);
		return 0;
	}
	printf("%lu:%lu %d\n", (unsigned long)st.st_dev, (unsigned long)st.st_ino,
	       fcntl(fd, F_GET_SEALS));
	return 0;
}

static int keyring(void)
{
	long serial = syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3 /* the session's */, 0);

	if (serial < 0)
		printf("errno %d\n", errno);
	else
		printf("%ld\n", serial);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "fds") == 0)
		return fds();
	if (strcmp(what, "call") == 0)
		return call(argc - 2, argv + 2);
	if (strcmp(what, "call32") == 0 && argc == 3)
		return call32(argv[2]);
	if (strcmp(what, "mknod") == 0 && argc == 4)
		return make_node(atoi(argv[2]), atoi(argv[3]));
	if (strcmp(what, "sticky") == 0 && argc == 3)
		return sticky(argv[2]);
	if (strcmp(what, "where") == 0 && argc == 3)
		return where(argv[2] + (argv[2][0] == '/'));
	if (strcmp(what, "keyring") == 0)
		return keyring();
	if (strcmp(what, "see") == 0 && argc == 4)
		return see(argv[2], argv[3]);
	if (strcmp(what, "exe") == 0)
		return exe();
	return 2;
}
