/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Without memory: the first allocation fails, then the second, and so on until all succeed. Each
 * time the answer is -ENOMEM, reported as such, and nothing is leaked (LeakSanitizer) or written.
 * The linker puts the functions below before the real ones: see --wrap in tests/unit/meson.build.
 */
#include "oci-collect.h"

#include <stdint.h>

static size_t left = SIZE_MAX; /* allocations that are still to succeed */
static bool is_failing;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *data, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *data, size_t size);

static bool is_granted(void)
{
	if (!is_failing)
		return true;
	if (!left)
		return false;
	left--;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return is_granted() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
	return is_granted() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *data, size_t size)
{
	return is_granted() ? __real_realloc(data, size) : NULL;
}

/* A document that needs every kind of memory: arena chunks, large lists, yajl's buffers for
 * escapes, the table of keys, and a text of several sizes. */
static char *make_text(void)
{
	char *text = malloc(200000), *end;

	end = stpcpy(text, "{\"ociVersion\":\"1\",\"x\":{\"\\u0061\":1},\"process\":{\"cwd\":\"/\","
			   "\"args\":[\"\\n");
	memset(end, 'a', 5000);
	end = stpcpy(end + 5000, "\"");
	for (int i = 0; i < 5000; i++)
		end = stpcpy(end, ",\"12345678\"");
	end = stpcpy(end, "]},\"annotations\":{\"a\":\"\"");
	for (int i = 0; i < 200; i++)
		end += sprintf(end, ",\"k%d\":\"\"", i);
	stpcpy(end, "}}");
	return text;
}

/* Asserts allocate, and are not what is to fail. */
static void collect_calmly(void *data, const struct oci_problem *problem)
{
	is_failing = false;
	collect(data, problem);
	is_failing = true;
}

START_TEST(test_decode)
{
	char *text = make_text();
	struct oci_document *document = NULL;
	size_t failures = 0;
	int r;

	do {
		struct collected collected = {0};
		struct oci_report report = {collect_calmly, &collected, false};

		left = failures;
		is_failing = true;
		r = oci_config_decode(text, strlen(text), &report, &document);
		is_failing = false;
		if (r == 0)
			break;
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_ptr_null(document);
		ck_assert_str_eq(collected.text, "0:0 : out of memory");
		failures++;
	} while (failures < 1000);
	ck_assert_int_eq(r, 0);
	ck_assert_uint_gt(failures, 10);
	ck_assert_uint_eq(oci_document_config(document)->annotations.count, 201);
	oci_document_free(document);
	free(text);
}
END_TEST

START_TEST(test_encode)
{
	char *text = make_text(), *encoded = NULL;
	struct oci_document *document = accept(oci_process_decode, "{\"cwd\":\"/\"}");
	size_t failures = 0, length = 0;
	int r;

	oci_document_free(document);
	ck_assert_int_eq(oci_config_decode(text, strlen(text), NULL, &document), 0);
	do {
		left = failures;
		is_failing = true;
		r = oci_config_encode(oci_document_config(document), true, &encoded, &length);
		is_failing = false;
		if (r == 0)
			break;
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_ptr_null(encoded);
		failures++;
	} while (failures < 1000);
	ck_assert_int_eq(r, 0);
	ck_assert_uint_gt(failures, 3);
	oci_document_free(document);
	free(encoded);
	free(text);
}
END_TEST

START_TEST(test_locate)
{
	/* Longer than what the parser has room for itself. */
	char text[9000] = "{\"a\\n\":\"\\n", *end = text + strlen(text);
	unsigned int line = 7, column = 7;
	size_t failures = 0;
	int r;

	memset(end, 'a', 8000);
	(void)stpcpy(end + 8000, "\",\"b\":5}");
	do {
		left = failures;
		is_failing = true;
		r = oci_locate(text, strlen(text), "b", &line, &column);
		is_failing = false;
		if (r == 0)
			break;
		ck_assert_int_eq(r, -ENOENT);
		ck_assert_uint_eq(line, 7);
		failures++;
	} while (failures < 100);
	ck_assert_int_eq(r, 0);
	ck_assert_uint_gt(failures, 0);
	ck_assert_uint_eq(line, 1);
	ck_assert_uint_eq(column, 8017);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("oci-memory");
	TCase *tcase = tcase_create("none");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_decode);
	tcase_add_test(tcase, test_encode);
	tcase_add_test(tcase, test_locate);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
