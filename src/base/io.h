/* SPDX-License-Identifier: Apache-2.0 */
/* Whole reads and writes. */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * Reads `fd` to its end. At most `max` bytes are accepted, -EFBIG beyond. The text is malloc'ed
 * and NUL-terminated behind `*ret_length` bytes. Retries EINTR. Returns 0 or a negative errno;
 * sets no struct error, for its callers know the name of the file.
 */
int io_read_all(int fd, size_t max, char **ret_text, size_t *ret_length);

/*
 * The same for a path relative to `dirfd`. The file is opened O_CLOEXEC|O_NOCTTY|O_NONBLOCK and
 * must be a regular file (of procfs and cgroupfs too), so that a FIFO or device put in its place
 * cannot stall the caller: -EINVAL. `flags` are added to open's (O_NOFOLLOW).
 */
int io_read_file(int dirfd, const char *path, int flags, size_t max, char **ret_text,
		 size_t *ret_length);

/*
 * A small file of procfs, sysfs or cgroupfs into the caller's buffer, NUL-terminated, one trailing
 * newline cut. Returns the length, or a negative errno; -EFBIG when it does not fit.
 */
ssize_t io_read_small(int dirfd, const char *path, char *buffer, size_t size);

/* The same of what is open already. */
ssize_t io_read_small_fd(int fd, char *buffer, size_t size);

/* Writes all of it; retries EINTR and short writes. Returns 0 or a negative errno. */
int io_write_all(int fd, const void *data, size_t length);

/*
 * One write(2) of a whole value to an existing file of procfs or cgroupfs (never created, never
 * truncated, O_NOFOLLOW). A short write is -EIO. Returns 0 or a negative errno.
 */
int io_write_value(int dirfd, const char *path, const char *value);

/*
 * Replaces `name` in `dirfd` atomically: a new file ".NAME.tmp" beside it (an old one is removed),
 * then rename. After a crash of the caller at any point the name holds the old or the new content,
 * whole. There is no fsync: what is written so describes processes, which no power loss survives,
 * and readers take a torn file for a damaged one. Returns 0 or a negative errno; on failure nothing
 * is left behind.
 */
int io_replace_file(int dirfd, const char *name, const void *data, size_t length, mode_t mode);

/* The two halves of it: what takes time, and the rename by which it takes effect. What was prepared
 * and never committed stays as ".NAME.tmp". */
int io_prepare_file(int dirfd, const char *name, const void *data, size_t length, mode_t mode);
int io_commit_file(int dirfd, const char *name);

/*
 * The same for a directory that is not ours to clean up: where there is nothing of that name yet,
 * the new file has none either (O_TMPFILE) until it is whole, so that a crash leaves nothing
 * beside.
 */
int io_publish_file(int dirfd, const char *name, const void *data, size_t length, mode_t mode);

#endif
