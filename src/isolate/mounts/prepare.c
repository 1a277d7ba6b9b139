/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filesystems that the runtime makes before there is an init: those on a block device or in an
 * image file, and id-mapped ones. Init could not: its device rules forbid it the block device, and
 * in a user namespace the kernel lets it mount neither, nor map ids of the host. What is made is a
 * detached mount, which init inherits as a descriptor and attaches; when either is killed, the
 * kernel takes it back.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/fd.h"
#include "isolate/mounts/step.h"
#include "kernel/loop.h"
#include "kernel/procfs.h"
#include "kernel/syscalls.h"

/* Formats that cannot be written to. */
static bool prepare_is_readonly(const struct mounts_step *step)
{
	const char *type = step->config->type;

	return (step->options.superblock_set & MOUNT_OPTIONS_RO) || strcmp(type, "erofs") == 0 ||
	       strcmp(type, "squashfs") == 0;
}

/* The device keeps the image open by itself. */
static int prepare_loop(const struct mounts_step *step, char path[LOOP_PATH_SIZE], int *ret_fd,
			struct error *err)
{
	bool readonly = prepare_is_readonly(step);
	auto_close int image =
		open(step->config->source, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	int r;

	if (image < 0 || fstat(image, &st) < 0) {
		error_errno(err, errno, "open image %s", step->config->source);
		if (err->number == EROFS || err->number == EACCES)
			error_hint(err, "with \"ro\" among the options it need not be writable");
		return -err->number;
	}
	if (!S_ISREG(st.st_mode))
		return error_set(err, EINVAL, "%s is no image file", step->config->source);
	r = loop_attach(image, readonly, path, ret_fd, err);
	return r < 0 ? error_wrap(err, "image %s", step->config->source) : 0;
}

static int prepare_idmap(const struct mounts_step *step, const struct idmap_plan *container, int fd,
			 struct error *err)
{
	const struct idmap_plan *idmap = step->idmap.uids.count > 0 ? &step->idmap : container;
	struct mountfd_change change = {.set = MOUNT_ATTR_IDMAP};
	auto_close int procfs = -EBADF, user = -EBADF;
	int r;

	if (idmap->uids.count == 0)
		return error_set(err, EINVAL,
				 "the maps of a user namespace that is joined are not known: "
				 "idmap needs uidMappings and gidMappings");
	r = procfs_open(&procfs, err);
	if (r == 0)
		r = idmap_open_namespace(idmap, procfs, &user, err);
	if (r < 0)
		return r;
	change.userns = user;
	r = mountfd_change(fd, &change);
	if (r < 0)
		error_errno(err, -r, "map the ids of a %s", step->config->type);
	if (r == -EINVAL)
		error_hint(err, "this kernel cannot map the ids of a %s", step->config->type);
	return r;
}

static int prepare_step(const struct mounts_plan *plan, struct mounts_step *step, mode_t source,
			const struct idmap_plan *container, struct error *err)
{
	const struct mounts_run run = {.label = plan->label, .label_option = plan->label_option};
	auto_close int loop = -EBADF, fd = -EBADF;
	char path[LOOP_PATH_SIZE];
	int r = 0;

	if (S_ISREG(source)) {
		r = prepare_loop(step, path, &loop, err);
		if (r < 0)
			return r;
	}
	r = mounts_create(&run, step, S_ISREG(source) ? path : NULL, &fd, err);
	if (r == 0 && step->idmapped)
		r = prepare_idmap(step, container, fd, err);
	if (r < 0)
		return r;
	step->prepared = fd_take(&fd);
	return 0;
}

int mounts_prepare(struct mounts_plan *plan, const struct idmap_plan *container, struct error *err)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct mounts_step *step = &plan->steps[i];
		const char *source = step->config->source;
		struct stat st = {0};

		if (step->kind != MOUNTS_FILESYSTEM || mounts_needs_legacy(step))
			continue;
		/* Sources of other filesystems are names, or directories, or belong to servers. */
		if (!source || source[0] != '/' || stat(source, &st) < 0 ||
		    !(S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)))
			st.st_mode = 0;
		if (st.st_mode == 0 && !step->idmapped)
			continue;
		if (prepare_step(plan, step, st.st_mode, container, err) < 0) {
			error_wrap(err, "mount %s on %s", step->config->type,
				   step->config->destination);
			return error_at(err, "mounts[%zu]", step->index);
		}
	}
	return 0;
}
