/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables that tie the JSON of config.json to the structs of <knarr/config.h>: one struct
 * oci_object per JSON object, one struct oci_field per field, in the order in which they are
 * written. The decoder, the encoder, the list of unknown fields, the manual page and the fuzzers'
 * dictionary all walk these and nothing else.
 *
 * To walk them: start at oci_config_object, go through fields[0 .. count), and follow .object where
 * it is not NULL. There are no cycles. A field's section is its own, or else that of its object.
 */
#ifndef OCI_SPEC_TABLES_H
#define OCI_SPEC_TABLES_H

#include "oci-spec/oci-spec.h"

enum oci_kind {
	OCI_KIND_STRING, /* char * */
	OCI_KIND_BOOL,	 /* bool, false when absent */
	OCI_KIND_I32,	 /* plain integers, 0 when absent */
	OCI_KIND_I64,
	OCI_KIND_U32,
	OCI_KIND_U64,
	OCI_KIND_OPT_BOOL, /* struct oci_opt_* */
	OCI_KIND_OPT_I32,
	OCI_KIND_OPT_I64,
	OCI_KIND_OPT_U16,
	OCI_KIND_OPT_U32,
	OCI_KIND_OPT_U64,
	OCI_KIND_WORD,	     /* a string out of .words, stored as its value; 4 or 8 bytes (.size) */
	OCI_KIND_LETTER,     /* a string of one letter out of .letters, stored as char */
	OCI_KIND_FLAGS,	     /* a list of .words, or-ed; 4 or 8 bytes (.size) */
	OCI_KIND_OPT_FLAGS,  /* the same as struct oci_seccomp_flags */
	OCI_KIND_OBJECT,     /* pointer to the struct of .object */
	OCI_KIND_EMBEDDED,   /* the struct of .object itself, all zero when absent */
	OCI_KIND_STRINGS,    /* struct oci_strings */
	OCI_KIND_U32S,	     /* struct oci_u32s */
	OCI_KIND_WORDS,	     /* a list of .words as a list of int, e.g. struct oci_seccomp_archs */
	OCI_KIND_OBJECTS,    /* a list of .object */
	OCI_KIND_STRING_MAP, /* struct oci_string_map */
	OCI_KIND_OBJECT_MAP, /* a list of .object, whose first member is the key as char * */
	OCI_KIND_IGNORED,    /* for another platform: any value is accepted and dropped */
};

enum oci_need {
	OCI_OPTIONAL,
	OCI_REQUIRED,		  /* absence is an error */
	OCI_DEFAULTED,		  /* absence means zero, but it is always written */
	OCI_REQUIRED_UNLESS_FIFO, /* of struct oci_device alone: not when its type is 'p' */
};

struct oci_object;

struct oci_field {
	const char *name;
	unsigned char name_length;
	unsigned char kind;	      /* enum oci_kind */
	unsigned char need;	      /* enum oci_need */
	unsigned char size;	      /* of the member, bytes */
	unsigned short offset;	      /* of the member in the object's struct, bytes */
	const char *letters;	      /* LETTER: those allowed; the first is what absence means */
	const struct oci_enum *words; /* WORD, WORDS, FLAGS, OPT_FLAGS */
	/* What a word or letter is called in messages. For an integer that is an id, "user id" or
	 * "group id"; it excludes 4294967295, which setresuid(2) and chown(2) take for "no change".
	 */
	const char *noun;
	const struct oci_object *object; /* OBJECT, EMBEDDED, OBJECTS, OBJECT_MAP */
	const char *section;		 /* of the specification; NULL: that of the object */
};

struct oci_object {
	const char *section;
	const struct oci_field *fields;
	unsigned short count; /* of fields; at most 64 */
	unsigned short size;  /* of the struct, bytes */
};

/* The three documents that are read. */
extern const struct oci_object oci_config_object;
extern const struct oci_object oci_process_object;
extern const struct oci_object oci_resources_object;

/* What a reader of the specification calls the kind: "string", "uint32", "array of objects" ... */
const char *oci_kind_name(enum oci_kind kind);

/*
 * The decoder and the encoder for any table: documents of the runtime's own (its state files) are
 * read and written by tables too, with the same strictness. As oci_config_decode() and
 * oci_config_encode(). oci_document_object() gives what was decoded, or NULL for another kind.
 */
int oci_object_decode(const struct oci_object *kind, const char *text, size_t length,
		      const struct oci_report *report, struct oci_document **ret_document);
int oci_object_encode(const struct oci_object *object, const void *data, bool pretty,
		      char **ret_text, size_t *ret_length);
void *oci_document_object(const struct oci_document *document, const struct oci_object *kind);

#endif
