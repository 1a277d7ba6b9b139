/* SPDX-License-Identifier: Apache-2.0 */
/* Scalars: from a token of the text to a member of a struct, by the field's kind. */
#include "oci-spec/decode.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Lists of valid words are told when they fit into a line. */
#define WORDS_SHORT 120

void *decode_alloc(struct decoder *decoder, size_t size)
{
	void *data = oci_arena_alloc(&decoder->document->arena, size);

	decoder->no_memory |= !data;
	return data;
}

char *decode_strndup(struct decoder *decoder, const char *text, size_t length)
{
	char *copy = oci_arena_strndup(&decoder->document->arena, text, length);

	decoder->no_memory |= !copy;
	return copy;
}

static size_t item_size(const struct oci_field *field)
{
	switch ((enum oci_kind)field->kind) {
	case OCI_KIND_STRINGS:
		return sizeof(char *);
	case OCI_KIND_U32S:
		return sizeof(uint32_t);
	case OCI_KIND_WORDS:
		return sizeof(int);
	case OCI_KIND_STRING_MAP:
		return sizeof(struct oci_string_pair);
	default:
		return field->object->size;
	}
}

void *decode_append(struct decoder *decoder, struct frame *frame)
{
	struct oci_list *list = frame->target;
	size_t size = item_size(frame->field);
	void *items;

	items = oci_arena_grow(&decoder->document->arena, list->items, list->count, size,
			       &frame->capacity);
	if (!items) {
		decoder->no_memory = true;
		return NULL;
	}
	list->items = items;
	return (char *)items + size * list->count++;
}

/* What the place of the present value is for. NULL field: any value, it is dropped. */
struct place {
	const struct oci_field *field;
	bool is_item; /* of the list or map that the field is */
	struct frame *frame;
};

static struct place find_place(struct decoder *decoder)
{
	struct frame *frame = decode_top(decoder);

	if (frame && frame->kind == FRAME_OBJECT)
		return (struct place){frame->current, false, frame};
	/* In a map, the value of a key that was refused has no place. */
	if (frame && (frame->kind == FRAME_LIST || (frame->kind == FRAME_MAP && frame->has_key)))
		return (struct place){frame->field, true, frame};
	return (struct place){NULL, false, frame};
}

static const char *expected_item(const struct oci_field *field)
{
	switch ((enum oci_kind)field->kind) {
	case OCI_KIND_OBJECTS:
	case OCI_KIND_OBJECT_MAP:
		return "an object";
	case OCI_KIND_U32S:
		return "an integer";
	default:
		return "a string";
	}
}

static const char *expected_field(const struct oci_field *field)
{
	switch ((enum oci_kind)field->kind) {
	case OCI_KIND_STRING:
	case OCI_KIND_WORD:
	case OCI_KIND_LETTER:
		return "a string";
	case OCI_KIND_BOOL:
	case OCI_KIND_OPT_BOOL:
		return "true or false";
	case OCI_KIND_FLAGS:
	case OCI_KIND_OPT_FLAGS:
	case OCI_KIND_STRINGS:
	case OCI_KIND_U32S:
	case OCI_KIND_WORDS:
	case OCI_KIND_OBJECTS:
		return "an array";
	case OCI_KIND_OBJECT:
	case OCI_KIND_EMBEDDED:
	case OCI_KIND_STRING_MAP:
	case OCI_KIND_OBJECT_MAP:
		return "an object";
	default:
		return "an integer";
	}
}

bool decode_wrong_type(struct decoder *decoder, const char *got, size_t offset)
{
	struct place place = find_place(decoder);
	const char *expected = "an object"; /* the document itself */

	if (place.frame && (!place.field || place.field->kind == OCI_KIND_IGNORED))
		return true;
	if (place.field)
		expected = place.is_item ? expected_item(place.field) : expected_field(place.field);
	return decode_error(decoder, offset, "expected %s, not %s", expected, got);
}

bool decode_null(struct decoder *decoder, size_t offset)
{
	struct place place = find_place(decoder);

	/* Go programs write null for a nil slice, map or pointer, and read it as absence. */
	if (place.field && !place.is_item &&
	    (place.field->need == OCI_OPTIONAL || place.field->need == OCI_DEFAULTED))
		return true;
	return decode_wrong_type(decoder, "null", offset);
}

bool decode_bool(struct decoder *decoder, bool value, size_t offset)
{
	struct place place = find_place(decoder);
	struct oci_opt_bool *optional;
	char *member;

	if (place.field && !place.is_item) {
		member = (char *)place.frame->target + place.field->offset;
		if (place.field->kind == OCI_KIND_BOOL) {
			*(bool *)member = value;
			return true;
		}
		if (place.field->kind == OCI_KIND_OPT_BOOL) {
			optional = (struct oci_opt_bool *)member;
			*optional = (struct oci_opt_bool){true, value};
			return true;
		}
	}
	return decode_wrong_type(decoder, value ? "true" : "false", offset);
}

