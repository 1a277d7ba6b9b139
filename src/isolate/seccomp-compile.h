/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the profile to the instructions of the filter, without the ENOSYS prologue
 * (seccomp-enosys.h). The one place that knows libseccomp's filters, so that another generator can
 * stand in for it.
 */
#ifndef ISOLATE_SECCOMP_COMPILE_H
#define ISOLATE_SECCOMP_COMPILE_H

#include <knarr/config.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* libseccomp's tokens of the architectures of a filter, each once: the native one first, which is
 * in every filter, then those of the profile. */
struct seccomp_architectures {
	uint32_t *tokens; /* owned */
	size_t count;
};

/* 0 when libseccomp does not know it. `architecture` is an index into oci_seccomp_architectures. */
uint32_t seccomp_architecture_token(int architecture);

/* -EINVAL naming one that libseccomp does not know, at its field; -ENOMEM. */
int seccomp_architectures_plan(const struct oci_seccomp *config,
			       struct seccomp_architectures *ret_architectures, struct error *err);

/*
 * Instructions in the kernel's form; malloc'ed. Syscalls that libseccomp does not know are skipped
 * with a debug message. -EINVAL with the field for a rule that has no meaning; -E2BIG beyond
 * BPF_MAXINSNS.
 */
int seccomp_compile(const struct oci_seccomp *config,
		    const struct seccomp_architectures *architectures,
		    struct sock_filter **ret_instructions, size_t *ret_count, struct error *err);

/* What a finished libseccomp filter consists of; malloc'ed (seccomp-export-*.c, by the library's
 * version). Returns 0 or a negative errno. */
int seccomp_export(scmp_filter_ctx filter, struct sock_filter **ret_instructions,
		   size_t *ret_count);

#endif
