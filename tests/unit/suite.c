/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int suite_run(const char *name, const TTest *const *tests, size_t count)
{
	return suite_run_with(name, tests, count, NULL, NULL);
}

int suite_run_with(const char *name, const TTest *const *tests, size_t count, void (*setup)(void),
		   void (*teardown)(void))
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

void scratch_open(struct scratch *scratch)
{
	(void)snprintf(scratch->path, sizeof(scratch->path), "/tmp/knarr-unit.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(scratch->path));
	scratch->fd = open(scratch->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(scratch->fd, 0);
}

static int scratch_remove(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st;
	(void)type;
	(void)place;
	return remove(path);
}

void scratch_close(struct scratch *scratch)
{
	(void)close(scratch->fd);
	ck_assert_int_eq(nftw(scratch->path, scratch_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
}

void scratch_directory(int fd, const char *path, mode_t mode)
{
	ck_assert_int_eq(mkdirat(fd, path, 0700), 0);
	ck_assert_int_eq(fchmodat(fd, path, mode, 0), 0);
}

void scratch_file(int fd, const char *path, const void *data, size_t length, mode_t mode)
{
	int file = openat(fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	ck_assert_int_ge(file, 0);
	if (length > 0)
		ck_assert_int_eq(write(file, data, length), (ssize_t)length);
	ck_assert_int_eq(fchmod(file, mode), 0);
	ck_assert_int_eq(close(file), 0);
}

void scratch_text(int fd, const char *path, const char *text, mode_t mode)
{
	scratch_file(fd, path, text, strlen(text), mode);
}

void scratch_link(int fd, const char *path, const char *target)
{
	ck_assert_int_eq(symlinkat(target, fd, path), 0);
}

static void suite_write(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0) {
		perror(path);
		_exit(250);
	}
	(void)close(fd);
}

int suite_in_user_namespace(const char *what, int (*body)(void *data), void *data)
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	char map[64];
	int status;
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
			_exit(251);
		suite_write("/proc/self/setgroups", "deny");
		(void)snprintf(map, sizeof(map), "0 %u 1", uid);
		suite_write("/proc/self/uid_map", map);
		(void)snprintf(map, sizeof(map), "0 %u 1", gid);
		suite_write("/proc/self/gid_map", map);
		_exit(body(data));
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) != 251)
		return WEXITSTATUS(status);
	(void)fprintf(stderr, "no user namespace here: %s untested\n", what);
	return 0;
}

size_t suite_open_fds(void)
{
	DIR *directory = opendir("/proc/self/fd");
	size_t count = 0;

	ck_assert_ptr_nonnull(directory);
	while (readdir(directory))
		count++;
	(void)closedir(directory);
	return count;
}
