/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table per JSON object of the runtime specification, to be read beside it. A line is
 *
 *	KIND("name in JSON", member, [enum, object ...,] NEED)
 *
 * where T is the struct of the object at hand. A member whose C type does not fit the kind does not
 * compile. The order of the lines is the order in which the encoder writes: that of the
 * specification's Go bindings, which is what all engines write too.
 *
 * NEED differs from the specification in one way. Where it says REQUIRED and the established
 * runtimes take absence for zero, DEFAULTED is used: the user and its ids, which hand-written
 * configurations leave out, so that refusing them would break what works elsewhere.
 * That `root` is there is a rule of check.c, because `update` and `exec` read parts without it.
 */
#include "oci-spec/tables.h"

#define OPTIONAL	     OCI_OPTIONAL
#define REQUIRED	     OCI_REQUIRED
#define DEFAULTED	     OCI_DEFAULTED
#define REQUIRED_UNLESS_FIFO OCI_REQUIRED_UNLESS_FIFO

/* The offset of a member, for which the compiler was made to check the type. */
#define OFFSET(member, type)                                                                  \
	(offsetof(T, member) +                                                                \
	 0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((T *)0)->member), type) ? 1 \
											  : -1]))
/* For words the type may be any integer or enum; what counts is the size. */
#define WIDTH(member)                                                                       \
	(sizeof(((T *)0)->member) +                                                         \
	 0 * sizeof(char[sizeof(((T *)0)->member) == 4 || sizeof(((T *)0)->member) == 8 ? 1 \
											: -1]))
/* A list of items: the type of an item is known by its size alone. */
#define LIST_OFFSET(member, item)                                                               \
	(offsetof(T, member) +                                                                  \
	 0 * sizeof(char[sizeof(*((T *)0)->member.items) == (item) &&                           \
					 sizeof(((T *)0)->member) == sizeof(struct oci_strings) \
				 ? 1                                                            \
				 : -1]))

#define FIELD(json, need_, kind_, offset_, ...)                                              \
	{                                                                                    \
		.name = json, .name_length = sizeof(json) - 1, .need = need_, .kind = kind_, \
		.offset = offset_, __VA_ARGS__                                               \
	}
#define SCALAR(json, m, need, kind, type, ...) \
	FIELD(json, need, kind, OFFSET(m, type), .size = sizeof(type), __VA_ARGS__)

#define STRING(json, m, need, ...)   SCALAR(json, m, need, OCI_KIND_STRING, char *, __VA_ARGS__)
#define BOOL(json, m, need, ...)     SCALAR(json, m, need, OCI_KIND_BOOL, bool, __VA_ARGS__)
#define I32(json, m, need, ...)	     SCALAR(json, m, need, OCI_KIND_I32, int32_t, __VA_ARGS__)
#define I64(json, m, need, ...)	     SCALAR(json, m, need, OCI_KIND_I64, int64_t, __VA_ARGS__)
#define U32(json, m, need, ...)	     SCALAR(json, m, need, OCI_KIND_U32, uint32_t, __VA_ARGS__)
#define U64(json, m, need, ...)	     SCALAR(json, m, need, OCI_KIND_U64, uint64_t, __VA_ARGS__)
#define OPT_BOOL(json, m, need, ...) SCALAR(json, m, need, OCI_KIND_OPT_BOOL, struct oci_opt_bool)
#define OPT_I32(json, m, need, ...) \
	SCALAR(json, m, need, OCI_KIND_OPT_I32, struct oci_opt_i32, __VA_ARGS__)
#define OPT_I64(json, m, need, ...) \
	SCALAR(json, m, need, OCI_KIND_OPT_I64, struct oci_opt_i64, __VA_ARGS__)
#define OPT_U16(json, m, need, ...) \
	SCALAR(json, m, need, OCI_KIND_OPT_U16, struct oci_opt_u16, __VA_ARGS__)
