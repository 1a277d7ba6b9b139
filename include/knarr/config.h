/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The typed model of config.json, runtime-spec 1.3 for Linux.
 *
 * One struct per JSON object, one member per field, in the order of the specification. The member's
 * name is the JSON name in snake_case. The tables in oci-spec/tables.c tie the two together.
 *
 * How absence is told apart from a value:
 *   strings        NULL when the field is absent
 *   objects        NULL when absent (a pointer to the object's struct)
 *   lists, maps    .items == NULL when absent; an empty one has .items != NULL and .count == 0
 *   scalars        struct oci_opt_*, where .set says whether the field was there; a plain bool or
 *                  integer is used where the specification makes absence equal to false or 0
 *
 * All memory belongs to the struct oci_document that the decoder returned (see oci-spec/oci-spec.h)
 * and lives as long as it. Nothing in here is ever written after the decoder has returned it,
 * but for `update`, which replaces whole members of struct oci_resources.
 *
 * Source: https://github.com/opencontainers/runtime-spec, config.md and config-linux.md, v1.3.0.
 */
#ifndef KNARR_CONFIG_H
#define KNARR_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#undef linux /* GNU C predefines it as 1, and the specification has a field of that name */

/* Scalars that may be absent. */
struct oci_opt_bool {
	bool set, value;
};
struct oci_opt_i32 {
	bool set;
	int32_t value;
};
struct oci_opt_i64 {
	bool set;
	int64_t value;
};
struct oci_opt_u16 {
	bool set;
	uint16_t value;
};
struct oci_opt_u32 {
	bool set;
	uint32_t value;
};
struct oci_opt_u64 {
	bool set;
	uint64_t value;
};

struct oci_strings {
	char **items;
	size_t count;
};

struct oci_u32s {
	uint32_t *items;
	size_t count;
};

/* A JSON object whose keys are free and whose values are strings, in the order of the file. */
struct oci_string_pair {
	char *key, *value;
};
struct oci_string_map {
	struct oci_string_pair *items;
	size_t count;
};

/* config.md#root */
struct oci_root {
	char *path;
	bool readonly;
};

/* config-linux.md#user-namespace-mappings */
struct oci_id_mapping {
	uint32_t container_id, host_id, size;
};
struct oci_id_mappings {
	struct oci_id_mapping *items;
	size_t count;
};

/* config.md#mounts */
struct oci_mount {
	char *destination;
	char *type;
	char *source;
	struct oci_strings options;
	struct oci_id_mappings uid_mappings, gid_mappings;
};
struct oci_mounts {
	struct oci_mount *items;
	size_t count;
};

/* config.md#process: consoleSize */
struct oci_box {
	uint32_t height, width;
};

/* config.md#user; username is for Windows and only carried along. */
struct oci_user {
	uint32_t uid, gid;
	struct oci_opt_u32 umask;
	struct oci_u32s additional_gids;
	char *username;
};

/* Names as in the file ("CAP_CHOWN"); unknown ones are warned of, not refused (config.md). */
struct oci_capabilities {
	struct oci_strings bounding, effective, inheritable, permitted, ambient;
};

/* The values are the kernel's RLIMIT_* numbers (asm-generic/resource.h), see oci-spec/enums.c. */
struct oci_rlimit {
	int type;
	uint64_t hard, soft;
};
struct oci_rlimits {
	struct oci_rlimit *items;
	size_t count;
};

/* The kernel's SCHED_* numbers (sched(7)). SCHED_ISO is in the spec, no kernel has it. */
struct oci_scheduler {
	int policy;
	int32_t nice;
	int32_t priority;
	uint64_t flags;			    /* SCHED_FLAG_* of linux/sched.h, or-ed */
	uint64_t runtime, deadline, period; /* nanoseconds */
};

/* ioprio_set(2): class is IOPRIO_CLASS_{RT,BE,IDLE} = 1, 2, 3. */
struct oci_io_priority {
	int class;
	int32_t priority;
};

struct oci_cpu_affinity {
	char *initial, *final;
};

/* config.md#process */
struct oci_process {
	bool terminal;
	struct oci_box *console_size;
	struct oci_user user;
	struct oci_strings args;
	char *command_line; /* Windows; carried along */
	struct oci_strings env;
	char *cwd;
	struct oci_capabilities *capabilities;
	struct oci_rlimits rlimits;
	bool no_new_privileges;
	char *apparmor_profile;
	struct oci_opt_i32 oom_score_adj;
	struct oci_scheduler *scheduler;
	char *selinux_label;
	struct oci_io_priority *io_priority;
	struct oci_cpu_affinity *exec_cpu_affinity;
};

/* config.md#posix-platform-hooks; timeout in seconds. */
struct oci_hook {
	char *path;
	struct oci_strings args, env;
	struct oci_opt_i32 timeout;
};
struct oci_hook_list {
	struct oci_hook *items;
	size_t count;
};
struct oci_hooks {
	struct oci_hook_list prestart, create_runtime, create_container, start_container;
	struct oci_hook_list poststart, poststop;
};

/* config-linux.md#namespaces; type is the kernel's CLONE_NEW* flag. */
struct oci_namespace {
	uint64_t type;
	char *path;
};
struct oci_namespaces {
	struct oci_namespace *items;
	size_t count;
};

/* config-linux.md#devices; type is one of 'c', 'b', 'u', 'p'. */
struct oci_device {
	char *path;
	char type;
	int64_t major, minor;
	struct oci_opt_u32 file_mode, uid, gid;
};
struct oci_devices {
	struct oci_device *items;
	size_t count;
};

/* config-linux.md#network-devices: key is the host's interface name. */
struct oci_net_device {
	char *key;
	char *name;
};
struct oci_net_devices {
	struct oci_net_device *items;
	size_t count;
};

/* config-linux.md#time-namespace: clock is "monotonic" or "boottime". */
struct oci_time_offset {
	char *clock;
	int64_t secs;
	uint32_t nanosecs;
};
struct oci_time_offsets {
	struct oci_time_offset *items;
	size_t count;
};

/* config-linux.md#allowed-device-list; type 'a' when absent; access is checked to be of "rwm". */
struct oci_device_rule {
	bool allow;
	char type; /* 'a', 'b', 'c' */
	struct oci_opt_i64 major, minor;
	char *access;
};
struct oci_device_rules {
	struct oci_device_rule *items;
	size_t count;
};

/* config-linux.md#memory; bytes, -1 is unlimited. */
struct oci_memory {
	struct oci_opt_i64 limit, reservation, swap, kernel, kernel_tcp;
	struct oci_opt_u64 swappiness;
	struct oci_opt_bool disable_oom_killer, use_hierarchy, check_before_update;
};

/* config-linux.md#cpu; times in microseconds. */
struct oci_cpu {
	struct oci_opt_u64 shares;
	struct oci_opt_i64 quota;
	struct oci_opt_u64 burst, period;
	struct oci_opt_i64 realtime_runtime;
	struct oci_opt_u64 realtime_period;
	char *cpus, *mems;
	struct oci_opt_i64 idle;
};

struct oci_pids {
	struct oci_opt_i64 limit;
};

struct oci_weight_device {
	int64_t major, minor;
	struct oci_opt_u16 weight, leaf_weight;
};
struct oci_weight_devices {
	struct oci_weight_device *items;
	size_t count;
};
struct oci_throttle_device {
	int64_t major, minor;
	uint64_t rate; /* bytes or operations per second */
};
struct oci_throttle_devices {
	struct oci_throttle_device *items;
	size_t count;
};

/* config-linux.md#block-io */
struct oci_block_io {
	struct oci_opt_u16 weight, leaf_weight;
	struct oci_weight_devices weight_device;
	struct oci_throttle_devices throttle_read_bps_device, throttle_write_bps_device;
	struct oci_throttle_devices throttle_read_iops_device, throttle_write_iops_device;
};

struct oci_hugepage_limit {
	char *page_size; /* "2MB", "1GB", "64KB" */
	uint64_t limit;	 /* bytes */
};
struct oci_hugepage_limits {
	struct oci_hugepage_limit *items;
	size_t count;
};

struct oci_interface_priority {
	char *name;
	uint32_t priority;
};
struct oci_interface_priorities {
	struct oci_interface_priority *items;
	size_t count;
};
struct oci_network {
	struct oci_opt_u32 class_id;
	struct oci_interface_priorities priorities;
};

struct oci_rdma {
	char *key; /* the device, e.g. "mlx5_1" */
	struct oci_opt_u32 hca_handles, hca_objects;
};
struct oci_rdmas {
	struct oci_rdma *items;
	size_t count;
};

/* config-linux.md#control-groups */
struct oci_resources {
	struct oci_device_rules devices;
	struct oci_memory *memory;
	struct oci_cpu *cpu;
	struct oci_pids *pids;
	struct oci_block_io *block_io;
	struct oci_hugepage_limits hugepage_limits;
	struct oci_network *network;
	struct oci_rdmas rdma;
	struct oci_string_map unified;
};

/* config-linux.md#seccomp. The numbers are ours; isolate/seccomp/seccomp.c maps them to
 * libseccomp's. */
enum oci_seccomp_action {
	OCI_SECCOMP_KILL, /* = KILL_THREAD, kept apart so that encode gives back what was read */
	OCI_SECCOMP_KILL_PROCESS,
	OCI_SECCOMP_KILL_THREAD,
	OCI_SECCOMP_TRAP,
	OCI_SECCOMP_ERRNO,
	OCI_SECCOMP_TRACE,
	OCI_SECCOMP_ALLOW,
	OCI_SECCOMP_LOG,
	OCI_SECCOMP_NOTIFY,
};
enum oci_seccomp_operator {
	OCI_SECCOMP_NE,
	OCI_SECCOMP_LT,
	OCI_SECCOMP_LE,
	OCI_SECCOMP_EQ,
	OCI_SECCOMP_GE,
	OCI_SECCOMP_GT,
	OCI_SECCOMP_MASKED_EQ,
};
/* The flags of seccomp(2): TSYNC 1, LOG 2, SPEC_ALLOW 4, WAIT_KILLABLE_RECV 32. */
struct oci_seccomp_flags {
	bool set;
	uint32_t value;
};
/* An index into the architecture names of oci-spec/enums.c, in the order of the specification. */
struct oci_seccomp_archs {
	int *items;
	size_t count;
};
struct oci_seccomp_arg {
	uint32_t index; /* 0 to 5 */
	uint64_t value, value_two;
	enum oci_seccomp_operator op;
};
struct oci_seccomp_args {
	struct oci_seccomp_arg *items;
	size_t count;
};
struct oci_seccomp_rule {
	struct oci_strings names;
	enum oci_seccomp_action action;
	struct oci_opt_u32 errno_ret;
	struct oci_seccomp_args args;
};
struct oci_seccomp_rules {
	struct oci_seccomp_rule *items;
	size_t count;
};
struct oci_seccomp {
	enum oci_seccomp_action default_action;
	struct oci_opt_u32 default_errno_ret;
	struct oci_seccomp_archs architectures;
	struct oci_seccomp_flags flags;
	char *listener_path, *listener_metadata;
	struct oci_seccomp_rules syscalls;
};

/* config-linux.md#intelrdt */
struct oci_intel_rdt {
	char *clos_id;
	struct oci_strings schemata;
	char *l3_cache_schema, *mem_bw_schema;
	bool enable_monitoring;
};

/* config-linux.md#memory-policy: the kernel's MPOL_* mode and MPOL_F_* flags (set_mempolicy(2)). */
struct oci_memory_policy {
	int mode;
	char *nodes;
	uint32_t flags;
};

/* config-linux.md#personality: domain is the kernel's PER_LINUX or PER_LINUX32 (personality(2)). */
struct oci_personality {
	uint32_t domain;
	struct oci_strings flags;
};

/* config-linux.md#rootfs-mount-propagation: the kernel's MS_* flags (with MS_REC); 0: absent. */
struct oci_linux {
	struct oci_id_mappings uid_mappings, gid_mappings;
	struct oci_string_map sysctl;
	struct oci_resources *resources;
	char *cgroups_path;
	struct oci_namespaces namespaces;
	struct oci_devices devices;
	struct oci_net_devices net_devices;
	struct oci_seccomp *seccomp;
	unsigned long rootfs_propagation;
	struct oci_strings masked_paths, readonly_paths;
	char *mount_label;
	struct oci_intel_rdt *intel_rdt;
	struct oci_memory_policy *memory_policy;
	struct oci_personality *personality;
	struct oci_time_offsets time_offsets;
};

/* config.md. The blocks of other platforms (vm, windows, solaris, freebsd, zos) are accepted and
 * ignored: config.md#platform-specific-configuration. */
struct oci_config {
	char *oci_version;
	struct oci_root *root;
	struct oci_mounts mounts;
	struct oci_process *process;
	char *hostname, *domainname;
	struct oci_hooks *hooks;
	struct oci_string_map annotations;
	struct oci_linux *linux;
};

#endif
