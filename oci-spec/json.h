/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON text to events: yajl, made strict, and made able to say where.
 *
 * What yajl does not see to and this module adds: well-formed UTF-8 only (RFC 3629), no byte order
 * mark, no lone surrogates in \u escapes, a limit of size, no crash without memory, and for a
 * syntax error the line, the column and one sentence. What only makes sense with a notion of the
 * document (duplicate keys, depth, NUL) is left to who gets the events.
 */
#ifndef OCI_SPEC_JSON_H
#define OCI_SPEC_JSON_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <yajl/yajl_parse.h>

struct json_block;
struct json_parser {
	const char *text;
	size_t length;
	yajl_handle handle;
	struct json_block *blocks; /* yajl's memory */
	bool is_over;		   /* all of the text was given to yajl */
	jmp_buf no_memory;
	/* The first of its memory, which is all of it for most documents: how much is taken. */
	size_t scratch_used;
	_Alignas(max_align_t) char scratch[4096];
};

enum json_result {
	JSON_DONE,	/* the whole text was one JSON value */
	JSON_CANCELLED, /* a callback returned 0 */
	JSON_SYNTAX,	/* *ret_fault says what and where; all events before it were delivered */
	JSON_NO_MEMORY,
};

struct json_fault {
	const char *message; /* a constant */
	size_t offset;	     /* of the offending byte, or the length when the text ends too early */
	bool in_string;	     /* it is within a string that is otherwise in its place */
};

/*
 * Parses. `parser` is initialised by this function but must be known to the callbacks through
 * `context`, because they need it for the functions below.
 */
enum json_result json_parse(struct json_parser *parser, const char *text, size_t length,
			    const yajl_callbacks *callbacks, void *context,
			    struct json_fault *ret_fault);

/* For use within a callback: where in the text does the present token begin? */
size_t json_string_offset(const struct json_parser *parser, const unsigned char *string);
size_t json_number_offset(const struct json_parser *parser, const char *number);
/* The same for a token whose length is known: { and [ are 1 byte, null and true 4, false 5. */
size_t json_token_offset(const struct json_parser *parser, size_t token_length);

/*
 * Line and column of an offset, both from 1. A position is remembered, so that asking in rising
 * order costs one pass over the text in all. Start with a zeroed struct json_position.
 */
struct json_position {
	size_t offset, line_start;
	unsigned int line;
};
void json_position_find(struct json_position *position, const char *text, size_t offset,
			unsigned int *ret_line, unsigned int *ret_column);

#endif
