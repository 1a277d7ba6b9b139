/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The allowed device list (config-linux.md#allowed-device-list): from the rules of config.json to a
 * policy, and from the policy to an eBPF program (cgroup2) or to the lines of devices.allow and
 * devices.deny (v1). Pure: nothing here touches a cgroup.
 */
#ifndef CGROUP_DEVICES_RULES_H
#define CGROUP_DEVICES_RULES_H

#include <knarr/config.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* The accesses are the kernel's BPF_DEVCG_ACC_{MKNOD,READ,WRITE}, or-ed. */
#define DEVICE_ACCESS_ALL (BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE)
/* Any major, any minor. As in the kernel's v1 controller, which is why that number is refused. */
#define DEVICE_ANY UINT32_MAX

/* Devices that are treated alike, unless a more specific entry of the policy takes some out. */
struct device_entry {
	char type; /* 'b' or 'c' */
	uint32_t major, minor;
	uint8_t access; /* what is allowed, all else is not */
};

/*
 * What is allowed, free of order: the most specific entry that matches a device decides about it
 * (major and minor before major before minor before neither), and there always is exactly one.
 * Sorted by type and then from the specific to the general, so the first that matches is the most
 * specific.
 */
struct device_policy {
	struct device_entry *entries; /* owned */
	size_t count;
};

/*
 * The policy of these rules: nothing is allowed at first; then `rules` (may be NULL) are applied in
 * their order; then the ones that every container has (mknod of everything; null, zero, full,
 * random, urandom, tty, console, ptmx, the pts and net/tun), which no rule of the config can take
 * away. The essay in the .c says what "applied" means. -EINVAL with the field for a number or an
 * access that means nothing; -E2BIG when there are too many different devices; -ENOMEM.
 */
int device_rules_plan(const struct oci_device_rules *rules, struct device_policy *ret_policy,
		      struct error *err);
void device_policy_clear(struct device_policy *policy);

/* What the policy allows of one device. `type` is 'b' or 'c'. */
uint8_t device_policy_find(const struct device_policy *policy, char type, uint32_t major,
			   uint32_t minor);

/* Whether everything is allowed, so that a new cgroup needs no program at all. */
bool device_policy_allows_all(const struct device_policy *policy);

/* The policy as a program for bpf_load_device_program(); malloc'ed. -ENOMEM. */
int device_rules_compile(const struct device_policy *policy, struct bpf_insn **ret_instructions,
			 size_t *ret_count, struct error *err);

/* One write to devices.allow or devices.deny. */
struct device_line {
	bool allow;
	char text[40];
};

/*
 * The policy as the fewest lines for v1, to be written in this order to a cgroup in any state;
 * malloc'ed. -ENOTSUP when v1 has no words for it (a hole in a wildcard), which the kernel would
 * pass over in silence; -ENOMEM.
 */
int device_rules_plan_v1(const struct device_policy *policy, struct device_line **ret_lines,
			 size_t *ret_count, struct error *err);

#endif
