/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libseccomp knows about architectures and about the numbers of their syscalls. Nothing else
 * of it is used. Pure.
 */
#ifndef ISOLATE_SECCOMP_SYSCALLS_H
#define ISOLATE_SECCOMP_SYSCALLS_H

#include <knarr/config.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "isolate/seccomp/numbers.h"
#include "isolate/seccomp/table.h"

/* libseccomp's tokens of the architectures of a filter, each once: the native one first, which is
 * in every filter, then those of the profile. They are the kernel's AUDIT_ARCH_* but for x32. */
struct seccomp_architectures {
	uint32_t *tokens; /* owned */
	size_t count;
};

/* 0 when libseccomp does not know it. `architecture` is an index into oci_seccomp_architectures. */
uint32_t seccomp_architecture_token(int architecture);

/* -EINVAL at its field for one that libseccomp does not know or that has another byte order than
 * this machine; -ENOMEM. */
int seccomp_architectures_plan(const struct oci_seccomp *config,
			       struct seccomp_architectures *ret_architectures, struct error *err);

/* Whether its syscalls have arguments of 32 bits. */
bool seccomp_architecture_is_narrow(uint32_t token);

/* To look names up on one architecture. Zero but for the token, and the rows. */
struct seccomp_lookup {
	uint32_t token;
	const struct seccomp_row *const *rows; /* of the names that are yet to be looked up */
	struct seccomp_numbers numbers;
};

/* -ENOENT when this architecture does not have it, or nobody has. `row` is what the table knows of
 * the name, or NULL. */
int seccomp_lookup_find(struct seccomp_lookup *lookup, const char *name,
			const struct seccomp_row *row, struct seccomp_number *ret_number);

/* Whether libseccomp has heard of such a syscall on any architecture. */
bool seccomp_syscall_is_known(const char *name);

#endif
