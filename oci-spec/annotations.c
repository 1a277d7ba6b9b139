/* SPDX-License-Identifier: Apache-2.0 */
#include "oci-spec/annotations.h"

#include <string.h>

/* mount(8), of SELinux. */
static const char *const context_types[] = {"context", "fscontext", "defcontext", "rootcontext",
					    NULL};

/*
 * Refused is what would have somebody else watch over the container (a virtual machine, a plugin
 * that answers for system calls) and so must not be missing in silence.
 */
const struct oci_annotation oci_annotations[] = {
	{.key = "krun.", .support = OCI_ANNOTATION_IGNORED},
	{.key = "module.wasm.image/variant", .support = OCI_ANNOTATION_IGNORED},
	{.key = "org.criu.config"},
	{.key = "org.systemd.property."},
	{.key = "run.oci.delegate-cgroup", .support = OCI_ANNOTATION_IGNORED},
	{.key = "run.oci.handler", .support = OCI_ANNOTATION_REFUSED},
	{.key = "run.oci.hooks.stderr", .path = true},
	{.key = "run.oci.hooks.stdout", .path = true},
	{.key = "run.oci.keep_original_groups"},
	{.key = "run.oci.mount_context_type", .words = context_types},
	{.key = "run.oci.pidfd_receiver", .path = true},
	{.key = "run.oci.seccomp.plugins", .support = OCI_ANNOTATION_REFUSED},
	{.key = "run.oci.seccomp.receiver", .path = true},
	{.key = "run.oci.seccomp_bpf_data"},
	{.key = "run.oci.seccomp_fail_unknown_syscall"},
	{.key = "run.oci.systemd.force_cgroup_v1", .support = OCI_ANNOTATION_IGNORED},
	{.key = "run.oci.systemd.subgroup"},
	{.key = NULL},
};

const struct oci_annotation *oci_annotation_find(const char *key)
{
	for (const struct oci_annotation *known = oci_annotations; known->key; known++) {
		size_t length = strlen(known->key);

		if (known->key[length - 1] == '.' ? strncmp(key, known->key, length) == 0
						  : strcmp(key, known->key) == 0)
			return known;
	}
	return NULL;
}

const char *oci_annotation_value(const struct oci_string_map *annotations, const char *key)
{
	for (size_t i = 0; i < annotations->count; i++)
		if (strcmp(annotations->items[i].key, key) == 0)
			return annotations->items[i].value;
	return NULL;
}
