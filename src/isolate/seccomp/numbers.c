/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multiplexed syscalls
 *
 * Some architectures (i386, s390, 32-bit mips, ppc, m68k) had all socket calls behind socketcall(2)
 * and System V IPC behind ipc(2) for a long time, and got numbers for most of them later.
 * libseccomp gives such names a negative number, -100 or -200 less the number of the call; the
 * number of its own, if it has one, can only be had by asking for the name of that number. There
 * are few, in a few ranges that no two architectures use differently enough to matter, for each is
 * asked by name.
 */
#include "isolate/seccomp/numbers.h"

#include <errno.h>
#include <seccomp.h>
#include <stdbool.h>
#include <string.h>

#include "base/fd.h"

/* Where libseccomp's numbers for parts of socketcall and of ipc begin, downwards. From -10000 on it
 * invents numbers for syscalls that an architecture does not have. */
#define SOCKETCALL_BASE (-100)
#define IPC_BASE	(-200)

bool seccomp_architecture_is_x32(uint32_t token)
{
	return token == SCMP_ARCH_X32;
}

/* The place of a multiplexed call in the lists, or NULL. */
static int *number_place(struct seccomp_numbers *numbers, int number)
{
	if (number < SOCKETCALL_BASE && number >= SOCKETCALL_BASE - SECCOMP_SOCKETCALLS)
		return &numbers->socketcalls[SOCKETCALL_BASE - number];
	if (number < IPC_BASE && number >= IPC_BASE - SECCOMP_IPCS)
		return &numbers->ipcs[IPC_BASE - number];
	return NULL;
}

static void number_list(struct seccomp_numbers *numbers, uint32_t token, int number)
{
	auto_free char *name = seccomp_syscall_resolve_num_arch(token, number);
	int *place = NULL;

	if (name)
		place = number_place(numbers, seccomp_syscall_resolve_name_arch(token, name));
	if (place)
		*place = number;
}

static void numbers_list(struct seccomp_numbers *numbers, uint32_t token, int multiplexer)
{
	static const struct {
		int first, last;
	} ranges[] = {{326, 380}, {392, 402}, {4168, 4184}, {4334, 4343}, {4392, 4402}};

	memset(numbers->socketcalls, -1, sizeof(numbers->socketcalls));
	memset(numbers->ipcs, -1, sizeof(numbers->ipcs));
	numbers->listed = true;
	for (size_t i = 0; i < array_size(ranges); i++) {
		/* mips begins at 4000, and has nothing below. */
		if ((ranges[i].first >= 4000) != (multiplexer >= 4000))
			continue;
		for (int number = ranges[i].first; number <= ranges[i].last; number++)
			number_list(numbers, token, number);
	}
}

int seccomp_numbers_ask(struct seccomp_numbers *numbers, uint32_t token, const char *name,
			struct seccomp_number *ret_number)
{
	int number = seccomp_syscall_resolve_name_arch(token, name);
	bool socketcall = number > IPC_BASE;
	const int *place;
	int multiplexer;

	if (number >= 0) {
		*ret_number = (struct seccomp_number){.direct = number, .multiplexer = -1};
		return 0;
	}
	place = number_place(numbers, number);
	if (!place)
		return -ENOENT;
	multiplexer = seccomp_syscall_resolve_name_arch(token, socketcall ? "socketcall" : "ipc");
	if (!numbers->listed)
		numbers_list(numbers, token, multiplexer);
	*ret_number = (struct seccomp_number){
		.direct = *place,
		.multiplexer = multiplexer,
		.subcall = (uint32_t)((socketcall ? SOCKETCALL_BASE : IPC_BASE) - number),
	};
	return 0;
}