/* An integer of up to 64 bits and either sign. */
struct integer {
	bool negative; /* there was a minus sign */
	uint64_t magnitude;
};

enum parsed { PARSED, NOT_INTEGER, TOO_LARGE };

static enum parsed parse_integer(const char *text, size_t length, struct integer *ret_integer)
{
	struct integer integer = {.negative = length > 0 && text[0] == '-'};
	bool too_large = false;

	for (size_t i = integer.negative; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return NOT_INTEGER;
		too_large |= __builtin_mul_overflow(integer.magnitude, 10, &integer.magnitude);
		too_large |= __builtin_add_overflow(integer.magnitude, (uint64_t)(text[i] - '0'),
						    &integer.magnitude);
	}
	*ret_integer = integer;
	return too_large ? TOO_LARGE : PARSED;
}

/* The range of a kind: from -below to above. `is_signed` also decides over "-0". */
struct range {
	bool is_signed;
	uint64_t below, above;
};

static bool find_range(enum oci_kind kind, struct range *ret_range)
{
	switch (kind) {
	case OCI_KIND_I32:
	case OCI_KIND_OPT_I32:
		*ret_range = (struct range){true, (uint64_t)INT32_MAX + 1, INT32_MAX};
		return true;
	case OCI_KIND_I64:
	case OCI_KIND_OPT_I64:
		*ret_range = (struct range){true, (uint64_t)INT64_MAX + 1, INT64_MAX};
		return true;
	case OCI_KIND_OPT_U16:
		*ret_range = (struct range){false, 0, UINT16_MAX};
		return true;
	case OCI_KIND_U32:
	case OCI_KIND_OPT_U32:
	case OCI_KIND_U32S:
		*ret_range = (struct range){false, 0, UINT32_MAX};
		return true;
	case OCI_KIND_U64:
	case OCI_KIND_OPT_U64:
		*ret_range = (struct range){false, 0, UINT64_MAX};
		return true;
	default:
		return false;
	}
}

static bool is_in_range(const struct integer *integer, const struct range *range)
{
	if (integer->negative)
		return range->is_signed && integer->magnitude <= range->below;
	return integer->magnitude <= range->above;
}

static bool error_integer(struct decoder *decoder, const struct oci_field *field,
			  const struct range *range, const char *text, size_t length, size_t offset)
{
	int shown = length > 40 ? 40 : (int)length;
	const char *dots = length > 40 ? "..." : "";

	if (field->noun)
		return decode_error(decoder, offset, "%.*s%s is not a valid %s", shown, text, dots,
				    field->noun);
	return decode_error(decoder, offset,
			    "%.*s%s is out of range (%s%" PRIu64 " to %" PRIu64 ")", shown, text,
			    dots, range->below ? "-" : "", range->below, range->above);
}

static void store_integer(enum oci_kind kind, void *member, const struct integer *integer)
{
	/* Two's complement: unsigned negation, then a conversion that gcc and clang define. */
	uint64_t value = integer->negative ? -integer->magnitude : integer->magnitude;

	switch (kind) {
	case OCI_KIND_I32:
	case OCI_KIND_U32:
		*(uint32_t *)member = (uint32_t)value;
		break;
	case OCI_KIND_I64:
	case OCI_KIND_U64:
		*(uint64_t *)member = value;
		break;
	case OCI_KIND_OPT_I32:
		*(struct oci_opt_i32 *)member = (struct oci_opt_i32){true, (int32_t)value};
		break;
	case OCI_KIND_OPT_I64:
		*(struct oci_opt_i64 *)member = (struct oci_opt_i64){true, (int64_t)value};
		break;
	case OCI_KIND_OPT_U16:
		*(struct oci_opt_u16 *)member = (struct oci_opt_u16){true, (uint16_t)value};
		break;
	case OCI_KIND_OPT_U32:
		*(struct oci_opt_u32 *)member = (struct oci_opt_u32){true, (uint32_t)value};
		break;
	case OCI_KIND_OPT_U64:
		*(struct oci_opt_u64 *)member = (struct oci_opt_u64){true, value};
		break;
	default:
		break;
	}
}

bool decode_number(struct decoder *decoder, const char *text, size_t length, size_t offset)
{
	struct place place = find_place(decoder);
	struct integer integer;
	struct range range;
	enum parsed parsed;
	uint32_t *item;

	if (!place.field || !find_range(place.field->kind, &range) ||
	    place.is_item != (place.field->kind == OCI_KIND_U32S))
		return decode_wrong_type(decoder, "a number", offset);

	parsed = parse_integer(text, length, &integer);
	if (parsed == NOT_INTEGER)
		return decode_error(decoder, offset, "expected an integer, not %.*s",
				    length > 40 ? 40 : (int)length, text);
	if (parsed == TOO_LARGE || !is_in_range(&integer, &range) ||
	    (place.field->noun && integer.magnitude == UINT32_MAX))
		return error_integer(decoder, place.field, &range, text, length, offset);

	if (place.is_item) {
		item = decode_append(decoder, place.frame);
		if (item)
			*item = (uint32_t)integer.magnitude;
		return item != NULL;
	}
	store_integer(place.field->kind, (char *)place.frame->target + place.field->offset,
		      &integer);
	return true;
}

