/* SPDX-License-Identifier: Apache-2.0 */
/* From the profile to the instructions of the filter. Pure. */
#ifndef ISOLATE_SECCOMP_COMPILE_H
#define ISOLATE_SECCOMP_COMPILE_H

#include <knarr/config.h>
#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "isolate/seccomp/syscalls.h"

/*
 * Instructions in the kernel's form; malloc'ed. What they do is described in seccomp/rules.c and
 * seccomp/enosys.c. -EINVAL with the field for a rule that has no meaning; -E2BIG beyond
 * BPF_MAXINSNS; -ENOMEM.
 */
int seccomp_compile(const struct oci_seccomp *config,
		    const struct seccomp_architectures *architectures,
		    struct sock_filter **ret_instructions, size_t *ret_count, struct error *err);

#endif
