/* SPDX-License-Identifier: Apache-2.0 */
#include "container/criu/wire.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"

enum criu_wire_type {
	CRIU_WIRE_VARINT = 0,
	CRIU_WIRE_64 = 1,
	CRIU_WIRE_BYTES = 2,
	CRIU_WIRE_32 = 5,
};

/* Fields of criu_req and criu_resp. */
#define CRIU_REQ_TYPE		1
#define CRIU_REQ_OPTS		2
#define CRIU_REQ_NOTIFY_SUCCESS 3
#define CRIU_RESP_TYPE		1
#define CRIU_RESP_SUCCESS	2
#define CRIU_RESP_RESTORE	4
#define CRIU_RESP_NOTIFY	5
#define CRIU_RESP_ERRNO		7
#define CRIU_RESP_ERRMSG	9
#define CRIU_RESP_VERSION	10

static int criu_parse_word(const char *const *words, size_t count, const char *word,
			   uint32_t *ret_value)
{
	for (size_t i = 0; i < count; i++) {
		if (!words[i] || strcmp(words[i], word) != 0)
			continue;
		*ret_value = (uint32_t)i;
		return 0;
	}
	return -EINVAL;
}

int criu_parse_cgroups_mode(const char *word, uint32_t *ret_mode)
{
	/* 1 and 2, "none" and "props", have no word with other runtimes. */
	static const char *const words[] = {"ignore", NULL, NULL, "soft", "full", "strict"};

	return criu_parse_word(words, array_size(words), word, ret_mode);
}

int criu_parse_network_lock(const char *word, uint32_t *ret_method)
{
	static const char *const words[] = {NULL, "iptables", "nftables", "skip"};

	return criu_parse_word(words, array_size(words), word, ret_method);
}

static void criu_put_varint(struct text *message, uint64_t value)
{
	char byte;

	do {
		byte = (char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		text_append_bytes(message, &byte, 1);
		value >>= 7;
	} while (value > 0);
}

static void criu_put_bytes(struct text *message, unsigned int field, const char *bytes,
			   size_t length)
{
	criu_put_varint(message, field << 3 | CRIU_WIRE_BYTES);
	criu_put_varint(message, length);
	text_append_bytes(message, bytes, length);
}

void criu_put_number(struct text *message, unsigned int field, int64_t value)
{
	criu_put_varint(message, field << 3 | CRIU_WIRE_VARINT);
	criu_put_varint(message, (uint64_t)value);
}

void criu_put_string(struct text *message, unsigned int field, const char *value)
{
	criu_put_bytes(message, field, value, strlen(value));
}

void criu_put_message(struct text *message, unsigned int field, const struct text *inner)
{
	message->failed |= inner->failed;
	criu_put_bytes(message, field, inner->data ? inner->data : "", inner->length);
}

void criu_put_request(struct text *message, enum criu_type type, const struct text *options)
{
	criu_put_number(message, CRIU_REQ_TYPE, type);
	if (options)
		criu_put_message(message, CRIU_REQ_OPTS, options);
}

void criu_put_answer(struct text *message, bool success)
{
	criu_put_number(message, CRIU_REQ_TYPE, CRIU_NOTIFY);
	criu_put_number(message, CRIU_REQ_NOTIFY_SUCCESS, success);
}

/* ---- reading ---- */

struct criu_reader {
	const unsigned char *at, *end;
};

/* One field. Of a number `value`, of bytes `inner`. */
struct criu_field {
	uint64_t number;
	uint64_t value;
	struct criu_reader inner;
};

static int criu_get_varint(struct criu_reader *reader, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; shift < 64; shift += 7) {
		unsigned char byte;

		if (reader->at == reader->end)
			return -EBADMSG;
		byte = *reader->at++;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret_value = value;
			return 0;
		}
	}
	return -EBADMSG;
}

static int criu_skip(struct criu_reader *reader, size_t size)
{
	if ((size_t)(reader->end - reader->at) < size)
		return -EBADMSG;
	reader->at += size;
	return 0;
}

