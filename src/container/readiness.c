/* SPDX-License-Identifier: Apache-2.0 */
#include "container/readiness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "kernel/process.h"

#define READINESS_SOCKET       STORE_NOTIFY "/" STORE_NOTIFY_SOCKET
#define READINESS_MESSAGE_SIZE 4096
#define READINESS_BARRIER      30000 /* ms */

bool readiness_is_address(const char *manager)
{
	size_t length = manager ? strlen(manager) : 0;

	return length > 1 && length < sizeof(((struct sockaddr_un *)0)->sun_path) &&
	       (manager[0] == '/' || manager[0] == '@');
}

int readiness_prepare(const struct store_entry *entry, struct error *err)
{
	auto_close int fd = -EBADF;

	if (mkdirat(entry->fd, STORE_NOTIFY, 0755) == 0)
		fd = openat(entry->fd, STORE_NOTIFY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Whatever the umask: its user is another one in the container. */
	if (fd < 0 || fchmod(fd, 0755) < 0)
		return error_errno(err, errno,
				   "make the directory of container %s for " READINESS_TARGET,
				   entry->id);
	return 0;
}

int readiness_listen(const struct store_entry *entry, const char *manager, int *ret_socket,
		     struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	auto_close int fd = -EBADF;

	if (!readiness_is_address(manager) ||
	    faccessat(entry->fd, STORE_NOTIFY, F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
		*ret_socket = -EBADF;
		return 0;
	}
	/* A state directory can be deeper than the 108 bytes of sun_path: it is reached by
	 * descriptor. */
	(void)snprintf(address.sun_path, sizeof(address.sun_path),
		       "/proc/self/fd/%d/" READINESS_SOCKET, entry->fd);
	(void)unlinkat(entry->fd, READINESS_SOCKET, 0);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    fchmodat(entry->fd, READINESS_SOCKET, 0777, 0) < 0)
		return error_errno(err, errno, "make the notify socket of container %s", entry->id);
	*ret_socket = fd_take(&fd);
	return 0;
}

bool readiness_find(const char *message, size_t length, char *ret_line, size_t size)
{
	static const char word[] = "READY=";

	for (size_t at = 0; at < length;) {
		const char *line = message + at;
		const char *end = memchr(line, '\n', length - at);
		size_t count = end ? (size_t)(end - line) : length - at;

		if (count > strlen(word) && count < size && memcmp(line, word, strlen(word)) == 0) {
			memcpy(ret_line, line, count);
			ret_line[count] = '\0';
			return true;
		}
		at += count + 1;
	}
	return false;
}

/* One message, with a descriptor when `fd` is one. */
static int readiness_say(int manager, const char *text, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec part = {(char *)(uintptr_t)text, strlen(text)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	struct cmsghdr *header;

	if (fd >= 0) {
		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &fd, sizeof(int));
	}
	return sendmsg(manager, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* The manager closes the descriptor when it has read all that was said before. */
static int readiness_barrier(int manager)
{
	auto_close int ours = -EBADF;
	auto_close int theirs = -EBADF;
	struct pollfd wait = {.events = 0};
	int ends[2], r;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	ours = ends[0];
	theirs = ends[1];
	r = readiness_say(manager, "BARRIER=1", theirs);
	if (r < 0)
		return r;
	theirs = fd_close(theirs);
	wait.fd = ours;
	/* An older manager does not know the word, and closes it all the same. */
	return poll(&wait, 1, READINESS_BARRIER) < 0 ? -errno : 0;
}

static int readiness_connect(const char *manager)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	/* A manager that does not read lets its queue fill up. */
	struct timeval timeout = {.tv_sec = READINESS_BARRIER / 1000};
	size_t length = strlen(manager);
	auto_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
		return -errno;
	memcpy(address.sun_path, manager, length);
	if (manager[0] == '@')
		address.sun_path[0] = '\0';
	if (connect(fd, (struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
		return -errno;
	return fd_take(&fd);
}

static int readiness_tell(const struct readiness *readiness, const char *line, struct error *err)
{
	auto_close int manager = readiness_connect(readiness->manager);
	char text[32];
	int r = manager < 0 ? manager : readiness_say(manager, line, -1);

	(void)snprintf(text, sizeof(text), "MAINPID=%d", (int)readiness->pid);
	if (r == 0 && readiness->pid > 0)
		r = readiness_say(manager, text, -1);
	if (r == 0)
		r = readiness_barrier(manager);
	return r < 0 ? error_errno(err, -r, "tell NOTIFY_SOCKET %s that the container is ready",
				   readiness->manager)
		     : 0;
}

int readiness_relay(const struct readiness *readiness, struct error *err)
{
	char message[READINESS_MESSAGE_SIZE], line[READINESS_MESSAGE_SIZE];

	while (readiness->socket >= 0) {
		ssize_t length;
		int r = process_wait_readable(readiness->socket, readiness->pidfd,
					      PROCESS_NO_DEADLINE);

		if (r < 0)
			return error_errno(err, -r, "wait for the container to be ready");
		if (r == PROCESS_DEAD)
			return 0;
		/* Descriptors that come along are closed by that, which is what a barrier asks for.
		 */
		length = recv(readiness->socket, message, sizeof(message), MSG_DONTWAIT);
		if (length > 0 && readiness_find(message, (size_t)length, line, sizeof(line)))
			return readiness_tell(readiness, line, err);
	}
	return 0;
}

int readiness_relay_aside(const struct readiness *readiness, struct error *err)
{
	struct error ignored = ERROR_INIT;
	pid_t parent = getpid();
	auto_close int pidfd = -EBADF;
	pid_t pid;

	if (readiness->socket < 0)
		return 0;
	pid = process_fork(0, -EBADF, &pidfd);
	if (pid < 0)
		return error_errno(err, -pid, "make the process that listens for READY");
	if (pid > 0)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == parent)
		(void)readiness_relay(readiness, &ignored);
	_exit(0);
}
