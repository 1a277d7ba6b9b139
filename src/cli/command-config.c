/* SPDX-License-Identifier: Apache-2.0 */
/* spec and check: the commands about config.json. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/path.h"
#include "cli/cli.h"
#include "oci-spec/oci-spec.h"

struct options_config {
	struct command_common common;
	const char *bundle, *file, *format;
	bool rootless, unknown;
};

static const struct option spec_options[] = {
	OPTION(options_config, bundle, "bundle", 'b', "DIR", "where to write it (default: here)"),
	OPTION(options_config, file, "file", 'f', "FILE",
	       "the file's name (default: config.json); - is standard output"),
	OPTION_HELP,
	OPTION(options_config, rootless, "rootless", 0, NULL,
	       "a configuration that works without privileges"),
};
static const struct option check_options[] = {
	OPTION(options_config, bundle, "bundle", 'b', "DIR",
	       "the bundle (default: the current directory)"),
	OPTION(options_config, file, "config", 'f', "FILE",
	       "the configuration (default: config.json in the bundle)"),
	OPTION(options_config, format, "format", 0, "FORMAT", "text (the default) or json"),
	OPTION_HELP,
	OPTION(options_config, unknown, "unknown", 'u', NULL,
	       "list fields that knarr ignores, too"),
};

static int config_path(const struct options_config *options, char *out, size_t size,
		       struct error *err)
{
	const char *file = options->file ? options->file : "config.json";
	int r = path_join(options->bundle ? options->bundle : ".", file, out, size);

	return r < 0 ? error_errno(err, -r, "%s", file) : 0;
}

/* ---- spec ---- */

static int spec_write(const struct options_config *options, const char *text, size_t length,
		      struct error *err)
{
	auto_close int fd = -EBADF;
	char path[PATH_MAX];
	int r = config_path(options, path, sizeof(path), err);

	if (r < 0)
		return r;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0666);
	if (fd < 0 && errno == EEXIST) {
		error_set(err, EEXIST, "file %s exists", path);
		return error_hint(err, "remove it first");
	}
	if (fd < 0)
		return error_errno(err, errno, "create %s", path);
	r = io_write_all(fd, text, length);
	if (r < 0) {
		(void)unlink(path);
		return error_errno(err, -r, "write %s", path);
	}
	return 0;
}

static int spec_run(const struct cli *cli, int *ret_status, struct error *err)
{
	const struct options_config *options = cli->options;
	uint32_t uid = geteuid(), gid = getegid();
	struct oci_document *document;
	auto_free char *text = NULL;
	size_t length;
	int r;

	(void)ret_status;
	r = oci_config_default(options->rootless ? &uid : NULL, options->rootless ? &gid : NULL,
			       &document);
	if (r < 0)
		return error_errno(err, -r, "make a configuration");
	r = oci_config_encode(oci_document_config(document), true, &text, &length);
	oci_document_free(document);
	if (r < 0)
		return error_errno(err, -r, "encode the configuration");
	if (options->file && strcmp(options->file, "-") == 0) {
		struct text output = {.data = text, .length = length};

		return cli_print(&output, err);
	}
	return spec_write(options, text, length, err);
}

/* ---- check ---- */

struct check_output {
	const char *name;
	struct text text;
	bool json;
	size_t problems;
};

static const char *check_severity(enum oci_severity severity)
{
	switch (severity) {
	case OCI_WARNING:
		return "warning";
	case OCI_UNKNOWN:
		return "unknown";
	case OCI_ADVICE:
		return "advice";
	case OCI_ERROR:
		break;
	}
	return "error";
}

static void check_problem_json(struct check_output *output, const struct oci_problem *problem)
{
	struct text *text = &output->text;

	text_append(text, output->problems ? ",\n  " : "\n  ");
	text_format(text, "{\"severity\": \"%s\", \"file\": ", check_severity(problem->severity));
	text_append_json(text, output->name);
	text_format(text, ", \"line\": %u, \"column\": %u, \"path\": ", problem->line,
		    problem->column);
	text_append_json(text, problem->path);
	text_append(text, ", \"message\": ");
	text_append_json(text, problem->message);
	text_append(text, ", \"section\": ");
	if (problem->section)
		text_append_json(text, problem->section);
	else
		text_append(text, "null");
	text_append(text, "}");
}

static void check_problem(void *data, const struct oci_problem *problem)
{
	struct check_output *output = data;

	if (output->json) {
		check_problem_json(output, problem);
	} else {
		text_append(&output->text, output->name);
		if (problem->line)
			text_format(&output->text, ":%u:%u", problem->line, problem->column);
		text_format(&output->text, ": %s%s%s%s%s",
			    problem->severity == OCI_ERROR ? "" : check_severity(problem->severity),
			    problem->severity == OCI_ERROR ? "" : ": ", problem->path,
			    problem->path[0] ? ": " : "", problem->message);
		if (problem->section)
			text_format(&output->text, " [%s]", problem->section);
		text_append(&output->text, "\n");
	}
	output->problems++;
}

static int check_run(const struct cli *cli, int *ret_status, struct error *err)
{
	const struct options_config *options = cli->options;
	struct check_output output = {.name = options->file ? options->file : "config.json"};
	struct oci_report report = {
		.problem = check_problem,
		.data = &output,
		.unknown = options->unknown,
	};
	auto_free char *text = NULL;
	char path[PATH_MAX];
	size_t length;
	int r;

	if (options->format && strcmp(options->format, "json") == 0)
		output.json = true;
	else if (options->format && strcmp(options->format, "text") != 0)
		return error_set(err, EINVAL,
				 "invalid value \"%s\" for flag --format: neither text "
				 "nor json",
				 options->format);
	r = config_path(options, path, sizeof(path), err);
	if (r < 0)
		return r;
	r = io_read_file(AT_FDCWD, path, 0, OCI_SIZE_MAX, &text, &length);
	if (r < 0)
		return error_errno(err, -r, "read %s", path);
	if (output.json)
		text_append(&output.text, "[");
	*ret_status = oci_config_problems(text, length, &report) ? EXIT_FAILURE : EXIT_SUCCESS;
	if (output.json)
		text_append(&output.text, output.problems ? "\n]\n" : "]\n");
	r = cli_print(&output.text, err);
	text_clear(&output.text);
	return r;
}

const struct command command_spec = {
	.name = "spec",
	.arguments = "",
	.summary = "write a config.json to start from",
	.details = "It runs a shell in ./rootfs. An existing file is not overwritten.",
	.options = {spec_options, array_size(spec_options)},
	.options_size = sizeof(struct options_config),
	.run = spec_run,
};

const struct command command_check = {
	.name = "check",
	.arguments = "",
	.summary = "tell everything that is wrong with a config.json",
	.details = "Prints a line for each problem, FILE:LINE:COLUMN: FIELD: PROBLEM [SECTION], "
		   "and exits with 1\n"
		   "when one is an error. Nothing of the host is looked at.",
	.options = {check_options, array_size(check_options)},
	.options_size = sizeof(struct options_config),
	.run = check_run,
};
