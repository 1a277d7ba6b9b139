/* SPDX-License-Identifier: Apache-2.0 */
#include "container/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/log.h"
#include "kernel/process.h"
#include "suite.h"

/* Of the model's type for text, which is not const. */
#define TEXT(literal) ((char *)(uintptr_t)(literal))

/* A hook that is a shell script, with a file to write to. */
struct script {
	char *args[5];
	struct oci_hook hook;
	struct oci_hook_list list;
};

static void script_init(struct script *script, const char *text, const char *argument)
{
	*script = (struct script){
		.args = {TEXT("sh"), TEXT("-c"), TEXT(text), TEXT("hook"), TEXT(argument)},
	};
	script->hook.path = TEXT("/bin/sh");
	script->hook.args = (struct oci_strings){script->args, argument ? 5 : 4};
	script->list = (struct oci_hook_list){&script->hook, 1};
}

static int run(struct script *script, struct error *err)
{
	struct hooks_run hooks = {
		.kind = "createRuntime",
		.hooks = &script->list,
		.state = "{\"id\":\"c1\"}",
	};

	return hooks_run(&hooks, err);
}

START_TEST(nothing_to_run)
{
	struct oci_hook_list none = {NULL, 0};
	struct hooks_run hooks = {.kind = "poststop", .state = "{}"};
	struct error err = ERROR_INIT;

	ck_assert_int_eq(hooks_run(&hooks, &err), 0);
	hooks.hooks = &none;
	ck_assert_int_eq(hooks_run(&hooks, &err), 0);
}
END_TEST

/* What a hook gets: the state, its env and nothing of ours, no descriptor, no signal setting. */
START_TEST(what_a_hook_gets)
{
	static const char text[] = "cat > $1/state; env > $1/env; ls /proc/self/fd > $1/fds;"
				   "grep -E 'Sig(Blk|Ign)' /proc/self/status > $1/signals";
	auto_free char *got = NULL;
	char *env[] = {TEXT("ONLY=this"), TEXT("PATH=/usr/bin:/bin")};
	struct error err = ERROR_INIT;
	struct script script;
	struct scratch scratch;
	sigset_t mask;
	size_t fds;
	int leak;

	scratch_open(&scratch);
	script_init(&script, text, scratch.path);
	script.hook.env = (struct oci_strings){env, 2};
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	sigfillset(&mask);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &mask, NULL), 0);
	leak = open("/dev/null", O_RDONLY);
	ck_assert_int_eq(dup2(leak, 50), 50);
	fds = suite_open_fds();
	ck_assert_msg(run(&script, &err) == 0, "%s", err.message);
	ck_assert_uint_eq(suite_open_fds(), fds);

	ck_assert_int_ge(io_read_file(scratch.fd, "state", 0, 4096, &got, NULL), 0);
	ck_assert_str_eq(got, "{\"id\":\"c1\"}");
	free(got);
	ck_assert_int_ge(io_read_file(scratch.fd, "env", 0, 4096, &got, NULL), 0);
	ck_assert_ptr_nonnull(strstr(got, "ONLY=this\n"));
	ck_assert_ptr_null(strstr(got, "HOME="));
	free(got);
	/* The directory's own is the fourth. */
	ck_assert_int_ge(io_read_file(scratch.fd, "fds", 0, 4096, &got, NULL), 0);
	ck_assert_str_eq(got, "0\n1\n2\n3\n");
	free(got);
	ck_assert_int_ge(io_read_file(scratch.fd, "signals", 0, 4096, &got, NULL), 0);
	ck_assert_str_eq(got, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
	scratch_close(&scratch);
}
END_TEST

START_TEST(failures)
{
	struct error err = ERROR_INIT;
	struct script script;

	script_init(&script, "echo one; echo 'two\t' >&2; exit 3", NULL);
	ck_assert_int_eq(run(&script, &err), -EIO);
	ck_assert_error(&err, EIO, "hooks.createRuntime[0]",
			"hook /bin/sh exited with status 3: one; two", "");
	script_init(&script, "kill -9 $$", NULL);
	ck_assert_int_eq(run(&script, &err), -EIO);
	ck_assert_error(&err, EIO, "hooks.createRuntime[0]", "hook /bin/sh was killed by signal 9",
			"");
	script_init(&script, "", NULL);
	script.hook.path = TEXT("/no/such/hook");
	ck_assert_int_eq(run(&script, &err), -ENOENT);
	ck_assert_error(&err, ENOENT, "hooks.createRuntime[0]",
			"hook: execute /no/such/hook: No such file or directory (ENOENT)", "");
}
END_TEST

/* Only the end of a long output is kept, and no amount of it hangs. */
START_TEST(long_output)
{
	struct error err = ERROR_INIT;
	struct script script;

	script_init(&script,
		    "i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789;"
		    " i=$((i+1)); done; printf 'the end'; exit 1",
		    NULL);
	ck_assert_int_eq(run(&script, &err), -EIO);
	ck_assert_ptr_nonnull(strstr(err.message, "0123456789; 0123456789"));
	ck_assert_str_eq(err.message + strlen(err.message) - 7, "the end");
}
END_TEST

/* A child that keeps the pipe, or even fills it for ever, is no part of the hook. */
START_TEST(children_that_stay)
{
	struct error err = ERROR_INIT;
	struct script script;
	int64_t before = process_now();
	struct scratch scratch;
	auto_free char *pid = NULL;

	scratch_open(&scratch);
	script_init(&script,
		    "(while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done) &\n"
		    "echo $! > $1/pid; exit 0",
		    scratch.path);
	ck_assert_msg(run(&script, &err) == 0, "%s", err.message);
	ck_assert_int_lt(process_now(), before + 10000);
	ck_assert_int_eq(io_read_file(scratch.fd, "pid", 0, 64, &pid, NULL), 0);
	(void)kill((pid_t)strtol(pid, NULL, 10), SIGKILL);
	scratch_close(&scratch);
}
END_TEST

