/* SPDX-License-Identifier: Apache-2.0 */
#include "container/state/store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "kernel/process.h"
#include "suite.h"

static struct store open_store(const char *path)
{
	struct store store;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(store_open(path, true, false, &store, &err), 0);
	return store;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_mode & 07777;
}

START_TEST(root_is_made_with_parents)
{
	struct error err = ERROR_INIT;
	struct scratch scratch;
	struct store store;
	char path[128], parent[128];

	scratch_open(&scratch);
	(void)snprintf(parent, sizeof(parent), "%s/a", scratch.path);
	(void)snprintf(path, sizeof(path), "%s/a/b", scratch.path);
	(void)umask(0);
	ck_assert_int_eq(store_open(path, false, false, &store, &err), 0);
	ck_assert_int_eq(store.fd, -EBADF);
	ck_assert_int_eq(store_open(path, true, true, &store, &err), 0);
	ck_assert_int_ge(store.fd, 0);
	ck_assert_str_eq(store.path, path);
	ck_assert_uint_eq(mode_of(path), 01700);
	ck_assert_uint_eq(mode_of(parent), 0755);
	store_close(&store);
	ck_assert_int_eq(store.fd, -EBADF);
	scratch_close(&scratch);
}
END_TEST

START_TEST(root_that_others_can_write_is_refused)
{
	struct error err = ERROR_INIT;
	struct scratch scratch;
	struct store store;
	char message[256], hint[128];

	scratch_open(&scratch);
	ck_assert_int_eq(chmod(scratch.path, 0770), 0);
	ck_assert_int_eq(store_open(scratch.path, true, false, &store, &err), -EPERM);
	(void)snprintf(message, sizeof(message),
		       "state root %s can be written by others (mode 0770)", scratch.path);
	(void)snprintf(hint, sizeof(hint), "chmod go-w %s", scratch.path);
	ck_assert_error(&err, EPERM, "", message, hint);
	scratch_close(&scratch);
}
END_TEST

START_TEST(root_that_is_a_file)
{
	struct error err = ERROR_INIT;
	struct scratch scratch;
	struct store store;
	char path[128], message[256];

	scratch_open(&scratch);
	scratch_text(scratch.fd, "file", "", 0600);
	(void)snprintf(path, sizeof(path), "%s/file", scratch.path);
	ck_assert_int_eq(store_open(path, true, false, &store, &err), -ENOTDIR);
	(void)snprintf(message, sizeof(message), "open state root %s: Not a directory (ENOTDIR)",
		       path);
	ck_assert_error(&err, ENOTDIR, "", message, "");
	scratch_close(&scratch);
}
END_TEST

START_TEST(ids)
{
	static const char *const good[] = {"a", "A_b+c-d.e", "0", "_", "+", "x..", NULL};
	static const char *const bad[] = {"",	 ".",	     "..", "-f", "a/b",
					  "a b", "\xc3\xa4", ".x", NULL};
	struct error err = ERROR_INIT;
	char id[1100];

	for (size_t i = 0; good[i]; i++)
		ck_assert_int_eq(store_check_id(good[i], &err), 0);
	for (size_t i = 0; bad[i]; i++)
		ck_assert_int_eq(store_check_id(bad[i], &err), -EINVAL);
	(void)store_check_id("a/b", &err);
	ck_assert_error(&err, EINVAL, "", "invalid container ID format: \"a/b\"",
			"letters, digits and _ + - . are allowed, not - or . as the first, at most "
			"1024 of them");
	memset(id, 'x', sizeof(id));
	id[1024] = '\0';
	ck_assert_int_eq(store_check_id(id, &err), 0);
	id[1024] = 'x';
	id[1025] = '\0';
	ck_assert_int_eq(store_check_id(id, &err), -EINVAL);
	id[64] = '\0';
	ck_assert_ptr_nonnull(strstr(err.message, id));
	ck_assert_str_eq(err.message + strlen(err.message) - 4, "\"...");
}
END_TEST

