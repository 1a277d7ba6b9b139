/* SPDX-License-Identifier: Apache-2.0 */
/* The compiled seccomp filter against a plain evaluation of the profile. */
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/seccomp-oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	seccomp_oracle_check(data, size);
	return 0;
}
