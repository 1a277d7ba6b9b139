/* SPDX-License-Identifier: Apache-2.0 */
/* mounts: what comes into a running container, and goes. */
#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "cli/cli.h"
#include "container/hotplug.h"

struct options_mounts {
	struct command_common common;
};

static const struct option mounts_options[] = {
	OPTION_HELP,
};

static int mounts_run(const struct cli *cli, int *ret_status, struct error *err)
{
	const char *verb = cli->arguments[0], *id = cli->arguments[1], *file = cli->arguments[2];
	auto_store struct store store = STORE_INIT;
	int r;

	(void)ret_status;
	if (strcmp(verb, "add") != 0 && strcmp(verb, "remove") != 0)
		return error_set(err, EINVAL,
				 "mounts: unknown command \"%s\": neither add nor remove", verb);
	r = cli_open_store(cli, false, &store, err);
	if (r < 0)
		return r;
	r = verb[0] == 'a' ? container_mounts_add(&store, id, file, err)
			   : container_mounts_remove(&store, id, file, err);
	return r;
}

const struct command command_mounts = {
	.name = "mounts",
	.arguments = "add|remove ID FILE",
	.summary = "add mounts to a running container, or remove them again",
	.details =
		"FILE (- is standard input) is a JSON array in the form of config.json's mounts. "
		"`remove` looks at\n"
		"the destinations only, and takes away nothing that was not added.",
	.options = {mounts_options, array_size(mounts_options)},
	.options_size = sizeof(struct options_mounts),
	.minimum = 3,
	.maximum = 3,
	.enters = true,
	.run = mounts_run,
};
