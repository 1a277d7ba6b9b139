/* SPDX-License-Identifier: Apache-2.0 */
/* The bundle's configuration: read, decoded, checked (bundle.md). */
#ifndef CONTAINER_BUNDLE_H
#define CONTAINER_BUNDLE_H

#include <knarr/config.h>
#include <stddef.h>

#include "base/error.h"
#include "container/state/store.h"

struct oci_document;

struct bundle {
	const char *name; /* of the file, for messages: "config.json" */
	char *text;
	size_t length;
	struct oci_document *document;
	const struct oci_config *config;
	char **warnings; /* that are still to be told */
	size_t warning_count;
};
#define BUNDLE_INIT ((struct bundle){0})
void bundle_clear(struct bundle *bundle);
#define auto_bundle __attribute__((cleanup(bundle_clear)))

/*
 * Reads `path` (a regular file), decodes and checks it. The error tells the first problem with its
 * place, and how many more there are. Warnings are kept for bundle_warn().
 */
int bundle_load(const char *path, struct bundle *ret_bundle, struct error *err);

/* Logs the warnings, when the container has come to be: of one that has not, its error says enough.
 */
void bundle_warn(const struct bundle *bundle);

/* The snapshot of a container that exists; it was checked at create. */
int bundle_load_snapshot(const struct store_entry *entry, struct bundle *ret_bundle,
			 struct error *err);

/* Puts "config.json:LINE:COLUMN: FIELD: " before an error that names a field. */
int bundle_locate(const struct bundle *bundle, struct error *err);

#endif
