/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines: arguments separated by NULs; the first byte says whether the order counts. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"

#define ARGUMENTS_MAX 64

struct target {
	bool all, detach;
	const char *bundle, *log;
	uint32_t number;
};

static const struct option options[] = {
	OPTION(target, all, "all", 'a', NULL, "a switch"),
	OPTION(target, bundle, "bundle", 'b', "DIR", "a text"),
	OPTION(target, detach, "detach", 'd', NULL, "a switch"),
	OPTION(target, log, "log", 0, "FILE", "a text without a letter"),
	OPTION(target, number, "number", 'n', "N", "a number"),
};
static const struct option_table table = {options, sizeof(options) / sizeof(options[0])};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A text that was stored is one of the arguments, or the end of one. */
static void check_text(const char *text, char *const *argv, int argc)
{
	for (int i = 0; text && i < argc; i++)
		if (text >= argv[i] && text <= argv[i] + strlen(argv[i]))
			return;
	if (text)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *argv[ARGUMENTS_MAX], *rest[ARGUMENTS_MAX] = {0}, *copy;
	struct options_input input = {.argv = argv};
	struct error err = ERROR_INIT;
	struct target target = {0};
	int count = -1, r;

	if (size == 0)
		return 0;
	input.in_order = data[0] & 1;
	copy = malloc(size);
	if (!copy)
		return 0;
	memcpy(copy, data + 1, size - 1);
	copy[size - 1] = '\0';
	for (size_t at = 0; at < size && input.argc < ARGUMENTS_MAX; at += strlen(copy + at) + 1)
		argv[input.argc++] = copy + at;
	r = options_parse(&table, &input, &target, rest, &count, &err);
	if (r == 0 ? count < 0 || count > input.argc : count != -1 || !err.message[0])
		abort();
	for (int i = 0; i < count; i++)
		check_text(rest[i], argv, input.argc);
	check_text(target.bundle, argv, input.argc);
	check_text(target.log, argv, input.argc);
	free(copy);
	return 0;
}
