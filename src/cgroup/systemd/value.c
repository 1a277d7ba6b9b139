/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recursive descent over the text, twice: a D-Bus message wants the type of a container before
 * its elements, and in the text the elements tell it. The first time no type is expected and the
 * types are written down; the second time they are known, and the parts go to the sink.
 */
#include "cgroup/systemd/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"

/* Nothing that systemd takes is deeper than two. */
#define VALUE_DEPTH_MAX 8
#define VALUE_WORD_MAX	32

struct value_parser {
	const char *text, *at;
	const struct systemd_sink *sink; /* NULL: only look */
	char signature[SYSTEMD_SIGNATURE_SIZE];
	size_t signature_length;
	unsigned int depth;
	struct error *err;
};

static const struct {
	const char *name;
	char type;
} value_words[] = {
	{"boolean", 'b'}, {"byte", 'y'},       {"int16", 'n'},	   {"uint16", 'q'}, {"int32", 'i'},
	{"uint32", 'u'},  {"handle", 'h'},     {"int64", 'x'},	   {"uint64", 't'}, {"double", 'd'},
	{"string", 's'},  {"objectpath", 'o'}, {"signature", 'g'},
};

static int value_walk(struct value_parser *parser, const char *expected);

static int value_refuse(struct value_parser *parser, int number, const char *why)
{
	return error_set(parser->err, number, "%s at character %zu of the value", why,
			 (size_t)(parser->at - parser->text) + 1);
}

static void value_skip_space(struct value_parser *parser)
{
	parser->at += strspn(parser->at, " \t\r\n");
}

/* The length of the one complete type that begins there, 0 when there is none. */
static size_t value_type_length(const char *type)
{
	size_t length = 1, n;

	if (*type == '\0')
		return 0;
	if (strchr("bynqiuxthdsog", *type))
		return 1;
	if (*type == 'a') {
		n = value_type_length(type + 1);
		return n ? n + 1 : 0;
	}
	if (*type != '(')
		return 0;
	while (type[length] != ')') {
		n = value_type_length(type + length);
		if (n == 0)
			return 0;
		length += n;
	}
	return length > 1 ? length + 1 : 0;
}

/* Writes one more letter of the type down, when it is not known yet. */
static int value_note(struct value_parser *parser, const char *expected, char type)
{
	if (expected)
		return 0;
	if (parser->signature_length + 1 >= sizeof(parser->signature))
		return value_refuse(parser, E2BIG, "too many types");
	parser->signature[parser->signature_length++] = type;
	parser->signature[parser->signature_length] = '\0';
	return 0;
}

static int value_basic(struct value_parser *parser, char type, const union systemd_basic *value)
{
	int r;

	if (!parser->sink)
		return 0;
	r = parser->sink->basic(parser->sink->data, type, value);
	return r < 0 ? error_errno(parser->err, -r, "write a value of type %c", type) : 0;
}

static int value_open(struct value_parser *parser, char kind, const char *contents, size_t length)
{
	char type[SYSTEMD_SIGNATURE_SIZE];
	int r;

	if (!parser->sink)
		return 0;
	memcpy(type, contents, length);
	type[length] = '\0';
	r = parser->sink->open(parser->sink->data, kind, type);
	return r < 0 ? error_errno(parser->err, -r, "open a container of type %s", type) : 0;
}

static int value_close(struct value_parser *parser)
{
	int r = parser->sink ? parser->sink->close(parser->sink->data) : 0;

	return r < 0 ? error_errno(parser->err, -r, "close a container") : 0;
}

/* The largest number of a type of natural numbers, 0 for one that is none. */
static uint64_t value_natural_max(char type)
{
	return type == 'y'   ? UINT8_MAX
	       : type == 'q' ? UINT16_MAX
	       : type == 'u' ? UINT32_MAX
	       : type == 't' ? UINT64_MAX
			     : 0;
}

/* The largest of a type of integers; the smallest is one further from zero. */
static uint64_t value_integer_max(char type)
{
	return type == 'n' ? INT16_MAX : type == 'x' ? INT64_MAX : INT32_MAX;
}