START_TEST(claim_find_remove)
{
	struct error err = ERROR_INIT;
	struct store_entry entry = STORE_ENTRY_INIT, again = STORE_ENTRY_INIT;
	struct scratch scratch;
	struct store store;
	size_t fds;

	scratch_open(&scratch);
	store = open_store(scratch.path);
	ck_assert_int_eq(store_find(&store, "c", &entry, &err), -ENOENT);
	ck_assert_error(&err, ENOENT, "", "container does not exist: c", "");
	ck_assert_int_eq(entry.fd, -EBADF);
	ck_assert_int_eq(store_claim(&store, "c", &entry, &err), 0);
	ck_assert(entry.locked);
	ck_assert_str_eq(entry.id, "c");
	fds = suite_open_fds();
	ck_assert_int_eq(store_claim(&store, "c", &again, &err), -EEXIST);
	ck_assert_error(&err, EEXIST, "", "container with given ID already exists: c",
			"remove the old one with `delete --force c`");
	ck_assert_uint_eq(suite_open_fds(), fds);

	ck_assert_int_eq(store_find(&store, "c", &again, &err), 0);
	ck_assert(!again.locked);
	ck_assert(store_is_locked(&again));
	store_unlock(&entry);
	ck_assert(!entry.locked);
	ck_assert(!store_is_locked(&again));

	scratch_text(entry.fd, STORE_INTENT, "{}", 0600);
	scratch_text(entry.fd, STORE_STATE, "{}", 0600);
	scratch_text(entry.fd, ".state.json.tmp", "{", 0600);
	scratch_directory(entry.fd, "stray", 0700);
	ck_assert_int_eq(store_remove(&store, &entry, &err), 0);
	ck_assert_int_eq(faccessat(scratch.fd, "c", F_OK, 0), -1);
	/* Twice is as good. */
	ck_assert_int_eq(store_remove(&store, &entry, &err), 0);
	ck_assert_int_eq(store_lock(&store, &again, process_now(), &err), -ENOENT);
	ck_assert_error(&err, ENOENT, "", "container does not exist: c", "");
	store_entry_close(&entry);
	store_entry_close(&again);
	ck_assert_int_eq(entry.fd, -EBADF);
	store_close(&store);
	scratch_close(&scratch);
}
END_TEST

/* What a dead `create` has left before it made anything is no obstacle; anything in it is. */
START_TEST(claim_of_an_empty_directory)
{
	struct error err = ERROR_INIT;
	struct store_entry entry = STORE_ENTRY_INIT, again = STORE_ENTRY_INIT;
	struct scratch scratch;
	struct store store;

	scratch_open(&scratch);
	store = open_store(scratch.path);
	scratch_directory(scratch.fd, "c", 0700);
	ck_assert_int_eq(store_claim(&store, "c", &entry, &err), 0);
	ck_assert(entry.locked);
	ck_assert_int_eq(store_claim(&store, "c", &again, &err), -EEXIST);
	ck_assert_str_eq(err.message, "container with given ID already exists: c");
	scratch_text(entry.fd, STORE_CONFIG, "{}", 0600);
	store_entry_close(&entry);
	ck_assert_int_eq(store_claim(&store, "c", &again, &err), -EEXIST);
	ck_assert_str_eq(err.message, "container with given ID already exists: c");
	store_close(&store);
	scratch_close(&scratch);
}
END_TEST

/* An id of 256 characters is fine by the grammar and too long for a directory. */
START_TEST(claim_of_a_long_id)
{
	struct error err = ERROR_INIT;
	struct store_entry entry = STORE_ENTRY_INIT;
	struct scratch scratch;
	struct store store;
	char id[257];

	scratch_open(&scratch);
	store = open_store(scratch.path);
	memset(id, 'x', 256);
	id[256] = '\0';
	ck_assert_int_eq(store_claim(&store, id, &entry, &err), -ENAMETOOLONG);
	ck_assert_error(&err, ENAMETOOLONG, "",
			"invalid container ID format: 256 characters are too many for a file name",
			"");
	ck_assert_int_eq(store_find(&store, id, &entry, &err), -ENOENT);
	store_close(&store);
	scratch_close(&scratch);
}
END_TEST

