/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "oci-spec/check-rules.h"

/*
 * All rules, in the order of the specification. The section is the one that a person is sent to;
 * a MUST there is an error, a SHOULD a warning. Values that the specification passes on to the
 * kernel are held to the kernel's rules, as config.md#valid-values asks for an error for them.
 */
static const struct rule {
	enum check_object object;
	const char *section;
	check_fn *check;
} rules[] = {
	{CHECK_CONFIG, "config.md#specification-version", check_version},
	{CHECK_CONFIG, "config.md#root", check_root},
	{CHECK_CONFIG, "config.md#mounts", check_mount_paths},
	{CHECK_CONFIG, "config.md#posix-platform-mounts", check_mount_types},
	{CHECK_CONFIG, "config.md#posix-platform-mounts", check_mount_idmaps},
	{CHECK_CONFIG, "config.md#process", check_process},
	{CHECK_CONFIG, "config.md#hostname", check_hostname},
	{CHECK_CONFIG, "config.md#domainname", check_domainname},
	{CHECK_CONFIG, "config.md#posix-platform-hooks", check_hooks},
	{CHECK_CONFIG, "config.md#annotations", check_annotations},

	{CHECK_PROCESS, "config.md#process", check_terminal},
	{CHECK_PROCESS, "config.md#process", check_cwd},
	{CHECK_PROCESS, "config.md#process", check_env},
	{CHECK_PROCESS, "config.md#process", check_args},
	{CHECK_PROCESS, "config.md#posix-process", check_rlimits},
	{CHECK_PROCESS, "config.md#linux-process", check_process_labels},
	{CHECK_PROCESS, "config.md#linux-process", check_capabilities},
	{CHECK_PROCESS, "config.md#linux-process", check_oom_score},
	{CHECK_PROCESS, "config.md#linux-process", check_scheduler},
	{CHECK_PROCESS, "config.md#linux-process", check_io_priority},
	{CHECK_PROCESS, "config.md#linux-process", check_cpu_affinity},
	{CHECK_PROCESS, "config.md#posix-platform-user", check_user},

	{CHECK_LINUX, "config-linux.md#namespaces", check_namespaces},
	{CHECK_LINUX, "config-linux.md#namespaces", check_mount_namespace},
	{CHECK_LINUX, "config-linux.md#user-namespace-mappings", check_user_namespace},
	{CHECK_LINUX, "config-linux.md#offset-for-time-namespace", check_time_offsets},
	{CHECK_LINUX, "config-linux.md#devices", check_devices},
	{CHECK_LINUX, "config-linux.md#devices", check_device_duplicates},
	{CHECK_LINUX, "config-linux.md#network-devices", check_net_devices},
	{CHECK_LINUX, "config-linux.md#cgroups-path", check_cgroups_path},

	{CHECK_RESOURCES, "config-linux.md#allowed-device-list", check_device_rules},
	{CHECK_RESOURCES, "config-linux.md#memory", check_memory},
	{CHECK_RESOURCES, "config-linux.md#memory", check_swap},
	{CHECK_RESOURCES, "config-linux.md#cpu", check_cpu},
	{CHECK_RESOURCES, "config-linux.md#block-io", check_block_io},
	{CHECK_RESOURCES, "config-linux.md#huge-page-limits", check_hugepages},
	{CHECK_RESOURCES, "config-linux.md#network", check_network},
	{CHECK_RESOURCES, "config-linux.md#pids", check_pids},
	{CHECK_RESOURCES, "config-linux.md#rdma", check_rdma},
	{CHECK_RESOURCES, "config-linux.md#unified", check_unified},

	{CHECK_LINUX, "config-linux.md#intelrdt", check_intel_rdt},
	{CHECK_LINUX, "config-linux.md#memory-policy", check_memory_policy},
	{CHECK_LINUX, "config-linux.md#sysctl", check_sysctl},
	{CHECK_LINUX, "config-linux.md#seccomp", check_seccomp_default},
	{CHECK_LINUX, "config-linux.md#seccomp", check_seccomp_rules},
	{CHECK_LINUX, "config-linux.md#seccomp", check_seccomp_notify},
	{CHECK_LINUX, "config-linux.md#masked-paths", check_masked_paths},
	{CHECK_LINUX, "config-linux.md#readonly-paths", check_readonly_paths},
	{CHECK_LINUX, "config-linux.md#mount-label", check_mount_label},
	{CHECK_LINUX, "config-linux.md#personality", check_personality},
};

/* `bases` has the path of each kind of object in this document, NULL for one it does not have. */
static size_t check_run(struct check *check, const char *const bases[CHECK_OBJECTS])
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (!bases[rules[i].object])
			continue;
		check->base = bases[rules[i].object];
		check->section = rules[i].section;
		rules[i].check(check);
	}
	return check->errors;
}

size_t oci_config_check(const struct oci_config *config, const char *text, size_t length,
			const struct oci_report *report)
{
	struct check check = {
		.config = config,
		.linux = config->linux,
		.process = config->process,
		.resources = config->linux ? config->linux->resources : NULL,
		.text = text,
		.length = length,
		.report = report,
	};
	const char *const bases[CHECK_OBJECTS] = {
		[CHECK_CONFIG] = "",
		[CHECK_LINUX] = check.linux ? "linux" : NULL,
		[CHECK_PROCESS] = check.process ? "process" : NULL,
		[CHECK_RESOURCES] = check.resources ? "linux.resources" : NULL,
	};

	return check_run(&check, bases);
}

size_t oci_process_check(const struct oci_process *process, const char *text, size_t length,
			 const struct oci_report *report)
{
	struct check check = {
		.process = process,
		.text = text,
		.length = length,
		.report = report,
	};
	const char *const bases[CHECK_OBJECTS] = {[CHECK_PROCESS] = ""};

	return check_run(&check, bases);
}

size_t oci_resources_check(const struct oci_resources *resources, const char *text, size_t length,
			   const struct oci_report *report)
{
	struct check check = {
		.resources = resources,
		.text = text,
		.length = length,
		.report = report,
	};
	const char *const bases[CHECK_OBJECTS] = {[CHECK_RESOURCES] = ""};

	return check_run(&check, bases);
}

struct check *check_at(struct check *check, const char *format, ...)
{
	size_t used = strlen(check->base);
	va_list args;

	memcpy(check->path, check->base, used);
	if (used && format[0])
		check->path[used++] = '.';
	va_start(args, format);
	vsnprintf(check->path + used, sizeof(check->path) - used, format, args);
	va_end(args);
	return check;
}

__attribute__((format(printf, 3, 0))) static void check_report(struct check *check,
							       enum oci_severity severity,
							       const char *format, va_list args)
{
	char message[CHECK_MESSAGE_MAX];
	struct oci_problem problem = {
		.severity = severity,
		.path = check->path,
		.message = message,
		.section = check->section,
	};

	vsnprintf(message, sizeof(message), format, args);
	if (severity == OCI_ERROR)
		check->errors++;
	if (!check->report || !check->report->problem)
		return;
	if (check->text && check->located < CHECK_LOCATED_MAX) {
		check->located++;
		if (oci_locate(check->text, check->length, check->path, &problem.line,
			       &problem.column) < 0)
			problem.line = problem.column = 0;
	}
	check->report->problem(check->report->data, &problem);
}

void check_error(struct check *check, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	check_report(check, OCI_ERROR, format, args);
	va_end(args);
}

void check_warning(struct check *check, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	check_report(check, OCI_WARNING, format, args);
	va_end(args);
}

void check_advice(struct check *check, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	check_report(check, OCI_ADVICE, format, args);
	va_end(args);
}
