/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table per JSON object of the runtime specification, to be read beside it. A line is
 *
 *	KIND("name in JSON", member, [what it may hold,] NEED, [section])
 *
 * where T is the struct of the object at hand. The order of the lines is the order in which the
 * encoder writes: that of the specification's Go bindings, which is what all engines write too.
 * How a line becomes a struct oci_field is in tables-macros.h; a member whose C type does not fit
 * the kind does not compile.
 *
 * NEED differs from the specification in one way. Where it says REQUIRED and the established
 * runtimes take absence for zero, DEFAULTED is used: for the user and its ids and the I/O priority,
 * which hand-written configurations leave out, so that refusing them would break what works
 * elsewhere.
 * That there is a `root` is a rule of check.c, because documents without one can still be decoded.
 */
#include "oci-spec/tables-macros.h"
#include "oci-spec/tables.h"

/* clang-format off */

/* ---- config.md: root, mounts ---- */

#define T struct oci_root
static const struct oci_field root_fields[] = {
	STRING("path", path, REQUIRED),
	BOOL("readonly", readonly, OPTIONAL),
};
DEFINE(static, root, "config.md#root");
#undef T

#define T struct oci_id_mapping
static const struct oci_field id_mapping_fields[] = {
	U32("containerID", container_id, REQUIRED),
	U32("hostID", host_id, REQUIRED),
	U32("size", size, REQUIRED),
};
DEFINE(static, id_mapping, "config-linux.md#user-namespace-mappings");
#undef T

#define T struct oci_mount
static const struct oci_field mount_fields[] = {
	STRING("destination", destination, REQUIRED),
	STRING("type", type, OPTIONAL, IN_CONFIG("posix-platform-mounts")),
	STRING("source", source, OPTIONAL),
	STRINGS("options", options, OPTIONAL),
	OBJECTS("uidMappings", uid_mappings, id_mapping, OPTIONAL, IN_CONFIG("posix-platform-mounts")),
	OBJECTS("gidMappings", gid_mappings, id_mapping, OPTIONAL, IN_CONFIG("posix-platform-mounts")),
};
DEFINE(static, mount, "config.md#mounts");
#undef T

/* ---- config.md: process ---- */

#define T struct oci_box
static const struct oci_field box_fields[] = {
	U32("height", height, REQUIRED),
	U32("width", width, REQUIRED),
};
DEFINE(static, box, "config.md#process");
#undef T

#define T struct oci_user
static const struct oci_field user_fields[] = {
	U32("uid", uid, DEFAULTED, USER_ID),
	U32("gid", gid, DEFAULTED, GROUP_ID),
	OPT_U32("umask", umask, OPTIONAL),
	U32S("additionalGids", additional_gids, OPTIONAL, GROUP_ID),
	STRING("username", username, OPTIONAL, IN_CONFIG("windows-user")),
};
DEFINE(static, user, "config.md#posix-platform-user");
#undef T

#define T struct oci_capabilities
static const struct oci_field capabilities_fields[] = {
	STRINGS("bounding", bounding, OPTIONAL),
	STRINGS("effective", effective, OPTIONAL),
	STRINGS("inheritable", inheritable, OPTIONAL),
	STRINGS("permitted", permitted, OPTIONAL),
	STRINGS("ambient", ambient, OPTIONAL),
};
DEFINE(static, capabilities, "config.md#linux-process");
#undef T

#define T struct oci_rlimit
static const struct oci_field rlimit_fields[] = {
	WORD("type", type, oci_rlimit_types, "rlimit type", REQUIRED),
	U64("hard", hard, REQUIRED),
	U64("soft", soft, REQUIRED),
};
DEFINE(static, rlimit, "config.md#posix-process");
#undef T

