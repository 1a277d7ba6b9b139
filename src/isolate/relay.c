/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop of a foreground terminal.
 *
 * Three things make it less simple than two copies:
 *
 * The caller's input and output are shared with its shell, so O_NONBLOCK on them would outlive us
 * and break the shell. Terminals and pipes are opened a second time instead, which gives a
 * descriptor with a mode of its own; where that cannot be, no more is written at once than poll(2)
 * promised.
 *
 * A master reports a hang-up for ever while nobody has the slave open, and a container may close
 * and open its terminal as it likes (systemd does). So the loop keeps the slave open itself while
 * the process lives. vhangup(2) cuts that off too; then it is opened again, at most once a tick.
 *
 * A pipe at its end says so on every read, a terminal only when somebody types VEOF, once for one
 * read, and a change of its mode turns a pending VEOF into a plain byte. So it is typed again when
 * it has been taken and the process still lives.
 */
#include "isolate/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "kernel/process.h"

/* The second look at a terminal that hung up, or at whether VEOF was taken. */
#define RELAY_TICK_MS 100
/* As many ends of file as a process may swallow before we stop telling it. */
#define RELAY_EOF_MAX 16
/* A pty holds less than that (some 20 KiB), so what is behind it was written by somebody who
 * outlived the process. */
#define RELAY_DRAIN_MAX 65536
/* PIPE_BUF: a pipe that poll(2) calls writable takes so much without blocking. */
#define RELAY_BUFFER_SIZE 4096

/* Bytes on their way: data[start .. end) is to be written. */
struct relay_buffer {
	size_t start, end;
	char data[RELAY_BUFFER_SIZE];
};

struct relay_state {
	const struct relay *relay;
	int input, output, slave; /* ours; -EBADF when closed or done with */
	bool hung_up;		  /* the master has nothing until the slave is open again */
	bool socket;		  /* the output is one */
	bool dead;		  /* the process is */
	bool finished;		  /* nothing more will come from the master */
	bool stop;		  /* a signal says not to wait for the output */
	unsigned int eofs_left;	  /* VEOF still to be typed after the end of the input */
	size_t drained;		  /* bytes read from the master since the death */
	struct relay_buffer in, out;
};

enum {
	RELAY_INPUT,
	RELAY_OUTPUT,
	RELAY_MASTER,
	RELAY_PIDFD,
	RELAY_SIGNALS,
	RELAY_COUNT,
};

/* A descriptor of the same terminal or pipe that does not block, or a duplicate of what does not
 * block anyway (files) or cannot be opened again. */
static int relay_reopen(int fd, int flags)
{
	char path[64];
	struct stat st;
	int copy = -1;

	if (fd < 0)
		return -EBADF;
	if (fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || isatty(fd))) {
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		copy = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	}
	if (copy < 0)
		copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return copy < 0 ? -EBADF : copy;
}

static bool relay_is_socket(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

static int relay_open_slave(const struct relay *relay)
{
	int fd = ioctl(relay->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);

	return fd < 0 ? -EBADF : fd;
}

static bool relay_is_empty(const struct relay_buffer *buffer)
{
	return buffer->start == buffer->end;
}

/* Reads into an empty buffer. Returns bytes, 0 at the end, -EAGAIN or another negative errno. */
static ssize_t relay_fill(int fd, struct relay_buffer *buffer)
{
	ssize_t n;

	do
		n = read(fd, buffer->data, sizeof(buffer->data));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	buffer->start = 0;
	buffer->end = (size_t)n;
	return n;
}

/* Writes what it takes now. Returns 0 (perhaps not all written) or a negative errno. */
static int relay_flush(int fd, bool socket, struct relay_buffer *buffer)
{
	size_t length = buffer->end - buffer->start;
	const char *at = buffer->data + buffer->start;
	ssize_t n;

	n = socket ? send(fd, at, length, MSG_DONTWAIT | MSG_NOSIGNAL) : write(fd, at, length);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	buffer->start += (size_t)n;
	if (relay_is_empty(buffer))
		buffer->start = buffer->end = 0;
	return 0;
}

/* The master has nobody at its other end. */
static void relay_hang_up(struct relay_state *state)
{
	state->finished = state->dead;
	state->hung_up = true;
	state->slave = fd_close(state->slave);
}

static void relay_read_master(struct relay_state *state)
{
	ssize_t n = relay_fill(state->relay->master, &state->out);

	if (n > 0) {
		if (state->dead)
			state->drained += (size_t)n;
		if (state->output < 0)
			state->out.start = state->out.end = 0;
		if (state->drained >= RELAY_DRAIN_MAX)
			state->finished = true;
	} else if (n == -EAGAIN) {
		/* The kernel has passed on all that was written before it says so (n_tty_read). */
		state->finished = state->dead;
	} else {
		relay_hang_up(state);
	}
}

static void relay_write_master(struct relay_state *state)
{
	if (relay_flush(state->relay->master, false, &state->in) < 0)
		state->in.start = state->in.end = 0;
}

static void relay_write_output(struct relay_state *state)
{
	if (relay_flush(state->output, state->socket, &state->out) == 0)
		return;
	state->output = fd_close(state->output);
	state->out.start = state->out.end = 0;
}

static void relay_read_signals(struct relay_state *state)
{
	struct signalfd_siginfo infos[8];
	ssize_t n = read(state->relay->signals, infos, sizeof(infos));

	for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(infos[0]); i++) {
		int number = (int)infos[i].ssi_signo;

		state->relay->on_signal(state->relay->data, number);
		if (number == SIGHUP || number == SIGINT || number == SIGQUIT || number == SIGTERM)
			state->stop = state->dead;
	}
}

