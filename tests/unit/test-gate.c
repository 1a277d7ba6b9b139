/* SPDX-License-Identifier: Apache-2.0 */
#include "container/state/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "container/sync.h"
#include "kernel/channel.h"
#include "kernel/process.h"
#include "suite.h"

struct place {
	struct scratch scratch;
	struct store_entry entry;
};

/* Deeper than sun_path can say. */
static void place_open(struct place *place)
{
	char name[201];
	int fd;

	scratch_open(&place->scratch);
	memset(name, 'd', 200);
	name[200] = '\0';
	scratch_directory(place->scratch.fd, name, 0700);
	fd = openat(place->scratch.fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	place->entry = (struct store_entry){.fd = fd, .id = "c1"};
}

static void place_close(struct place *place)
{
	store_entry_close(&place->entry);
	scratch_close(&place->scratch);
}

/* An init at its gate: gives 7 when it has been started. */
static pid_t wait_at(int gate)
{
	struct error err = ERROR_INIT;
	int connection = -EBADF;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(gate_wait(gate, &connection, &err) == 0 && connection >= 0 ? 7 : 1);
	(void)close(gate);
	return pid;
}

static int end_of(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

START_TEST(opens_for_who_says_the_word)
{
	struct channel_message message = {.word = SYNC_START};
	struct error err = ERROR_INIT;
	struct place place;
	int gate, other;
	pid_t pid;

	place_open(&place);
	ck_assert_int_eq(gate_connect(&place.entry, &other), -ENOENT);
	ck_assert(!gate_is_closed(&place.entry));
	ck_assert_int_eq(gate_listen(&place.entry, &gate, &err), 0);
	ck_assert_int_eq(fcntl(gate, F_GETFD), FD_CLOEXEC);
	pid = wait_at(gate);
	/* Who only looks, leaves, or says something else does not start it. */
	for (int i = 0; i < 20; i++)
		ck_assert(!gate_is_closed(&place.entry));
	message.word = SYNC_PROCEED;
	ck_assert_int_eq(gate_connect(&place.entry, &other), 0);
	ck_assert_int_eq(channel_send(other, &message, -1), 0);
	ck_assert_int_eq(channel_recv(other, -1, process_now() + 5000, &message, NULL), -EPIPE);
	(void)close(other);
	ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);

	message.word = SYNC_START;
	ck_assert_int_eq(gate_connect(&place.entry, &other), 0);
	ck_assert_int_eq(fcntl(other, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(channel_send(other, &message, -1), 0);
	ck_assert_int_eq(end_of(pid), 7);
	(void)close(other);
	ck_assert(gate_is_closed(&place.entry));
	ck_assert_int_eq(gate_connect(&place.entry, &other), -ECONNREFUSED);
	place_close(&place);
}
END_TEST

START_TEST(dead_init)
{
	struct error err = ERROR_INIT;
	struct place place;
	int gate, other;
	pid_t pid;

	place_open(&place);
	ck_assert_int_eq(gate_listen(&place.entry, &gate, &err), 0);
	pid = wait_at(gate);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(end_of(pid), -SIGKILL);
	ck_assert_int_eq(gate_connect(&place.entry, &other), -ECONNREFUSED);
	ck_assert(gate_is_closed(&place.entry));
	ck_assert(!gate_is_open(&place.entry));
	/* `run` makes no gate: it is neither. */
	ck_assert_int_eq(unlinkat(place.entry.fd, STORE_GATE, 0), 0);
	ck_assert(!gate_is_closed(&place.entry));
	ck_assert(!gate_is_open(&place.entry));
	place_close(&place);
}
END_TEST

/* An init that is frozen takes nobody in: nobody may hang at its gate. */
START_TEST(full_backlog)
{
	struct error err = ERROR_INIT;
	struct place place;
	int gate, other;
	int64_t before = process_now();

	place_open(&place);
	ck_assert_int_eq(gate_listen(&place.entry, &gate, &err), 0);
	/* Each probe leaves at once, but keeps its place. */
	for (int i = 0; i < 32; i++) {
		ck_assert(!gate_is_closed(&place.entry));
		ck_assert(gate_is_open(&place.entry));
	}
	ck_assert_int_lt(process_now(), before + 5000);
	ck_assert_int_eq(gate_connect(&place.entry, &other), -EAGAIN);
	ck_assert_int_ge(process_now(), before + 9000);
	ck_assert_int_lt(process_now(), before + 30000);
	(void)close(gate);
	place_close(&place);
}
END_TEST

START_TEST(taken_name)
{
	struct error err = ERROR_INIT;
	struct place place;
	int gate = -EBADF;
	size_t fds;

	place_open(&place);
	scratch_text(place.entry.fd, STORE_GATE, "", 0600);
	fds = suite_open_fds();
	ck_assert_int_eq(gate_listen(&place.entry, &gate, &err), -EADDRINUSE);
	ck_assert_error(&err, EADDRINUSE, "",
			"make the start gate of container c1: Address already in use (EADDRINUSE)",
			"");
	ck_assert_int_eq(gate, -EBADF);
	ck_assert_uint_eq(suite_open_fds(), fds);
	place_close(&place);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {opens_for_who_says_the_word, dead_init, full_backlog,
				      taken_name};

	return suite_run("gate", tests, suite_count(tests));
}
