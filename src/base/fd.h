/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ownership of descriptors and memory by attribute.
 *
 *	auto_close int fd = -EBADF;
 *	auto_free char *text = NULL;
 *
 * close is never retried: on Linux the number is free whatever close returned (close(2)), and a
 * second close could hit another thread's descriptor.
 */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

/* Closes, keeps errno, and gives back the value to store: fd = fd_close(fd). */
static inline int fd_close(int fd)
{
	if (fd >= 0) {
		int saved = errno;

		(void)close(fd);
		errno = saved;
	}
	return -EBADF;
}

/* Moves the descriptor out; *fd is invalid afterwards. */
static inline int fd_take(int *fd)
{
	int value = *fd;

	*fd = -EBADF;
	return value;
}

static inline void fd_auto_close(int *fd)
{
	(void)fd_close(*fd);
}

static inline void memory_auto_free(void *pointer)
{
	free(*(void **)pointer);
}

/* Moves the pointer out; the variable is NULL afterwards. */
#define pointer_take(pointer)                                   \
	__extension__({                                         \
		__typeof__(pointer) pointer_taken_ = (pointer); \
		(pointer) = NULL;                               \
		pointer_taken_;                                 \
	})

#define auto_close    __attribute__((cleanup(fd_auto_close)))
#define auto_free     __attribute__((cleanup(memory_auto_free)))
#define array_size(a) (sizeof(a) / sizeof((a)[0]))

/* Sets FD_CLOEXEC on every descriptor from `first` on, or closes them, or those up to `last`:
 * close_range(2). Returns 0 or a negative errno. */
int fd_cloexec_from(unsigned int first);
int fd_close_from(unsigned int first);
int fd_close_range(unsigned int first, unsigned int last);

/* Opens /dev/null on those of 0, 1 and 2 that are closed, so that no descriptor of ours ever gets
 * one of these numbers. Returns 0 or a negative errno. */
int fd_fill_stdio(void);

/* Looks which of the `count` descriptors from `first` on are open (ret_open[i]), and puts /dev/null
 * (close-on-exec) on the others, so that the numbers stay reserved. Returns 0 or a negative errno.
 */
int fd_reserve(unsigned int first, unsigned int count, bool *ret_open);

#endif
