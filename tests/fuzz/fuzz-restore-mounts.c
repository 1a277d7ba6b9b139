/* SPDX-License-Identifier: Apache-2.0 */
/* The names of mounts in a checkpoint's images: whatever they are, criu is told of nothing of the
 * host but the binds and devices of the configuration, and of places of our own. */
#include <stdlib.h>
#include <string.h>

#include "container/checkpoint/restore-mounts.h"

#define PLACE "/place"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *bind_options[] = {(char *)(uintptr_t) "bind"};
static struct oci_mount mounts[] = {
	{
		.destination = (char *)(uintptr_t) "/volume",
		.type = (char *)(uintptr_t) "bind",
		.source = (char *)(uintptr_t) "/",
		.options = {bind_options, 1},
	},
	{.destination = (char *)(uintptr_t) "/run", .type = (char *)(uintptr_t) "tmpfs"},
};

static size_t take_number(const char *bytes, size_t *at)
{
	size_t number = 0;

	for (unsigned int shift = 0;; shift += 7) {
		unsigned char byte = (unsigned char)bytes[(*at)++];

		number |= (size_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return number;
	}
}

static int is_device(const struct devices_plan *devices, const char *path)
{
	for (size_t i = 0; i < devices->count; i++)
		if (strcmp(devices->nodes[i].path, path) == 0)
			return 1;
	return 0;
}

/* "mnt[NAME]:PATH" */
static void check_external(const struct devices_plan *devices, const char *text, size_t *belows)
{
	const char *path = strrchr(text, ':');

	if (strncmp(text, "mnt[/", 5) != 0 || !path || path[-1] != ']' || path[1] != '/')
		abort();
	path++;
	if (strcmp(text, "mnt[/volume]:/") == 0)
		return;
	if (strncmp(path, PLACE "/", strlen(PLACE "/")) == 0) {
		if (strncmp(text, "mnt[/volume/", strlen("mnt[/volume/")) != 0 ||
		    strtoul(path + strlen(PLACE "/"), NULL, 10) != *belows)
			abort();
		++*belows;
		return;
	}
	if (!is_device(devices, path) || strncmp(text + 4, path, strlen(path)) != 0 ||
	    strlen(text) != 2 * strlen(path) + strlen("mnt[]:"))
		abort();
}

static void check_options(const struct devices_plan *devices, const struct text *options,
			  const struct restore_belows *belows)
{
	size_t count = 0;

	for (size_t at = 0; at < options->length;) {
		size_t length;
		char *text;

		(void)take_number(options->data, &at);
		length = take_number(options->data, &at);
		text = strndup(options->data + at, length);
		if (!text || strlen(text) != length)
			abort();
		check_external(devices, text, &count);
		free(text);
		at += length;
	}
	if (count != belows->count)
		abort();
	for (size_t i = 0; i < belows->count; i++)
		if (strcmp(belows->items[i].source, "/") != 0 ||
		    strstr(belows->items[i].rest, "/../"))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct oci_config config = {.mounts = {mounts, 2}};
	struct devices_plan devices = {.nodes = NULL};
	/* Not strndup(3), of which the sanitizer thinks that it looks behind the data. */
	char *names = calloc(size + 1, 1);
	struct restore_mounts request = {.config = &config,
					 .devices = &devices,
					 .bundle = "/bundle",
					 .place = PLACE,
					 .names = names};
	struct restore_belows belows = {0};
	struct text options = {0};
	struct error err = ERROR_INIT;

	if (!names)
		abort();
	memcpy(names, data, size);
	if (devices_plan(&config, true, &devices, &err) < 0)
		abort();
	if (restore_put_mounts(&request, &options, &belows, &err) == 0)
		check_options(&devices, &options, &belows);
	else if (err.number == 0 || belows.count != 0)
		abort();
	restore_belows_clear(&belows);
	text_clear(&options);
	devices_plan_clear(&devices);
	free(names);
	return 0;
}
