/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/seccomp/seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "isolate/seccomp/compile.h"
#include "isolate/seccomp/rules.h"
#include "isolate/seccomp/syscalls.h"
#include "oci-spec/oci-spec.h"

/* In the headers since Linux 5.19. */
#define WAIT_KILLABLE_RECV (1u << 5)

/*
 * Absent flags are SPEC_ALLOW, as with runc and crun: else every container would run with the slow
 * mitigation of Spectre 4 on older processors. TSYNC is for threads, of which init has one.
 * The kernel refuses WAIT_KILLABLE_RECV when there is no listener, to which alone it means
 * something.
 */
uint32_t seccomp_flags_plan(const struct oci_seccomp *config, bool notify)
{
	uint32_t flags =
		config && config->flags.set ? config->flags.value : SECCOMP_FILTER_FLAG_SPEC_ALLOW;

	flags &= ~(uint32_t)SECCOMP_FILTER_FLAG_TSYNC;
	if (!notify)
		flags &= ~WAIT_KILLABLE_RECV;
	else
		flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	return flags;
}

int seccomp_plan(const struct oci_seccomp *config, struct seccomp_plan *ret_plan, struct error *err)
{
	struct seccomp_architectures architectures = {0};
	struct seccomp_plan plan = {0};
	size_t count = 0;
	int r;

	if (!config) {
		*ret_plan = plan;
		return 0;
	}
	r = seccomp_architectures_plan(config, &architectures, err);
	if (r == 0)
		r = seccomp_compile(config, &architectures, &plan.instructions, &count, err);
	free(architectures.tokens);
	if (r < 0)
		return r;

	plan.count = (uint16_t)count;
	plan.notify = seccomp_profile_notifies(config);
	plan.flags = seccomp_flags_plan(config, plan.notify);
	*ret_plan = plan;
	return 0;
}

bool seccomp_has_listener(const struct oci_seccomp *config)
{
	return config && seccomp_profile_notifies(config);
}

int seccomp_check_known(const struct oci_seccomp *config, struct error *err)
{
	for (size_t i = 0; i < config->syscalls.count; i++) {
		const struct oci_strings *names = &config->syscalls.items[i].names;

		for (size_t k = 0; k < names->count; k++) {
			if (seccomp_syscall_is_known(names->items[k]))
				continue;
			(void)error_set(err, EINVAL, "libseccomp does not know the syscall %s",
					names->items[k]);
			return error_at(err, "linux.seccomp.syscalls[%zu].names[%zu]", i, k);
		}
	}
	return 0;
}

void seccomp_plan_clear(struct seccomp_plan *plan)
{
	free(plan->instructions);
	*plan = (struct seccomp_plan){0};
}

static int filter_install(uint32_t flags, const struct sock_fprog *program)
{
	long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, program);

	return result < 0 ? -errno : (int)result;
}

static int install_failed(uint32_t flags, int number, struct error *err)
{
	uint32_t unknown = flags & ~(seccomp_supported_flags() | SECCOMP_FILTER_FLAG_NEW_LISTENER);

	if (number == EINVAL && unknown) {
		const char *name = oci_enum_name(oci_seccomp_flag_names, unknown & -unknown);

		(void)error_errno(err, number, "install the seccomp filter");
		(void)error_hint(err, "this kernel does not know %s", name ? name : "one flag");
		return error_at(err, "linux.seccomp.flags");
	}
	(void)error_errno(err, number, "install the seccomp filter");
	if (number == EACCES)
		(void)error_hint(err, "it needs process.noNewPrivileges, or CAP_SYS_ADMIN in the "
				      "container's user namespace");
	if (number == EINVAL)
		(void)error_hint(err, "the kernel may be built without CONFIG_SECCOMP_FILTER");
	if (number == EBUSY)
		(void)error_hint(err, "a filter with SCMP_ACT_NOTIFY is already in force here, and "
				      "there can be only one");
	if (number == ENOMEM)
		(void)error_hint(err, "the filters in force here may be too long in all");
	return error_at(err, "linux.seccomp");
}

int seccomp_apply(const struct seccomp_plan *plan, int *ret_listener, struct error *err)
{
	struct sock_fprog program = {.len = plan->count, .filter = plan->instructions};
	int r;

	if (plan->count == 0) {
		*ret_listener = -EBADF;
		return 0;
	}
	r = filter_install(plan->flags, &program);
	if (r < 0)
		return install_failed(plan->flags, -r, err);
	*ret_listener = plan->notify ? r : -EBADF;
	return 0;
}

uint32_t seccomp_supported_flags(void)
{
	uint32_t supported = 0;

	for (const struct oci_enum *flag = oci_seccomp_flag_names; flag->name; flag++) {
		uint32_t probe = (uint32_t)flag->value;

		if (probe == WAIT_KILLABLE_RECV)
			probe |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
		/* Flags are looked at before the program, which is nowhere. */
		if (filter_install(probe, NULL) == -EFAULT)
			supported |= (uint32_t)flag->value;
	}
	return supported;
}

void seccomp_library_version(char *out, size_t size)
{
	const struct scmp_version *version = seccomp_version();

	(void)snprintf(out, size, "%u.%u.%u", version->major, version->minor, version->micro);
}

bool seccomp_knows_architecture(int architecture)
{
	return seccomp_architecture_token(architecture) != 0;
}
