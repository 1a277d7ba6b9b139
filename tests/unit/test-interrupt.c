/* SPDX-License-Identifier: Apache-2.0 */
#include "container/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/process.h"
#include "suite.h"

START_TEST(held_back_and_told)
{
	static const struct {
		int signal;
		const char *message;
	} rows[] = {
		{SIGTERM, "interrupted by SIGTERM"},
		{SIGINT, "interrupted by SIGINT"},
		{SIGHUP, "interrupted by SIGHUP"},
	};
	size_t fds = suite_open_fds();

	for (size_t i = 0; i < suite_count(rows); i++) {
		struct interrupt interrupt = INTERRUPT_INIT;
		struct error err = ERROR_INIT;

		ck_assert_int_eq(interrupt_open(&interrupt, &err), 0);
		ck_assert_int_eq(interrupt_check(&interrupt, &err), 0);
		ck_assert_int_eq(raise(rows[i].signal), 0);
		/* A wait for something else ends by it. */
		ck_assert_int_eq(
			process_wait_interruptible(-1, -1, interrupt.fd, PROCESS_NO_DEADLINE),
			-EINTR);
		ck_assert_int_eq(interrupt_check(&interrupt, &err), -EINTR);
		ck_assert_error(&err, EINTR, "", rows[i].message, "");
		/* Each is told once. */
		ck_assert_int_eq(interrupt_check(&interrupt, &err), 0);
		interrupt_close(&interrupt);
		interrupt_close(&interrupt);
	}
	ck_assert_uint_eq(suite_open_fds(), fds);
}
END_TEST

START_TEST(nothing_is_watched)
{
	struct interrupt interrupt = INTERRUPT_INIT;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(interrupt_check(&interrupt, &err), 0);
	interrupt_close(&interrupt);
}
END_TEST

/* nohup. */
START_TEST(ignored_stay_ignored)
{
	struct interrupt interrupt = INTERRUPT_INIT;
	struct error err = ERROR_INIT;

	(void)signal(SIGHUP, SIG_IGN);
	ck_assert_int_eq(interrupt_open(&interrupt, &err), 0);
	ck_assert_int_eq(raise(SIGHUP), 0);
	ck_assert_int_eq(interrupt_check(&interrupt, &err), 0);
	ck_assert_int_eq(process_wait_interruptible(-1, -1, interrupt.fd, process_now() + 20),
			 -ETIMEDOUT);
	interrupt_close(&interrupt);
}
END_TEST

/* What comes within the grace counts; the signal is still to be read. */
START_TEST(with_grace)
{
	struct interrupt interrupt = INTERRUPT_INIT;
	struct error err = ERROR_INIT;
	int64_t begin;
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(interrupt_open(&interrupt, &err), 0);
	ck_assert_int_eq(process_wait_graceful(ends[0], -1, interrupt.fd, process_now() + 20),
			 -ETIMEDOUT);
	ck_assert_int_eq(raise(SIGTERM), 0);
	ck_assert_int_eq(process_wait_graceful(ends[0], -1, interrupt.fd, process_now() + 20),
			 -ETIMEDOUT);
	begin = process_now();
	ck_assert_int_eq(process_wait_graceful(ends[0], -1, interrupt.fd, PROCESS_NO_DEADLINE),
			 -EINTR);
	ck_assert_int_ge(process_now() - begin, PROCESS_GRACE_MS - 1);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	ck_assert_int_eq(process_wait_graceful(ends[0], -1, interrupt.fd, PROCESS_NO_DEADLINE),
			 PROCESS_READABLE);
	ck_assert_int_eq(interrupt_check(&interrupt, &err), -EINTR);
	interrupt_close(&interrupt);
	(void)close(ends[0]);
	(void)close(ends[1]);
}
END_TEST

/* One that comes too late to undo anything ends the process as it would have. */
START_TEST(let_through_at_the_end)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct interrupt interrupt = INTERRUPT_INIT;
		struct error err = ERROR_INIT;

		if (interrupt_open(&interrupt, &err) < 0)
			_exit(1);
		(void)raise(SIGHUP); /* libcheck has a handler for the others */
		interrupt_close(&interrupt);
		_exit(2);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGHUP);
}
END_TEST

/* Whoever runs the tests may have nohup(1). */
static void as_at_login(void)
{
	(void)signal(SIGHUP, SIG_DFL);
}

int main(void)
{
	const TTest *const tests[] = {held_back_and_told, nothing_is_watched, ignored_stay_ignored,
				      with_grace, let_through_at_the_end};

	return suite_run_with("interrupt", tests, suite_count(tests), as_at_login, NULL);
}
