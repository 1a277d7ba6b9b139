/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/mountfd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "kernel/syscalls.h"

/*
 * What the kernel says about the context: records "e message", "w message", "i message", one a
 * read(2), without a newline (Documentation/filesystems/mount_api.rst). Keeps the last error.
 */
static void mountfd_kernel_message(int context, char *message, size_t size)
{
	char record[256];
	ssize_t n;

	message[0] = '\0';
	while ((n = read(context, record, sizeof(record) - 1)) > 2) {
		record[n] = '\0';
		record[strcspn(record, "\n")] = '\0';
		if (record[0] != 'e')
			continue;
		strncpy(message, record + 2, size - 1);
		message[size - 1] = '\0';
	}
}

static int mountfd_fail(int context, int number, struct error *err)
{
	char message[256];

	mountfd_kernel_message(context, message, sizeof(message));
	if (message[0] != '\0')
		return error_hint(err, "the kernel says: %s", message);
	return -number;
}

static int mountfd_set(int context, const char *type, const struct mountfd_option *options,
		       size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		const char *value = options[i].value;
		int r = sys_fsconfig(context, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG,
				     options[i].key, value, 0);

		if (r < 0) {
			error_errno(err, -r, "%s: option %s%s%s", type, options[i].key,
				    value ? "=" : "", value ? value : "");
			return mountfd_fail(context, -r, err);
		}
	}
	return 0;
}

static int mountfd_configure(int context, const struct mountfd_filesystem *filesystem,
			     unsigned int command, struct error *err)
{
	const char *type = filesystem->type;
	int r;

	if (filesystem->source) {
		r = sys_fsconfig(context, FSCONFIG_SET_STRING, "source", filesystem->source, 0);
		if (r < 0) {
			error_errno(err, -r, "%s: source %s", type, filesystem->source);
			return mountfd_fail(context, -r, err);
		}
	}
	r = mountfd_set(context, type, filesystem->defaults, filesystem->default_count, err);
	if (r < 0)
		return r;
	r = mountfd_set(context, type, filesystem->options, filesystem->option_count, err);
	if (r < 0)
		return r;
	r = sys_fsconfig(context, command, NULL, NULL, 0);
	if (r < 0) {
		error_errno(err, -r, "%s filesystem %s",
			    command == FSCONFIG_CMD_CREATE ? "create" : "reconfigure", type);
		return mountfd_fail(context, -r, err);
	}
	return 0;
}

int mountfd_reconfigure(int fd, const struct mountfd_filesystem *filesystem, struct error *err)
{
	auto_close int context = sys_fspick(fd, "", FSPICK_EMPTY_PATH);

	if (context < 0)
		return error_errno(err, -context, "pick filesystem %s", filesystem->type);
	return mountfd_configure(context, filesystem, FSCONFIG_CMD_RECONFIGURE, err);
}

int mountfd_create(const struct mountfd_filesystem *filesystem, int *ret_fd, struct error *err)
{
	auto_close int context = sys_fsopen(filesystem->type);
	int fd, r;

	if (context == -ENODEV)
		return error_errno(err, ENODEV, "this kernel has no filesystem %s",
				   filesystem->type);
	if (context < 0)
		return error_errno(err, -context, "open filesystem %s", filesystem->type);
	r = mountfd_configure(context, filesystem, FSCONFIG_CMD_CREATE, err);
	if (r < 0)
		return r;
	fd = sys_fsmount(context, (unsigned int)filesystem->attributes);
	if (fd < 0) {
		error_errno(err, -fd, "mount filesystem %s", filesystem->type);
		return mountfd_fail(context, -fd, err);
	}
	*ret_fd = fd;
	return 0;
}

int mountfd_clone(int dirfd, const char *path, bool recursive, bool nofollow, int *ret_fd,
		  struct error *err)
{
	unsigned int flags = OPEN_TREE_CLONE;
	int fd;

	if (recursive)
		flags |= AT_RECURSIVE;
	if (nofollow)
		flags |= AT_SYMLINK_NOFOLLOW;
	if (path[0] == '\0')
		flags |= AT_EMPTY_PATH;
	fd = sys_open_tree(dirfd, path, flags);
	if (fd < 0)
		return error_errno(err, -fd, "clone mount of %s", path[0] ? path : "a descriptor");
	*ret_fd = fd;
	return 0;
}

int mountfd_change(int fd, const struct mountfd_change *change)
{
	struct mount_attr attr = {
		.attr_set = change->set,
		.attr_clr = change->clear,
		.propagation = change->propagation,
		.userns_fd = (uint64_t)change->userns,
	};

	if (attr.attr_set == 0 && attr.attr_clr == 0 && attr.propagation == 0)
		return 0;
	return sys_mount_setattr(fd, "", AT_EMPTY_PATH | (change->recursive ? AT_RECURSIVE : 0),
				 &attr);
}

int mountfd_attach(int fd, int target)
{
	return sys_move_mount(fd, "", target, "",
			      MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

int mountfd_identify(int fd, uint64_t *ret_id)
{
	struct sys_statx st;
	int r = sys_statx(fd, "", AT_EMPTY_PATH, SYS_STATX_MNT_ID_UNIQUE, &st);

	if (r == 0 && !(st.mask & SYS_STATX_MNT_ID_UNIQUE))
		r = sys_statx(fd, "", AT_EMPTY_PATH, SYS_STATX_MNT_ID, &st);
	if (r < 0)
		return r;
	*ret_id = st.mnt_id;
	return 0;
}
