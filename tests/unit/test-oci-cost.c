/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What reading a configuration costs, in CPU time and memory: decoded and checked, without
 * sanitizers and optimised, the best of several times. The limits are the project's promises: 0.3
 * ms for the 30 KB of a container with a long seccomp profile, half a second for 10 MB, and both
 * time and memory in proportion to the file.
 */
#include "oci-spec/oci-spec.h"

#include <check.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MB ((size_t)1000000)

struct cost {
	double milliseconds;
	size_t bytes;
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static size_t allocated(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static struct cost cost_of(const char *text, int rounds)
{
	struct cost best = {.milliseconds = 1e9};
	size_t length = strlen(text);

	for (int i = 0; i < rounds; i++) {
		const struct oci_report report = {.problem = NULL};
		struct oci_document *document = NULL;
		size_t before = allocated();
		double start = now();

		ck_assert_int_eq(oci_config_decode(text, length, &report, &document), 0);
		ck_assert_uint_eq(
			oci_config_check(oci_document_config(document), text, length, &report), 0);
		start = now() - start;
		best.bytes = allocated() - before;
		if (start < best.milliseconds)
			best.milliseconds = start;
		oci_document_free(document);
	}
	printf("%zu bytes: %.3f ms, %zu bytes of memory\n", length, best.milliseconds, best.bytes);
	return best;
}

/* docker's, with more of the rules that it has. */
static char *docker_text(size_t size)
{
	static const char rule[] =
		"{\"names\":[\"socket\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{"
		"\"index\":0,\"value\":40,\"op\":\"SCMP_CMP_NE\"}]},";
	char *text = calloc(1, 2 * size), *at;
	FILE *file = fopen(TEST_DATA_DIR "/configs/docker-default.json", "r");

	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_gt(fread(text, 1, size, file), 0);
	fclose(file);
	at = strstr(text, "\"syscalls\":[");
	ck_assert_ptr_nonnull(at);
	at += strlen("\"syscalls\":[");
	while (strlen(text) < size) {
		memmove(at + sizeof(rule) - 1, at, strlen(at) + 1);
		memcpy(at, rule, sizeof(rule) - 1);
	}
	return text;
}

static char *mounts_text(size_t size)
{
	char *text = malloc(size + 1000), *end = text;

	ck_assert_ptr_nonnull(text);
	end += sprintf(end,
		       "{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"r\"},\"process\":{\"cwd\":"
		       "\"/\",\"args\":[\"a\"]},\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]},"
		       "\"mounts\":[");
	for (int i = 0; (size_t)(end - text) < size; i++)
		end += sprintf(
			end,
			"%s{\"destination\":\"/mnt/%07d\",\"type\":\"bind\",\"source\":"
			"\"/srv/data/%07d\",\"options\":[\"rbind\",\"ro\",\"nosuid\",\"nodev\"]}",
			i ? ",\n" : "", i, i);
	strcpy(end, "]}");
	return text;
}

START_TEST(an_engines_configuration)
{
	char *text = docker_text(30000);
	struct cost cost = cost_of(text, 200);

	ck_assert_double_lt(cost.milliseconds, 0.3);
	ck_assert_uint_lt(cost.bytes, 8 * strlen(text));
	free(text);
}
END_TEST

START_TEST(many_mounts)
{
	char *half = mounts_text(5 * MB), *whole = mounts_text(10 * MB);
	struct cost of_half = cost_of(half, 7), of_whole = cost_of(whole, 7);

	ck_assert_double_lt(of_whole.milliseconds, 500);
	ck_assert_double_lt(of_whole.milliseconds, 3 * of_half.milliseconds);
	ck_assert_uint_lt(of_whole.bytes, 8 * strlen(whole));
	ck_assert_uint_lt(of_whole.bytes, 3 * of_half.bytes);
	free(half);
	free(whole);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("oci-cost");
	TCase *tcase = tcase_create("cost");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, an_engines_configuration);
	tcase_add_test(tcase, many_mounts);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
