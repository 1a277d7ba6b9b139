/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of syscalls by their names, as libseccomp tells them. Pure. */
#ifndef ISOLATE_SECCOMP_NUMBERS_H
#define ISOLATE_SECCOMP_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

/* x32 is x86-64 to the kernel, with this bit in each syscall number. */
#define SECCOMP_X32_BIT 0x40000000u
bool seccomp_architecture_is_x32(uint32_t token);

/* Where one syscall is found. */
struct seccomp_number {
	int direct;	  /* -1: it has no number of its own */
	int multiplexer;  /* the number of socketcall or ipc when it is reached through that, or -1
			   */
	uint32_t subcall; /* and the multiplexer's first argument then */
};

/* What the calls of socketcall(2) and ipc(2) are numbered to, at most. */
#define SECCOMP_SOCKETCALLS 20
#define SECCOMP_IPCS	    24

/* What one architecture was asked already. Zero at first. */
struct seccomp_numbers {
	/* Of the calls that the architecture has also, or only, through socketcall and ipc: their
	 * numbers of their own, or -1. */
	bool listed;
	int socketcalls[SECCOMP_SOCKETCALLS + 1], ipcs[SECCOMP_IPCS + 1];
};

/* -ENOENT when the architecture (libseccomp's token) does not have it, or nobody has. */
int seccomp_numbers_ask(struct seccomp_numbers *numbers, uint32_t token, const char *name,
			struct seccomp_number *ret_number);

#endif
