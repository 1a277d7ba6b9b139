/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.devices of a container with a user namespace of its own, in which nobody can make a device.
 *
 * The runtime makes them on a small filesystem of their own, with the owner and mode that the
 * configuration asks for, before it clones; init inherits that as a detached mount, and binds each
 * of them where it belongs. Only where the runtime may not make devices either are the host's
 * bound.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "isolate/devices/devices.h"
#include "kernel/mountfd.h"
#include "kernel/syscalls.h"

void devices_prepared_name(size_t index, char name[DEVICES_NAME_SIZE])
{
	(void)snprintf(name, DEVICES_NAME_SIZE, "%zu", index);
}

/* False when it cannot be made, for whatever reason: there is still the host's. */
static bool devices_prepare_node(int filesystem, const struct devices_node *node, size_t index,
				 const struct idmap_plan *container)
{
	mode_t type = node->type == 'b' ? S_IFBLK : S_IFCHR;
	char name[DEVICES_NAME_SIZE];
	uint32_t uid, gid;

	if (idmap_to_host(&container->uids, node->uid, &uid) < 0 ||
	    idmap_to_host(&container->gids, node->gid, &gid) < 0)
		return false;
	devices_prepared_name(index, name);
	return mknodat(filesystem, name, type | node->mode, makedev(node->major, node->minor)) ==
		       0 &&
	       fchownat(filesystem, name, uid, gid, AT_SYMLINK_NOFOLLOW) == 0;
}

void devices_prepare(struct devices_plan *plan, const struct idmap_plan *container)
{
	const struct mountfd_option options[] = {{"mode", "755"}, {"size", "64k"}};
	const struct mountfd_filesystem filesystem = {
		.type = "tmpfs",
		.source = "devices",
		.options = options,
		.option_count = array_size(options),
		.attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
	};
	struct error refused = ERROR_INIT;
	auto_close int fd = -EBADF;
	mode_t before;

	if (!plan->bind || container->uids.count == 0)
		return;
	before = umask(0);
	for (size_t i = 0; i < plan->count; i++) {
		struct devices_node *node = &plan->nodes[i];

		if (!node->configured || node->type == 'p')
			continue;
		if (fd < 0 && mountfd_create(&filesystem, &fd, &refused) < 0)
			break;
		node->prepared = devices_prepare_node(fd, node, i, container);
		plan->prepared |= node->prepared;
	}
	(void)umask(before);
	if (plan->prepared)
		plan->filesystem = fd_take(&fd);
}
