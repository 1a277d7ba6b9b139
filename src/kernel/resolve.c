/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/resolve.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/path.h"
#include "kernel/syscalls.h"

/* Renames on the same filesystem cause EAGAIN too; a busy host needs some tens of tries. */
#define RESOLVE_TRIES 128
#define RESOLVE_POLICY (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)

int resolve_open(int root, const char *path, int flags)
{
	int fd = -EAGAIN;

	if (path[0] == '\0')
		path = ".";
	for (int i = 0; i < RESOLVE_TRIES && (fd == -EAGAIN || fd == -EINTR); i++)
		fd = sys_openat2(root, path, (uint64_t)(unsigned int)flags, 0, RESOLVE_POLICY);
	return fd;
}

/* Makes one directory below `parent` and opens it without following a link put in its place. */
static int resolve_make_child(int parent, const char *name, int *ret_fd)
{
	int fd;

	if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

/*
 * Walks `path` one component at a time from the deepest part that exists. Each existing part is
 * resolved from the root, so that links in it count as inside; each new one is made on the
 * descriptor of its parent, so that a link swapped in meanwhile leads nowhere.
 */
static int resolve_make_all(int root, const char *path, int *ret_fd)
{
	auto_close int fd = -EBADF;
	char clean[PATH_MAX], prefix[PATH_MAX];
	const char *rest = clean;
	size_t existing = 0;
	int r;

	r = path_clean(path, clean, sizeof(clean));
	if (r < 0)
		return r;
	rest += clean[0] == '/';
	fd = resolve_open(root, clean, O_PATH | O_DIRECTORY);
	if (fd >= 0) {
		*ret_fd = fd_take(&fd);
		return 0;
	}
	if (fd != -ENOENT)
		return fd;

	/* The longest prefix that exists. */
	for (size_t i = 0;; i++) {
		int next = -EBADF;

		if (rest[i] != '/' && rest[i] != '\0')
			continue;
		memcpy(prefix, rest, i);
		prefix[i] = '\0';
		next = resolve_open(root, prefix, O_PATH | O_DIRECTORY);
		if (next == -ENOENT)
			break;
		if (next < 0)
			return next;
		fd_close(fd);
		fd = next;
		existing = rest[i] == '/' ? i + 1 : i;
		if (rest[i] == '\0')
			break;
	}
	if (fd < 0) {
		fd = resolve_open(root, "/", O_PATH | O_DIRECTORY);
		if (fd < 0)
			return fd;
	}
	for (rest += existing; *rest;) {
		size_t n = strcspn(rest, "/");
		int next = -EBADF;

		memcpy(prefix, rest, n);
		prefix[n] = '\0';
		r = resolve_make_child(fd, prefix, &next);
		if (r < 0)
			return r;
		fd_close(fd);
		fd = next;
		rest += n;
		rest += strspn(rest, "/");
	}
	*ret_fd = fd_take(&fd);
	return 0;
}

int resolve_make_directory(int root, const char *path, int *ret_fd, struct error *err)
{
	int r = resolve_make_all(root, path, ret_fd);

	if (r == -ENOTDIR)
		return error_set(err, ENOTDIR, "%s in the root filesystem is not a directory", path);
	if (r == -ELOOP)
		return error_errno(err, ELOOP,
				   "open directory %s in the root filesystem (a link in it cannot be followed)",
				   path);
	if (r < 0)
		return error_errno(err, -r, "make directory %s in the root filesystem", path);
	return 0;
}

int resolve_parent(int root, const char *path, bool make, int *ret_fd, const char **ret_name,
		   struct error *err)
{
	const char *name = path_basename(path);
	char parent[PATH_MAX];
	size_t length = (size_t)(name - path);
	int fd;

	if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return error_set(err, EINVAL, "%s does not end in a file name", path);
	if (length >= sizeof(parent))
		return error_errno(err, ENAMETOOLONG, "%s", path);
	memcpy(parent, path, length);
	parent[length] = '\0';

	if (make) {
		int r = resolve_make_directory(root, parent, &fd, err);

		if (r < 0)
			return r;
	} else {
		fd = resolve_open(root, parent, O_PATH | O_DIRECTORY);
		if (fd < 0)
			return error_errno(err, -fd, "open directory %s in the root filesystem",
					   parent[0] ? parent : "/");
	}
	*ret_fd = fd;
	*ret_name = name;
	return 0;
}

int resolve_make_file(int root, const char *path, int *ret_fd, struct error *err)
{
	auto_close int parent = -EBADF;
	const char *name;
	struct stat st;
	int fd, r;

	fd = resolve_open(root, path, O_PATH);
	if (fd == -ENOENT) {
		r = resolve_parent(root, path, true, &parent, &name, err);
		if (r < 0)
			return r;
		if (mknodat(parent, name, S_IFREG | 0644, 0) < 0 && errno != EEXIST)
			return error_errno(err, errno, "make file %s in the root filesystem", path);
		/* Either ours, or somebody was faster: resolved as an existing one in both cases. */
		fd = resolve_open(root, path, O_PATH);
	}
	if (fd < 0)
		return error_errno(err, -fd, "open %s in the root filesystem", path);
	if (fstat(fd, &st) < 0 || S_ISDIR(st.st_mode)) {
		fd_close(fd);
		return error_set(err, EISDIR, "%s in the root filesystem is a directory", path);
	}
	*ret_fd = fd;
	return 0;
}
