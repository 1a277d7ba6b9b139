/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that is wrong with a configuration, at once.
 *
 * The rules between fields are looked at even when some fields could not be decoded. Those count as
 * absent then, so a rule may break for no other reason: what is said about a field that is in,
 * around or below one that was wrong is left out.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "oci-spec/decode.h"
#include "oci-spec/oci-spec.h"

struct problems {
	const struct oci_report *report;
	bool checking;
	char *wrong[DECODE_ERRORS_MAX]; /* paths */
	size_t wrong_count, errors;
};

/* Whether one path is the other, or the part before one of its "." or "[". */
static bool problems_related(const char *a, const char *b)
{
	size_t length = strlen(a) < strlen(b) ? strlen(a) : strlen(b);
	const char *longer = a[length] ? a : b;

	return strncmp(a, b, length) == 0 && (length == 0 || longer[length] == '\0' ||
					      longer[length] == '.' || longer[length] == '[');
}

static bool problems_follow(const struct problems *problems, const char *path)
{
	for (size_t i = 0; i < problems->wrong_count; i++)
		if (problems_related(problems->wrong[i], path))
			return true;
	return false;
}

static void problems_take(void *data, const struct oci_problem *problem)
{
	struct problems *problems = data;

	if (problems->checking && problems_follow(problems, problem->path))
		return;
	if (!problems->checking && problem->severity == OCI_ERROR && problem->path[0] != '\0' &&
	    problems->wrong_count < DECODE_ERRORS_MAX) {
		char *path = strdup(problem->path);

		/* Without memory a problem may be told that follows from another one. */
		if (path)
			problems->wrong[problems->wrong_count++] = path;
	}
	problems->errors += problem->severity == OCI_ERROR;
	problems->report->problem(problems->report->data, problem);
}

size_t oci_config_problems(const char *text, size_t length, const struct oci_report *report)
{
	struct problems problems = {.report = report};
	struct oci_report inner = {
		.problem = problems_take,
		.data = &problems,
		.unknown = report->unknown,
	};
	struct oci_document *document = NULL;

	(void)oci_config_decode_broken(text, length, &inner, &document);
	problems.checking = true;
	if (document)
		(void)oci_config_check(oci_document_config(document), text, length, &inner);
	oci_document_free(document);
	while (problems.wrong_count)
		free(problems.wrong[--problems.wrong_count]);
	return problems.errors;
}
