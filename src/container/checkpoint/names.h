/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of an image directory that are a JSON array of strings: what the standard streams were, and
 * which mounts come from the host (checkpoint.h).
 */
#ifndef CONTAINER_CHECKPOINT_NAMES_H
#define CONTAINER_CHECKPOINT_NAMES_H

#include <knarr/config.h>

struct oci_document;

struct checkpoint_names {
	struct oci_document *document; /* owns them */
	struct oci_strings list;
};
void checkpoint_names_clear(struct checkpoint_names *names);

/* Returns 0 or a negative errno: -EBADMSG when the text is no such array. */
int checkpoint_names_parse(const char *text, struct checkpoint_names *ret_names);

#endif
