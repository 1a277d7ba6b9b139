/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "kernel/process.h"
#include "suite.h"

#define WORD(text) ((char *)(uintptr_t)(text))

/* A shell with a script; all else is the test's choice. */
static int run_shell(struct program *program, const char *script, int64_t timeout, size_t max,
		     struct program_result *ret_result, struct error *err)
{
	char *arguments[] = {WORD("sh"), WORD("-c"), WORD(script), NULL};

	program->name = "shell";
	program->path = "/bin/sh";
	program->arguments = arguments;
	return program_run(program, timeout, max, ret_result, err);
}

START_TEST(output_and_status)
{
	struct program program = {.output = PROGRAM_CAPTURE, .errors = PROGRAM_CAPTURE};
	struct program_result result = {0};
	struct error err = ERROR_INIT;
	size_t open_before = suite_open_fds();

	ck_assert_int_eq(
		run_shell(&program, "echo one; echo two >&2; exit 3", 5000, 100, &result, &err), 0);
	ck_assert_str_eq(result.output, "one\ntwo\n");
	ck_assert_uint_eq(result.length, 8);
	ck_assert(!result.cut);
	ck_assert(WIFEXITED(result.status));
	ck_assert_int_eq(WEXITSTATUS(result.status), 3);
	ck_assert_int_eq(program_judge(&program, &result, &err), -EIO);
	ck_assert_error(&err, EIO, "", "shell failed with status 3: one; two", "");
	program_result_clear(&result);
	ck_assert_ptr_null(result.output);
	ck_assert_uint_eq(suite_open_fds(), open_before);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

START_TEST(success_is_no_error)
{
	struct program program = {0};
	struct program_result result = {0};
	struct error err = ERROR_INIT;

	ck_assert_int_eq(run_shell(&program, "echo lost", 5000, 100, &result, &err), 0);
	ck_assert_uint_eq(result.length, 0);
	ck_assert_str_eq(result.output, "");
	ck_assert_int_eq(program_judge(&program, &result, &err), 0);
	ck_assert_int_eq(err.number, 0);
	program_result_clear(&result);
}
END_TEST

START_TEST(only_what_is_wanted_is_captured)
{
	struct program program = {.output = PROGRAM_CAPTURE};
	struct program_result result = {0};
	struct error err = ERROR_INIT;

	ck_assert_int_eq(run_shell(&program, "echo out; echo lost >&2", 5000, 100, &result, &err),
			 0);
	ck_assert_str_eq(result.output, "out\n");
	program_result_clear(&result);
	program = (struct program){.errors = PROGRAM_CAPTURE};
	ck_assert_int_eq(run_shell(&program, "echo lost; echo err >&2", 5000, 100, &result, &err),
			 0);
	ck_assert_str_eq(result.output, "err\n");
	program_result_clear(&result);
}
END_TEST

START_TEST(a_signal_is_named)
{
	struct program program = {0};
	struct program_result result = {0};
	struct error err = ERROR_INIT;

	ck_assert_int_eq(run_shell(&program, "kill -TERM $$", 5000, 100, &result, &err), 0);
	ck_assert_int_eq(program_judge(&program, &result, &err), -EIO);
	ck_assert_error(&err, EIO, "", "shell was killed by signal 15", "");
	program_result_clear(&result);
}
END_TEST

/* More than a pipe holds, so that a caller who stops reading would stall the program. */
START_TEST(too_much_output_is_cut)
{
	struct program program = {.output = PROGRAM_CAPTURE};
	struct program_result result = {0};
	struct error err = ERROR_INIT;

	ck_assert_int_eq(run_shell(&program, "head -c 200000 /dev/zero | tr '\\0' x; echo end",
				   10000, 1000, &result, &err),
			 0);
	ck_assert_uint_eq(result.length, 1000);
	ck_assert_uint_eq(strlen(result.output), 1000);
	ck_assert(result.cut);
	ck_assert_int_eq(result.status, 0);
	program_result_clear(&result);
}
END_TEST

START_TEST(the_end_of_the_output_makes_the_sentence)
{
	struct program program = {.output = PROGRAM_CAPTURE};
	struct program_result result = {0};
	struct error err = ERROR_INIT;

	ck_assert_int_eq(run_shell(&program,
				   "head -c 2000 /dev/zero | tr '\\0' x; "
				   "printf 'the\\treason\\n\\n'; exit 1",
				   10000, 100000, &result, &err),
			 0);
	ck_assert_int_eq(program_judge(&program, &result, &err), -EIO);
	ck_assert_ptr_nonnull(strstr(err.message, "xxxthe reason"));
	ck_assert_uint_eq(strlen(err.message), strlen("shell failed with status 1: ") + 512);
	program_result_clear(&result);
}
END_TEST

START_TEST(it_is_killed_at_its_deadline)
{
	struct program program = {.output = PROGRAM_CAPTURE};
	struct program_result result = {0};
	struct error err = ERROR_INIT;
	int64_t begin = process_now();
	size_t open_before = suite_open_fds();

	ck_assert_int_eq(run_shell(&program, "exec sleep 30", 1000, 100, &result, &err),
			 -ETIMEDOUT);
	ck_assert_error(&err, ETIMEDOUT, "", "shell took longer than 1 s, and was killed", "");
	ck_assert_int_lt(process_now() - begin, 8000);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_uint_eq(suite_open_fds(), open_before);
	/* A program that has closed its streams goes on: that is no end. */
	ck_assert_int_eq(run_shell(&program, "exec sleep 30 >&-", 500, 100, &result, &err),
			 -ETIMEDOUT);
	program.output = PROGRAM_NULL;
	ck_assert_int_eq(run_shell(&program, "exec sleep 30", 500, 100, &result, &err), -ETIMEDOUT);
}
END_TEST

START_TEST(its_own_children_are_not_waited_for)
{
	struct program program = {.output = PROGRAM_CAPTURE};
	struct program_result result = {0};
	struct error err = ERROR_INIT;
	int64_t begin = process_now();
	pid_t left;

	ck_assert_int_eq(run_shell(&program, "sleep 30 & echo $!", 10000, 100, &result, &err), 0);
	ck_assert_int_lt(process_now() - begin, 8000);
	ck_assert_int_eq(sscanf(result.output, "%d", &left), 1);
	ck_assert_int_eq(kill(left, SIGKILL), 0);
	program_result_clear(&result);
}
END_TEST

START_TEST(what_cannot_be_executed_is_an_error_of_the_start)
{
	char *arguments[] = {WORD("x"), NULL};
	struct program program = {
		.name = "tool", .path = "/nonexistent/tool", .arguments = arguments};
	size_t open_before = suite_open_fds();
	struct program_result result = {0};
	struct error err = ERROR_INIT;
	int pidfd = -2;

	ck_assert_int_eq(program_run(&program, 1000, 100, &result, &err), -ENOENT);
	ck_assert_error(&err, ENOENT, "", "execute tool: No such file or directory (ENOENT)", "");
	program.path = "/etc/passwd";
	ck_assert_int_eq(program_start(&program, &pidfd, NULL, &err), -EACCES);
	ck_assert_int_eq(pidfd, -2);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_uint_eq(suite_open_fds(), open_before);
}
END_TEST

/* In a process of its own: check uses low descriptors itself. The exit status says what failed. */
static int swap_descriptors(void)
{
	struct program program = {.output = PROGRAM_CAPTURE};
	const int descriptors[] = {4, 3};
	struct program_result result = {0};
	struct error err = ERROR_INIT;
	int one = memfd_create("one", 0), two = memfd_create("two", 0), r;

	if (io_write_all(one, "1", 1) < 0 || lseek(one, 0, SEEK_SET) < 0 ||
	    io_write_all(two, "2", 1) < 0 || lseek(two, 0, SEEK_SET) < 0)
		return 10;
	/* Not close-on-exec, any of them. */
	if (dup2(one, 20) < 0 || dup2(two, 21) < 0 || dup2(21, 3) < 0 || dup2(20, 4) < 0)
		return 11;
	program.descriptors = descriptors;
	program.descriptor_count = 2;
	r = run_shell(&program,
		      "cat <&3; cat <&4; for i in 5 6 7 8 9; do "
		      "test -e /proc/$$/fd/$i && ls -l /proc/$$/fd; done; "
		      "test -e /proc/$$/fd/20 && echo 20; :",
		      5000, 4000, &result, &err);
	if (r < 0)
		return 12;
	r = strcmp(result.output, "12") == 0 ? 0 : 13;
	program_result_clear(&result);
	return r;
}

/* Given in an order, and with numbers, that a careless dup2 would mix up. */
START_TEST(descriptors_are_moved_to_their_places)
{
	int pidfd = -EBADF, status = -1;
	pid_t pid = process_fork(0, -1, &pidfd);

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(swap_descriptors());
	ck_assert_int_eq(program_end(&pidfd, 10000, &status), 0);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(environment_and_signals)
{
	char *environment[] = {WORD("A=b"), NULL};
	struct program program = {.output = PROGRAM_CAPTURE};
	struct program_result result = {0};
	struct error err = ERROR_INIT;

	ck_assert_ptr_ne(signal(SIGTERM, SIG_IGN), SIG_ERR);
	ck_assert_int_eq(run_shell(&program,
				   "echo $A.; "
				   "grep -E 'Sig(Blk|Ign)' /proc/self/status | tr -d '\\n\\t'",
				   5000, 1000, &result, &err),
			 0);
	ck_assert_str_eq(result.output, ".\nSigBlk:0000000000000000SigIgn:0000000000000000");
	program_result_clear(&result);
	program.environment = environment;
	program.deaf = true;
	ck_assert_int_eq(run_shell(&program, "echo $A.; exec grep -E SigBlk /proc/self/status",
				   5000, 1000, &result, &err),
			 0);
	ck_assert_str_eq(result.output, "b.\nSigBlk:\tfffffffe7ffbfeff\n");
	program_result_clear(&result);
}
END_TEST

START_TEST(an_image_is_executed)
{
	struct program program = {.name = "image", .output = PROGRAM_CAPTURE};
	char *arguments[] = {WORD("x"), WORD("echo"), WORD("hello"), NULL};
	auto_close int image = -EBADF;
	auto_free char *bytes = NULL;
	struct program_result result = {0};
	struct error err = ERROR_INIT;
	size_t size;

	ck_assert_int_eq(io_read_file(AT_FDCWD, "/proc/self/exe", 0, 64u << 20, &bytes, &size), 0);
	ck_assert_int_eq(program_image_open("tool", bytes, size, &image, &err), 0);
	ck_assert_int_eq(fcntl(image, F_GETFD), FD_CLOEXEC);
	program.image = image;
	program.arguments = arguments;
	ck_assert_int_eq(program_run(&program, 10000, 100, &result, &err), 0);
	ck_assert_str_eq(result.output, "hello\n");
	program_result_clear(&result);
}
END_TEST

START_TEST(a_longer_life_has_an_end)
{
	char *arguments[] = {WORD("sleep"), WORD("30"), NULL};
	char path[64];
	struct program program = {.name = "sleep", .path = path, .arguments = arguments};
	struct error err = ERROR_INIT;
	int pidfd, status = 0;

	ck_assert_int_eq(program_find("sleep", path, sizeof(path)), 0);
	ck_assert_int_eq(program_start(&program, &pidfd, NULL, &err), 0);
	ck_assert_int_eq(program_end(&pidfd, 100, &status), -ETIMEDOUT);
	ck_assert_int_eq(pidfd, -EBADF);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
	arguments[1] = WORD("0");
	ck_assert_int_eq(program_start(&program, &pidfd, NULL, &err), 0);
	ck_assert_int_eq(program_end(&pidfd, 5000, &status), 0);
	ck_assert_int_eq(status, 0);
	/* A stream to be read, and nobody who takes it. */
	program.output = PROGRAM_CAPTURE;
	ck_assert_int_eq(program_start(&program, &pidfd, NULL, &err), -EINVAL);
}
END_TEST

START_TEST(programs_are_found)
{
	char path[64], small[8];

	ck_assert_int_eq(program_find("sh", path, sizeof(path)), 0);
	ck_assert_int_eq(access(path, X_OK), 0);
	ck_assert_int_eq(program_find("no-such-program-anywhere", path, sizeof(path)), -ENOENT);
	ck_assert_int_eq(program_find("/bin/sh", path, sizeof(path)), 0);
	ck_assert_str_eq(path, "/bin/sh");
	ck_assert_int_eq(program_find("/nonexistent/sh", path, sizeof(path)), -ENOENT);
	ck_assert_int_eq(program_find("sh", small, sizeof(small)), -ENAMETOOLONG);
}
END_TEST

int main(int argc, char **argv)
{
	const TTest *const tests[] = {
		output_and_status,
		success_is_no_error,
		only_what_is_wanted_is_captured,
		a_signal_is_named,
		too_much_output_is_cut,
		the_end_of_the_output_makes_the_sentence,
		it_is_killed_at_its_deadline,
		its_own_children_are_not_waited_for,
		what_cannot_be_executed_is_an_error_of_the_start,
		descriptors_are_moved_to_their_places,
		environment_and_signals,
		an_image_is_executed,
		a_longer_life_has_an_end,
		programs_are_found,
	};

	/* What an_image_is_executed executes: this very program. */
	if (argc == 3 && strcmp(argv[1], "echo") == 0) {
		(void)puts(argv[2]);
		return 0;
	}
	return suite_run("program", tests, suite_count(tests));
}