static int value_integer(struct value_parser *parser, const char *word, char type)
{
	uint64_t natural = value_natural_max(type);
	bool negative = *word == '-';
	union systemd_basic value;
	uint64_t magnitude;
	char *end;

	word += negative || *word == '+';
	if (*word < '0' || *word > '9')
		return value_refuse(parser, EINVAL, "no number");
	errno = 0;
	magnitude = strtoull(word, &end, 0);
	if (*end)
		return value_refuse(parser, EINVAL, "no number");
	if (errno == ERANGE)
		return value_refuse(parser, ERANGE, "a number too large for its type");
	if ((natural && ((negative && magnitude) || magnitude > natural)) ||
	    (!natural && magnitude > value_integer_max(type) + negative))
		return value_refuse(parser, ERANGE, "a number too large for its type");
	if (natural)
		value.natural = magnitude;
	else
		value.integer = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	return value_basic(parser, type, &value);
}

static int value_real(struct value_parser *parser, const char *word)
{
	union systemd_basic value;
	char *end;

	value.real = strtod(word, &end);
	if (*end || end == word)
		return value_refuse(parser, EINVAL, "no number");
	return value_basic(parser, 'd', &value);
}

/* A number with the type that is expected, or the type that it has by itself. */
static int value_number(struct value_parser *parser, const char *expected)
{
	size_t length = strcspn(parser->at, " \t\r\n,])");
	char word[VALUE_WORD_MAX + 1], type;
	bool real;
	int r;

	if (length > VALUE_WORD_MAX)
		return value_refuse(parser, EINVAL, "no number");
	memcpy(word, parser->at, length);
	word[length] = '\0';
	real = strpbrk(word, ".eE") && !strpbrk(word, "xX");
	type = expected ? *expected : real ? 'd' : 'i';
	if (!strchr("ynqiuxthd", type))
		return value_refuse(parser, EINVAL, "a number, where another type is expected,");
	r = type == 'd' ? value_real(parser, word) : value_integer(parser, word, type);
	if (r < 0)
		return r;
	parser->at += length;
	return value_note(parser, expected, type);
}

