/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tmpcopyup. The tree that is copied belongs to the image and perhaps, through a volume, to other
 * containers that change it at this moment: every step down is one name below a descriptor, links
 * are never followed, and files that are no regular ones are never opened for reading.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "isolate/mounts/step.h"

/* Deeper trees than a path can name are an attack on the stack. */
#define COPY_UP_DEPTH_MAX 256

static int copy_up_directory(int from, int to, int depth, struct error *err);

static void copy_up_close(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int copy_up_xattr(int from, int to, const char *name)
{
	auto_free char *value = NULL;
	ssize_t size = fgetxattr(from, name, NULL, 0);

	if (size < 0)
		return -errno;
	value = malloc((size_t)size + 1);
	if (!value)
		return -ENOMEM;
	size = fgetxattr(from, name, value, (size_t)size);
	if (size < 0)
		return -errno;
	return fsetxattr(to, name, value, (size_t)size, 0) < 0 ? -errno : 0;
}

/* What tmpfs cannot hold (user.* before Linux 6.6) or we may not set (a user namespace) is left. */
static int copy_up_xattrs(int from, int to)
{
	auto_free char *names = NULL;
	ssize_t size = flistxattr(from, NULL, 0);

	if (size < 0)
		return errno == ENOTSUP ? 0 : -errno;
	if (size == 0)
		return 0;
	names = malloc((size_t)size);
	if (!names)
		return -ENOMEM;
	size = flistxattr(from, names, (size_t)size);
	for (ssize_t i = 0; i < size; i += (ssize_t)strlen(names + i) + 1) {
		int r = copy_up_xattr(from, to, names + i);

		if (r < 0 && r != -ENOTSUP && r != -EPERM && r != -ENODATA && r != -ERANGE)
			return r;
	}
	return 0;
}

/* Owner first: changing it takes set-id bits away. */
static int copy_up_attributes(int from, int to, const struct stat *st)
{
	struct timespec times[2] = {st->st_atim, st->st_mtim};
	int r;

	if (fchown(to, st->st_uid, st->st_gid) < 0)
		return -errno;
	r = copy_up_xattrs(from, to);
	if (r < 0)
		return r;
	if (fchmod(to, st->st_mode & 07777) < 0 || futimens(to, times) < 0)
		return -errno;
	return 0;
}

static int copy_up_file(int from_dir, int to_dir, const char *name, const struct stat *st)
{
	auto_close int from =
		openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	auto_close int to = -EBADF;
	struct stat now;
	ssize_t n;

	if (from < 0 || fstat(from, &now) < 0)
		return -errno;
	if (!S_ISREG(now.st_mode))
		return -ESTALE;
	to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return -errno;
	do
		n = sendfile(to, from, NULL, 1 << 30);
	while (n > 0 || (n < 0 && errno == EINTR));
	if (n < 0)
		return -errno;
	return copy_up_attributes(from, to, st);
}

static int copy_up_link(int from_dir, int to_dir, const char *name, const struct stat *st)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(from_dir, name, target, sizeof(target) - 1);

	if (length < 0)
		return -errno;
	target[length] = '\0';
	if (symlinkat(target, to_dir, name) < 0 ||
	    fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

/* FIFO, socket, device: made again, of the same number. */
static int copy_up_node(int to_dir, const char *name, const struct stat *st)
{
	if (mknodat(to_dir, name, st->st_mode & (S_IFMT | 07777), st->st_rdev) < 0 ||
	    fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(to_dir, name, st->st_mode & 07777, 0) < 0)
		return -errno;
	return 0;
}

static int copy_up_child(int from_dir, int to_dir, const char *name, int depth, struct error *err)
{
	auto_close int from = -EBADF, to = -EBADF;
	struct stat st;
	int r;

	if (depth > COPY_UP_DEPTH_MAX)
		return error_set(err, ELOOP, "the tree is deeper than %d directories",
				 COPY_UP_DEPTH_MAX);
	from = openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0 || mkdirat(to_dir, name, 0700) < 0)
		return error_errno(err, errno, "%s", name);
	to = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0 || fstat(from, &st) < 0)
		return error_errno(err, errno, "%s", name);
	r = copy_up_directory(from, to, depth, err);
	if (r < 0)
		return error_wrap(err, "%s", name);
	r = copy_up_attributes(from, to, &st);
	if (r < 0)
		return error_errno(err, -r, "%s", name);
	return 0;
}

static int copy_up_entry(int from, int to, const char *name, int depth, struct error *err)
{
	struct stat st;
	int r;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, errno, "%s", name);
	if (S_ISDIR(st.st_mode))
		return copy_up_child(from, to, name, depth + 1, err);
	if (S_ISREG(st.st_mode))
		r = copy_up_file(from, to, name, &st);
	else if (S_ISLNK(st.st_mode))
		r = copy_up_link(from, to, name, &st);
	else
		r = copy_up_node(to, name, &st);
	if (r < 0)
		return error_errno(err, -r, "%s", name);
	return 0;
}

static int copy_up_directory(int from, int to, int depth, struct error *err)
{
	int copy = fcntl(from, F_DUPFD_CLOEXEC, 0);
	DIR *dir __attribute__((cleanup(copy_up_close))) = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	int r;

	if (!dir) {
		r = errno;
		fd_close(copy);
		return error_errno(err, r, "read directory");
	}
	while ((errno = 0, entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		r = copy_up_entry(from, to, entry->d_name, depth, err);
		if (r < 0)
			return r;
	}
	if (errno != 0)
		return error_errno(err, errno, "read directory");
	return 0;
}

int mounts_copy_up(int from, int to, struct error *err)
{
	auto_close int source = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_close int target = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (source < 0 || target < 0)
		return error_errno(err, errno, "open directory");
	return copy_up_directory(source, target, 0, err);
}
