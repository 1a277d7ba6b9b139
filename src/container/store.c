/* SPDX-License-Identifier: Apache-2.0 */
#include "container/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "kernel/process.h"

/* mkdir -p; the last component gets `mode`, parents 0755. */
static int store_make_root(const char *path, mode_t mode)
{
	char partial[PATH_MAX];
	size_t length = strlen(path);

	if (length >= sizeof(partial))
		return -ENAMETOOLONG;
	memcpy(partial, path, length + 1);
	for (size_t i = 1; i < length; i++) {
		if (partial[i] != '/')
			continue;
		partial[i] = '\0';
		if (mkdir(partial, 0755) < 0 && errno != EEXIST)
			return -errno;
		partial[i] = '/';
	}
	if (mkdir(path, 0700) < 0)
		return errno == EEXIST ? 0 : -errno;
	/* mkdir's mode went through the umask, and takes no sticky bit everywhere. */
	return chmod(path, mode) < 0 ? -errno : 0;
}

static int store_verify_root(int fd, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(err, errno, "look at state root %s", path);
	if (st.st_uid != geteuid()) {
		error_set(err, EPERM, "state root %s belongs to user %u, not to user %u", path,
			  st.st_uid, geteuid());
		return error_hint(err, "choose another with --root");
	}
	if (st.st_mode & 0022) {
		error_set(err, EPERM, "state root %s can be written by others (mode %04o)", path,
			  st.st_mode & 07777);
		return error_hint(err, "chmod go-w %s", path);
	}
	return 0;
}

int store_open(const char *path, bool create, bool sticky, struct store *ret_store,
	       struct error *err)
{
	auto_close int fd = -EBADF;
	int r;

	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && create) {
		r = store_make_root(path, sticky ? 01700 : 0700);
		if (r < 0)
			return error_errno(err, -r, "make state root %s", path);
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0 && errno != ENOENT)
		return error_errno(err, errno, "open state root %s", path);
	if (fd < 0 && create)
		return error_errno(err, errno, "open state root %s", path);
	if (fd >= 0) {
		r = store_verify_root(fd, path, err);
		if (r < 0)
			return r;
	}
	ret_store->fd = fd < 0 ? -EBADF : fd_take(&fd);
	ret_store->path = path;
	return 0;
}

void store_close(struct store *store)
{
	store->fd = fd_close(store->fd);
}

int store_check_id(const char *id, struct error *err)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789_+-.";
	size_t length = strlen(id);

	if (length == 0 || length > STORE_ID_MAX || strspn(id, letters) != length || id[0] == '.' ||
	    id[0] == '-') {
		error_set(err, EINVAL, "invalid container ID format: \"%.64s\"%s", id,
			  length > 64 ? "..." : "");
		return error_hint(err,
				  "letters, digits and _ + - . are allowed, not - or . as the "
				  "first, at most %d of them",
				  STORE_ID_MAX);
	}
	return 0;
}

void store_entry_close(struct store_entry *entry)
{
	entry->fd = fd_close(entry->fd);
}

