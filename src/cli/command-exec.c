/* SPDX-License-Identifier: Apache-2.0 */
/* exec: one more process in a container. */
#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "cli/cli.h"
#include "container/exec.h"

/* What runc gives for every failure of its own; engines tell it from 1, which a program may give.
 */
#define EXEC_FAILURE 255

struct options_exec {
	struct command_common common;
	struct exec_request request;
	bool no_subreaper; /* accepted; there is nothing to do about it */
};

static const struct option exec_options[] = {
	OPTION(options_exec, request.additional_gids, "additional-gids", 'g', "GID",
	       "a further group of the process; can be given several times"),
	OPTION_AS(OPTION_FILLED, options_exec, request.apparmor, "apparmor", 0, "PROFILE",
		  "its AppArmor profile"),
	OPTION(options_exec, request.capabilities, "cap", 'c', "CAPABILITY",
	       "a capability that it gets, too; can be given several times"),
	OPTION(options_exec, request.cgroups, "cgroup", 0, "[CONTROLLER[,...]:]PATH",
	       "run it in this cgroup below the container's, which must exist; with controllers "
	       "only in their hierarchies (cgroup v1), and then it can be given several times"),
	OPTION_AS(OPTION_FILLED, options_exec, request.options.console_socket, "console-socket", 0,
		  "PATH", "socket to send its terminal to"),
	OPTION_AS(OPTION_FILLED, options_exec, request.cwd, "cwd", 0, "DIR",
		  "its working directory (default: the container's)"),
	OPTION(options_exec, request.options.detach, "detach", 'd', NULL,
	       "do not wait for it to end"),
	OPTION(options_exec, request.env, "env", 'e', "NAME=VALUE",
	       "a variable of its environment; can be given several times"),
	OPTION_HELP,
	OPTION(options_exec, request.ignore_paused, "ignore-paused", 0, NULL,
	       "also into a paused container, where it will wait"),
	OPTION(options_exec, request.no_new_privileges, "no-new-privs", 0, NULL,
	       "it cannot gain privileges by execve; =false: it can"),
	OPTION(options_exec, no_subreaper, "no-subreaper", 0, NULL, NULL),
	OPTION_AS(OPTION_FILLED, options_exec, request.options.pid_file, "pid-file", 0, "FILE",
		  "write its pid to FILE"),
	OPTION_AS(OPTION_FILLED, options_exec, request.options.pidfd_socket, "pidfd-socket", 0,
		  "PATH", "socket to send a pidfd of it to"),
	OPTION(options_exec, request.options.preserve_fds, "preserve-fds", 0, "N",
	       "pass N descriptors, from 3 on, to it"),
	OPTION_AS(OPTION_FILLED, options_exec, request.process_file, "process", 'p', "FILE",
		  "a file with the whole process object; then PROGRAM and the options about the "
		  "process "
		  "have no effect"),
	OPTION_AS(OPTION_FILLED, options_exec, request.label, "process-label", 0, "LABEL",
		  "its SELinux label"),
	OPTION(options_exec, request.tty, "tty", 't', NULL, "give it a terminal"),
	OPTION(options_exec, request.user, "user", 'u', "UID[:GID]", "its user, and group"),
};

static int exec_check_env(const struct oci_strings *env, struct error *err)
{
	for (size_t i = 0; i < env->count; i++)
		if (!strchr(env->items[i], '=') || env->items[i][0] == '=')
			return error_set(err, EINVAL,
					 "--env %s: that is not of the form NAME=VALUE",
					 env->items[i]);
	return 0;
}

/* What the options say, and the arguments. */
static int exec_request(const struct cli *cli, struct exec_request *ret_request, struct error *err)
{
	const struct options_exec *options = cli->options;
	struct exec_request request = options->request;
	char *pid_file;
	int r;

	request.options.id = cli->arguments[0];
	request.options.idle_close = cli->seal_mount;
	request.args = (struct oci_strings){cli->arguments + 1, (size_t)cli->argument_count - 1};
	if (!request.process_file && request.args.count == 0) {
		error_set(err, EINVAL, "exec: a program or --process is needed");
		return cli_hint_usage(cli->command, err);
	}
	r = exec_check_env(&request.env, err);
	if (r == 0 && request.options.pid_file) {
		r = cli_absolute(cli, request.options.pid_file, &pid_file, err);
		request.options.pid_file = pid_file;
	}
	if (r == 0)
		r = cli_prepare_descriptors(cli, &request.options, err);
	if (r == 0)
		*ret_request = request;
	return r;
}

static int exec_run(const struct cli *cli, int *ret_status, struct error *err)
{
	struct exec_request request;
	auto_store struct store store = STORE_INIT;
	int r = exec_request(cli, &request, err);

	if (r == 0)
		r = cli_open_store(cli, false, &store, err);
	if (r < 0)
		return r;
	return container_exec(&store, &request, ret_status, err);
}

const struct command command_exec = {
	.name = "exec",
	.arguments = "ID PROGRAM [ARGUMENT ...]",
	.summary = "run a program in a container",
	.details = "The program gets what config.json says of processes, unless told otherwise. "
		   "The exit status is\n"
		   "that of the program, 128 + the number of the signal that ended it, or 255 when "
		   "it could not be run.",
	.options = {exec_options, array_size(exec_options)},
	.options_size = sizeof(struct options_exec),
	.minimum = 1,
	.maximum = 65536,
	.in_order = true,
	.failure = EXEC_FAILURE,
	.enters = true,
	.run = exec_run,
};
