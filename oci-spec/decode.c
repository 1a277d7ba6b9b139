/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The structure of a document: which table an object has, which field comes, what is missing.
 *
 * yajl calls back for each token. A stack of frames, one per open bracket, knows what the next
 * value is for; a value goes straight into its struct, whose place is known when the bracket opens.
 * What nobody wants (unknown fields, fields of other platforms, values of a wrong type) is walked
 * through in frames of their own, because duplicate keys and NUL are errors there too.
 *
 * A callback returns 0 to stop: after too many errors, at OCI_DEPTH_MAX, or without memory.
 */
#include "oci-spec/decode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The value that came is complete: the next one is for something else. */
static bool value_done(struct decoder *decoder, bool go_on)
{
	struct frame *frame = decode_top(decoder);

	if (frame) {
		frame->current = NULL;
		frame->has_key = false;
		frame->index++;
	}
	return go_on && !decoder->no_memory;
}

static bool push(struct decoder *decoder, const struct frame *frame)
{
	if (decoder->depth == OCI_DEPTH_MAX) {
		decode_error(decoder, frame->start, "nested deeper than %d levels", OCI_DEPTH_MAX);
		return false;
	}
	decoder->frames[decoder->depth] = *frame;
	decoder->frames[decoder->depth].first_key = decoder->keys.count;
	decoder->depth++;
	return true;
}

static struct frame pop(struct decoder *decoder)
{
	struct frame frame = decoder->frames[--decoder->depth];

	oci_keys_cut(&decoder->keys, frame.first_key);
	return frame;
}

static int on_null(void *context)
{
	struct decoder *decoder = context;

	return value_done(
		decoder, decode_null(decoder, json_token_offset(&decoder->parser, strlen("null"))));
}

static int on_boolean(void *context, int value)
{
	struct decoder *decoder = context;
	size_t length = value ? strlen("true") : strlen("false");

	return value_done(decoder,
			  decode_bool(decoder, value, json_token_offset(&decoder->parser, length)));
}

static int on_number(void *context, const char *text, size_t length)
{
	struct decoder *decoder = context;

	return value_done(decoder, decode_number(decoder, text, length,
						 json_number_offset(&decoder->parser, text)));
}

/* NUL can only come from an escape: yajl refuses control characters. */
static bool has_nul(const char *text, size_t length)
{
	return length > 0 && memchr(text, '\0', length);
}

static int on_string(void *context, const unsigned char *data, size_t length)
{
	struct decoder *decoder = context;
	struct decode_text string = {(const char *)data, length,
				     json_string_offset(&decoder->parser, data)};

	if (has_nul(string.text, length))
		return value_done(decoder, decode_error(decoder, string.offset,
							"the string contains a NUL character"));
	return value_done(decoder, decode_string(decoder, &string));
}

/* ---- keys ---- */

/* Fields mostly come in the order of the table, so the search begins behind the last one. */
static const struct oci_field *find_field(struct frame *frame, const char *name, size_t length)
{
	const struct oci_object *object = frame->object;
	size_t index = frame->next_field;

	for (size_t i = 0; i < object->count; i++, index++) {
		const struct oci_field *field;

		if (index >= object->count)
			index = 0;
		field = &object->fields[index];
		if (field->name_length == length && !memcmp(field->name, name, length)) {
			frame->next_field = index + 1;
			return field;
		}
	}
	return NULL;
}

/* A field that differs from an unknown one only in upper and lower case. */
static const char *find_similar(const struct oci_object *object, const char *name, size_t length)
{
	for (size_t i = 0; i < object->count; i++) {
		if (object->fields[i].name_length == length &&
		    !strncasecmp(object->fields[i].name, name, length))
			return object->fields[i].name;
	}
	return NULL;
}

/* Gives a key that yajl put together elsewhere (it has escapes) a place to stay. */
static bool keep_key(struct decoder *decoder, struct decode_text *key)
{
	const char *text = decoder->parser.text;

	if (key->text >= text && key->text < text + decoder->parser.length)
		return true;
	key->text = decode_strndup(decoder, key->text, key->length);
	return key->text != NULL;
}

