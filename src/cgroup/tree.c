/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "kernel/syscalls.h"

/* cgroupfs has no symbolic links; what could be one is a mount on top, which NO_XDEV refuses. */
#define TREE_RESOLVE \
	(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV)
/* How often a parent may be removed under our hands (another runtime tidying up). */
#define TREE_MAKE_ATTEMPTS 8

void tree_node_clear(struct tree_node *node)
{
	node->parent = fd_close(node->parent);
	node->fd = fd_close(node->fd);
	node->made = 0;
}

int tree_open_mount(const char *mount_point)
{
	int fd = open(mount_point, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int tree_open_below(int dirfd, const char *relative, int flags)
{
	return sys_openat2(dirfd, *relative ? relative : ".",
			   (uint64_t)(unsigned int)flags | O_CLOEXEC | O_NOFOLLOW, 0, TREE_RESOLVE);
}

static int tree_open_leaf(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* The path up to its last component, without the leading slash: "a/b" of "/a/b/c". */
static int tree_parent_path(const char *path, char *out, size_t size)
{
	const char *name = path_basename(path);
	size_t length = (size_t)(name - path);

	if (length < 2) {
		out[0] = '\0';
		return 0;
	}
	length -= 2; /* both slashes */
	if (length >= size)
		return -ENAMETOOLONG;
	memcpy(out, path + 1, length);
	out[length] = '\0';
	return 0;
}

int tree_open(const char *mount_point, const char *path, struct tree_node *ret_node)
{
	auto_close int root = -EBADF, parent = -EBADF;
	char parent_path[PATH_MAX];
	int fd, r;

	r = tree_parent_path(path, parent_path, sizeof(parent_path));
	if (r < 0)
		return r;
	root = tree_open_mount(mount_point);
	if (root < 0)
		return root;
	parent = *parent_path ? tree_open_below(root, parent_path, O_PATH | O_DIRECTORY)
			      : fd_take(&root);
	if (parent < 0)
		return parent;
	fd = tree_open_leaf(parent, path_basename(path));
	if (fd < 0)
		return fd;
	*ret_node = (struct tree_node){.parent = fd_take(&parent), .fd = fd};
	return 0;
}

/* What tree_make() carries from level to level. */
struct tree_make {
	const char *mount_point, *path;
	tree_made_fn *made;
	void *data;
	size_t levels; /* made so far, since the last one that was there */
};

/* Whatever the umask: who looks at it in the container is another user there, or has no more rights
 * over it than others. */
static int tree_make_directory(int parent, const char *name)
{
	mode_t mask = umask(0);
	int r = mkdirat(parent, name, 0755) < 0 ? -errno : 0;

	(void)umask(mask);
	return r;
}

/* Makes one directory unless it is there. Returns 1 when it was made, 0 when it was there. */
static int tree_make_level(struct tree_make *make, int parent, const char *name, struct error *err)
{
	auto_close int fd = -EBADF;
	int r = tree_make_directory(parent, name);

	if (r < 0) {
		if (r == -EEXIST) {
			/* Whatever was made above it is no longer ours alone. */
			make->levels = 0;
			return 0;
		}
		return error_errno(err, -r, "make cgroup %s%s", make->mount_point, make->path);
	}
	make->levels++;
	if (!make->made)
		return 1;
	fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, errno, "open cgroup %s%s", make->mount_point, make->path);
	r = make->made(parent, fd, make->data, err);
	return r < 0 ? r : 1;
}

/* Walks from the root and makes what is missing of the parents; gives the last of them. */
static int tree_make_parents(struct tree_make *make, int root, int *ret_fd, struct error *err)
{
	const char *at = make->path + 1, *leaf = path_basename(make->path);
	auto_close int fd = -EBADF;
	char name[NAME_MAX + 1];

	fd = tree_open_below(root, "", O_PATH | O_DIRECTORY);
	if (fd < 0)
		return error_errno(err, -fd, "open cgroup %s", make->mount_point);
	while (at < leaf) {
		size_t n = strcspn(at, "/");
		int next, r;

		if (n > NAME_MAX)
			return error_errno(err, ENAMETOOLONG, "make cgroup %s%s", make->mount_point,
					   make->path);
		memcpy(name, at, n);
		name[n] = '\0';
		r = tree_make_level(make, fd, name, err);
		if (r < 0)
			return r;
		next = tree_open_below(fd, name, O_PATH | O_DIRECTORY);
		if (next < 0)
			return error_errno(err, -next, "open cgroup %s%.*s", make->mount_point,
					   (int)(at + n - make->path), make->path);
		fd_close(fd);
		fd = next;
		at += n + 1;
	}
	*ret_fd = fd_take(&fd);
	return 0;
}

static int tree_make_once(struct tree_make *make, int root, struct tree_node *ret_node,
			  struct error *err)
{
	auto_close int parent = -EBADF;
	char parent_path[PATH_MAX];
	int fd, r;

	r = tree_parent_path(make->path, parent_path, sizeof(parent_path));
	if (r < 0)
		return error_errno(err, -r, "cgroup path %s", make->path);
	/* Nearly always the parent is there: one call for all its levels. */
	parent = tree_open_below(root, parent_path, O_PATH | O_DIRECTORY);
	if (parent == -ENOENT)
		r = tree_make_parents(make, root, &parent, err);
	else if (parent < 0)
		r = error_errno(err, -parent, "open cgroup %s/%s", make->mount_point, parent_path);
	if (r < 0)
		return r;
	r = tree_make_level(make, parent, path_basename(make->path), err);
	if (r < 0)
		return r;
	fd = tree_open_leaf(parent, path_basename(make->path));
	if (fd < 0)
		return error_errno(err, -fd, "open cgroup %s%s", make->mount_point, make->path);
	*ret_node = (struct tree_node){.parent = fd_take(&parent), .fd = fd, .made = make->levels};
	return 0;
}

/* Descriptors may be what it was short of: one of its own is all that this takes. */
static void tree_unmake_below(int root, const char *path, size_t levels)
{
	char at[PATH_MAX];

	if (strlen(path) >= sizeof(at))
		return;
	strcpy(at, path);
	while (levels-- > 0 && at[1] != '\0') {
		char parent_path[PATH_MAX];
		auto_close int parent = -EBADF;

		if (tree_parent_path(at, parent_path, sizeof(parent_path)) < 0)
			return;
		parent = tree_open_below(root, parent_path, O_PATH | O_DIRECTORY);
		if (parent >= 0)
			(void)unlinkat(parent, path_basename(at), AT_REMOVEDIR);
		*strrchr(at, '/') = '\0';
		if (at[0] == '\0')
			return;
	}
}

int tree_make(const char *mount_point, const char *path, tree_made_fn *made, void *data,
	      struct tree_node *ret_node, struct error *err)
{
	struct tree_make make = {
		.mount_point = mount_point, .path = path, .made = made, .data = data};
	auto_close int root = tree_open_mount(mount_point);
	int r = -ENOENT;

	if (root < 0)
		return error_errno(err, -root, "open cgroup hierarchy %s", mount_point);
	for (int i = 0; i < TREE_MAKE_ATTEMPTS && (r == -ENOENT || r == -ENODEV); i++) {
		make.levels = 0;
		r = tree_make_once(&make, root, ret_node, err);
	}
	if (r < 0)
		tree_unmake_below(root, path, make.levels);
	return r;
}

void tree_unmake(const char *mount_point, const char *path, size_t levels)
{
	auto_close int root = tree_open_mount(mount_point);

	if (root >= 0)
		tree_unmake_below(root, path, levels);
}

ssize_t tree_read(int dirfd, const char *name, char *buffer, size_t size)
{
	auto_close int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do
		n = read(fd, buffer, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n == size)
		return -EFBIG;
	if (n > 0 && buffer[n - 1] == '\n')
		n--;
	buffer[n] = '\0';
	return n;
}

int tree_read_u64(int dirfd, const char *name, uint64_t *ret_value)
{
	char buffer[64];
	ssize_t n = tree_read(dirfd, name, buffer, sizeof(buffer));

	if (n < 0)
		return (int)n;
	if (strcmp(buffer, "max") == 0) {
		*ret_value = UINT64_MAX;
		return 0;
	}
	return text_parse_u64(buffer, ret_value);
}

int tree_parse_key(const char *text, const char *key, uint64_t *ret_value)
{
	size_t length = strlen(key);

	while (*text) {
		size_t line = strcspn(text, "\n");

		if (line > length && strncmp(text, key, length) == 0 && text[length] == ' ') {
			char number[32];
			size_t n = line - length - 1;

			if (n >= sizeof(number))
				return -ERANGE;
			memcpy(number, text + length + 1, n);
			number[n] = '\0';
			return text_parse_u64(number, ret_value);
		}
		text += line;
		text += *text == '\n';
	}
	return -ENOENT;
}

/* A level of a walk: the child we are in, and where to go on reading its parent afterwards. */
struct tree_level {
	off_t next;
	char name[NAME_MAX + 1];
};

struct tree_walk {
	struct tree_level *levels;
	size_t depth, size, visited, max;
};

void tree_walk_path(const struct tree_walk *walk, struct text *path)
{
	for (size_t i = 0; i < walk->depth; i++) {
		text_append(path, "/");
		text_append(path, walk->levels[i].name);
	}
}

/* The next subdirectory from the descriptor's position on. Returns 1, 0 at the end, or an errno. */
static int tree_next_child(int fd, struct tree_level *level)
{
	_Alignas(struct dirent64) char buffer[4096];
	void *entries = buffer; /* to some C libraries struct dirent, to others anything */

	for (;;) {
		ssize_t n = getdents64(fd, entries, sizeof(buffer));

		/* A directory removed meanwhile has nothing more in it. */
		if (n < 0)
			return errno == ENOENT ? 0 : -errno;
		if (n == 0)
			return 0;
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *entry = (const void *)(buffer + at);

			at += entry->d_reclen;
			if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 ||
			    strcmp(entry->d_name, "..") == 0)
				continue;
			level->next = (off_t)entry->d_off;
			(void)strncpy(level->name, entry->d_name, sizeof(level->name) - 1);
			level->name[sizeof(level->name) - 1] = '\0';
			return 1;
		}
	}
}