#define T struct oci_scheduler
static const struct oci_field scheduler_fields[] = {
	WORD("policy", policy, oci_scheduler_policies, "scheduling policy", REQUIRED),
	I32("nice", nice, OPTIONAL),
	I32("priority", priority, OPTIONAL),
	FLAGS("flags", flags, oci_scheduler_flags, "scheduling flag", OPTIONAL),
	U64("runtime", runtime, OPTIONAL),
	U64("deadline", deadline, OPTIONAL),
	U64("period", period, OPTIONAL),
};
DEFINE(static, scheduler, "config.md#linux-process");
#undef T

#define T struct oci_io_priority
static const struct oci_field io_priority_fields[] = {
	WORD("class", class, oci_io_priority_classes, "I/O priority class", REQUIRED),
	I32("priority", priority, DEFAULTED),
};
DEFINE(static, io_priority, "config.md#linux-process");
#undef T

#define T struct oci_cpu_affinity
static const struct oci_field cpu_affinity_fields[] = {
	STRING("initial", initial, OPTIONAL),
	STRING("final", final, OPTIONAL),
};
DEFINE(static, cpu_affinity, "config.md#linux-process");
#undef T

#define T     struct oci_process
#define LINUX IN_CONFIG("linux-process")
static const struct oci_field oci_process_fields[] = {
	BOOL("terminal", terminal, OPTIONAL),
	OBJECT("consoleSize", console_size, box, OPTIONAL),
	EMBEDDED("user", user, user, DEFAULTED, IN_CONFIG("user")),
	STRINGS("args", args, OPTIONAL),
	STRING("commandLine", command_line, OPTIONAL),
	STRINGS("env", env, OPTIONAL),
	STRING("cwd", cwd, REQUIRED),
	OBJECT("capabilities", capabilities, capabilities, OPTIONAL, LINUX),
	OBJECTS("rlimits", rlimits, rlimit, OPTIONAL, IN_CONFIG("posix-process")),
	BOOL("noNewPrivileges", no_new_privileges, OPTIONAL, LINUX),
	STRING("apparmorProfile", apparmor_profile, OPTIONAL, LINUX),
	OPT_I32("oomScoreAdj", oom_score_adj, OPTIONAL, LINUX),
	OBJECT("scheduler", scheduler, scheduler, OPTIONAL, LINUX),
	STRING("selinuxLabel", selinux_label, OPTIONAL, LINUX),
	OBJECT("ioPriority", io_priority, io_priority, OPTIONAL, LINUX),
	OBJECT("execCPUAffinity", exec_cpu_affinity, cpu_affinity, OPTIONAL, LINUX),
};
DEFINE(, oci_process, "config.md#process");
#undef LINUX
#undef T

/* ---- config.md: hooks ---- */

#define T struct oci_hook
static const struct oci_field hook_fields[] = {
	STRING("path", path, REQUIRED),
	STRINGS("args", args, OPTIONAL),
	STRINGS("env", env, OPTIONAL),
	OPT_I32("timeout", timeout, OPTIONAL),
};
DEFINE(static, hook, "config.md#posix-platform-hooks");
#undef T

#define T struct oci_hooks
static const struct oci_field hooks_fields[] = {
	OBJECTS("prestart", prestart, hook, OPTIONAL, IN_CONFIG("prestart")),
	OBJECTS("createRuntime", create_runtime, hook, OPTIONAL, IN_CONFIG("createruntime-hooks")),
	OBJECTS("createContainer", create_container, hook, OPTIONAL, IN_CONFIG("createcontainer-hooks")),
	OBJECTS("startContainer", start_container, hook, OPTIONAL, IN_CONFIG("startcontainer-hooks")),
	OBJECTS("poststart", poststart, hook, OPTIONAL, IN_CONFIG("poststart")),
	OBJECTS("poststop", poststop, hook, OPTIONAL, IN_CONFIG("poststop")),
};
DEFINE(static, hooks, "config.md#posix-platform-hooks");
#undef T

/* ---- config-linux.md: control groups ---- */

