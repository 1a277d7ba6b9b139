/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/resolve.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "kernel/syscalls.h"

/* Renames on the same filesystem cause EAGAIN too; a busy host needs some tens of tries. */
#define RESOLVE_TRIES 128
/* As many links as the kernel follows in one path. */
#define RESOLVE_LINKS  40
#define RESOLVE_POLICY (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)

static int resolve_open_with(int root, const char *path, int flags, uint64_t policy)
{
	int fd = -EAGAIN;

	if (path[0] == '\0')
		path = ".";
	for (int i = 0; i < RESOLVE_TRIES && (fd == -EAGAIN || fd == -EINTR); i++)
		fd = sys_openat2(root, path, (uint64_t)(unsigned int)flags, 0, policy);
	return fd;
}

int resolve_open(int root, const char *path, int flags)
{
	return resolve_open_with(root, path, flags, RESOLVE_POLICY);
}

int resolve_open_plain(int root, const char *path, int flags)
{
	return resolve_open_with(root, path, flags, RESOLVE_POLICY | RESOLVE_NO_SYMLINKS);
}

/* mkdirat or mknodat with exactly this mode, whatever the umask. -EEXIST is success: what is there
 * is looked at afterwards. */
static int resolve_make_node(int parent, const char *name, mode_t mode)
{
	mode_t mask = umask(0);
	int r = S_ISDIR(mode) ? mkdirat(parent, name, mode & 07777)
			      : mknodat(parent, name, mode, 0);

	r = r < 0 && errno != EEXIST ? -errno : 0;
	(void)umask(mask);
	return r;
}

