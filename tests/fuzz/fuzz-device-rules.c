/* SPDX-License-Identifier: Apache-2.0 */
/* The device program and the v1 lines against a plain evaluation of the rules. */
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/device-oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	(void)device_oracle_check(data, size);
	return 0;
}
