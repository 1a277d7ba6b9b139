/* SPDX-License-Identifier: Apache-2.0 */
/* Structs to JSON text, by the same tables that the decoder follows. */
#include "oci-spec/tables.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct writer {
	char *data; /* NUL-terminated once anything was written */
	size_t length, capacity;
	size_t depth;
	bool pretty;
	bool is_first; /* nothing was written yet within the present bracket */
	int error;     /* the first one; nothing is written after it */
};

/* What all lists and maps of <knarr/config.h> look like. */
struct list {
	const void *items;
	size_t count;
};

static void put(struct writer *writer, const char *data, size_t length)
{
	size_t wanted;
	char *grown;

	if (writer->error)
		return;
	if (length >= writer->capacity - writer->length) {
		if (__builtin_add_overflow(writer->capacity, length, &wanted) ||
		    __builtin_mul_overflow(wanted, 2, &wanted)) {
			writer->error = -ENOMEM;
			return;
		}
		if (wanted < 4096)
			wanted = 4096;
		grown = realloc(writer->data, wanted);
		if (!grown) {
			writer->error = -ENOMEM;
			return;
		}
		writer->data = grown;
		writer->capacity = wanted;
	}
	memcpy(writer->data + writer->length, data, length);
	writer->length += length;
	writer->data[writer->length] = '\0';
}

static void put_text(struct writer *writer, const char *text)
{
	put(writer, text, strlen(text));
}

static void put_line(struct writer *writer)
{
	if (!writer->pretty)
		return;
	put(writer, "\n", 1);
	for (size_t i = 0; i < writer->depth; i++)
		put(writer, "\t", 1);
}

static void put_open(struct writer *writer, const char *bracket)
{
	put_text(writer, bracket);
	writer->depth++;
	writer->is_first = true;
}

static void put_close(struct writer *writer, const char *bracket)
{
	writer->depth--;
	if (!writer->is_first)
		put_line(writer);
	put_text(writer, bracket);
	writer->is_first = false;
}

/* Goes to where the next item of the present bracket belongs. */
static void put_next(struct writer *writer)
{
	if (!writer->is_first)
		put(writer, ",", 1);
	writer->is_first = false;
	put_line(writer);
}

static void put_escape(struct writer *writer, unsigned char c)
{
	static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	char escape[8];

	for (size_t i = 0; i + 1 < sizeof(shorts); i += 2) {
		if ((unsigned char)shorts[i] == c) {
			snprintf(escape, sizeof(escape), "\\%c", shorts[i + 1]);
			put_text(writer, escape);
			return;
		}
	}
	snprintf(escape, sizeof(escape), "\\u%04x", c);
	put_text(writer, escape);
}

static void put_string(struct writer *writer, const char *string)
{
	const char *start = string;

	put(writer, "\"", 1);
	for (; *string; string++) {
		unsigned char c = (unsigned char)*string;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		put(writer, start, (size_t)(string - start));
		put_escape(writer, c);
		start = string + 1;
	}
	put(writer, start, (size_t)(string - start));
	put(writer, "\"", 1);
}

static void put_key(struct writer *writer, const char *key)
{
	put_next(writer);
	put_string(writer, key);
	put_text(writer, writer->pretty ? ": " : ":");
}

static void put_signed(struct writer *writer, int64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRId64, value);
	put_text(writer, digits);
}

static void put_unsigned(struct writer *writer, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, value);
	put_text(writer, digits);
}

static void put_bool(struct writer *writer, bool value)
{
	put_text(writer, value ? "true" : "false");
}

static void put_word(struct writer *writer, const struct oci_enum *words, uint64_t value)
{
	const char *name = oci_enum_name(words, value);

	if (name)
		put_string(writer, name);
	else if (!writer->error)
		writer->error = -EINVAL;
}

static void put_flags(struct writer *writer, const struct oci_enum *words, uint64_t value)
{
	put_open(writer, "[");
	for (; words->name; words++) {
		if (!(value & words->value))
			continue;
		value &= ~words->value;
		put_next(writer);
		put_string(writer, words->name);
	}
	put_close(writer, "]");
	if (value && !writer->error)
		writer->error = -EINVAL;
}

