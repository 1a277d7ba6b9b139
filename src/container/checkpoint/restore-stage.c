/* SPDX-License-Identifier: Apache-2.0 */
#include "container/checkpoint/restore-stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "kernel/mountfd.h"
#include "kernel/syscalls.h"

void restore_images_clear(struct restore_images *images)
{
	for (size_t i = 0; i < images->count; i++) {
		free(images->items[i].path);
		fd_close(images->items[i].mount);
	}
	images->count = 0;
	images->work = fd_close(images->work);
}

int restore_stage_find(const char *path, char stage[PATH_MAX])
{
	size_t length = strlen(path);
	struct stat st;

	if (length >= PATH_MAX)
		return -ENAMETOOLONG;
	for (size_t i = 1; i <= length; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(stage, path, i);
		stage[i] = '\0';
		if (lstat(stage, &st) < 0)
			return -errno;
		if (!(st.st_mode & S_IXOTH))
			break;
	}
	return 0;
}

int restore_stage_follow(const char *path, const char *link, char parent[PATH_MAX])
{
	return link[0] == '/' ? -EINVAL : path_join(path, link, parent, PATH_MAX);
}

/* ---- in the runtime ---- */

static bool stage_is_image(const char *name)
{
	size_t length = strlen(name);

	return length > strlen(".img") && strcmp(name + length - strlen(".img"), ".img") == 0;
}

/* A clone of a directory for criu's mount namespace: nothing that is mounted on it gets out of it.
 */
static int stage_clone(int directory, int *ret_fd, struct error *err)
{
	const struct mountfd_change slave = {.propagation = MS_SLAVE};
	auto_close int fd = -EBADF;
	int r = mountfd_clone(directory, "", false, false, &fd, err);

	if (r < 0)
		return r;
	r = mountfd_change(fd, &slave);
	if (r < 0)
		return error_errno(err, -r, "set the propagation of a clone");
	*ret_fd = fd_take(&fd);
	return 0;
}

typedef int (*stage_visit)(int directory, const char *name, void *data, struct error *err);

/* All images in a directory, in no order. */
static int stage_each(int directory, stage_visit visit, void *data, struct error *err)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!stream) {
		r = error_errno(err, errno, "list the images");
		fd_close(fd);
		return r;
	}
	while (r == 0 && (entry = readdir(stream)))
		if (stage_is_image(entry->d_name))
			r = visit(directory, entry->d_name, data, err);
	(void)closedir(stream);
	return r;
}

static int stage_check(int directory, const char *name, void *data, struct error *err)
{
	const char *path = data;
	struct stat st;

	if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, errno, "look at %s/%s", path, name);
	if (!S_ISREG(st.st_mode))
		return error_set(err, EINVAL, "%s/%s is no file", path, name);
	if (st.st_mode & S_IROTH)
		return 0;
	error_set(err, EACCES, "the container's root must read %s/%s", path, name);
	return error_hint(err, "let others read the images; their directory may stay closed");
}

static int stage_add(struct restore_images *images, int directory, char *path, struct error *err)
{
	struct restore_image *item = &images->items[images->count];
	int r;

	if (images->count == RESTORE_IMAGES_MAX)
		return error_set(err, ELOOP, "more than %d images follow upon each other",
				 RESTORE_IMAGES_MAX);
	r = stage_each(directory, stage_check, path, err);
	if (r < 0)
		return r;
	item->mount = -EBADF;
	r = stage_clone(directory, &item->mount, err);
	if (r < 0)
		return r;
	item->path = strdup(path);
	images->count++;
	return item->path ? 0 : error_errno(err, ENOMEM, "images in %s", path);
}

/* What the images in *directory build upon takes their place; 0 when that is nothing. */
static int stage_next(int *directory, char path[PATH_MAX], struct error *err)
{
	char link[PATH_MAX], parent[PATH_MAX];
	ssize_t n = readlinkat(*directory, "parent", link, sizeof(link) - 1);
	int fd, r;

	if (n < 0)
		return errno == ENOENT ? 0
				       : error_errno(err, errno, "read the link %s/parent", path);
	link[n] = '\0';
	r = restore_stage_follow(path, link, parent);
	if (r < 0)
		return error_errno(err, -r, "follow %s/parent to %s", path, link);
	fd = openat(*directory, link, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, errno, "open the parent of the images, %s", parent);
	fd_close(*directory);
	*directory = fd;
	memcpy(path, parent, sizeof(parent));
	return 1;
}

int restore_stage_path_of(int fd, char path[PATH_MAX])
{
	char link[64];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, PATH_MAX - 1);
	if (n < 0)
		return -errno;
	path[n] = '\0';
	return 0;
}

int restore_stage_open(const struct restore_images_request *request,
		       struct restore_images *ret_images, struct error *err)
{
	struct restore_images images = {.work = -EBADF};
	auto_close int directory = fcntl(request->images, F_DUPFD_CLOEXEC, 3);
	char path[PATH_MAX];
	int r = directory < 0 ? -errno : restore_stage_path_of(directory, path);

