/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of config.json and what they stand for. The numbers are the kernel's, which never
 * change; a literal is written where the headers of the oldest supported systems lack the name.
 */
#include "oci-spec/oci-spec.h"

#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/resource.h>

/* namespaces(7) */
const struct oci_enum oci_namespace_types[] = {
	{"pid", CLONE_NEWPID},	     {"network", CLONE_NEWNET}, {"mount", CLONE_NEWNS},
	{"ipc", CLONE_NEWIPC},	     {"uts", CLONE_NEWUTS},	{"user", CLONE_NEWUSER},
	{"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME},	{NULL, 0},
};

/* getrlimit(2) */
const struct oci_enum oci_rlimit_types[] = {
	{"RLIMIT_AS", RLIMIT_AS},
	{"RLIMIT_CORE", RLIMIT_CORE},
	{"RLIMIT_CPU", RLIMIT_CPU},
	{"RLIMIT_DATA", RLIMIT_DATA},
	{"RLIMIT_FSIZE", RLIMIT_FSIZE},
	{"RLIMIT_LOCKS", RLIMIT_LOCKS},
	{"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
	{"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
	{"RLIMIT_NICE", RLIMIT_NICE},
	{"RLIMIT_NOFILE", RLIMIT_NOFILE},
	{"RLIMIT_NPROC", RLIMIT_NPROC},
	{"RLIMIT_RSS", RLIMIT_RSS},
	{"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
	{"RLIMIT_RTTIME", RLIMIT_RTTIME},
	{"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
	{"RLIMIT_STACK", RLIMIT_STACK},
	{NULL, 0},
};

const struct oci_enum oci_seccomp_actions[] = {
	{"SCMP_ACT_KILL", OCI_SECCOMP_KILL},
	{"SCMP_ACT_KILL_PROCESS", OCI_SECCOMP_KILL_PROCESS},
	{"SCMP_ACT_KILL_THREAD", OCI_SECCOMP_KILL_THREAD},
	{"SCMP_ACT_TRAP", OCI_SECCOMP_TRAP},
	{"SCMP_ACT_ERRNO", OCI_SECCOMP_ERRNO},
	{"SCMP_ACT_TRACE", OCI_SECCOMP_TRACE},
	{"SCMP_ACT_ALLOW", OCI_SECCOMP_ALLOW},
	{"SCMP_ACT_LOG", OCI_SECCOMP_LOG},
	{"SCMP_ACT_NOTIFY", OCI_SECCOMP_NOTIFY},
	{NULL, 0},
};

const struct oci_enum oci_seccomp_operators[] = {
	{"SCMP_CMP_NE", OCI_SECCOMP_NE},
	{"SCMP_CMP_LT", OCI_SECCOMP_LT},
	{"SCMP_CMP_LE", OCI_SECCOMP_LE},
	{"SCMP_CMP_EQ", OCI_SECCOMP_EQ},
	{"SCMP_CMP_GE", OCI_SECCOMP_GE},
	{"SCMP_CMP_GT", OCI_SECCOMP_GT},
	{"SCMP_CMP_MASKED_EQ", OCI_SECCOMP_MASKED_EQ},
	{NULL, 0},
};

const struct oci_enum oci_seccomp_architectures[] = {
	{"SCMP_ARCH_X86", 0},	   {"SCMP_ARCH_X86_64", 1},	  {"SCMP_ARCH_X32", 2},
	{"SCMP_ARCH_ARM", 3},	   {"SCMP_ARCH_AARCH64", 4},	  {"SCMP_ARCH_MIPS", 5},
	{"SCMP_ARCH_MIPS64", 6},   {"SCMP_ARCH_MIPS64N32", 7},	  {"SCMP_ARCH_MIPSEL", 8},
	{"SCMP_ARCH_MIPSEL64", 9}, {"SCMP_ARCH_MIPSEL64N32", 10}, {"SCMP_ARCH_PPC", 11},
	{"SCMP_ARCH_PPC64", 12},   {"SCMP_ARCH_PPC64LE", 13},	  {"SCMP_ARCH_S390", 14},
	{"SCMP_ARCH_S390X", 15},   {"SCMP_ARCH_PARISC", 16},	  {"SCMP_ARCH_PARISC64", 17},
	{"SCMP_ARCH_RISCV64", 18}, {"SCMP_ARCH_LOONGARCH64", 19}, {"SCMP_ARCH_M68K", 20},
	{"SCMP_ARCH_SH", 21},	   {"SCMP_ARCH_SHEB", 22},	  {NULL, 0},
};

/* seccomp(2) */
const struct oci_enum oci_seccomp_flag_names[] = {
	{"SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC},
	{"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
	{"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
	{"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 1 << 5}, /* in the headers since 5.19 */
	{NULL, 0},
};

/* sched(7) */
const struct oci_enum oci_scheduler_policies[] = {
	{"SCHED_OTHER", SCHED_NORMAL},
	{"SCHED_FIFO", SCHED_FIFO},
	{"SCHED_RR", SCHED_RR},
	{"SCHED_BATCH", SCHED_BATCH},
	{"SCHED_ISO", 4}, /* reserved by the kernel and never implemented */
	{"SCHED_IDLE", SCHED_IDLE},
	{"SCHED_DEADLINE", SCHED_DEADLINE},
	{NULL, 0},
};

/* sched_setattr(2) */
const struct oci_enum oci_scheduler_flags[] = {
	{"SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK},
	{"SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM},
	{"SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN},
	{"SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY},
	{"SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS},
	{"SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN},
	{"SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX},
	{NULL, 0},
};

/* ioprio_set(2) */
const struct oci_enum oci_io_priority_classes[] = {
	{"IOPRIO_CLASS_RT", IOPRIO_CLASS_RT},
	{"IOPRIO_CLASS_BE", IOPRIO_CLASS_BE},
	{"IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE},
	{NULL, 0},
};

/* set_mempolicy(2); linux/mempolicy.h has the last two modes since 5.15 and 6.9. */
const struct oci_enum oci_memory_policy_modes[] = {
	{"MPOL_DEFAULT", 0},	{"MPOL_BIND", 2},
	{"MPOL_INTERLEAVE", 3}, {"MPOL_WEIGHTED_INTERLEAVE", 6},
	{"MPOL_PREFERRED", 1},	{"MPOL_PREFERRED_MANY", 5},
	{"MPOL_LOCAL", 4},	{NULL, 0},
};

const struct oci_enum oci_memory_policy_flags[] = {
	{"MPOL_F_NUMA_BALANCING", 1 << 13},
	{"MPOL_F_RELATIVE_NODES", 1 << 14},
	{"MPOL_F_STATIC_NODES", 1 << 15},
	{NULL, 0},
};

/* personality(2) */
const struct oci_enum oci_personality_domains[] = {
	{"LINUX", PER_LINUX},
	{"LINUX32", PER_LINUX32},
	{NULL, 0},
};

/* mount(2). The specification has the first four; the others are what engines write (runc reads
 * them too), and mean the same for the whole tree of mounts below the root filesystem. */
const struct oci_enum oci_propagations[] = {
	{"shared", MS_SHARED},
	{"slave", MS_SLAVE},
	{"private", MS_PRIVATE},
	{"unbindable", MS_UNBINDABLE},
	{"rshared", MS_SHARED | MS_REC},
	{"rslave", MS_SLAVE | MS_REC},
	{"rprivate", MS_PRIVATE | MS_REC},
	{"runbindable", MS_UNBINDABLE | MS_REC},
	{NULL, 0},
};

const char *oci_enum_name(const struct oci_enum *table, uint64_t value)
{
	for (; table->name; table++) {
		if (table->value == value)
			return table->name;
	}
	return NULL;
}

const char *const oci_hook_kinds[] = {
	"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
	NULL,
};

/* Linux 5.9 has all of them, and no later one is known. */
const char *const oci_capability_names[OCI_CAPABILITY_COUNT + 1] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
	NULL,
};
_Static_assert(OCI_CAPABILITY_COUNT == CAP_CHECKPOINT_RESTORE + 1, "a name for each number");

int oci_capability_find(const char *name)
{
	for (int i = 0; i < OCI_CAPABILITY_COUNT; i++)
		if (strcmp(oci_capability_names[i], name) == 0)
			return i;
	return -1;
}