/* A key that stands for no field: it is remembered by name. */
static bool remember_key(struct decoder *decoder, struct frame *frame,
			 const struct decode_text *key, bool is_duplicate)
{
	bool was_there;

	if (oci_keys_add(&decoder->keys, frame->first_key, key->text, key->length, &was_there) <
	    0) {
		decoder->no_memory = true;
		return false;
	}
	frame->key = decoder->keys.count - 1;
	frame->has_key = true;
	return !(was_there || is_duplicate) || decode_error(decoder, key->offset, "duplicate key");
}

static bool map_key(struct decoder *decoder, struct frame *frame, struct decode_text *key)
{
	char *name = decode_strndup(decoder, key->text, key->length);
	char **item = name ? decode_append(decoder, frame) : NULL;

	if (!item)
		return false;
	/* The key is the first member of struct oci_string_pair and of all objects in a map. */
	*item = name;
	key->text = name;
	return remember_key(decoder, frame, key, false);
}

static bool object_key(struct decoder *decoder, struct frame *frame, struct decode_text *key)
{
	const struct oci_field *field = find_field(frame, key->text, key->length);
	uint64_t bit = field ? UINT64_C(1) << (field - frame->object->fields) : 0;

	if (field && !(frame->seen & bit)) {
		frame->seen |= bit;
		frame->current = field;
		return true;
	}
	/* The second value of a duplicate has no place, as the first one is in it already. */
	if (!keep_key(decoder, key) || !remember_key(decoder, frame, key, field != NULL))
		return false;
	if (!field)
		decode_unknown(decoder, key->offset,
			       find_similar(frame->object, key->text, key->length));
	return true;
}

static int on_key(void *context, const unsigned char *data, size_t length)
{
	struct decoder *decoder = context;
	struct frame *frame = decode_frame(decoder);
	struct decode_text key = {(const char *)data, length,
				  json_string_offset(&decoder->parser, data)};

	if (has_nul(key.text, length))
		return decode_error(decoder, key.offset, "a key contains a NUL character");
	if (frame->kind == FRAME_OBJECT)
		return object_key(decoder, frame, &key);
	if (frame->kind == FRAME_MAP)
		return map_key(decoder, frame, &key);
	return keep_key(decoder, &key) && remember_key(decoder, frame, &key, false);
}

/* ---- objects and arrays ---- */

static void *find_member(const struct frame *frame)
{
	return (char *)frame->target + frame->current->offset;
}

/* The list that an array or map fills. Even an empty one has items, which tells it from an absent
 * one. */
static bool begin_list(struct decoder *decoder, struct oci_list *list)
{
	list->items = decode_alloc(decoder, 0);
	return list->items != NULL;
}

/* Decides what the { is that begins the value of the field frame->current. */
static bool begin_object(struct decoder *decoder, const struct frame *frame, struct frame *next)
{
	const struct oci_field *field = frame->current;
	void *member = find_member(frame);

	switch ((enum oci_kind)field->kind) {
	case OCI_KIND_OBJECT:
		next->kind = FRAME_OBJECT;
		next->object = field->object;
		next->target = decode_alloc(decoder, field->object->size);
		*(void **)member = next->target;
		return next->target != NULL;
	case OCI_KIND_EMBEDDED:
		next->kind = FRAME_OBJECT;
		next->object = field->object;
		next->target = member;
		return true;
	case OCI_KIND_STRING_MAP:
	case OCI_KIND_OBJECT_MAP:
		next->kind = FRAME_MAP;
		next->field = field;
		next->target = member;
		return begin_list(decoder, member);
	default:
		return decode_wrong_type(decoder, "an object", next->start);
	}
}

