/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "suite.h"

static char *filled(size_t length)
{
	char *data = malloc(length + 1);

	ck_assert_ptr_nonnull(data);
	for (size_t i = 0; i < length; i++)
		data[i] = (char)('a' + i % 26);
	data[length] = '\0';
	return data;
}

START_TEST(read_all_of_any_size)
{
	static const size_t sizes[] = {0, 1, 4094, 4095, 4096, 4097, 100000};

	for (size_t i = 0; i < suite_count(sizes); i++) {
		struct scratch scratch;
		char *data = filled(sizes[i]), *text = NULL;
		size_t length = 7;
		int fd;

		scratch_open(&scratch);
		scratch_text(scratch.fd, "f", data, 0600);
		fd = openat(scratch.fd, "f", O_RDONLY | O_CLOEXEC);
		/* `max` is what is accepted, one less is not. */
		ck_assert_int_eq(io_read_all(fd, sizes[i], &text, &length), 0);
		ck_assert_uint_eq(length, sizes[i]);
		ck_assert_str_eq(text, data);
		free(text);
		if (sizes[i] > 0) {
			ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
			ck_assert_int_eq(io_read_all(fd, sizes[i] - 1, &text, &length), -EFBIG);
			ck_assert_uint_eq(length, sizes[i]);
		}
		(void)close(fd);
		free(data);
		scratch_close(&scratch);
	}
}
END_TEST

START_TEST(read_all_of_a_pipe)
{
	char *data = filled(9000), *text = NULL;
	int pipes[2];

	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	ck_assert_int_eq(io_write_all(pipes[1], data, 9000), 0);
	(void)close(pipes[1]);
	ck_assert_int_eq(io_read_all(pipes[0], 9000, &text, NULL), 0);
	ck_assert_str_eq(text, data);
	(void)close(pipes[0]);
	ck_assert_int_eq(io_read_all(pipes[0], 10, &text, NULL), -EBADF);
	free(text);
	free(data);
}
END_TEST

/* Nothing that is not a regular file is read, and a FIFO does not stall. */
START_TEST(read_file_takes_regular_files_only)
{
	struct scratch scratch;
	char *text = NULL;
	size_t length, fds = suite_open_fds();

	scratch_open(&scratch);
	scratch_text(scratch.fd, "f", "one\ntwo\n", 0600);
	scratch_directory(scratch.fd, "d", 0700);
	scratch_link(scratch.fd, "l", "f");
	ck_assert_int_eq(mkfifoat(scratch.fd, "p", 0600), 0);
	ck_assert_int_eq(io_read_file(scratch.fd, "f", O_NOFOLLOW, 100, &text, &length), 0);
	ck_assert_str_eq(text, "one\ntwo\n");
	ck_assert_uint_eq(length, 8);
	free(text);
	ck_assert_int_eq(io_read_file(scratch.fd, "p", 0, 100, &text, &length), -EINVAL);
	ck_assert_int_eq(io_read_file(scratch.fd, "d", 0, 100, &text, &length), -EISDIR);
	ck_assert_int_eq(io_read_file(scratch.fd, "l", O_NOFOLLOW, 100, &text, &length), -ELOOP);
	ck_assert_int_eq(io_read_file(scratch.fd, "x", 0, 100, &text, &length), -ENOENT);
	ck_assert_int_eq(io_read_file(scratch.fd, "f", 0, 7, &text, &length), -EFBIG);
	ck_assert_int_eq(io_read_file(AT_FDCWD, "/dev/null", 0, 7, &text, &length), -EINVAL);
	scratch_close(&scratch);
	ck_assert_uint_eq(suite_open_fds(), fds);
}
END_TEST

START_TEST(read_small_fits_or_not)
{
	struct scratch scratch;
	char buffer[9] = "########";

	scratch_open(&scratch);
	scratch_text(scratch.fd, "f", "1234567\n", 0600);
	scratch_text(scratch.fd, "two", "a\n\n", 0600);
	scratch_text(scratch.fd, "empty", "", 0600);
	ck_assert_int_eq(io_read_small(scratch.fd, "f", buffer, 9), 7);
	ck_assert_str_eq(buffer, "1234567");
	ck_assert_int_eq(io_read_small(scratch.fd, "f", buffer, 8), -EFBIG);
	ck_assert_int_eq(io_read_small(scratch.fd, "two", buffer, 9), 2);
	ck_assert_str_eq(buffer, "a\n");
	ck_assert_int_eq(io_read_small(scratch.fd, "empty", buffer, 9), 0);
	ck_assert_str_eq(buffer, "");
	ck_assert_int_eq(io_read_small(scratch.fd, "x", buffer, 9), -ENOENT);
	ck_assert_int_gt(io_read_small(AT_FDCWD, "/proc/self/statm", (char[256]){0}, 256), 0);
	scratch_close(&scratch);
}
END_TEST

