/* SPDX-License-Identifier: Apache-2.0 */
#include "container/state/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/text.h"
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

static int store_explain(const char *what, const char *path, int number, struct error *err)
{
	error_errno(err, number, "%s state root %s", what, path);
	if (number == EACCES)
		error_hint(err, "name another with --root, or set XDG_RUNTIME_DIR to a directory "
				"of your own");
	return -number;
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
			return store_explain("make", path, -r, err);
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0 && (create || errno != ENOENT))
		return store_explain("open", path, errno, err);
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

/* Whether the directory that `fd` is of is still the one of that name: 1, 0 or a negative errno. */
static int store_is_current(const struct store *store, int fd, const char *id)
{
	struct stat ours, named;

	if (fstat(fd, &ours) < 0)
		return -errno;
	if (fstatat(store->fd, id, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	return ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
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

/*
 * The holder out of one line of /proc/locks, or 0:
 *	1: FLOCK  ADVISORY  WRITE 1234 00:1a:5678 0 EOF
 */
static uint32_t store_parse_lock(char *line, const char *wanted)
{
	char *words[6] = {NULL}, *save = NULL;
	uint32_t pid;

	for (size_t i = 0; i < array_size(words); i++) {
		words[i] = strtok_r(i == 0 ? line : NULL, " ", &save);
		if (!words[i])
			return 0;
	}
	if (strcmp(words[1], "FLOCK") != 0 || strcmp(words[3], "WRITE") != 0 ||
	    strcmp(words[5], wanted) != 0 || text_parse_u32(words[4], &pid) < 0)
		return 0;
	return pid;
}

/* The pid that holds a flock on this inode, from /proc/locks; 0 when it is not to be seen. */
static uint32_t store_lock_holder(int fd)
{
	auto_free char *locks = NULL;
	char wanted[64];
	struct stat st;
	uint32_t pid = 0;

	if (fstat(fd, &st) < 0 ||
	    io_read_file(AT_FDCWD, "/proc/locks", 0, 16 << 20, &locks, NULL) < 0)
		return 0;
	(void)snprintf(wanted, sizeof(wanted), "%02x:%02x:%llu", major(st.st_dev), minor(st.st_dev),
		       (unsigned long long)st.st_ino);
	for (char *line = locks, *next; line && pid == 0; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		pid = store_parse_lock(line, wanted);
	}
	return pid;
}

int store_lock(const struct store *store, struct store_entry *entry, int64_t deadline,
	       struct error *err)
{
	/* flock has no time-out, and a signal to interrupt it would be the whole process's. */
	struct timespec pause = {.tv_nsec = 1000000};
	uint32_t holder;
	int r;

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
				error_hint(err, "process %u holds its lock", holder);
			return -EBUSY;
		}
		(void)nanosleep(&pause, NULL);
		if (pause.tv_nsec < 20000000)
			pause.tv_nsec *= 2;
	}
	r = store_is_current(store, entry->fd, entry->id);
	if (r == 0)
		return error_set(err, ENOENT, "container does not exist: %s", entry->id);
	if (r < 0)
		return error_errno(err, -r, "look at state directory %s/%s", store->path,
				   entry->id);
	entry->locked = true;
	return 0;
}

/* Whether nothing is in a directory: no more than a name that somebody has claimed, or given up.
 * Returns 1, 0 or a negative errno. */
static int store_is_empty(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t count = 0;
	int r = -errno;

	if (!dir) {
		fd_close(fd);
		return r;
	}
	errno = 0;
	while (readdir(dir))
		count++;
	r = -errno;
	closedir(dir);
	return r < 0 ? r : count <= 2; /* . and .. */
}

static int store_taken(const char *id, struct error *err)
{
	error_set(err, EEXIST, "container with given ID already exists: %s", id);
	return error_hint(err, "remove the old one with `delete --force %s`", id);
}

static int store_vanished(const char *id, struct error *err)
{
	return error_set(err, EBUSY, "container %s was removed while it was being made", id);
}

/*
 * Others may hold the lock for a moment: store_is_locked() does, and a `delete`, behind which the
 * directory is no longer the named one. One that was there already is not waited for.
 */
static int store_claim_opened(const struct store *store, struct store_entry *entry, bool made,
			      struct error *err)
{
	int64_t deadline = process_now() + (made ? STORE_LOCK_TIMEOUT : 0);
	int r = store_lock(store, entry, deadline, err);

	if (r == -ENOENT)
		return store_vanished(entry->id, err);
	if (r == -EBUSY && !made)
		return store_taken(entry->id, err);
	if (r < 0)
		return r;
	/* What is empty was claimed by a command that died, or that has not locked it yet. */
	r = store_is_empty(entry->fd);
	if (r < 0)
		return error_errno(err, -r, "read state directory %s/%s", store->path, entry->id);
	return r > 0 ? 0 : store_taken(entry->id, err);
}

int store_claim(const struct store *store, const char *id, struct store_entry *ret_entry,
		struct error *err)
{
	auto_entry struct store_entry entry = {.fd = -EBADF, .id = id};
	bool made;
	int r = store_check_id(id, err);

	if (r < 0)
		return r;
	made = mkdirat(store->fd, id, 0700) == 0;
	if (!made && errno == ENAMETOOLONG)
		return error_set(err, ENAMETOOLONG,
				 "invalid container ID format: %zu characters are too many for a "
				 "file name",
				 strlen(id));
	if (!made && errno != EEXIST)
		return error_errno(err, errno, "make state directory %s/%s", store->path, id);
	entry.fd = store_open_entry(store, id);
	if (entry.fd < 0) {
		/* Nothing is in it yet; when a `delete` was faster it is gone. */
		if (made)
			(void)unlinkat(store->fd, id, AT_REMOVEDIR);
		if (entry.fd == -ENOENT)
			return store_vanished(id, err);
		return error_errno(err, -entry.fd, "open state directory %s/%s", store->path, id);
	}
	r = store_claim_opened(store, &entry, made, err);
	if (r < 0) {
		/* Unless another command has it, who may not have written anything yet. */
		if (made && r != -EEXIST && r != -EBUSY)
			(void)unlinkat(store->fd, id, AT_REMOVEDIR);
		return r;
	}
	*ret_entry = entry;
	entry.fd = -EBADF;
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

bool store_is_volatile(const struct store_entry *entry)
{
	struct statfs fs;

	return fstatfs(entry->fd, &fs) == 0 &&
	       (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

void store_mark(const struct store_entry *entry, char mark[static STORE_MARK_SIZE])
{
	struct stat st = {0};

	(void)fstat(entry->fd, &st);
	(void)snprintf(mark, STORE_MARK_SIZE, "%s@%llx:%llx", entry->id,
		       (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
}

static int store_unlink(int dirfd, const char *name)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	/* Not ours, but whatever it is, it must not be in the way for ever. */
	if (errno == EISDIR && unlinkat(dirfd, name, AT_REMOVEDIR) == 0)
		return 0;
	return -errno;
}

/* The one subdirectory that can be there, of the notify socket, and what is in it. */
static void store_empty_notify(int dirfd)
{
	auto_close int fd =
		openat(dirfd, STORE_NOTIFY, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		(void)unlinkat(fd, STORE_NOTIFY_SOCKET, 0);
}

/* Everything in the directory but the records. */
static int store_empty(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int r = 0, failed;

	if (!dir) {
		r = -errno;
		fd_close(fd);
		return r;
	}
	store_empty_notify(dirfd);
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    strcmp(entry->d_name, STORE_INTENT) == 0 ||
		    strcmp(entry->d_name, STORE_STATE) == 0)
			continue;
		failed = store_unlink(dirfd, entry->d_name);
		if (failed < 0)
			r = failed;
	}
	closedir(dir);
	return r;
}

/* What is there of a container that nothing went wrong with, the records last. Without looking, for
 * it may be descriptors that the caller is short of. */
static int store_remove_known(const struct store *store, const struct store_entry *entry)
{
	static const char *const names[] = {STORE_CONFIG, STORE_GATE, STORE_INTENT, STORE_STATE};

	for (size_t i = 0; i < array_size(names); i++) {
		int r = store_unlink(entry->fd, names[i]);

		if (r < 0)
			return r;
	}
	return unlinkat(store->fd, entry->id, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

int store_remove(const struct store *store, struct store_entry *entry, struct error *err)
{
	int r = store_remove_known(store, entry);

	if (r == 0)
		return 0;
	r = store_empty(entry->fd);
	if (r == 0)
		r = store_unlink(entry->fd, STORE_INTENT);
	if (r == 0)
		r = store_unlink(entry->fd, STORE_STATE);
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
