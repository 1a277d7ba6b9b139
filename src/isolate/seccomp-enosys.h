/* SPDX-License-Identifier: Apache-2.0 */
/* ENOSYS for syscalls that are newer than the profile; the essay is in the .c. Pure. */
#ifndef ISOLATE_SECCOMP_ENOSYS_H
#define ISOLATE_SECCOMP_ENOSYS_H

#include <knarr/config.h>
#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "isolate/seccomp-compile.h"

/* The highest syscall numbers that a profile names for what the kernel calls one architecture. */
struct seccomp_newest {
	uint32_t architecture; /* AUDIT_ARCH_* */
	int64_t number;	       /* -1: the profile names none */
	int64_t x32_number;    /* with its bit 30; -1: none, or x32 is not in the filter */
};

/* Whether the default action of the profile is one that ENOSYS takes the place of. */
bool seccomp_enosys_wanted(const struct oci_seccomp *config);

/* Looks the profile's names up on each architecture. `ret_newest` has room for all architectures;
 * gives how many entries were written. */
size_t seccomp_enosys_plan(const struct oci_seccomp *config,
			   const struct seccomp_architectures *architectures,
			   struct seccomp_newest *ret_newest);

/* Most instructions that one entry takes. */
#define SECCOMP_ENOSYS_ENTRY_MAX 7

/* Writes the prologue to be put in front of a filter, at most 1 + count * SECCOMP_ENOSYS_ENTRY_MAX
 * instructions; gives their number, 0 when there is nothing to say. */
size_t seccomp_enosys_emit(const struct seccomp_newest *newest, size_t count,
			   struct sock_filter *ret_instructions);

#endif