START_TEST(write_all_to_a_slow_reader)
{
	char *data = filled(300000), *text = NULL;
	int pipes[2];
	pid_t child;

	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		(void)close(pipes[0]);
		_exit(io_write_all(pipes[1], data, 300000) == 0 ? 0 : 1);
	}
	(void)close(pipes[1]);
	ck_assert_int_eq(io_read_all(pipes[0], 300000, &text, NULL), 0);
	ck_assert_str_eq(text, data);
	(void)close(pipes[0]);
	free(text);
	free(data);
}
END_TEST

START_TEST(write_all_says_why_not)
{
	int pipes[2];

	ck_assert_ptr_ne(signal(SIGPIPE, SIG_IGN), SIG_ERR);
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	(void)close(pipes[0]);
	ck_assert_int_eq(io_write_all(pipes[1], "x", 1), -EPIPE);
	ck_assert_int_eq(io_write_all(pipes[1], "x", 0), 0);
	(void)close(pipes[1]);
}
END_TEST

/* Never created, never truncated, never through a link. */
START_TEST(write_value_changes_what_is_there)
{
	struct scratch scratch;
	char buffer[32];

	scratch_open(&scratch);
	scratch_text(scratch.fd, "f", "123456", 0600);
	scratch_link(scratch.fd, "l", "f");
	ck_assert_int_eq(io_write_value(scratch.fd, "f", "ab"), 0);
	ck_assert_int_eq(io_read_small(scratch.fd, "f", buffer, sizeof(buffer)), 6);
	ck_assert_str_eq(buffer, "ab3456");
	ck_assert_int_eq(io_write_value(scratch.fd, "l", "x"), -ELOOP);
	ck_assert_int_eq(io_write_value(scratch.fd, "new", "x"), -ENOENT);
	ck_assert_int_eq(io_write_value(AT_FDCWD, "/dev/full", "x"), -ENOSPC);
	scratch_close(&scratch);
}
END_TEST

START_TEST(replace_file)
{
	struct scratch scratch;
	char buffer[32], name[260];
	struct stat st;

	(void)umask(0);
	scratch_open(&scratch);
	scratch_text(scratch.fd, "f", "old and longer", 0600);
	/* What a writer left that was killed. */
	scratch_text(scratch.fd, ".f.tmp", "left behind and much longer", 0666);
	ck_assert_int_eq(io_replace_file(scratch.fd, "f", "new", 3, 0640), 0);
	ck_assert_int_eq(io_read_small(scratch.fd, "f", buffer, sizeof(buffer)), 3);
	ck_assert_str_eq(buffer, "new");
	ck_assert_int_eq(fstatat(scratch.fd, "f", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	ck_assert_int_eq(fstatat(scratch.fd, ".f.tmp", &st, 0), -1);
	/* A link is replaced, not followed; neither is one at the temporary's name. */
	scratch_link(scratch.fd, "l", "f");
	scratch_link(scratch.fd, ".l.tmp", "f");
	ck_assert_int_eq(io_replace_file(scratch.fd, "l", "link", 4, 0600), 0);
	ck_assert_int_eq(io_read_small(scratch.fd, "f", buffer, sizeof(buffer)), 3);
	ck_assert_int_eq(fstatat(scratch.fd, "l", &st, AT_SYMLINK_NOFOLLOW), 0);
	ck_assert(S_ISREG(st.st_mode));
	/* By halves: nothing has changed until the second. */
	ck_assert_int_eq(io_prepare_file(scratch.fd, "f", "newer", 5, 0600), 0);
	ck_assert_int_eq(io_read_small(scratch.fd, "f", buffer, sizeof(buffer)), 3);
	ck_assert_int_eq(io_prepare_file(scratch.fd, "f", "newest", 6, 0600), 0);
	ck_assert_int_eq(io_commit_file(scratch.fd, "f"), 0);
	ck_assert_int_eq(io_read_small(scratch.fd, "f", buffer, sizeof(buffer)), 6);
	ck_assert_int_eq(io_commit_file(scratch.fd, "f"), -ENOENT);
	/* Failures leave nothing. */
	scratch_directory(scratch.fd, "d", 0700);
	ck_assert_int_eq(io_replace_file(scratch.fd, "d", "x", 1, 0600), -EISDIR);
	ck_assert_int_eq(fstatat(scratch.fd, ".d.tmp", &st, 0), -1);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ck_assert_int_eq(io_replace_file(scratch.fd, name, "x", 1, 0600), -ENAMETOOLONG);
	scratch_close(&scratch);
}
END_TEST

START_TEST(descriptors_are_moved_and_closed)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), number = fd;
	char *pointer = malloc(1), *moved;

	ck_assert_int_eq(fd_take(&fd), number);
	ck_assert_int_eq(fd, -EBADF);
	errno = ERANGE;
	ck_assert_int_eq(fd_close(number), -EBADF);
	ck_assert_int_eq(fd_close(number), -EBADF);
	ck_assert_int_eq(errno, ERANGE);
	ck_assert_int_eq(fcntl(number, F_GETFD), -1);
	moved = pointer_take(pointer);
	ck_assert_ptr_null(pointer);
	ck_assert_ptr_nonnull(moved);
	free(moved);
}
END_TEST

