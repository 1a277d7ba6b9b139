/* SPDX-License-Identifier: Apache-2.0 */
/* exec: one more process in a container. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "cli/cli.h"
#include "container/exec.h"

/* What runc gives for every failure of its own; engines tell it from 1, which a program may give.
 */
#define EXEC_FAILURE 255

struct options_exec {
	struct command_common common;
	const char *apparmor, *console_socket, *cwd, *pid_file, *pidfd_socket, *process;
	const char *process_label, *user;
	struct option_list additional_gids, cap, cgroup, env;
	uint32_t preserve_fds;
	bool detach, ignore_paused, no_new_privs, no_subreaper, tty;
};

static const struct option exec_options[] = {
	OPTION(options_exec, additional_gids, "additional-gids", 'g', "GID",
	       "a further group of the process; can be given several times"),
	OPTION(options_exec, apparmor, "apparmor", 0, "PROFILE", "its AppArmor profile"),
	OPTION(options_exec, cap, "cap", 'c', "CAPABILITY",
	       "a capability that it gets, too; can be given several times"),
	OPTION(options_exec, cgroup, "cgroup", 0, "[CONTROLLER[,...]:]PATH",
	       "run it in this cgroup below the container's, which must exist; with controllers "
	       "only in their hierarchies (cgroup v1), and then it can be given several times"),
	OPTION(options_exec, console_socket, "console-socket", 0, "PATH",
	       "socket to send its terminal to"),
	OPTION(options_exec, cwd, "cwd", 0, "DIR",
	       "its working directory (default: the container's)"),
	OPTION(options_exec, detach, "detach", 'd', NULL, "do not wait for it to end"),
	OPTION(options_exec, env, "env", 'e', "NAME=VALUE",
	       "a variable of its environment; can be given several times"),
	OPTION_HELP,
	OPTION(options_exec, ignore_paused, "ignore-paused", 0, NULL,
	       "also into a paused container, where it will wait"),
	OPTION(options_exec, no_new_privs, "no-new-privs", 0, NULL,
	       "it cannot gain privileges by execve"),
	OPTION(options_exec, no_subreaper, "no-subreaper", 0, NULL, NULL),
	OPTION(options_exec, pid_file, "pid-file", 0, "FILE", "write its pid to FILE"),
	OPTION(options_exec, pidfd_socket, "pidfd-socket", 0, "PATH",
	       "socket to send a pidfd of it to"),
	OPTION(options_exec, preserve_fds, "preserve-fds", 0, "N",
	       "pass N descriptors, from 3 on, to it"),
	OPTION(options_exec, process, "process", 'p', "FILE",
	       "a file with the whole process object; then PROGRAM and the options about the "
	       "process "
	       "have no effect"),
	OPTION(options_exec, process_label, "process-label", 0, "LABEL", "its SELinux label"),
	OPTION(options_exec, tty, "tty", 't', NULL, "give it a terminal"),
	OPTION(options_exec, user, "user", 'u', "UID[:GID]", "its user, and group"),
};

static int exec_parse_gids(const struct cli *cli, const struct option_list *list,
			   struct oci_u32s *ret_gids, struct error *err)
{
	uint32_t *gids = cli_keep(cli, calloc(list->count + 1, sizeof(*gids)));

	if (!gids)
		return error_errno(err, ENOMEM, "start");
	for (size_t i = 0; i < list->count; i++)
		if (text_parse_id(list->items[i], &gids[i]) < 0)
			return error_set(err, EINVAL,
					 "--additional-gids %s: that is not a group id",
					 list->items[i]);
	*ret_gids = (struct oci_u32s){gids, list->count};
	return 0;
}

static int exec_check_env(const struct option_list *env, struct error *err)
{
	for (size_t i = 0; i < env->count; i++)
		if (!strchr(env->items[i], '=') || env->items[i][0] == '=')
			return error_set(err, EINVAL,
					 "--env %s: that is not of the form NAME=VALUE",
					 env->items[i]);
	return 0;
}

static int exec_request(const struct cli *cli, struct exec_request *ret_request, struct error *err)
{
	const struct options_exec *options = cli->options;
	struct exec_request request = {
		.options =
			{
				.id = cli->arguments[0],
				.detach = options->detach,
				.console_socket = options->console_socket,
				.pidfd_socket = options->pidfd_socket,
				.preserve_fds = options->preserve_fds,
				.idle_close = cli->seal_mount,
			},
		.process_file = options->process,
		.args = {cli->arguments + 1, (size_t)cli->argument_count - 1},
		.cwd = options->cwd,
		.env = {options->env.items, options->env.count},
		.user = options->user,
		.capabilities = {options->cap.items, options->cap.count},
		.apparmor = options->apparmor,
		.label = options->process_label,
		.cgroups = {options->cgroup.items, options->cgroup.count},
		.tty = options->tty,
		.no_new_privileges = options->no_new_privs,
		.ignore_paused = options->ignore_paused,
	};
	char *pid_file;
	int r;

	if (!options->process && request.args.count == 0)
		return error_set(err, EINVAL, "exec: a program or --process is needed");
	r = exec_check_env(&options->env, err);
	if (r == 0)
		r = exec_parse_gids(cli, &options->additional_gids, &request.additional_gids, err);
	if (r == 0 && options->pid_file) {
		r = cli_absolute(cli, options->pid_file, &pid_file, err);
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
	struct store store;
	int r = exec_request(cli, &request, err);

	if (r == 0)
		r = cli_open_store(cli, false, &store, err);
	if (r < 0)
		return r;
	r = container_exec(&store, &request, ret_status, err);
	store_close(&store);
	return r;
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