#define OPT_U32(json, m, need, ...) \
	SCALAR(json, m, need, OCI_KIND_OPT_U32, struct oci_opt_u32, __VA_ARGS__)
#define OPT_U64(json, m, need, ...) \
	SCALAR(json, m, need, OCI_KIND_OPT_U64, struct oci_opt_u64, __VA_ARGS__)
#define LETTER(json, m, letters_, noun_, need, ...)                                      \
	SCALAR(json, m, need, OCI_KIND_LETTER, char, .letters = letters_, .noun = noun_, \
	       __VA_ARGS__)
#define WORD(json, m, words_, noun_, need, ...)                                             \
	FIELD(json, need, OCI_KIND_WORD, offsetof(T, m), .size = WIDTH(m), .words = words_, \
	      .noun = noun_, __VA_ARGS__)
#define FLAGS(json, m, words_, noun_, need, ...)                                             \
	FIELD(json, need, OCI_KIND_FLAGS, offsetof(T, m), .size = WIDTH(m), .words = words_, \
	      .noun = noun_, __VA_ARGS__)
#define OPT_FLAGS(json, m, words_, noun_, need, ...)                                         \
	SCALAR(json, m, need, OCI_KIND_OPT_FLAGS, struct oci_seccomp_flags, .words = words_, \
	       .noun = noun_, __VA_ARGS__)

#define STRINGS(json, m, need, ...) \
	SCALAR(json, m, need, OCI_KIND_STRINGS, struct oci_strings, __VA_ARGS__)
#define U32S(json, m, need, ...) SCALAR(json, m, need, OCI_KIND_U32S, struct oci_u32s, __VA_ARGS__)
#define STRING_MAP(json, m, need, ...) \
	SCALAR(json, m, need, OCI_KIND_STRING_MAP, struct oci_string_map, __VA_ARGS__)
#define WORDS(json, m, words_, noun_, need, ...)                                        \
	FIELD(json, need, OCI_KIND_WORDS, LIST_OFFSET(m, sizeof(int)), .words = words_, \
	      .noun = noun_, __VA_ARGS__)
