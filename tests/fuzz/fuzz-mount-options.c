/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mount options: words separated by NUL. What must hold whatever they are: nothing is set and
 * cleared at once but the group of access times, and every word that is not of the table comes out
 * whole.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "isolate/mounts/options.h"
#include "kernel/syscalls.h"

#define WORDS_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_known(const char *word)
{
	const char *const *names = mount_options_names();

	for (; *names; names++)
		if (strcmp(*names, word) == 0)
			return true;
	return false;
}

static void check(const struct mount_options *options, const struct oci_strings *words)
{
	const uint64_t atime = MOUNT_ATTR__ATIME;
	struct mountfd_option flags[MOUNT_OPTIONS_SUPERBLOCK_MAX];
	size_t next = 0;

	if ((options->set & options->clear & ~atime) ||
	    (options->recursive_set & options->recursive_clear & ~atime) ||
	    (options->superblock_set & options->superblock_clear))
		abort();
	if ((options->set & atime) && (options->clear & atime) != atime)
		abort();
	for (size_t i = 0; i < words->count; i++) {
		const char *word = words->items[i];
		const struct mountfd_option *option;
		size_t length;

		if (word[0] == '\0' || is_known(word))
			continue;
		if (next == options->filesystem_count)
			abort();
		option = &options->filesystem[next++];
		length = strcspn(word, "=");
		if (strlen(option->key) != length || strncmp(option->key, word, length) != 0 ||
		    (word[length] == '=') != (option->value != NULL) ||
		    (option->value && strcmp(option->value, word + length + 1) != 0))
			abort();
	}
	if (next != options->filesystem_count)
		abort();
	(void)mount_options_superblock(options, false, 0, flags);
	(void)mount_options_superblock(options, true, MOUNT_OPTIONS_RO, flags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *items[WORDS_MAX];
	struct oci_mount mount = {.options = {.items = items}};
	struct mount_options options;
	struct error err = ERROR_INIT;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	for (size_t at = 0; at <= size && mount.options.count < WORDS_MAX;
	     at += strlen(text + at) + 1)
		items[mount.options.count++] = text + at;
	if (mount_options_parse(&mount, "mounts[0]", &options, &err) == 0) {
		check(&options, &mount.options);
		mount_options_clear(&options);
	} else if (err.number <= 0 || err.message[0] == '\0' || err.field[0] == '\0') {
		abort();
	}
	free(text);
	return 0;
}
