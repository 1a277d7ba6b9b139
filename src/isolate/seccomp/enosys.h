/* SPDX-License-Identifier: Apache-2.0 */
/* ENOSYS for syscalls that are newer than the profile; the essay is in the .c. Pure. */
#ifndef ISOLATE_SECCOMP_ENOSYS_H
#define ISOLATE_SECCOMP_ENOSYS_H

#include <knarr/config.h>
#include <stdbool.h>
#include <stdint.h>

/* Whether the default action of the profile is one that ENOSYS takes the place of, for numbers
 * above the highest one that the profile names on an architecture. */
bool seccomp_enosys_wanted(const struct oci_seccomp *config);

/* Whether number 0 stands for unknown syscalls on this architecture (a libseccomp token). */
bool seccomp_enosys_zero(uint32_t token);

#endif
