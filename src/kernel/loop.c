/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "base/fd.h"

/* Between the question for a free one and taking it, somebody else may have. */
#define LOOP_TRIES 64

/* 0, -EBUSY when the device is taken, or another negative errno. */
static int loop_take(const char *path, int image, bool readonly, int *ret_fd)
{
	struct loop_config config = {
		.fd = (uint32_t)image,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR | (readonly ? LO_FLAGS_READ_ONLY : 0),
	};
	auto_close int fd = open(path, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);

	if (fd < 0)
		return errno == ENXIO ? -EBUSY : -errno;
	if (ioctl(fd, LOOP_CONFIGURE, &config) < 0)
		return -errno;
	*ret_fd = fd_take(&fd);
	return 0;
}

int loop_attach(int image, bool readonly, char path[LOOP_PATH_SIZE], int *ret_fd, struct error *err)
{
	auto_close int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int r = -EBUSY;

	if (control < 0)
		return error_errno(err, errno, "open /dev/loop-control");
	for (int i = 0; r == -EBUSY && i < LOOP_TRIES; i++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE);

		if (number < 0)
			return error_errno(err, errno, "find a free loop device");
		(void)snprintf(path, LOOP_PATH_SIZE, "/dev/loop%d", number);
		r = loop_take(path, image, readonly, ret_fd);
	}
	return r < 0 ? error_errno(err, -r, "attach a file to %s", path) : 0;
}
