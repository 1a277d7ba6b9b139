/* SPDX-License-Identifier: Apache-2.0 */
/* A child with a terminal of its own plays the container; the test is its runtime. */
#include "isolate/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "isolate/terminal.h"
#include "kernel/process.h"
#include "suite.h"

/* Everything of one case. */
struct stage {
	struct relay relay;
	int input, output; /* the test's ends */
	pid_t pid;
};

static void no_echo(int slave)
{
	struct termios mode;

	ck_assert_int_eq(tcgetattr(slave, &mode), 0);
	mode.c_lflag &= ~(tcflag_t)ECHO;
	mode.c_oflag &= ~(tcflag_t)OPOST;
	ck_assert_int_eq(tcsetattr(slave, TCSANOW, &mode), 0);
}

/* The terminal for 0, 1 and 2, but not the controlling one, as a second process of a container has
 * it: then its end does not hang up the terminal. */
static int attach_as_guest(int slave)
{
	for (int fd = 0; fd <= 2; fd++)
		if (dup2(slave, fd) < 0)
			return -errno;
	return 0;
}

/* Starts `body` on a terminal without echo, as the leader of its session or as a guest. Input and
 * output of the relay are pipes. */
static struct stage set_stage_as(bool leader, int (*body)(void))
{
	struct stage stage = {.relay = {.signals = -1}};
	int in[2], out[2], slave;
	struct error err = ERROR_INIT;

	ck_assert_ptr_ne(signal(SIGPIPE, SIG_IGN), SIG_ERR);
	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	stage.relay.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_eq(unlockpt(stage.relay.master), 0);
	slave = ioctl(stage.relay.master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(slave, 0);
	no_echo(slave);
	stage.pid = process_fork(0, -1, &stage.relay.pidfd);
	ck_assert_int_ge(stage.pid, 0);
	if (stage.pid == 0) {
		int r = leader ? terminal_attach(slave, &err) : attach_as_guest(slave);

		for (int fd = 3; fd < 64; fd++)
			(void)close(fd);
		_exit(r < 0 ? 99 : body());
	}
	(void)close(slave);
	stage.relay.input = in[0];
	stage.relay.output = out[1];
	stage.input = in[1];
	stage.output = out[0];
	return stage;
}

static struct stage set_stage(int (*body)(void))
{
	return set_stage_as(true, body);
}

static void say(int fd, const char *text)
{
	ck_assert_int_eq(io_write_all(fd, text, strlen(text)), 0);
}

/* Runs the relay and gives the exit code of the child, which must have come to its end. */
static int run(struct stage *stage)
{
	struct error err = ERROR_INIT;
	int status = -1;

	ck_assert_int_eq(relay_run(&stage->relay, &err), 0);
	ck_assert(process_is_dead(stage->relay.pidfd));
	ck_assert_int_eq(process_reap(stage->relay.pidfd, &status), 0);
	return process_exit_code(status);
}

/* What the relay wrote. */
static char *heard(struct stage *stage)
{
	char *text = NULL;

	(void)close(stage->relay.output);
	ck_assert_int_eq(io_read_all(stage->output, 1 << 24, &text, NULL), 0);
	return text;
}

static void nap(long milliseconds)
{
	const struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};

	(void)nanosleep(&time, NULL);
}

/* Reads a line; 0 at the end of the input. */
static ssize_t read_line(char *line, size_t size)
{
	ssize_t n = read(STDIN_FILENO, line, size - 1);

	line[n > 0 ? n : 0] = '\0';
	return n;
}

static int answer_a_line(void)
{
	char line[64];

	if (read_line(line, sizeof(line)) <= 0 || strcmp(line, "hello\n") != 0)
		return 1;
	return dprintf(STDOUT_FILENO, "got %s", line) > 0 ? 42 : 2;
}

