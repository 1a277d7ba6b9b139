/* SPDX-License-Identifier: Apache-2.0 */
/* The nodes and links of a container's /dev. Everything is made in a directory held by descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "isolate/devices/devices.h"
#include "kernel/mountfd.h"
#include "kernel/resolve.h"
#include "kernel/syscalls.h"

struct devices_run {
	const struct devices_plan *plan;
	const struct sources *sources;
	int root;
	int dev; /* "/dev" of the container */
};

static mode_t devices_type(const struct devices_node *node)
{
	if (node->type == 'p')
		return S_IFIFO;
	return node->type == 'b' ? S_IFBLK : S_IFCHR;
}

static bool devices_matches(const struct devices_node *node, const struct stat *st)
{
	return (st->st_mode & S_IFMT) == devices_type(node) &&
	       (node->type == 'p' || st->st_rdev == makedev(node->major, node->minor));
}

/* Most nodes are in /dev itself, which is open already. Gives an fd to close only when it is
 * another. */
static int devices_parent(const struct devices_run *run, const struct devices_node *node,
			  int *ret_parent, int *ret_owned, const char **ret_name, struct error *err)
{
	int r;

	if (strncmp(node->path, "/dev/", 5) == 0 && !strchr(node->path + 5, '/') &&
	    node->path[5] != '\0' && node->path[5] != '.') {
		*ret_parent = run->dev;
		*ret_name = node->path + 5;
		return 0;
	}
	r = resolve_parent(run->root, node->path, true, ret_owned, ret_name, err);
	if (r < 0)
		return r;
	*ret_parent = *ret_owned;
	return 0;
}

/* A node that was there before, or one made by us that is to have another owner. */
static int devices_check(const struct devices_node *node, int parent, const char *name, bool made,
			 struct error *err)
{
	auto_close int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, errno, "look at it");
	if (!devices_matches(node, &st))
		return error_set(err, EEXIST, "another file is there already");
	if (made && fchownat(fd, "", node->uid, node->gid, AT_EMPTY_PATH) < 0)
		return error_errno(err, errno, "change the owner to %u:%u", node->uid, node->gid);
	return 0;
}

static int devices_make(const struct devices_node *node, int parent, const char *name,
			struct error *err)
{
	dev_t device = node->type == 'p' ? 0 : makedev(node->major, node->minor);

	if (mknodat(parent, name, devices_type(node) | node->mode, device) < 0) {
		if (errno != EEXIST)
			return error_errno(err, errno, "mknod");
		return devices_check(node, parent, name, false, err);
	}
	if (node->uid == 0 && node->gid == 0)
		return 0;
	return devices_check(node, parent, name, true, err);
}

static int devices_clone_prepared(const struct devices_run *run, const struct devices_node *node,
				  int *ret_fd, struct error *err)
{
	char name[DEVICES_NAME_SIZE];

	devices_prepared_name((size_t)(node - run->plan->nodes), name);
	return mountfd_clone(run->plan->filesystem, name, false, true, ret_fd, err);
}

/* Only the host's root can make a device; what it has made keeps its owner and mode. */
static int devices_clone_host(const struct devices_run *run, const struct devices_node *node,
			      int *ret_fd, struct error *err)
{
	const struct mountfd_change device = {.set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC};
	struct sources_request request = {.path = node->path};
	auto_close int fd = -EBADF;
	struct stat st;
	int r = sources_clone(run->sources, &request, &fd, err);

	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0 || !devices_matches(node, &st)) {
		error_set(err, ENODEV, "the host's %s is not the device %c %u:%u", node->path,
			  node->type, node->major, node->minor);
		return error_hint(err, "in a user namespace only devices of the host can be given");
	}
	r = mountfd_change(fd, &device);
	if (r < 0)
		return error_errno(err, -r, "forbid to execute it");
	*ret_fd = fd_take(&fd);
	return 0;
}

static int devices_bind(const struct devices_run *run, const struct devices_node *node, int parent,
			const char *name, struct error *err)
{
	auto_close int fd = -EBADF, target = -EBADF;
	struct stat st;
	int r;

	r = node->prepared ? devices_clone_prepared(run, node, &fd, err)
			   : devices_clone_host(run, node, &fd, err);
	if (r < 0)
		return r;
	if (mknodat(parent, name, S_IFREG | 0644, 0) < 0 && errno != EEXIST)
		return error_errno(err, errno, "make file");
	target = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (target < 0)
		return error_errno(err, errno, "open file");
	if (fstat(target, &st) < 0 || S_ISLNK(st.st_mode) || S_ISDIR(st.st_mode))
		return error_set(err, EEXIST, "another file is there already");
	r = mountfd_attach(fd, target);
	if (r < 0)
		return error_errno(err, -r, "attach");
	return 0;
}

