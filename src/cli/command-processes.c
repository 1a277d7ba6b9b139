/* SPDX-License-Identifier: Apache-2.0 */
/* pause, resume, ps: the commands about all processes of a container. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "cli/cli.h"
#include "container/pause.h"
#include "kernel/program.h"

/* What ps(1) may print, and how long it may take, milliseconds. */
#define PS_OUTPUT_MAX (64u << 20)
#define PS_TIMEOUT    30000

struct options_processes {
	struct command_common common;
	const char *format;
};

static const struct option pause_options[] = {
	OPTION_HELP,
};
static const struct option ps_options[] = {
	OPTION(options_processes, format, "format", 'f', "FORMAT", "table (the default) or json"),
	OPTION_HELP,
};

/* ---- pause, resume ---- */

static int pause_set(const struct cli *cli, bool pause, struct error *err)
{
	auto_store struct store store = STORE_INIT;
	int r = cli_open_store(cli, false, &store, err);

	if (r < 0)
		return r;
	return container_pause(&store, cli->arguments[0], pause, err);
}

static int pause_run(const struct cli *cli, int *ret_status, struct error *err)
{
	(void)ret_status;
	return pause_set(cli, true, err);
}

static int resume_run(const struct cli *cli, int *ret_status, struct error *err)
{
	(void)ret_status;
	return pause_set(cli, false, err);
}

/* ---- ps ---- */

static void ps_json(const pid_t *pids, size_t count, struct text *text)
{
	text_append(text, "[");
	for (size_t i = 0; i < count; i++)
		text_format(text, "%s%d", i ? "," : "", (int)pids[i]);
	text_append(text, "]\n");
}

/* ps(1) with the caller's words, or -ef. */
static int ps_read(const struct cli *cli, struct program_result *ret_result, struct error *err)
{
	auto_free char **arguments = calloc((size_t)cli->argument_count + 2, sizeof(*arguments));
	struct program program = {.name = "ps",
				  .arguments = arguments,
				  .environment = environ,
				  .output = PROGRAM_CAPTURE,
				  .errors = PROGRAM_KEEP};
	char path[64];
	int count = 0, r;

	if (!arguments)
		return error_errno(err, ENOMEM, "run ps");
	arguments[count++] = (char *)(uintptr_t) "ps";
	for (int i = 1; i < cli->argument_count; i++)
		arguments[count++] = cli->arguments[i];
	if (count == 1)
		arguments[count++] = (char *)(uintptr_t) "-ef";
	if (program_find("ps", path, sizeof(path)) < 0) {
		error_set(err, ENOENT, "ps(1) is not there");
		return error_hint(err, "install the package procps; --format json needs none");
	}
	program.path = path;
	r = program_run(&program, PS_TIMEOUT, PS_OUTPUT_MAX, ret_result, err);
	if (r < 0)
		return r;
	return program_judge(&program, ret_result, err);
}

/* Which word of the heading is PID; -1: none. */
static int ps_column(const char *heading)
{
	int column = 0;

	for (const char *at = heading; *at && *at != '\n'; column++) {
		size_t length;

		at += strspn(at, " ");
		length = strcspn(at, " \n");
		if (length == 3 && memcmp(at, "PID", 3) == 0)
			return column;
		at += length;
	}
	return -1;
}

static bool ps_line_is_ours(const char *line, int column, const pid_t *pids, size_t count)
{
	char number[16];
	uint32_t pid;
	size_t length;

	line += strspn(line, " ");
	while (column-- > 0) {
		line += strcspn(line, " \n");
		line += strspn(line, " ");
	}
	length = strcspn(line, " \n");
	if (length >= sizeof(number))
		return false;
	memcpy(number, line, length);
	number[length] = '\0';
	if (text_parse_u32(number, &pid) < 0)
		return false;
	for (size_t i = 0; i < count; i++)
		if ((uint32_t)pids[i] == pid)
			return true;
	return false;
}

/* The heading, and the lines of the container's processes. */
static int ps_table(const struct cli *cli, const pid_t *pids, size_t count, struct text *text,
		    struct error *err)
{
	auto_program_result struct program_result result = {0};
	int column, r = ps_read(cli, &result, err);
	const char *output = result.output;

	if (r < 0)
		return r;
	if (result.cut)
		return error_set(err, EFBIG, "ps says more than %u MiB", PS_OUTPUT_MAX >> 20);
	column = ps_column(output);
	if (column < 0)
		return error_set(err, EINVAL, "ps prints no column PID");
	for (const char *line = output; *line;) {
		size_t length = strcspn(line, "\n");

		if (line == output || ps_line_is_ours(line, column, pids, count)) {
			text_append_bytes(text, line, length);
			text_append(text, "\n");
		}
		line += length + (line[length] == '\n');
	}
	return 0;
}

static int ps_run(const struct cli *cli, int *ret_status, struct error *err)
{
	const struct options_processes *options = cli->options;
	bool json = options->format && strcmp(options->format, "json") == 0;
	auto_text struct text text = {0};
	auto_free pid_t *pids = NULL;
	auto_store struct store store = STORE_INIT;
	size_t count = 0;
	int r;

	(void)ret_status;
	if (options->format && !json && strcmp(options->format, "table") != 0)
		return error_set(err, EINVAL,
				 "invalid value \"%s\" for flag --format: neither table nor json",
				 options->format);
	r = cli_open_store(cli, false, &store, err);
	if (r < 0)
		return r;
	r = container_processes(&store, cli->arguments[0], &pids, &count, err);
	if (r < 0)
		return r;
	if (json)
		ps_json(pids, count, &text);
	else
		r = ps_table(cli, pids, count, &text, err);
	return r < 0 ? r : cli_print(&text, err);
}

const struct command command_pause = {
	.name = "pause",
	.arguments = "ID",
	.summary = "stop all processes of a container until `resume`",
	.options = {pause_options, array_size(pause_options)},
	.options_size = sizeof(struct options_processes),
	.minimum = 1,
	.maximum = 1,
	.run = pause_run,
};

const struct command command_resume = {
	.name = "resume",
	.arguments = "ID",
	.summary = "let the processes of a paused container go on",
	.options = {pause_options, array_size(pause_options)},
	.options_size = sizeof(struct options_processes),
	.minimum = 1,
	.maximum = 1,
	.run = resume_run,
};

const struct command command_ps = {
	.name = "ps",
	.arguments = "ID [PS-OPTION ...]",
	.summary = "show the processes of a container",
	.details = "The table is ps(1)'s, with its options (default: -ef), cut down to the "
		   "container. As JSON it is\n"
		   "an array of process ids.",
	.options = {ps_options, array_size(ps_options)},
	.options_size = sizeof(struct options_processes),
	.minimum = 1,
	.maximum = 65536,
	.in_order = true,
	.run = ps_run,
};