START_TEST(both_ways)
{
	struct stage stage = set_stage(answer_a_line);
	size_t fds;
	char *text;

	fds = suite_open_fds();
	say(stage.input, "hello\n");
	ck_assert_int_eq(run(&stage), 42);
	ck_assert_uint_eq(suite_open_fds(), fds);
	/* The caller's descriptors are as they were: shells share them. */
	ck_assert_int_eq(fcntl(stage.relay.input, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(fcntl(stage.relay.output, F_GETFL) & O_NONBLOCK, 0);
	text = heard(&stage);
	ck_assert_str_eq(text, "got hello\n");
	free(text);
}
END_TEST

/* An unfinished line, and three readers one after another that each want to see the end. */
static int read_to_the_end(void)
{
	char line[64];

	if (read_line(line, sizeof(line)) <= 0 || strcmp(line, "line\n") != 0)
		return 1;
	if (read_line(line, sizeof(line)) <= 0 || strcmp(line, "rest") != 0)
		return 2;
	for (int i = 0; i < 3; i++)
		if (read_line(line, sizeof(line)) != 0)
			return 3;
	return 0;
}

START_TEST(the_end_of_the_input)
{
	struct stage stage = set_stage(read_to_the_end);

	say(stage.input, "line\nrest");
	(void)close(stage.input);
	ck_assert_int_eq(run(&stage), 0);
}
END_TEST

/* A shell with line editing: it comes to raw mode when the end has been typed, which is lost then.
 */
static int read_in_raw_mode(void)
{
	struct termios mode;
	char byte = 0;

	/* Longer than all ends of file would take if they were typed one after another. */
	nap(2500);
	if (tcgetattr(STDIN_FILENO, &mode) < 0)
		return 1;
	cfmakeraw(&mode);
	if (tcsetattr(STDIN_FILENO, TCSANOW, &mode) < 0)
		return 2;
	while (byte != 4)
		if (read(STDIN_FILENO, &byte, 1) != 1)
			return 3;
	return 0;
}

START_TEST(the_end_of_the_input_in_raw_mode)
{
	struct stage stage = set_stage(read_in_raw_mode);

	(void)close(stage.input);
	ck_assert_int_eq(run(&stage), 0);
}
END_TEST

static int ignore_the_input(void)
{
	nap(700);
	return 0;
}

static long cpu_ms(void)
{
	struct rusage usage;

	ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

/* Neither an input at its end nor an output whose reader is gone makes it spin. */
START_TEST(waiting_costs_nothing)
{
	struct stage stage = set_stage(ignore_the_input);
	long before;

	(void)close(stage.input);
	(void)close(stage.output);
	before = cpu_ms();
	ck_assert_int_eq(run(&stage), 0);
	ck_assert_int_lt(cpu_ms() - before, 100);
}
END_TEST

enum { MANY_LINES = 30000 };

static int write_much(void)
{
	for (int i = 0; i < MANY_LINES; i++)
		if (dprintf(STDOUT_FILENO, "%07d\n", i) != 8)
			return 1;
	return 0;
}

/* Reads what comes, late and slowly, in a process of its own; its exit status says whether it was
 * all of it. */
static pid_t start_slow_reader(struct stage *stage)
{
	pid_t reader = fork();

	ck_assert_int_ge(reader, 0);
	if (reader == 0) {
		char *text = NULL;
		size_t length = 0;

		(void)close(stage->relay.output);
		nap(300);
		if (io_read_all(stage->output, 1 << 24, &text, &length) < 0 ||
		    length != (size_t)MANY_LINES * 8)
			_exit(1);
		for (long i = 0; i < MANY_LINES; i++)
			if (strtol(text + i * 8, NULL, 10) != i)
				_exit(2);
		_exit(0);
	}
	(void)close(stage->output);
	return reader;
}

START_TEST(much_output_to_a_slow_reader)
{
	struct stage stage = set_stage(write_much);
	pid_t reader = start_slow_reader(&stage);
	int status;

	ck_assert_int_eq(run(&stage), 0);
	(void)close(stage.relay.output);
	ck_assert_int_eq(waitpid(reader, &status, 0), reader);
	ck_assert_int_eq(status, 0);
}
END_TEST

static int read_much(void)
{
	unsigned int sum = 0;
	char line[4096];
	ssize_t n;

	while ((n = read(STDIN_FILENO, line, sizeof(line))) > 0)
		for (ssize_t i = 0; i < n; i++)
			sum += (unsigned char)line[i];
	return dprintf(STDOUT_FILENO, "%u", sum) > 0 ? 0 : 1;
}

START_TEST(much_input)
{
	struct stage stage = set_stage(read_much);
	pid_t writer = fork();
	char wanted[32], *text;
	int status;

	ck_assert_int_ge(writer, 0);
	if (writer == 0) {
		for (int i = 0; i < 20000; i++)
			if (write(stage.input, "0123456\n", 8) != 8)
				_exit(1);
		_exit(0);
	}
	(void)close(stage.input);
	ck_assert_int_eq(run(&stage), 0);
	ck_assert_int_eq(waitpid(writer, &status, 0), writer);
	ck_assert_int_eq(status, 0);
	(void)snprintf(wanted, sizeof(wanted), "%d", 20000 * ('0' * 7 + 21 + '\n'));
	text = heard(&stage);
	ck_assert_str_eq(text, wanted);
	free(text);
}
END_TEST

/* Leaves a process behind that keeps the terminal open and writes without end, or nothing. */
static int leave_a_grandchild(bool writes)
{
	static const char spam[1000];
	int ready[2];
	char byte;

	if (pipe(ready) < 0)
		return 1;
	if (fork() == 0) {
		(void)signal(SIGHUP, SIG_IGN);
		/* The test has blocked signals, and check ignores some: this one must end us. */
		sigset_t none;

		(void)sigemptyset(&none);
		(void)signal(SIGALRM, SIG_DFL);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		(void)alarm(20);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		while (writes && write(STDOUT_FILENO, spam, sizeof(spam)) > 0)
			;
		for (;;)
			(void)pause();
	}
	return read(ready[0], &byte, 1) == 1 && dprintf(STDOUT_FILENO, "last\n") > 0 ? 7 : 2;
}

static int leave_a_silent_one(void)
{
	return leave_a_grandchild(false);
}

static int leave_a_loud_one(void)
{
	return leave_a_grandchild(true);
}

/* Takes a block every few milliseconds. */
static pid_t start_reader_of_blocks(struct stage *stage)
{
	pid_t reader = fork();
	char block[4096];

	ck_assert_int_ge(reader, 0);
	if (reader == 0) {
		(void)close(stage->relay.output);
		while (read(stage->output, block, sizeof(block)) > 0)
			nap(5);
		_exit(0);
	}
	(void)close(stage->output);
	return reader;
}

START_TEST(grandchildren_are_not_waited_for)
{
	int64_t before = process_now();

	for (int leader = 0; leader <= 1; leader++) {
		struct stage stage = set_stage_as(leader == 1, leave_a_silent_one);
		pid_t reader;
		char *text;

		ck_assert_int_eq(run(&stage), 7);
		text = heard(&stage);
		ck_assert_str_eq(text, "last\n");
		free(text);
		/* The output is slower than it, so that the terminal is never empty. */
		stage = set_stage_as(leader == 1, leave_a_loud_one);
		reader = start_reader_of_blocks(&stage);
		ck_assert_int_eq(run(&stage), 7);
		(void)close(stage.relay.output);
		ck_assert_int_eq(waitpid(reader, NULL, 0), reader);
	}
	ck_assert_int_lt(process_now() - before, 5000);
}
END_TEST

/* Neither end is there any more, or ever was. */
static int write_and_leave(void)
{
	for (int i = 0; i < 1000; i++)
		if (write(STDOUT_FILENO, "0123456789012345678901234567890123456789", 40) != 40)
			return 1;
	return 5;
}

START_TEST(output_that_is_gone)
{
	struct stage stage = set_stage(write_and_leave);

	(void)close(stage.output);
	ck_assert_int_eq(run(&stage), 5);
	stage = set_stage(write_and_leave);
	stage.relay.output = stage.relay.input = -1;
	ck_assert_int_eq(run(&stage), 5);
}
END_TEST

/* The process closes its terminal and opens it again later, as init systems do. */
static int close_and_open(void)
{
	char name[64];
	int fd;

	if (ttyname_r(0, name, sizeof(name)) != 0)
		return 1;
	for (fd = 0; fd <= 2; fd++)
		(void)close(fd);
	nap(300);
	fd = open(name, O_RDWR | O_NOCTTY);
	if (fd < 0)
		return 2;
	return dprintf(fd, "again\n") > 0 ? 0 : 3;
}

START_TEST(terminal_that_is_closed_and_opened)
{
	struct stage stage = set_stage(close_and_open);
	char *text;

	ck_assert_int_eq(run(&stage), 0);
	text = heard(&stage);
	ck_assert_str_eq(text, "again\n");
	free(text);
}
END_TEST

struct noted {
	int signals[8];
	size_t count;
	pid_t child;
};

static void note_signal(void *data, int signal)
{
	struct noted *noted = data;

	noted->signals[noted->count++ % 8] = signal;
	/* The runtime passes signals on. */
	if (signal == SIGUSR1)
		(void)kill(noted->child, SIGKILL);
}

static int open_signals(void)
{
	sigset_t set;

	ck_assert_int_eq(sigemptyset(&set), 0);
	ck_assert_int_eq(sigaddset(&set, SIGUSR1), 0);
	ck_assert_int_eq(sigaddset(&set, SIGWINCH), 0);
	ck_assert_int_eq(sigaddset(&set, SIGHUP), 0);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int write_for_ever(void)
{
	while (write(STDOUT_FILENO, "0123456789012345678901234567890123456789", 40) > 0)
		;
	return 1;
}

static void check_signals(struct stage *stage)
{
	struct noted noted = {.child = stage->pid};
	pid_t test = getpid(), helper;

	stage->relay.on_signal = note_signal;
	stage->relay.data = &noted;
	helper = fork();
	ck_assert_int_ge(helper, 0);
	if (helper == 0) {
		nap(200);
		(void)kill(test, SIGWINCH);
		nap(200);
		(void)kill(test, SIGUSR1);
		nap(200);
		(void)kill(test, SIGHUP);
		_exit(0);
	}
	ck_assert_int_eq(run(stage), 128 + SIGKILL);
	ck_assert_uint_eq(noted.count, 3);
	ck_assert_int_eq(noted.signals[0], SIGWINCH);
	ck_assert_int_eq(noted.signals[1], SIGUSR1);
	ck_assert_int_eq(noted.signals[2], SIGHUP);
	(void)waitpid(helper, NULL, 0);
}

/* The output takes nothing any more, and still signals come through; at the end one of them says
 * not to wait for the output. */
START_TEST(signals_though_the_output_is_blocked)
{
	int signals = open_signals(), ends[2], master;
	struct stage stage;

	/* A pipe, ... */
	stage = set_stage(write_for_ever);
	stage.relay.signals = signals;
	check_signals(&stage);
	/* ... a socket, ... */
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	stage = set_stage(write_for_ever);
	stage.relay.signals = signals;
	stage.relay.output = ends[0];
	check_signals(&stage);
	/* ... a terminal. */
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_eq(unlockpt(master), 0);
	stage = set_stage(write_for_ever);
	stage.relay.signals = signals;
	stage.relay.output = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(stage.relay.output, 0);
	no_echo(stage.relay.output);
	say(stage.relay.output, "so that blocks do not fit exactly");
	check_signals(&stage);
	ck_assert_int_eq(fcntl(stage.relay.output, F_GETFL) & O_NONBLOCK, 0);
}
END_TEST

/* Input and output are one socket, as of a program that serves terminals. */
START_TEST(sockets)
{
	struct stage stage = set_stage(answer_a_line);
	char answer[32] = "";
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	stage.relay.input = stage.relay.output = ends[1];
	say(ends[0], "hello\n");
	ck_assert_int_eq(run(&stage), 42);
	ck_assert_int_eq(read(ends[0], answer, sizeof(answer) - 1), 10);
	ck_assert_str_eq(answer, "got hello\n");
	/* And one whose other end is gone. */
	stage = set_stage(write_and_leave);
	stage.relay.output = ends[1];
	(void)close(ends[0]);
	ck_assert_int_eq(run(&stage), 5);
}
END_TEST

START_TEST(a_master_that_is_none)
{
	struct relay relay = {.input = -1, .output = -1, .master = -1, .pidfd = -1, .signals = -1};
	struct error err = ERROR_INIT;

	ck_assert_int_eq(relay_run(&relay, &err), -EBADF);
	ck_assert_error(&err, EBADF, "", "relay the terminal: Bad file descriptor (EBADF)", "");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		both_ways,
		the_end_of_the_input,
		the_end_of_the_input_in_raw_mode,
		waiting_costs_nothing,
		much_output_to_a_slow_reader,
		much_input,
		grandchildren_are_not_waited_for,
		output_that_is_gone,
		terminal_that_is_closed_and_opened,
		signals_though_the_output_is_blocked,
		sockets,
		a_master_that_is_none,
	};

	return suite_run("relay", tests, suite_count(tests));
}
