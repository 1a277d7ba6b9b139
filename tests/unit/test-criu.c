/* SPDX-License-Identifier: Apache-2.0 */
#include "container/criu/criu.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "kernel/channel.h"
#include "kernel/process.h"
#include "suite.h"

#define IDLE_MS	 1200
#define WORK_MS	 3000
#define LOOKS_MS 100

/* Something in criu's place: `behave` is given its end of the socket and the directory of the log.
 */
struct pretender {
	struct scratch scratch;
	struct criu criu;
	struct criu_places places;
	struct text options;
};

static void pretender_start(struct pretender *pretender, void (*behave)(int socket, int work))
{
	int ends[2];

	*pretender = (struct pretender){.criu = CRIU_INIT};
	scratch_open(&pretender->scratch);
	pretender->places = (struct criu_places){.work = pretender->scratch.fd,
						 .images = pretender->scratch.fd,
						 .work_path = "/the/work",
						 .images_path = "/the/images",
						 .log = "dump.log"};
	ck_assert_int_eq(channel_open(ends), 0);
	pretender->criu.pid = process_fork(0, -1, &pretender->criu.pidfd);
	ck_assert_int_ge(pretender->criu.pid, 0);
	if (pretender->criu.pid == 0) {
		(void)close(ends[0]);
		behave(ends[1], pretender->scratch.fd);
		_exit(0);
	}
	(void)close(ends[1]);
	pretender->criu.socket = ends[0];
}

static int pretender_ask(const struct pretender *pretender, struct error *err)
{
	const struct criu_call call = {.type = CRIU_DUMP,
				       .idle_ms = IDLE_MS,
				       .options = &pretender->options,
				       .places = &pretender->places};

	return criu_call(&pretender->criu, &call, err);
}

static void pretender_end(struct pretender *pretender)
{
	int64_t begun = process_now();

	/* It does nothing against an end of its connection, and is waited for no longer. */
	(void)process_signal(pretender->criu.pidfd, SIGKILL);
	criu_end(&pretender->criu);
	ck_assert_int_lt(process_now() - begun, 5000);
	scratch_close(&pretender->scratch);
}

static void pretend_a_pause(int milliseconds)
{
	const struct timespec pause = {.tv_nsec = milliseconds * 1000000L};

	(void)nanosleep(&pause, NULL);
}

static void pretend_done(int socket)
{
	static const char success[] = "\x08\x01\x10\x01";

	(void)send(socket, success, sizeof(success) - 1, MSG_NOSIGNAL);
}

static void be_silent(int socket, int work)
{
	(void)socket;
	(void)work;
	for (int i = 0; i < 600; i++)
		pretend_a_pause(100);
}

struct verdict {
	int *asked; /* how often so far */
	int words;  /* for the third time */
};

static int judge_by_the_third_time(const void *data, struct error *err)
{
	const struct verdict *verdict = data;

	if (++*verdict->asked < 3)
		return 0;
	return verdict->words < 0 ? error_set(err, -verdict->words, "in vain") : verdict->words;
}

/* It waits for what will not come, or for what is none of its work. */
START_TEST(silence_that_is_judged)
{
	const int words[] = {1, -ESRCH};

	for (size_t i = 0; i < 2; i++) {
		struct error err = ERROR_INIT;
		struct pretender pretender;
		int asked = 0;
		struct verdict verdict = {&asked, words[i]};
		struct criu_call call = {.type = CRIU_DUMP,
					 .idle_ms = 2 * IDLE_MS,
					 .judge = judge_by_the_third_time,
					 .data = &verdict};

		pretender_start(&pretender, be_silent);
		call.options = &pretender.options;
		call.places = &pretender.places;
		ck_assert_int_eq(criu_call(&pretender.criu, &call, &err), i == 0 ? 0 : -ESRCH);
		ck_assert_int_eq(asked, 3);
		if (i == 1)
			ck_assert_error(&err, ESRCH, "", "in vain", "");
		ck_assert_int_eq(process_wait_dead(pretender.criu.pidfd, process_now() + 5000), 0);
		pretender_end(&pretender);
	}
}
END_TEST

START_TEST(silence_has_an_end)
{
	struct error err = ERROR_INIT;
	struct pretender pretender;
	int64_t begun = process_now();

	pretender_start(&pretender, be_silent);
	ck_assert_int_eq(pretender_ask(&pretender, &err), -ETIMEDOUT);
	ck_assert_error(&err, ETIMEDOUT, "", "criu has done nothing for 1 s and is ended",
			"its log is /the/work/dump.log");
	ck_assert_int_ge(process_now() - begun, IDLE_MS);
	pretender_end(&pretender);
}
END_TEST

