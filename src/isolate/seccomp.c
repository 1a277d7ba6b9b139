/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "isolate/seccomp-compile.h"
#include "isolate/seccomp-enosys.h"
#include "oci-spec/oci-spec.h"

/* In the headers since Linux 5.19. */
#define WAIT_KILLABLE_RECV (1u << 5)

static bool has_notify(const struct oci_seccomp *config)
{
	for (size_t i = 0; i < config->syscalls.count; i++) {
		if (config->syscalls.items[i].action == OCI_SECCOMP_NOTIFY)
			return true;
	}
	return false;
}

/*
 * Absent flags are SPEC_ALLOW, as with runc and crun: else every container would run with the slow
 * mitigation of Spectre 4 on older processors. TSYNC is for threads, of which init has one.
 * The kernel refuses WAIT_KILLABLE_RECV when there is no listener, to which alone it means
 * something.
 */
static uint32_t flags_plan(const struct oci_seccomp *config, bool notify)
{
	uint32_t flags = config->flags.set ? config->flags.value : SECCOMP_FILTER_FLAG_SPEC_ALLOW;

	flags &= ~(uint32_t)SECCOMP_FILTER_FLAG_TSYNC;
	if (!notify)
		flags &= ~WAIT_KILLABLE_RECV;
	else
		flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	return flags;
}

/* Puts `prologue` in front of the filter, which it frees or gives back changed. */
static int prologue_prepend(const struct sock_filter *prologue, size_t prologue_count,
			    struct sock_filter **filter, size_t *count)
{
	size_t size = sizeof(**filter);
	struct sock_filter *whole = realloc(*filter, (prologue_count + *count) * size);

	if (!whole)
		return -ENOMEM;
	memmove(whole + prologue_count, whole, *count * size);
	memcpy(whole, prologue, prologue_count * size);
	*filter = whole;
	*count += prologue_count;
	return 0;
}

static int enosys_prepend(const struct oci_seccomp *config,
			  const struct seccomp_architectures *architectures,
			  struct sock_filter **filter, size_t *count)
{
	auto_free struct seccomp_newest *newest = NULL;
	auto_free struct sock_filter *prologue = NULL;
	size_t entries, length;

	if (!seccomp_enosys_wanted(config))
		return 0;
	newest = calloc(architectures->count, sizeof(*newest));
	prologue = calloc(1 + architectures->count * SECCOMP_ENOSYS_ENTRY_MAX, sizeof(*prologue));
	if (!newest || !prologue)
		return -ENOMEM;
	entries = seccomp_enosys_plan(config, architectures, newest);
	length = seccomp_enosys_emit(newest, entries, prologue);
	return prologue_prepend(prologue, length, filter, count);
}

static int filter_plan(const struct oci_seccomp *config,
		       const struct seccomp_architectures *architectures,
		       struct seccomp_plan *ret_plan, struct error *err)
{
	auto_free struct sock_filter *filter = NULL;
	size_t count = 0;
	int r;

	r = seccomp_compile(config, architectures, &filter, &count, err);
	if (r < 0)
		return r;
	if (enosys_prepend(config, architectures, &filter, &count) < 0)
		return error_errno(err, ENOMEM, "seccomp filter");
	if (count > BPF_MAXINSNS) {
		(void)error_set(err, E2BIG,
				"the profile makes a filter of %zu instructions, the kernel takes "
				"at most %d",
				count, BPF_MAXINSNS);
		(void)error_hint(err, "fewer architectures or fewer conditions make it shorter");
		return error_at(err, "linux.seccomp");
	}
	ret_plan->instructions = pointer_take(filter);
	ret_plan->count = (uint16_t)count;
	return 0;
}

int seccomp_plan(const struct oci_seccomp *config, struct seccomp_plan *ret_plan, struct error *err)
{
	struct seccomp_architectures architectures = {0};
	struct seccomp_plan plan = {0};
	int r;

	if (!config) {
		*ret_plan = plan;
		return 0;
	}
	r = seccomp_architectures_plan(config, &architectures, err);
	if (r == 0)
		r = filter_plan(config, &architectures, &plan, err);
	free(architectures.tokens);
	if (r < 0)
		return r;

	plan.notify = has_notify(config);
	plan.flags = flags_plan(config, plan.notify);
	*ret_plan = plan;
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