START_TEST(timeout)
{
	struct error err = ERROR_INIT;
	struct script script;
	struct scratch scratch;
	auto_free char *pid = NULL;
	int64_t before = process_now();
	int number;

	scratch_open(&scratch);
	script_init(&script, "sleep 1000 & echo $! > $1/pid; wait", scratch.path);
	script.hook.timeout.set = true;
	script.hook.timeout.value = 1;
	ck_assert_int_eq(run(&script, &err), -ETIMEDOUT);
	ck_assert_error(&err, ETIMEDOUT, "hooks.createRuntime[0]",
			"hook /bin/sh ran past its timeout of 1 s", "");
	ck_assert_int_ge(process_now(), before + 1000);
	ck_assert_int_lt(process_now(), before + 8000);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	/* What it had started went with it. */
	ck_assert_int_eq(io_read_file(scratch.fd, "pid", 0, 64, &pid, NULL), 0);
	number = (int)strtol(pid, NULL, 10);
	for (int i = 0; i < 500 && kill(number, 0) == 0; i++)
		(void)usleep(10000);
	ck_assert_int_eq(kill(number, 0), -1);
	scratch_close(&scratch);
}
END_TEST

/* Behind a runtime that is killed no hook goes on. */
START_TEST(death_of_the_runtime)
{
	struct error err = ERROR_INIT;
	struct script script;
	struct scratch scratch;
	auto_free char *pid = NULL;
	pid_t runtime;
	int number;

	scratch_open(&scratch);
	/* Orphans come to us, so that they can be reaped and are seen to be gone. */
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	script_init(&script, "echo $$ > $1/pid.tmp; mv $1/pid.tmp $1/pid; exec sleep 1000",
		    scratch.path);
	runtime = fork();
	if (runtime == 0)
		_exit(run(&script, &err) == 0);
	for (int i = 0; i < 500 && !pid; i++) {
		(void)usleep(10000);
		(void)io_read_file(scratch.fd, "pid", 0, 64, &pid, NULL);
	}
	ck_assert_ptr_nonnull(pid);
	number = (int)strtol(pid, NULL, 10);
	ck_assert_int_eq(kill(number, 0), 0);
	ck_assert_int_eq(kill(runtime, SIGKILL), 0);
	ck_assert_int_eq(waitpid(runtime, NULL, 0), runtime);
	for (int i = 0; i < 500 && kill(number, 0) == 0; i++) {
		(void)waitpid(-1, NULL, WNOHANG);
		(void)usleep(10000);
	}
	ck_assert_int_eq(kill(number, 0), -1);
	scratch_close(&scratch);
}
END_TEST

static void count_warning(void *data, enum log_level level, const char *message)
{
	char *last = data;

	if (level == LOG_LEVEL_WARNING)
		(void)snprintf(last, 256, "%s", message);
}

/* poststop: a failure is a warning, and the next one runs. */
START_TEST(keep_going)
{
	char *first[] = {TEXT("sh"), TEXT("-c"), TEXT("exit 4")},
	     *second[] = {TEXT("sh"), TEXT("-c"), TEXT("echo ran > $0"), NULL};
	struct oci_hook hooks[2] = {
		{.path = TEXT("/bin/sh"), .args = {first, 3}},
		{.path = TEXT("/bin/sh"), .args = {second, 4}},
	};
	struct oci_hook_list list = {hooks, 2};
	struct hooks_run all = {
		.kind = "poststop", .hooks = &list, .state = "{}", .keep_going = true};
	struct error err = ERROR_INIT;
	struct scratch scratch;
	char path[128], warning[256] = "";

	scratch_open(&scratch);
	(void)snprintf(path, sizeof(path), "%s/ran", scratch.path);
	second[3] = path;
	log_set_sink(count_warning, warning, LOG_LEVEL_WARNING);
	ck_assert_int_eq(hooks_run(&all, &err), 0);
	ck_assert_str_eq(warning, "hooks.poststop[0]: hook /bin/sh exited with status 4");
	ck_assert_int_eq(access(path, F_OK), 0);
	/* Any other kind stops at the first. */
	ck_assert_int_eq(unlink(path), 0);
	all.keep_going = false;
	ck_assert_int_eq(hooks_run(&all, &err), -EIO);
	ck_assert_error(&err, EIO, "hooks.poststop[0]", "hook /bin/sh exited with status 4", "");
	ck_assert_int_eq(access(path, F_OK), -1);
	scratch_close(&scratch);
}
END_TEST

static int refuse(void *data, struct error *err)
{
	return error_set(err, EPERM, "not %s", (const char *)data);
}

START_TEST(prepare_runs_in_the_child)
{
	char word[] = "today", *args[] = {TEXT("sh"), TEXT("-c"), TEXT("exit 0")};
	struct oci_hook hook = {.path = TEXT("/bin/sh"), .args = {args, 3}};
	struct oci_hook_list list = {&hook, 1};
	struct hooks_run all = {.kind = "startContainer",
				.hooks = &list,
				.state = "{}",
				.prepare = refuse,
				.data = word};
	struct error err = ERROR_INIT;

	ck_assert_int_eq(hooks_run(&all, &err), -EPERM);
	ck_assert_error(&err, EPERM, "hooks.startContainer[0]", "hook: not today", "");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		nothing_to_run,	      what_a_hook_gets,	  failures,
		long_output,	      children_that_stay, timeout,
		death_of_the_runtime, keep_going,	  prepare_runs_in_the_child,
	};

	return suite_run("hooks", tests, suite_count(tests));
}