#define T struct oci_device_rule
static const struct oci_field device_rule_fields[] = {
	BOOL("allow", allow, REQUIRED),
	LETTER("type", type, "acb", "device type", OPTIONAL),
	OPT_I64("major", major, OPTIONAL),
	OPT_I64("minor", minor, OPTIONAL),
	STRING("access", access, OPTIONAL),
};
DEFINE(static, device_rule, "config-linux.md#allowed-device-list");
#undef T

#define T struct oci_memory
static const struct oci_field memory_fields[] = {
	OPT_I64("limit", limit, OPTIONAL),
	OPT_I64("reservation", reservation, OPTIONAL),
	OPT_I64("swap", swap, OPTIONAL),
	OPT_I64("kernel", kernel, OPTIONAL),
	OPT_I64("kernelTCP", kernel_tcp, OPTIONAL),
	OPT_U64("swappiness", swappiness, OPTIONAL),
	OPT_BOOL("disableOOMKiller", disable_oom_killer, OPTIONAL),
	OPT_BOOL("useHierarchy", use_hierarchy, OPTIONAL),
	OPT_BOOL("checkBeforeUpdate", check_before_update, OPTIONAL),
};
DEFINE(static, memory, "config-linux.md#memory");
#undef T

#define T struct oci_cpu
static const struct oci_field cpu_fields[] = {
	OPT_U64("shares", shares, OPTIONAL),
	OPT_I64("quota", quota, OPTIONAL),
	OPT_U64("burst", burst, OPTIONAL),
	OPT_U64("period", period, OPTIONAL),
	OPT_I64("realtimeRuntime", realtime_runtime, OPTIONAL),
	OPT_U64("realtimePeriod", realtime_period, OPTIONAL),
	STRING("cpus", cpus, OPTIONAL),
	STRING("mems", mems, OPTIONAL),
	OPT_I64("idle", idle, OPTIONAL),
};
DEFINE(static, cpu, "config-linux.md#cpu");
#undef T

#define T struct oci_pids
static const struct oci_field pids_fields[] = {
	OPT_I64("limit", limit, OPTIONAL),
};
DEFINE(static, pids, "config-linux.md#pids");
#undef T

#define T struct oci_weight_device
static const struct oci_field weight_device_fields[] = {
	I64("major", major, REQUIRED),
	I64("minor", minor, REQUIRED),
	OPT_U16("weight", weight, OPTIONAL),
	OPT_U16("leafWeight", leaf_weight, OPTIONAL),
};
DEFINE(static, weight_device, "config-linux.md#block-io");
#undef T

#define T struct oci_throttle_device
static const struct oci_field throttle_device_fields[] = {
	I64("major", major, REQUIRED),
	I64("minor", minor, REQUIRED),
	U64("rate", rate, REQUIRED),
};
DEFINE(static, throttle_device, "config-linux.md#block-io");
#undef T

#define T struct oci_block_io
static const struct oci_field block_io_fields[] = {
	OPT_U16("weight", weight, OPTIONAL),
	OPT_U16("leafWeight", leaf_weight, OPTIONAL),
	OBJECTS("weightDevice", weight_device, weight_device, OPTIONAL),
	OBJECTS("throttleReadBpsDevice", throttle_read_bps_device, throttle_device, OPTIONAL),
	OBJECTS("throttleWriteBpsDevice", throttle_write_bps_device, throttle_device, OPTIONAL),
	OBJECTS("throttleReadIOPSDevice", throttle_read_iops_device, throttle_device, OPTIONAL),
	OBJECTS("throttleWriteIOPSDevice", throttle_write_iops_device, throttle_device, OPTIONAL),
};
DEFINE(static, block_io, "config-linux.md#block-io");
#undef T

#define T struct oci_hugepage_limit
static const struct oci_field hugepage_limit_fields[] = {
	STRING("pageSize", page_size, REQUIRED),
	U64("limit", limit, REQUIRED),
};
DEFINE(static, hugepage_limit, "config-linux.md#huge-page-limits");
#undef T

