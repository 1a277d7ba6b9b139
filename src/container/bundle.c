/* SPDX-License-Identifier: Apache-2.0 */
#include "container/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/log.h"
#include "base/path.h"
#include "oci-spec/oci-spec.h"

void bundle_clear(struct bundle *bundle)
{
	oci_document_free(bundle->document);
	free(bundle->text);
	for (size_t i = 0; i < bundle->warning_count; i++)
		free(bundle->warnings[i]);
	free(bundle->warnings);
	*bundle = BUNDLE_INIT;
}

/* Collects the first problem and the warnings, counts the others; advice is for `knarr check`. */
struct bundle_problems {
	struct bundle *bundle;
	struct error *err;
	size_t errors;
};

/* Without memory there is one warning less. */
static void bundle_keep(struct bundle *bundle, const char *place, const struct oci_problem *problem)
{
	size_t count = bundle->warning_count;
	char **warnings = realloc(bundle->warnings, (count + 1) * sizeof(*warnings)), *line;

	if (!warnings)
		return;
	bundle->warnings = warnings;
	if (asprintf(&line, "%s%s: %s%s%s", bundle->name, place, problem->path,
		     problem->path[0] ? ": " : "", problem->message) >= 0)
		warnings[bundle->warning_count++] = line;
}

void bundle_warn(const struct bundle *bundle)
{
	for (size_t i = 0; i < bundle->warning_count; i++)
		log_warning("%s", bundle->warnings[i]);
}

static void bundle_problem(void *data, const struct oci_problem *problem)
{
	struct bundle_problems *problems = data;
	char place[64] = "";

	if (problem->line)
		(void)snprintf(place, sizeof(place), ":%u:%u", problem->line, problem->column);
	if (problem->severity == OCI_ADVICE)
		return;
	if (problem->severity != OCI_ERROR)
		bundle_keep(problems->bundle, place, problem);
	else if (problems->errors++ == 0)
		error_set(problems->err, EINVAL, "%s%s: %s%s%s", problems->bundle->name, place,
			  problem->path, problem->path[0] ? ": " : "", problem->message);
}

static int bundle_decode(struct bundle *bundle, bool check, struct error *err)
{
	struct bundle_problems problems = {.bundle = bundle, .err = err};
	struct oci_report report = {.problem = bundle_problem, .data = &problems};
	int r;

	r = oci_config_decode(bundle->text, bundle->length, &report, &bundle->document);
	if (r == 0) {
		bundle->config = oci_document_config(bundle->document);
		if (check)
			(void)oci_config_check(bundle->config, bundle->text, bundle->length,
					       &report);
	} else if (problems.errors == 0) {
		return error_errno(err, -r, "decode %s", bundle->name);
	}
	if (problems.errors == 0)
		return 0;
	if (problems.errors > 1)
		error_hint(err, "and %zu more; `knarr check` lists all", problems.errors - 1);
	return -EINVAL;
}

int bundle_load(const char *path, struct bundle *ret_bundle, struct error *err)
{
	auto_bundle struct bundle bundle = {.name = path_basename(path)};
	int r;

	r = io_read_file(AT_FDCWD, path, 0, OCI_SIZE_MAX, &bundle.text, &bundle.length);
	if (r == -EINVAL)
		return error_set(err, EINVAL, "%s is not a regular file", path);
	if (r == -EFBIG)
		return error_set(err, EFBIG, "%s is larger than %u MiB", path, OCI_SIZE_MAX >> 20);
	if (r == -ENOENT) {
		error_errno(err, ENOENT, "open %s", path);
		return error_hint(err, "`knarr spec` writes a new one");
	}
	if (r < 0)
		return error_errno(err, -r, "read %s", path);
	r = bundle_decode(&bundle, true, err);
	if (r < 0)
		return r;
	*ret_bundle = bundle;
	bundle = BUNDLE_INIT;
	return 0;
}

int bundle_load_snapshot(const struct store_entry *entry, struct bundle *ret_bundle,
			 struct error *err)
{
	auto_bundle struct bundle bundle = {.name = STORE_CONFIG};
	int r;

	r = io_read_file(entry->fd, STORE_CONFIG, O_NOFOLLOW, OCI_SIZE_MAX, &bundle.text,
			 &bundle.length);
	if (r < 0)
		return error_errno(err, -r, "read the saved configuration of container %s",
				   entry->id);
	r = bundle_decode(&bundle, false, err);
	if (r < 0)
		return r;
	*ret_bundle = bundle;
	bundle = BUNDLE_INIT;
	return 0;
}

int bundle_locate(const struct bundle *bundle, struct error *err)
{
	unsigned int line, column;
	char field[sizeof(err->field)];

	/* One without a name has no text to find it in: the field says it. */
	if (err->field[0] == '\0' || !bundle->name)
		return -err->number;
	memcpy(field, err->field, sizeof(field));
	if (oci_locate(bundle->text, bundle->length, field, &line, &column) == 0)
		error_wrap(err, "%s:%u:%u: %s", bundle->name, line, column, field);
	else
		error_wrap(err, "%s: %s", bundle->name, field);
	err->field[0] = '\0';
	return -err->number;
}
