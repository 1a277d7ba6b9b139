/* SPDX-License-Identifier: Apache-2.0 */
/* The root of a container that is restored: before criu mounts on it, and after. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "container/checkpoint/restore-steps.h"
#include "container/join.h"
#include "kernel/mountfd.h"
#include "kernel/resolve.h"
#include "kernel/syscalls.h"

/* Nothing that is mounted from now on gets out of it. */
static int restore_leave_mounts(void)
{
	struct mount_attr slave = {.propagation = MS_SLAVE};

	return unshare(CLONE_NEWNS) < 0 ? -errno
					: sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &slave);
}

/* A clone of the root, on the directory `place`. */
static int restore_attach_root(int clone, const char *place)
{
	auto_close int target = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return target < 0 ? -errno : mountfd_attach(clone, target);
}

int restore_enter_copy(struct restore *restore)
{
	bool staged = restore->stage[0];
	struct error err = ERROR_INIT;
	auto_close int root = -EBADF;
	int r = restore_leave_mounts();

	if (r == 0)
		r = mountfd_clone(AT_FDCWD, restore->creation.plan.rootfs.path, true, false, &root,
				  &err);
	/* The stage may hide what is needed. */
	if (r == 0)
		r = restore_open_belows(&restore->belows, &err);
	if (r == 0 && staged)
		r = restore_stage_make(restore->stage);
	if (r == 0)
		r = restore_attach_root(root, restore->root);
	if (r == 0 && staged)
		r = restore_stage_attach(&restore->images, restore->stage);
	return r < 0 ? r : restore_attach_belows(&restore->belows, restore->below, &err);
}

/* What criu makes: on a tmpfs of the container everything comes from the images, and where cgroups
 * are mounted on another filesystem of its own, as on sysfs, that has a place for them. */
static bool restore_is_made(const struct mounts_plan *plan, size_t index)
{
	const struct mounts_step *own = &plan->steps[index];

	for (size_t i = 0; i < plan->count; i++) {
		const struct mounts_step *step = &plan->steps[i];
		const char *type = step->config->type;

		if (step->kind == MOUNTS_FILESYSTEM &&
		    (own->kind == MOUNTS_CGROUP || (type && strcmp(type, "tmpfs") == 0)) &&
		    strcmp(step->config->destination, own->config->destination) != 0 &&
		    path_is_below(own->config->destination, step->config->destination))
			return true;
	}
	return false;
}

/* Makes what a mount of the configuration needs; a bind is mounted, for others may be below it. */
static int restore_make_point(const struct mounts_plan *plan, size_t index, int root,
			      struct error *err)
{
	const struct mounts_step *step = &plan->steps[index];
	const struct mounts_context context = {.root = root, .sources = {.channel = -EBADF}};
	struct mounts_plan one = *plan;
	auto_close int fd = -EBADF;

	one.steps = &plan->steps[index];
	one.count = 1;
	if (step->kind == MOUNTS_BIND)
		return mounts_apply(&one, &context, err);
	if (step->kind != MOUNTS_FILESYSTEM && step->kind != MOUNTS_CGROUP)
		return 0;
	if (resolve_make_directory(root, step->config->destination, &fd, err) < 0)
		return error_at(err, "mounts[%zu]", index);
	return 0;
}

static int restore_make_points(const struct restore *restore, struct error *err)
{
	const struct plan *plan = &restore->creation.plan;
	auto_close int clone = -EBADF, root = -EBADF;
	int r = restore_leave_mounts();

	if (r < 0)
		return error_errno(err, -r, "prepare the root filesystem");
	r = mountfd_clone(AT_FDCWD, plan->rootfs.path, true, false, &clone, err);
	if (r < 0)
		return r;
	r = restore_attach_root(clone, plan->rootfs.path);
	if (r < 0)
		return error_errno(err, -r, "mount the root filesystem");
	root = open(plan->rootfs.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return error_errno(err, errno, "open the root filesystem");
	for (size_t i = 0; r == 0 && i < plan->mounts.count; i++)
		if (!restore_is_made(&plan->mounts, i))
			r = restore_make_point(&plan->mounts, i, root, err);
	return r;
}

int restore_prepare_root(const struct restore *restore, struct error *err)
{
	const struct restore_child child = {restore_make_points, "prepare the root filesystem"};

	return restore_fork(restore, &child, err);
}

/*
 * Of two mounts of the same thing with the same attributes criu sets those of the first one only
 * (seen with 4.1): a second read-only volume could be written to, and so could the host's null
 * device through a mask.
 */
static int restore_reapply(const struct restore *restore, struct error *err)
{
	const struct plan *plan = &restore->creation.plan;
	auto_close int root = -EBADF;
	uint64_t types;
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/root", (int)restore->creation.birth.pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return error_errno(err, errno, "open the container's root");
	r = join_find_namespaces(restore->creation.birth.pid, restore->creation.birth.pidfd, 0,
				 &types, err);
	if (r < 0 || !(types & CLONE_NEWNS))
		return r;
	r = join_enter(restore->creation.birth.pidfd, types, err);
	if (r == 0)
		r = mounts_reapply(&plan->mounts, root, err);
	return r < 0 ? r : rootfs_reapply_masks(&plan->rootfs, root, err);
}

int restore_protect(const struct restore *restore, struct error *err)
{
	const struct restore_child child = {restore_reapply, "protect what the mounts show"};

	return restore_fork(restore, &child, err);
}
