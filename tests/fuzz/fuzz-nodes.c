/* SPDX-License-Identifier: Apache-2.0 */
/* A list of memory nodes: what is accepted means the same when it is written out and read again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "isolate/limits.h"

#define WORD_BITS (8 * sizeof(unsigned long))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned long *bits = NULL, *again = NULL, count = 0, count_again = 0;
	struct text text = {0}, plain = {0};

	text_append_bytes(&text, (const char *)data, size);
	if (limits_parse_list(text.data, &bits, &count) == 0) {
		text_append(&plain, "");
		for (unsigned long node = 0; node < count; node++)
			if (bits[node / WORD_BITS] >> node % WORD_BITS & 1)
				text_format(&plain, "%lu,", node);
		if (limits_parse_list(plain.data, &again, &count_again) != 0 ||
		    count != count_again ||
		    (count > 0 && memcmp(bits, again, (count + 7) / 8) != 0))
			abort();
	}
	free(bits);
	free(again);
	text_clear(&text);
	text_clear(&plain);
	return 0;
}
