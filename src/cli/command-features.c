/* SPDX-License-Identifier: Apache-2.0 */
/*
 * features: what this build can do on this kernel, in the form of the specification's features.md.
 * The lists come from the very tables that the decoder and the planners use.
 */
#include <errno.h>
#include <sys/vfs.h>

#include "base/fd.h"
#include "cgroup/cgroup.h"
#include "cli/cli.h"
#include "isolate/capabilities.h"
#include "isolate/lsm.h"
#include "isolate/mounts/options.h"
#include "isolate/seccomp/seccomp.h"
#include "oci-spec/annotations.h"
#include "oci-spec/oci-spec.h"
#include "version.h"

struct options_features {
	struct command_common common;
};

static const struct option features_options[] = {
	OPTION_HELP,
};

/* A JSON writer that knows where a comma belongs. */
struct features {
	struct text text;
	int depth;
	bool first;
};

static void features_indent(struct features *features)
{
	text_append(&features->text, features->first ? "\n" : ",\n");
	for (int i = 0; i < features->depth; i++)
		text_append(&features->text, "\t");
	features->first = false;
}

static void features_open(struct features *features, const char *name, const char *bracket)
{
	if (name) {
		features_indent(features);
		text_append_json(&features->text, name);
		text_append(&features->text, ": ");
	}
	text_append(&features->text, bracket);
	features->depth++;
	features->first = true;
}

static void features_close(struct features *features, const char *bracket)
{
	bool empty = features->first;

	features->depth--;
	features->first = true;
	if (!empty)
		features_indent(features);
	text_append(&features->text, bracket);
	features->first = false;
}

static void features_text(struct features *features, const char *name, const char *value)
{
	features_indent(features);
	if (name) {
		text_append_json(&features->text, name);
		text_append(&features->text, ": ");
	}
	text_append_json(&features->text, value);
}

static void features_bool(struct features *features, const char *name, bool value)
{
	features_indent(features);
	text_append_json(&features->text, name);
	text_append(&features->text, value ? ": true" : ": false");
}

static void features_names(struct features *features, const char *name, const char *const *names)
{
	features_open(features, name, "[");
	for (size_t i = 0; names[i]; i++)
		features_text(features, NULL, names[i]);
	features_close(features, "]");
}

static void features_enum(struct features *features, const char *name, const struct oci_enum *names)
{
	features_open(features, name, "[");
	for (size_t i = 0; names[i].name; i++)
		features_text(features, NULL, names[i].name);
	features_close(features, "]");
}

/* An object with the one member "enabled". */
static void features_enabled(struct features *features, const char *name, bool enabled)
{
	features_open(features, name, "{");
	features_bool(features, "enabled", enabled);
	features_close(features, "}");
}

static void features_seccomp(struct features *features)
{
	uint32_t supported = seccomp_supported_flags();

	features_open(features, "seccomp", "{");
	features_bool(features, "enabled", true);
	features_enum(features, "actions", oci_seccomp_actions);
	features_enum(features, "operators", oci_seccomp_operators);
	features_open(features, "archs", "[");
	for (size_t i = 0; oci_seccomp_architectures[i].name; i++)
		if (seccomp_knows_architecture((int)oci_seccomp_architectures[i].value))
			features_text(features, NULL, oci_seccomp_architectures[i].name);
	features_close(features, "]");
	features_enum(features, "knownFlags", oci_seccomp_flag_names);
	features_open(features, "supportedFlags", "[");
	for (size_t i = 0; oci_seccomp_flag_names[i].name; i++)
		if (supported & oci_seccomp_flag_names[i].value)
			features_text(features, NULL, oci_seccomp_flag_names[i].name);
	features_close(features, "]");
	features_close(features, "}");
}

static void features_linux(struct features *features)
{
	features_open(features, "linux", "{");
	features_enum(features, "namespaces", oci_namespace_types);
	features_names(features, "capabilities", oci_capability_names);
	features_open(features, "cgroup", "{");
	features_bool(features, "v1", true);
	features_bool(features, "v2", true);
	features_bool(features, "systemd", cgroup_systemd_is_available());
	features_bool(features, "systemdUser", cgroup_systemd_is_available());
	features_bool(features, "rdma", true);
	features_close(features, "}");
	features_seccomp(features);
	features_enabled(features, "apparmor", true);
	features_enabled(features, "selinux", true);
	features_open(features, "intelRdt", "{");
	features_bool(features, "enabled", true);
	features_bool(features, "schemata", true);
	features_bool(features, "monitoring", true);
	features_close(features, "}");
	features_open(features, "memoryPolicy", "{");
	features_enum(features, "modes", oci_memory_policy_modes);
	features_enum(features, "flags", oci_memory_policy_flags);
	features_close(features, "}");
	features_open(features, "mountExtensions", "{");
	features_enabled(features, "idmap", true);
	features_close(features, "}");
	features_enabled(features, "netDevices", true);
	features_close(features, "}");
}

static void features_annotations(struct features *features)
{
	char version[32];

	seccomp_library_version(version, sizeof(version));
	features_open(features, "annotations", "{");
	features_text(features, "io.github.seccomp.libseccomp.version", version);
	features_text(features, "org.opencontainers.runc.checkpoint.enabled", "true");
	features_text(features, "run.oci.knarr.commit", KNARR_COMMIT);
	features_text(features, "run.oci.knarr.version", KNARR_VERSION);
	features_close(features, "}");
}

/* Not in the hands of whoever may merely label a container. */
static void features_unsafe(struct features *features)
{
	features_open(features, "potentiallyUnsafeConfigAnnotations", "[");
	for (const struct oci_annotation *known = oci_annotations; known->key; known++)
		if (known->support == OCI_ANNOTATION_WORKS)
			features_text(features, NULL, known->key);
	features_close(features, "]");
}

static int features_run(const struct cli *cli, int *ret_status, struct error *err)
{
	struct features features = {.first = true};
	int r;

	(void)cli;
	(void)ret_status;
	features_open(&features, NULL, "{");
	features_text(&features, "ociVersionMin", "1.0.0");
	features_text(&features, "ociVersionMax", OCI_SPEC_VERSION);
	features_names(&features, "hooks", oci_hook_kinds);
	features_names(&features, "mountOptions", mount_options_names());
	features_linux(&features);
	features_annotations(&features);
	features_unsafe(&features);
	features_close(&features, "}");
	text_append(&features.text, "\n");
	r = cli_print(&features.text, err);
	text_clear(&features.text);
	return r;
}

const struct command command_features = {
	.name = "features",
	.arguments = "",
	.summary = "tell as JSON what this build can do on this kernel",
	.options = {features_options, array_size(features_options)},
	.options_size = sizeof(struct options_features),
	.run = features_run,
};
