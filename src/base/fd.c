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
	/* By number: glibc has a wrapper from 2.34 on only. */
	return syscall(SYS_close_range, first, UINT_MAX, CLOSE_RANGE_CLOEXEC) < 0 ? -errno : 0;
}

int fd_close_from(unsigned int first)
{
	return syscall(SYS_close_range, first, UINT_MAX, 0) < 0 ? -errno : 0;
}

int fd_fill_stdio(void)
{
	for (;;) {
		int fd = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);

		if (fd < 0)
			return -errno;
		if (fd > STDERR_FILENO) {
			fd_close(fd);
			return 0;
		}
		/* It is a standard stream now: those are inherited. */
		if (fcntl(fd, F_SETFD, 0) < 0)
			return -errno;
	}
}
