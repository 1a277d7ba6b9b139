/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text is looked over once before yajl gets it (find_bad_bytes). When that finds a fault, yajl
 * gets only what stands before it, and its first byte: a syntax error further up is then still
 * reported first, and no byte sequence that yajl is known to handle badly ever reaches it.
 * (Versions without the fixes for CVE-2017-16516 read beyond a string that ends in half a surrogate
 * pair.)
 *
 * yajl does not check whether its allocations succeed. It gets its memory from here, and when there
 * is none, json_alloc() jumps back to json_parse(), which frees all blocks. This also mends the
 * leaks of CVE-2023-33460. What most documents need is in the parser itself: an allocator may ask
 * the kernel for each of a few larger blocks, and three documents are read by every command.
 */
#include "oci-spec/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct json_block {
	struct json_block *next, *previous;
	_Alignas(max_align_t) char data[];
};

/* ---- memory ---- */

/* An address sanitizer is told which of the scratch is somebody's; elsewhere these are nothing. */
#ifndef __has_feature /* clang's way to tell; gcc has the macro */
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(start, size)	 ((void)(start), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#endif

#define SCRATCH_HEADER _Alignof(max_align_t) /* holds the size of what follows */

static bool scratch_has(const struct json_parser *parser, const void *data)
{
	const char *start = data;

	return start >= parser->scratch && start < parser->scratch + sizeof(parser->scratch);
}

static size_t scratch_size(const void *data)
{
	return *(const size_t *)((const char *)data - SCRATCH_HEADER);
}

static void *scratch_alloc(struct json_parser *parser, size_t size)
{
	size_t room = sizeof(parser->scratch) - parser->scratch_used;
	char *header = parser->scratch + parser->scratch_used;

	if (size > sizeof(parser->scratch))
		return NULL;
	size = (size + SCRATCH_HEADER - 1) & ~(SCRATCH_HEADER - 1);
	if (SCRATCH_HEADER + size > room)
		return NULL;
	parser->scratch_used += SCRATCH_HEADER + size;
	ASAN_UNPOISON_MEMORY_REGION(header, sizeof(size_t));
	ASAN_UNPOISON_MEMORY_REGION(header + SCRATCH_HEADER, size);
	*(size_t *)header = size;
	return header + SCRATCH_HEADER;
}

/* Only what was taken last is given back: a document takes little, and not for long. */
static void scratch_free(struct json_parser *parser, void *data)
{
	size_t size = scratch_size(data);

	if ((char *)data + size == parser->scratch + parser->scratch_used)
		parser->scratch_used -= SCRATCH_HEADER + size;
	ASAN_POISON_MEMORY_REGION(data, size);
}

static struct json_block *block_of(void *data)
{
	return (struct json_block *)((char *)data - offsetof(struct json_block, data));
}

/* Puts a block that was (re)allocated at its place into the list. */
static void *block_link(struct json_parser *parser, struct json_block *block)
{
	if (block->next)
		block->next->previous = block;
	if (block->previous)
		block->previous->next = block;
	else
		parser->blocks = block;
	return block->data;
}

static void *json_alloc(void *context, size_t size)
{
	struct json_parser *parser = context;
	struct json_block *block = NULL;
	void *scratch = scratch_alloc(parser, size);

	if (scratch)
		return scratch;
	if (size <= SIZE_MAX - sizeof(*block))
		block = malloc(sizeof(*block) + size);
	if (!block)
		longjmp(parser->no_memory, 1);
	block->next = parser->blocks;
	block->previous = NULL;
	return block_link(parser, block);
}

static void json_free(void *context, void *data)
{
	struct json_parser *parser = context;
	struct json_block *block;

	if (!data)
		return;
	if (scratch_has(parser, data)) {
		scratch_free(parser, data);
		return;
	}
	block = block_of(data);
	if (block->next)
		block->next->previous = block->previous;
	if (block->previous)
		block->previous->next = block->next;
	else
		parser->blocks = block->next;
	free(block);
}

static void *json_realloc(void *context, void *data, size_t size)
{
	struct json_parser *parser = context;
	struct json_block *block = NULL;

	if (!data)
		return json_alloc(context, size);
	if (scratch_has(parser, data)) {
		size_t before = scratch_size(data);
		void *grown = json_alloc(context, size);

		memcpy(grown, data, before < size ? before : size);
		scratch_free(parser, data);
		return grown;
	}
	if (size <= SIZE_MAX - sizeof(*block))
		block = realloc(block_of(data), sizeof(*block) + size);
	if (!block)
		longjmp(parser->no_memory, 1);
	return block_link(parser, block);
}

static void free_blocks(struct json_parser *parser)
{
	while (parser->blocks)
		json_free(parser, parser->blocks->data);
}

/* The length of the UTF-8 sequence at `s`, of which `left` bytes are there; 0 when it is none.
 * Table 3-7 of the Unicode standard: shortest forms only, no surrogates, up to U+10FFFF. */
static size_t utf8_length(const unsigned char *s, size_t left)
{
	size_t length = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	unsigned char low = 0x80, high = 0xbf;

	if (s[0] < 0xc2 || s[0] > 0xf4 || length > left)
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++) {
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	}
	return length;
}

