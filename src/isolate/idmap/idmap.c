/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may write which map (user_namespaces(7)), and what is done here:
 *
 * - Who has CAP_SETUID (CAP_SETGID) in the parent user namespace writes uid_map (gid_map) himself.
 * - Anybody may map his own id alone, one line of size 1. For gid_map he must give up setgroups(2)
 *   first, or else a process could shed the groups that files deny access to (CVE-2014-8989).
 * - Anything else takes the setuid programs newuidmap(1) and newgidmap(1), which know what the
 *   administrator has granted in /etc/subuid and /etc/subgid.
 *
 * Each of the two maps is decided on its own. A map can be written once only, so it is one
 * write(2), and nothing is tried "to see whether it works".
 */
#include "isolate/idmap/idmap.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "isolate/idmap/tool.h"
#include "kernel/nsfs.h"
#include "kernel/process.h"
#include "kernel/procfs.h"
#include "kernel/syscalls.h"

/* UID_GID_MAP_MAX_EXTENTS of the kernel's include/linux/user_namespace.h */
#define IDMAP_LINES_MAX 340

static bool idmap_overlap(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
	return a < (uint64_t)b + b_size && b < (uint64_t)a + a_size;
}

static int idmap_check_line(const struct oci_id_mappings *map, size_t i, struct error *err)
{
	const struct oci_id_mapping *line = &map->items[i];

	if (line->size == 0)
		return error_set(err, EINVAL, "must not be of size 0");
	/* The last id, 4294967295, is "none"; no range may reach it. */
	if (line->size > UINT32_MAX - line->container_id || line->size > UINT32_MAX - line->host_id)
		return error_set(err, ERANGE, "goes beyond the last id, 4294967294");
	for (size_t j = 0; j < i; j++) {
		const struct oci_id_mapping *other = &map->items[j];

		if (idmap_overlap(line->container_id, line->size, other->container_id, other->size))
			return error_set(err, EINVAL, "maps ids inside that entry %zu maps too", j);
		if (idmap_overlap(line->host_id, line->size, other->host_id, other->size))
			return error_set(err, EINVAL, "maps to ids outside that entry %zu has", j);
	}
	return 0;
}

static int idmap_check(const struct oci_id_mappings *map, const char *field, struct error *err)
{
	uint32_t root;

	if (map->count > IDMAP_LINES_MAX) {
		error_set(err, EINVAL, "has %zu entries, the kernel takes %d", map->count,
			  IDMAP_LINES_MAX);
		return error_at(err, "%s", field);
	}
	for (size_t i = 0; i < map->count; i++)
		if (idmap_check_line(map, i, err) < 0)
			return error_at(err, "%s[%zu]", field, i);
	if (map->count == 0) {
		error_set(err, EINVAL, "a new user namespace needs it");
		return error_at(err, "%s", field);
	}
	if (idmap_to_host(map, 0, &root) < 0) {
		error_set(err, EINVAL, "does not map 0, and the container is built by its root");
		return error_at(err, "%s", field);
	}
	return 0;
}

int idmap_plan(const struct oci_linux *linux_config, struct idmap_plan *ret_plan, struct error *err)
{
	const struct oci_namespace *user = NULL;
	int r;

	for (size_t i = 0; linux_config && i < linux_config->namespaces.count; i++)
		if (linux_config->namespaces.items[i].type == CLONE_NEWUSER)
			user = &linux_config->namespaces.items[i];
	/* A joined one has its maps already; what the configuration says of them is not ours to
	 * set. */
	if (!user || (user->path && user->path[0] != '\0')) {
		*ret_plan = (struct idmap_plan){0};
		return 0;
	}
	r = idmap_check(&linux_config->uid_mappings, "linux.uidMappings", err);
	if (r < 0)
		return r;
	r = idmap_check(&linux_config->gid_mappings, "linux.gidMappings", err);
	if (r < 0)
		return r;
	*ret_plan = (struct idmap_plan){
		.uids = linux_config->uid_mappings,
		.gids = linux_config->gid_mappings,
	};
	return 0;
}