static uint64_t read_word(const struct oci_field *field, const void *member)
{
	if (field->size == sizeof(uint64_t))
		return *(const uint64_t *)member;
	return *(const uint32_t *)member;
}

static void put_object(struct writer *writer, const struct oci_object *object, const void *data);

static void put_list(struct writer *writer, const struct oci_field *field, const void *member)
{
	const struct list *list = member;

	put_open(writer, "[");
	for (size_t i = 0; i < list->count; i++) {
		put_next(writer);
		switch ((enum oci_kind)field->kind) {
		case OCI_KIND_STRINGS:
			put_string(writer, ((char *const *)list->items)[i]);
			break;
		case OCI_KIND_U32S:
			put_unsigned(writer, ((const uint32_t *)list->items)[i]);
			break;
		case OCI_KIND_WORDS:
			put_word(writer, field->words, (uint64_t)((const int *)list->items)[i]);
			break;
		default:
			put_object(writer, field->object,
				   (const char *)list->items + i * field->object->size);
			break;
		}
	}
	put_close(writer, "]");
}

static void put_map(struct writer *writer, const struct oci_field *field, const void *member)
{
	const struct list *map = member;
	const struct oci_string_pair *pairs = map->items;

	put_open(writer, "{");
	for (size_t i = 0; i < map->count; i++) {
		if (field->kind == OCI_KIND_STRING_MAP) {
			put_key(writer, pairs[i].key);
			put_string(writer, pairs[i].value);
		} else {
			const char *item = (const char *)map->items + i * field->object->size;

			put_key(writer, *(char *const *)item);
			put_object(writer, field->object, item);
		}
	}
	put_close(writer, "}");
}

/* Absent as <knarr/config.h> defines it, and what is equal to absence. */
static bool is_absent(const struct oci_field *field, const void *member)
{
	switch ((enum oci_kind)field->kind) {
	case OCI_KIND_STRING:
	case OCI_KIND_OBJECT:
		return !*(void *const *)member;
	case OCI_KIND_BOOL:
		return field->need == OCI_OPTIONAL && !*(const bool *)member;
	case OCI_KIND_I32:
	case OCI_KIND_U32:
		return field->need == OCI_OPTIONAL && !*(const uint32_t *)member;
	case OCI_KIND_I64:
	case OCI_KIND_U64:
		return field->need == OCI_OPTIONAL && !*(const uint64_t *)member;
	case OCI_KIND_WORD:
		return field->need == OCI_OPTIONAL && !read_word(field, member);
	case OCI_KIND_FLAGS:
		return !read_word(field, member);
	case OCI_KIND_LETTER:
		return !*(const char *)member ||
		       (field->need == OCI_OPTIONAL && *(const char *)member == field->letters[0]);
	/* .set is the first member of all these. */
	case OCI_KIND_OPT_BOOL:
	case OCI_KIND_OPT_I32:
	case OCI_KIND_OPT_I64:
	case OCI_KIND_OPT_U16:
	case OCI_KIND_OPT_U32:
	case OCI_KIND_OPT_U64:
	case OCI_KIND_OPT_FLAGS:
		return !*(const bool *)member;
	case OCI_KIND_STRINGS:
	case OCI_KIND_U32S:
	case OCI_KIND_WORDS:
	case OCI_KIND_OBJECTS:
	case OCI_KIND_STRING_MAP:
	case OCI_KIND_OBJECT_MAP:
		return !((const struct list *)member)->items;
	case OCI_KIND_EMBEDDED:
		return false;
	case OCI_KIND_IGNORED:
		return true;
	}
	return true;
}

