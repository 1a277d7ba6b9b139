/* SPDX-License-Identifier: Apache-2.0 */
/* events: what a container uses, and the kills of its memory limit. */
#include <errno.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/quantity.h"
#include "cli/cli.h"
#include "container/events.h"

#define EVENTS_INTERVAL "5s"

struct options_events {
	struct command_common common;
	const char *interval;
	bool stats;
};

static const struct option events_options[] = {
	OPTION_HELP,
	OPTION(options_events, interval, "interval", 0, "DURATION",
	       "how often the statistics are shown (\"500ms\", \"1m30s\"; default: 5s)"),
	OPTION(options_events, stats, "stats", 0, NULL, "show the statistics once, and end"),
};

/* Milliseconds, and not less than one. */
static int events_interval(const char *text, int64_t *ret_interval, struct error *err)
{
	int64_t nanoseconds;

	if (quantity_parse_duration(text, &nanoseconds) < 0)
		return error_set(
			err, EINVAL,
			"invalid value \"%s\" for flag --interval: not a duration, such as "
			"500ms or 1m30s",
			text);
	if (nanoseconds <= 0)
		return error_set(err, EINVAL, "duration interval must be greater than 0");
	*ret_interval = (nanoseconds - 1) / 1000000 + 1;
	return 0;
}

static int events_run(const struct cli *cli, int *ret_status, struct error *err)
{
	const struct options_events *options = cli->options;
	struct events_request request = {
		.id = cli->arguments[0],
		.once = options->stats,
		.output = STDOUT_FILENO,
		.emit = cli_print,
	};
	auto_store struct store store = STORE_INIT;
	int r;

	(void)ret_status;
	r = events_interval(options->interval ? options->interval : EVENTS_INTERVAL,
			    &request.interval, err);
	if (r == 0)
		r = cli_open_store(cli, false, &store, err);
	if (r < 0)
		return r;
	return container_events(&store, &request, err);
}

const struct command command_events = {
	.name = "events",
	.arguments = "ID",
	.summary = "show what a container uses, and kills for want of memory",
	.details = "One line of JSON for each event, until the container has stopped.",
	.options = {events_options, array_size(events_options)},
	.options_size = sizeof(struct options_events),
	.minimum = 1,
	.maximum = 1,
	.run = events_run,
};
