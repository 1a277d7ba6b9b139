/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of the kernel that shape this (capabilities(7), security/commoncap.c):
 *
 * - The bounding set can only shrink, and that takes CAP_SETPCAP: before anything else is given up.
 * - A change from root to another user empties the effective set and, without PR_SET_KEEPCAPS, the
 *   permitted one, which only ever shrinks.
 * - inheritable may not grow beyond the bounding set; effective is at most permitted; ambient at
 *   most what is both permitted and inheritable.
 * - execve by uid 0 gives all of the bounding set back. So for root the bounding set is the limit.
 *
 * A kernel may know capabilities that this table does not. They are in no plan, so they go with the
 * others that are not.
 */
#include "isolate/capabilities.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "oci-spec/oci-spec.h"

/* The kernel's sets are of 64 bits. */
#define CAPABILITIES_MAX 64

void capabilities_plan(const struct oci_capabilities *config, struct capabilities_plan *ret_plan)
{
	struct capabilities_plan plan = {0};

	if (config) {
		const struct oci_strings *const sets[5] = {
			&config->bounding,  &config->effective, &config->inheritable,
			&config->permitted, &config->ambient,
		};
		uint64_t *const masks[5] = {
			&plan.bounding,	 &plan.effective, &plan.inheritable,
			&plan.permitted, &plan.ambient,
		};

		for (size_t i = 0; i < array_size(sets); i++)
			for (size_t j = 0; j < sets[i]->count; j++) {
				int number = oci_capability_find(sets[i]->items[j]);

				/* oci_config_check() has warned of an unknown one. */
				if (number >= 0)
					*masks[i] |= UINT64_C(1) << number;
			}
	}
	/* And of these, which the kernel would refuse. */
	plan.effective &= plan.permitted;
	plan.ambient &= plan.permitted & plan.inheritable;
	*ret_plan = plan;
}

/* What the caller's bounding set has. */
static int capabilities_bounding(uint64_t *ret_mask, struct error *err)
{
	uint64_t mask = 0;

	for (unsigned int i = 0; i < CAPABILITIES_MAX; i++) {
		int has = prctl(PR_CAPBSET_READ, (unsigned long)i, 0, 0, 0);

		/* EINVAL: the kernel's last one was before; every kernel has those that we know. */
		if (has < 0 && errno == EINVAL && i >= OCI_CAPABILITY_COUNT)
			break;
		if (has < 0)
			return error_errno(err, errno, "read the bounding set");
		if (has == 1)
			mask |= UINT64_C(1) << i;
	}
	*ret_mask = mask;
	return 0;
}

/* Also of one that is gone already: to ask before would be one more call for each. Returns 1 behind
 * the kernel's last one. */
static int capabilities_drop(unsigned int number, struct error *err)
{
	int has = 1, failed;

	if (prctl(PR_CAPBSET_DROP, (unsigned long)number, 0, 0, 0) == 0)
		return 0;
	failed = errno;
	/* Who may drop none may have none that is superfluous. */
	if (failed == EPERM)
		has = prctl(PR_CAPBSET_READ, (unsigned long)number, 0, 0, 0);
	if (has == 0)
		return 0;
	/* EINVAL: the kernel's last one was before; every kernel has those that we know. */
	if (number >= OCI_CAPABILITY_COUNT && (has < 0 || failed == EINVAL))
		return 1;
	error_errno(err, failed, "drop %s from the bounding set",
		    number < OCI_CAPABILITY_COUNT ? oci_capability_names[number] : "a capability");
	return error_hint(err, "that takes CAP_SETPCAP");
}

int capabilities_limit(const struct capabilities_plan *plan, struct error *err)
{
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < CAPABILITIES_MAX; i++)
		if (!((plan->bounding >> i) & 1))
			r = capabilities_drop(i, err);
	if (r < 0)
		return r;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return error_errno(err, errno, "keep capabilities across the change of user");
	return 0;
}

/* `wanted` without what there is not; says so, unless it has been said. */
static uint64_t capabilities_cut(const char *set, uint64_t wanted, uint64_t available, bool told)
{
	for (size_t i = 0; !told && i < OCI_CAPABILITY_COUNT; i++)
		if (((wanted & ~available) >> i) & 1)
			log_warning(
				"process.capabilities.%s: %s is not to be had here and left out",
				set, oci_capability_names[i]);
	return wanted & available;
}

/* The header is written to: version 0 would make the kernel put its own there. */
static int capabilities_get(struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

	return syscall(SYS_capget, &header, data) < 0 ? -errno : 0;
}

static int capabilities_set(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	for (unsigned int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(effective >> (32 * i));
		data[i].permitted = (uint32_t)(permitted >> (32 * i));
		data[i].inheritable = (uint32_t)(inheritable >> (32 * i));
	}
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static int capabilities_set_ambient(uint64_t ambient, struct error *err)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return error_errno(err, errno, "clear the ambient capabilities");
	for (unsigned int i = 0; i < OCI_CAPABILITY_COUNT; i++) {
		if (!((ambient >> i) & 1))
			continue;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, (unsigned long)i, 0, 0) < 0)
			return error_errno(err, errno, "raise the ambient %s",
					   oci_capability_names[i]);
	}
	return 0;
}

int capabilities_apply(const struct capabilities_plan *plan, struct error *err)
{
	struct __user_cap_data_struct data[2];
	uint64_t permitted, inheritable, ambient, bounding = 0;
	int r;

	r = capabilities_get(data);
	if (r < 0)
		return error_errno(err, -r, "read the capabilities");
	/* Nobody else has to know: few have inheritable ones. */
	if (plan->inheritable)
		r = capabilities_bounding(&bounding, err);
	if (r < 0)
		return r;
	permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	inheritable = permitted & bounding;

	permitted = capabilities_cut("permitted", plan->permitted, permitted, plan->told);
	inheritable = capabilities_cut("inheritable", plan->inheritable, inheritable, plan->told);
	ambient = capabilities_cut("ambient", plan->ambient, permitted & inheritable, plan->told);
	r = capabilities_set(plan->effective & permitted, permitted, inheritable);
	if (r < 0)
		return error_errno(err, -r, "set the capabilities");
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		return error_errno(err, errno, "end the keeping of capabilities");
	return capabilities_set_ambient(ambient, err);
}