/* Makes one directory below `parent` and opens it without following a link put in its place. */
static int resolve_make_child(int parent, const char *name, int *ret_fd)
{
	int fd = resolve_make_node(parent, name, S_IFDIR | 0755);

	if (fd < 0)
		return fd;
	fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

/* Makes the directories of `rest`, of which the first does not exist in `*fd`, each on the
 * descriptor of its parent, so that a link swapped in meanwhile leads nowhere. *fd becomes the last
 * one. */
static int resolve_make_chain(int *fd, const char *rest)
{
	for (; *rest; rest += strspn(rest, "/")) {
		size_t n = strcspn(rest, "/");
		char name[NAME_MAX + 1];
		int next = -EBADF, r;

		if (n > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, rest, n);
		name[n] = '\0';
		/* ".." of a directory that others can move is nothing to rely on. */
		if (strcmp(name, "..") == 0)
			return -ENOENT;
		r = resolve_make_child(*fd, name, &next);
		if (r < 0)
			return r;
		(void)fd_close(*fd);
		*fd = next;
		rest += n;
	}
	return 0;
}

/* Opens the longest prefix of `path` that exists, resolved from the root, so that links in it count
 * as inside. What is behind it begins at path + *ret_length. */
static int resolve_existing(int root, const char *path, int *ret_fd, size_t *ret_length)
{
	auto_close int fd = resolve_open(root, "/", O_PATH | O_DIRECTORY);
	char prefix[PATH_MAX];
	size_t length = strspn(path, "/");

	if (fd < 0)
		return fd;
	while (path[length]) {
		size_t end = length + strcspn(path + length, "/");
		int next;

		memcpy(prefix, path, end);
		prefix[end] = '\0';
		next = resolve_open(root, prefix, O_PATH | O_DIRECTORY);
		if (next == -ENOENT)
			break;
		if (next < 0)
			return next;
		(void)fd_close(fd);
		fd = next;
		length = end + strspn(path + end, "/");
	}
	*ret_fd = fd_take(&fd);
	*ret_length = length;
	return 0;
}

/*
 * When the component at path[at] of the directory `parent` is a symbolic link (to nothing, as its
 * callers know), replaces it in `path` by its target and gives 1; else 0. Not cleaned: the kernel
 * decides what ".." of the target means. -ESRCH: a link whose target depends on who asks, and that
 * has none for us ("self" in the procfs of a pid namespace that we are not in).
 */
static int resolve_replace_link(int parent, char path[PATH_MAX], size_t at)
{
	size_t n = strcspn(path + at, "/");
	char name[NAME_MAX + 1], target[PATH_MAX], next[PATH_MAX];
	struct stat st;
	ssize_t length;
	int written;

	if (n > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, path + at, n);
	name[n] = '\0';
	length = readlinkat(parent, name, target, sizeof(target) - 1);
	if (length < 0 && errno == ENOENT)
		return fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? -ESRCH : 0;
	if (length < 0)
		return errno == EINVAL ? 0 : -errno;
	target[length] = '\0';
	written = snprintf(next, sizeof(next), "%.*s%s%s", target[0] == '/' ? 0 : (int)at, path,
			   target, path + at + n);
	if (written < 0 || (size_t)written >= sizeof(next))
		return -ENAMETOOLONG;
	memcpy(path, next, (size_t)written + 1);
	return 1;
}

/* The deepest part that exists is opened, the rest is made, if `make` says so. A link to what does
 * not exist yet is followed too, inside: images have /etc/resolv.conf -> ../run/systemd/..., and
 * /run empty. */
static int resolve_make_all(int root, char path[PATH_MAX], bool make, int *ret_fd)
{
	for (int links = 0; links <= RESOLVE_LINKS; links++) {
		auto_close int fd = resolve_open(root, path, O_PATH | O_DIRECTORY);
		size_t length;
		int r;

		if (fd != -ENOENT) {
			r = fd < 0 ? fd : 0;
			if (r == 0)
				*ret_fd = fd_take(&fd);
			return r;
		}
		r = resolve_existing(root, path, &fd, &length);
		if (r < 0)
			return r;
		r = path[length] ? resolve_replace_link(fd, path, length) : 0;
		if (r > 0)
			continue;
		if (r == 0)
			r = make ? resolve_make_chain(&fd, path + length) : -ENOENT;
		if (r == 0)
			*ret_fd = fd_take(&fd);
		return r;
	}
	return -ELOOP;
}

static int resolve_nobody(const char *path, struct error *err)
{
	return error_set(err, ESRCH,
			 "%s leads through a link of /proc to the process that follows it, which "
			 "is none of that pid namespace here",
			 path);
}

int resolve_directory(int root, const char *path, bool make, int *ret_fd, struct error *err)
{
	char clean[PATH_MAX];
	int r;

	r = path_clean(path, clean, sizeof(clean));
	if (r == 0)
		r = resolve_make_all(root, clean, make, ret_fd);
	if (r == -ENOTDIR)
		return error_set(err, ENOTDIR, "%s in the root filesystem is not a directory",
				 path);
	if (r == -ELOOP)
		return error_errno(
			err, ELOOP,
			"open directory %s in the root filesystem (a link in it cannot be "
			"followed)",
			path);
	if (r == -ESRCH)
		return resolve_nobody(path, err);
	if (r < 0)
		return error_errno(err, -r, "%s directory %s in the root filesystem",
				   make ? "make" : "open", path);
	return 0;
}

int resolve_make_directory(int root, const char *path, int *ret_fd, struct error *err)
{
	return resolve_directory(root, path, true, ret_fd, err);
}

int resolve_parent(int root, const char *path, bool make, int *ret_fd, const char **ret_name,
		   struct error *err)
{
	const char *name = path_basename(path);
	char parent[PATH_MAX];
	size_t length = (size_t)(name - path);
	int fd = -EBADF;

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

/* Makes a file that does not exist, and its parents. Gives 1 when its name was a link to nothing;
 * `path` is the target then. */
static int resolve_make_missing(int root, char path[PATH_MAX])
{
	auto_close int parent = -EBADF;
	char directory[PATH_MAX];
	size_t length = (size_t)(path_basename(path) - path);
	int r;

	memcpy(directory, path, length);
	directory[length] = '\0';
	r = resolve_make_all(root, directory, true, &parent);
	if (r == 0)
		r = resolve_replace_link(parent, path, length);
	if (r == 0)
		r = resolve_make_node(parent, path + length, S_IFREG | 0644);
	return r;
}

int resolve_make_file(int root, const char *path, int *ret_fd, struct error *err)
{
	auto_close int fd = -ENOENT;
	char current[PATH_MAX];
	struct stat st;
	int r;

	r = path_clean(path, current, sizeof(current));
	for (int links = 0; r >= 0 && fd == -ENOENT && links <= RESOLVE_LINKS; links++) {
		fd = resolve_open(root, current, O_PATH);
		if (fd == -ENOENT)
			r = resolve_make_missing(root, current);
	}
	if (r == -ESRCH)
		return resolve_nobody(path, err);
	if (r < 0)
		return error_errno(err, -r, "make file %s in the root filesystem", path);
	if (fd < 0)
		return error_errno(err, fd == -ENOENT ? ELOOP : -fd,
				   "open %s in the root filesystem", path);
	if (fstat(fd, &st) < 0 || S_ISDIR(st.st_mode))
		return error_set(err, EISDIR, "%s in the root filesystem is a directory", path);
	*ret_fd = fd_take(&fd);
	return 0;
}