static int tree_walk_grow(struct tree_walk *walk)
{
	size_t size = walk->size ? walk->size * 2 : 16;
	struct tree_level *levels;

	if (walk->depth < walk->size)
		return 0;
	levels = realloc(walk->levels, size * sizeof(*levels));
	if (!levels)
		return -ENOMEM;
	walk->levels = levels;
	walk->size = size;
	return 0;
}

/* Into the next child, if there is one. Returns 1 when it went down, 0 when there is none. */
static int tree_walk_down(struct tree_walk *walk, int *fd)
{
	for (;;) {
		struct tree_level *level;
		int child, r;

		r = tree_walk_grow(walk);
		if (r < 0)
			return r;
		level = &walk->levels[walk->depth];
		level->next = 0;
		r = tree_next_child(*fd, level);
		if (r <= 0)
			return r;
		if (walk->visited++ >= walk->max)
			return -E2BIG;
		child = tree_open_leaf(*fd, level->name);
		if (child >= 0) {
			fd_close(*fd);
			*fd = child;
			walk->depth++;
			return 1;
		}
		if (child != -ENOENT && child != -ENODEV)
			return child;
		if (lseek(*fd, level->next, SEEK_SET) < 0)
			return -errno;
	}
}

/*
 * One descriptor and the names on the way: "..", not a stack of descriptors, leads back, so that a
 * container that has nested its cgroups a thousand deep is walked like any other. Going up is safe:
 * cgroup directories cannot be moved.
 */