static int devices_apply_node(const struct devices_run *run, const struct devices_node *node,
			      struct error *err)
{
	auto_close int owned = -EBADF;
	const char *name;
	int parent, r;

	r = devices_parent(run, node, &parent, &owned, &name, err);
	if (r < 0)
		return r;
	/* A FIFO is nobody's device. */
	if (run->plan->bind && node->type != 'p')
		return devices_bind(run, node, parent, name, err);
	return devices_make(node, parent, name, err);
}

static int devices_apply_nodes(const struct devices_run *run, struct error *err)
{
	for (size_t i = 0; i < run->plan->count; i++) {
		const struct devices_node *node = &run->plan->nodes[i];

		if (devices_apply_node(run, node, err) < 0) {
			error_wrap(err, "make device %s", node->path);
			if (node->configured)
				error_at(err, "linux.devices[%zu]", node->index);
			return -err->number;
		}
	}
	return 0;
}

/* Links of an image stay, but for ptmx: it must be that of the container's own devpts. */
static int devices_apply_links(int dev, struct error *err)
{
	static const struct {
		const char *target, *name;
	} links[] = {
		{"/proc/self/fd", "fd"},       {"/proc/self/fd/0", "stdin"},
		{"/proc/self/fd/1", "stdout"}, {"/proc/self/fd/2", "stderr"},
		{"/proc/kcore", "core"},       {"pts/ptmx", "ptmx"},
	};

	for (size_t i = 0; i < array_size(links); i++) {
		const char *name = links[i].name;

		if (strcmp(name, "core") == 0 && access(links[i].target, F_OK) < 0)
			continue;
		if (symlinkat(links[i].target, dev, name) == 0)
			continue;
		if (errno == EEXIST && strcmp(name, "ptmx") != 0)
			continue;
		if (errno != EEXIST || unlinkat(dev, name, 0) < 0 ||
		    symlinkat(links[i].target, dev, name) < 0)
			return error_errno(err, errno, "make link /dev/%s", name);
	}
	return 0;
}

/* What an image has there as a link would be filled wherever it leads to. */
static int devices_open_dev(int root, int *ret_dev, struct error *err)
{
	auto_close int fd = resolve_open(root, "/dev", O_PATH | O_NOFOLLOW);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode))
		return error_set(err, ELOOP, "/dev is a symbolic link in the root filesystem");
	return resolve_make_directory(root, "/dev", ret_dev, err);
}

/* Before Linux 6.15 a clone can be had only of what is attached. It covers the root for a while,
 * which nothing notices that goes by the root's descriptor. */
static int devices_attach_prepared(const struct devices_run *run, struct error *err)
{
	int r = mountfd_attach(run->plan->filesystem, run->root);

	return r < 0 ? error_errno(err, -r, "attach the devices") : 0;
}

static int devices_detach_prepared(const struct devices_plan *plan, struct error *err)
{
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", plan->filesystem);
	r = sys_umount2(path, MNT_DETACH);
	return r < 0 ? error_errno(err, -r, "detach the devices") : 0;
}

int devices_apply(const struct devices_plan *plan, int root, const struct sources *sources,
		  struct error *err)
{
	struct devices_run run = {.plan = plan, .sources = sources, .root = root};
	auto_close int dev = -EBADF;
	mode_t umask_before;
	int r;

	if (plan->count == 0 && !plan->links)
		return 0;
	r = devices_open_dev(root, &dev, err);
	if (r < 0)
		return r;
	run.dev = dev;
	if (plan->prepared) {
		r = devices_attach_prepared(&run, err);
		if (r < 0)
			return r;
	}
	umask_before = umask(0);
	r = devices_apply_nodes(&run, err);
	(void)umask(umask_before);
	if (r == 0 && plan->prepared)
		r = devices_detach_prepared(plan, err);
	if (r == 0 && plan->links)
		r = devices_apply_links(dev, err);
	return r;
}
