/* SPDX-License-Identifier: Apache-2.0 */
/* Other lines for a class of resctrl that is in use. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/text.h"
#include "cgroup/resctrl/resctrl.h"

#define RESCTRL_SCHEMATA_MAX (1U << 20)

/* The resource's name at the beginning of a line ("    L3:0=ff;1=ff"): where it ends. */
static size_t resctrl_name_length(const char *line)
{
	return strcspn(line, ":\n");
}

static const char *resctrl_skip_space(const char *line)
{
	return line + strspn(line, " \t");
}

void resctrl_previous(const char *schema, const char *schemata, struct text *text)
{
	for (const char *line = schema; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *name = resctrl_skip_space(line);
		size_t length = resctrl_name_length(name);

		for (const char *old = schemata; *old;
		     old += strcspn(old, "\n"), old += *old == '\n') {
			const char *own = resctrl_skip_space(old);

			if (length == 0 || resctrl_name_length(own) != length ||
			    strncmp(own, name, length) != 0)
				continue;
			text_append_bytes(text, own, strcspn(own, "\n"));
			text_append(text, "\n");
		}
	}
}

static int resctrl_write_schema(int dir, const char *group, const char *schema, struct error *err)
{
	auto_free char *mount_point = NULL, *line = NULL;
	struct error ignored = ERROR_INIT;
	char status[200];
	int r;

	/* The kernel takes whole lines only. */
	if (asprintf(&line, "%s%s", schema, strchr(schema, '\0')[-1] == '\n' ? "" : "\n") < 0) {
		line = NULL;
		return error_errno(err, ENOMEM, "resctrl");
	}
	r = io_write_value(dir, "schemata", line);
	if (r == 0)
		return 0;
	error_errno(err, -r, "write %.*s to %s/schemata", (int)strcspn(schema, "\n"), schema,
		    group);
	if (resctrl_locate(&mount_point, &ignored) == 0) {
		auto_close int mount = open(mount_point, O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (mount >= 0 &&
		    io_read_small(mount, "info/last_cmd_status", status, sizeof(status)) > 0 &&
		    strcmp(status, "ok") != 0)
			error_hint(err, "resctrl says: %s", status);
	}
	return r;
}

static int resctrl_write_all(int dir, const char *group, const char *const *schemata, size_t count,
			     struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		if (schemata[i] && schemata[i][0])
			r = resctrl_write_schema(dir, group, schemata[i], err);
	return r;
}

int resctrl_update(const char *group, const char *const *schemata, size_t count, char **ret_before,
		   struct error *err)
{
	auto_close int dir = open(group, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_text struct text before = {0};
	auto_free char *content = NULL;
	struct error ignored = ERROR_INIT;
	const char *old;
	int r;

	if (dir < 0)
		return error_errno(err, errno, "open class %s", group);
	r = io_read_file(dir, "schemata", 0, RESCTRL_SCHEMATA_MAX, &content, NULL);
	if (r < 0)
		return error_errno(err, -r, "read %s/schemata", group);
	text_append(&before, "");
	for (size_t i = 0; i < count; i++)
		if (schemata[i])
			resctrl_previous(schemata[i], content, &before);
	if (before.failed)
		return error_errno(err, ENOMEM, "resctrl");
	old = before.data;
	r = resctrl_write_all(dir, group, schemata, count, err);
	if (r < 0) {
		(void)resctrl_write_all(dir, group, &old, 1, &ignored);
		return r;
	}
	if (ret_before) {
		*ret_before = before.data;
		before = (struct text){0};
	}
	return 0;
}
