/* SPDX-License-Identifier: Apache-2.0 */
/* What criu is told of a container that it is to restore, but its places. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/io.h"
#include "container/checkpoint/checkpoint.h"
#include "container/checkpoint/names.h"
#include "container/checkpoint/restore-steps.h"
#include "container/checkpoint/user.h"
#include "kernel/syscalls.h"

#define RESTORE_NAMES_MAX (1u << 20)

/* A namespace that is joined by path: net and pid by descriptor, others by their path. */
static int restore_put_namespace(struct restore *restore, const struct oci_namespace *namespace,
				 size_t index, struct error *err)
{
	static const struct {
		uint64_t type;
		const char *name;
	} names[] = {{CLONE_NEWIPC, "ipc"},
		     {CLONE_NEWUTS, "uts"},
		     {CLONE_NEWNS, "mnt"},
		     {CLONE_NEWTIME, "time"}};
	auto_text struct text inner = {0};
	int fd;

	if (namespace->type == CLONE_NEWNET || namespace->type == CLONE_NEWPID) {
		fd = open(namespace->path, O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			error_errno(err, errno, "open %s", namespace->path);
			return error_at(err, "linux.namespaces[%zu].path", index);
		}
		criu_put_string(&inner, 1,
				namespace->type == CLONE_NEWNET ? CHECKPOINT_NET_KEY
								: CHECKPOINT_PID_KEY);
		criu_put_number(&inner, 2, CRIU_FIRST_FD + (int)restore->namespace_count);
		restore->namespaces[restore->namespace_count++] = fd;
		criu_put_message(&restore->options, CRIU_INHERIT_FD, &inner);
		return 0;
	}
	for (size_t i = 0; i < array_size(names); i++) {
		if (names[i].type != namespace->type)
			continue;
		criu_put_string(&inner, 1, names[i].name);
		criu_put_string(&inner, 2, namespace->path);
		criu_put_message(&restore->options, CRIU_JOIN_NS, &inner);
		return 0;
	}
	error_set(err, EINVAL, "criu cannot restore into a namespace of this kind that is joined");
	return error_at(err, "linux.namespaces[%zu].path", index);
}

static int restore_put_namespaces(struct restore *restore, struct error *err)
{
	const struct oci_linux *linux_config = restore->creation.plan.config->linux;
	int r = checkpoint_check_user(restore->creation.plan.config, restore->managed, err);

	for (size_t i = 0; r == 0 && linux_config && i < linux_config->namespaces.count; i++) {
		const struct oci_namespace *namespace = &linux_config->namespaces.items[i];

		if (namespace->path && namespace->path[0])
			r = restore_put_namespace(restore, namespace, i, err);
	}
	return r;
}

/* The pipes and files that were the standard streams are the ones of now. */
static int restore_put_descriptors(struct restore *restore, struct error *err)
{
	struct checkpoint_names links = {0};
	auto_free char *array = NULL;
	int r;

	r = io_read_file(restore->places.images, CHECKPOINT_DESCRIPTORS, O_NOFOLLOW,
			 RESTORE_NAMES_MAX, &array, NULL);
	if (r == 0)
		r = checkpoint_names_parse(array, &links);
	if (r < 0)
		return error_errno(err, -r, "read %s/%s", restore->places.images_path,
				   CHECKPOINT_DESCRIPTORS);
	for (size_t i = 0; i < links.list.count && i < 3; i++) {
		auto_text struct text inner = {0};

		if (!text_starts_with(links.list.items[i], "pipe:") &&
		    !text_starts_with(links.list.items[i], "file["))
			continue;
		criu_put_string(&inner, 1, links.list.items[i]);
		criu_put_number(&inner, 2, (int64_t)i);
		criu_put_message(&restore->options, CRIU_INHERIT_FD, &inner);
	}
	checkpoint_names_clear(&links);
	return 0;
}

/*
 * Where the host's mounts are shared a bind is a slave of them. The newer way in which criu
 * restores mounts takes one source for all slaves of a mount; where they have others now, and on
 * the stage, it is to go the older one.
 */
static int restore_put_way(const struct restore *restore, const struct restore_mounts *mounts,
			   struct text *options, struct error *err)
{
	struct checkpoint_names slaves = {0};
	auto_free char *text = NULL;
	bool older = restore->stage[0];
	int r = io_read_file(restore->places.images, CHECKPOINT_SLAVES, O_NOFOLLOW,
			     RESTORE_NAMES_MAX, &text, NULL);

	if (r == 0)
		r = checkpoint_names_parse(text, &slaves);
	if (r == 0)
		older |= restore_is_moved(mounts, &slaves);
	else if (r != -ENOENT)
		return error_errno(err, -r, "read %s/%s", restore->places.images_path,
				   CHECKPOINT_SLAVES);
	checkpoint_names_clear(&slaves);
	criu_put_number(options, CRIU_MNTNS_COMPAT_MODE, older);
	return 0;
}

