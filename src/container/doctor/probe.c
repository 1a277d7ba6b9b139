/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/mountinfo.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "cgroup/host.h"
#include "container/doctor/probe.h"
#include "isolate/lsm.h"
#include "kernel/program.h"
#include "kernel/syscalls.h"

#define PROBE_FILE_MAX (1u << 20)
/* criu check tries everything that the kernel has. */
#define PROBE_CRIU_MS 30000

/* A number in a file of /proc/sys; DOCTOR_NO_SYSCTL when there is none. */
static int64_t probe_sysctl(const char *path)
{
	char text[32];
	int64_t value;

	if (io_read_small(AT_FDCWD, path, text, sizeof(text)) < 0 ||
	    text_parse_i64(text, &value) < 0)
		return DOCTOR_NO_SYSCTL;
	return value;
}

/* The value of a line "NAME:\tVALUE" of /proc/self/status in base 16; 0 without one. */
static uint64_t probe_status(const char *status, const char *name)
{
	const char *at = strstr(status, name);

	return at ? strtoull(at + strlen(name), NULL, 16) : 0;
}

/* No mount of this namespace is at "/" when the root directory is not one. */
static bool probe_chrooted(void)
{
	auto_free char *text = NULL;
	struct mountinfo mount;

	if (io_read_file(AT_FDCWD, "/proc/self/mountinfo", 0, MOUNTINFO_MAX, &text, NULL) < 0)
		return false;
	for (char *rest = text; mountinfo_next(&rest, &mount);)
		if (strcmp(mount.point, "/") == 0)
			return false;
	return true;
}

/* The login name. Not by getpwuid(3), which a static program cannot rely on. */
static void probe_user(struct doctor_facts *facts)
{
	const char *name = getenv("LOGNAME");
	auto_free char *text = NULL;

	(void)snprintf(facts->user, sizeof(facts->user), "%u", facts->uid);
	if (io_read_file(AT_FDCWD, "/etc/passwd", 0, 64u << 20, &text, NULL) < 0 ||
	    !doctor_find_user(text, facts->uid, facts->user, sizeof(facts->user)))
		if (name && name[0])
			(void)snprintf(facts->user, sizeof(facts->user), "%s", name);
}

static int probe_caller(struct doctor_facts *facts, struct error *err)
{
	auto_free char *status = NULL;
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char path[64];
	int r;

	r = io_read_file(AT_FDCWD, "/proc/self/status", 0, PROBE_FILE_MAX, &status, NULL);
	if (r < 0) {
		error_errno(err, -r, "read /proc/self/status");
		return error_hint(err, "mount a procfs at /proc");
	}
	facts->uid = geteuid();
	probe_user(facts);
	facts->rootless = cgroup_host_is_rootless();
	facts->capabilities = probe_status(status, "\nCapEff:");
	facts->no_new_privileges = probe_status(status, "\nNoNewPrivs:") != 0;
	facts->chrooted = probe_chrooted();
	(void)snprintf(path, sizeof(path), "/run/user/%u", facts->uid);
	facts->runtime_directory =
		facts->uid == 0 || access(runtime && runtime[0] == '/' ? runtime : path, W_OK) == 0;
	return 0;
}