static bool relay_can_type_eof(const struct relay_state *state)
{
	return state->eofs_left > 0 && !state->hung_up && relay_is_empty(&state->in);
}

/* Types VEOF when the slave's reader has taken everything. */
static void relay_type_eof(struct relay_state *state)
{
	struct pollfd pending = {.fd = state->slave, .events = POLLIN};
	struct termios mode;

	if (poll(&pending, 1, 0) > 0)
		return;
	/* The master gives the slave's mode. */
	if (tcgetattr(state->relay->master, &mode) < 0) {
		state->eofs_left = 0;
		return;
	}
	/* Without ICANON the character has no meaning to the kernel; ^D is what a person would
	 * type. */
	state->in.data[0] = mode.c_lflag & ICANON ? (char)mode.c_cc[VEOF] : '\004';
	state->in.start = 0;
	state->in.end = 1;
	state->eofs_left--;
}

static void relay_read_input(struct relay_state *state)
{
	ssize_t n = relay_fill(state->input, &state->in);

	if (n > 0 || n == -EAGAIN)
		return;
	state->input = fd_close(state->input);
	state->eofs_left = RELAY_EOF_MAX;
	if (relay_can_type_eof(state))
		relay_type_eof(state);
}

/* What only time can tell. */
static void relay_tick(struct relay_state *state)
{
	if (state->hung_up) {
		state->slave = relay_open_slave(state->relay);
		state->hung_up = false;
	}
	if (relay_can_type_eof(state))
		relay_type_eof(state);
}

/* What to wait for; a descriptor of -1 is skipped by poll(2). */
static void relay_prepare(const struct relay_state *state, struct pollfd fds[RELAY_COUNT])
{
	bool read_input = state->input >= 0 && relay_is_empty(&state->in);
	bool write_output = state->output >= 0 && !relay_is_empty(&state->out);
	short master = 0;

	if (relay_is_empty(&state->out))
		master |= POLLIN;
	if (!relay_is_empty(&state->in))
		master |= POLLOUT;
	fds[RELAY_INPUT] = (struct pollfd){read_input ? state->input : -1, POLLIN, 0};
	fds[RELAY_OUTPUT] = (struct pollfd){write_output ? state->output : -1, POLLOUT, 0};
	fds[RELAY_MASTER] =
		(struct pollfd){master && !state->hung_up ? state->relay->master : -1, master, 0};
	fds[RELAY_PIDFD] = (struct pollfd){state->relay->pidfd, POLLIN, 0};
	fds[RELAY_SIGNALS] = (struct pollfd){state->relay->signals, POLLIN, 0};
}

/* Waits for one thing to do and does it. Returns 0 or a negative errno. */
static int relay_step(struct relay_state *state)
{
	struct pollfd fds[RELAY_COUNT];
	bool tick = state->hung_up || relay_can_type_eof(state);
	int r;

	relay_prepare(state, fds);
	r = poll(fds, RELAY_COUNT, tick ? RELAY_TICK_MS : -1);
	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	if (fds[RELAY_SIGNALS].revents)
		relay_read_signals(state);
	if (fds[RELAY_OUTPUT].revents)
		relay_write_output(state);
	/* A master that hung up is never writable again: the write that fails empties the buffer.
	 */
	if (fds[RELAY_MASTER].revents & ~POLLIN && !relay_is_empty(&state->in))
		relay_write_master(state);
	if (fds[RELAY_MASTER].revents & ~POLLOUT && relay_is_empty(&state->out))
		relay_read_master(state);
	if (fds[RELAY_INPUT].revents)
		relay_read_input(state);
	if (fds[RELAY_PIDFD].revents)
		state->dead = true;
	if (r == 0)
		relay_tick(state);
	return 0;
}

/* The process is dead: what the terminal holds is passed on. Nothing is waited for but the output.
 */
static int relay_drain(struct relay_state *state)
{
	/* From now on a hang-up means that all has been read. */
	state->slave = fd_close(state->slave);
	while (!state->stop) {
		struct pollfd fds[2] = {{state->output, POLLOUT, 0},
					{state->relay->signals, POLLIN, 0}};

		if (state->output < 0)
			return 0;
		if (relay_is_empty(&state->out)) {
			if (state->finished)
				return 0;
			relay_read_master(state);
			continue;
		}
		if (poll(fds, array_size(fds), -1) < 0 && errno != EINTR)
			return -errno;
		if (fds[1].revents)
			relay_read_signals(state);
		if (fds[0].revents)
			relay_write_output(state);
	}
	return 0;
}

int relay_run(const struct relay *relay, struct error *err)
{
	struct relay_state state = {
		.relay = relay,
		.input = relay_reopen(relay->input, O_RDONLY),
		.output = relay_reopen(relay->output, O_WRONLY),
		.slave = relay_open_slave(relay),
		.socket = relay_is_socket(relay->output),
	};
	int r = 0, flags = fcntl(relay->master, F_GETFL);

	if (flags < 0 || fcntl(relay->master, F_SETFL, flags | O_NONBLOCK) < 0)
		r = -errno;
	while (r == 0 && !state.dead)
		r = relay_step(&state);
	if (r == 0)
		r = relay_drain(&state);
	(void)fd_close(state.input);
	(void)fd_close(state.output);
	(void)fd_close(state.slave);
	return r < 0 ? error_errno(err, -r, "relay the terminal") : 0;
}
