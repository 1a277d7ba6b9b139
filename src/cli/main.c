/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/cli.h"
#include "cli/suggestion.h"
#include "kernel/seal.h"

static const struct command *main_find_command(const char *name)
{
	for (size_t i = 0; cli_commands[i]; i++)
		if (strcmp(cli_commands[i]->name, name) == 0)
			return cli_commands[i];
	return NULL;
}

/* What may have been meant, or what lists all there is. */
static int main_unknown_command(const char *name, struct error *err)
{
	struct suggestion suggestion = SUGGESTION_INIT(name);

	error_set(err, EINVAL, "unknown command \"%s\"", name);
	for (size_t i = 0; cli_commands[i]; i++)
		suggestion_consider(&suggestion, cli_commands[i]->name);
	if (suggestion.best)
		return error_hint(err, "did you mean %s?", suggestion.best);
	return error_hint(err, "`knarr help` lists the commands");
}

static int main_print_help(const struct command *command, struct error *err)
{
	auto_text struct text text = {0};

	if (command)
		help_command(command, &text);
	else
		help_globals(&text);
	return cli_print(&text, err);
}

/* "knarr help", "knarr help COMMAND". */
static int main_help(char **arguments, int count, struct error *err)
{
	const struct command *command = NULL;

	if (count > 1) {
		command = main_find_command(arguments[1]);
		if (!command)
			return main_unknown_command(arguments[1], err);
	}
	return main_print_help(command, err);
}

static int main_check_count(const struct command *command, int count, struct error *err)
{
	if (count < command->minimum)
		error_set(err, EINVAL, "%s: %s", command->name,
			  count == 0 ? "an argument is missing" : "more arguments are needed");
	else if (count > command->maximum)
		error_set(err, EINVAL, "%s: too many arguments", command->name);
	else
		return 0;
	return cli_hint_usage(command, err);
}

/* The command's own options, and then the command. */
static int main_run_command(struct cli *cli, char **arguments, int count, int *ret_status,
			    struct error *err)
{
	struct command_common *options = cli_keep(cli, calloc(1, cli->command->options_size));
	struct options_input input = {
		.argv = arguments,
		.argc = count,
		.index = 1,
		.in_order = cli->command->in_order,
	};
	int r;

	if (!options)
		return error_errno(err, ENOMEM, "start");
	r = options_parse(&cli->command->options, &input, options, cli->arguments,
			  &cli->argument_count, err);
	if (r < 0) {
		error_hint(err, "`knarr %s --help` tells what it takes", cli->command->name);
		return error_wrap(err, "%s", cli->command->name);
	}
	if (options->help)
		return main_print_help(cli->command, err);
	r = main_check_count(cli->command, cli->argument_count, err);
	if (r < 0)
		return r;
	cli->options = options;
	return cli->command->run(cli, ret_status, err);
}

/* Go's booleans, or auto. What it switches is decided by what the caller may do (cgroup/handle.c).
 */
static int main_check_rootless(const char *value, struct error *err)
{
	static const char *const words[] = {"auto", "1", "t", "T",     "true",	"TRUE", "True",
					    "0",    "f", "F", "false", "FALSE", "False"};

	if (!value)
		return 0;
	for (size_t i = 0; i < array_size(words); i++)
		if (strcmp(value, words[i]) == 0)
			return 0;
	return error_set(err, EINVAL,
			 "invalid value \"%s\" for flag --rootless: not one of true, false, "
			 "auto",
			 value);
}

static int main_dispatch(struct cli *cli, int *ret_status, struct error *err)
{
	struct options_input input = {
		.argv = cli->argv,
		.argc = cli->argc,
		.index = 1,
		.in_order = true,
	};
	struct error unheard = ERROR_INIT;
	enum cgroup_manager manager;
	char **rest;
	int count, r;

	rest = cli_keep(cli, calloc((size_t)cli->argc + 1, sizeof(*rest)));
	cli->arguments = cli_keep(cli, calloc((size_t)cli->argc + 1, sizeof(*cli->arguments)));
	if (!rest || !cli->arguments)
		return error_errno(err, ENOMEM, "start");
	r = options_parse(&cli_global_options, &input, &cli->globals, rest, &count, err);
	if (r < 0) {
		/* The log that is named before it gets to know. */
		(void)output_open(cli, &unheard);
		return error_hint(err, "options of a command go behind its name; `knarr help` "
				       "lists the others");
	}
	if (cli->globals.version) {
		auto_text struct text text = {0};

		help_version(&text);
		return cli_print(&text, err);
	}
	r = output_open(cli, err);
	if (r == 0)
		r = main_check_rootless(cli->globals.rootless, err);
	if (r == 0)
		r = cli_cgroup_manager(cli, &manager, err);
	if (r < 0)
		return r;
	if (count == 0 || cli->globals.help)
		return main_help(rest, 0, err);
	if (strcmp(rest[0], "help") == 0)
		return main_help(rest, count, err);
	cli->command = main_find_command(rest[0]);
	if (!cli->command)
		return main_unknown_command(rest[0], err);
	/* Before anything is opened that would have to survive the exec. */
	if (cli->command->enters) {
		r = seal_self(cli->argv, &cli->seal_mount, err);
		if (r < 0)
			return r;
	}
	return main_run_command(cli, rest, count, ret_status, err);
}

/*
 * Without the bits that would keep us from our own files: privileges go over them, and an ordinary
 * user's knarr could not read its state again. The others are the caller's, for what he is given
 * (the pid file, images, the log) and for hooks.
 */
static void main_keep_own_bits(void)
{
	const mode_t usual = 0022;
	mode_t mask = umask(usual);

	if (mask != usual)
		(void)umask(mask & ~(mode_t)S_IRWXU);
}

/* Grow the heap in steps that fit a configuration, not page by page. Not every C library can. */
#ifdef M_TOP_PAD
static void main_prepare_heap(void)
{
	(void)mallopt(M_TOP_PAD, 256 << 10);
}
#else
static void main_prepare_heap(void)
{
}
#endif

int main(int argc, char **argv)
{
	struct cli_memory memory = {.count = 0};
	struct cli cli = {.argv = argv,
			  .argc = argc,
			  .log_fd = -EBADF,
			  .seal_mount = -EBADF,
			  .memory = &memory};
	struct error err = ERROR_INIT;
	int status = 0, r;

	main_prepare_heap();
	/* A reader that is gone is an error to report, not a reason to die. */
	(void)signal(SIGPIPE, SIG_IGN);
	/* So is a file that may not grow (RLIMIT_FSIZE). */
	(void)signal(SIGXFSZ, SIG_IGN);
	/* A parent that ignores SIGCHLD would have our children reaped behind our back. */
	(void)signal(SIGCHLD, SIG_DFL);
	main_keep_own_bits();
	r = fd_fill_stdio();
	if (r < 0)
		error_errno(&err, -r, "open /dev/null");
	(void)prctl(PR_SET_NAME, "knarr", 0, 0, 0);
	if (r == 0)
		r = main_dispatch(&cli, &status, &err);
	if (r < 0) {
		output_error(&cli, &err);
		status = cli.command && cli.command->failure ? cli.command->failure : EXIT_FAILURE;
	}
	while (memory.count > 0)
		free(memory.items[--memory.count]);
	fd_close(cli.log_fd);
	return status;
}