#define T struct oci_interface_priority
static const struct oci_field interface_priority_fields[] = {
	STRING("name", name, REQUIRED),
	U32("priority", priority, REQUIRED),
};
DEFINE(static, interface_priority, "config-linux.md#network");
#undef T

#define T struct oci_network
static const struct oci_field network_fields[] = {
	OPT_U32("classID", class_id, OPTIONAL),
	OBJECTS("priorities", priorities, interface_priority, OPTIONAL),
};
DEFINE(static, network, "config-linux.md#network");
#undef T

#define T struct oci_rdma
static const struct oci_field rdma_fields[] = {
	OPT_U32("hcaHandles", hca_handles, OPTIONAL),
	OPT_U32("hcaObjects", hca_objects, OPTIONAL),
};
DEFINE(static, rdma, "config-linux.md#rdma");
#undef T

#define T struct oci_resources
static const struct oci_field oci_resources_fields[] = {
	OBJECTS("devices", devices, device_rule, OPTIONAL, IN_LINUX("allowed-device-list")),
	OBJECT("memory", memory, memory, OPTIONAL, IN_LINUX("memory")),
	OBJECT("cpu", cpu, cpu, OPTIONAL, IN_LINUX("cpu")),
	OBJECT("pids", pids, pids, OPTIONAL, IN_LINUX("pids")),
	OBJECT("blockIO", block_io, block_io, OPTIONAL, IN_LINUX("block-io")),
	OBJECTS("hugepageLimits", hugepage_limits, hugepage_limit, OPTIONAL, IN_LINUX("huge-page-limits")),
	OBJECT("network", network, network, OPTIONAL, IN_LINUX("network")),
	OBJECT_MAP("rdma", rdma, rdma, OPTIONAL, IN_LINUX("rdma")),
	STRING_MAP("unified", unified, OPTIONAL, IN_LINUX("unified")),
};
DEFINE(, oci_resources, "config-linux.md#control-groups");
#undef T

/* ---- config-linux.md: the rest ---- */

#define T struct oci_namespace
static const struct oci_field namespace_fields[] = {
	WORD("type", type, oci_namespace_types, "namespace type", REQUIRED),
	STRING("path", path, OPTIONAL),
};
DEFINE(static, namespace, "config-linux.md#namespaces");
#undef T

#define T struct oci_device
static const struct oci_field device_fields[] = {
	STRING("path", path, REQUIRED),
	LETTER("type", type, "cbup", "device type", REQUIRED),
	I64("major", major, REQUIRED_UNLESS_FIFO),
	I64("minor", minor, REQUIRED_UNLESS_FIFO),
	OPT_U32("fileMode", file_mode, OPTIONAL),
	OPT_U32("uid", uid, OPTIONAL, USER_ID),
	OPT_U32("gid", gid, OPTIONAL, GROUP_ID),
};
DEFINE(static, device, "config-linux.md#devices");
#undef T

#define T struct oci_net_device
static const struct oci_field net_device_fields[] = {
	STRING("name", name, OPTIONAL),
};
DEFINE(static, net_device, "config-linux.md#network-devices");
#undef T

#define T struct oci_time_offset
static const struct oci_field time_offset_fields[] = {
	I64("secs", secs, OPTIONAL),
	U32("nanosecs", nanosecs, OPTIONAL),
};
DEFINE(static, time_offset, "config-linux.md#offset-for-time-namespace");
#undef T

#define T struct oci_seccomp_arg
static const struct oci_field seccomp_arg_fields[] = {
	U32("index", index, REQUIRED),
	U64("value", value, REQUIRED),
	U64("valueTwo", value_two, OPTIONAL),
	WORD("op", op, oci_seccomp_operators, "seccomp operator", REQUIRED),
};
DEFINE(static, seccomp_arg, "config-linux.md#seccomp");
#undef T

