/* SPDX-License-Identifier: Apache-2.0 */
/* The fuzz target of the decoder, run over its corpus: what a fuzzer once found stays mended. */
#include <check.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CORPUS TEST_DATA_DIR "/../fuzz/corpus/config"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* From memory of exactly that length, so that a byte too many is noticed. */
static void run(const char *directory, const char *name)
{
	char path[4096];
	uint8_t *data;
	FILE *file;
	long size;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "rb");
	ck_assert_msg(file != NULL, "cannot open %s", path);
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	rewind(file);
	data = malloc(size ? (size_t)size : 1);
	ck_assert_uint_eq(fread(data, 1, (size_t)size, file), (size_t)size);
	fclose(file);
	/* All its beginnings too: what is cut off anywhere must be refused and not read beyond. */
	for (size_t length = 0; length < (size_t)size && size < 2000; length++) {
		uint8_t *cut = malloc(length ? length : 1);

		memcpy(cut, data, length);
		LLVMFuzzerTestOneInput(cut, length);
		free(cut);
	}
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
}

START_TEST(test_corpus)
{
	DIR *directory = opendir(CORPUS);
	struct dirent *entry;
	size_t count = 0;

	ck_assert_ptr_nonnull(directory);
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		run(CORPUS, entry->d_name);
		count++;
	}
	closedir(directory);
	ck_assert_uint_ge(count, 30);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("oci-corpus");
	TCase *tcase = tcase_create("config");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 100);
	tcase_add_test(tcase, test_corpus);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
