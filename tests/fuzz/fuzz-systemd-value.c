/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of annotations org.systemd.property.*: text that engines let users choose. What is
 * accepted has a type that D-Bus has, comes to a message in pieces that fit it, and says the same
 * when it is read again.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup/systemd/value.h"

#define TEXT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a message remembers of the containers that are open. */
struct message {
	char expected[16][SYSTEMD_SIGNATURE_SIZE]; /* what is still to come */
	bool array[16];
	size_t depth;
};

/* The length of one complete type. */
static size_t type_length(const char *type)
{
	size_t length = 1;

	if (*type == 'a')
		return 1 + type_length(type + 1);
	if (*type != '(') {
		if (*type == '\0' || !strchr("bynqiuxthdsog", *type))
			abort();
		return 1;
	}
	while (type[length] != ')')
		length += type_length(type + length);
	return length + 1;
}

/* One value of this type begins: it must be what was announced. */
static void expect(struct message *message, const char *type, size_t length)
{
	char *expected = message->expected[message->depth];

	if (strncmp(expected, type, length) != 0 || type_length(expected) != length)
		abort();
	if (!message->array[message->depth])
		memmove(expected, expected + length, strlen(expected + length) + 1);
}

static int sink_open(void *data, char kind, const char *contents)
{
	struct message *message = data;
	char type[SYSTEMD_SIGNATURE_SIZE + 2];

	if (kind == 'a') {
		type[0] = 'a';
		strcpy(type + 1, contents);
		if (type_length(contents) != strlen(contents))
			abort();
	} else {
		type[0] = '(';
		strcpy(type + 1, contents);
		strcat(type, ")");
	}
	expect(message, type, strlen(type));
	if (++message->depth == 16)
		abort();
	strcpy(message->expected[message->depth], contents);
	message->array[message->depth] = kind == 'a';
	return 0;
}

static int sink_close(void *data)
{
	struct message *message = data;

	if (message->depth == 0 ||
	    (!message->array[message->depth] && message->expected[message->depth][0] != '\0'))
		abort();
	message->depth--;
	return 0;
}

static int sink_basic(void *data, char type, const union systemd_basic *value)
{
	static const struct {
		char type;
		uint64_t max;
	} naturals[] = {{'y', UINT8_MAX}, {'q', UINT16_MAX}, {'u', UINT32_MAX}, {'t', UINT64_MAX}};

	expect(data, &type, 1);
	for (size_t i = 0; i < 4; i++)
		if (naturals[i].type == type && value->natural > naturals[i].max)
			abort();
	if ((type == 'n' && value->integer != (int16_t)value->integer) ||
	    (type == 'i' && value->integer != (int32_t)value->integer))
		abort();
	if (strchr("sog", type) && strlen(value->string) > TEXT_MAX)
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message message = {.depth = 0};
	const struct systemd_sink sink = {sink_open, sink_close, sink_basic, &message};
	char signature[SYSTEMD_SIGNATURE_SIZE];
	struct error err = ERROR_INIT;
	char *text;

	if (size > TEXT_MAX)
		return 0;
	text = malloc(size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (systemd_value_type(text, signature, &err) == 0) {
		if (type_length(signature) != strlen(signature))
			abort();
		strcpy(message.expected[0], signature);
		if (systemd_value_emit(text, signature, &sink, &err) < 0 || message.depth != 0 ||
		    message.expected[0][0] != '\0')
			abort();
	} else if (err.message[0] == '\0') {
		abort();
	}
	free(text);
	return 0;
}
