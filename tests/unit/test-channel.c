/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "kernel/process.h"
#include "suite.h"

/* Sends bytes and descriptors of any number, as a hostile peer would. */
static void send_raw(int socket, const void *data, size_t length, const int *fds, size_t count)
{
	char control[CMSG_SPACE(sizeof(int) * 8)] __attribute__((aligned(8))) = {0};
	struct iovec iov = {(void *)(uintptr_t)data, length};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};

	if (count > 0) {
		struct cmsghdr *cmsg = (struct cmsghdr *)control;

		header.msg_control = control;
		header.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * count);
	}
	ck_assert_int_eq(sendmsg(socket, &header, MSG_NOSIGNAL), (ssize_t)length);
}

static int receive(int channel, struct channel_message *message, int *fd)
{
	return channel_recv(channel, -1, process_now() + 2000, message, fd);
}

START_TEST(a_message_arrives_whole)
{
	struct channel_message sent = {.word = 7, .phase = 3, .value = -5}, got;
	int ends[2], fd = 99;

	ck_assert_int_eq(channel_open(ends), 0);
	ck_assert_int_eq(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
	error_errno(&sent.error, EPERM, "mount");
	error_at(&sent.error, "mounts[1]");
	ck_assert_int_eq(channel_send(ends[0], &sent, -1), 0);
	ck_assert_int_eq(receive(ends[1], &got, &fd), 0);
	ck_assert_uint_eq(got.word, 7);
	ck_assert_uint_eq(got.phase, 3);
	ck_assert_int_eq(got.value, -5);
	ck_assert_error(&got.error, EPERM, "mounts[1]", "mount: Operation not permitted (EPERM)",
			"");
	ck_assert_int_eq(fd, -EBADF);
	/* Both ways. */
	ck_assert_int_eq(channel_send(ends[1], &sent, -1), 0);
	ck_assert_int_eq(receive(ends[0], &got, NULL), 0);
}
END_TEST

START_TEST(a_descriptor_comes_along)
{
	struct channel_message message = {.word = 1};
	int ends[2], pipes[2], fd = -1;
	size_t fds;
	char byte;

	ck_assert_int_eq(channel_open(ends), 0);
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	ck_assert_int_eq(channel_send(ends[0], &message, pipes[1]), 0);
	ck_assert_int_eq(receive(ends[1], &message, &fd), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	ck_assert_int_eq(read(pipes[0], &byte, 1), 1);
	/* One that nobody wants is closed. */
	fds = suite_open_fds();
	ck_assert_int_eq(channel_send(ends[0], &message, pipes[1]), 0);
	ck_assert_int_eq(receive(ends[1], &message, NULL), 0);
	ck_assert_uint_eq(suite_open_fds(), fds);
}
END_TEST

/* The room for one descriptor is room for two by alignment: the second must not be leaked. */
START_TEST(further_descriptors_are_closed)
{
	struct channel_message message = {.word = 1};
	int ends[2], many[4] = {0, 1, 2, 0}, fd = -1;
	size_t fds;

	ck_assert_int_eq(channel_open(ends), 0);
	for (size_t count = 2; count <= 4; count++) {
		fds = suite_open_fds();
		send_raw(ends[0], &message, sizeof(message), many, count);
		ck_assert_int_eq(receive(ends[1], &message, &fd), 0);
		ck_assert_uint_eq(suite_open_fds(), fds + 1);
		(void)close(fd);
	}
	/* Nor is one of a message that is refused. */
	fds = suite_open_fds();
	send_raw(ends[0], "x", 1, many, 2);
	ck_assert_int_eq(receive(ends[1], &message, &fd), -EBADMSG);
	ck_assert_uint_eq(suite_open_fds(), fds);
	/* A packet of no bytes is not to be told from the end. */
	send_raw(ends[0], &message, 0, many, 4);
	ck_assert_int_eq(receive(ends[1], &message, &fd), -EPIPE);
	ck_assert_uint_eq(suite_open_fds(), fds);
}
END_TEST

START_TEST(what_is_no_message_is_refused)
{
	struct {
		struct channel_message message;
		char more;
	} longer = {.message = {.word = 1}};
	struct channel_message message = {.word = 0}, got = {.word = 55};
	int ends[2];

	ck_assert_int_eq(channel_open(ends), 0);
	send_raw(ends[0], "short", 5, NULL, 0);
	ck_assert_int_eq(receive(ends[1], &got, NULL), -EBADMSG);
	send_raw(ends[0], &longer, sizeof(longer), NULL, 0);
	ck_assert_int_eq(receive(ends[1], &got, NULL), -EBADMSG);
	send_raw(ends[0], &message, sizeof(message), NULL, 0);
	ck_assert_int_eq(receive(ends[1], &got, NULL), -EBADMSG);
	/* An errno that would look like success, negated. */
	message.word = 1;
	message.error.number = -EPERM;
	send_raw(ends[0], &message, sizeof(message), NULL, 0);
	ck_assert_int_eq(receive(ends[1], &got, NULL), -EBADMSG);
	ck_assert_uint_eq(got.word, 55);
}
END_TEST

/* A peer that has been taken over sends texts without an end. */
START_TEST(texts_are_terminated)
{
	struct channel_message message, got;
	int ends[2];

	memset(&message, 'A', sizeof(message));
	message.error.number = 1;
	ck_assert_int_eq(channel_open(ends), 0);
	send_raw(ends[0], &message, sizeof(message), NULL, 0);
	ck_assert_int_eq(receive(ends[1], &got, NULL), 0);
	ck_assert_uint_eq(strnlen(got.error.message, sizeof(got.error.message)),
			  sizeof(got.error.message) - 1);
	ck_assert_uint_eq(strnlen(got.error.field, sizeof(got.error.field)),
			  sizeof(got.error.field) - 1);
	ck_assert_uint_eq(strnlen(got.error.hint, sizeof(got.error.hint)),
			  sizeof(got.error.hint) - 1);
}
END_TEST

START_TEST(the_peer_goes_away)
{
	struct channel_message message = {.word = 1}, got;
	int ends[2];

	/* What was sent before is still read. */
	ck_assert_int_eq(channel_open(ends), 0);
	ck_assert_int_eq(channel_send(ends[0], &message, -1), 0);
	(void)close(ends[0]);
	ck_assert_int_eq(receive(ends[1], &got, NULL), 0);
	ck_assert_int_eq(receive(ends[1], &got, NULL), -EPIPE);
	ck_assert_int_eq(channel_send(ends[1], &message, -1), -EPIPE);
	/* With something unread the kernel says ECONNRESET: the same to us. */
	ck_assert_int_eq(channel_open(ends), 0);
	ck_assert_int_eq(channel_send(ends[1], &message, -1), 0);
	(void)close(ends[0]);
	ck_assert_int_eq(receive(ends[1], &got, NULL), -EPIPE);
	ck_assert_int_eq(channel_send(ends[1], &message, -1), -EPIPE);
}
END_TEST

/* Its descriptor may live on in a third process: then the pidfd tells. */
START_TEST(the_peer_dies)
{
	struct channel_message message = {.word = 9}, got = {0};
	int ends[2], pidfd;
	pid_t pid;

	ck_assert_int_eq(channel_open(ends), 0);
	pid = process_fork(0, -1, &pidfd);
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(channel_send(ends[0], &message, -1) == 0 ? 0 : 1);
	ck_assert_int_eq(process_wait_dead(pidfd, process_now() + 5000), 0);
	ck_assert_int_eq(channel_recv(ends[1], pidfd, PROCESS_NO_DEADLINE, &got, NULL), 0);
	ck_assert_uint_eq(got.word, 9);
	ck_assert_int_eq(channel_recv(ends[1], pidfd, PROCESS_NO_DEADLINE, &got, NULL), -EPIPE);
}
END_TEST

START_TEST(no_wait_without_end)
{
	struct channel_message message = {.word = 1}, got;
	int ends[2], r = 0, sent = 0;

	ck_assert_int_eq(channel_open(ends), 0);
	ck_assert_int_eq(channel_recv(ends[1], -1, process_now() + 30, &got, NULL), -ETIMEDOUT);
	/* A peer that reads nothing does not hang the sender. */
	while (r == 0 && sent < 100000) {
		r = channel_send(ends[0], &message, -1);
		sent += r == 0;
	}
	ck_assert_int_eq(r, -EAGAIN);
	ck_assert_int_gt(sent, 16);
}
END_TEST

START_TEST(one_descriptor_to_a_console_socket)
{
	char control[CMSG_SPACE(sizeof(int) * 4)] __attribute__((aligned(8))), data[64];
	struct iovec iov = {data, sizeof(data)};
	struct msghdr header = {.msg_iov = &iov,
				.msg_iovlen = 1,
				.msg_control = control,
				.msg_controllen = sizeof(control)};
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	/* A stream would lose the descriptor of an empty payload. */
	ck_assert_int_eq(channel_send_fd(ends[0], STDIN_FILENO, ""), -EINVAL);
	ck_assert_int_eq(channel_send_fd(ends[0], STDIN_FILENO, "/dev/pts/0"), 0);
	ck_assert_int_eq(recvmsg(ends[1], &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT), 10);
	ck_assert_int_eq(memcmp(data, "/dev/pts/0", 10), 0);
	/* What containerd's reader and conmon insist on. */
	ck_assert_uint_eq(header.msg_controllen, CMSG_SPACE(sizeof(int)));
	ck_assert_uint_eq(((struct cmsghdr *)control)->cmsg_len, CMSG_LEN(sizeof(int)));
	ck_assert_int_eq(((struct cmsghdr *)control)->cmsg_type, SCM_RIGHTS);
}
END_TEST

/* Makes a listening socket in `directory`, which is made the cwd so that its name is short. */
static int listen_in(const char *directory)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "s"};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(chdir(directory), 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 5), 0);
	return fd;
}

