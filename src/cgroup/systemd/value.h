/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of systemd's properties as text, in the text form of GVariant: what annotations of the
 * form org.systemd.property.NAME hold, and what the properties that we set ourselves are written
 * in, so that there is one way into a D-Bus message.
 *
 *	true   15   0x10   1.5   "text"   'text'   uint64 5   byte 7   objectpath '/a'
 *	['a', 'b']   @as []   [uint64 1, 2]   [('/dev/null', 'rw')]
 *
 * An integer without a type is an int32, as everywhere in GVariant. Variants and dictionaries are
 * not taken: no property that can be set has any. Pure.
 * Source: GLib's "GVariant Text Format"; the types are those of the D-Bus specification.
 */
#ifndef CGROUP_SYSTEMD_VALUE_H
#define CGROUP_SYSTEMD_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* A basic value, by its D-Bus type. */
union systemd_basic {
	bool boolean;	    /* b */
	uint64_t natural;   /* y q u t */
	int64_t integer;    /* n i x h */
	double real;	    /* d */
	const char *string; /* s o g */
};

/* Where the parts of a value go, in their order. Each function returns 0 or a negative errno. */
struct systemd_sink {
	/* `kind` is 'a' or '('; `contents` is the type of the elements, or of all members. */
	int (*open)(void *data, char kind, const char *contents);
	int (*close)(void *data);
	int (*basic)(void *data, char type, const union systemd_basic *value);
	void *data;
};

#define SYSTEMD_SIGNATURE_SIZE 64

/* The D-Bus type of the whole text ("a(ss)"). The value is checked to the last character: -EINVAL
 * or -ERANGE, and the error names the character where it went wrong. */
int systemd_value_type(const char *text, char ret_signature[SYSTEMD_SIGNATURE_SIZE],
		       struct error *err);

/* Gives the parts of the value to the sink. `signature` is what systemd_value_type() said. */
int systemd_value_emit(const char *text, const char *signature, const struct systemd_sink *sink,
		       struct error *err);

/* Appends the text as a string of this form, quoted. */
struct text;
void systemd_value_quote(struct text *out, const char *string);

#endif