/* The same for a { that is an item of a list or map. */
static bool begin_item(struct decoder *decoder, struct frame *frame, struct frame *next)
{
	const struct oci_field *field = frame->field;
	struct oci_list *list = frame->target;

	if (field->kind == OCI_KIND_OBJECTS)
		next->target = decode_append(decoder, frame);
	else if (field->kind == OCI_KIND_OBJECT_MAP)
		next->target = (char *)list->items + (list->count - 1) * field->object->size;
	else
		return decode_wrong_type(decoder, "an object", next->start);
	next->kind = FRAME_OBJECT;
	next->object = field->object;
	return next->target != NULL;
}

static int on_start_map(void *context)
{
	struct decoder *decoder = context;
	struct frame *frame = decode_top(decoder);
	struct frame next = {.kind = FRAME_IGNORED};
	bool go_on = true;

	next.start = json_token_offset(&decoder->parser, 1);
	if (!frame) {
		next.kind = FRAME_OBJECT;
		next.object = decoder->document->kind;
		next.target = decode_alloc(decoder, next.object->size);
		decoder->document->root = next.target;
		go_on = next.target != NULL;
	} else if (frame->kind == FRAME_OBJECT && frame->current) {
		go_on = begin_object(decoder, frame, &next);
	} else if (frame->kind == FRAME_LIST || (frame->kind == FRAME_MAP && frame->has_key)) {
		go_on = begin_item(decoder, frame, &next);
	}
	return go_on && push(decoder, &next);
}

static bool is_required(const struct frame *frame, const struct oci_field *field)
{
	if (field->need == OCI_REQUIRED_UNLESS_FIFO)
		return ((const struct oci_device *)frame->target)->type != 'p';
	return field->need == OCI_REQUIRED;
}

static bool finish_object(struct decoder *decoder)
{
	struct frame *frame = decode_frame(decoder);

	for (size_t i = 0; i < frame->object->count; i++) {
		const struct oci_field *field = &frame->object->fields[i];
		char *member = (char *)frame->target + field->offset;

		if (field->kind == OCI_KIND_LETTER && field->need == OCI_OPTIONAL && !*member)
			*member = field->letters[0];
		if (!(frame->seen & UINT64_C(1) << i) && is_required(frame, field) &&
		    !decode_error_missing(decoder, field))
			return false;
	}
	return true;
}

static int on_end_map(void *context)
{
	struct decoder *decoder = context;
	bool go_on = decode_frame(decoder)->kind != FRAME_OBJECT || finish_object(decoder);

	pop(decoder);
	return value_done(decoder, go_on);
}

static int on_start_array(void *context)
{
	struct decoder *decoder = context;
	struct frame *frame = decode_top(decoder);
	struct frame next = {.kind = FRAME_IGNORED_LIST};
	const struct oci_field *field =
		frame && frame->kind == FRAME_OBJECT ? frame->current : NULL;
	bool go_on = true;

	next.start = json_token_offset(&decoder->parser, 1);
	switch (field ? (enum oci_kind)field->kind : OCI_KIND_IGNORED) {
	case OCI_KIND_STRINGS:
	case OCI_KIND_U32S:
	case OCI_KIND_WORDS:
	case OCI_KIND_OBJECTS:
		next.kind = FRAME_LIST;
		next.field = field;
		next.target = find_member(frame);
		go_on = begin_list(decoder, next.target);
		break;
	case OCI_KIND_OPT_FLAGS:
	case OCI_KIND_FLAGS:
		next.kind = FRAME_LIST;
		next.field = field;
		next.target = find_member(frame);
		if (field->kind == OCI_KIND_OPT_FLAGS)
			((struct oci_seccomp_flags *)next.target)->set = true;
		break;
	default:
		go_on = decode_wrong_type(decoder, "an array", next.start);
		break;
	}
	return go_on && push(decoder, &next);
}

static int on_end_array(void *context)
{
	struct decoder *decoder = context;

	pop(decoder);
	return value_done(decoder, true);
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_start_map,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end_map,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_end_array,
};

/* ---- documents ---- */

