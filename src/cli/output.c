/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors and messages: to stderr for people, and to --log for engines.
 *
 * An error goes to both when there is a log: containerd's shim reads the last error of the log,
 * podman wants exactly one JSON object there, conmon and CRI-O read stderr. So the log gets nothing
 * below an error unless a level was asked for. One write(2) a line: several commands append to one
 * file. Without a log --log-format=json is for stderr, as with runc and crun.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "cli/cli.h"
#include "kernel/channel.h"
#include "kernel/process.h"

/* How long a reader that does not read is waited for, milliseconds. */
#define OUTPUT_PATIENCE 5000

static const char *const output_levels[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

/* syslog(3)'s severities. */
static const int output_priorities[] = {
	[LOG_LEVEL_ERROR] = 3,
	[LOG_LEVEL_WARNING] = 4,
	[LOG_LEVEL_INFO] = 6,
	[LOG_LEVEL_DEBUG] = 7,
};

static void output_format_file(const struct cli *cli, enum log_level level, const char *message,
			       struct text *line)
{
	char now[TIMESTAMP_SIZE];

	timestamp_now(now);
	if (cli->log_json) {
		text_format(line, "{\"level\":\"%s\",\"msg\":", output_levels[level]);
		text_append_json(line, message);
		text_format(line, ",\"time\":\"%s\"}\n", now);
	} else {
		text_format(line, "time=\"%s\" level=%s msg=", now, output_levels[level]);
		text_append_json(line, message);
		text_append(line, "\n");
	}
}

/*
 * Whoever should read it may not: a full pipe. Then the line is lost, and all that follow, rather
 * than that the command waits for ever, perhaps with the container's lock.
 */
static void output_write(int fd, const struct text *line, bool *stuck)
{
	int64_t deadline = process_now() + OUTPUT_PATIENCE;
	size_t piece = line->length;
	struct stat st;

	/* What fits in a page of a pipe does not block when there is room for anything (pipe(7)).
	 */
	if (piece > PIPE_BUF && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
		piece = PIPE_BUF;
	for (size_t at = 0; at < line->length && !*stuck; at += piece) {
		if (piece > line->length - at)
			piece = line->length - at;
		*stuck = process_wait_writable(fd, deadline) < 0 ||
			 io_write_all(fd, line->data + at, piece) < 0;
	}
}

static void output_log_line(const struct cli *cli, enum log_level level, const char *message,
			    bool *stuck)
{
	auto_text struct text line = {0};

	switch (cli->log_kind) {
	case CLI_LOG_FILE:
		output_format_file(cli, level, message, &line);
		break;
	case CLI_LOG_SYSLOG: /* RFC 3164 as libc sends it locally; facility user */
		text_format(&line, "<%d>%s[%d]: %s", 1 << 3 | output_priorities[level],
			    cli->log_identifier, (int)getpid(), message);
		break;
	case CLI_LOG_JOURNALD: /* systemd's native protocol: a message has one line here */
		text_format(&line, "PRIORITY=%d\nSYSLOG_IDENTIFIER=%s\nMESSAGE=%s\n",
			    output_priorities[level], cli->log_identifier, message);
		break;
	}
	if (!line.failed)
		output_write(cli->log_fd, &line, stuck);
}

static void output_stderr_line(const struct cli *cli, enum log_level level, const char *message,
			       bool *stuck)
{
	static const char *const prefixes[] = {
		[LOG_LEVEL_ERROR] = "",
		[LOG_LEVEL_WARNING] = "warning: ",
		[LOG_LEVEL_INFO] = "",
		[LOG_LEVEL_DEBUG] = "debug: ",
	};
	auto_text struct text line = {0};

	if (cli->log_json && cli->log_fd < 0)
		output_format_file(cli, level, message, &line);
	else
		text_format(&line, "knarr: %s%s\n", prefixes[level], message);
	if (!line.failed)
		output_write(STDERR_FILENO, &line, stuck);
}

static void output_sink(void *data, enum log_level level, const char *message)
{
	struct cli *cli = data;

	if (cli->log_fd >= 0)
		output_log_line(cli, level, message, &cli->log_stuck);
	else
		output_stderr_line(cli, level, message, &cli->log_stuck);
}

static int output_level(const struct cli *cli, enum log_level *ret_level, struct error *err)
{
	const char *name = cli->globals.log_level;

	*ret_level = cli->globals.log ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING;
	if (cli->globals.debug)
		*ret_level = LOG_LEVEL_DEBUG;
	if (!name)
		return 0;
	for (unsigned int i = 0; i < sizeof(output_levels) / sizeof(output_levels[0]); i++) {
		if (strcmp(name, output_levels[i]) == 0) {
			*ret_level = (enum log_level)i;
			return 0;
		}
	}
	return error_set(err, EINVAL,
			 "invalid value \"%s\" for flag --log-level: not one of error, "
			 "warning, info, debug",
			 name);
}

static int output_open_socket(struct cli *cli, const char *path, struct error *err)
{
	cli->log_fd = channel_connect(path, SOCK_DGRAM);
	if (cli->log_fd >= 0)
		return 0;
	error_errno(err, -cli->log_fd, "open log %s: connect to %s", cli->globals.log, path);
	cli->log_fd = -EBADF;
	return -err->number;
}

/* "FILE", "file:FILE", "syslog:IDENTIFIER", "journald:IDENTIFIER": as crun has it. */
static int output_open_log(struct cli *cli, struct error *err)
{
	const char *log = cli->globals.log;

	if (text_starts_with(log, "syslog:")) {
		cli->log_kind = CLI_LOG_SYSLOG;
		cli->log_identifier = log + strlen("syslog:");
		return output_open_socket(cli, "/dev/log", err);
	}
	if (text_starts_with(log, "journald:")) {
		cli->log_kind = CLI_LOG_JOURNALD;
		cli->log_identifier = log + strlen("journald:");
		return output_open_socket(cli, "/run/systemd/journal/socket", err);
	}
	if (text_starts_with(log, "file:"))
		log += strlen("file:");
	/* Never truncated: all commands on a container share it. A FIFO that nobody reads is an
	 * error, for waiting there would have no end. */
	cli->log_fd =
		open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
	return cli->log_fd < 0 ? error_errno(err, errno, "open log %s", log) : 0;
}

int output_open(struct cli *cli, struct error *err)
{
	const char *format = cli->globals.log_format;
	enum log_level level;
	int r;

	/* First of all: what is wrong with the other flags is for the log as well. */
	if (cli->globals.log && cli->globals.log[0] != '\0') {
		r = output_open_log(cli, err);
		if (r < 0)
			return r;
	}
	cli->log_json = format && strcmp(format, "json") == 0;
	if (format && !cli->log_json && strcmp(format, "text") != 0 && format[0] != '\0')
		return error_set(err, EINVAL,
				 "invalid value \"%s\" for flag --log-format: neither text "
				 "nor json",
				 format);
	r = output_level(cli, &level, err);
	if (r < 0)
		return r;
	log_set_sink(output_sink, cli, level);
	return 0;
}

void output_error(const struct cli *cli, const struct error *err)
{
	char message[sizeof(err->message) + sizeof(err->field) + sizeof(err->hint) + 16];
	bool log_stuck = cli->log_stuck, stderr_stuck = cli->log_fd < 0 && cli->log_stuck;

	(void)snprintf(message, sizeof(message), "%s%s%s%s%s%s", err->field,
		       err->field[0] ? ": " : "", err->message, err->hint[0] ? " (" : "", err->hint,
		       err->hint[0] ? ")" : "");
	/* The words may be those of a process that is in a container. */
	text_make_line(message);
	if (cli->log_fd >= 0)
		output_log_line(cli, LOG_LEVEL_ERROR, message, &log_stuck);
	output_stderr_line(cli, LOG_LEVEL_ERROR, message, &stderr_stuck);
}
