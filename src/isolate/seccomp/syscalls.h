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

/* x32 is x86-64 to the kernel, with this bit in each syscall number. */
#define SECCOMP_X32_BIT 0x40000000u
bool seccomp_architecture_is_x32(uint32_t token);

/* Whether its syscalls have arguments of 32 bits. */
bool seccomp_architecture_is_narrow(uint32_t token);

/* What the calls of socketcall(2) and ipc(2) are numbered to, at most. */
#define SECCOMP_SOCKETCALLS 20
#define SECCOMP_IPCS	    24

/* To look names up on one architecture. Zero but for the token. */
struct seccomp_lookup {
	uint32_t token;
	/* Of the calls that the architecture has also, or only, through socketcall and ipc: their
	 * numbers of their own, or -1. */
	bool listed;
	int socketcalls[SECCOMP_SOCKETCALLS + 1], ipcs[SECCOMP_IPCS + 1];
};

/* Where one syscall is found. */
struct seccomp_number {
	int direct;	  /* -1: it has no number of its own */
	int multiplexer;  /* the number of socketcall or ipc when it is reached through that, or -1
			   */
	uint32_t subcall; /* and the multiplexer's first argument then */
};

/* -ENOENT when this architecture does not have it, or nobody has. */
int seccomp_lookup_find(struct seccomp_lookup *lookup, const char *name,
			struct seccomp_number *ret_number);

/* Whether libseccomp has heard of such a syscall on any architecture. */
bool seccomp_syscall_is_known(const char *name);

#endif
