/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int text_parse_u64(const char *text, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (*text == '\0')
		return -EINVAL;
	for (const char *c = text; *c; c++)
		if (*c < '0' || *c > '9')
			return -EINVAL;
	for (; *text; text++)
		if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return -ERANGE;
	*ret_value = value;
	return 0;
}

int text_parse_u32(const char *text, uint32_t *ret_value)
{
	uint64_t value;
	int r = text_parse_u64(text, &value);

	if (r < 0)
		return r;
	if (value > UINT32_MAX)
		return -ERANGE;
	*ret_value = (uint32_t)value;
	return 0;
}

int text_parse_i64(const char *text, int64_t *ret_value)
{
	bool negative = *text == '-';
	uint64_t value;
	int r = text_parse_u64(text + negative, &value);

	if (r < 0)
		return r;
	if (value > (uint64_t)INT64_MAX + negative)
		return -ERANGE;
	*ret_value = negative ? (int64_t)(0 - value) : (int64_t)value;
	return 0;
}

int text_parse_id(const char *text, uint32_t *ret_value)
{
	uint32_t value;
	int r = text_parse_u32(text, &value);

	if (r < 0)
		return r;
	if (value == UINT32_MAX)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

/* How many bytes of a control character begin here, or 0. C1 begins with 0xc2 in UTF-8, and some
 * terminals take it for ESC and a letter. */
static size_t text_control_length(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;

	if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
		return 2;
	return c[0] < 0x20 || c[0] == 0x7f;
}

void text_make_line(char *text)
{
	for (; *text; text++)
		for (size_t n = text_control_length(text); n > 0; n--)
			text[n - 1] = '?';
}

void text_quote_output(const char *output, size_t length, char *line, size_t size)
{
	size_t at = 0;

	while (length > 0 && (unsigned char)output[length - 1] <= ' ')
		length--;
	for (size_t i = 0; i < length && at + 3 < size; i++) {
		unsigned char c = (unsigned char)output[i];
		/* The byte behind may be the last: a lone 0xc2 is no character. */
		bool pair = c == 0xc2 && i + 1 < length && text_control_length(output + i) == 2;

		if (c == '\n')
			line[at++] = ';';
		line[at++] = c < 0x20 || c == 0x7f || pair ? ' ' : (char)c;
		i += pair;
	}
	line[at] = '\0';
}

bool text_starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

void text_clear(struct text *text)
{
	free(text->data);
	*text = (struct text){0};
}

static bool text_reserve(struct text *text, size_t more)
{
	size_t size = text->size ? text->size : 256;
	char *data;

	if (text->failed)
		return false;
	if (more > SIZE_MAX / 4 || text->length > SIZE_MAX / 4) {
		text->failed = true;
		return false;
	}
	if (text->length + more + 1 <= text->size)
		return true;
	while (size < text->length + more + 1)
		size *= 2;
	data = realloc(text->data, size);
	if (!data) {
		text->failed = true;
		return false;
	}
	text->data = data;
	text->size = size;
	return true;
}

void text_append_bytes(struct text *text, const char *bytes, size_t length)
{
	if (!text_reserve(text, length))
		return;
	memcpy(text->data + text->length, bytes, length);
	text->length += length;
	text->data[text->length] = '\0';
}

void text_append(struct text *text, const char *string)
{
	text_append_bytes(text, string, strlen(string));
}

void text_format(struct text *text, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0 || !text_reserve(text, (size_t)length)) {
		text->failed = true;
		return;
	}
	va_start(args, format);
	(void)vsnprintf(text->data + text->length, (size_t)length + 1, format, args);
	va_end(args);
	text->length += (size_t)length;
}

/* The length of the valid UTF-8 sequence at `s`, or 0 (RFC 3629: no overlong form, no surrogate).
 */
static size_t text_utf8_length(const unsigned char *s)
{
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		return (s[1] & 0xc0) == 0x80 ? 2 : 0;
	if (s[0] >= 0xe0 && s[0] <= 0xef) {
		if ((s[1] & 0xc0) != 0x80 || (s[2] & 0xc0) != 0x80 ||
		    (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f))
			return 0;
		return 3;
	}
	if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		if ((s[1] & 0xc0) != 0x80 || (s[2] & 0xc0) != 0x80 || (s[3] & 0xc0) != 0x80 ||
		    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
			return 0;
		return 4;
	}
	return 0;
}

void text_append_json(struct text *text, const char *string)
{
	const unsigned char *s = (const unsigned char *)string;

	text_append(text, "\"");
	while (*s) {
		size_t n = text_utf8_length(s);

		if (*s == '"' || *s == '\\') {
			text_format(text, "\\%c", *s);
		} else if (*s == '\n') {
			text_append(text, "\\n");
		} else if (*s == '\t') {
			text_append(text, "\\t");
		} else if (*s < 0x20 || *s == 0x7f) {
			text_format(text, "\\u%04x", *s);
		} else if (n == 0) {
			text_append(text, "\\ufffd");
			n = 1;
		} else {
			text_append_bytes(text, (const char *)s, n);
		}
		s += n;
	}
	text_append(text, "\"");
}