START_TEST(ranges_of_descriptors)
{
	int first = fcntl(STDIN_FILENO, F_DUPFD, 100), second = fcntl(STDIN_FILENO, F_DUPFD, 200);

	ck_assert_int_eq(first, 100);
	ck_assert_int_eq(second, 200);
	ck_assert_int_eq(fd_cloexec_from(150), 0);
	ck_assert_int_eq(fcntl(first, F_GETFD), 0);
	ck_assert_int_eq(fcntl(second, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fd_close_from(150), 0);
	ck_assert_int_eq(fcntl(first, F_GETFD), 0);
	ck_assert_int_eq(fcntl(second, F_GETFD), -1);
	(void)close(first);
}
END_TEST

/* Where there was nothing, nothing but the file is ever there; what was there is replaced. */
START_TEST(publish_file)
{
	struct scratch scratch;
	size_t fds = suite_open_fds();

	scratch_open(&scratch);
	for (int i = 0; i < 2; i++) {
		char text[16];
		struct stat st;

		ck_assert_int_eq(
			io_publish_file(scratch.fd, "pid", i ? "23" : "4711", i ? 2 : 4, 0644), 0);
		ck_assert_int_eq(io_read_small(scratch.fd, "pid", text, sizeof(text)), i ? 2 : 4);
		ck_assert_str_eq(text, i ? "23" : "4711");
		ck_assert_int_eq(fstatat(scratch.fd, "pid", &st, AT_SYMLINK_NOFOLLOW), 0);
		ck_assert_uint_eq(st.st_nlink, 1);
		ck_assert_int_eq(faccessat(scratch.fd, ".pid.tmp", F_OK, 0), -1);
	}
	ck_assert_int_eq(io_publish_file(scratch.fd, "no/pid", "1", 1, 0644), -ENOENT);
	scratch_close(&scratch);
	ck_assert_uint_eq(suite_open_fds(), fds);
}
END_TEST

START_TEST(missing_stdio_is_filled)
{
	struct stat null, st;

	ck_assert_int_eq(stat("/dev/null", &null), 0);
	(void)close(STDIN_FILENO);
	(void)close(STDERR_FILENO);
	ck_assert_int_eq(fd_fill_stdio(), 0);
	for (int fd = 0; fd <= 2; fd += 2) {
		ck_assert_int_eq(fstat(fd, &st), 0);
		ck_assert_uint_eq(st.st_rdev, null.st_rdev);
		ck_assert_int_eq(fcntl(fd, F_GETFD), 0);
	}
	ck_assert_int_eq(fcntl(STDOUT_FILENO, F_GETFD), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		read_all_of_any_size,
		read_all_of_a_pipe,
		read_file_takes_regular_files_only,
		read_small_fits_or_not,
		write_all_to_a_slow_reader,
		write_all_says_why_not,
		write_value_changes_what_is_there,
		replace_file,
		publish_file,
		descriptors_are_moved_and_closed,
		ranges_of_descriptors,
		missing_stdio_is_filled,
	};

	return suite_run("io", tests, suite_count(tests));
}
