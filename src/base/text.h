/* SPDX-License-Identifier: Apache-2.0 */
/* Text to numbers, and text that grows. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Decimal numbers, the whole string and nothing else: no space, no sign (but '-' for the signed
 * one), no leading "0x". Return 0, -EINVAL when it is no number, -ERANGE when it does not fit.
 */
int text_parse_u64(const char *text, uint64_t *ret_value);
int text_parse_u32(const char *text, uint32_t *ret_value);
int text_parse_i64(const char *text, int64_t *ret_value);
/* A user or group id: as u32, and not (uid_t)-1, which the kernel takes for "leave as it is". */
int text_parse_id(const char *text, uint32_t *ret_value);

/*
 * Makes one line of what came from outside and goes to a terminal or a log: whatever controls one
 * of them (C0, DEL, and C1 as UTF-8 has it) becomes '?'.
 */
void text_make_line(char *text);

/* The same of a program's output, which need not end with NUL, into `line`: white space at its end
 * is cut, newlines become "; ", other controls spaces. */
void text_quote_output(const char *output, size_t length, char *line, size_t size);

bool text_starts_with(const char *text, const char *prefix);

/* A NUL-terminated text that grows. Zero-initialise; text_clear() frees. After a failed append
 * .failed is set and everything further is dropped, so only the end needs a check. */
struct text {
	char *data;
	size_t length, size;
	bool failed;
};
void text_clear(struct text *text);
void text_append(struct text *text, const char *string);
void text_append_bytes(struct text *text, const char *bytes, size_t length);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As a JSON string, with its quotes. Bytes that are no valid UTF-8 become U+FFFD. */
void text_append_json(struct text *text, const char *string);

#define auto_text __attribute__((cleanup(text_clear)))

#endif