int tree_walk(int root, size_t max, tree_visit_fn *visit, void *data)
{
	auto_close int fd = tree_open_leaf(root, ".");
	struct tree_walk walk = {.max = max};
	int r = fd;

	while (r >= 0) {
		const struct tree_level *level;
		int parent;

		r = tree_walk_down(&walk, &fd);
		if (r != 0)
			continue;
		if (walk.depth == 0)
			break;
		level = &walk.levels[walk.depth - 1];
		parent = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = parent < 0 ? -errno : 0;
		if (r < 0)
			break;
		fd_close(fd);
		fd = parent;
		r = visit(&walk, fd, level->name, data);
		if (r >= 0 && lseek(fd, level->next, SEEK_SET) < 0)
			r = -errno;
		walk.depth--;
	}
	free(walk.levels);
	return r < 0 ? r : 0;
}

static int tree_remove_visit(const struct tree_walk *walk, int parent, const char *name, void *data)
{
	/* One that is busy does not save the others. */
	if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT && errno != EBUSY)
		return -errno;
	return 0;
}

int tree_remove_below(int fd)
{
	return tree_walk(fd, TREE_WALK_MAX, tree_remove_visit, NULL);
}

int tree_remove(int parent, const char *name)
{
	auto_close int fd = -EBADF;
	int r;

	if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY)
		return -errno;
	fd = tree_open_leaf(parent, name);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = tree_remove_below(fd);
	if (r < 0)
		return r;
	if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}
