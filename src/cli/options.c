/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* strconv.ParseBool's words. */
static int options_parse_bool(const char *text, bool *ret_value)
{
	static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
	static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (strcmp(text, yes[i]) == 0) {
			*ret_value = true;
			return 0;
		}
		if (strcmp(text, no[i]) == 0) {
			*ret_value = false;
			return 0;
		}
	}
	return -EINVAL;
}

static const struct option *options_find_name(const struct option_table *table, const char *name,
					      size_t length)
{
	for (size_t i = 0; i < table->count; i++)
		if (strlen(table->options[i].name) == length &&
		    memcmp(table->options[i].name, name, length) == 0)
			return &table->options[i];
	return NULL;
}

static const struct option *options_find_letter(const struct option_table *table, char letter)
{
	for (size_t i = 0; letter && i < table->count; i++)
		if (table->options[i].letter == letter)
			return &table->options[i];
	return NULL;
}

static int options_append(struct option_list *list, const char *value)
{
	char **items = realloc(list->items, (list->count + 1) * sizeof(*items));

	if (!items)
		return -ENOMEM;
	list->items = items;
	items[list->count++] = (char *)(uintptr_t)value;
	return 0;
}

static int options_store(const struct option *option, const char *value, void *target,
			 struct error *err)
{
	char *member = (char *)target + option->offset;
	int r = 0;

	switch (option->kind) {
	case OPTION_SWITCH:
		if (!value)
			*(bool *)(void *)member = true;
		else
			r = options_parse_bool(value, (bool *)(void *)member);
		break;
	case OPTION_TEXT:
		*(const char **)(void *)member = value;
		break;
	case OPTION_NUMBER:
		r = text_parse_u32(value, (uint32_t *)(void *)member);
		break;
	case OPTION_LIST:
		r = options_append((struct option_list *)(void *)member, value);
		break;
	}
	if (r == -ENOMEM)
		return error_errno(err, ENOMEM, "flag --%s", option->name);
	if (r < 0)
		return error_set(err, EINVAL, "invalid value \"%s\" for flag --%s: %s", value,
				 option->name,
				 option->kind == OPTION_NUMBER ? "not a number from 0 to 4294967295"
							       : "neither true nor false");
	return 0;
}

/* The value behind "=", or the next argument. */
static int options_take(const struct option *option, const char *attached, char ***next, char **end,
			void *target, struct error *err)
{
	if (!attached && option->kind != OPTION_SWITCH) {
		if (*next == end)
			return error_set(err, EINVAL, "flag needs an argument: --%s", option->name);
		attached = *(*next)++;
	}
	return options_store(option, attached, target, err);
}

/* "-dt", "-bDIR": letters. Every letter but the last must be a switch. */
static int options_parse_letters(const struct option_table *table, const char *letters,
				 char ***next, char **end, void *target, struct error *err)
{
	for (const char *at = letters; *at; at++) {
		const struct option *option = options_find_letter(table, *at);

		if (!option)
			return error_set(err, EINVAL, "unknown flag: -%s", letters);
		if (option->kind != OPTION_SWITCH)
			return options_take(option, at[1] ? at + 1 : NULL, next, end, target, err);
		if (options_store(option, NULL, target, err) < 0)
			return -err->number;
	}
	return 0;
}

static int options_parse_one(const struct option_table *table, char *argument, char ***next,
			     char **end, void *target, struct error *err)
{
	bool single = argument[1] != '-';
	const char *name = argument + (single ? 1 : 2);
	size_t length = strcspn(name, "=");
	const char *attached = name[length] == '=' ? name + length + 1 : NULL;
	const struct option *option = options_find_name(table, name, length);

	if (!option && length == 1)
		option = options_find_letter(table, name[0]);
	if (option)
		return options_take(option, attached, next, end, target, err);
	if (single && !attached)
		return options_parse_letters(table, name, next, end, target, err);
	return error_set(err, EINVAL, "unknown flag: %s", argument);
}

int options_parse(const struct option_table *table, const struct options_input *input, void *target,
		  char **rest, int *ret_count, struct error *err)
{
	char **next = input->argv + input->index, **end = input->argv + input->argc;
	bool options = true;
	int count = 0;

	while (next < end) {
		char *argument = *next++;

		if (options && strcmp(argument, "--") == 0) {
			options = false;
			continue;
		}
		if (options && argument[0] == '-' && argument[1] != '\0') {
			int r = options_parse_one(table, argument, &next, end, target, err);

			if (r < 0)
				return r;
			continue;
		}
		if (input->in_order)
			options = false;
		rest[count++] = argument;
	}
	*ret_count = count;
	return 0;
}