int idmap_to_host(const struct oci_id_mappings *map, uint32_t id, uint32_t *ret_id)
{
	if (map->count == 0) {
		*ret_id = id;
		return 0;
	}
	for (size_t i = 0; i < map->count; i++) {
		const struct oci_id_mapping *line = &map->items[i];

		if (id >= line->container_id && id - line->container_id < line->size) {
			*ret_id = line->host_id + (id - line->container_id);
			return 0;
		}
	}
	return -ENOENT;
}

/* One of the two maps, and who is about to write it. */
struct idmap_kind {
	const char *file;  /* "uid_map" */
	const char *tool;  /* "newuidmap" */
	const char *field; /* "linux.uidMappings" */
	int capability;
};

static const struct idmap_kind idmap_uids = {"uid_map", "newuidmap", "linux.uidMappings",
					     CAP_SETUID};
static const struct idmap_kind idmap_gids = {"gid_map", "newgidmap", "linux.gidMappings",
					     CAP_SETGID};

static bool idmap_is_own(const struct oci_id_mappings *map, uint32_t id)
{
	return map->count == 1 && map->items[0].size == 1 && map->items[0].host_id == id;
}

/* The lines as the kernel takes them; those that only continue the one before are joined with it.
 */
static void idmap_format(const struct oci_id_mappings *map, struct text *lines)
{
	for (size_t i = 0; i < map->count; i++) {
		struct oci_id_mapping line = map->items[i];

		while (i + 1 < map->count &&
		       map->items[i + 1].container_id == line.container_id + line.size &&
		       map->items[i + 1].host_id == line.host_id + line.size)
			line.size += map->items[++i].size;
		text_format(lines, "%u %u %u\n", line.container_id, line.host_id, line.size);
	}
}

static int idmap_write_direct(const struct oci_id_mappings *map, const struct idmap_kind *kind,
			      pid_t pid, int procfs, struct error *err)
{
	auto_text struct text lines = {0};
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), "%d/%s", (int)pid, kind->file);
	idmap_format(map, &lines);
	r = lines.failed ? -ENOMEM : procfs_write(procfs, path, lines.data);
	if (r == 0)
		return 0;
	error_errno(err, -r, "write /proc/%s", path);
	if (r == -EPERM)
		error_hint(err,
			   "an id outside may not be mapped in the runtime's own user namespace, "
			   "or CAP_SETFCAP is missing to map its root");
	/* map_write() of the kernel's user_namespace.c */
	else if (r == -EINVAL && lines.length >= (size_t)sysconf(_SC_PAGESIZE))
		error_hint(err, "the map is %zu bytes of text, the kernel takes less than %ld",
			   lines.length, sysconf(_SC_PAGESIZE));
	return error_at(err, "%s", kind->field);
}

static int idmap_deny_setgroups(pid_t pid, int procfs, struct error *err)
{
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), "%d/setgroups", (int)pid);
	r = procfs_write(procfs, path, "deny");
	return r < 0 ? error_errno(err, -r, "write /proc/%s", path) : 0;
}

static int idmap_write_at(const struct idmap_plan *plan, pid_t pid, int procfs, struct error *err)
{
	int r;

	if (process_is_capable(CAP_SETUID) || idmap_is_own(&plan->uids, geteuid()))
		r = idmap_write_direct(&plan->uids, &idmap_uids, pid, procfs, err);
	else
		r = idmap_tool_run(idmap_uids.tool, pid, &plan->uids, idmap_uids.field, err);
	if (r < 0)
		return r;
	if (process_is_capable(CAP_SETGID))
		return idmap_write_direct(&plan->gids, &idmap_gids, pid, procfs, err);
	if (!idmap_is_own(&plan->gids, getegid()))
		return idmap_tool_run(idmap_gids.tool, pid, &plan->gids, idmap_gids.field, err);
	r = idmap_deny_setgroups(pid, procfs, err);
	if (r < 0)
		return r;
	return idmap_write_direct(&plan->gids, &idmap_gids, pid, procfs, err);
}