#define T struct oci_seccomp_rule
static const struct oci_field seccomp_rule_fields[] = {
	STRINGS("names", names, REQUIRED),
	WORD("action", action, oci_seccomp_actions, "seccomp action", REQUIRED),
	OPT_U32("errnoRet", errno_ret, OPTIONAL),
	OBJECTS("args", args, seccomp_arg, OPTIONAL),
};
DEFINE(static, seccomp_rule, "config-linux.md#seccomp");
#undef T

#define T struct oci_seccomp
static const struct oci_field seccomp_fields[] = {
	WORD("defaultAction", default_action, oci_seccomp_actions, "seccomp action", REQUIRED),
	OPT_U32("defaultErrnoRet", default_errno_ret, OPTIONAL),
	WORDS("architectures", architectures, oci_seccomp_architectures, "seccomp architecture", OPTIONAL),
	OPT_FLAGS("flags", flags, oci_seccomp_flag_names, "seccomp flag", OPTIONAL),
	STRING("listenerPath", listener_path, OPTIONAL),
	STRING("listenerMetadata", listener_metadata, OPTIONAL),
	OBJECTS("syscalls", syscalls, seccomp_rule, OPTIONAL),
};
DEFINE(static, seccomp, "config-linux.md#seccomp");
#undef T

#define T struct oci_intel_rdt
static const struct oci_field intel_rdt_fields[] = {
	STRING("closID", clos_id, OPTIONAL),
	STRINGS("schemata", schemata, OPTIONAL),
	STRING("l3CacheSchema", l3_cache_schema, OPTIONAL),
	STRING("memBwSchema", mem_bw_schema, OPTIONAL),
	BOOL("enableMonitoring", enable_monitoring, OPTIONAL),
};
DEFINE(static, intel_rdt, "config-linux.md#intelrdt");
#undef T

#define T struct oci_memory_policy
static const struct oci_field memory_policy_fields[] = {
	WORD("mode", mode, oci_memory_policy_modes, "memory policy", REQUIRED),
	STRING("nodes", nodes, OPTIONAL),
	FLAGS("flags", flags, oci_memory_policy_flags, "memory policy flag", OPTIONAL),
};
DEFINE(static, memory_policy, "config-linux.md#memory-policy");
#undef T

#define T struct oci_personality
static const struct oci_field personality_fields[] = {
	WORD("domain", domain, oci_personality_domains, "personality", REQUIRED),
	STRINGS("flags", flags, OPTIONAL),
};
DEFINE(static, personality, "config-linux.md#personality");
#undef T

#define T struct oci_linux
static const struct oci_field linux_fields[] = {
	OBJECTS("uidMappings", uid_mappings, id_mapping, OPTIONAL, IN_LINUX("user-namespace-mappings")),
	OBJECTS("gidMappings", gid_mappings, id_mapping, OPTIONAL, IN_LINUX("user-namespace-mappings")),
	STRING_MAP("sysctl", sysctl, OPTIONAL, IN_LINUX("sysctl")),
	DOCUMENT("resources", resources, resources, OPTIONAL, IN_LINUX("control-groups")),
	STRING("cgroupsPath", cgroups_path, OPTIONAL, IN_LINUX("cgroups-path")),
	OBJECTS("namespaces", namespaces, namespace, OPTIONAL, IN_LINUX("namespaces")),
	OBJECTS("devices", devices, device, OPTIONAL, IN_LINUX("devices")),
	OBJECT_MAP("netDevices", net_devices, net_device, OPTIONAL, IN_LINUX("network-devices")),
	OBJECT("seccomp", seccomp, seccomp, OPTIONAL, IN_LINUX("seccomp")),
	WORD("rootfsPropagation", rootfs_propagation, oci_propagations, "mount propagation", OPTIONAL, IN_LINUX("rootfs-mount-propagation")),
	STRINGS("maskedPaths", masked_paths, OPTIONAL, IN_LINUX("masked-paths")),
	STRINGS("readonlyPaths", readonly_paths, OPTIONAL, IN_LINUX("readonly-paths")),
	STRING("mountLabel", mount_label, OPTIONAL, IN_LINUX("mount-label")),
	OBJECT("intelRdt", intel_rdt, intel_rdt, OPTIONAL, IN_LINUX("intelrdt")),
	OBJECT("memoryPolicy", memory_policy, memory_policy, OPTIONAL, IN_LINUX("memory-policy")),
	OBJECT("personality", personality, personality, OPTIONAL, IN_LINUX("personality")),
	OBJECT_MAP("timeOffsets", time_offsets, time_offset, OPTIONAL, IN_LINUX("offset-for-time-namespace")),
};
DEFINE(static, linux, "config-linux.md");
#undef T

