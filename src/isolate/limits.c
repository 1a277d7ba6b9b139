/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/text.h"
#include "kernel/procfs.h"
#include "oci-spec/oci-spec.h"

/* "4096", or "unlimited". */
static const char *limits_show(uint64_t value, char *out, size_t size)
{
	if (value == RLIM64_INFINITY)
		(void)snprintf(out, size, "unlimited");
	else
		(void)snprintf(out, size, "%" PRIu64, value);
	return out;
}

static int limits_rlimit_fail(const struct oci_rlimit *rlimit, const struct rlimit64 *old,
			      int number, struct error *err)
{
	const char *name = oci_enum_name(oci_rlimit_types, (uint64_t)rlimit->type);
	char soft[24], hard[24], old_soft[24], old_hard[24];

	error_errno(err, number, "set %s to soft %s, hard %s (they are %s and %s)",
		    name ? name : "a limit of unknown type",
		    limits_show(rlimit->soft, soft, sizeof(soft)),
		    limits_show(rlimit->hard, hard, sizeof(hard)),
		    limits_show(old->rlim_cur, old_soft, sizeof(old_soft)),
		    limits_show(old->rlim_max, old_hard, sizeof(old_hard)));
	if (number == EPERM && rlimit->type == RLIMIT_NOFILE)
		return error_hint(err, "raising a hard limit needs CAP_SYS_RESOURCE, and none of "
				       "this kind may be above the sysctl fs.nr_open");
	if (number == EPERM)
		return error_hint(err, "raising a hard limit needs CAP_SYS_RESOURCE in the initial "
				       "user namespace");
	if (number == EINVAL && rlimit->soft > rlimit->hard)
		return error_hint(err, "the soft limit is above the hard one");
	return -number;
}

static int limits_apply_rlimit(const struct oci_rlimit *rlimit, pid_t pid, struct error *err)
{
	const struct rlimit64 new = {.rlim_cur = rlimit->soft, .rlim_max = rlimit->hard};
	struct rlimit64 old;
	int number;

	/* The 64-bit structure, so that a long of 32 bits cuts nothing off. */
	if (syscall(SYS_prlimit64, pid, rlimit->type, &new, NULL) == 0)
		return 0;
	number = errno;
	if (syscall(SYS_prlimit64, pid, rlimit->type, NULL, &old) < 0)
		return error_errno(err, number, "set rlimit %d of process %d", rlimit->type,
				   (int)pid);
	if (number == EPERM && old.rlim_cur == new.rlim_cur &&old.rlim_max == new.rlim_max)
		return 0;
	return limits_rlimit_fail(rlimit, &old, number, err);
}

static int limits_raise_rlimit(const struct oci_rlimit *rlimit, pid_t pid, struct error *err)
{
	struct rlimit64 old, new;

	if (syscall(SYS_prlimit64, pid, rlimit->type, NULL, &old) < 0)
		return error_errno(err, errno, "read rlimit %d of process %d", rlimit->type,
				   (int)pid);
	if (rlimit->hard <= old.rlim_max)
		return 0;
	new = (struct rlimit64){.rlim_cur = old.rlim_cur, .rlim_max = rlimit->hard};
	if (syscall(SYS_prlimit64, pid, rlimit->type, &new, NULL) < 0)
		return limits_rlimit_fail(rlimit, &old, errno, err);
	return 0;
}

int limits_raise_rlimits(const struct oci_rlimits *rlimits, pid_t pid, struct error *err)
{
	for (size_t i = 0; i < rlimits->count; i++)
		if (limits_raise_rlimit(&rlimits->items[i], pid, err) < 0)
			return error_at(err, "process.rlimits[%zu]", i);
	return 0;
}

int limits_apply_rlimits(const struct oci_rlimits *rlimits, pid_t pid, struct error *err)
{
	for (size_t i = 0; i < rlimits->count; i++)
		if (limits_apply_rlimit(&rlimits->items[i], pid, err) < 0)
			return error_at(err, "process.rlimits[%zu]", i);
	return 0;
}

int limits_apply_oom_score_adj(const struct oci_opt_i32 *score, pid_t pid, int procfs,
			       struct error *err)
{
	char path[64] = "self/oom_score_adj", now[32], wanted[32];
	ssize_t n;
	int r;

	if (!score->set)
		return 0;
	if (pid != 0)
		(void)snprintf(path, sizeof(path), "%d/oom_score_adj", (int)pid);
	(void)snprintf(wanted, sizeof(wanted), "%" PRId32, score->value);
	n = procfs_read(procfs, path, now, sizeof(now));
	if (n >= 0 && strcmp(now, wanted) == 0)
		return 0;
	r = procfs_write(procfs, path, wanted);
	if (r == 0)
		return 0;
	error_errno(err, -r, "set oom_score_adj to %s (it is %s)", wanted,
		    n >= 0 ? now : "unknown");
	if (r == -EACCES)
		error_hint(err, "lowering it needs CAP_SYS_RESOURCE in the initial user namespace");
	else if (r == -EINVAL)
		error_hint(err, "it goes from -1000 to 1000");
	return error_at(err, "process.oomScoreAdj");
}