static void put_integer(struct writer *writer, enum oci_kind kind, const void *member)
{
	switch (kind) {
	case OCI_KIND_I32:
		put_signed(writer, *(const int32_t *)member);
		break;
	case OCI_KIND_I64:
		put_signed(writer, *(const int64_t *)member);
		break;
	case OCI_KIND_U32:
		put_unsigned(writer, *(const uint32_t *)member);
		break;
	case OCI_KIND_U64:
		put_unsigned(writer, *(const uint64_t *)member);
		break;
	case OCI_KIND_OPT_I32:
		put_signed(writer, ((const struct oci_opt_i32 *)member)->value);
		break;
	case OCI_KIND_OPT_I64:
		put_signed(writer, ((const struct oci_opt_i64 *)member)->value);
		break;
	case OCI_KIND_OPT_U16:
		put_unsigned(writer, ((const struct oci_opt_u16 *)member)->value);
		break;
	case OCI_KIND_OPT_U32:
		put_unsigned(writer, ((const struct oci_opt_u32 *)member)->value);
		break;
	case OCI_KIND_OPT_U64:
		put_unsigned(writer, ((const struct oci_opt_u64 *)member)->value);
		break;
	default:
		break;
	}
}

static void put_value(struct writer *writer, const struct oci_field *field, const void *member)
{
	char letter[2] = "";

	switch ((enum oci_kind)field->kind) {
	case OCI_KIND_STRING:
		put_string(writer, *(char *const *)member);
		break;
	case OCI_KIND_BOOL:
		put_bool(writer, *(const bool *)member);
		break;
	case OCI_KIND_OPT_BOOL:
		put_bool(writer, ((const struct oci_opt_bool *)member)->value);
		break;
	case OCI_KIND_WORD:
		put_word(writer, field->words, read_word(field, member));
		break;
	case OCI_KIND_LETTER:
		letter[0] = *(const char *)member;
		put_string(writer, letter);
		break;
	case OCI_KIND_FLAGS:
		put_flags(writer, field->words, read_word(field, member));
		break;
	case OCI_KIND_OPT_FLAGS:
		put_flags(writer, field->words, ((const struct oci_seccomp_flags *)member)->value);
		break;
	case OCI_KIND_OBJECT:
		put_object(writer, field->object, *(void *const *)member);
		break;
	case OCI_KIND_EMBEDDED:
		put_object(writer, field->object, member);
		break;
	case OCI_KIND_STRINGS:
	case OCI_KIND_U32S:
	case OCI_KIND_WORDS:
	case OCI_KIND_OBJECTS:
		put_list(writer, field, member);
		break;
	case OCI_KIND_STRING_MAP:
	case OCI_KIND_OBJECT_MAP:
		put_map(writer, field, member);
		break;
	default:
		put_integer(writer, field->kind, member);
		break;
	}
}

static void put_object(struct writer *writer, const struct oci_object *object, const void *data)
{
	put_open(writer, "{");
	for (size_t i = 0; i < object->count; i++) {
		const struct oci_field *field = &object->fields[i];
		const void *member = (const char *)data + field->offset;

		if (is_absent(field, member))
			continue;
		put_key(writer, field->name);
		put_value(writer, field, member);
	}
	put_close(writer, "}");
}

int oci_object_encode(const struct oci_object *object, const void *data, bool pretty,
		      char **ret_text, size_t *ret_length)
{
	struct writer writer = {.pretty = pretty};

	put_object(&writer, object, data);
	if (pretty)
		put(&writer, "\n", 1);
	if (writer.error) {
		free(writer.data);
		return writer.error;
	}
	*ret_text = writer.data;
	*ret_length = writer.length;
	return 0;
}

int oci_config_encode(const struct oci_config *config, bool pretty, char **ret_text,
		      size_t *ret_length)
{
	return oci_object_encode(&oci_config_object, config, pretty, ret_text, ret_length);
}

int oci_process_encode(const struct oci_process *process, bool pretty, char **ret_text,
		       size_t *ret_length)
{
	return oci_object_encode(&oci_process_object, process, pretty, ret_text, ret_length);
}

int oci_resources_encode(const struct oci_resources *resources, bool pretty, char **ret_text,
			 size_t *ret_length)
{
	return oci_object_encode(&oci_resources_object, resources, pretty, ret_text, ret_length);
}