/* ---- config.md: the whole ---- */

#define T struct oci_config
static const struct oci_field oci_config_fields[] = {
	STRING("ociVersion", oci_version, REQUIRED, IN_CONFIG("specification-version")),
	DOCUMENT("process", process, process, OPTIONAL, IN_CONFIG("process")),
	OBJECT("root", root, root, OPTIONAL, IN_CONFIG("root")),
	STRING("hostname", hostname, OPTIONAL, IN_CONFIG("hostname")),
	STRING("domainname", domainname, OPTIONAL, IN_CONFIG("domainname")),
	OBJECTS("mounts", mounts, mount, OPTIONAL, IN_CONFIG("mounts")),
	OBJECT("hooks", hooks, hooks, OPTIONAL, IN_CONFIG("posix-platform-hooks")),
	STRING_MAP("annotations", annotations, OPTIONAL, IN_CONFIG("annotations")),
	OBJECT("linux", linux, linux, OPTIONAL, AT("config-linux.md")),
	IGNORED("solaris", IN_CONFIG("platform-specific-configuration")),
	IGNORED("windows", IN_CONFIG("platform-specific-configuration")),
	IGNORED("vm", IN_CONFIG("platform-specific-configuration")),
	IGNORED("zos", IN_CONFIG("platform-specific-configuration")),
	IGNORED("freebsd", IN_CONFIG("platform-specific-configuration")),
};
DEFINE(, oci_config, "config.md");
#undef T

/* clang-format on */

const char *oci_kind_name(enum oci_kind kind)
{
	static const char *const names[] = {
		[OCI_KIND_STRING] = "string",
		[OCI_KIND_BOOL] = "bool",
		[OCI_KIND_I32] = "int32",
		[OCI_KIND_I64] = "int64",
		[OCI_KIND_U32] = "uint32",
		[OCI_KIND_U64] = "uint64",
		[OCI_KIND_OPT_BOOL] = "bool",
		[OCI_KIND_OPT_I32] = "int32",
		[OCI_KIND_OPT_I64] = "int64",
		[OCI_KIND_OPT_U16] = "uint16",
		[OCI_KIND_OPT_U32] = "uint32",
		[OCI_KIND_OPT_U64] = "uint64",
		[OCI_KIND_WORD] = "string",
		[OCI_KIND_LETTER] = "string",
		[OCI_KIND_FLAGS] = "array of strings",
		[OCI_KIND_OPT_FLAGS] = "array of strings",
		[OCI_KIND_OBJECT] = "object",
		[OCI_KIND_EMBEDDED] = "object",
		[OCI_KIND_STRINGS] = "array of strings",
		[OCI_KIND_U32S] = "array of uint32",
		[OCI_KIND_WORDS] = "array of strings",
		[OCI_KIND_OBJECTS] = "array of objects",
		[OCI_KIND_STRING_MAP] = "object of strings",
		[OCI_KIND_OBJECT_MAP] = "object of objects",
		[OCI_KIND_IGNORED] = "any",
	};

	return names[kind];
}
