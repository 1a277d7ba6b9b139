/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

/* One read(2), one write(2), that no signal interrupts. */
static ssize_t io_read_some(int fd, void *buffer, size_t size)
{
	ssize_t n;

	do
		n = read(fd, buffer, size);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static ssize_t io_write_some(int fd, const void *data, size_t size)
{
	ssize_t n;

	do
		n = write(fd, data, size);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* Regular files say how long they are; those of procfs say 0. */
static size_t io_size_of(const struct stat *st, size_t max)
{
	return S_ISREG(st->st_mode) && st->st_size > 0 && (uint64_t)st->st_size <= max
		       ? (size_t)st->st_size
		       : 0;
}

/* `expected`: as long as the file said to be, or 0. */
static int io_read_expected(int fd, size_t expected, size_t max, char **ret_text,
			    size_t *ret_length)
{
	auto_free char *text = NULL;
	size_t length = 0, size = expected ? expected + 2 : 4096;

	text = malloc(size);
	if (!text)
		return -ENOMEM;
	for (;;) {
		ssize_t n;

		if (length + 1 >= size) {
			char *larger = realloc(text, size * 2);

			if (!larger)
				return -ENOMEM;
			text = larger;
			size *= 2;
		}
		n = io_read_some(fd, text + length, size - length - 1);
		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		length += (size_t)n;
		if (length > max)
			return -EFBIG;
		/* More was asked for: it ends where it said to. */
		if (length == expected)
			break;
	}
	text[length] = '\0';
	*ret_text = pointer_take(text);
	if (ret_length)
		*ret_length = length;
	return 0;
}

int io_read_all(int fd, size_t max, char **ret_text, size_t *ret_length)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return io_read_expected(fd, io_size_of(&st, max), max, ret_text, ret_length);
}

int io_read_file(int dirfd, const char *path, int flags, size_t max, char **ret_text,
		 size_t *ret_length)
{
	auto_close int fd = -EBADF;
	struct stat st;

	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	return io_read_expected(fd, io_size_of(&st, max), max, ret_text, ret_length);
}

ssize_t io_read_small_fd(int fd, char *buffer, size_t size)
{
	size_t length = 0;

	while (length < size) {
		ssize_t n = io_read_some(fd, buffer + length, size - length);

		if (n < 0)
			return n;
		if (n == 0)
			break;
		length += (size_t)n;
	}
	if (length == size)
		return -EFBIG;
	if (length > 0 && buffer[length - 1] == '\n')
		length--;
	buffer[length] = '\0';
	return (ssize_t)length;
}

ssize_t io_read_small(int dirfd, const char *path, char *buffer, size_t size)
{
	auto_close int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : io_read_small_fd(fd, buffer, size);
}

int io_write_all(int fd, const void *data, size_t length)
{
	const char *at = data;

	while (length > 0) {
		ssize_t n = io_write_some(fd, at, length);

		if (n < 0)
			return (int)n;
		at += n;
		length -= (size_t)n;
	}
	return 0;
}

int io_write_value(int dirfd, const char *path, const char *value)
{
	auto_close int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
	size_t length = strlen(value);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = io_write_some(fd, value, length);
	if (n < 0)
		return (int)n;
	return (size_t)n == length ? 0 : -EIO;
}

/* Hidden, and of a name that a killed writer's successor finds again. */
static int io_temporary_name(const char *name, char *buffer, size_t size)
{
	return snprintf(buffer, size, ".%s.tmp", name) < (int)size ? 0 : -ENAMETOOLONG;
}

int io_prepare_file(int dirfd, const char *name, const void *data, size_t length, mode_t mode)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	auto_close int fd = -EBADF;
	char temporary[256];
	int r = io_temporary_name(name, temporary, sizeof(temporary));

	if (r < 0)
		return r;
	fd = openat(dirfd, temporary, flags, mode);
	/* O_EXCL after unlink: the content of a file left by a killed writer is never kept. */
	if (fd < 0 && errno == EEXIST) {
		if (unlinkat(dirfd, temporary, 0) < 0 && errno != ENOENT)
			return -errno;
		fd = openat(dirfd, temporary, flags, mode);
	}
	if (fd < 0)
		return -errno;
	r = io_write_all(fd, data, length);
	if (r < 0)
		(void)unlinkat(dirfd, temporary, 0);
	return r;
}

int io_commit_file(int dirfd, const char *name)
{
	char temporary[256];
	int r = io_temporary_name(name, temporary, sizeof(temporary));

	if (r == 0 && renameat(dirfd, temporary, dirfd, name) < 0) {
		r = -errno;
		(void)unlinkat(dirfd, temporary, 0);
	}
	return r;
}

int io_replace_file(int dirfd, const char *name, const void *data, size_t length, mode_t mode)
{
	int r = io_prepare_file(dirfd, name, data, length, mode);

	return r < 0 ? r : io_commit_file(dirfd, name);
}

int io_publish_file(int dirfd, const char *name, const void *data, size_t length, mode_t mode)
{
	auto_close int fd = openat(dirfd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
	char path[32];
	int r;

	/* Not every filesystem has files without a name. */
	if (fd < 0)
		return io_replace_file(dirfd, name, data, length, mode);
	r = io_write_all(fd, data, length);
	if (r < 0)
		return r;
	/* Not by AT_EMPTY_PATH, which takes CAP_DAC_READ_SEARCH. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, path, dirfd, name, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	/* There is one, or no procfs. */
	return io_replace_file(dirfd, name, data, length, mode);
}
