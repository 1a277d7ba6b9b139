/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of oci_config_check(): what a rule sees and how it speaks. The table of all rules is in
 * check.c, the rules themselves in check-NOUN.c.
 *
 * A rule is a function that looks at the document in struct check and reports what is wrong. It
 * may rely on its object being there (see enum check_object) and on nothing else: a document can
 * come from C code and not from the decoder, so every string may be NULL. Rules are pure.
 */
#ifndef OCI_SPEC_CHECK_RULES_H
#define OCI_SPEC_CHECK_RULES_H

#include "oci-spec/oci-spec.h"

/* The object that a rule is about. A rule is not run when the document has no such object. */
enum check_object { CHECK_CONFIG, CHECK_LINUX, CHECK_PROCESS, CHECK_RESOURCES, CHECK_OBJECTS };

enum {
	CHECK_PATH_MAX = 1024,
	CHECK_MESSAGE_MAX = 1024,
	/* Bytes of a key in a path, of a value in a message; as the decoder's. */
	CHECK_KEY_MAX = 128,
	CHECK_VALUE_MAX = 60,
	/* Position is looked up by scanning the text, so a file full of faults gets only so many.
	 */
	CHECK_LOCATED_MAX = 100,
};

struct check {
	const struct oci_config *config; /* NULL when a process or resources are checked alone */
	const struct oci_linux *linux;	 /* NULL when absent */
	const struct oci_process *process;
	const struct oci_resources *resources;

	const char *text; /* NULL when there is none */
	size_t length;
	const struct oci_report *report;

	/* Of the rule that runs now. */
	const char *base;    /* path of its object: "process", "" for the document itself */
	const char *section; /* of the specification */

	char path[CHECK_PATH_MAX];		/* set by check_at() */
	char shown[2][6 * CHECK_VALUE_MAX + 8]; /* set by check_show() */
	size_t next_shown;
	size_t located, errors;
};

/*
 * Says which field the next check_error() or check_warning() is about, relative to the rule's
 * object ("args[0]"); "" is the object. Returns `check`, so that the two read as one.
 */
struct check *check_at(struct check *check, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The same for the member `key` of the map `field`, and for `member` of that when not NULL. */
struct check *check_at_key(struct check *check, const char *field, const char *key,
			   const char *member);

/* Reports a broken MUST of the specification, or of the kernel for a value it passes on. */
void check_error(struct check *check, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Reports what is accepted but cannot work as written. */
void check_warning(struct check *check, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Reports a broken SHOULD whose breaking changes nothing here. Engines break some in every
 * container, and what a runtime says at its making may stand in the log of the container.
 */
void check_advice(struct check *check, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * A string of the document made fit for a message: in quotation marks, escaped as in JSON, cut when
 * it is long. The text is overwritten by the second call from now.
 */
const char *check_show(struct check *check, const char *string);

/* Is the string absent, or empty, which engines written in Go do not tell apart? */
bool check_is_empty(const char *string);

/* Does the path have a component ".."? */
bool check_has_dotdot(const char *path);

/* Is this "0-3,7": numbers and ranges that do not run backwards, separated by commas? */
bool check_is_list(const char *string);

/* Would the kernel take this name for a network interface (dev_valid_name())? */
bool check_is_interface(const char *name);

/* The container's namespace of this type (a CLONE_NEW* flag), or NULL when it has none. */
const struct oci_namespace *check_find_namespace(const struct check *check, uint64_t type);

/*
 * The rules for a list of id mappings, which are the kernel's (user_namespaces(7)); `field` is its
 * path relative to the rule's object.
 */
void check_id_mappings(struct check *check, const char *field,
		       const struct oci_id_mappings *mappings);

typedef void check_fn(struct check *check);

/* check-config.c */
check_fn check_version, check_root, check_hostname, check_domainname, check_annotations;
check_fn check_mount_paths, check_mount_types, check_mount_idmaps, check_hooks;

/* check-process.c */
check_fn check_process, check_terminal, check_user, check_args, check_env, check_cwd;
check_fn check_capabilities, check_rlimits, check_oom_score, check_scheduler, check_io_priority;
check_fn check_cpu_affinity, check_process_labels;

/* check-linux.c */
check_fn check_namespaces, check_mount_namespace, check_user_namespace, check_time_offsets;
check_fn check_cgroups_path, check_sysctl, check_masked_paths, check_readonly_paths;
check_fn check_mount_label, check_intel_rdt, check_memory_policy, check_personality;

/* check-devices.c */
check_fn check_devices, check_device_duplicates, check_net_devices;

/* check-resources.c */
check_fn check_device_rules, check_memory, check_swap, check_cpu, check_pids, check_block_io;
check_fn check_hugepages, check_network, check_rdma, check_unified;

/* check-seccomp.c */
check_fn check_seccomp_default, check_seccomp_rules, check_seccomp_notify;

#endif
