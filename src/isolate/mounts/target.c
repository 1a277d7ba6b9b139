/* SPDX-License-Identifier: Apache-2.0 */
/* Where a mount goes: found or made below the root, and looked at before anything covers it. */
#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/fd.h"
#include "base/path.h"
#include "isolate/mounts/step.h"
#include "kernel/resolve.h"
#include "kernel/syscalls.h"

int mounts_look_at_root(struct mounts_run *run, struct error *err)
{
	struct sys_statx st;
	int r = sys_statx(run->context->root, "", AT_EMPTY_PATH, SYS_STATX_INO | SYS_STATX_MNT_ID,
			  &st);

	if (r < 0)
		return error_errno(err, -r, "look at the root");
	run->root_mount = st.mnt_id;
	run->root_inode = st.ino;
	return 0;
}

/*
 * What was found or made (or why not, as a negative errno in its place) becomes the caller's. The
 * names are known to be harmless since mounts_plan(); a symbolic link in the image may still lead
 * to the root or into a procfs.
 */
static int mounts_take_target(const struct mounts_run *run, const struct mounts_step *step,
			      struct mounts_target found, struct mounts_target *ret_target,
			      struct error *err)
{
	auto_close int fd = found.fd;
	struct statfs fs;
	struct sys_statx st;
	int r;

	if (fd < 0)
		return error_errno(err, -fd, "open the destination");
	r = sys_statx(fd, "", AT_EMPTY_PATH, SYS_STATX_BASIC_STATS | SYS_STATX_MNT_ID, &st);
	if (r < 0)
		return error_errno(err, -r, "look at the destination");
	if (fstatfs(fd, &fs) < 0)
		return error_errno(err, errno, "look at the destination");
	if (fs.f_type == PROC_SUPER_MAGIC && step->place == MOUNTS_ORDINARY)
		return error_set(err, EPERM,
				 "the destination leads into a procfs, which may not be covered");
	if (st.mnt_id == run->root_mount && st.ino == run->root_inode)
		return error_set(err, EINVAL,
				 "the destination leads to the root filesystem itself");
	found.mode = st.mode;
	found.fd = fd_take(&fd);
	*ret_target = found;
	return 0;
}

/*
 * proc and sysfs must not be reached through a link that the image has put there, or labels would
 * be written to a file of the image's choice (CVE-2019-19921, CVE-2023-27561).
 */
static bool mounts_needs_plain(const struct mounts_step *step)
{
	const char *type = step->config->type;

	return step->kind == MOUNTS_FILESYSTEM &&
	       (strcmp(type, "proc") == 0 || strcmp(type, "sysfs") == 0);
}

int mounts_open_directory(const struct mounts_run *run, const struct mounts_step *step,
			  struct mounts_target *ret_target, struct error *err)
{
	const char *destination = step->config->destination;
	struct mounts_target target = {.existed = true};
	bool plain = mounts_needs_plain(step);
	int r;

	target.fd = resolve_open(run->context->root, destination,
				 O_PATH | O_DIRECTORY | (plain ? O_NOFOLLOW : 0));
	if (target.fd == -ENOENT) {
		r = resolve_make_directory(run->context->root, destination, &target.fd, err);
		if (r < 0)
			return r;
		target.existed = false;
	}
	if (target.fd == -ENOTDIR && plain)
		return error_set(err, ENOTDIR, "a %s must be mounted on an ordinary directory",
				 step->config->type);
	return mounts_take_target(run, step, target, ret_target, err);
}

int mounts_open_for(const struct mounts_run *run, const struct mounts_step *step, int source,
		    struct mounts_target *ret_target, struct error *err)
{
	const char *destination = step->config->destination;
	struct mounts_target target = {.existed = true};
	struct stat st;
	int r;

	target.fd = resolve_open(run->context->root, destination,
				 O_PATH | (step->options.dest_nofollow ? O_NOFOLLOW : 0));
	if (target.fd == -ENOENT) {
		if (fstat(source, &st) < 0)
			return error_errno(err, errno, "look at the source");
		if (S_ISDIR(st.st_mode))
			r = resolve_make_directory(run->context->root, destination, &target.fd,
						   err);
		else
			r = resolve_make_file(run->context->root, destination, &target.fd, err);
		if (r < 0)
			return r;
		target.existed = false;
	}
	return mounts_take_target(run, step, target, ret_target, err);
}