static int criu_get_field(struct criu_reader *reader, struct criu_field *field)
{
	uint64_t key, length;

	*field = (struct criu_field){.number = 0};
	if (criu_get_varint(reader, &key) < 0)
		return -EBADMSG;
	field->number = key >> 3;
	switch (key & 7) {
	case CRIU_WIRE_VARINT:
		return criu_get_varint(reader, &field->value);
	case CRIU_WIRE_64:
		return criu_skip(reader, 8);
	case CRIU_WIRE_32:
		return criu_skip(reader, 4);
	case CRIU_WIRE_BYTES:
		if (criu_get_varint(reader, &length) < 0)
			return -EBADMSG;
		field->inner.at = reader->at;
		if (length > SIZE_MAX || criu_skip(reader, (size_t)length) < 0)
			return -EBADMSG;
		field->inner.end = reader->at;
		return 0;
	default:
		return -EBADMSG;
	}
}

static void criu_copy(const struct criu_field *field, char *out, size_t size)
{
	size_t length = (size_t)(field->inner.end - field->inner.at);

	if (length >= size)
		length = size - 1;
	if (length > 0)
		memcpy(out, field->inner.at, length);
	out[length] = '\0';
}

static int criu_get_notify(struct criu_reader reader, struct criu_response *response)
{
	struct criu_field field;

	while (reader.at < reader.end) {
		if (criu_get_field(&reader, &field) < 0)
			return -EBADMSG;
		if (field.number == 1)
			criu_copy(&field, response->script, sizeof(response->script));
		else if (field.number == 2)
			response->pid = (int32_t)field.value;
	}
	return 0;
}

static int criu_get_restore(struct criu_reader reader, struct criu_response *response)
{
	struct criu_field field;

	while (reader.at < reader.end) {
		if (criu_get_field(&reader, &field) < 0)
			return -EBADMSG;
		if (field.number == 1)
			response->pid = (int32_t)field.value;
	}
	return 0;
}

static int criu_get_version(struct criu_reader reader, struct criu_response *response)
{
	struct criu_field field;

	while (reader.at < reader.end) {
		if (criu_get_field(&reader, &field) < 0)
			return -EBADMSG;
		if (field.number == 1)
			response->version += (uint32_t)field.value * 10000;
		else if (field.number == 2)
			response->version += (uint32_t)field.value * 100;
		else if (field.number == 4)
			response->version += (uint32_t)field.value;
	}
	return 0;
}

static int criu_take_field(const struct criu_field *field, struct criu_response *response)
{
	switch (field->number) {
	case CRIU_RESP_TYPE:
		response->type = (uint32_t)field->value;
		return 0;
	case CRIU_RESP_SUCCESS:
		response->success = field->value != 0;
		return 0;
	case CRIU_RESP_RESTORE:
		return criu_get_restore(field->inner, response);
	case CRIU_RESP_NOTIFY:
		return criu_get_notify(field->inner, response);
	case CRIU_RESP_ERRNO:
		response->number = (int32_t)field->value;
		return 0;
	case CRIU_RESP_ERRMSG:
		criu_copy(field, response->words, sizeof(response->words));
		return 0;
	case CRIU_RESP_VERSION:
		return criu_get_version(field->inner, response);
	default:
		return 0;
	}
}

int criu_parse_response(const void *bytes, size_t size, struct criu_response *ret_response)
{
	struct criu_reader reader = {.at = bytes, .end = (const unsigned char *)bytes + size};
	struct criu_response response = {.type = 0};
	struct criu_field field;

	while (reader.at < reader.end)
		if (criu_get_field(&reader, &field) < 0 || criu_take_field(&field, &response) < 0)
			return -EBADMSG;
	if (response.type == 0)
		return -EBADMSG;
	*ret_response = response;
	return 0;
}

const char *criu_find_error(const char *log)
{
	/* It would like more descriptors than the host's root may have, and does without. */
	static const char harmless[] = "Can't setup RLIMIT_NOFILE for self";
	/* No error to criu; what follows from it is. The addresses of a name are tried in turn. */
	static const char refused[] = "Can't connect to server ";
	const char *first = NULL, *last = NULL;

	for (const char *line = strstr(log, refused); line; line = strstr(line + 1, refused))
		last = line;
	if (last && !strstr(last, "Connecting to server "))
		return last;
	for (const char *line = strstr(log, "Error ("); line; line = strstr(line + 1, "Error (")) {
		if (!memmem(line, strcspn(line, "\n"), harmless, sizeof(harmless) - 1))
			return line;
		if (!first)
			first = line;
	}
	return first;
}
