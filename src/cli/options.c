/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/quantity.h"
#include "base/text.h"
#include "cli/suggestion.h"

/* Those that need no value: without one they are true. */
static bool options_is_switch(enum option_kind kind)
{
	return kind == OPTION_SWITCH || kind == OPTION_CHOICE;
}

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

/* Room for one more item of a list that is appended to. NULL: none. */
static void *options_grow(void *items, size_t count, size_t size)
{
	return realloc(items, (count + 1) * size);
}

static int options_append(struct oci_strings *list, const char *value)
{
	char **items = options_grow(list->items, list->count, sizeof(*items));

	if (!items)
		return -ENOMEM;
	list->items = items;
	items[list->count++] = (char *)(uintptr_t)value;
	return 0;
}

static int options_append_id(struct oci_u32s *list, const char *value)
{
	uint32_t *items = options_grow(list->items, list->count, sizeof(*items));

	if (!items)
		return -ENOMEM;
	list->items = items;
	return text_parse_id(value, &items[list->count++]);
}

static int options_parse_weight(const char *text, uint16_t *ret_weight)
{
	uint32_t weight;

	if (text_parse_u32(text, &weight) < 0 || weight > UINT16_MAX)
		return -EINVAL;
	*ret_weight = (uint16_t)weight;
	return 0;
}

static int options_parse_bytes(const char *text, int64_t *ret_bytes)
{
	if (strcmp(text, "-1") != 0)
		return quantity_parse_bytes(text, ret_bytes);
	*ret_bytes = -1;
	return 0;
}

/* The kinds that an empty value takes back. */
static int options_store_optional(enum option_kind kind, const char *value, void *member)
{
	const char *const filled = value[0] != '\0' ? value : NULL;
	struct oci_opt_u16 weight = {.set = filled};
	struct oci_opt_u64 number = {.set = filled};
	struct oci_opt_i64 amount = {.set = filled};
	int r = 0;

	if (kind == OPTION_FILLED) {
		*(const char **)member = filled;
	} else if (kind == OPTION_WEIGHT) {
		r = filled ? options_parse_weight(filled, &weight.value) : 0;
		*(struct oci_opt_u16 *)member = weight;
	} else if (kind == OPTION_UNSIGNED) {
		r = filled ? text_parse_u64(filled, &number.value) : 0;
		*(struct oci_opt_u64 *)member = number;
	} else {
		if (filled)
			r = kind == OPTION_BYTES ? options_parse_bytes(filled, &amount.value)
						 : text_parse_i64(filled, &amount.value);
		*(struct oci_opt_i64 *)member = amount;
	}
	return r;
}

static int options_store_value(enum option_kind kind, const char *value, void *member)
{
	struct oci_opt_bool *choice;

	switch (kind) {
	case OPTION_SWITCH:
		return options_parse_bool(value, (bool *)member);
	case OPTION_CHOICE:
		choice = (struct oci_opt_bool *)member;
		choice->set = true;
		return options_parse_bool(value, &choice->value);
	case OPTION_TEXT:
		*(const char **)member = value;
		return 0;
	case OPTION_NUMBER:
		return text_parse_u32(value, (uint32_t *)member);
	case OPTION_LIST:
		return options_append((struct oci_strings *)member, value);
	case OPTION_IDS:
		return options_append_id((struct oci_u32s *)member, value);
	default:
		return options_store_optional(kind, value, member);
	}
}

static const char *options_what_is_wrong(enum option_kind kind, int error)
{
	static const char *const words[] = {
		[OPTION_SWITCH] = "neither true nor false",
		[OPTION_CHOICE] = "neither true nor false",
		[OPTION_NUMBER] = "not a number from 0 to 4294967295",
		[OPTION_IDS] = "not a user or group id",
		[OPTION_WEIGHT] = "not a number from 10 to 1000",
		[OPTION_SIGNED] = "not a whole number",
		[OPTION_UNSIGNED] = "not a whole number from 0 on",
		[OPTION_BYTES] = "not a number of bytes, such as 1048576, 512m or -1",
	};

	return kind == OPTION_BYTES && error == -ERANGE ? "too large" : words[kind];
}

static int options_store(const struct option *option, const char *value, void *target,
			 struct error *err)
{
	int r = options_store_value(option->kind, value, (char *)target + option->offset);

	if (r == -ENOMEM)
		return error_errno(err, ENOMEM, "flag --%s", option->name);
	if (r < 0)
		return error_set(err, EINVAL, "invalid value \"%s\" for flag --%s: %s", value,
				 option->name, options_what_is_wrong(option->kind, r));
	return 0;
}

bool options_is_given(const struct option *option, const void *target)
{
	const void *member = (const char *)target + option->offset;

	switch (option->kind) {
	case OPTION_TEXT:
	case OPTION_FILLED:
		return *(const char *const *)member;
	case OPTION_WEIGHT:
		return ((const struct oci_opt_u16 *)member)->set;
	case OPTION_UNSIGNED:
		return ((const struct oci_opt_u64 *)member)->set;
	case OPTION_SIGNED:
	case OPTION_BYTES:
		return ((const struct oci_opt_i64 *)member)->set;
	default:
		return false;
	}
}

/* The value behind "=", or the next argument. */
static int options_take(const struct option *option, const char *attached, char ***next, char **end,
			void *target, struct error *err)
{
	if (!attached && options_is_switch(option->kind)) {
		attached = "true";
	} else if (!attached) {
		if (*next == end)
			return error_set(err, EINVAL, "flag needs an argument: --%s", option->name);
		attached = *(*next)++;
	}
	return options_store(option, attached, target, err);
}

static int options_unknown(const struct option_table *table, const char *argument,
			   struct error *err)
{
	const char *name = argument + strspn(argument, "-");
	auto_free char *word = strndup(name, strcspn(name, "="));
	struct suggestion suggestion = SUGGESTION_INIT(word ? word : "");

	error_set(err, EINVAL, "unknown flag: %s", argument);
	for (size_t i = 0; i < table->count; i++)
		if (table->options[i].help)
			suggestion_consider(&suggestion, table->options[i].name);
	return suggestion.best ? error_hint(err, "did you mean --%s?", suggestion.best)
			       : -err->number;
}

/*
 * "-dt", "-bDIR", "-eNAME=VALUE": letters. Every letter but the last must be a switch. A misspelt
 * "-bunlde=DIR" is none of them, for the value of a letter has a "=" only where it is a list.
 */
static int options_parse_letters(const struct option_table *table, const char *argument,
				 char ***next, char **end, void *target, struct error *err)
{
	const bool equals = strchr(argument, '=');

	for (const char *at = argument + 1; *at; at++) {
		const struct option *option = options_find_letter(table, *at);

		if (!option ||
		    (equals && !options_is_switch(option->kind) && option->kind != OPTION_LIST))
			return options_unknown(table, argument, err);
		if (!options_is_switch(option->kind))
			return options_take(option, at[1] ? at + 1 : NULL, next, end, target, err);
		if (options_store(option, "true", target, err) < 0)
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
	if (single)
		return options_parse_letters(table, argument, next, end, target, err);
	return options_unknown(table, argument, err);
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
