/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a JSON path back to a place in the text. Done only when there is something to tell, so it
 * reads the text again rather than having the decoder note where everything was.
 *
 * The parser's events are followed along the path. `matched` components have been found so far, and
 * as long as the number of open brackets is matched + 1, the present one is on the path.
 */
#include "oci-spec/json.h"
#include "oci-spec/oci-spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct locator {
	struct json_parser parser;
	const char *path; /* what has not been matched */
	size_t depth;	  /* brackets that are open */
	size_t matched;	  /* components of the path */
	size_t skip;	  /* items of the present array before the one that is looked for */
	size_t found;	  /* offset of the value at what has been matched */
	bool in_array;	  /* the bracket on the path is a [ */
	bool is_next;	  /* the value that comes now is the next one on the path */
	bool is_done;
};

/* Is there an index at the head of the path? Moves the path behind it. */
static bool take_index(struct locator *locator, size_t *ret_index)
{
	const char *p = locator->path;
	size_t index = 0;

	if (*p++ != '[' || *p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(index, 10, &index) ||
		    __builtin_add_overflow(index, (size_t)(*p - '0'), &index))
			return false;
	}
	if (*p != ']')
		return false;
	locator->path = p + 1;
	*ret_index = index;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* The next byte of a quoted key, where \" \\ and \u00XX stand for one; moves *p behind it. */
static int quoted_byte(const char **p)
{
	const char *s = *p;
	int high, low;

	if (*s != '\\') {
		*p = s + 1;
		return (unsigned char)*s;
	}
	if (s[1] == '"' || s[1] == '\\') {
		*p = s + 2;
		return s[1];
	}
	if (strncmp(s, "\\u00", 4) != 0)
		return -1;
	high = hex_digit(s[4]);
	low = high < 0 ? -1 : hex_digit(s[5]);
	if (low < 0)
		return -1;
	*p = s + 6;
	return high * 16 + low;
}

/* Does ["..."] at `p` say `key`? Returns what follows it, else NULL. */
static const char *match_quoted(const char *p, const char *key, size_t length)
{
	p += 2;
	for (size_t i = 0; i < length; i++) {
		if (!*p || *p == '"' || quoted_byte(&p) != (unsigned char)key[i])
			return NULL;
	}
	return p[0] == '"' && p[1] == ']' ? p + 2 : NULL;
}

static bool take_key(struct locator *locator, const char *key, size_t length)
{
	const char *p = locator->path;

	if (p[0] == '[' && p[1] == '"') {
		p = match_quoted(p, key, length);
	} else {
		p += *p == '.';
		if (length > 0 && strcspn(p, ".[") == length && !memcmp(p, key, length))
			p += length;
		else
			p = NULL;
	}
	if (!p)
		return false;
	locator->path = p;
	return true;
}

static bool is_on_path(const struct locator *locator)
{
	return locator->depth == locator->matched + 1;
}

/* A value begins. Returns whether to go on. */
static bool value(struct locator *locator, size_t offset)
{
	if (locator->depth == 0) {
		locator->found = offset;
		locator->is_done = !*locator->path;
		return !locator->is_done;
	}
	if (is_on_path(locator) && locator->in_array)
		locator->is_next = locator->skip-- == 0;
	if (!locator->is_next)
		return true;
	locator->is_next = false;
	locator->matched++;
	locator->found = offset;
	locator->is_done = !*locator->path;
	return !locator->is_done;
}

static bool open_bracket(struct locator *locator, bool is_array)
{
	if (!value(locator, json_token_offset(&locator->parser, 1)))
		return false;
	locator->depth++;
	if (!is_on_path(locator))
		return true;
	locator->in_array = is_array;
	/* An index for an object, or a key for an array: the path ends here. */
	locator->is_done = is_array && !take_index(locator, &locator->skip);
	return !locator->is_done;
}

/* The bracket on the path closes, and what was looked for was not in it. */
static bool close_bracket(struct locator *locator)
{
	locator->is_done = is_on_path(locator);
	locator->depth--;
	return !locator->is_done;
}

static bool scalar(struct locator *locator, size_t offset)
{
	bool was_next = locator->is_next ||
			(is_on_path(locator) && locator->in_array && locator->skip == 0);

	if (!value(locator, offset))
		return false;
	/* There is nothing below a scalar, however the path goes on. */
	locator->is_done = was_next;
	return !locator->is_done;
}

static int on_null(void *context)
{
	struct locator *locator = context;

	return scalar(locator, json_token_offset(&locator->parser, strlen("null")));
}

static int on_boolean(void *context, int boolean)
{
	struct locator *locator = context;

	return scalar(locator, json_token_offset(&locator->parser,
						 boolean ? strlen("true") : strlen("false")));
}

static int on_number(void *context, const char *text, size_t length)
{
	struct locator *locator = context;

	return scalar(locator, json_number_offset(&locator->parser, text));
}

static int on_string(void *context, const unsigned char *text, size_t length)
{
	struct locator *locator = context;

	return scalar(locator, json_string_offset(&locator->parser, text));
}

static int on_key(void *context, const unsigned char *text, size_t length)
{
	struct locator *locator = context;

	if (is_on_path(locator))
		locator->is_next = take_key(locator, (const char *)text, length);
	return true;
}

static int on_start_map(void *context)
{
	return open_bracket(context, false);
}

static int on_start_array(void *context)
{
	return open_bracket(context, true);
}

static int on_end(void *context)
{
	return close_bracket(context);
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_start_map,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_end,
};

int oci_locate(const char *text, size_t length, const char *path, unsigned int *ret_line,
	       unsigned int *ret_column)
{
	struct locator locator = {.path = path};
	struct json_position position = {0};
	struct json_fault fault;
	enum json_result result;

	if (length > OCI_SIZE_MAX)
		return -ENOENT;
	result = json_parse(&locator.parser, text, length, &callbacks, &locator, &fault);
	if (result == JSON_NO_MEMORY || (result == JSON_SYNTAX && !locator.is_done))
		return -ENOENT;
	json_position_find(&position, text, locator.found, ret_line, ret_column);
	return 0;
}