/* Appends a code point as UTF-8. False for what is none, and for NUL. */
static bool value_append_code_point(struct text *out, unsigned long c)
{
	char bytes[4];
	size_t n = 0;

	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return false;
	if (c < 0x80) {
		bytes[n++] = (char)c;
	} else if (c < 0x800) {
		bytes[n++] = (char)(0xc0 | c >> 6);
	} else if (c < 0x10000) {
		bytes[n++] = (char)(0xe0 | c >> 12);
		bytes[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	} else {
		bytes[n++] = (char)(0xf0 | c >> 18);
		bytes[n++] = (char)(0x80 | (c >> 12 & 0x3f));
		bytes[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	}
	if (c >= 0x80)
		bytes[n++] = (char)(0x80 | (c & 0x3f));
	text_append_bytes(out, bytes, n);
	return true;
}

/* What follows a backslash, from `parser->at` on. */
static int value_escape(struct value_parser *parser, struct text *out)
{
	static const char letters[] = "abfnrtv", meanings[] = "\a\b\f\n\r\t\v";
	const char *letter;
	char digits[9] = "";
	size_t count;

	if (*parser->at == '\0')
		return value_refuse(parser, EINVAL, "a string without its end");
	if (*parser->at == 'u' || *parser->at == 'U') {
		count = *parser->at == 'u' ? 4 : 8;
		memcpy(digits, parser->at + 1, strnlen(parser->at + 1, count));
		if (strspn(digits, "0123456789abcdefABCDEF") != count ||
		    !value_append_code_point(out, strtoul(digits, NULL, 16)))
			return value_refuse(parser, EINVAL, "no character");
		parser->at += 1 + count;
		return 0;
	}
	letter = strchr(letters, *parser->at);
	if (*parser->at != '\n') /* a line that goes on */
		text_append_bytes(out, letter ? &meanings[letter - letters] : parser->at, 1);
	parser->at++;
	return 0;
}

static int value_string_body(struct value_parser *parser, struct text *out)
{
	char quote = *parser->at++;

	while (*parser->at != quote) {
		size_t plain = strcspn(parser->at, quote == '"' ? "\"\\" : "'\\");
		int r = 0;

		text_append_bytes(out, parser->at, plain);
		parser->at += plain;
		if (*parser->at == '\0')
			return value_refuse(parser, EINVAL, "a string without its end");
		if (*parser->at == '\\') {
			parser->at++;
			r = value_escape(parser, out);
		}
		if (r < 0)
			return r;
	}
	parser->at++;
	return 0;
}

static int value_string(struct value_parser *parser, const char *expected)
{
	auto_text struct text out = {0};
	union systemd_basic value;
	char type = expected ? *expected : 's';
	int r;

	if (!strchr("sog", type))
		return value_refuse(parser, EINVAL, "a string, where another type is expected,");
	r = value_string_body(parser, &out);
	if (r < 0)
		return r;
	if (out.failed)
		return error_errno(parser->err, ENOMEM, "read a string");
	value.string = out.data ? out.data : "";
	r = value_basic(parser, type, &value);
	return r < 0 ? r : value_note(parser, expected, type);
}

/* A type that the text names: it holds for the value behind it. */
static int value_typed(struct value_parser *parser, const char *expected, const char *type)
{
	size_t length = value_type_length(type);
	int r = 0;

	if (expected && strncmp(expected, type, length) != 0)
		return value_refuse(parser, EINVAL, "another type than before");
	for (size_t i = 0; i < length && r == 0; i++)
		r = value_note(parser, expected, type[i]);
	return r < 0 ? r : value_walk(parser, expected ? expected : type);
}

/* "@as []" */
static int value_annotated(struct value_parser *parser, const char *expected)
{
	size_t length = strcspn(parser->at + 1, " \t\r\n");
	char type[SYSTEMD_SIGNATURE_SIZE];

	if (length == 0 || length >= sizeof(type))
		return value_refuse(parser, EINVAL, "no type");
	memcpy(type, parser->at + 1, length);
	type[length] = '\0';
	if (value_type_length(type) != length)
		return value_refuse(parser, EINVAL, "no type");
	parser->at += 1 + length;
	return value_typed(parser, expected, type);
}

/* "true", "uint64 5" */
static int value_word(struct value_parser *parser, const char *expected)
{
	size_t length = strspn(parser->at, "abcdefghijklmnopqrstuvwxyz0123456789");
	union systemd_basic value = {.boolean = length == 4};
	char type[2] = "";
	int r;

	if ((length == 4 && strncmp(parser->at, "true", 4) == 0) ||
	    (length == 5 && strncmp(parser->at, "false", 5) == 0)) {
		if (expected && *expected != 'b')
			return value_refuse(parser, EINVAL,
					    "a boolean, where another type is expected,");
		parser->at += length;
		r = value_basic(parser, 'b', &value);
		return r < 0 ? r : value_note(parser, expected, 'b');
	}
	for (size_t i = 0; i < array_size(value_words); i++)
		if (strlen(value_words[i].name) == length &&
		    strncmp(value_words[i].name, parser->at, length) == 0)
			type[0] = value_words[i].type;
	if (type[0] == '\0')
		return value_refuse(parser, EINVAL, "neither true, false nor a type");
	parser->at += length;
	return value_typed(parser, expected, type);
}

/* The elements up to the bracket; the first one tells the type of the others. */
static int value_elements(struct value_parser *parser, const char *element)
{
	char type[SYSTEMD_SIGNATURE_SIZE];

	for (;;) {
		size_t begin = parser->signature_length;
		int r = value_walk(parser, element);

		if (r < 0)
			return r;
		if (!element) {
			/* A copy: what is written down behind it must not change it. */
			memcpy(type, parser->signature + begin,
			       parser->signature_length - begin + 1);
			element = type;
		}
		value_skip_space(parser);
		if (*parser->at == ']')
			return 0;
		if (*parser->at != ',')
			return value_refuse(parser, EINVAL, "neither \",\" nor \"]\"");
		parser->at++;
	}
}

static int value_array(struct value_parser *parser, const char *expected)
{
	int r;

	if (expected && *expected != 'a')
		return value_refuse(parser, EINVAL, "a list, where another type is expected,");
	r = value_note(parser, expected, 'a');
	if (r == 0 && expected)
		r = value_open(parser, 'a', expected + 1, value_type_length(expected + 1));
	if (r < 0)
		return r;
	parser->at++;
	value_skip_space(parser);
	if (*parser->at == ']' && !expected)
		return value_refuse(parser, EINVAL,
				    "an empty list, which needs its type (as in \"@as []\"),");
	if (*parser->at != ']')
		r = value_elements(parser, expected ? expected + 1 : NULL);
	if (r < 0)
		return r;
	parser->at++;
	return value_close(parser);
}

/* The members up to the parenthesis. With one member there may be a comma behind it. */
static int value_members(struct value_parser *parser, const char *expected)
{
	for (size_t i = 0;; i++) {
		int r;

		value_skip_space(parser);
		if (*parser->at == ')' && i > 0)
			break;
		if (expected && *expected == ')')
			return value_refuse(parser, EINVAL, "one member too many");
		r = value_walk(parser, expected);
		if (r < 0)
			return r;
		if (expected)
			expected += value_type_length(expected);
		value_skip_space(parser);
		if (*parser->at == ')')
			break;
		if (*parser->at != ',')
			return value_refuse(parser, EINVAL, "neither \",\" nor \")\"");
		parser->at++;
	}
	if (expected && *expected != ')')
		return value_refuse(parser, EINVAL, "too few members");
	return 0;
}

static int value_tuple(struct value_parser *parser, const char *expected)
{
	int r;

	if (expected && *expected != '(')
		return value_refuse(parser, EINVAL, "a tuple, where another type is expected,");
	r = value_note(parser, expected, '(');
	if (r == 0 && expected)
		r = value_open(parser, '(', expected + 1, value_type_length(expected) - 2);
	if (r < 0)
		return r;
	parser->at++;
	r = value_members(parser, expected ? expected + 1 : NULL);
	if (r < 0)
		return r;
	parser->at++;
	r = value_close(parser);
	return r < 0 ? r : value_note(parser, expected, ')');
}

/* One value. `expected` is its type, perhaps with more behind it, or NULL. */
static int value_walk(struct value_parser *parser, const char *expected)
{
	int r;

	if (parser->depth == VALUE_DEPTH_MAX)
		return value_refuse(parser, E2BIG, "too many levels");
	value_skip_space(parser);
	parser->depth++;
	switch (*parser->at) {
	case '@':
		r = value_annotated(parser, expected);
		break;
	case 'a' ... 'z':
		r = value_word(parser, expected);
		break;
	case '"':
	case '\'':
		r = value_string(parser, expected);
		break;
	case '[':
		r = value_array(parser, expected);
		break;
	case '(':
		r = value_tuple(parser, expected);
		break;
	case '<':
	case '{':
		r = value_refuse(parser, EINVAL,
				 "a variant or a dictionary, which no property is,");
		break;
	default:
		r = value_number(parser, expected);
	}
	parser->depth--;
	return r;
}

static int value_whole(struct value_parser *parser, const char *expected)
{
	int r = value_walk(parser, expected);

	if (r < 0)
		return r;
	value_skip_space(parser);
	return *parser->at ? value_refuse(parser, EINVAL, "something behind the value") : 0;
}

int systemd_value_type(const char *text, char ret_signature[SYSTEMD_SIGNATURE_SIZE],
		       struct error *err)
{
	struct value_parser parser = {.text = text, .at = text, .err = err}, second;
	int r = value_whole(&parser, NULL);

	if (r < 0)
		return r;
	/* What is written down twice for one value is nothing that systemd_value_emit() takes. */
	second = (struct value_parser){.text = text, .at = text, .err = err};
	r = value_whole(&second, parser.signature);
	if (r < 0)
		return r;
	memcpy(ret_signature, parser.signature, sizeof(parser.signature));
	return 0;
}

int systemd_value_emit(const char *text, const char *signature, const struct systemd_sink *sink,
		       struct error *err)
{
	struct value_parser parser = {.text = text, .at = text, .sink = sink, .err = err};

	return value_whole(&parser, signature);
}

void systemd_value_quote(struct text *out, const char *string)
{
	text_append(out, "'");
	for (;;) {
		size_t plain = strcspn(string, "'\\");

		text_append_bytes(out, string, plain);
		string += plain;
		if (*string == '\0')
			break;
		text_append(out, "\\");
		text_append_bytes(out, string++, 1);
	}
	text_append(out, "'");
}