/* The code unit of the \u escape at `s`, or -1 when it is none. */
static int escape_unit(const unsigned char *s, size_t left)
{
	int unit = 0;

	if (left < 6 || s[0] != '\\' || s[1] != 'u')
		return -1;
	for (size_t i = 2; i < 6; i++) {
		int digit = s[i] >= '0' && s[i] <= '9'	 ? s[i] - '0'
			    : s[i] >= 'a' && s[i] <= 'f' ? s[i] - 'a' + 10
			    : s[i] >= 'A' && s[i] <= 'F' ? s[i] - 'A' + 10
							 : -1;
		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

/* The length of the escape at `s`, 0 when it is a surrogate without its other half. What is no
 * valid escape at all is for yajl to refuse. */
static size_t escape_length(const unsigned char *s, size_t left)
{
	int unit = escape_unit(s, left), second;

	if (unit < 0)
		return left < 2 ? left : 2;
	if (unit < 0xd800 || unit > 0xdfff)
		return 6;
	if (unit > 0xdbff)
		return 0;
	second = escape_unit(s + 6, left - 6);
	return second >= 0xdc00 && second <= 0xdfff ? 12 : 0;
}

/* Are all eight bytes at `s` ASCII, and none a backslash? (An exclusive or makes a backslash zero;
 * the borrow of a subtraction finds a zero byte.) */
static bool is_plain(const unsigned char *s)
{
	const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
	uint64_t word, escapes;

	memcpy(&word, s, sizeof(word));
	escapes = word ^ (ones * '\\');
	return !((word | ((escapes - ones) & ~escapes)) & tops);
}

static bool find_bad_bytes(const char *text, size_t length, struct json_fault *ret_fault)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t i = 0, step;

	if (length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
		*ret_fault = (struct json_fault){"begins with a byte order mark", 0, false};
		return true;
	}
	while (i < length) {
		if (length - i >= 8 && is_plain(s + i)) {
			i += 8;
			continue;
		}
		if (s[i] == '\\') {
			step = escape_length(s + i, length - i);
			if (!step) {
				*ret_fault = (struct json_fault){
					"half of a surrogate pair is not a character", i, true};
				return true;
			}
		} else {
			step = s[i] < 0x80 ? 1 : utf8_length(s + i, length - i);
			if (!step) {
				*ret_fault = (struct json_fault){"invalid UTF-8", i, true};
				return true;
			}
		}
		i += step;
	}
	return false;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The end of the token that begins at `i`. Only as exact as finding the token before an error
 * needs: words and numbers are one kind. */
static size_t token_end(const char *text, size_t length, size_t i)
{
	if (text[i] == '"') {
		for (i++; i < length && text[i] != '"'; i++)
			i += text[i] == '\\';
		return i < length ? i + 1 : length;
	}
	if (strchr("{}[]:,", text[i]))
		return i + 1;
	while (i < length && !is_space(text[i]) && !strchr("{}[]:,\"", text[i]))
		i++;
	return i;
}

/* Where does the last token begin of those that begin before `end`? yajl has gone past the token
 * that it did not want by the time it complains. */
static size_t last_token(const char *text, size_t length, size_t end)
{
	size_t last = 0;

	for (size_t i = 0; i < end && i < length;) {
		if (is_space(text[i])) {
			i++;
			continue;
		}
		last = i;
		i = token_end(text, length, i);
	}
	return last;
}

enum fault_place {
	AT_TOKEN,  /* the token that yajl has just read */
	AT_UNREAD, /* the token that yajl has put back */
	AT_BYTE,   /* the byte that yajl has just read */
	AT_NEXT,   /* the byte that it did not want to read */
	AT_END,
};

/* yajl's reasons (yajl_parser.c and yajl_lex.c of 2.1), and how we say it. */
static const struct reason {
	const char *theirs, *ours;
	enum fault_place place;
} reasons[] = {
	{"premature EOF", "the text ends too early", AT_END},
	{"trailing garbage", "more text behind the end of the document", AT_TOKEN},
	{"unallowed token", "a value is expected here", AT_TOKEN},
	{"invalid object key", "a key (a string) is expected here", AT_TOKEN},
	{"object key and value must", "':' is expected here, between key and value", AT_TOKEN},
	{"after key and value", "',' or '}' is expected here", AT_UNREAD},
	{"after array element", "',' or ']' is expected here", AT_TOKEN},
	{"occurs before a character", "not an escape sequence of JSON", AT_BYTE},
	{"invalid (non-hex)", "four hexadecimal digits are expected after \\u", AT_NEXT},
	{"invalid character inside string", "a control character must be escaped", AT_NEXT},
	{"after the exponent", "a digit is expected in the exponent", AT_NEXT},
	{"after the decimal point", "a digit is expected after the decimal point", AT_NEXT},
	{"after the minus sign", "a digit is expected after the minus sign", AT_NEXT},
	{"probable comment", "comments are not part of JSON", AT_NEXT},
	{"invalid string in json text", "not a word of JSON", AT_TOKEN},
	{"invalid char in json text", "not a character of JSON", AT_BYTE},
};

static void explain(struct json_parser *parser, struct json_fault *ret_fault)
{
	/* What yajl finds out only when it is told that the text is over, it counts from there; and
	 * half a string or number is then no more than that. */
	size_t consumed =
		parser->is_over ? parser->length : yajl_get_bytes_consumed(parser->handle);
	const char *theirs = (const char *)yajl_get_error(parser->handle, 0, NULL, 0);
	struct reason reason = {NULL, "not valid JSON", AT_BYTE};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (strstr(theirs, reasons[i].theirs)) {
			reason = reasons[i];
			break;
		}
	}
	if (parser->is_over && (reason.place == AT_BYTE || reason.place == AT_NEXT))
		reason = reasons[0];
	if (reason.place == AT_BYTE && consumed > 0)
		consumed--;
	else if (reason.place == AT_TOKEN)
		consumed = last_token(parser->text, parser->length, consumed);
	else if (reason.place == AT_UNREAD)
		consumed = last_token(parser->text, parser->length, consumed + 1);
	else if (reason.place == AT_END)
		consumed = parser->length;
	ret_fault->message = reason.ours;
	ret_fault->in_string = false;
	ret_fault->offset = consumed < parser->length ? consumed : parser->length;
}

/* Gives yajl the text, or what it may have of it. */
static enum json_result feed(struct json_parser *parser, bool is_complete,
			     struct json_fault *ret_fault)
{
	const unsigned char *text = (const unsigned char *)parser->text;
	yajl_status status = yajl_parse(parser->handle, text, parser->length);

	if (status == yajl_status_ok && is_complete) {
		parser->is_over = true;
		status = yajl_complete_parse(parser->handle);
	}
	if (status == yajl_status_client_canceled)
		return JSON_CANCELLED;
	if (status == yajl_status_error) {
		explain(parser, ret_fault);
		return JSON_SYNTAX;
	}
	return is_complete ? JSON_DONE : JSON_SYNTAX;
}

/* A function of its own, without a variable that changes, because of what C says of variables
 * after longjmp(). */
static enum json_result parse_guarded(struct json_parser *parser, const yajl_callbacks *callbacks,
				      void *context, bool is_complete, struct json_fault *ret_fault)
{
	yajl_alloc_funcs functions = {json_alloc, json_realloc, json_free, parser};

	if (setjmp(parser->no_memory))
		return JSON_NO_MEMORY;
	parser->handle = yajl_alloc(callbacks, &functions, context);
	yajl_config(parser->handle, yajl_dont_validate_strings, 1);
	return feed(parser, is_complete, ret_fault);
}

enum json_result json_parse(struct json_parser *parser, const char *text, size_t length,
			    const yajl_callbacks *callbacks, void *context,
			    struct json_fault *ret_fault)
{
	enum json_result result;
	bool is_bad;

	parser->text = text;
	parser->length = length;
	is_bad = find_bad_bytes(text, length, ret_fault);
	if (is_bad && !ret_fault->in_string)
		return JSON_SYNTAX;
	/* With the first of the bad bytes, because yajl knows whether it is within a string. */
	if (is_bad)
		parser->length = ret_fault->offset + 1;
	parser->blocks = NULL;
	parser->is_over = false;
	parser->scratch_used = 0;
	ASAN_POISON_MEMORY_REGION(parser->scratch, sizeof(parser->scratch));
	result = parse_guarded(parser, callbacks, context, !is_bad, ret_fault);
	free_blocks(parser);
	ASAN_UNPOISON_MEMORY_REGION(parser->scratch, sizeof(parser->scratch));
	return result;
}

size_t json_token_offset(const struct json_parser *parser, size_t token_length)
{
	return yajl_get_bytes_consumed(parser->handle) - token_length;
}

size_t json_number_offset(const struct json_parser *parser, const char *number)
{
	/* A number at the very end of the text is delivered from a buffer of yajl's. */
	if (number >= parser->text && number < parser->text + parser->length)
		return (size_t)(number - parser->text);
	return last_token(parser->text, parser->length, parser->length);
}

size_t json_string_offset(const struct json_parser *parser, const unsigned char *string)
{
	const char *start = (const char *)string;
	size_t offset, escapes;

	if (start > parser->text && start < parser->text + parser->length)
		return (size_t)(start - parser->text) - 1;

	/* A string with escapes was put together elsewhere. Go back from its closing quote: a quote
	 * inside stands behind an odd number of backslashes, the opening one behind none. */
	for (offset = yajl_get_bytes_consumed(parser->handle) - 1; offset > 0;) {
		if (parser->text[--offset] != '"')
			continue;
		for (escapes = 0; escapes < offset; escapes++) {
			if (parser->text[offset - escapes - 1] != '\\')
				break;
		}
		if (escapes % 2 == 0)
			break;
	}
	return offset;
}

void json_position_find(struct json_position *position, const char *text, size_t offset,
			unsigned int *ret_line, unsigned int *ret_column)
{
	const char *newline;

	if (!position->line || offset < position->offset)
		*position = (struct json_position){0, 0, 1};
	while ((newline = memchr(text + position->offset, '\n', offset - position->offset))) {
		position->offset = (size_t)(newline - text) + 1;
		position->line_start = position->offset;
		position->line++;
	}
	position->offset = offset;
	*ret_line = position->line;
	*ret_column = (unsigned int)(offset - position->line_start) + 1;
}
