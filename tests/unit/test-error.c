/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <string.h>

#include "base/errno.h"
#include "suite.h"

START_TEST(errno_names_the_reason)
{
	struct error err = ERROR_INIT;

	ck_assert_int_eq(error_errno(&err, ENOENT, "open %s", "/x"), -ENOENT);
	ck_assert_error(&err, ENOENT, "", "open /x: No such file or directory (ENOENT)", "");
	ck_assert_int_eq(error_errno(&err, 4095, "act"), -4095);
	ck_assert_error(&err, 4095, "", "act: unknown error (errno 4095)", "");
}
END_TEST

START_TEST(a_failure_never_looks_like_success)
{
	struct error err = ERROR_INIT;

	ck_assert_int_eq(error_errno(&err, 0, "act"), -EIO);
	ck_assert_int_eq(error_errno(&err, -ENOENT, "act"), -EIO);
	ck_assert_int_eq(error_set(&err, 0, "act"), -EIO);
	ck_assert_int_eq(err.number, EIO);
	err = ERROR_INIT;
	ck_assert_int_eq(error_wrap(&err, "phase"), -EIO);
	ck_assert_int_eq(error_at(&err, "root"), -EIO);
	ck_assert_int_eq(error_at(&err, "root"), -EIO);
	ck_assert_int_eq(error_hint(&err, "help"), -EIO);
}
END_TEST

START_TEST(set_forgets_what_was_there)
{
	struct error err = ERROR_INIT;

	error_errno(&err, EPERM, "first");
	error_at(&err, "a");
	error_hint(&err, "b");
	ck_assert_int_eq(error_set(&err, EINVAL, "%d is not %s", 3, "right"), -EINVAL);
	ck_assert_error(&err, EINVAL, "", "3 is not right", "");
	error_clear(&err);
	ck_assert_error(&err, 0, "", "", "");
}
END_TEST

START_TEST(the_deepest_place_and_hint_stay)
{
	struct error err = ERROR_INIT;

	error_set(&err, EINVAL, "bad");
	ck_assert_int_eq(error_at(&err, "mounts[%d].source", 2), -EINVAL);
	ck_assert_int_eq(error_at(&err, "mounts"), -EINVAL);
	ck_assert_int_eq(error_hint(&err, "try %s", "this"), -EINVAL);
	ck_assert_int_eq(error_hint(&err, "or that"), -EINVAL);
	ck_assert_int_eq(error_wrap(&err, "mount %s", "/proc"), -EINVAL);
	ck_assert_error(&err, EINVAL, "mounts[2].source", "mount /proc: bad", "try this");
}
END_TEST

START_TEST(a_long_sentence_keeps_its_reason)
{
	struct error err = ERROR_INIT;
	char path[5000];
	static const char reason[] = ": Permission denied (EACCES)";

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	error_errno(&err, EACCES, "open %s", path);
	ck_assert_uint_eq(strlen(err.message), sizeof(err.message) - 1);
	ck_assert_str_eq(err.message + strlen(err.message) - strlen(reason), reason);
	ck_assert_int_eq(strncmp(err.message, "open xxx", 8), 0);
	error_wrap(&err, "%s", path);
	ck_assert_uint_eq(strlen(err.message), sizeof(err.message) - 1);
	error_set(&err, EACCES, "%s", path);
	error_at(&err, "%s", path);
	error_hint(&err, "%s", path);
	ck_assert_uint_eq(strlen(err.message), sizeof(err.message) - 1);
	ck_assert_uint_eq(strlen(err.field), sizeof(err.field) - 1);
	ck_assert_uint_eq(strlen(err.hint), sizeof(err.hint) - 1);
}
END_TEST

/* A path of a configuration must not be able to write a second line of a log. */
START_TEST(it_stays_one_line)
{
	struct error err = ERROR_INIT;

	error_errno(&err, ENOENT, "open %s", "/a\nlevel=error\r\x1b[2J\x7f");
	error_at(&err, "env[\"%s\"]", "a\nb");
	error_hint(&err, "remove %s", "a\tb");
	ck_assert_error(&err, ENOENT, "env[\"a?b\"]",
			"open /a?level=error??[2J?: No such file or directory (ENOENT)",
			"remove a?b");
	error_set(&err, EINVAL, "\xc3\xa9\n");
	error_wrap(&err, "x\ny");
	ck_assert_str_eq(err.message, "x?y: \xc3\xa9?");
}
END_TEST

START_TEST(names_of_errnos)
{
	ck_assert_str_eq(error_name(EPERM), "EPERM");
	ck_assert_str_eq(error_name(EAGAIN), "EAGAIN");
	ck_assert_str_eq(error_name(100000), "unknown errno");
	ck_assert_str_eq(error_name(-1), "unknown errno");
}
END_TEST

/* The words are the same whatever C library knarr is linked with: those of glibc, which engines
 * know. */
START_TEST(words_are_those_of_glibc)
{
	int known = 0;

	for (int number = -1; number < 4096; number++) {
		const char *name = errno_name(number), *text = errno_text(number);

		ck_assert_msg((name == NULL) == (text == NULL), "%d", number);
		known += name != NULL;
#ifdef __GLIBC__
		if (number <= 0) {
			ck_assert_ptr_null(name);
			continue;
		}
		ck_assert_msg((name == NULL) == (strerrorname_np(number) == NULL), "%d", number);
		if (name) {
			ck_assert_str_eq(name, strerrorname_np(number));
			ck_assert_str_eq(text, strerrordesc_np(number));
		}
#endif
	}
	ck_assert_int_eq(known, 131);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		errno_names_the_reason,
		a_failure_never_looks_like_success,
		set_forgets_what_was_there,
		the_deepest_place_and_hint_stay,
		a_long_sentence_keeps_its_reason,
		it_stays_one_line,
		names_of_errnos,
		words_are_those_of_glibc,
	};

	return suite_run("error", tests, suite_count(tests));
}
