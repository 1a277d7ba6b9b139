/* SPDX-License-Identifier: Apache-2.0 */
/* For libseccomp before 2.6, which can only write a filter to a file. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "isolate/seccomp-compile.h"

/* In the headers since Linux 6.3, and asked for by vm.memfd_noexec=2. */
#define NOEXEC_SEAL 0x0008U

static int memory_file(void)
{
	int fd = memfd_create("seccomp", MFD_CLOEXEC | NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("seccomp", MFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int seccomp_export(scmp_filter_ctx filter, struct sock_filter **ret_instructions, size_t *ret_count)
{
	auto_free struct sock_filter *instructions = NULL;
	auto_close int fd = memory_file();
	struct stat status;
	int r;

	if (fd < 0)
		return fd;
	r = seccomp_export_bpf(filter, fd);
	if (r < 0)
		return r;
	if (fstat(fd, &status) < 0)
		return -errno;
	instructions = malloc((size_t)status.st_size);
	if (!instructions)
		return -ENOMEM;
	if (pread(fd, instructions, (size_t)status.st_size, 0) != status.st_size)
		return -EIO;

	*ret_instructions = pointer_take(instructions);
	*ret_count = (size_t)status.st_size / sizeof(**ret_instructions);
	return 0;
}
