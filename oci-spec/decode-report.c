/* SPDX-License-Identifier: Apache-2.0 */
/* Problems of a document: their paths, positions and words. */
#include "oci-spec/decode.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PATH_SIZE    4096
#define MESSAGE_SIZE 1024
#define KEY_MAX	     128 /* bytes of a key that are shown in a path */
#define VALUE_MAX    60	 /* bytes of a value that are shown in a message */

/* Text in a fixed buffer; what does not fit is cut off. */
struct text {
	char *data;
	size_t size, length;
};

static void append(struct text *text, const char *data, size_t length)
{
	if (length > text->size - 1 - text->length)
		length = text->size - 1 - text->length;
	memcpy(text->data + text->length, data, length);
	text->length += length;
	text->data[text->length] = '\0';
}

static void append_string(struct text *text, const char *string)
{
	append(text, string, strlen(string));
}

static void append_quoted(struct text *text, const char *data, size_t length, size_t max)
{
	size_t shown = length;
	char escape[8];

	if (shown > max) {
		for (shown = max; shown > 0 && ((unsigned char)data[shown] & 0xc0) == 0x80;)
			shown--;
	}
	append(text, "\"", 1);
	for (size_t i = 0; i < shown; i++) {
		unsigned char c = (unsigned char)data[i];

		if (c == '"' || c == '\\')
			snprintf(escape, sizeof(escape), "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			snprintf(escape, sizeof(escape), "\\u%04x", c);
		else
			snprintf(escape, sizeof(escape), "%c", c);
		append_string(text, escape);
	}
	append_string(text, shown < length ? "...\"" : "\"");
}

const char *decode_quote(char buffer[static DECODE_QUOTED_MAX], const char *text, size_t length)
{
	struct text quoted = {buffer, DECODE_QUOTED_MAX, 0};

	append_quoted(&quoted, text, length, VALUE_MAX);
	return buffer;
}

static bool is_plain_word(const char *key, size_t length)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	for (size_t i = 0; i < length; i++) {
		if (!key[i] || !strchr(plain, key[i]))
			return false;
	}
	return length > 0 && length <= KEY_MAX;
}

static void append_key(struct text *path, const char *key, size_t length)
{
	if (is_plain_word(key, length)) {
		append(path, ".", path->length > 0);
		append(path, key, length);
		return;
	}
	append(path, "[", 1);
	append_quoted(path, key, length, KEY_MAX);
	append(path, "]", 1);
}

static void append_path(struct decoder *decoder, struct text *path)
{
	char index[32];

	for (size_t i = 0; i < decoder->depth; i++) {
		const struct frame *frame = &decoder->frames[i];

		if (frame->kind == FRAME_LIST || frame->kind == FRAME_IGNORED_LIST) {
			snprintf(index, sizeof(index), "[%zu]", frame->index);
			append_string(path, index);
		} else if (frame->current) {
			append_key(path, frame->current->name, frame->current->name_length);
		} else if (frame->has_key) {
			const struct oci_key *key = &decoder->keys.items[frame->key];

			append_key(path, key->name, key->length);
		}
	}
}

/* The section for the value that comes now: of its field, or of the innermost object that has a
 * table. */
static const char *find_section(struct decoder *decoder)
{
	const struct oci_field *field = NULL;

	for (size_t i = decoder->depth; i > 0; i--) {
		const struct frame *frame = &decoder->frames[i - 1];

		if (frame->kind == FRAME_LIST || frame->kind == FRAME_MAP)
			field = frame->field;
		else if (frame->kind == FRAME_OBJECT && frame->current)
			field = frame->current;
		if (field && field->section)
			return field->section;
		if (frame->kind == FRAME_OBJECT)
			return frame->object->section;
	}
	return decoder->document->kind->section;
}

static void tell(struct decoder *decoder, struct oci_problem *problem, size_t offset)
{
	json_position_find(&decoder->position, decoder->parser.text, offset, &problem->line,
			   &problem->column);
	if (decoder->report && decoder->report->problem)
		decoder->report->problem(decoder->report->data, problem);
}

void decode_error_document(struct decoder *decoder, const char *message)
{
	struct oci_problem problem = {.severity = OCI_ERROR, .path = "", .message = message};

	decoder->errors++;
	if (decoder->report && decoder->report->problem)
		decoder->report->problem(decoder->report->data, &problem);
}

static bool count_error(struct decoder *decoder)
{
	if (++decoder->errors < DECODE_ERRORS_MAX)
		return true;
	decode_error_document(decoder, "too many errors; the rest of the document was not read");
	return false;
}

bool decode_error(struct decoder *decoder, size_t offset, const char *format, ...)
{
	char path_data[PATH_SIZE] = "", message[MESSAGE_SIZE];
	struct text path = {path_data, sizeof(path_data), 0};
	struct oci_problem problem = {.severity = OCI_ERROR};
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	append_path(decoder, &path);
	problem.path = path_data;
	problem.message = message;
	problem.section = find_section(decoder);
	tell(decoder, &problem, offset);
	return count_error(decoder);
}

bool decode_error_missing(struct decoder *decoder, const struct oci_field *field)
{
	struct frame *frame = decode_frame(decoder);
	bool go_on;

	frame->current = field;
	go_on = decode_error(decoder, frame->start, "required field is missing");
	frame->current = NULL;
	return go_on;
}

void decode_unknown(struct decoder *decoder, size_t offset, const char *hint)
{
	char path_data[PATH_SIZE] = "", message[MESSAGE_SIZE] = "unknown field";
	struct text path = {path_data, sizeof(path_data), 0};
	struct oci_problem problem = {.severity = OCI_UNKNOWN, .message = message};

	if (!decoder->report || !decoder->report->unknown)
		return;
	if (hint)
		snprintf(message, sizeof(message), "unknown field; did you mean \"%s\"?", hint);
	append_path(decoder, &path);
	problem.path = path_data;
	problem.section = "config.md#extensibility";
	tell(decoder, &problem, offset);
}

void decode_error_syntax(struct decoder *decoder, const struct json_fault *fault)
{
	struct oci_problem problem = {.severity = OCI_ERROR, .path = "", .message = fault->message};

	if (fault->in_string) {
		decode_error(decoder, fault->offset, "%s", fault->message);
		return;
	}
	decoder->errors++;
	tell(decoder, &problem, fault->offset);
}