/* struct sched_attr of linux/sched/types.h in its first form (SCHED_ATTR_SIZE_VER0): glibc 2.41 has
 * one of its own, and the two cannot be included together. */
struct limits_sched_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static int limits_scheduler_fail(const struct oci_scheduler *scheduler, int number,
				 struct error *err)
{
	const char *name = oci_enum_name(oci_scheduler_policies, (uint64_t)scheduler->policy);

	error_errno(err, number, "set the scheduler to %s", name ? name : "an unknown policy");
	if (number == EPERM && scheduler->policy == SCHED_DEADLINE)
		error_hint(
			err,
			"SCHED_DEADLINE needs CAP_SYS_NICE and a process that may run on all CPUs, "
			"so no cpuset");
	else if (number == EPERM)
		error_hint(err, "it needs CAP_SYS_NICE, or room in RLIMIT_NICE and RLIMIT_RTPRIO; "
				"in a cgroup of v1 cpu.realtimeRuntime, too");
	else if (number == EBUSY)
		error_hint(err, "the CPUs have no bandwidth left for these deadlines");
	else if (number == EINVAL && scheduler->policy == SCHED_DEADLINE)
		error_hint(err, "1024 <= runtime <= deadline <= period must hold (nanoseconds)");
	else if (number == EINVAL &&
		 (scheduler->policy == SCHED_FIFO || scheduler->policy == SCHED_RR))
		error_hint(err, "its priority goes from 1 to 99");
	else if (number == EINVAL)
		error_hint(err, "the kernel does not know this policy or flag, or takes no "
				"priority for it");
	return error_at(err, "process.scheduler");
}

int limits_apply_scheduler(const struct oci_scheduler *scheduler, pid_t pid, struct error *err)
{
	struct limits_sched_attr attr;

	if (!scheduler)
		return 0;
	attr = (struct limits_sched_attr){
		.size = sizeof(attr),
		.policy = (uint32_t)scheduler->policy,
		.flags = scheduler->flags,
		.nice = scheduler->nice,
		.priority = (uint32_t)scheduler->priority,
		.runtime = scheduler->runtime,
		.deadline = scheduler->deadline,
		.period = scheduler->period,
	};
	if (syscall(SYS_sched_setattr, pid, &attr, 0) < 0)
		return limits_scheduler_fail(scheduler, errno, err);
	return 0;
}

int limits_apply_io_priority(const struct oci_io_priority *priority, pid_t pid, struct error *err)
{
	const int who_process = 1, class_shift = 13; /* linux/ioprio.h */
	const char *name;

	if (!priority)
		return 0;
	if (priority->priority < 0 || priority->priority > 7) {
		error_set(err, EINVAL, "%" PRId32 " is not an I/O priority from 0 to 7",
			  priority->priority);
		return error_at(err, "process.ioPriority.priority");
	}
	if (syscall(SYS_ioprio_set, who_process, pid,
		    priority->class << class_shift | priority->priority) == 0)
		return 0;
	name = oci_enum_name(oci_io_priority_classes, (uint64_t)priority->class);
	error_errno(err, errno, "set the I/O priority to %s %" PRId32,
		    name ? name : "an unknown class", priority->priority);
	if (err->number == EPERM)
		error_hint(err, "IOPRIO_CLASS_RT needs CAP_SYS_NICE or CAP_SYS_ADMIN");
	return error_at(err, "process.ioPriority");
}

#define LIMITS_WORD_BITS (8 * sizeof(unsigned long))
/* set_mempolicy(2) takes one page of bits; the smallest page is 4 KiB. Kernels are built for 8192
 * CPUs at most. */
#define LIMITS_LIST_MAX 32768UL

/* One number of a list; moves *at behind it. */
static int limits_parse_number(const char **at, unsigned long *ret_node)
{
	size_t length = strspn(*at, "0123456789");
	char digits[24];
	uint64_t value;
	int r;

	if (length == 0)
		return -EINVAL;
	if (length >= sizeof(digits))
		return -ERANGE;
	memcpy(digits, *at, length);
	digits[length] = '\0';
	r = text_parse_u64(digits, &value);
	if (r < 0)
		return r;
	if (value >= LIMITS_LIST_MAX)
		return -ERANGE;
	*at += length;
	*ret_node = (unsigned long)value;
	return 0;
}

/* "3" or "0-3". */
static int limits_parse_range(const char **at, unsigned long *ret_first, unsigned long *ret_last)
{
	int r = limits_parse_number(at, ret_first);

	if (r < 0)
		return r;
	*ret_last = *ret_first;
	if (**at != '-')
		return 0;
	(*at)++;
	r = limits_parse_number(at, ret_last);
	if (r < 0)
		return r;
	return *ret_last < *ret_first ? -EINVAL : 0;
}

