/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the decoder: what decode.c (structure), decode-value.c (scalars) and decode-report.c
 * (problems) share.
 */
#ifndef OCI_SPEC_DECODE_H
#define OCI_SPEC_DECODE_H

#include "oci-spec/arena.h"
#include "oci-spec/json.h"
#include "oci-spec/keys.h"
#include "oci-spec/tables.h"

/* After so many errors a document is not read further: each costs time, and nobody reads them. */
#define DECODE_ERRORS_MAX 100

enum frame_kind {
	FRAME_OBJECT,  /* an object with a table */
	FRAME_LIST,    /* an array that a field wants */
	FRAME_MAP,     /* an object with free keys that a field wants */
	FRAME_IGNORED, /* an object that nobody wants */
	FRAME_IGNORED_LIST,
};

/* One { or [ that is open. */
struct frame {
	enum frame_kind kind;
	const struct oci_object *object; /* OBJECT: its table */
	const struct oci_field *field;	 /* LIST, MAP: the field whose value it is */
	void *target;	   /* OBJECT: the struct to fill; LIST, MAP: the struct oci_list to fill */
	size_t start;	   /* offset in the text */
	size_t capacity;   /* LIST, MAP: of target->items */
	size_t first_key;  /* height of decoder.keys when it was opened */
	uint64_t seen;	   /* OBJECT: a bit per field of the table */
	size_t next_field; /* OBJECT: where the next field is likely to be in the table */

	/* Where in it we are: at most one of the two is set, none before a key. */
	const struct oci_field *current; /* OBJECT: the field whose value comes now */
	bool has_key;			 /* the key on top of first_key.. is not in the table */
	size_t key;			 /* its index in decoder.keys */
	size_t index;			 /* of the item that comes now */
};

/* What all lists and maps of <knarr/config.h> look like. */
struct oci_list {
	void *items;
	size_t count;
};

struct oci_document {
	struct oci_arena arena;
	const struct oci_object *kind;
	void *root; /* NULL until the { was seen */
};

struct decoder {
	struct json_parser parser;
	const struct oci_report *report;
	struct oci_document *document;
	struct oci_keys keys;
	struct json_position position;
	struct frame frames[OCI_DEPTH_MAX];
	size_t depth; /* how many are open */
	size_t errors;
	bool no_memory;
};

/* The innermost frame, NULL outside of the document. */
static inline struct frame *decode_top(struct decoder *decoder)
{
	return decoder->depth ? &decoder->frames[decoder->depth - 1] : NULL;
}

/* The same where yajl has seen to it that there is one: at a key, at } and at ]. */
static inline struct frame *decode_frame(struct decoder *decoder)
{
	return &decoder->frames[decoder->depth - 1];
}

/* decode-report.c: the path of a problem is that of the value that comes now. */

/* Reports an error at an offset. Returns false when there were too many: stop. */
bool decode_error(struct decoder *decoder, size_t offset, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for the field `name` of the object on top, which is not there. */
bool decode_error_missing(struct decoder *decoder, const struct oci_field *field);
/* Reports an unknown field, if that was asked for. `hint` is a field that is like it, or NULL. */
void decode_unknown(struct decoder *decoder, size_t offset, const char *hint);
/* Reports what concerns the document and no place in it: path "", no position. */
void decode_error_document(struct decoder *decoder, const char *message);
/* A syntax error. */
void decode_error_syntax(struct decoder *decoder, const struct json_fault *fault);

/* Quotes a string for a message as JSON would, cut when it is long. Returns `buffer`. */
#define DECODE_QUOTED_MAX 400
const char *decode_quote(char buffer[static DECODE_QUOTED_MAX], const char *text, size_t length);

/* A string of the document, decoded. */
struct decode_text {
	const char *text;
	size_t length;
	size_t offset; /* of its opening quote in the document */
};

/* decode-value.c: put a scalar into a field, or into the list or map on top. They report what is
 * wrong; false means stop (too many errors or no memory). `offset` is that of the value. */
bool decode_string(struct decoder *decoder, const struct decode_text *string);
bool decode_number(struct decoder *decoder, const char *text, size_t length, size_t offset);
bool decode_bool(struct decoder *decoder, bool value, size_t offset);
bool decode_null(struct decoder *decoder, size_t offset);
/* "expected a string, not an object": what the value on top was to be is found out here. */
bool decode_wrong_type(struct decoder *decoder, const char *got, size_t offset);

/* Memory of the document; on failure decoder->no_memory is set. */
void *decode_alloc(struct decoder *decoder, size_t size);
char *decode_strndup(struct decoder *decoder, const char *text, size_t length);
/* A new item at the end of the list or map in `frame`, zeroed. */
void *decode_append(struct decoder *decoder, struct frame *frame);

/*
 * As oci_config_decode(), but *ret_document is given as well when fields of it were wrong
 * (-EBADMSG): those are as if they were absent. NULL behind a syntax error or without memory.
 */
int oci_config_decode_broken(const char *text, size_t length, const struct oci_report *report,
			     struct oci_document **ret_document);

#endif
