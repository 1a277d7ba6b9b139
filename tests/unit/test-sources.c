/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/sources/sources.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "kernel/channel.h"
#include "kernel/process.h"
#include "suite.h"

static const struct sources_request SOMETHING = {.path = "/somewhere"};

/* A helper that takes no request any more. */
static void open_deaf(int ends[2])
{
	ck_assert_int_eq(channel_open(ends), 0);
	ck_assert_int_eq(shutdown(ends[1], SHUT_RD), 0);
}

START_TEST(nobody_waits_for_a_helper_that_takes_no_request)
{
	int64_t begin = process_now();
	struct error err = {0};
	int ends[2], fd = 99;

	open_deaf(ends);
	ck_assert_int_eq(sources_clone(&(struct sources){ends[0]}, &SOMETHING, &fd, &err), -EPIPE);
	ck_assert_error(&err, EPIPE, "",
			"ask the runtime's helper for a mount of /somewhere: Broken pipe (EPIPE)",
			"");
	ck_assert_int_eq(fd, 99);
	/* The other end is open: waiting for an answer would take a minute. */
	ck_assert_int_lt(process_now() - begin, 30000);
	(void)fd_close(ends[0]);
	(void)fd_close(ends[1]);
}
END_TEST

START_TEST(the_last_words_of_a_helper_are_heard)
{
	struct channel_message words = {.word = 1};
	struct error err = {0};
	int ends[2], fd = 99;

	open_deaf(ends);
	error_set(&words.error, EPERM, "enter the container's mount namespace");
	ck_assert_int_eq(channel_send(ends[1], &words, -1), 0);
	ck_assert_int_eq(sources_clone(&(struct sources){ends[0]}, &SOMETHING, &fd, &err), -EPERM);
	ck_assert_error(&err, EPERM, "", "enter the container's mount namespace", "");
	ck_assert_int_eq(fd, 99);
	(void)fd_close(ends[0]);
	(void)fd_close(ends[1]);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		nobody_waits_for_a_helper_that_takes_no_request,
		the_last_words_of_a_helper_are_heard,
	};

	return suite_run("sources", tests, suite_count(tests));
}
