/* SPDX-License-Identifier: Apache-2.0 */
/* What criu answers: no bytes read beyond the end, and strings that end. */
#include <stdlib.h>
#include <string.h>

#include "container/criu/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct criu_response response;

	if (criu_parse_response(data, size, &response) < 0)
		return 0;
	if (response.type == 0 ||
	    strnlen(response.script, sizeof(response.script)) == sizeof(response.script) ||
	    strnlen(response.words, sizeof(response.words)) == sizeof(response.words))
		abort();
	return 0;
}