static const struct oci_enum *find_word(const struct oci_enum *words, const char *text,
					size_t length)
{
	for (; words->name; words++) {
		if (strlen(words->name) == length && !memcmp(words->name, text, length))
			return words;
	}
	return NULL;
}

/* "a, b or c" of a field's words or letters; "" when that is long. */
static void list_valid(const struct oci_field *field, char list[static WORDS_SHORT])
{
	char letter[2] = "";
	size_t length = 0;
	const char *word;

	for (size_t i = 0;; i++) {
		if (field->letters) {
			letter[0] = field->letters[i];
			word = letter[0] ? letter : NULL;
		} else {
			word = field->words[i].name;
		}
		if (!word)
			return;
		length += (size_t)snprintf(list + length, WORDS_SHORT - length, "%s%s",
					   i ? ", " : "", word);
		if (length >= WORDS_SHORT) {
			list[0] = '\0';
			return;
		}
	}
}

static bool error_word(struct decoder *decoder, const struct oci_field *field,
		       const struct decode_text *string)
{
	char quoted[DECODE_QUOTED_MAX], valid[WORDS_SHORT] = "";

	decode_quote(quoted, string->text, string->length);
	list_valid(field, valid);
	if (!valid[0])
		return decode_error(decoder, string->offset, "%s is not a known %s", quoted,
				    field->noun);
	return decode_error(decoder, string->offset, "%s is not a known %s (valid: %s)", quoted,
			    field->noun, valid);
}

static void store_word(const struct oci_field *field, void *member, uint64_t value)
{
	if (field->size == sizeof(uint64_t))
		*(uint64_t *)member |= value;
	else
		*(uint32_t *)member |= (uint32_t)value;
}

/* A string that is the value of a field. */
static bool string_to_field(struct decoder *decoder, const struct oci_field *field, void *member,
			    const struct decode_text *string)
{
	const struct oci_enum *word;
	char *copy;

	switch ((enum oci_kind)field->kind) {
	case OCI_KIND_STRING:
		copy = decode_strndup(decoder, string->text, string->length);
		*(char **)member = copy;
		return copy != NULL;
	case OCI_KIND_WORD:
		word = find_word(field->words, string->text, string->length);
		if (!word)
			break;
		store_word(field, member, word->value);
		return true;
	case OCI_KIND_LETTER:
		if (string->length != 1 || !string->text[0] ||
		    !strchr(field->letters, string->text[0]))
			break;
		*(char *)member = string->text[0];
		return true;
	default:
		return decode_wrong_type(decoder, "a string", string->offset);
	}
	return error_word(decoder, field, string);
}

/* A string that is an item of a list or map. */
static bool string_to_item(struct decoder *decoder, struct frame *frame,
			   const struct decode_text *string)
{
	const struct oci_field *field = frame->field;
	const struct oci_enum *word;
	struct oci_list *list = frame->target;
	char *copy, **item;
	int *number;

	switch ((enum oci_kind)field->kind) {
	case OCI_KIND_STRINGS:
		copy = decode_strndup(decoder, string->text, string->length);
		item = copy ? decode_append(decoder, frame) : NULL;
		if (item)
			*item = copy;
		return item != NULL;
	case OCI_KIND_STRING_MAP:
		copy = decode_strndup(decoder, string->text, string->length);
		((struct oci_string_pair *)list->items)[list->count - 1].value = copy;
		return copy != NULL;
	case OCI_KIND_FLAGS:
	case OCI_KIND_OPT_FLAGS:
	case OCI_KIND_WORDS:
		word = find_word(field->words, string->text, string->length);
		if (!word)
			return error_word(decoder, field, string);
		break;
	default:
		return decode_wrong_type(decoder, "a string", string->offset);
	}

	if (field->kind == OCI_KIND_WORDS) {
		number = decode_append(decoder, frame);
		if (number)
			*number = (int)word->value;
		return number != NULL;
	}
	if (field->kind == OCI_KIND_OPT_FLAGS)
		((struct oci_seccomp_flags *)frame->target)->value |= (uint32_t)word->value;
	else
		store_word(field, frame->target, word->value);
	return true;
}

bool decode_string(struct decoder *decoder, const struct decode_text *string)
{
	struct place place = find_place(decoder);

	if (!place.field)
		return decode_wrong_type(decoder, "a string", string->offset);
	if (place.is_item)
		return string_to_item(decoder, place.frame, string);
	return string_to_field(decoder, place.field,
			       (char *)place.frame->target + place.field->offset, string);
}
