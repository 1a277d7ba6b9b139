/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/syscall.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

int fd_cloexec_from(unsigned int first)
{
	/* By number: glibc has a wrapper from 2.34 on only, musl none. */
	return syscall(SYS_close_range, first, UINT_MAX, CLOSE_RANGE_CLOEXEC) < 0 ? -errno : 0;
}

int fd_close_range(unsigned int first, unsigned int last)
{
	return syscall(SYS_close_range, first, last, 0) < 0 ? -errno : 0;
}

int fd_close_from(unsigned int first)
{
	return fd_close_range(first, UINT_MAX);
}

int fd_fill_stdio(void)
{
	/* Mostly there is nothing to fill, and these cost a tenth of one open. */
	while (fcntl(STDIN_FILENO, F_GETFD) < 0 || fcntl(STDOUT_FILENO, F_GETFD) < 0 ||
	       fcntl(STDERR_FILENO, F_GETFD) < 0) {
		int fd = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);

		if (fd < 0)
			return -errno;
		/* It is a standard stream now: those are inherited. */
		if (fcntl(fd, F_SETFD, 0) < 0)
			return -errno;
	}
	return 0;
}

int fd_reserve(unsigned int first, unsigned int count, bool *ret_open)
{
	for (unsigned int i = 0; i < count; i++) {
		int wanted = (int)(first + i), fd;

		ret_open[i] = fcntl(wanted, F_GETFD) >= 0;
		if (ret_open[i])
			continue;
		fd = open("/dev/null", O_PATH | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		if (fd == wanted)
			continue;
		if (dup3(fd, wanted, O_CLOEXEC) < 0) {
			int number = errno;

			fd_close(fd);
			return -number;
		}
		fd_close(fd);
	}
	return 0;
}