START_TEST(sockets_at_paths_of_any_length)
{
	static const size_t lengths[] = {1, 60, 90, 98, 99, 100, 101, 200};
	size_t fds;

	for (size_t i = 0; i < suite_count(lengths); i++) {
		struct scratch scratch;
		char name[256], path[512];
		int listener, fd;

		memset(name, 'n', lengths[i]);
		name[lengths[i]] = '\0';
		scratch_open(&scratch);
		scratch_directory(scratch.fd, name, 0700);
		(void)snprintf(path, sizeof(path), "%s/%s", scratch.path, name);
		listener = listen_in(path);
		(void)snprintf(path, sizeof(path), "%s/%s/s", scratch.path, name);
		fds = suite_open_fds();
		fd = channel_connect(path, SOCK_STREAM);
		ck_assert_msg(fd >= 0, "%zu: %d", strlen(path), fd);
		ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
		ck_assert_uint_eq(suite_open_fds(), fds + 1);
		ck_assert_int_eq(channel_connect("s", SOCK_SEQPACKET), -EPROTOTYPE);
		(void)close(fd);
		(void)close(listener);
		ck_assert_int_eq(channel_connect("s", SOCK_STREAM), -ECONNREFUSED);
		ck_assert_int_eq(chdir("/"), 0);
		scratch_close(&scratch);
	}
	ck_assert_int_eq(channel_connect("/nonexistent/s", SOCK_STREAM), -ENOENT);
}
END_TEST

/* An empty path is no path, and not the abstract socket whose name is 108 zeros. */
START_TEST(the_empty_path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 5), 0);
	ck_assert_int_eq(channel_connect("", SOCK_STREAM), -ENOENT);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_message_arrives_whole,
		a_descriptor_comes_along,
		further_descriptors_are_closed,
		what_is_no_message_is_refused,
		texts_are_terminated,
		the_peer_goes_away,
		the_peer_dies,
		no_wait_without_end,
		one_descriptor_to_a_console_socket,
		sockets_at_paths_of_any_length,
		the_empty_path,
	};

	return suite_run("channel", tests, suite_count(tests));
}
