/* SPDX-License-Identifier: Apache-2.0 */
/* The container's /etc/passwd: what is found fits, and is an absolute path. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "isolate/identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char home[32];

	memset(home, 'x', sizeof(home));
	identity_parse_home((const char *)data, size, 0, home, sizeof(home));
	if (home[0] != '/' || !memchr(home, '\0', sizeof(home)))
		abort();
	return 0;
}
