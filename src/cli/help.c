/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "isolate/seccomp/seccomp.h"
#include "oci-spec/oci-spec.h"
#include "version.h"

#define HELP_COLUMN 30
#define HELP_WIDTH  96

/* Wraps `words` into a column that begins at HELP_COLUMN; the cursor stands at `column`. */
static void help_wrap(struct text *text, const char *words, size_t column)
{
	size_t at = column;

	while (*words) {
		size_t n = strcspn(words, " ");

		if (at > HELP_COLUMN && at + 1 + n > HELP_WIDTH) {
			text_append(text, "\n");
			at = 0;
		}
		if (at <= HELP_COLUMN)
			text_format(text, "%*s", (int)(HELP_COLUMN - at), "");
		else
			text_append(text, " ");
		at = at <= HELP_COLUMN ? HELP_COLUMN : at + 1;
		text_append_bytes(text, words, n);
		at += n;
		words += n;
		words += strspn(words, " ");
	}
	text_append(text, "\n");
}

static void help_options(struct text *text, const struct option_table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct option *option = &table->options[i];
		char left[128], letter[8] = "    ";

		if (!option->help)
			continue;
		if (option->letter)
			(void)snprintf(letter, sizeof(letter), "-%c, ", option->letter);
		(void)snprintf(left, sizeof(left), "  %s--%s%s%s", letter, option->name,
			       option->argument ? " " : "",
			       option->argument ? option->argument : "");
		text_append(text, left);
		if (strlen(left) >= HELP_COLUMN) {
			text_append(text, "\n");
			help_wrap(text, option->help, 0);
		} else {
			help_wrap(text, option->help, strlen(left));
		}
	}
}

void help_globals(struct text *text)
{
	text_append(text,
		    "knarr runs containers from OCI bundles.\n\n"
		    "usage: knarr [global options] COMMAND [options] [arguments]\n\ncommands:\n");
	for (size_t i = 0; cli_commands[i]; i++) {
		text_format(text, "  %s", cli_commands[i]->name);
		help_wrap(text, cli_commands[i]->summary, strlen(cli_commands[i]->name) + 2);
	}
	text_append(text, "\nglobal options:\n");
	help_options(text, &cli_global_options);
	text_append(text, "\n`knarr COMMAND --help` tells more about a command.\n");
}

void help_command(const struct command *command, struct text *text)
{
	text_format(text, "knarr %s: %s\n\nusage: knarr [global options] %s [options]%s%s\n",
		    command->name, command->summary, command->name,
		    command->arguments[0] ? " " : "", command->arguments);
	if (command->details)
		text_format(text, "\n%s\n", command->details);
	text_append(text, "\noptions:\n");
	help_options(text, &command->options);
}

void help_version(struct text *text)
{
	char seccomp[32];

	seccomp_library_version(seccomp, sizeof(seccomp));
	/* The first line and "commit:", "spec:" are parsed by docker, podman and containerd. */
	text_format(text, "knarr version %s\ncommit: %s\nspec: %s\nlibseccomp: %s\n", KNARR_VERSION,
		    KNARR_COMMIT, OCI_SPEC_VERSION, seccomp);
}