static int store_open_entry(const struct store *store, const char *id)
{
	int fd;

	if (store->fd < 0)
		return -ENOENT;
	fd = openat(store->fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Whether the directory that `fd` is of is still the one of that name. */
static bool store_is_current(const struct store *store, int fd, const char *id)
{
	struct stat ours, named;

	return fstat(fd, &ours) == 0 && fstatat(store->fd, id, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

int store_claim(const struct store *store, const char *id, struct store_entry *ret_entry,
		struct error *err)
{
	auto_close int fd = -EBADF;
	int r = store_check_id(id, err);

	if (r < 0)
		return r;
	if (mkdirat(store->fd, id, 0700) < 0) {
		if (errno == EEXIST) {
			error_set(err, EEXIST, "container with given ID already exists: %s", id);
			return error_hint(err, "remove the old one with `delete --force %s`", id);
		}
		if (errno == ENAMETOOLONG)
			return error_set(
				err, ENAMETOOLONG,
				"invalid container ID format: %zu characters are too many for a "
				"file name",
				strlen(id));
		return error_errno(err, errno, "make state directory %s/%s", store->path, id);
	}
	fd = store_open_entry(store, id);
	if (fd < 0)
		return error_errno(err, -fd, "open state directory %s/%s", store->path, id);
	/* A `delete --force` may have come between: then the directory is no longer the named one.
	 */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 || !store_is_current(store, fd, id))
		return error_set(err, EBUSY, "container %s was removed while it was being made",
				 id);
	ret_entry->fd = fd_take(&fd);
	ret_entry->id = id;
	ret_entry->locked = true;
	return 0;
}

int store_find(const struct store *store, const char *id, struct store_entry *ret_entry,
	       struct error *err)
{
	int fd = store_check_id(id, err);

	if (fd < 0)
		return fd;
	fd = store_open_entry(store, id);
	if (fd == -ENOENT || fd == -ENAMETOOLONG)
		return error_set(err, ENOENT, "container does not exist: %s", id);
	if (fd < 0)
		return error_errno(err, -fd, "open state directory %s/%s", store->path, id);
	ret_entry->fd = fd;
	ret_entry->id = id;
	ret_entry->locked = false;
	return 0;
}

/* The pid that holds a flock on this inode, from /proc/locks; 0 when it is not to be seen. */
static int store_lock_holder(int fd)
{
	auto_free char *locks = NULL;
	char wanted[64];
	struct stat st;

	if (fstat(fd, &st) < 0 ||
	    io_read_file(AT_FDCWD, "/proc/locks", 0, 16 << 20, &locks, NULL) < 0)
		return 0;
	(void)snprintf(wanted, sizeof(wanted), ":%llu ", (unsigned long long)st.st_ino);
	for (char *line = locks, *next; line && *line; line = next) {
		int pid;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (strstr(line, "FLOCK") && strstr(line, wanted) &&
		    sscanf(line, "%*s FLOCK %*s WRITE %d", &pid) == 1)
			return pid;
	}
	return 0;
}

int store_lock(const struct store *store, struct store_entry *entry, int64_t deadline,
	       struct error *err)
{
	/* flock has no time-out, and a signal to interrupt it would be the whole process's. */
	struct timespec pause = {.tv_nsec = 1000000};
	int holder;

	while (flock(entry->fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return error_errno(err, errno, "lock container %s", entry->id);
		if (process_now() >= deadline) {
			holder = store_lock_holder(entry->fd);
			error_set(err, EBUSY, "container %s is busy with another command%s",
				  entry->id,
				  holder ? "" : ", whose process cannot be seen from here");
			if (holder)
				error_hint(err, "process %d holds its lock", holder);
			return -EBUSY;
		}
		(void)nanosleep(&pause, NULL);
		if (pause.tv_nsec < 20000000)
			pause.tv_nsec *= 2;
	}
	if (!store_is_current(store, entry->fd, entry->id))
		return error_set(err, ENOENT, "container does not exist: %s", entry->id);
	entry->locked = true;
	return 0;
}

void store_unlock(struct store_entry *entry)
{
	(void)flock(entry->fd, LOCK_UN);
	entry->locked = false;
}

bool store_is_locked(const struct store_entry *entry)
{
	auto_close int fd = openat(entry->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* A lock belongs to the open file, so that this one is apart from any of our own. */
	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/* Everything in the directory but intent.json. There are no subdirectories of ours. */
static int store_empty(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int r = 0;

	if (!dir) {
		r = -errno;
		fd_close(fd);
		return r;
	}
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    strcmp(entry->d_name, STORE_INTENT) == 0)
			continue;
		if (unlinkat(dirfd, entry->d_name, 0) == 0 || errno == ENOENT)
			continue;
		if (errno == EISDIR && unlinkat(dirfd, entry->d_name, AT_REMOVEDIR) == 0)
			continue;
		r = -errno;
	}
	closedir(dir);
	return r;
}

int store_remove(const struct store *store, struct store_entry *entry, struct error *err)
{
	int r = store_empty(entry->fd);

	if (r == 0 && unlinkat(entry->fd, STORE_INTENT, 0) < 0 && errno != ENOENT)
		r = -errno;
	if (r < 0)
		return error_errno(err, -r, "empty state directory %s/%s", store->path, entry->id);
	if (unlinkat(store->fd, entry->id, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return error_errno(err, errno, "remove state directory %s/%s", store->path,
				   entry->id);
	return 0;
}

static int store_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int store_ids(const struct store *store, char ***ret_ids, size_t *ret_count, struct error *err)
{
	char **ids = NULL;
	size_t count = 0, size = 0;
	struct dirent *entry;
	DIR *dir;
	int fd;

	if (store->fd < 0) {
		*ret_ids = NULL;
		*ret_count = 0;
		return 0;
	}
	fd = openat(store->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		error_errno(err, errno, "read state root %s", store->path);
		fd_close(fd);
		return -err->number;
	}
	while ((entry = readdir(dir))) {
		struct error ignored;

		/* Directories with a proper id; what else lies there is not ours. */
		if (store_check_id(entry->d_name, &ignored) < 0 ||
		    (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN))
			continue;
		if (count == size) {
			char **larger = realloc(ids, (size ? size * 2 : 64) * sizeof(*ids));

			if (!larger)
				goto no_memory;
			ids = larger;
			size = size ? size * 2 : 64;
		}
		ids[count] = strdup(entry->d_name);
		if (!ids[count])
			goto no_memory;
		count++;
	}
	closedir(dir);
	if (count)
		qsort(ids, count, sizeof(*ids), store_compare);
	*ret_ids = ids;
	*ret_count = count;
	return 0;

no_memory:
	while (count)
		free(ids[--count]);
	free(ids);
	closedir(dir);
	return error_errno(err, ENOMEM, "read state root %s", store->path);
}
