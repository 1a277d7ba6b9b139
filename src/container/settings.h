/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container is limited to now: as its configuration said at create, or as the last `update`
 * has left it. The latter is a file of its own in the state directory, so that the configuration
 * stays the text that its author knows the lines of.
 */
#ifndef CONTAINER_SETTINGS_H
#define CONTAINER_SETTINGS_H

#include <knarr/config.h>

#include "base/error.h"
#include "container/bundle.h"
#include "container/state/store.h"

struct settings {
	const struct oci_resources *resources; /* NULL: none */
	const char *l3_cache_schema, *mem_bw_schema;
	/* What owns them. */
	struct bundle config;
	struct oci_document *document;
};
#define SETTINGS_INIT ((struct settings){.config = BUNDLE_INIT})
void settings_clear(struct settings *settings);
#define auto_settings __attribute__((cleanup(settings_clear)))

/* A file that cannot be used is passed over with a warning: then it is what the configuration says.
 */
int settings_load(const struct store_entry *entry, struct settings *ret_settings,
		  struct error *err);

/* Atomically. */
int settings_save(const struct store_entry *entry, const struct settings *settings,
		  struct error *err);

#endif
