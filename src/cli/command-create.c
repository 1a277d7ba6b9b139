/* SPDX-License-Identifier: Apache-2.0 */
/* create and run: the commands that make a container. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/cli.h"
#include "container/create.h"
#include "container/readiness.h"

struct options_create {
	struct command_common common;
	struct run_request run; /* `create` is a `run` that does not wait */
};

#define CREATE_COMMON                                                                              \
	OPTION_AS(OPTION_FILLED, options_create, run.create.options.bundle, "bundle", 'b', "DIR",  \
		  "the bundle's directory (default: the current one)"),                            \
		OPTION_AS(OPTION_FILLED, options_create, run.create.config, "config", 'f', "FILE", \
			  "the configuration (default: config.json in the bundle)"),               \
		OPTION_AS(OPTION_FILLED, options_create, run.create.options.console_socket,        \
			  "console-socket", 0, "PATH",                                             \
			  "socket to send the container's terminal to"),                           \
		OPTION_HELP,                                                                       \
		OPTION(options_create, run.create.options.no_new_keyring, "no-new-keyring", 0,     \
		       NULL, "stay in the caller's session keyring"),                              \
		OPTION(options_create, run.create.options.no_pivot, "no-pivot", 0, NULL,           \
		       "move the root and chroot instead of pivot_root: for roots on a ramdisk "   \
		       "only"),                                                                    \
		OPTION_AS(OPTION_FILLED, options_create, run.create.options.pid_file, "pid-file",  \
			  0, "FILE", "write the pid of init to FILE"),                             \
		OPTION_AS(OPTION_FILLED, options_create, run.create.options.pidfd_socket,          \
			  "pidfd-socket", 0, "PATH", "socket to send a pidfd of init to"),         \
		OPTION(options_create, run.create.options.preserve_fds, "preserve-fds", 0, "N",    \
		       "pass N descriptors, from 3 on, to the container")

static const struct option create_options[] = {
	CREATE_COMMON,
	OPTION(options_create, run.no_subreaper, "no-subreaper", 0, NULL, NULL),
};

static const struct option run_options[] = {
	CREATE_COMMON,
	OPTION(options_create, run.create.options.detach, "detach", 'd', NULL,
	       "do not wait for the container to end"),
	OPTION(options_create, run.keep, "keep", 0, NULL,
	       "do not remove the container when it has ended"),
	OPTION(options_create, run.no_subreaper, "no-subreaper", 0, NULL,
	       "do not reap what the container leaves behind"),
};

/* LISTEN_FDS, when it is meant for us (sd_listen_fds(3)); a missing LISTEN_PID is taken for that.
 */
static unsigned int create_listen_fds(void)
{
	const char *count = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	uint32_t number, ours;

	if (!count || text_parse_u32(count, &number) < 0 || number > CLI_PRESERVE_FDS_MAX)
		return 0;
	if (pid && (text_parse_u32(pid, &ours) < 0 || ours != (uint32_t)getpid()))
		return 0;
	return number;
}

static int create_directory(const struct cli *cli, const char *bundle, char **ret_path,
			    struct error *err)
{
	struct stat st;
	int r = cli_absolute(cli, bundle ? bundle : ".", ret_path, err);

	if (r < 0)
		return r;
	if (stat(*ret_path, &st) < 0)
		return error_errno(err, errno, "open bundle %s", *ret_path);
	if (!S_ISDIR(st.st_mode))
		return error_set(err, ENOTDIR, "bundle %s is not a directory", *ret_path);
	return 0;
}

/* bundle/config.json, or what --config names. */
static int create_config(const struct cli *cli, const char *bundle, const char **config,
			 struct error *err)
{
	char path[PATH_MAX];

	if (path_join(bundle, *config ? *config : "config.json", path, sizeof(path)) < 0)
		return error_errno(err, ENAMETOOLONG, "%s", *config ? *config : bundle);
	*config = cli_keep(cli, strdup(path));
	return *config ? 0 : error_errno(err, ENOMEM, "start");
}

