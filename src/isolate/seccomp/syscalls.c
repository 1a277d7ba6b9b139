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
#include "isolate/seccomp/syscalls.h"

#include <ctype.h>
#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "oci-spec/oci-spec.h"

/* Where libseccomp's numbers for parts of socketcall and of ipc begin, downwards. From -10000 on it
 * invents numbers for syscalls that an architecture does not have. */
#define SOCKETCALL_BASE (-100)
#define IPC_BASE	(-200)

uint32_t seccomp_architecture_token(int architecture)
{
	const char *name = oci_enum_name(oci_seccomp_architectures, (uint64_t)architecture);
	char lower[32];
	size_t i;

	if (architecture < 0 || !name || strncmp(name, "SCMP_ARCH_", 10) != 0)
		return 0;
	name += 10;
	for (i = 0; i < sizeof(lower) - 1 && name[i]; i++)
		lower[i] = (char)tolower((unsigned char)name[i]);
	lower[i] = '\0';
	return seccomp_arch_resolve_name(lower);
}

bool seccomp_architecture_is_x32(uint32_t token)
{
	return token == SCMP_ARCH_X32;
}

bool seccomp_architecture_is_narrow(uint32_t token)
{
	return !(token & __AUDIT_ARCH_64BIT) || token == SCMP_ARCH_MIPS64N32 ||
	       token == SCMP_ARCH_MIPSEL64N32;
}

static bool has_token(const struct seccomp_architectures *architectures, uint32_t token)
{
	for (size_t i = 0; i < architectures->count; i++) {
		if (architectures->tokens[i] == token)
			return true;
	}
	return false;
}

static int architecture_check(int architecture, uint32_t token, struct error *err)
{
	const char *name = oci_enum_name(oci_seccomp_architectures, (uint64_t)architecture);

	if (token == 0)
		return error_set(err, EINVAL, "this libseccomp does not know %s",
				 name ? name : "this architecture");
	if ((token ^ seccomp_arch_native()) & __AUDIT_ARCH_LE)
		return error_set(err, EINVAL, "%s has another byte order than this machine", name);
	return 0;
}

int seccomp_architectures_plan(const struct oci_seccomp *config,
			       struct seccomp_architectures *ret_architectures, struct error *err)
{
	auto_free uint32_t *tokens = calloc(config->architectures.count + 1, sizeof(*tokens));
	struct seccomp_architectures list = {tokens, 0};

	if (!tokens)
		return error_errno(err, ENOMEM, "seccomp architectures");
	tokens[list.count++] = seccomp_arch_native();
	for (size_t i = 0; i < config->architectures.count; i++) {
		int architecture = config->architectures.items[i];
		uint32_t token = seccomp_architecture_token(architecture);

		if (architecture_check(architecture, token, err) < 0)
			return error_at(err, "linux.seccomp.architectures[%zu]", i);
		if (!has_token(&list, token))
			tokens[list.count++] = token;
	}
	ret_architectures->tokens = pointer_take(tokens);
	ret_architectures->count = list.count;
	return 0;
}

/* The place of a multiplexed call in the lookup's lists, or NULL. */
static int *lookup_place(struct seccomp_lookup *lookup, int number)
{
	if (number < SOCKETCALL_BASE && number >= SOCKETCALL_BASE - SECCOMP_SOCKETCALLS)
		return &lookup->socketcalls[SOCKETCALL_BASE - number];
	if (number < IPC_BASE && number >= IPC_BASE - SECCOMP_IPCS)
		return &lookup->ipcs[IPC_BASE - number];
	return NULL;
}

static void lookup_list_number(struct seccomp_lookup *lookup, int number)
{
	auto_free char *name = seccomp_syscall_resolve_num_arch(lookup->token, number);
	int *place = NULL;

	if (name)
		place = lookup_place(lookup,
				     seccomp_syscall_resolve_name_arch(lookup->token, name));
	if (place)
		*place = number;
}

static void lookup_list(struct seccomp_lookup *lookup, int multiplexer)
{
	static const struct {
		int first, last;
	} ranges[] = {{326, 380}, {392, 402}, {4168, 4184}, {4334, 4343}, {4392, 4402}};

	memset(lookup->socketcalls, -1, sizeof(lookup->socketcalls));
	memset(lookup->ipcs, -1, sizeof(lookup->ipcs));
	lookup->listed = true;
	for (size_t i = 0; i < array_size(ranges); i++) {
		/* mips begins at 4000, and has nothing below. */
		if ((ranges[i].first >= 4000) != (multiplexer >= 4000))
			continue;
		for (int number = ranges[i].first; number <= ranges[i].last; number++)
			lookup_list_number(lookup, number);
	}
}

int seccomp_lookup_find(struct seccomp_lookup *lookup, const char *name,
			struct seccomp_number *ret_number)
{
	int number = seccomp_syscall_resolve_name_arch(lookup->token, name);
	bool socketcall = number > IPC_BASE;
	const int *place;
	int multiplexer;

	if (number >= 0) {
		*ret_number = (struct seccomp_number){.direct = number, .multiplexer = -1};
		return 0;
	}
	place = lookup_place(lookup, number);
	if (!place)
		return -ENOENT;
	multiplexer =
		seccomp_syscall_resolve_name_arch(lookup->token, socketcall ? "socketcall" : "ipc");
	if (!lookup->listed)
		lookup_list(lookup, multiplexer);
	*ret_number = (struct seccomp_number){
		.direct = *place,
		.multiplexer = multiplexer,
		.subcall = (uint32_t)((socketcall ? SOCKETCALL_BASE : IPC_BASE) - number),
	};
	return 0;
}

bool seccomp_syscall_is_known(const char *name)
{
	return seccomp_syscall_resolve_name(name) != __NR_SCMP_ERROR;
}
