/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a seccomp profile means, said a second time and as plainly as possible, to be compared with
 * the compiled filter. Shared by the unit test and the fuzzer.
 */
#ifndef TESTS_SECCOMP_ORACLE_H
#define TESTS_SECCOMP_ORACLE_H

#include <knarr/config.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SECCOMP_RET_* that the profile gives for this call; for one that is not refused. */
uint32_t seccomp_oracle_action(const struct oci_seccomp *config, const struct seccomp_data *data);

/* Whether the profile contradicts itself, or would leave nobody able to tell of its listener. */
bool seccomp_oracle_refuses(const struct oci_seccomp *config);

/* Makes a profile out of the bytes, compiles it, and compares it with the oracle for many calls.
 * Aborts with a description on stderr when they differ. */
void seccomp_oracle_check(const uint8_t *data, size_t size);

#endif
