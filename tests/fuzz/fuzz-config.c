/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decoder of config.json, process and resources documents, and the encoder behind it.
 *
 * Whatever the bytes are: no crash, and a text that is accepted is the same after it was encoded
 * and decoded again, in both forms. A problem points into the text, and its path, given back to
 * oci_locate(), never leads outside of it. tests/unit/test-oci-corpus.c runs this over the corpus.
 */
#include "oci-spec/oci-spec.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const char *text;
	size_t length;
	size_t errors;
};

static void demand(bool is_true, const char *what)
{
	if (is_true)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

/* Is there such a line and column? One column behind the end of a line there is, too. */
static void demand_position(const struct input *input, unsigned int line, unsigned int column)
{
	const char *start = input->text, *end = input->text + input->length, *newline;

	for (; line > 1; line--) {
		newline = memchr(start, '\n', (size_t)(end - start));
		demand(newline != NULL, "the line exists");
		start = newline + 1;
	}
	demand(column >= 1 && column <= (size_t)(end - start) + 1, "the column exists");
}

static void on_problem(void *context, const struct oci_problem *problem)
{
	struct input *input = context;
	unsigned int line, column;

	demand(problem->path && problem->message && problem->message[0], "a problem has words");
	if (problem->severity == OCI_ERROR)
		input->errors++;
	if (problem->line)
		demand_position(input, problem->line, problem->column);
	if (oci_locate(input->text, input->length, problem->path, &line, &column) == 0)
		demand_position(input, line, column);
}

typedef int decode_fn(const char *text, size_t length, const struct oci_report *report,
		      struct oci_document **ret_document);
typedef int encode_fn(const struct oci_document *document, bool pretty, char **ret_text,
		      size_t *ret_length);

static int encode_config(const struct oci_document *document, bool pretty, char **ret_text,
			 size_t *ret_length)
{
	return oci_config_encode(oci_document_config(document), pretty, ret_text, ret_length);
}

static int encode_process(const struct oci_document *document, bool pretty, char **ret_text,
			  size_t *ret_length)
{
	return oci_process_encode(oci_document_process(document), pretty, ret_text, ret_length);
}

static int encode_resources(const struct oci_document *document, bool pretty, char **ret_text,
			    size_t *ret_length)
{
	return oci_resources_encode(oci_document_resources(document), pretty, ret_text, ret_length);
}

static const struct {
	decode_fn *decode;
	encode_fn *encode;
} kinds[] = {
	{oci_config_decode, encode_config},
	{oci_process_decode, encode_process},
	{oci_resources_decode, encode_resources},
};

/* Encodes, decodes what came out, and encodes that: both encodings must be the same. */
static void round_trip(size_t kind, const struct oci_document *document, bool pretty)
{
	struct input again = {0};
	struct oci_report report = {on_problem, &again, true};
	struct oci_document *second = NULL;
	char *first_text = NULL, *second_text = NULL;
	size_t first_length = 0, second_length = 0;

	demand(kinds[kind].encode(document, pretty, &first_text, &first_length) == 0,
	       "what was accepted can be encoded");
	again.text = first_text;
	again.length = first_length;
	demand(kinds[kind].decode(first_text, first_length, &report, &second) == 0,
	       "what was encoded can be decoded");
	demand(again.errors == 0, "success without errors");
	demand(kinds[kind].encode(second, pretty, &second_text, &second_length) == 0,
	       "it can be encoded once more");
	demand(first_length == second_length && !memcmp(first_text, second_text, first_length),
	       "both encodings are the same");
	free(first_text);
	free(second_text);
	oci_document_free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
		struct input input = {(const char *)data, size, 0};
		struct oci_report report = {on_problem, &input, true};
		struct oci_document *document = NULL;
		int r = kinds[kind].decode(input.text, size, &report, &document);

		demand(r == 0 || r == -EBADMSG || r == -ENOMEM, "the result is one of three");
		demand((r == 0) == (input.errors == 0), "an error is reported, and only then");
		if (r < 0)
			continue;
		round_trip(kind, document, false);
		round_trip(kind, document, true);
		oci_document_free(document);
	}
	return 0;
}
