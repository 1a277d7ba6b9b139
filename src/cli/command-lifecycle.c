/* SPDX-License-Identifier: Apache-2.0 */
/* start, kill, delete: the commands that move a container along. */
#include <errno.h>
#include <regex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fd.h"
#include "base/signals.h"
#include "cli/cli.h"
#include "container/kill.h"
#include "container/remove.h"
#include "container/start.h"

struct options_lifecycle {
	struct command_common common;
	bool all, force, regex;
};

static const struct option start_options[] = {
	OPTION_HELP,
};
static const struct option kill_options[] = {
	OPTION(options_lifecycle, all, "all", 'a', NULL,
	       "signal every process of the container, also of a stopped one"),
	OPTION_HELP,
	OPTION(options_lifecycle, regex, "regex", 'r', NULL,
	       "signal all containers whose id matches the extended regular "
	       "expression ID"),
};
static const struct option delete_options[] = {
	OPTION(options_lifecycle, force, "force", 'f', NULL,
	       "kill it first when it is running; an unknown id is no error"),
	OPTION_HELP,
	OPTION(options_lifecycle, regex, "regex", 'r', NULL,
	       "remove all containers whose id matches the extended regular "
	       "expression ID"),
};

/* ---- for one id, or for all that match ---- */

struct lifecycle_action {
	int (*run)(const struct store *store, const char *id, const void *data, struct error *err);
	const void *data;
};

/* Goes on behind a failure; the first one is the command's. */
static int lifecycle_for_matching(const struct store *store, const char *pattern,
				  const struct lifecycle_action *action, struct error *err)
{
	struct error one = ERROR_INIT;
	char **ids;
	size_t count;
	regex_t regex;
	int r, result = 0;

	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return error_set(err, EINVAL, "\"%s\" is not a regular expression", pattern);
	r = store_ids(store, &ids, &count, err);
	for (size_t i = 0; r == 0 && i < count; i++) {
		if (regexec(&regex, ids[i], 0, NULL, 0) == 0 &&
		    action->run(store, ids[i], action->data, &one) < 0 && result == 0) {
			*err = one;
			result = -one.number;
		}
		free(ids[i]);
	}
	if (r == 0)
		free(ids);
	regfree(&regex);
	return r < 0 ? r : result;
}

static int lifecycle_run(const struct cli *cli, bool regex, const struct lifecycle_action *action,
			 struct error *err)
{
	auto_store struct store store = STORE_INIT;
	int r = cli_open_store(cli, false, &store, err);

	if (r < 0)
		return r;
	return regex ? lifecycle_for_matching(&store, cli->arguments[0], action, err)
		     : action->run(&store, cli->arguments[0], action->data, err);
}

/* ---- start ---- */

static int start_one(const struct store *store, const char *id, const void *data, struct error *err)
{
	return container_start(store, id, data, err);
}

static int start_run(const struct cli *cli, int *ret_status, struct error *err)
{
	struct lifecycle_action action = {.run = start_one, .data = getenv("NOTIFY_SOCKET")};

	(void)ret_status;
	return lifecycle_run(cli, false, &action, err);
}

/* ---- kill ---- */

struct kill_data {
	int signal;
	bool all;
};

static int kill_one(const struct store *store, const char *id, const void *data, struct error *err)
{
	const struct kill_data *kill_data = data;

	return container_kill(store, id, kill_data->signal, kill_data->all, err);
}

static int kill_run(const struct cli *cli, int *ret_status, struct error *err)
{
	const struct options_lifecycle *options = cli->options;
	struct kill_data data = {.signal = SIGTERM, .all = options->all};
	struct lifecycle_action action = {.run = kill_one, .data = &data};

	(void)ret_status;
	if (cli->argument_count > 1 && signals_parse(cli->arguments[1], &data.signal) < 0) {
		error_set(err, EINVAL, "unknown signal \"%s\"", cli->arguments[1]);
		return error_hint(err, "a number, or a name as KILL, SIGKILL, RTMIN+3");
	}
	return lifecycle_run(cli, options->regex, &action, err);
}

/* ---- delete ---- */

static int delete_one(const struct store *store, const char *id, const void *data,
		      struct error *err)
{
	return container_delete(store, id, *(const bool *)data, err);
}

static int delete_run(const struct cli *cli, int *ret_status, struct error *err)
{
	const struct options_lifecycle *options = cli->options;
	struct lifecycle_action action = {.run = delete_one, .data = &options->force};

	(void)ret_status;
	return lifecycle_run(cli, options->regex, &action, err);
}

const struct command command_start = {
	.name = "start",
	.arguments = "ID",
	.summary = "run the program of a created container",
	.options = {start_options, array_size(start_options)},
	.options_size = sizeof(struct options_lifecycle),
	.minimum = 1,
	.maximum = 1,
	.run = start_run,
};

const struct command command_kill = {
	.name = "kill",
	.arguments = "ID [SIGNAL]",
	.summary = "send a signal (default: TERM) to a container's init",
	.details = "SIGNAL is a number or a name: 9, KILL, SIGKILL, RTMIN+3. KILL goes to all "
		   "processes of the\n"
		   "container when they have no pid namespace of their own.",
	.options = {kill_options, array_size(kill_options)},
	.options_size = sizeof(struct options_lifecycle),
	.minimum = 1,
	.maximum = 2,
	.in_order = true,
	.run = kill_run,
};

const struct command command_delete = {
	.name = "delete",
	.arguments = "ID",
	.summary = "remove a stopped or created container",
	.details = "Its processes, cgroup and state go. An interrupted `delete` is completed by "
		   "the next one.",
	.options = {delete_options, array_size(delete_options)},
	.options_size = sizeof(struct options_lifecycle),
	.minimum = 1,
	.maximum = 1,
	.run = delete_run,
};
