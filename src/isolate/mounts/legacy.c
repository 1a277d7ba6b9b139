/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one use of mount(2). Its target is ".", the directory held by descriptor, so that here too no
 * path of the container is walked twice.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "isolate/mounts/step.h"
#include "kernel/resolve.h"
#include "kernel/syscalls.h"

/* fs/fsopen.c: strndup_user(value, 256), its NUL included. */
#define FSCONFIG_VALUE_MAX 255

bool mounts_needs_legacy(const struct mounts_step *step)
{
	for (size_t i = 0; i < step->options.filesystem_count; i++) {
		const char *value = step->options.filesystem[i].value;

		if (value && strlen(value) > FSCONFIG_VALUE_MAX)
			return true;
	}
	return false;
}

static unsigned long mounts_legacy_flags(const struct mounts_step *step)
{
	static const struct {
		uint64_t attribute;
		unsigned long flag;
	} attributes[] = {
		{MOUNT_ATTR_RDONLY, MS_RDONLY},		{MOUNT_ATTR_NOSUID, MS_NOSUID},
		{MOUNT_ATTR_NODEV, MS_NODEV},		{MOUNT_ATTR_NOEXEC, MS_NOEXEC},
		{MOUNT_ATTR_NOATIME, MS_NOATIME},	{MOUNT_ATTR_STRICTATIME, MS_STRICTATIME},
		{MOUNT_ATTR_NODIRATIME, MS_NODIRATIME}, {MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW},
	};
	static const struct {
		unsigned int superblock;
		unsigned long flag;
	} superblocks[] = {
		{MOUNT_OPTIONS_SYNC, MS_SYNCHRONOUS},
		{MOUNT_OPTIONS_DIRSYNC, MS_DIRSYNC},
		{MOUNT_OPTIONS_MAND, MS_MANDLOCK},
		{MOUNT_OPTIONS_LAZYTIME, MS_LAZYTIME},
	};
	uint64_t set = mounts_attributes(step);
	unsigned long flags = 0;

	for (size_t i = 0; i < array_size(attributes); i++)
		if (set & attributes[i].attribute)
			flags |= attributes[i].flag;
	for (size_t i = 0; i < array_size(superblocks); i++)
		if (step->options.superblock_set & superblocks[i].superblock)
			flags |= superblocks[i].flag;
	return flags;
}

static int mounts_legacy_add(struct text *data, const char *key, const char *value,
			     struct error *err)
{
	/* The quotes keep the commas of a label with categories together. */
	if (mount_options_is_context(key) && value && !strchr(value, '"')) {
		text_format(data, "%s%s=\"%s\"", data->length > 0 ? "," : "", key, value);
		return 0;
	}
	if (strchr(key, ',') || (value && strchr(value, ',')))
		return error_set(
			err, EINVAL,
			"option %s: no option may have a comma where one of them is longer "
			"than %d bytes",
			key, FSCONFIG_VALUE_MAX);
	text_format(data, "%s%s%s%s", data->length > 0 ? "," : "", key, value ? "=" : "",
		    value ? value : "");
	return 0;
}

static int mounts_legacy_data(const struct mounts_run *run, const struct mounts_step *step,
			      struct text *data, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < step->options.filesystem_count && r == 0; i++)
		r = mounts_legacy_add(data, step->options.filesystem[i].key,
				      step->options.filesystem[i].value, err);
	if (r == 0 && run->label && !mount_options_has(&step->options, run->label_option))
		r = mounts_legacy_add(data, run->label_option, run->label, err);
	if (r == 0 && data->failed)
		return error_errno(err, ENOMEM, "options");
	return r;
}

/* mount(2) gives no descriptor; what is there now must be another mount than before. */
static int mounts_legacy_open(const struct mounts_run *run, const struct mounts_step *step,
			      int target, int *ret_fd, struct error *err)
{
	auto_close int fd =
		resolve_open(run->context->root, step->config->destination, O_PATH | O_DIRECTORY);
	struct sys_statx before, now;
	int r;

	if (fd < 0)
		return error_errno(err, -fd, "open the new mount");
	r = sys_statx(target, "", AT_EMPTY_PATH, SYS_STATX_MNT_ID, &before);
	if (r >= 0)
		r = sys_statx(fd, "", AT_EMPTY_PATH, SYS_STATX_MNT_ID, &now);
	if (r < 0)
		return error_errno(err, -r, "look at the new mount");
	if (before.mnt_id == now.mnt_id)
		return error_set(err, ESTALE, "the destination was moved while it was mounted on");
	*ret_fd = fd_take(&fd);
	return 0;
}

int mounts_legacy(const struct mounts_run *run, const struct mounts_step *step, int target,
		  struct error *err)
{
	const char *type = step->config->type;
	const char *source = step->config->source ? step->config->source : type;
	auto_close int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -EBADF;
	auto_text struct text data = {0};
	int r;

	if (cwd < 0)
		return error_errno(err, errno, "open the current directory");
	r = mounts_legacy_data(run, step, &data, err);
	if (r < 0)
		return r;
	if (fchdir(target) < 0)
		return error_errno(err, errno, "change to the destination");
	r = sys_mount(source, ".", type, mounts_legacy_flags(step), data.data);
	if (fchdir(cwd) < 0 && r == 0)
		r = -errno;
	if (r < 0)
		return error_errno(err, -r, "mount with options %s", data.data);
	if (step->options.propagation_count == 0)
		return 0;
	r = mounts_legacy_open(run, step, target, &fd, err);
	if (r < 0)
		return r;
	return mounts_propagate(step, fd, err);
}
