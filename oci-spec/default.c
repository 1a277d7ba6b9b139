/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "oci-spec/decode.h"

/*
 * What is written here as tables is copied into the document's memory, so that it is like any that
 * was decoded. A failed allocation is noted and asked for once, at the end.
 */
struct builder {
	struct oci_arena *arena;
	bool failed;
};

static const char *const process_args[] = {"sh", NULL};

static const char *const process_env[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"TERM=xterm",
	NULL,
};

static const char *const capability_names[] = {
	"CAP_AUDIT_WRITE",
	"CAP_KILL",
	"CAP_NET_BIND_SERVICE",
	NULL,
};

static const char *const masked_paths[] = {
	"/proc/acpi",
	"/proc/asound",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/proc/sched_debug",
	"/sys/firmware",
	"/proc/scsi",
	NULL,
};

static const char *const readonly_paths[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL,
};

enum { OPTIONS_MAX = 6 };

struct mount {
	const char *destination, *type, *source;
	const char *options[OPTIONS_MAX + 1];
};

static const struct mount mounts[] = {
	{"/proc", "proc", "proc", {NULL}},
	{"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}},
	{"/dev/pts",
	 "devpts",
	 "devpts",
	 {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
	{"/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
	{"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}},
	{"/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}},
	{"/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"}},
};
enum { MOUNTS = sizeof(mounts) / sizeof(mounts[0]) };

/*
 * For the unprivileged: sysfs can only be mounted by who owns the network namespace, and group 5
 * is not mapped.
 */
static const struct mount rootless_sys = {
	"/sys", "none", "/sys", {"rbind", "nosuid", "noexec", "nodev", "ro"}};
static const struct mount rootless_pts = {
	"/dev/pts",
	"devpts",
	"devpts",
	{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}};

static const uint64_t namespaces[] = {
	CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWNS, CLONE_NEWCGROUP,
};
static const uint64_t rootless_namespaces[] = {
	CLONE_NEWPID, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUSER,
};
enum { NAMESPACES = sizeof(namespaces) / sizeof(namespaces[0]) };
_Static_assert(sizeof(namespaces) == sizeof(rootless_namespaces), "one for one");

/* Memory for what is always written, so that a failure need not be looked at before the end. */
static void *build(struct builder *builder, size_t count, size_t size)
{
	void *memory = oci_arena_alloc(builder->arena, count * size);

	if (!memory)
		builder->failed = true;
	return memory;
}

static char *build_string(struct builder *builder, const char *string)
{
	char *copy = oci_arena_strndup(builder->arena, string, strlen(string));

	if (!copy)
		builder->failed = true;
	return copy;
}

/* A list without entries is left out, as it is no different from none. */
static void build_strings(struct builder *builder, const char *const *strings,
			  struct oci_strings *ret_strings)
{
	size_t count = 0;

	while (strings[count])
		count++;
	if (count == 0)
		return;
	ret_strings->items = build(builder, count, sizeof(*ret_strings->items));
	if (!ret_strings->items)
		return;
	for (size_t i = 0; i < count; i++)
		ret_strings->items[i] = build_string(builder, strings[i]);
	ret_strings->count = count;
}

static void build_process(struct builder *builder, struct oci_process *process)
{
	struct oci_capabilities *capabilities = build(builder, 1, sizeof(*capabilities));
	struct oci_rlimit *rlimit = build(builder, 1, sizeof(*rlimit));

	if (builder->failed)
		return;
	process->terminal = true;
	process->no_new_privileges = true;
	process->cwd = build_string(builder, "/");
	build_strings(builder, process_args, &process->args);
	build_strings(builder, process_env, &process->env);

	build_strings(builder, capability_names, &capabilities->bounding);
	build_strings(builder, capability_names, &capabilities->effective);
	build_strings(builder, capability_names, &capabilities->permitted);
	process->capabilities = capabilities;

	*rlimit = (struct oci_rlimit){.type = RLIMIT_NOFILE, .hard = 1024, .soft = 1024};
	process->rlimits = (struct oci_rlimits){.items = rlimit, .count = 1};
}

static void build_mount(struct builder *builder, const struct mount *from, struct oci_mount *mount)
{
	mount->destination = build_string(builder, from->destination);
	mount->type = build_string(builder, from->type);
	mount->source = build_string(builder, from->source);
	build_strings(builder, from->options, &mount->options);
}

static void build_mounts(struct builder *builder, bool rootless, struct oci_mounts *ret_mounts)
{
	struct oci_mount *items = build(builder, MOUNTS, sizeof(*items));

	if (!items)
		return;
	for (size_t i = 0; i < MOUNTS; i++) {
		const struct mount *mount = &mounts[i];

		if (rootless && strcmp(mount->destination, rootless_sys.destination) == 0)
			mount = &rootless_sys;
		if (rootless && strcmp(mount->destination, rootless_pts.destination) == 0)
			mount = &rootless_pts;
		build_mount(builder, mount, &items[i]);
	}
	*ret_mounts = (struct oci_mounts){.items = items, .count = MOUNTS};
}

/* One id: root inside. */
static void build_mapping(struct builder *builder, uint32_t host_id,
			  struct oci_id_mappings *ret_mappings)
{
	struct oci_id_mapping *mapping = build(builder, 1, sizeof(*mapping));

	if (!mapping)
		return;
	*mapping = (struct oci_id_mapping){.container_id = 0, .host_id = host_id, .size = 1};
	*ret_mappings = (struct oci_id_mappings){.items = mapping, .count = 1};
}

/* No device but the default ones. */
static void build_resources(struct builder *builder, struct oci_linux *linux)
{
	struct oci_resources *resources = build(builder, 1, sizeof(*resources));
	struct oci_device_rule *rule = build(builder, 1, sizeof(*rule));

	if (!resources || !rule)
		return;
	rule->allow = false;
	rule->type = 'a';
	rule->access = build_string(builder, "rwm");
	resources->devices = (struct oci_device_rules){.items = rule, .count = 1};
	linux->resources = resources;
}

static void build_linux(struct builder *builder, bool rootless, struct oci_linux *linux)
{
	const uint64_t *types = rootless ? rootless_namespaces : namespaces;
	struct oci_namespace *items = build(builder, NAMESPACES, sizeof(*items));

	if (!items)
		return;
	for (size_t i = 0; i < NAMESPACES; i++)
		items[i].type = types[i];
	linux->namespaces = (struct oci_namespaces){.items = items, .count = NAMESPACES};
	build_strings(builder, masked_paths, &linux->masked_paths);
	build_strings(builder, readonly_paths, &linux->readonly_paths);
}

static void build_config(struct builder *builder, bool rootless, struct oci_config *config)
{
	struct oci_root *root = build(builder, 1, sizeof(*root));
	struct oci_process *process = build(builder, 1, sizeof(*process));
	struct oci_linux *linux = build(builder, 1, sizeof(*linux));

	if (builder->failed)
		return;
	config->oci_version = build_string(builder, OCI_SPEC_VERSION);
	config->hostname = build_string(builder, "knarr");
	root->path = build_string(builder, "rootfs");
	root->readonly = true;
	config->root = root;
	build_process(builder, process);
	config->process = process;
	build_mounts(builder, rootless, &config->mounts);
	build_linux(builder, rootless, linux);
	config->linux = linux;
}

int oci_config_default(const uint32_t *rootless_uid, const uint32_t *rootless_gid,
		       struct oci_document **ret_document)
{
	bool rootless = rootless_uid && rootless_gid;
	struct oci_document *document = calloc(1, sizeof(*document));
	struct builder builder = {0};
	struct oci_config *config;

	if (!document)
		return -ENOMEM;
	builder.arena = &document->arena;
	config = build(&builder, 1, sizeof(*config));
	if (config)
		build_config(&builder, rootless, config);
	if (!builder.failed && rootless) {
		build_mapping(&builder, *rootless_uid, &config->linux->uid_mappings);
		build_mapping(&builder, *rootless_gid, &config->linux->gid_mappings);
	} else if (!builder.failed) {
		build_resources(&builder, config->linux);
	}
	if (builder.failed) {
		oci_document_free(document);
		return -ENOMEM;
	}
	document->kind = &oci_config_object;
	document->root = config;
	*ret_document = document;
	return 0;
}