static void probe_namespaces(struct doctor_facts *facts)
{
	static const struct {
		const char *path;
		uint64_t flag;
	} namespaces[] = {
		{"/proc/self/ns/mnt", CLONE_NEWNS},	   {"/proc/self/ns/pid", CLONE_NEWPID},
		{"/proc/self/ns/net", CLONE_NEWNET},	   {"/proc/self/ns/ipc", CLONE_NEWIPC},
		{"/proc/self/ns/uts", CLONE_NEWUTS},	   {"/proc/self/ns/user", CLONE_NEWUSER},
		{"/proc/self/ns/cgroup", CLONE_NEWCGROUP}, {"/proc/self/ns/time", CLONE_NEWTIME},
	};

	for (size_t i = 0; i < array_size(namespaces); i++)
		if (faccessat(AT_FDCWD, namespaces[i].path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			facts->namespaces |= namespaces[i].flag;
}

static void probe_kernel(struct doctor_facts *facts)
{
	auto_free char *os_release = NULL;
	struct utsname names;

	if (uname(&names) == 0) {
		(void)snprintf(facts->release, sizeof(facts->release), "%s", names.release);
		facts->major = doctor_parse_version(names.release) / 10000;
		facts->minor = doctor_parse_version(names.release) / 100 % 100;
	}
	doctor_probe_calls(facts);
	probe_namespaces(facts);
	facts->memfd_noexec = probe_sysctl("/proc/sys/vm/memfd_noexec");
	if (io_read_file(AT_FDCWD, "/etc/os-release", 0, PROBE_FILE_MAX, &os_release, NULL) == 0)
		facts->family = doctor_family_of(os_release);
}

static enum doctor_tool probe_tool(const char *name)
{
	char path[64], capability[64];
	struct stat st;

	if (program_find(name, path, sizeof(path)) < 0 || stat(path, &st) < 0)
		return DOCTOR_TOOL_ABSENT;
	if (st.st_mode & S_ISUID ||
	    getxattr(path, "security.capability", capability, sizeof(capability)) > 0)
		return DOCTOR_TOOL_READY;
	return DOCTOR_TOOL_POWERLESS;
}

static uint64_t probe_subids(const char *path, const struct doctor_facts *facts)
{
	auto_free char *text = NULL;

	if (io_read_file(AT_FDCWD, path, 0, PROBE_FILE_MAX, &text, NULL) < 0)
		return 0;
	return doctor_count_subids(text, facts->user, facts->uid);
}

static void probe_rootless(struct doctor_facts *facts)
{
	facts->max_user_namespaces = probe_sysctl("/proc/sys/user/max_user_namespaces");
	facts->userns_clone = probe_sysctl("/proc/sys/kernel/unprivileged_userns_clone");
	facts->apparmor_userns =
		probe_sysctl("/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
	doctor_probe_user_namespaces(facts);
	facts->newuidmap = probe_tool("newuidmap");
	facts->newgidmap = probe_tool("newgidmap");
	facts->subuids = probe_subids("/etc/subuid", facts);
	facts->subgids = probe_subids("/etc/subgid", facts);
}

/* Controllers by name, in a list with that separator. */
static uint32_t probe_controller_list(const char *list, const char *separators)
{
	uint32_t found = 0;

	while (*list) {
		size_t n;

		list += strspn(list, separators);
		n = strcspn(list, separators);
		for (unsigned int i = 0; i < DOCTOR_CONTROLLER_COUNT; i++) {
			const char *name = doctor_controller_names[i];

			if (n == strlen(name) && memcmp(list, name, n) == 0)
				found |= 1u << i;
		}
		if (n == 5 && memcmp(list, "blkio", n) == 0)
			found |= 1u << DOCTOR_IO;
		list += n;
	}
	return found;
}

static uint32_t probe_controllers_of(const char *directory)
{
	char path[PATH_MAX], list[256];

	(void)snprintf(path, sizeof(path), "%s/cgroup.controllers", directory);
	if (io_read_small(AT_FDCWD, path, list, sizeof(list)) < 0)
		return 0;
	return probe_controller_list(list, " \n");
}

/* Where a user's cgroups may be made: below the user manager's, or beside the caller's own. */
static void probe_unified_user(const struct cgroup_host *host, struct doctor_facts *facts)
{
	char manager[128], own[PATH_MAX], *slash;
	const char *candidates[] = {manager, own};

	(void)snprintf(manager, sizeof(manager),
		       "/sys/fs/cgroup/user.slice/user-%u.slice/user@%u.service", facts->uid,
		       facts->uid);
	if (snprintf(own, sizeof(own), "/sys/fs/cgroup%s", host->hierarchies[0].own_path) >=
	    (int)sizeof(own))
		own[0] = '\0';
	slash = strrchr(own, '/');
	if (slash && strcmp(host->hierarchies[0].own_path, "/") != 0)
		*slash = '\0';
	for (size_t i = 0; i < array_size(candidates) && !facts->delegated; i++) {
		if (access(candidates[i], W_OK) < 0)
			continue;
		facts->delegated = true;
		facts->usable = probe_controllers_of(candidates[i]);
	}
}

static void probe_legacy(const struct cgroup_host *host, struct doctor_facts *facts)
{
	char path[PATH_MAX];

	facts->cgroups = DOCTOR_CGROUPS_V1;
	for (size_t i = 0; i < host->count; i++) {
		const struct cgroup_hierarchy *hierarchy = &host->hierarchies[i];
		uint32_t found;

		if (*hierarchy->controllers == '\0') {
			facts->cgroups = DOCTOR_CGROUPS_HYBRID;
			found = probe_controllers_of(hierarchy->mount_point);
		} else {
			found = probe_controller_list(hierarchy->controllers, ",");
		}
		facts->controllers |= found;
		if (snprintf(path, sizeof(path), "%s%s", hierarchy->mount_point,
			     hierarchy->own_path) < (int)sizeof(path) &&
		    access(path, W_OK) == 0) {
			facts->delegated |= found != 0;
			facts->usable |= found;
		}
	}
	if (facts->controllers == 0 && facts->cgroups == DOCTOR_CGROUPS_V1)
		facts->cgroups = DOCTOR_CGROUPS_NONE;
}

static void probe_cgroups(struct doctor_facts *facts)
{
	struct error err = ERROR_INIT;
	struct cgroup_host host;

	if (cgroup_host_detect(&host, &err) < 0)
		return;
	if (host.mode == CGROUP_MODE_LEGACY) {
		probe_legacy(&host, facts);
	} else {
		facts->cgroups = DOCTOR_CGROUPS_V2;
		facts->controllers = probe_controllers_of(host.hierarchies[0].mount_point);
		if (facts->rootless) {
			probe_unified_user(&host, facts);
		} else {
			facts->usable = facts->controllers;
			facts->delegated = access(host.hierarchies[0].mount_point, W_OK) == 0;
		}
	}
	cgroup_host_clear(&host);
}

static void probe_features(struct doctor_facts *facts)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char actions[256], enforce[8], path[PATH_MAX];

	if (io_read_small(AT_FDCWD, "/proc/sys/kernel/seccomp/actions_avail", actions,
			  sizeof(actions)) >= 0) {
		facts->seccomp = true;
		facts->seccomp_notify = strstr(actions, "user_notif") != NULL;
	}
	facts->apparmor = lsm_apparmor_enabled();
	facts->selinux = lsm_selinux_enabled();
	facts->selinux_enforcing =
		facts->selinux &&
		io_read_small(AT_FDCWD, "/sys/fs/selinux/enforce", enforce, sizeof(enforce)) > 0 &&
		enforce[0] == '1';
	facts->systemd = access("/run/systemd/system", F_OK) == 0;
	if (!facts->rootless) {
		facts->systemd_bus = access("/run/dbus/system_bus_socket", W_OK) == 0 ||
				     access("/run/systemd/private", W_OK) == 0;
	} else if (runtime && snprintf(path, sizeof(path), "%s/bus", runtime) < (int)sizeof(path)) {
		facts->systemd_bus = access(path, W_OK) == 0;
	}
	/* The file is there with CONFIG_CHECKPOINT_RESTORE only. */
	facts->checkpoint_kernel = access("/proc/sys/kernel/ns_last_pid", F_OK) == 0;
}

/* The last line that says something. */
static void probe_last_line(const char *text, char *out, size_t size)
{
	size_t end = strlen(text), begin;

	while (end > 0 && (unsigned char)text[end - 1] <= ' ')
		end--;
	for (begin = end; begin > 0 && text[begin - 1] != '\n'; begin--)
		;
	(void)snprintf(out, size, "%.*s", (int)(end - begin), text + begin);
}

static void probe_criu(struct doctor_facts *facts)
{
	char *version[] = {(char *)(uintptr_t) "criu", (char *)(uintptr_t) "--version", NULL};
	char *check[] = {(char *)(uintptr_t) "criu", (char *)(uintptr_t) "check", NULL};
	auto_program_result struct program_result said = {0}, checked = {0};
	struct program program = {.name = "criu",
				  .path = facts->criu,
				  .arguments = version,
				  .output = PROGRAM_CAPTURE,
				  .errors = PROGRAM_CAPTURE};
	struct error err = ERROR_INIT;
	char path[64];

	facts->criu_status = -1;
	facts->iptables = program_find("iptables-restore", path, sizeof(path)) == 0;
	if (program_find("criu", facts->criu, sizeof(facts->criu)) < 0) {
		facts->criu[0] = '\0';
		return;
	}
	if (program_run(&program, PROBE_CRIU_MS, PROBE_FILE_MAX, &said, &err) == 0)
		facts->criu_version = doctor_parse_criu_version(said.output);
	if (facts->rootless)
		return;
	program.arguments = check;
	if (program_run(&program, PROBE_CRIU_MS, PROBE_FILE_MAX, &checked, &err) < 0)
		return;
	facts->criu_status = checked.status == 0 ? 0 : 1;
	probe_last_line(checked.output, facts->criu_words, sizeof(facts->criu_words));
}

int doctor_probe(struct doctor_facts *ret_facts, struct error *err)
{
	int r;

	*ret_facts = (struct doctor_facts){0};
	r = probe_caller(ret_facts, err);
	if (r < 0)
		return r;
	probe_kernel(ret_facts);
	probe_rootless(ret_facts);
	probe_cgroups(ret_facts);
	doctor_probe_privileged(ret_facts);
	probe_features(ret_facts);
	probe_criu(ret_facts);
	return 0;
}
