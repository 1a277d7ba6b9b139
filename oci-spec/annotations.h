/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The annotations of config.json that change what a runtime does: those of runc and crun, and what
 * becomes of each here. One table for the rule of check.c, the features document and the manual.
 * All other annotations are text for others.
 */
#ifndef OCI_SPEC_ANNOTATIONS_H
#define OCI_SPEC_ANNOTATIONS_H

#include <knarr/config.h>

enum oci_annotation_support {
	OCI_ANNOTATION_WORKS,
	OCI_ANNOTATION_IGNORED, /* a warning: the container runs as well without */
	OCI_ANNOTATION_REFUSED, /* an error: it would not be the container that was asked for */
};

struct oci_annotation {
	const char *key; /* with "." at its end: of all that begin with it */
	enum oci_annotation_support support;
	bool path;		  /* the value must be an absolute path */
	const char *const *words; /* what the value may be, NULL at the end; or NULL: anything */
};

/* Sorted by key; the last one has none. */
extern const struct oci_annotation oci_annotations[];

/* What the table says of a key, or NULL. */
const struct oci_annotation *oci_annotation_find(const char *key);

/* The value of an annotation of this container, or NULL. */
const char *oci_annotation_value(const struct oci_string_map *annotations, const char *key);

#endif
