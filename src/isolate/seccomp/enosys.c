/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why some syscalls get ENOSYS
 *
 * A profile lists what is allowed; its default for everything else is mostly "EPERM". But libc
 * tries new syscalls first and falls back to old ones only when it hears ENOSYS, that is "this
 * kernel does not have it". With EPERM it gives up: each new glibc broke containers on hosts whose
 * profile was older (clone3, faccessat2, statx). And people then turn seccomp off.
 *
 * The profile's author said nothing about syscalls that did not exist when he wrote. Linux hands
 * out numbers in order (since 5.1 with the same numbers on all architectures), so what is above the
 * highest number that the profile names, with whatever action, is taken for newer than the profile.
 * It gets ENOSYS, which is as good a denial as any. What the profile names, and unnamed ones below,
 * are left to its rules. A profile that names nothing on an architecture has no newest syscall
 * there, and its default action holds for all.
 *
 * It takes the place of all default actions that forbid, the killing ones too, as runc has done
 * since 1.0: a program under a killing profile needs the fall-back even more. It does not take the
 * place of ALLOW, LOG and TRACE (a tracer answers for itself), nor of ENOSYS, which podman's
 * profile says by itself.
 *
 * In the filter it is one more range of each section (seccomp/compile.c), and x86-64 and x32 have
 * one each.
 *
 * s390 passes numbers above 255 in a register, and when the kernel does not know one it presents
 * number 0, an ancient call of nobody's. So 0 is ENOSYS there.
 */
#include "isolate/seccomp/enosys.h"

#include <errno.h>
#include <linux/audit.h>

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

bool seccomp_enosys_zero(uint32_t token)
{
	return token == AUDIT_ARCH_S390 || token == AUDIT_ARCH_S390X;
}