#define OBJECTS(json, m, what, need, ...)                                              \
	FIELD(json, need, OCI_KIND_OBJECTS, LIST_OFFSET(m, sizeof(struct oci_##what)), \
	      .object = &what##_object, __VA_ARGS__)
#define OBJECT_MAP(json, m, what, need, ...)                                              \
	FIELD(json, need, OCI_KIND_OBJECT_MAP, LIST_OFFSET(m, sizeof(struct oci_##what)), \
	      .object = &what##_object, __VA_ARGS__)
#define OBJECT(json, m, what, need, ...)                                                      \
	SCALAR(json, m, need, OCI_KIND_OBJECT, struct oci_##what *, .object = &what##_object, \
	       __VA_ARGS__)
#define EMBEDDED(json, m, what, need, ...)                                 \
	FIELD(json, need, OCI_KIND_EMBEDDED, OFFSET(m, struct oci_##what), \
	      .object = &what##_object, __VA_ARGS__)
#define IGNORED(json, ...) FIELD(json, OPTIONAL, OCI_KIND_IGNORED, 0, __VA_ARGS__)

#define AT(s)	 .section = s
#define USER_ID	 .noun = "user id"
#define GROUP_ID .noun = "group id"

/* Ends a table: the object itself, with the number of fields checked against the decoder's bits. */
#define DEFINE(linkage, what, section_)                                                            \
	_Static_assert(sizeof(what##_fields) / sizeof(what##_fields[0]) <= 64, "too many fields"); \
	linkage const struct oci_object what##_object = {                                          \
		.section = section_,                                                               \
		.fields = what##_fields,                                                           \
		.count = sizeof(what##_fields) / sizeof(what##_fields[0]),                         \
		.size = sizeof(T),                                                                 \
	}

/* clang-format off: each line is a line of the specification */

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
	STRING("type", type, OPTIONAL, AT("config.md#posix-platform-mounts")),
	STRING("source", source, OPTIONAL),
	STRINGS("options", options, OPTIONAL),
	OBJECTS("uidMappings", uid_mappings, id_mapping, OPTIONAL,
		AT("config.md#posix-platform-mounts")),
	OBJECTS("gidMappings", gid_mappings, id_mapping, OPTIONAL,
		AT("config.md#posix-platform-mounts")),
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
	STRING("username", username, OPTIONAL, AT("config.md#windows-user")),
};
DEFINE(static, user, "config.md#posix-platform-user");
#undef T

#define T struct oci_capabilities
static const struct oci_field capabilities_fields[] = {
	STRINGS("bounding", bounding, OPTIONAL),       STRINGS("effective", effective, OPTIONAL),
	STRINGS("inheritable", inheritable, OPTIONAL), STRINGS("permitted", permitted, OPTIONAL),
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
	I32("priority", priority, REQUIRED),
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
#define LINUX AT("config.md#linux-process")
static const struct oci_field oci_process_fields[] = {
	BOOL("terminal", terminal, OPTIONAL),
	OBJECT("consoleSize", console_size, box, OPTIONAL),
	EMBEDDED("user", user, user, DEFAULTED, AT("config.md#user")),
	STRINGS("args", args, OPTIONAL),
	STRING("commandLine", command_line, OPTIONAL),
	STRINGS("env", env, OPTIONAL),
	STRING("cwd", cwd, REQUIRED),
	OBJECT("capabilities", capabilities, capabilities, OPTIONAL, LINUX),
	OBJECTS("rlimits", rlimits, rlimit, OPTIONAL, AT("config.md#posix-process")),
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
	OBJECTS("prestart", prestart, hook, OPTIONAL, AT("config.md#prestart")),
	OBJECTS("createRuntime", create_runtime, hook, OPTIONAL,
		AT("config.md#createruntime-hooks")),
	OBJECTS("createContainer", create_container, hook, OPTIONAL,
		AT("config.md#createcontainer-hooks")),
	OBJECTS("startContainer", start_container, hook, OPTIONAL,
		AT("config.md#startcontainer-hooks")),
	OBJECTS("poststart", poststart, hook, OPTIONAL, AT("config.md#poststart")),
	OBJECTS("poststop", poststop, hook, OPTIONAL, AT("config.md#poststop")),
};
DEFINE(static, hooks, "config.md#posix-platform-hooks");
#undef T

/* ---- config-linux.md: control groups ---- */

#define T struct oci_device_rule
static const struct oci_field device_rule_fields[] = {
	BOOL("allow", allow, REQUIRED),	    LETTER("type", type, "acb", "device type", OPTIONAL),
	OPT_I64("major", major, OPTIONAL),  OPT_I64("minor", minor, OPTIONAL),
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
	OBJECTS("devices", devices, device_rule, OPTIONAL,
		AT("config-linux.md#allowed-device-list")),
	OBJECT("memory", memory, memory, OPTIONAL, AT("config-linux.md#memory")),
	OBJECT("cpu", cpu, cpu, OPTIONAL, AT("config-linux.md#cpu")),
	OBJECT("pids", pids, pids, OPTIONAL, AT("config-linux.md#pids")),
	OBJECT("blockIO", block_io, block_io, OPTIONAL, AT("config-linux.md#block-io")),
	OBJECTS("hugepageLimits", hugepage_limits, hugepage_limit, OPTIONAL,
		AT("config-linux.md#huge-page-limits")),
	OBJECT("network", network, network, OPTIONAL, AT("config-linux.md#network")),
	OBJECT_MAP("rdma", rdma, rdma, OPTIONAL, AT("config-linux.md#rdma")),
	STRING_MAP("unified", unified, OPTIONAL, AT("config-linux.md#unified")),
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
	WORDS("architectures", architectures, oci_seccomp_architectures, "seccomp architecture",
	      OPTIONAL),
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
	OBJECTS("uidMappings", uid_mappings, id_mapping, OPTIONAL,
		AT("config-linux.md#user-namespace-mappings")),
	OBJECTS("gidMappings", gid_mappings, id_mapping, OPTIONAL,
		AT("config-linux.md#user-namespace-mappings")),
	STRING_MAP("sysctl", sysctl, OPTIONAL, AT("config-linux.md#sysctl")),
	FIELD("resources", OPTIONAL, OCI_KIND_OBJECT, OFFSET(resources, struct oci_resources *),
	      .object = &oci_resources_object, AT("config-linux.md#control-groups")),
	STRING("cgroupsPath", cgroups_path, OPTIONAL, AT("config-linux.md#cgroups-path")),
	OBJECTS("namespaces", namespaces, namespace, OPTIONAL, AT("config-linux.md#namespaces")),
	OBJECTS("devices", devices, device, OPTIONAL, AT("config-linux.md#devices")),
	OBJECT_MAP("netDevices", net_devices, net_device, OPTIONAL,
		   AT("config-linux.md#network-devices")),
	OBJECT("seccomp", seccomp, seccomp, OPTIONAL, AT("config-linux.md#seccomp")),
	WORD("rootfsPropagation", rootfs_propagation, oci_propagations, "mount propagation",
	     OPTIONAL, AT("config-linux.md#rootfs-mount-propagation")),
	STRINGS("maskedPaths", masked_paths, OPTIONAL, AT("config-linux.md#masked-paths")),
	STRINGS("readonlyPaths", readonly_paths, OPTIONAL, AT("config-linux.md#readonly-paths")),
	STRING("mountLabel", mount_label, OPTIONAL, AT("config-linux.md#mount-label")),
	OBJECT("intelRdt", intel_rdt, intel_rdt, OPTIONAL, AT("config-linux.md#intelrdt")),
	OBJECT("memoryPolicy", memory_policy, memory_policy, OPTIONAL,
	       AT("config-linux.md#memory-policy")),
	OBJECT("personality", personality, personality, OPTIONAL,
	       AT("config-linux.md#personality")),
	OBJECT_MAP("timeOffsets", time_offsets, time_offset, OPTIONAL,
		   AT("config-linux.md#offset-for-time-namespace")),
};
DEFINE(static, linux, "config-linux.md");
#undef T

/* ---- config.md: the whole ---- */

#define T struct oci_config
static const struct oci_field oci_config_fields[] = {
	STRING("ociVersion", oci_version, REQUIRED, AT("config.md#specification-version")),
	FIELD("process", OPTIONAL, OCI_KIND_OBJECT, OFFSET(process, struct oci_process *),
	      .object = &oci_process_object, AT("config.md#process")),
	OBJECT("root", root, root, OPTIONAL, AT("config.md#root")),
	STRING("hostname", hostname, OPTIONAL, AT("config.md#hostname")),
	STRING("domainname", domainname, OPTIONAL, AT("config.md#domainname")),
	OBJECTS("mounts", mounts, mount, OPTIONAL, AT("config.md#mounts")),
	OBJECT("hooks", hooks, hooks, OPTIONAL, AT("config.md#posix-platform-hooks")),
	STRING_MAP("annotations", annotations, OPTIONAL, AT("config.md#annotations")),
	OBJECT("linux", linux, linux, OPTIONAL, AT("config-linux.md")),
	IGNORED("solaris", AT("config.md#platform-specific-configuration")),
	IGNORED("windows", AT("config.md#platform-specific-configuration")),
	IGNORED("vm", AT("config.md#platform-specific-configuration")),
	IGNORED("zos", AT("config.md#platform-specific-configuration")),
	IGNORED("freebsd", AT("config.md#platform-specific-configuration")),
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