	if (r < 0)
		return error_errno(err, -r, "open the images");
	do {
		r = stage_add(&images, directory, path, err);
		if (r == 0)
			r = stage_next(&directory, path, err);
	} while (r > 0);
	if (r == 0)
		r = stage_clone(request->work, &images.work, err);
	if (r < 0) {
		restore_images_clear(&images);
		return r;
	}
	images.writable = request->writable;
	*ret_images = images;
	return 0;
}

/* ---- the stage, in criu's process ---- */

static int stage_make_directory(int at, const char *name, int *ret_fd)
{
	mode_t mask = umask(0);
	int r = mkdirat(at, name, 0711) < 0 && errno != EEXIST ? -errno : 0;
	int fd;

	(void)umask(mask);
	if (r < 0)
		return r;
	fd = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int restore_stage_make(const char *stage)
{
	const struct mountfd_option mode = {"mode", "0711"};
	const struct mountfd_filesystem tmpfs = {
		.type = "tmpfs", .options = &mode, .option_count = 1};
	static const char *const names[] = {"root", "below", "images", "work"};
	struct error err = ERROR_INIT;
	auto_close int target = open(stage, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_close int mount = -EBADF;
	int r = target < 0 ? -errno : mountfd_create(&tmpfs, &mount, &err);

	if (r == 0)
		r = mountfd_attach(mount, target);
	for (size_t i = 0; r == 0 && i < array_size(names); i++) {
		auto_close int fd = -EBADF;

		r = stage_make_directory(mount, names[i], &fd);
	}
	return r;
}

/* The directory of that path below `at`, made where it is not there. */
static int stage_walk(int at, const char *path, int *ret_fd)
{
	auto_close int fd = fcntl(at, F_DUPFD_CLOEXEC, 3);
	char copy[PATH_MAX], *save = NULL;
	int r = fd < 0 ? -errno : 0;

	(void)snprintf(copy, sizeof(copy), "%s", path);
	for (char *name = strtok_r(copy, "/", &save); r == 0 && name;
	     name = strtok_r(NULL, "/", &save)) {
		int next = -EBADF;

		r = stage_make_directory(fd, name, &next);
		if (r == 0) {
			fd_close(fd);
			fd = next;
		}
	}
	if (r == 0)
		*ret_fd = fd_take(&fd);
	return r;
}

/* The directory that an image is shown in, and how. */
struct stage_show {
	int directory;
	bool writable;
};

static int stage_image(int directory, const char *name, void *data, struct error *err)
{
	const struct stage_show *show = data;
	const struct mountfd_change change = {.set = MOUNT_ATTR_RDONLY};
	auto_close int fd = -EBADF, target = -EBADF;
	int r = mountfd_clone(directory, name, false, true, &fd, err);

	if (r == 0 && !show->writable)
		r = mountfd_change(fd, &change);
	if (r < 0)
		return r;
	if (mknodat(show->directory, name, S_IFREG | 0400, 0) < 0)
		return -errno;
	target = openat(show->directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return target < 0 ? -errno : mountfd_attach(fd, target);
}

/*
 * Each image is a mount of its own, so that nobody has to walk through the host's directories. It
 * can be cloned only from what is mounted here: at `place`, where nobody else may look.
 */
static int stage_images(const struct restore_image *image, int at, bool writable, int place)
{
	struct stage_show show = {.directory = -EBADF, .writable = writable};
	struct error err = ERROR_INIT;
	char link[PATH_MAX];
	ssize_t n = -1;
	int r = mountfd_attach(image->mount, place);

	if (r == 0)
		r = stage_walk(at, image->path, &show.directory);
	/* What builds upon them opens their directory for reading. */
	if (r == 0 && fchmodat(show.directory, ".", 0755, 0) < 0)
		r = -errno;
	if (r == 0)
		r = stage_each(image->mount, stage_image, &show, &err);
	if (r == 0)
		n = readlinkat(image->mount, "parent", link, sizeof(link) - 1);
	if (n >= 0) {
		link[n] = '\0';
		r = symlinkat(link, show.directory, "parent") < 0 ? -errno : 0;
	}
	fd_close(show.directory);
	return r;
}

/* The mount points of the directories themselves. */
static int stage_place(int top, size_t index, int *ret_fd)
{
	char name[24];

	(void)snprintf(name, sizeof(name), "%zu", index);
	if (mkdirat(top, name, 0700) < 0)
		return -errno;
	*ret_fd = openat(top, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd < 0 ? -errno : 0;
}

int restore_stage_attach(const struct restore_images *images, const char *stage)
{
	auto_close int top = open(stage, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_close int below = -EBADF, work = -EBADF;
	int r = top < 0 ? -errno : stage_make_directory(top, "images", &below);

	if (r == 0)
		r = stage_make_directory(top, "work", &work);
	if (r == 0)
		r = mountfd_attach(images->work, work);
	for (size_t i = 0; r == 0 && i < images->count; i++) {
		auto_close int place = -EBADF;

		r = stage_place(top, i, &place);
		if (r == 0)
			r = stage_images(&images->items[i], below, images->writable, place);
	}
	return r;
}
