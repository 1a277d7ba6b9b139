/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/idmap/tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "kernel/program.h"

#define IDMAP_TOOL_MS	      10000
#define IDMAP_TOOL_OUTPUT_MAX 4096

/* TOOL PID, and three arguments for each line of the map. */
struct idmap_tool_arguments {
	char **argv;
	struct text numbers; /* what argv points into: NUL after each */
};

static void idmap_tool_clear(struct idmap_tool_arguments *arguments)
{
	free(arguments->argv);
	text_clear(&arguments->numbers);
}

static void idmap_tool_number(struct idmap_tool_arguments *arguments, uint32_t number)
{
	text_format(&arguments->numbers, "%u", number);
	text_append_bytes(&arguments->numbers, "", 1);
}

static int idmap_tool_arguments(const char *tool, pid_t pid, const struct oci_id_mappings *map,
				struct idmap_tool_arguments *arguments)
{
	size_t count = 1 + 3 * map->count;
	char *at;

	arguments->argv = calloc(count + 2, sizeof(char *));
	if (!arguments->argv)
		return -ENOMEM;
	idmap_tool_number(arguments, (uint32_t)pid);
	for (size_t i = 0; i < map->count; i++) {
		idmap_tool_number(arguments, map->items[i].container_id);
		idmap_tool_number(arguments, map->items[i].host_id);
		idmap_tool_number(arguments, map->items[i].size);
	}
	if (arguments->numbers.failed)
		return -ENOMEM;
	arguments->argv[0] = (char *)(uintptr_t)tool;
	at = arguments->numbers.data;
	for (size_t i = 0; i < count; i++, at += strlen(at) + 1)
		arguments->argv[1 + i] = at;
	return 0;
}

int idmap_tool_run(const char *tool, pid_t pid, const struct oci_id_mappings *map,
		   const char *field, struct error *err)
{
	struct idmap_tool_arguments __attribute__((cleanup(idmap_tool_clear))) arguments = {0};
	struct program program = {.output = PROGRAM_CAPTURE, .errors = PROGRAM_CAPTURE};
	auto_program_result struct program_result result = {0};
	char path[64];
	int r;

	if (program_find(tool, path, sizeof(path)) < 0) {
		error_set(err, ENOENT,
			  "needs %s to map more than the user's own id, and it is not "
			  "there",
			  tool);
		error_hint(err, "install the package uidmap (shadow-utils)");
		return error_at(err, "%s", field);
	}
	if (idmap_tool_arguments(tool, pid, map, &arguments) < 0)
		return error_errno(err, ENOMEM, "run %s", path);
	program.name = program.path = path;
	program.arguments = arguments.argv;
	r = program_run(&program, IDMAP_TOOL_MS, IDMAP_TOOL_OUTPUT_MAX, &result, err);
	if (r < 0)
		return error_at(err, "%s", field);
	if (program_judge(&program, &result, err) == 0)
		return 0;
	error_hint(err, "see /etc/subuid and /etc/subgid for the ids that this user may map");
	return error_at(err, "%s", field);
}