static int restore_put_mount_names(struct restore *restore, struct error *err)
{
	const struct plan *plan = &restore->creation.plan;
	struct restore_mounts mounts = {
		.config = plan->config,
		.devices = &plan->devices,
		.bundle = plan->options->bundle,
		.place = restore->below,
		.all = restore->stage[0],
	};
	const struct cgroup *cgroup = restore->creation.cgroup;
	auto_free char *names = NULL;
	int r = io_read_file(restore->places.images, CHECKPOINT_MOUNTS, O_NOFOLLOW,
			     RESTORE_NAMES_MAX, &names, NULL);

	if (r < 0 && r != -ENOENT)
		return error_errno(err, -r, "read %s/%s", restore->places.images_path,
				   CHECKPOINT_MOUNTS);
	mounts.names = names;
	if (!plan_has(plan, CLONE_NEWCGROUP) && plan->cgroup_host.mode != CGROUP_MODE_UNIFIED) {
		mounts.hierarchies = plan->hierarchies;
		mounts.hierarchy_count = plan->hierarchies ? plan->cgroup_host.count : 0;
	} else if (!plan_has(plan, CLONE_NEWCGROUP) && plan->cgroup_host.count > 0) {
		mounts.cgroup = cgroup ? cgroup_directory(cgroup, 0) : NULL;
		if (!mounts.cgroup)
			mounts.cgroup = plan->cgroup_host.hierarchies[0].mount_point;
	}
	r = restore_put_way(restore, &mounts, &restore->options, err);
	return r < 0 ? r : restore_put_mounts(&mounts, &restore->options, &restore->belows, err);
}

static int restore_check_map(pid_t pid, const char *kind, const struct oci_id_mappings *map,
			     struct error *err)
{
	auto_free char *text = NULL;
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s_map", (int)pid, kind);
	r = io_read_file(AT_FDCWD, path, 0, RESTORE_NAMES_MAX, &text, NULL);
	if (r < 0)
		return error_errno(err, -r, "read %s", path);
	if (checkpoint_has_map(text, map))
		return 0;
	error_set(err, EINVAL, "the images have other %s mappings", kind);
	error_hint(err, "the files of the container have the owners of one of them only");
	return error_at(err, "linux.%sMappings", kind);
}

int restore_check_ids(const struct restore *restore, pid_t pid, struct error *err)
{
	const struct idmap_plan *idmap = &restore->creation.plan.idmap;
	struct stat ours, theirs;
	char path[64];
	int r;

	if (idmap->uids.count > 0) {
		r = restore_check_map(pid, "uid", &idmap->uids, err);
		return r < 0 ? r : restore_check_map(pid, "gid", &idmap->gids, err);
	}
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	if (stat("/proc/self/ns/user", &ours) < 0 || stat(path, &theirs) < 0)
		return error_errno(err, errno, "look at %s", path);
	return ours.st_ino == theirs.st_ino
		       ? 0
		       : error_set(err, EINVAL,
				   "the images are of a container in a user namespace, which the "
				   "configuration does not have");
}

int restore_put_cgroups(struct restore *restore, struct error *err)
{
	auto_free char *text = NULL;
	char path[64], *save = NULL;
	int r;

	if (cgroup_is_absent(restore->creation.cgroup) || !restore->managed)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)restore->criu.pid);
	r = io_read_file(AT_FDCWD, path, 0, RESTORE_NAMES_MAX, &text, NULL);
	if (r < 0)
		return error_errno(err, -r, "read %s", path);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		auto_text struct text inner = {0};
		char *controllers = strchr(line, ':'), *own;

		own = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!own)
			continue;
		*own++ = '\0';
		criu_put_string(&inner, 1, controllers + 1);
		criu_put_string(&inner, 2, own);
		criu_put_message(&restore->options, CRIU_CG_ROOT, &inner);
	}
	return 0;
}

/* criu asks for the descriptor as the container's root, userfaultfd(2), when all has been done. */
static int restore_check_lazy(const struct restore *restore, struct error *err)
{
	char allowed[16];

	if (!restore->request->flags.lazy_pages || !restore->stage[0] ||
	    io_read_small(AT_FDCWD, "/proc/sys/vm/unprivileged_userfaultfd", allowed,
			  sizeof(allowed)) < 0 ||
	    allowed[0] != '0')
		return 0;
	error_set(err, EPERM,
		  "--lazy-pages: on this host the root of a user namespace may not wait for pages");
	return error_hint(err, "the sysctl vm.unprivileged_userfaultfd allows it");
}

int restore_put_options(struct restore *restore, struct error *err)
{
	const struct restore_request *request = restore->request;
	struct text *options = &restore->options;
	int r = restore_check_lazy(restore, err);

	if (r < 0)
		return r;
	criu_put_string(options, CRIU_ROOT, restore->root);
	criu_put_number(options, CRIU_EVASIVE_DEVICES, true);
	criu_put_number(options, CRIU_RST_SIBLING, true);
	criu_put_number(options, CRIU_TCP_CLOSE, request->tcp_close);
	criu_put_number(options, CRIU_EXT_MASTERS, true);
	if (request->lsm_profile)
		criu_put_string(options, CRIU_LSM_PROFILE, request->lsm_profile);
	if (request->lsm_mount_context)
		criu_put_string(options, CRIU_LSM_MOUNT_CONTEXT, request->lsm_mount_context);
	r = criu_put_flags(options, &request->flags, err);
	if (r == 0)
		r = restore_put_namespaces(restore, err);
	if (r == 0)
		r = restore_put_mount_names(restore, err);
	if (r == 0)
		r = restore_put_descriptors(restore, err);
	return r;
}
