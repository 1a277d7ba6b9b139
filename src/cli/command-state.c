/* SPDX-License-Identifier: Apache-2.0 */
/* state and list: the commands that look. They take no lock and change nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/log.h"
#include "cli/cli.h"
#include "container/state/status.h"
#include "kernel/process.h"

struct options_state {
	struct command_common common;
	const char *format;
	bool quiet;
};

static const struct option state_options[] = {
	OPTION_HELP,
};
static const struct option list_options[] = {
	OPTION(options_state, format, "format", 'f', "FORMAT", "table (the default) or json"),
	OPTION_HELP,
	OPTION(options_state, quiet, "quiet", 'q', NULL, "ids only"),
};

/* One container, looked at. */
struct state_view {
	struct record record;
	struct status status;
	struct record_intent lost; /* stands in for an intent that cannot be read */
	const struct record_intent *intent;
};

static void state_view_clear(struct state_view *view)
{
	record_clear(&view->record);
	status_clear(&view->status);
}

/* What is the same for all containers, and is looked up once. */
struct state_host {
	char boot_id[PROCESS_BOOT_ID_SIZE];
	struct cgroup_host cgroups;
};

/* `host` may be NULL. */
static int state_look(const struct store *store, const char *id, struct state_host *host,
		      struct state_view *ret_view, struct error *err)
{
	auto_entry struct store_entry entry = STORE_ENTRY_INIT;
	struct state_view view = {.record = RECORD_INIT, .status = STATUS_INIT};
	int r;

	r = store_find(store, id, &entry, err);
	if (host) {
		entry.boot_id = host->boot_id[0] ? host->boot_id : NULL;
		entry.cgroups = &host->cgroups;
	}
	if (r == 0)
		r = status_load(&entry, &view.record, &view.status, err);
	if (r < 0) {
		state_view_clear(&view);
		return r;
	}
	*ret_view = view;
	if (view.record.intent) {
		ret_view->intent = view.record.intent;
	} else {
		ret_view->lost = (struct record_intent){.id = (char *)(uintptr_t)id};
		ret_view->intent = &ret_view->lost;
	}
	return 0;
}

static int state_run(const struct cli *cli, int *ret_status, struct error *err)
{
	auto_text struct text text = {0};
	struct status_document document;
	struct state_view view;
	auto_store struct store store = STORE_INIT;
	int r;

	(void)ret_status;
	r = cli_open_store(cli, false, &store, err);
	if (r < 0)
		return r;
	r = state_look(&store, cli->arguments[0], NULL, &view, err);
	if (r < 0)
		return r;
	document = (struct status_document){
		.intent = view.intent,
		.status = view.status.status,
		.pid = view.status.pid,
	};
	status_encode(&document, STATUS_FIELDS_ALL, &text);
	text_append(&text, "\n");
	state_view_clear(&view);
	return cli_print(&text, err);
}

/* The owner's name out of the host's /etc/passwd, or "#uid": no NSS in a static program. */
static void list_owner(uint32_t uid, char *out, size_t size)
{
	auto_free char *passwd = NULL;
	char wanted[32];

	(void)snprintf(out, size, "#%u", uid);
	(void)snprintf(wanted, sizeof(wanted), "%u", uid);
	if (io_read_file(AT_FDCWD, "/etc/passwd", 0, 16 << 20, &passwd, NULL) < 0)
		return;
	for (char *line = passwd, *next; line && *line; line = next) {
		char *name, *number;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		name = strsep(&line, ":");
		(void)strsep(&line, ":");
		number = strsep(&line, ":");
		if (number && strcmp(number, wanted) == 0) {
			(void)snprintf(out, size, "%s", name);
			return;
		}
	}
}

/* What is the same for every line, or most. */
struct list {
	const struct cli *cli;
	const struct store *store;
	struct text text;
	uint32_t uid; /* whose name is `owner`, once that is not empty */
	char owner[256];
	struct state_host host;
};

