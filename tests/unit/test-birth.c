/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's side of the conversation, when the other one says what it likes. */
#include "container/birth.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "kernel/channel.h"
#include "kernel/syscalls.h"
#include "suite.h"

static int hooks_run_so_far;

static int run_hooks(void *data, struct error *err)
{
	(void)data;
	(void)err;
	hooks_run_so_far++;
	return 0;
}

struct scene {
	struct oci_process process;
	struct plan plan;
	struct rollback rollback;
	struct birth birth;
	struct error err;
	int theirs;
};

/* The peer lives: it is this process. */
static void scene_open(struct scene *scene)
{
	int ends[2];

	*scene = (struct scene){.theirs = -EBADF};
	scene->plan.process = &scene->process;
	birth_init(&scene->birth, &scene->plan, &scene->rollback);
	ck_assert_int_eq(channel_open(ends), 0);
	scene->birth.channel = ends[0];
	scene->theirs = ends[1];
	scene->birth.pidfd = sys_pidfd_open(getpid(), 0);
	ck_assert_int_ge(scene->birth.pidfd, 0);
}

static void scene_close(struct scene *scene)
{
	birth_close(&scene->birth);
	fd_close(scene->theirs);
}

static void say(const struct scene *scene, uint32_t word, int fd)
{
	const struct channel_message message = {.word = word};

	ck_assert_int_eq(channel_send(scene->theirs, &message, fd), 0);
}

static void refuses(struct scene *scene, const struct birth_events *events, const char *words)
{
	ck_assert_int_eq(birth_await_ready(&scene->birth, events, &scene->err), -EPROTO);
	ck_assert_error(&scene->err, EPROTO, "", words, "");
	scene_close(scene);
}

START_TEST(nobody_is_there_to_hear)
{
	const struct birth_events events = {.hooks = run_hooks};
	struct scene scene;

	scene_open(&scene);
	scene.theirs = fd_close(scene.theirs);
	ck_assert_int_eq(birth_send(&scene.birth, SYNC_START, &scene.err), -EPIPE);
	ck_assert_error(&scene.err, EPIPE, "",
			"the container's process died before its program could run", "");
	scene_close(&scene);

	/* Behind its hooks what counts is what it has said before, or that it has said nothing. */
	scene_open(&scene);
	say(&scene, SYNC_HOOKS, -EBADF);
	say(&scene, SYNC_READY, -EBADF);
	scene.theirs = fd_close(scene.theirs);
	ck_assert_int_eq(birth_await_ready(&scene.birth, &events, &scene.err), 0);
	scene_close(&scene);
}
END_TEST

START_TEST(words_in_order)
{
	const struct birth_events events = {.hooks = run_hooks};
	struct scene scene;

	scene_open(&scene);
	scene.process.terminal = true;
	say(&scene, SYNC_HOOKS, -1);
	say(&scene, SYNC_TERMINAL, scene.theirs);
	say(&scene, SYNC_READY, -1);
	ck_assert_int_eq(birth_await_ready(&scene.birth, &events, &scene.err), 0);
	ck_assert_int_eq(hooks_run_so_far, 1);
	ck_assert_int_ge(scene.birth.master, 0);
	scene_close(&scene);
}
END_TEST

/* Of `exec`, without a terminal: nothing but that it is ready, or has failed. */
START_TEST(words_that_nobody_waits_for)
{
	static const struct {
		uint32_t word;
		const char *message;
	} cases[] = {
		{SYNC_PROCEED, "the container's process said 1"},
		{SYNC_HOOKS, "the container's process said 2"},
		{SYNC_LOOPBACK, "the container's process said 3"},
		{SYNC_TERMINAL, "the container's process said 4"},
		{SYNC_LISTENER, "the container's process said 5"},
		{SYNC_COMMIT, "the container's process said 7"},
		{SYNC_START, "the container's process said 8"},
		{SYNC_FAILED + 1, "the container's process said 10"},
		{UINT32_MAX, "the container's process said 4294967295"},
	};
	const struct birth_events events = {.hooks = NULL};
	struct scene scene;

	for (size_t i = 0; i < suite_count(cases); i++) {
		scene_open(&scene);
		say(&scene, cases[i].word, scene.theirs);
		refuses(&scene, &events, cases[i].message);
	}
	/* The socket for the terminal is there: none comes over the channel. */
	scene_open(&scene);
	scene.process.terminal = true;
	scene.birth.console_socket = scene.theirs;
	say(&scene, SYNC_TERMINAL, scene.theirs);
	ck_assert_int_eq(birth_await_ready(&scene.birth, &events, &scene.err), -EPROTO);
	scene.birth.console_socket = -EBADF;
	scene_close(&scene);
}
END_TEST

/* Words without end would be a wait without end. */
START_TEST(words_said_twice)
{
	const struct birth_events events = {.hooks = run_hooks};
	struct scene scene;

	scene_open(&scene);
	say(&scene, SYNC_HOOKS, -1);
	say(&scene, SYNC_HOOKS, -1);
	refuses(&scene, &events, "the container's process said 2");
	scene_open(&scene);
	scene.process.terminal = true;
	say(&scene, SYNC_TERMINAL, scene.theirs);
	say(&scene, SYNC_TERMINAL, scene.theirs);
	refuses(&scene, &events, "the container's process said 4");
}
END_TEST

/* A failure without a number is one all the same. */
START_TEST(failure_without_a_number)
{
	const struct birth_events events = {.hooks = NULL};
	struct scene scene;

	scene_open(&scene);
	say(&scene, SYNC_FAILED, -1);
	ck_assert_int_eq(birth_await_ready(&scene.birth, &events, &scene.err), -EPROTO);
	ck_assert_int_eq(scene.err.number, EPROTO);
	scene_close(&scene);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {nobody_is_there_to_hear, words_in_order,
				      words_that_nobody_waits_for, words_said_twice,
				      failure_without_a_number};

	return suite_run("birth", tests, suite_count(tests));
}