/* Whatever fails behind the mkdir, the id is free again. */
START_TEST(failed_claim_leaves_nothing)
{
	struct error err = ERROR_INIT;
	struct store_entry entry = STORE_ENTRY_INIT;
	struct rlimit limit, none;
	struct scratch scratch;
	struct store store;
	char message[256];

	scratch_open(&scratch);
	store = open_store(scratch.path);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){0, limit.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_int_eq(store_claim(&store, "c", &entry, &err), -EMFILE);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	(void)snprintf(message, sizeof(message),
		       "open state directory %s/c: Too many open files (EMFILE)", scratch.path);
	ck_assert_error(&err, EMFILE, "", message, "");
	ck_assert_int_eq(faccessat(scratch.fd, "c", F_OK, 0), -1);
	store_close(&store);
	scratch_close(&scratch);
}
END_TEST

/* `state` probes the lock by taking it for a moment: that must not make a `create` fail. */
struct prober {
	const struct store *store;
	volatile bool stop;
};

static void *probe(void *data)
{
	struct prober *prober = data;

	while (!prober->stop) {
		struct store_entry entry = STORE_ENTRY_INIT;
		struct error err = ERROR_INIT;

		if (store_find(prober->store, "c", &entry, &err) == 0)
			(void)store_is_locked(&entry);
		store_entry_close(&entry);
	}
	return NULL;
}

START_TEST(claim_while_others_look)
{
	struct error err = ERROR_INIT;
	struct scratch scratch;
	struct store store;
	struct prober prober = {.store = &store};
	pthread_t thread;

	scratch_open(&scratch);
	store = open_store(scratch.path);
	ck_assert_int_eq(pthread_create(&thread, NULL, probe, &prober), 0);
	for (int i = 0; i < 2000; i++) {
		struct store_entry entry = STORE_ENTRY_INIT;

		ck_assert_msg(store_claim(&store, "c", &entry, &err) == 0, "%s", err.message);
		ck_assert_int_eq(store_remove(&store, &entry, &err), 0);
		store_entry_close(&entry);
	}
	prober.stop = true;
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	store_close(&store);
	scratch_close(&scratch);
}
END_TEST

