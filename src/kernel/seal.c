/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/fd.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3 */
#endif
#define SEAL_ALL (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

extern char **environ;

static bool seal_is_sealed(int exe)
{
	int seals = fcntl(exe, F_GET_SEALS);

	return seals >= 0 && (seals & SEAL_ALL) == SEAL_ALL;
}

static int seal_copy(int exe, off_t size, int *ret_fd)
{
	auto_close int fd = memfd_create("knarr", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);

	/* Before 6.3 the flag is unknown, and every memfd can be executed. */
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("knarr", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	while (size > 0) {
		ssize_t n = sendfile(fd, exe, NULL, (size_t)size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		size -= n;
	}
	if (fchmod(fd, 0555) < 0 || fcntl(fd, F_ADD_SEALS, SEAL_ALL) < 0)
		return -errno;
	*ret_fd = fd_take(&fd);
	return 0;
}

int seal_self(char *const *argv, struct error *err)
{
	auto_close int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	auto_close int copy = -EBADF;
	struct stat st;
	int r;

	if (exe < 0)
		return error_errno(err, errno, "open /proc/self/exe");
	if (seal_is_sealed(exe))
		return 0;
	if (fstat(exe, &st) < 0)
		return error_errno(err, errno, "look at /proc/self/exe");
	r = seal_copy(exe, st.st_size, &copy);
	if (r < 0) {
		error_errno(err, -r, "make a sealed copy of the executable");
		if (r == -EACCES)
			error_hint(err, "sysctl vm.memfd_noexec=2 forbids it; 1 does not");
		return r;
	}
	/* By number: glibc has execveat from 2.34 on only. */
	(void)syscall(SYS_execveat, copy, "", argv, environ, AT_EMPTY_PATH);
	return error_errno(err, errno, "execute the sealed copy of the executable");
}
