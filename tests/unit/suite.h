/* SPDX-License-Identifier: Apache-2.0 */
/* What the suites share: running, comparing errors, and a directory to play in. */
#ifndef TESTS_UNIT_SUITE_H
#define TESTS_UNIT_SUITE_H

#include <check.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/* Runs the tests, each in a process of its own. For `return` from main. */
int suite_run(const char *name, const TTest *const *tests, size_t count);

/* The same with something before and after each test, in its process. */
int suite_run_with(const char *name, const TTest *const *tests, size_t count, void (*setup)(void),
		   void (*teardown)(void));

#define suite_count(array) (sizeof(array) / sizeof((array)[0]))

/* The whole error, exactly. */
#define ck_assert_error(err, wanted_number, wanted_field, wanted_message, wanted_hint) \
	do {                                                                           \
		ck_assert_str_eq((err)->message, wanted_message);                      \
		ck_assert_str_eq((err)->field, wanted_field);                          \
		ck_assert_str_eq((err)->hint, wanted_hint);                            \
		ck_assert_int_eq((err)->number, wanted_number);                        \
	} while (0)

/* A directory below /tmp, as an O_PATH descriptor; removed by scratch_close with all in it. */
struct scratch {
	char path[64];
	int fd;
};
void scratch_open(struct scratch *scratch);
void scratch_close(struct scratch *scratch);

/* Each makes one thing in a directory, whose parents exist, and fails the test when it cannot. */
void scratch_directory(int fd, const char *path, mode_t mode);
void scratch_file(int fd, const char *path, const void *data, size_t length, mode_t mode);
void scratch_text(int fd, const char *path, const char *text, mode_t mode);
void scratch_link(int fd, const char *path, const char *target);

/*
 * Runs `body` in a process of its own with new user and mount namespaces, in which the caller is
 * uid and gid 0, nobody else is mapped, and setgroups(2) is denied. Gives the exit status that
 * `body` returned. Where such namespaces cannot be made it says on stderr that `what` is untested:
 * 0.
 */
int suite_in_user_namespace(const char *what, int (*body)(void *data), void *data);

/* How many descriptors the process has open. */
size_t suite_open_fds(void);

#endif
