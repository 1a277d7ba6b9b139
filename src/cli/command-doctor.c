/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: what this host lacks for containers, and how to mend it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "cli/cli.h"
#include "container/doctor/doctor.h"

struct options_doctor {
	struct command_common common;
	const char *format;
};

static const struct option doctor_options[] = {
	OPTION(options_doctor, format, "format", 'f', "FORMAT", "text (the default) or json"),
	OPTION_HELP,
};

static const char *doctor_grade_name(enum doctor_grade grade)
{
	static const char *const names[] = {
		[DOCTOR_GOOD] = "ok",
		[DOCTOR_LACK] = "lack",
		[DOCTOR_FATAL] = "fatal",
	};

	return names[grade];
}

static void doctor_print_text(const struct doctor_facts *facts, const struct doctor_report *report,
			      struct text *text)
{
	size_t lacks = 0;

	for (size_t i = 0; i < report->count; i++) {
		const struct doctor_finding *finding = &report->findings[i];

		lacks += finding->grade != DOCTOR_GOOD;
		text_format(text, "%-5s  %-16s %s\n", doctor_grade_name(finding->grade),
			    finding->topic, finding->text);
		if (finding->means[0])
			text_format(text, "%24s%s\n", "", finding->means);
		if (finding->mend[0])
			text_format(text, "%24smend: %s\n", "", finding->mend);
	}
	text_format(text, "\nContainers of %s %s", facts->user,
		    report->can_run ? "can run" : "cannot run");
	text_format(text,
		    lacks == 0	 ? ".\n"
		    : lacks == 1 ? "; 1 lack.\n"
				 : "; %zu lacks.\n",
		    lacks);
}

static void doctor_json_member(struct text *text, const char *name, const char *value)
{
	text_format(text, ", \"%s\": ", name);
	text_append_json(text, value);
}

static void doctor_print_json(const struct doctor_facts *facts, const struct doctor_report *report,
			      struct text *text)
{
	text_append(text, "{\n\t\"kernel\": ");
	text_append_json(text, facts->release);
	text_append(text, ",\n\t\"user\": ");
	text_append_json(text, facts->user);
	text_format(text, ",\n\t\"rootless\": %s,\n\t\"canRun\": %s,\n\t\"findings\": [",
		    facts->rootless ? "true" : "false", report->can_run ? "true" : "false");
	for (size_t i = 0; i < report->count; i++) {
		const struct doctor_finding *finding = &report->findings[i];

		text_format(text, "%s\n\t\t{\"topic\": \"%s\", \"grade\": \"%s\"", i ? "," : "",
			    finding->topic, doctor_grade_name(finding->grade));
		doctor_json_member(text, "text", finding->text);
		if (finding->means[0])
			doctor_json_member(text, "means", finding->means);
		if (finding->mend[0])
			doctor_json_member(text, "mend", finding->mend);
		text_append(text, "}");
	}
	text_append(text, "\n\t]\n}\n");
}

static int doctor_run(const struct cli *cli, int *ret_status, struct error *err)
{
	const struct options_doctor *options = cli->options;
	bool json = options->format && strcmp(options->format, "json") == 0;
	auto_free struct doctor_report *report = NULL;
	auto_text struct text text = {0};
	struct doctor_facts facts;
	int r;

	if (options->format && !json && strcmp(options->format, "text") != 0)
		return error_set(err, EINVAL,
				 "invalid value \"%s\" for flag --format: neither text nor json",
				 options->format);
	r = doctor_probe(&facts, err);
	if (r < 0)
		return r;
	report = calloc(1, sizeof(*report));
	if (!report)
		return error_errno(err, ENOMEM, "look at this host");
	doctor_plan(&facts, report);
	if (json)
		doctor_print_json(&facts, report, &text);
	else
		doctor_print_text(&facts, report, &text);
	*ret_status = report->can_run ? EXIT_SUCCESS : EXIT_FAILURE;
	return cli_print(&text, err);
}

const struct command command_doctor = {
	.name = "doctor",
	.arguments = "",
	.summary = "tell what this host lacks for containers, and how to mend it",
	.details = "It tries what containers need, as the calling user, and changes nothing. The "
		   "exit status is 0 when\n"
		   "the caller's containers can run, whatever else is lacking, and 1 when not.",
	.options = {doctor_options, array_size(doctor_options)},
	.options_size = sizeof(struct options_doctor),
	.run = doctor_run,
};