int limits_parse_list(const char *list, unsigned long **ret_bits, unsigned long *ret_count)
{
	auto_free unsigned long *bits = calloc(LIMITS_LIST_MAX / 8, 1);
	unsigned long count = 0;

	if (!bits)
		return -ENOMEM;
	for (list += strspn(list, ", \t\n"); *list; list += strspn(list, ", \t\n")) {
		unsigned long first, last;
		int r = limits_parse_range(&list, &first, &last);

		if (r < 0)
			return r;
		if (*list != '\0' && !strchr(", \t\n", *list))
			return -EINVAL;
		for (unsigned long node = first; node <= last; node++)
			bits[node / LIMITS_WORD_BITS] |= 1UL << node % LIMITS_WORD_BITS;
		if (last + 1 > count)
			count = last + 1;
	}
	*ret_bits = count ? pointer_take(bits) : NULL;
	*ret_count = count;
	return 0;
}

int limits_apply_memory_policy(const struct oci_memory_policy *policy, struct error *err)
{
	auto_free unsigned long *bits = NULL;
	unsigned long count = 0;
	const char *name;
	int r;

	if (!policy)
		return 0;
	r = policy->nodes ? limits_parse_list(policy->nodes, &bits, &count) : 0;
	if (r == -ENOMEM)
		return error_errno(err, ENOMEM, "memory policy");
	if (r < 0) {
		error_set(err, -r, "\"%s\" is not a list of memory nodes like 0-3,7",
			  policy->nodes);
		return error_at(err, "linux.memoryPolicy.nodes");
	}
	/* The kernel takes the number of bits plus one: mm/mempolicy.c, get_nodes(). */
	if (syscall(SYS_set_mempolicy, policy->mode | (int)policy->flags, bits,
		    bits ? count + 1 : 0) == 0)
		return 0;
	name = oci_enum_name(oci_memory_policy_modes, (uint64_t)policy->mode);
	error_errno(err, errno, "set the memory policy to %s with nodes \"%s\"",
		    name ? name : "an unknown mode", policy->nodes ? policy->nodes : "");
	if (err->number == EINVAL)
		error_hint(
			err,
			"a node may not exist or not be in the cpuset, or the mode takes no such "
			"nodes or flags");
	else if (err->number == ENOSYS)
		error_hint(err, "this kernel was built without CONFIG_NUMA");
	return error_at(err, "linux.memoryPolicy");
}

int limits_apply_personality(const struct oci_personality *config, struct error *err)
{
	if (!config)
		return 0;
	if (personality(config->domain) < 0) {
		error_errno(err, errno, "set the personality to %#x", config->domain);
		return error_at(err, "linux.personality.domain");
	}
	return 0;
}

/* KEY_USR_SEARCH of the kernel's include/linux/key.h; what a keyring is made with lacks it. */
#define LIMITS_KEY_USER_SEARCH 0x00080000
/* Container ids have up to 1024 characters, the kernel's descriptions of keys 4095. */
#define LIMITS_KEY_NAME_MAX 1100

/* The permissions of a key: the fourth field of "type;uid;gid;perm;description". */
static int limits_keyring_permissions(long keyring, uint32_t *ret_permissions)
{
	char description[LIMITS_KEY_NAME_MAX + 128], *at = description, *end;
	long n = syscall(SYS_keyctl, KEYCTL_DESCRIBE, keyring, description, sizeof(description));

	if (n < 0)
		return -errno;
	if ((size_t)n > sizeof(description))
		return -EFBIG;
	for (int i = 0; at && i < 3; i++) {
		at = strchr(at, ';');
		at = at ? at + 1 : NULL;
	}
	if (!at)
		return -EBADMSG;
	errno = 0;
	*ret_permissions = (uint32_t)strtoul(at, &end, 16);
	return errno != 0 || end == at || *end != ';' ? -EBADMSG : 0;
}

int limits_new_keyring(const char *id, struct error *err)
{
	uint32_t permissions = 0;
	char name[LIMITS_KEY_NAME_MAX];
	long keyring;
	int r;

	if (snprintf(name, sizeof(name), "_ses.%s", id) >= (int)sizeof(name))
		return error_errno(err, ENAMETOOLONG, "session keyring of container %s", id);
	keyring = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name);
	if (keyring < 0) {
		if (errno == ENOSYS || errno == EOPNOTSUPP)
			return 0;
		error_errno(err, errno, "join session keyring %s", name);
		if (err->number == EDQUOT)
			error_hint(
				err,
				"uid %u has too many keys; see the sysctls kernel.keys.maxkeys and "
				"kernel.keys.root_maxkeys, or use --no-new-keyring",
				geteuid());
		else if (err->number == EPERM)
			error_hint(err, "a seccomp filter around the runtime may forbid keyctl(2); "
					"--no-new-keyring does without");
		return -err->number;
	}
	/* The kernel says 0 when it is the caller's session keyring already. */
	if (keyring == 0)
		keyring = KEY_SPEC_SESSION_KEYRING;
	r = limits_keyring_permissions(keyring, &permissions);
	if (r == 0 &&
	    syscall(SYS_keyctl, KEYCTL_SETPERM, keyring, permissions | LIMITS_KEY_USER_SEARCH) < 0)
		r = -errno;
	if (r < 0)
		return error_errno(err, -r, "set permissions of session keyring %s", name);
	return 0;
}
