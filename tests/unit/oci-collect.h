/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of oci-spec: problems as lines of text, to be compared as a whole. */
#ifndef TESTS_OCI_COLLECT_H
#define TESTS_OCI_COLLECT_H

#include "oci-spec/oci-spec.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct collected {
	char text[65536];
	size_t length;
	char sections[4096]; /* one a line too */
};

/* "line:column path: message", with "unknown " or "warning " before it when it is no error. */
static inline void collect(void *data, const struct oci_problem *problem)
{
	static const char *const severities[] = {"", "warning ", "unknown "};
	struct collected *collected = data;
	size_t left = sizeof(collected->text) - collected->length;
	int n = snprintf(collected->text + collected->length, left, "%s%s%u:%u %s: %s",
			 collected->length ? "\n" : "", severities[problem->severity],
			 problem->line, problem->column, problem->path, problem->message);

	ck_assert_int_gt(n, 0);
	ck_assert_uint_lt((size_t)n, left);
	collected->length += (size_t)n;
	left = sizeof(collected->sections) - strlen(collected->sections);
	snprintf(collected->sections + strlen(collected->sections), left, "%s\n",
		 problem->section ? problem->section : "-");
}

typedef int decode_fn(const char *text, size_t length, const struct oci_report *report,
		      struct oci_document **ret_document);

/* Decodes from a copy of exactly that length, so that reading one byte too many is noticed. */
static inline int decode_exact(decode_fn *decode, const char *text, size_t length,
			       const struct oci_report *report, struct oci_document **ret_document)
{
	char *copy = malloc(length ? length : 1);
	int r;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, length);
	r = decode(copy, length, report, ret_document);
	free(copy);
	return r;
}

/* The text is accepted without a word. */
static inline struct oci_document *accept(decode_fn *decode, const char *text)
{
	struct collected collected = {0};
	struct oci_report report = {collect, &collected, true};
	struct oci_document *document = NULL;
	int r = decode_exact(decode, text, strlen(text), &report, &document);

	ck_assert_str_eq(collected.text, "");
	ck_assert_int_eq(r, 0);
	ck_assert_ptr_nonnull(document);
	return document;
}

/* The text is refused with exactly these problems. */
static inline void refuse_bytes(decode_fn *decode, const char *text, size_t length,
				const char *problems)
{
	struct collected collected = {0};
	struct oci_report report = {collect, &collected, false};
	struct oci_document *document = NULL;
	int r = decode_exact(decode, text, length, &report, &document);

	ck_assert_str_eq(collected.text, problems);
	ck_assert_int_eq(r, -EBADMSG);
	ck_assert_ptr_null(document);
}

static inline void refuse(decode_fn *decode, const char *text, const char *problems)
{
	refuse_bytes(decode, text, strlen(text), problems);
}

#endif
