/* SPDX-License-Identifier: Apache-2.0 */
/* What several rules ask of a string or of the namespaces. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci-spec/check-rules.h"

/* How many bytes of a string are shown, of `max`: not half a character. */
static size_t shown_length(const char *string, size_t max)
{
	size_t length = strnlen(string, max + 1);

	if (length <= max)
		return length;
	for (length = max; length > 0 && ((unsigned char)string[length] & 0xc0) == 0x80;)
		length--;
	return length;
}

/* Quotes as JSON does. Returns the number of bytes written; at most 6 a byte and 6 more. */
static size_t quote(char *buffer, const char *string, size_t max)
{
	size_t shown = shown_length(string, max), used = 0;

	buffer[used++] = '"';
	for (size_t i = 0; i < shown; i++) {
		unsigned char c = (unsigned char)string[i];

		if (c < 0x20 || c == 0x7f) {
			used += (size_t)sprintf(buffer + used, "\\u%04x", c);
			continue;
		}
		if (c == '"' || c == '\\')
			buffer[used++] = '\\';
		buffer[used++] = (char)c;
	}
	return used + (size_t)sprintf(buffer + used, "%s\"", string[shown] ? "..." : "");
}

const char *check_show(struct check *check, const char *string)
{
	char *shown = check->shown[check->next_shown];

	check->next_shown = !check->next_shown;
	quote(shown, string ? string : "", CHECK_VALUE_MAX);
	return shown;
}

static bool is_plain_word(const char *key)
{
	size_t length = strnlen(key, CHECK_KEY_MAX + 1);

	return length > 0 && length <= CHECK_KEY_MAX &&
	       strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
		       length;
}

struct check *check_at_key(struct check *check, const char *field, const char *key,
			   const char *member)
{
	char quoted[6 * CHECK_KEY_MAX + 8];

	if (is_plain_word(key)) {
		check_at(check, "%s.%s%s%s", field, key, member ? "." : "", member ? member : "");
		return check;
	}
	quote(quoted, key, CHECK_KEY_MAX);
	check_at(check, "%s[%s]%s%s", field, quoted, member ? "." : "", member ? member : "");
	return check;
}

bool check_is_empty(const char *string)
{
	return !string || !string[0];
}

bool check_has_dotdot(const char *path)
{
	while (*path) {
		size_t length = strcspn(path, "/");

		if (length == 2 && path[0] == '.' && path[1] == '.')
			return true;
		path += length;
		path += strspn(path, "/");
	}
	return false;
}

/* Reads a decimal number. There are no signs or blanks in a list, so strtoul() alone is too kind.
 */
static bool read_number(const char **cursor, unsigned long *ret_number)
{
	char *end;
	unsigned long number;

	if (**cursor < '0' || **cursor > '9')
		return false;
	number = strtoul(*cursor, &end, 10);
	if (end - *cursor > 9)
		return false;
	*cursor = end;
	*ret_number = number;
	return true;
}

bool check_is_list(const char *string)
{
	for (;;) {
		unsigned long first, last;

		if (!read_number(&string, &first))
			return false;
		last = first;
		if (*string == '-') {
			string++;
			if (!read_number(&string, &last))
				return false;
		}
		if (last < first)
			return false;
		if (!*string)
			return true;
		if (*string++ != ',')
			return false;
	}
}

bool check_is_interface(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length > 15 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	return strpbrk(name, "/: \f\n\r\t\v") == NULL;
}

const struct oci_namespace *check_find_namespace(const struct check *check, uint64_t type)
{
	if (!check->linux)
		return NULL;
	for (size_t i = 0; i < check->linux->namespaces.count; i++)
		if (check->linux->namespaces.items[i].type == type)
			return &check->linux->namespaces.items[i];
	return NULL;
}