static void list_row(struct text *text, const struct state_view *view, const char *owner)
{
	size_t begin = text->length;

	text_format(text, "%-15s %-11d %-11s %-30s %-31s %s\n", view->intent->id,
		    (int)view->status.pid, lifecycle_status_name(view->status.status),
		    view->intent->bundle ? view->intent->bundle : "-",
		    view->intent->created ? view->intent->created : "-", owner);
	/* A row, whatever the bundle is called. */
	if (!text->failed) {
		text->data[text->length - 1] = '\0';
		text_make_line(text->data + begin);
		text->data[text->length - 1] = '\n';
	}
}

/* One container's line. One that has gone meanwhile, or cannot be read, does not end the list. */
static void list_one(struct list *list, const char *id)
{
	const struct options_state *options = list->cli->options;
	struct text *text = &list->text;
	struct status_document document;
	struct state_view view;
	struct error err = ERROR_INIT;

	if (options->quiet) {
		text_format(text, "%s\n", id);
		return;
	}
	if (state_look(list->store, id, &list->host, &view, &err) < 0) {
		if (err.number != ENOENT)
			log_warning("%s: %s", id, err.message);
		return;
	}
	if (list->owner[0] == '\0' || list->uid != view.intent->owner) {
		list->uid = view.intent->owner;
		list_owner(list->uid, list->owner, sizeof(list->owner));
	}
	if (options->format && strcmp(options->format, "json") == 0) {
		document = (struct status_document){
			.intent = view.intent,
			.status = view.status.status,
			.pid = view.status.pid,
			.owner = list->owner,
		};
		text_append(text, text->length > 1 ? "," : "");
		status_encode(&document, STATUS_FIELDS_LIST, text);
	} else {
		list_row(text, &view, list->owner);
	}
	state_view_clear(&view);
}

static int list_run(const struct cli *cli, int *ret_status, struct error *err)
{
	const struct options_state *options = cli->options;
	bool json = options->format && strcmp(options->format, "json") == 0;
	auto_store struct store store = STORE_INIT;
	struct list list = {.cli = cli, .store = &store};
	char **ids;
	size_t count;
	int r;

	(void)ret_status;
	if (options->format && !json && strcmp(options->format, "table") != 0)
		return error_set(err, EINVAL,
				 "invalid value \"%s\" for flag --format: neither table "
				 "nor json",
				 options->format);
	json = json && !options->quiet;
	r = cli_open_store(cli, false, &store, err);
	if (r < 0)
		return r;
	if (store.fd < 0 && cli_root_is_explicit(cli))
		return error_errno(err, ENOENT, "open state root %s", store.path);
	r = store_ids(&store, &ids, &count, err);
	if (r < 0)
		return r;
	if (json)
		text_append(&list.text, "[");
	else if (!options->quiet)
		text_format(&list.text, "%-15s %-11s %-11s %-30s %-31s %s\n", "ID", "PID", "STATUS",
			    "BUNDLE", "CREATED", "OWNER");
	/* Left empty where it cannot be read: who needs it says so. */
	if (count > 0 && !options->quiet && process_read_boot_id(list.host.boot_id) < 0)
		list.host.boot_id[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		list_one(&list, ids[i]);
		free(ids[i]);
	}
	free(ids);
	if (json)
		text_append(&list.text, "]\n");
	r = cli_print(&list.text, err);
	text_clear(&list.text);
	cgroup_host_clear(&list.host.cgroups);
	return r;
}

const struct command command_state = {
	.name = "state",
	.arguments = "ID",
	.summary = "show the state of a container as JSON",
	.options = {state_options, array_size(state_options)},
	.options_size = sizeof(struct options_state),
	.minimum = 1,
	.maximum = 1,
	.run = state_run,
};

const struct command command_list = {
	.name = "list",
	.arguments = "",
	.summary = "list the containers",
	.options = {list_options, array_size(list_options)},
	.options_size = sizeof(struct options_state),
	.run = list_run,
};