static void write_a_log(int socket, int work)
{
	int log = openat(work, "dump.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	for (int i = 0; i < WORK_MS / LOOKS_MS; i++) {
		pretend_a_pause(LOOKS_MS);
		(void)!write(log, "line\n", 5);
	}
	pretend_done(socket);
	be_silent(socket, work);
}

START_TEST(a_growing_log_is_work)
{
	struct error err = ERROR_INIT;
	struct pretender pretender;

	pretender_start(&pretender, write_a_log);
	ck_assert_int_eq(pretender_ask(&pretender, &err), 0);
	pretender_end(&pretender);
}
END_TEST

static void compute(void)
{
	int64_t end = process_now() + WORK_MS;

	while (process_now() < end)
		for (volatile int i = 0; i < 1000000; i++)
			;
}

/* What criu has made computes, and not criu itself. */
static void have_a_child_that_works(int socket, int work)
{
	int pidfd = -EBADF, status;
	pid_t pid = process_fork(0, -1, &pidfd);

	if (pid == 0) {
		compute();
		_exit(0);
	}
	(void)process_reap(pidfd, &status);
	pretend_done(socket);
	be_silent(socket, work);
}

START_TEST(a_childs_time_is_work)
{
	struct error err = ERROR_INIT;
	struct pretender pretender;

	if (access("/proc/thread-self/children", R_OK) < 0)
		return;
	pretender_start(&pretender, have_a_child_that_works);
	ck_assert_int_eq(pretender_ask(&pretender, &err), 0);
	pretender_end(&pretender);
}
END_TEST

/* So that what it leaves is met in the order of "before the request", however fast the machine. */
static void pretender_await_end(const struct pretender *pretender)
{
	ck_assert_int_eq(process_wait_readable(-EBADF, pretender->criu.pidfd, process_now() + 5000),
			 PROCESS_DEAD);
}

static void end_without_a_word(int socket, int work)
{
	(void)socket;
	scratch_text(work, "dump.log", "(0) Error (criu/a.c:1): the cause\n(1) Error (b): more\n",
		     0600);
}

START_TEST(its_end_is_noticed)
{
	struct error err = ERROR_INIT;
	struct pretender pretender;

	pretender_start(&pretender, end_without_a_word);
	pretender_await_end(&pretender);
	ck_assert_int_eq(pretender_ask(&pretender, &err), -EPIPE);
	ck_assert_error(&err, EPIPE, "", "criu failed: Error (criu/a.c:1): the cause",
			"its log is /the/work/dump.log");
	pretender_end(&pretender);
}
END_TEST

static void hear_and_end(int socket, int work)
{
	char request[64];

	(void)recv(socket, request, sizeof(request), 0);
	end_without_a_word(socket, work);
}

START_TEST(its_end_while_it_works_is_noticed)
{
	struct error err = ERROR_INIT;
	struct pretender pretender;

	pretender_start(&pretender, hear_and_end);
	ck_assert_int_eq(pretender_ask(&pretender, &err), -EPIPE);
	ck_assert_error(&err, EPIPE, "", "criu failed: Error (criu/a.c:1): the cause",
			"its log is /the/work/dump.log");
	pretender_end(&pretender);
}
END_TEST

static void refuse_unasked(int socket, int work)
{
	static const char failure[] = "\x08\x01\x10\x00\x38\x0d";

	(void)work;
	(void)send(socket, failure, sizeof(failure) - 1, MSG_NOSIGNAL);
}

/* Its last word counts, though it has hung up before it was asked. */
START_TEST(its_last_word_is_heard)
{
	struct error err = ERROR_INIT;
	struct pretender pretender;

	pretender_start(&pretender, refuse_unasked);
	pretender_await_end(&pretender);
	ck_assert_int_eq(pretender_ask(&pretender, &err), -EACCES);
	ck_assert_error(&err, EACCES, "", "criu failed: Permission denied (EACCES)",
			"its log is /the/work/dump.log");
	pretender_end(&pretender);
}
END_TEST

START_TEST(modes_of_cgroups)
{
	struct error err = ERROR_INIT;
	bool managed = true;

	ck_assert_int_eq(criu_cgroup_find_mode("ignore", &managed, &err), 0);
	ck_assert(!managed);
	ck_assert_int_eq(criu_cgroup_find_mode("soft", &managed, &err), 0);
	ck_assert(managed);
	ck_assert_int_eq(criu_cgroup_find_mode("none", &managed, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "",
			"--manage-cgroups-mode none: not one of soft, full, strict, ignore", "");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		silence_that_is_judged, silence_has_an_end, a_growing_log_is_work,
		a_childs_time_is_work,	its_end_is_noticed, its_end_while_it_works_is_noticed,
		its_last_word_is_heard, modes_of_cgroups,
	};

	return suite_run("criu", tests, suite_count(tests));
}
