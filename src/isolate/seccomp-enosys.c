/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why some syscalls get ENOSYS
 *
 * A profile lists what is allowed; its default for everything else is mostly "EPERM". But libc
 *tries new syscalls first and falls back to old ones only when it hears ENOSYS, that is "this
 *kernel does not have it". With EPERM it gives up: each new glibc broke containers on hosts whose
 *profile was older (clone3, faccessat2, statx). And people then turn seccomp off.
 *
 * The profile's author said nothing about syscalls that did not exist when he wrote. Linux hands
 *out numbers in order (since 5.1 with the same numbers on all architectures), so what is above the
 *highest number that the profile names, with whatever action, is taken for newer than the profile.
 *It gets ENOSYS, which is as good a denial as any. What the profile names, and unnamed ones below,
 *are left to the filter.
 *
 * It takes the place of all default actions that forbid, the killing ones too, as runc has done
 *since 1.0: a program under a killing profile needs the fall-back even more. It does not take the
 *place of ALLOW, LOG and TRACE (a tracer answers for itself), nor of ENOSYS, which podman's profile
 *says by itself.
 *
 * How
 *
 * A few instructions in front of libseccomp's filter, which need no label as they sit in front of
 *it: those that have nothing to say fall or jump to its first instruction, and it loads again what
 *it needs.
 *
 *	load the architecture
 *	for each:  is it this one?  no: go on to the next
 *	           load the number
 *	           greater than the newest?  return ENOSYS
 *	           jump to the filter
 *
 * x86-64 and x32 are one architecture to the kernel; x32 syscalls have bit 30 set. So this bit is
 * looked at first and each half has a limit of its own. When x32 is not in the filter its half goes
 *to libseccomp's part, which kills for it. (So does -1, which a tracer sets to skip a syscall.)
 *
 * s390 passes numbers above 255 in a register, and when the kernel does not know one it presents
 *number 0, an ancient call of nobody's. So 0 is ENOSYS there.
 *
 * All instructions are of the kinds that the kernel's bitmap of always allowed syscalls understands
 * (seccomp_is_const_allow()), so the prologue costs nothing for those. Each section is so short
 *that the eight bits of a conditional jump always reach.
 */
#include "isolate/seccomp-enosys.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#include "base/log.h"

#define X32_BIT 0x40000000u

bool seccomp_enosys_wanted(const struct oci_seccomp *config)
{
	switch (config->default_action) {
	case OCI_SECCOMP_ALLOW:
	case OCI_SECCOMP_LOG:
	case OCI_SECCOMP_TRACE:
	case OCI_SECCOMP_NOTIFY:
		return false;
	case OCI_SECCOMP_ERRNO:
		return !config->default_errno_ret.set || config->default_errno_ret.value != ENOSYS;
	case OCI_SECCOMP_KILL:
	case OCI_SECCOMP_KILL_PROCESS:
	case OCI_SECCOMP_KILL_THREAD:
	case OCI_SECCOMP_TRAP:
		return true;
	}
	return false;
}

static int64_t newest_number(const struct oci_seccomp *config, uint32_t token)
{
	int64_t newest = -1;

	for (size_t i = 0; i < config->syscalls.count; i++) {
		const struct oci_strings *names = &config->syscalls.items[i].names;

		for (size_t k = 0; k < names->count; k++) {
			/* Negative: unknown, or a syscall of other architectures. */
			int number = seccomp_syscall_resolve_name_arch(token, names->items[k]);

			if (number > newest)
				newest = number;
		}
	}
	return newest;
}

/* libseccomp's tokens are the kernel's numbers but for x32. */
static uint32_t kernel_architecture(uint32_t token)
{
	return token == SCMP_ARCH_X32 ? AUDIT_ARCH_X86_64 : token;
}

static struct seccomp_newest *newest_entry(struct seccomp_newest *entries, size_t *count,
					   uint32_t architecture)
{
	for (size_t i = 0; i < *count; i++) {
		if (entries[i].architecture == architecture)
			return &entries[i];
	}
	entries[*count] = (struct seccomp_newest){architecture, -1, -1};
	return &entries[(*count)++];
}

size_t seccomp_enosys_plan(const struct oci_seccomp *config,
			   const struct seccomp_architectures *architectures,
			   struct seccomp_newest *ret_newest)
{
	size_t count = 0;

	for (size_t i = 0; i < architectures->count; i++) {
		uint32_t token = architectures->tokens[i];
		int64_t number = newest_number(config, token);
		struct seccomp_newest *entry;

		entry = newest_entry(ret_newest, &count, kernel_architecture(token));
		if (token == SCMP_ARCH_X32)
			entry->x32_number = number;
		else
			entry->number = number;
		log_debug("seccomp: ENOSYS above syscall %lld of architecture 0x%x",
			  (long long)number, token);
	}
	return count;
}

static struct sock_filter load(uint32_t offset)
{
	return (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset);
}

/* Compares and passes over the given numbers of instructions. */
static struct sock_filter jump(uint16_t comparison, uint32_t value, uint8_t yes, uint8_t no)
{
	return (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_K | comparison, value, yes, no);
}

/* The comparisons of one architecture. They end by falling through to ENOSYS, or passing over it to
 * what follows. */
static size_t emit_comparisons(const struct seccomp_newest *newest, struct sock_filter *out)
{
	size_t n = 0;

	if (newest->architecture == AUDIT_ARCH_S390 || newest->architecture == AUDIT_ARCH_S390X) {
		out[n++] = jump(BPF_JEQ, 0, 1, 0);
	} else if (newest->architecture == AUDIT_ARCH_X86_64 && newest->number < 0) {
		out[n++] = jump(BPF_JSET, X32_BIT, 0, 2);
		out[n++] = jump(BPF_JGT, (uint32_t)newest->x32_number, 0, 1);
		return n;
	} else if (newest->architecture == AUDIT_ARCH_X86_64 && newest->x32_number < 0) {
		out[n++] = jump(BPF_JSET, X32_BIT, 2, 0);
	} else if (newest->architecture == AUDIT_ARCH_X86_64) {
		out[n++] = jump(BPF_JSET, X32_BIT, 0, 1);
		out[n++] = jump(BPF_JGT, (uint32_t)newest->x32_number, 1, 2);
	}
	out[n++] = jump(BPF_JGT, (uint32_t)newest->number, 0, 1);
	return n;
}

size_t seccomp_enosys_emit(const struct seccomp_newest *newest, size_t count,
			   struct sock_filter *ret_instructions)
{
	struct sock_filter *out = ret_instructions;
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		size_t guard, end;

		if (newest[i].number < 0 && newest[i].x32_number < 0)
			continue;
		if (n == 0)
			out[n++] = load(offsetof(struct seccomp_data, arch));
		guard = n++;
		out[n++] = load(offsetof(struct seccomp_data, nr));
		n += emit_comparisons(&newest[i], out + n);
		out[n++] =
			(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
		/* Where the others follow, one jump has to pass over them: filled in below. */
		end = n++;
		out[end] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0);
		out[guard] = jump(BPF_JEQ, newest[i].architecture, 0, (uint8_t)(end - guard));
	}
	for (size_t i = 0; i < n; i++) {
		if (out[i].code == (BPF_JMP | BPF_JA))
			out[i].k = (uint32_t)(n - i - 1);
	}
	return n;
}
