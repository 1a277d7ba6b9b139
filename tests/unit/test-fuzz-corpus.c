/* SPDX-License-Identifier: Apache-2.0 */
/* One fuzz target, run over its corpus (FUZZ_CORPUS): what a fuzzer once found stays mended. */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "suite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All its beginnings too, from memory of exactly that length: a byte too many is noticed. */
static void run(int directory, const char *name)
{
	auto_free char *text = NULL;
	size_t length;

	ck_assert_int_eq(io_read_file(directory, name, 0, 1 << 20, &text, &length), 0);
	for (size_t size = 0; size <= length; size++) {
		uint8_t *cut = malloc(size ? size : 1);

		ck_assert_ptr_nonnull(cut);
		memcpy(cut, text, size);
		ck_assert_int_eq(LLVMFuzzerTestOneInput(cut, size), 0);
		free(cut);
	}
}

START_TEST(corpus)
{
	auto_close int fd = open(FUZZ_CORPUS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = opendir(FUZZ_CORPUS);
	struct dirent *entry;
	size_t count = 0;

	ck_assert_int_ge(fd, 0);
	ck_assert_ptr_nonnull(directory);
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		run(fd, entry->d_name);
		count++;
	}
	closedir(directory);
	ck_assert_uint_ge(count, 5);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {corpus};

	return suite_run("fuzz-corpus", tests, suite_count(tests));
}