int idmap_write(const struct idmap_plan *plan, pid_t pid, struct error *err)
{
	auto_close int procfs = -EBADF;
	int r;

	if (plan->uids.count == 0 && plan->gids.count == 0)
		return 0;
	r = procfs_open(&procfs, err);
	if (r < 0)
		return r;
	return idmap_write_at(plan, pid, procfs, err);
}

int idmap_take_root(struct error *err)
{
	/* EPERM with all capabilities in the namespace: setgroups is denied in it. */
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return error_errno(err, errno, "drop the supplementary groups");
	if (setresgid(0, 0, 0) < 0) {
		error_errno(err, errno, "become group 0 of the user namespace");
		return error_hint(err, "the user namespace must map gid 0");
	}
	if (setresuid(0, 0, 0) < 0) {
		error_errno(err, errno, "become root of the user namespace");
		return error_hint(err, "the user namespace must map uid 0");
	}
	return 0;
}

int idmap_become_root(const struct idmap_plan *plan, struct error *err)
{
	return plan->uids.count == 0 ? 0 : idmap_take_root(err);
}

int idmap_setgroups_denied(int procfs, bool *ret_denied)
{
	char word[16];
	ssize_t length = procfs_read(procfs, "self/setgroups", word, sizeof(word));

	if (length < 0)
		return (int)length;
	*ret_denied = strcmp(word, "deny") == 0;
	return 0;
}

static int idmap_open_of(pid_t pid, int procfs)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%d/ns", (int)pid);
	return nsfs_open(procfs, path, "user", CLONE_NEWUSER);
}

/* A process by the number that `procfs` has for it: init is in a pid namespace of its own by now,
 * and in the host's procfs its children's numbers are those of strangers. */
static pid_t idmap_number_of(int pidfd, int procfs)
{
	char path[64], text[1024];
	const char *line;
	ssize_t length;
	long pid;

	(void)snprintf(path, sizeof(path), "self/fdinfo/%d", pidfd);
	length = procfs_read(procfs, path, text, sizeof(text));
	if (length < 0)
		return (pid_t)length;
	line = strstr(text, "\nPid:");
	pid = line ? strtol(line + strlen("\nPid:"), NULL, 10) : 0;
	/* 0: not to be seen from there; -1: gone. */
	return pid > 0 ? (pid_t)pid : -ESRCH;
}

int idmap_open_namespace(const struct idmap_plan *plan, int procfs, int *ret_fd, struct error *err)
{
	auto_close int pidfd = -EBADF;
	pid_t pid, parent = getpid();
	int status, fd, r;

	if (plan->uids.count == 0 || plan->gids.count == 0)
		return error_set(err, EINVAL, "both uids and gids must be mapped");
	/* A process to hold the namespace until its descriptor does. If we die, so does it. */
	pid = process_fork(CLONE_NEWUSER | CLONE_CLEAR_SIGHAND, -1, &pidfd);
	if (pid < 0)
		return error_errno(err, -pid, "make a user namespace");
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (getppid() == parent)
			(void)pause();
		_exit(0);
	}
	fd = -ENOENT;
	pid = idmap_number_of(pidfd, procfs);
	r = pid < 0 ? error_errno(err, -pid, "find a process in /proc")
		    : idmap_write_at(plan, pid, procfs, err);
	if (r == 0) {
		fd = idmap_open_of(pid, procfs);
		if (fd < 0)
			r = error_errno(err, -fd, "open a user namespace");
	}
	(void)process_signal(pidfd, SIGKILL);
	(void)process_reap(pidfd, &status);
	if (r < 0)
		return r;
	*ret_fd = fd;
	return 0;
}