/* Completes what the options say. What the request points to lives as long as the call. */
static int create_request(const struct cli *cli, struct create_request *request, struct error *err)
{
	struct plan_options *plan = &request->options;
	char *bundle = NULL, *pid_file;
	int r;

	plan->id = cli->arguments[0];
	plan->listen_fds = create_listen_fds();
	plan->preserve_fds += plan->listen_fds;
	plan->manager = getenv("NOTIFY_SOCKET");
	plan->idle_close = cli->seal_mount;
	r = store_check_id(plan->id, err);
	if (r == 0)
		r = cli_cgroup_manager(cli, &plan->cgroup_manager, err);
	if (r == 0)
		r = create_directory(cli, plan->bundle, &bundle, err);
	if (r < 0)
		return r;
	plan->bundle = bundle;
	if (plan->pid_file) {
		r = cli_absolute(cli, plan->pid_file, &pid_file, err);
		if (r < 0)
			return r;
		plan->pid_file = pid_file;
	}
	return create_config(cli, bundle, &request->config, err);
}

/* With a service manager that waits for it, the container has a place to say that it is ready. */
static int create_notify(const struct cli *cli, const struct store *store,
			 struct plan_options *options, struct error *err)
{
	char *path;

	if (!readiness_is_address(options->manager))
		return 0;
	if (asprintf(&path, "%s/%s/" STORE_NOTIFY, store->path, options->id) < 0)
		return error_errno(err, ENOMEM, "start");
	options->notify = cli_keep(cli, path);
	return options->notify ? 0 : error_errno(err, ENOMEM, "start");
}

static int create_prepare(const struct cli *cli, struct create_request *request,
			  struct store *ret_store, struct error *err)
{
	int r = create_request(cli, request, err);

	if (r == 0)
		r = cli_prepare_descriptors(cli, &request->options, err);
	if (r == 0)
		r = cli_open_store(cli, true, ret_store, err);
	if (r == 0)
		r = create_notify(cli, ret_store, &request->options, err);
	return r;
}

static int create_run(const struct cli *cli, int *ret_status, struct error *err)
{
	const struct options_create *options = cli->options;
	struct create_request request = options->run.create;
	auto_store struct store store = STORE_INIT;
	int r = create_prepare(cli, &request, &store, err);

	(void)ret_status;
	if (r < 0)
		return r;
	request.options.detach = true;
	return container_create(&store, &request, err);
}

static int run_run(const struct cli *cli, int *ret_status, struct error *err)
{
	const struct options_create *options = cli->options;
	struct run_request request = options->run;
	auto_store struct store store = STORE_INIT;
	int r = create_prepare(cli, &request.create, &store, err);

	if (r < 0)
		return r;
	return container_run(&store, &request, ret_status, err);
}

const struct command command_create = {
	.name = "create",
	.arguments = "ID",
	.summary = "make a container, whose program waits for `start`",
	.details =
		"The container's namespaces, cgroup, mounts and process are made as the bundle's\n"
		"config.json says; later changes of that file have no effect. On failure nothing "
		"is left.",
	.options = {create_options, array_size(create_options)},
	.options_size = sizeof(struct options_create),
	.minimum = 1,
	.maximum = 1,
	.enters = true,
	.run = create_run,
};

const struct command command_run = {
	.name = "run",
	.arguments = "ID",
	.summary = "make a container, run its program, and remove it afterwards",
	.details = "The exit status is that of the program, or 128 + the number of the signal that "
		   "ended it.\n"
		   "Signals are passed on to the program; with a terminal, keys and its size too.",
	.options = {run_options, array_size(run_options)},
	.options_size = sizeof(struct options_create),
	.minimum = 1,
	.maximum = 1,
	.enters = true,
	.run = run_run,
};