/* False when the text is not JSON up to its end, or was not read so far. */
static bool parse(struct decoder *decoder, const char *text, size_t length)
{
	struct json_fault fault;

	if (length > OCI_SIZE_MAX) {
		decode_error_document(decoder, "larger than 64 MiB");
		return false;
	}
	switch (json_parse(&decoder->parser, text, length, &callbacks, decoder, &fault)) {
	case JSON_DONE:
		return true;
	case JSON_CANCELLED:
		return false;
	case JSON_SYNTAX:
		decode_error_syntax(decoder, &fault);
		return false;
	case JSON_NO_MEMORY:
		decoder->no_memory = true;
		return false;
	}
	return false;
}

/* Decodes what there is. *ret_document is given, with what could be used of it, unless memory ran
 * out or *ret_broken says that the text is no JSON up to its end. */
static int decode_all(const struct oci_object *kind, const char *text, size_t length,
		      const struct oci_report *report, struct oci_document **ret_document,
		      bool *ret_broken)
{
	struct decoder decoder = {.report = report,
				  .document = calloc(1, sizeof(*decoder.document))};
	int r = 0;

	if (!decoder.document) {
		decode_error_document(&decoder, "out of memory");
		return -ENOMEM;
	}
	decoder.document->kind = kind;
	/* In memory most are some longer than their text, few twice as long. */
	oci_arena_expect(&decoder.document->arena, 2 * length);

	*ret_broken = !parse(&decoder, text, length);
	if (decoder.no_memory) {
		decode_error_document(&decoder, "out of memory");
		oci_document_free(decoder.document);
		r = -ENOMEM;
	} else {
		*ret_document = decoder.document;
		r = decoder.errors ? -EBADMSG : 0;
	}
	oci_keys_free(&decoder.keys);
	return r;
}

int oci_object_decode(const struct oci_object *kind, const char *text, size_t length,
		      const struct oci_report *report, struct oci_document **ret_document)
{
	struct oci_document *document = NULL;
	bool broken;
	int r = decode_all(kind, text, length, report, &document, &broken);

	if (r == 0)
		*ret_document = document;
	else
		oci_document_free(document);
	return r;
}

int oci_config_decode_broken(const char *text, size_t length, const struct oci_report *report,
			     struct oci_document **ret_document)
{
	struct oci_document *document = NULL;
	bool broken = true;
	int r = decode_all(&oci_config_object, text, length, report, &document, &broken);

	/* What is behind a syntax error is unknown, and nothing can be said of it. */
	if (r == -EBADMSG && (broken || !document->root)) {
		oci_document_free(document);
		document = NULL;
	}
	*ret_document = r == -ENOMEM ? NULL : document;
	return r;
}

int oci_config_decode(const char *text, size_t length, const struct oci_report *report,
		      struct oci_document **ret_document)
{
	return oci_object_decode(&oci_config_object, text, length, report, ret_document);
}

int oci_process_decode(const char *text, size_t length, const struct oci_report *report,
		       struct oci_document **ret_document)
{
	return oci_object_decode(&oci_process_object, text, length, report, ret_document);
}

int oci_resources_decode(const char *text, size_t length, const struct oci_report *report,
			 struct oci_document **ret_document)
{
	return oci_object_decode(&oci_resources_object, text, length, report, ret_document);
}

void *oci_document_object(const struct oci_document *document, const struct oci_object *kind)
{
	return document->kind == kind ? document->root : NULL;
}

struct oci_config *oci_document_config(const struct oci_document *document)
{
	return oci_document_object(document, &oci_config_object);
}

struct oci_process *oci_document_process(const struct oci_document *document)
{
	return oci_document_object(document, &oci_process_object);
}

struct oci_resources *oci_document_resources(const struct oci_document *document)
{
	return oci_document_object(document, &oci_resources_object);
}

void oci_document_free(struct oci_document *document)
{
	if (!document)
		return;
	oci_arena_free(&document->arena);
	free(document);
}
