/* SPDX-License-Identifier: Apache-2.0 */
/* A file of the container that execve refused: the explanation reads any bytes and is one line. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "isolate/executable.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	int root, file;
} stage;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char path[] = "/tmp/knarr-fuzz.XXXXXX";

	if (!mkdtemp(path))
		abort();
	stage.root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	stage.file = openat(stage.root, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0755);
	if (stage.root < 0 || stage.file < 0)
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int numbers[] = {ENOENT, ENOEXEC, EACCES, ELIBBAD};
	const struct executable_search search = {.root = stage.root, .name = "file", .cwd = "/"};
	struct error err;

	if (ftruncate(stage.file, 0) < 0 || pwrite(stage.file, data, size, 0) != (ssize_t)size)
		abort();
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		err = ERROR_INIT;
		if (executable_explain(&search, "/file", numbers[i], &err) != -numbers[i])
			abort();
		if (strncmp(err.message, "exec: \"file\": ", 14) != 0 ||
		    strpbrk(err.message, "\n\r") || strpbrk(err.hint, "\n\r"))
			abort();
	}
	return 0;
}