START_TEST(lock_names_its_holder)
{
	struct error err = ERROR_INIT;
	struct store_entry entry = STORE_ENTRY_INIT, mine = STORE_ENTRY_INIT;
	struct scratch scratch;
	struct store store;
	int ready[2], status;
	char byte, hint[64];
	int64_t before;
	pid_t child;

	scratch_open(&scratch);
	store = open_store(scratch.path);
	ck_assert_int_eq(store_claim(&store, "c", &entry, &err), 0);
	store_entry_close(&entry);
	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		if (store_find(&store, "c", &entry, &err) < 0 ||
		    store_lock(&store, &entry, process_now(), &err) < 0 ||
		    write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(store_find(&store, "c", &mine, &err), 0);
	ck_assert(store_is_locked(&mine));
	before = process_now();
	ck_assert_int_eq(store_lock(&store, &mine, before + 100, &err), -EBUSY);
	ck_assert_int_ge(process_now(), before + 100);
	ck_assert_int_lt(process_now(), before + 5000);
	ck_assert(!mine.locked);
	(void)snprintf(hint, sizeof(hint), "process %d holds its lock", (int)child);
	ck_assert_error(&err, EBUSY, "", "container c is busy with another command", hint);

	/* The death of the holder is its release. */
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(store_lock(&store, &mine, process_now() + 5000, &err), 0);
	ck_assert(mine.locked);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	store_entry_close(&mine);
	(void)close(ready[0]);
	(void)close(ready[1]);
	store_close(&store);
	scratch_close(&scratch);
}
END_TEST

/* Removed and made again under the same name: the lock of the old one is worth nothing. */
START_TEST(lock_of_another_generation)
{
	struct error err = ERROR_INIT;
	struct store_entry old = STORE_ENTRY_INIT, made = STORE_ENTRY_INIT;
	struct scratch scratch;
	struct store store;
	char mark[STORE_MARK_SIZE], other[STORE_MARK_SIZE];

	scratch_open(&scratch);
	store = open_store(scratch.path);
	ck_assert_int_eq(store_claim(&store, "c", &old, &err), 0);
	store_mark(&old, mark);
	ck_assert_int_eq(strncmp(mark, "c@", 2), 0);
	store_unlock(&old);
	ck_assert_int_eq(store_remove(&store, &old, &err), 0);
	ck_assert_int_eq(store_claim(&store, "c", &made, &err), 0);
	store_mark(&made, other);
	ck_assert_str_ne(mark, other);
	ck_assert_int_eq(store_lock(&store, &old, process_now(), &err), -ENOENT);
	store_entry_close(&old);
	store_entry_close(&made);
	ck_assert_int_eq(unlinkat(scratch.fd, "c", AT_REMOVEDIR), 0);
	store_close(&store);
	scratch_close(&scratch);
}
END_TEST

START_TEST(ids_of_a_root)
{
	struct error err = ERROR_INIT;
	struct scratch scratch;
	struct store store, missing = {.fd = -EBADF, .path = "/nowhere"};
	char **list = (char **)1;
	size_t count = 1;

	ck_assert_int_eq(store_ids(&missing, &list, &count, &err), 0);
	ck_assert_ptr_null(list);
	ck_assert_uint_eq(count, 0);
	scratch_open(&scratch);
	store = open_store(scratch.path);
	scratch_directory(scratch.fd, "b", 0700);
	scratch_directory(scratch.fd, "a", 0700);
	scratch_directory(scratch.fd, ".hidden", 0700);
	scratch_directory(scratch.fd, "not an id", 0700);
	scratch_text(scratch.fd, "file", "", 0600);
	scratch_link(scratch.fd, "link", "a");
	ck_assert_int_eq(store_ids(&store, &list, &count, &err), 0);
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(list[0], "a");
	ck_assert_str_eq(list[1], "b");
	free(list[0]);
	free(list[1]);
	free(list);
	store_close(&store);
	scratch_close(&scratch);
}
END_TEST

/* A link in the state root leads nowhere. */
START_TEST(links_are_not_followed)
{
	struct error err = ERROR_INIT;
	struct store_entry entry = STORE_ENTRY_INIT;
	struct scratch scratch;
	struct store store;
	char message[256];

	scratch_open(&scratch);
	store = open_store(scratch.path);
	scratch_directory(scratch.fd, "a", 0700);
	scratch_link(scratch.fd, "link", "a");
	ck_assert_int_eq(store_find(&store, "link", &entry, &err), -ENOTDIR);
	(void)snprintf(message, sizeof(message),
		       "open state directory %s/link: Not a directory (ENOTDIR)", scratch.path);
	ck_assert_error(&err, ENOTDIR, "", message, "");
	store_close(&store);
	scratch_close(&scratch);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		root_is_made_with_parents,  root_that_others_can_write_is_refused,
		root_that_is_a_file,	    ids,
		claim_find_remove,	    claim_of_an_empty_directory,
		claim_of_a_long_id,	    failed_claim_leaves_nothing,
		claim_while_others_look,    lock_names_its_holder,
		lock_of_another_generation, ids_of_a_root,
		links_are_not_followed,
	};

	return suite_run("store", tests, suite_count(tests));
}
