/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each mount is built detached, gets its attributes, and is attached to a descriptor of its target:
 * nothing is ever mounted by a path, and nothing is visible before it is as it shall be.
 */
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "base/fd.h"
#include "base/log.h"
#include "isolate/mounts/step.h"
#include "kernel/resolve.h"
#include "kernel/syscalls.h"

/* "mode" of a tmpfs, "context", and the superblock's flags. */
#define MOUNTS_DEFAULTS_MAX (2 + MOUNT_OPTIONS_SUPERBLOCK_MAX)

uint64_t mounts_attributes(const struct mounts_step *step)
{
	const struct mount_options *options = &step->options;
	uint64_t set = options->set & ~options->recursive_clear;

	/* A new mount has no submounts: the recursive forms are the same as the others. */
	set |= options->recursive_set;
	return step->readonly_last ? set & ~(uint64_t)MOUNT_ATTR_RDONLY : set;
}

int mounts_propagate(const struct mounts_step *step, int mount, struct error *err)
{
	const struct mount_options *options = &step->options;

	for (size_t i = 0; i < options->propagation_count; i++) {
		struct mountfd_change change = {
			.propagation = options->propagations[i] & ~(unsigned long)MS_REC,
			.recursive = options->propagations[i] & MS_REC,
		};
		int r = mountfd_change(mount, &change);

		if (r < 0)
			return error_errno(err, -r, "change propagation");
	}
	return 0;
}

/* The kernel says EINVAL to many things; a directory on a file is the one that people do. */
static int mounts_explain_attach(int mount, int target, int number, struct error *err)
{
	struct stat from, to;

	if (number == EINVAL && fstat(mount, &from) == 0 && fstat(target, &to) == 0 &&
	    S_ISDIR(from.st_mode) != S_ISDIR(to.st_mode)) {
		error_errno(err, ENOTDIR, "%s",
			    S_ISDIR(from.st_mode) ? "a directory cannot be mounted on a file"
						  : "a file cannot be mounted on a directory");
		return -ENOTDIR;
	}
	return error_errno(err, number, "attach");
}

int mounts_attach(const struct mounts_run *run, const struct mounts_step *step, int mount,
		  int target, struct error *err)
{
	int r = mountfd_attach(mount, target);

	if (r < 0)
		return mounts_explain_attach(mount, target, -r, err);
	if (run->context->attached)
		run->context->attached(mount, run->context->attached_data);
	/* Afterwards, for attaching below a shared mount makes every mount shared. */
	return mounts_propagate(step, mount, err);
}

/* EPERM is what the kernel says about a flag that a more privileged user namespace has set. */
static int mounts_change(int fd, const struct mountfd_change *change, struct error *err)
{
	int r = mountfd_change(fd, change);

	if (r == -EPERM) {
		error_errno(err, EPERM, "set mount attributes");
		return error_hint(err,
				  "a flag of the host's mount (ro, nosuid, nodev, noexec, atime) "
				  "cannot be taken away in a user namespace");
	}
	if (r < 0)
		return error_errno(err, -r, "set mount attributes");
	return 0;
}

static int mounts_change_all(int fd, const struct mount_options *options, struct error *err)
{
	struct mountfd_change plain = {.set = options->set, .clear = options->clear};
	struct mountfd_change recursive = {
		.set = options->recursive_set,
		.clear = options->recursive_clear,
		.recursive = true,
	};
	int r;

	r = mounts_change(fd, &plain, err);
	if (r < 0)
		return r;
	return mounts_change(fd, &recursive, err);
}

int mounts_clone(const struct mounts_run *run, const struct mounts_step *step, const char *source,
		 bool recursive, int *ret_fd, struct error *err)
{
	struct sources_request request = {
		.path = source,
		.recursive = recursive,
		.nofollow = step->options.src_nofollow || step->options.copy_symlink,
	};
	auto_close int fd = -EBADF;
	int r;

	if (step->idmapped) {
		request.idmap = step->idmap.uids.count > 0 ? &step->idmap : NULL;
		request.idmap_container = !request.idmap;
		request.idmap_recursive = step->options.ridmap;
	}
	r = sources_clone(&run->context->sources, &request, &fd, err);
	if (r < 0)
		return r;
	r = mounts_change_all(fd, &step->options, err);
	if (r < 0)
		return r;
	*ret_fd = fd_take(&fd);
	return 0;
}

/* With copy-symlink a source that is a link is not mounted but made again in the root. */
static int mounts_copy_symlink(const struct mounts_run *run, const struct mounts_step *step,
			       int source, struct error *err)
{
	char target[4096], existing[sizeof(target)];
	auto_close int parent = -EBADF;
	const char *name;
	ssize_t length;
	int r;

	length = readlinkat(source, "", target, sizeof(target) - 1);
	if (length < 0)
		return error_errno(err, errno, "read link %s", step->source);
	target[length] = '\0';
	r = resolve_parent(run->context->root, step->config->destination, true, &parent, &name,
			   err);
	if (r < 0)
		return r;
	if (symlinkat(target, parent, name) == 0)
		return 0;
	if (errno != EEXIST)
		return error_errno(err, errno, "make link");
	length = readlinkat(parent, name, existing, sizeof(existing) - 1);
	if (length < 0)
		return error_errno(err, EEXIST, "make link");
	existing[length] = '\0';
	if (strcmp(existing, target) != 0)
		return error_set(err, EEXIST, "there is another link at the destination, to %s",
				 existing);
	return 0;
}

static int mounts_bind(const struct mounts_run *run, const struct mounts_step *step,
		       struct error *err)
{
	auto_close int fd = -EBADF, target_fd = -EBADF;
	struct mounts_target target;
	struct statfs fs;
	struct stat st;
	int r;

	r = mounts_clone(run, step, step->source, step->options.rbind, &fd, err);
	if (r < 0)
		return r;
	if (step->options.copy_symlink && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode))
		return mounts_copy_symlink(run, step, fd, err);
	if (step->place == MOUNTS_PROC && (fstatfs(fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC))
		return error_set(err, EINVAL, "%s cannot be mounted on /proc, only a procfs",
				 step->source);
	r = mounts_open_for(run, step, fd, &target, err);
	if (r < 0)
		return r;
	target_fd = target.fd;
	return mounts_attach(run, step, fd, target_fd, err);
}

/*
 * Superblocks of the kernel's own filesystems are shared between all who mount them (a pod's
 * containers share the sysfs of their network namespace): "ro" is for the mount alone there.
 */
static bool mounts_shares_superblock(const char *type)
{
	static const char *const shared[] = {
		"proc",	   "sysfs", "mqueue",	  "cgroup",   "cgroup2",  "devtmpfs", "debugfs",
		"tracefs", "bpf",   "securityfs", "efivarfs", "configfs", "devpts"};

	for (size_t i = 0; i < array_size(shared); i++)
		if (strcmp(type, shared[i]) == 0)
			return true;
	return false;
}

/* mountLabel is an option, context= or what the annotation says, where files have no label of their
 * own. */
static bool mounts_takes_context(const char *type)
{
	return strcmp(type, "proc") != 0 && strcmp(type, "sysfs") != 0 &&
	       strcmp(type, "mqueue") != 0;
}

struct mounts_defaults {
	struct mountfd_option items[MOUNTS_DEFAULTS_MAX];
	size_t count;
	char mode[8];
};

static void mounts_fill_defaults(const struct mounts_run *run, const struct mounts_step *step,
				 const struct mounts_target *target, struct mounts_defaults *out)
{
	const char *type = step->config->type;
	unsigned int without = 0;

	out->count = 0;
	if (strcmp(type, "tmpfs") == 0 && target->existed &&
	    !mount_options_has(&step->options, "mode")) {
		(void)snprintf(out->mode, sizeof(out->mode), "%04o", target->mode & 07777);
		out->items[out->count++] =
			(struct mountfd_option){.key = "mode", .value = out->mode};
	}
	if (run->label && mounts_takes_context(type) &&
	    !mount_options_has(&step->options, run->label_option))
		out->items[out->count++] =
			(struct mountfd_option){.key = run->label_option, .value = run->label};
	if (step->readonly_last || mounts_shares_superblock(type))
		without = MOUNT_OPTIONS_RO;
	out->count +=
		mount_options_superblock(&step->options, false, without, &out->items[out->count]);
}

/* The kernel's own words have the option in quotes. */
static bool mounts_names_option(const char *words, const char *option)
{
	char quoted[32];

	(void)snprintf(quoted, sizeof(quoted), "'%s'", option);
	return strstr(words, quoted);
}

/* What to do about the refusals that people meet, which is more than the kernel's own words. */
static int mounts_explain(const struct mounts_run *run, const struct mounts_step *step,
			  struct error *err)
{
	const char *type = step->config->type;

	if (err->number == ENOTBLK) {
		err->hint[0] = '\0';
		return error_hint(err,
				  "%s is no block device: attach an image file with losetup and "
				  "name the loop device",
				  step->config->source ? step->config->source : "the source");
	}
	if (err->number == EINVAL && run->label &&
	    mounts_names_option(err->hint, run->label_option)) {
		err->hint[0] = '\0';
		return error_hint(err,
				  "linux.mountLabel needs SELinux and a filesystem with labels");
	}
	if (err->number == EINVAL && strcmp(type, "devpts") == 0)
		return error_hint(err,
				  "the ids of uid= and gid= must be mapped in the user namespace");
	if (err->number == EPERM && strcmp(type, "proc") == 0)
		return error_hint(err,
				  "a procfs needs a pid namespace of its own and all of the host's "
				  "/proc in sight; else bind /proc");
	if (err->number == EPERM)
		return error_hint(err, "%s cannot be mounted in a user namespace", type);
	return -err->number;
}

/* The sysfs of a network namespace belongs to that one's user namespace; without it there is the
 * host's own, which must then not be written to. */
static int mounts_bind_sysfs(const struct mounts_run *run, const struct mounts_step *step,
			     int *ret_fd, struct error *err)
{
	struct mountfd_change readonly = {.set = MOUNT_ATTR_RDONLY, .recursive = true};
	auto_close int fd = -EBADF;
	int r;

	r = mounts_clone(run, step, "/sys", true, &fd, err);
	if (r < 0)
		return r;
	r = mounts_change(fd, &readonly, err);
	if (r < 0)
		return r;
	*ret_fd = fd_take(&fd);
	return 0;
}

/* SELinux: the files of an mqueue get their label from the mount's root. */
static int mounts_label_root(int mount, const char *label, struct error *err)
{
	auto_close int fd = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsetxattr(fd, "security.selinux", label, strlen(label) + 1, 0) < 0)
		return error_errno(err, errno, "label %s", label);
	return 0;
}

static int mounts_make(const struct mounts_run *run, const struct mounts_step *step,
		       const struct mounts_target *target, const char *device, int *ret_fd,
		       struct error *err)
{
	const char *type = step->config->type;
	struct mounts_defaults defaults;
	struct mountfd_filesystem filesystem = {
		.type = type,
		.source = step->config->source ? step->config->source : type,
		.options = step->options.filesystem,
		.option_count = step->options.filesystem_count,
		.defaults = defaults.items,
		.attributes = mounts_attributes(step),
	};
	int r;

	if (device)
		filesystem.source = device;
	mounts_fill_defaults(run, step, target, &defaults);
	filesystem.default_count = defaults.count;
	r = mountfd_create(&filesystem, ret_fd, err);
	if (r == -EPERM && strcmp(type, "sysfs") == 0 && run->context)
		return mounts_bind_sysfs(run, step, ret_fd, err);
	if (r < 0)
		return mounts_explain(run, step, err);
	if (run->label && strcmp(type, "mqueue") == 0) {
		r = mounts_label_root(*ret_fd, run->label, err);
		if (r < 0)
			*ret_fd = fd_close(*ret_fd);
	}
	return r;
}

int mounts_create(const struct mounts_run *run, const struct mounts_step *step, const char *device,
		  int *ret_fd, struct error *err)
{
	const struct mounts_target unknown = {.fd = -EBADF};

	return mounts_make(run, step, &unknown, device, ret_fd, err);
}

static int mounts_filesystem(const struct mounts_run *run, const struct mounts_step *step,
			     struct error *err)
{
	auto_close int fd = -EBADF, target_fd = -EBADF;
	struct mounts_target target;
	int mount, r;

	r = mounts_open_directory(run, step, &target, err);
	if (r < 0)
		return r;
	target_fd = target.fd;
	if (mounts_needs_legacy(step))
		return mounts_legacy(run, step, target_fd, err);
	if (step->prepared < 0) {
		r = mounts_make(run, step, &target, NULL, &fd, err);
		if (r < 0)
			return r;
	}
	mount = step->prepared < 0 ? fd : step->prepared;
	if (step->options.tmpcopyup && target.existed) {
		r = mounts_copy_up(target_fd, mount, err);
		if (r < 0)
			return error_wrap(err, "tmpcopyup");
	}
	return mounts_attach(run, step, mount, target_fd, err);
}

/* As mount(8) does: what is not named stays. A bind's remount is for the mount alone. */
static int mounts_remount(const struct mounts_run *run, const struct mounts_step *step,
			  struct error *err)
{
	const struct mount_options *options = &step->options;
	struct mountfd_option flags[2 * MOUNT_OPTIONS_SUPERBLOCK_MAX];
	struct mountfd_filesystem filesystem = {
		.type = step->config->type ? step->config->type : "mount",
		.defaults = flags,
		.options = options->filesystem,
		.option_count = options->filesystem_count,
	};
	auto_close int fd = -EBADF;
	bool superblock;
	int r;

	filesystem.default_count = mount_options_superblock(options, true, MOUNT_OPTIONS_RO, flags);
	filesystem.default_count += mount_options_superblock(options, false, MOUNT_OPTIONS_RO,
							     flags + filesystem.default_count);
	superblock = !options->bind && !options->rbind &&
		     filesystem.default_count + filesystem.option_count > 0;
	/* A superblock may be the host's, that of a volume: no link of the image chooses it. */
	fd = superblock ? resolve_open_plain(run->context->root, step->config->destination, O_PATH)
			: resolve_open(run->context->root, step->config->destination, O_PATH);
	if (fd == -ELOOP && superblock)
		return error_set(err, ELOOP,
				 "a filesystem's options are not changed through a symbolic link");
	if (fd < 0)
		return error_errno(err, -fd, "open the destination");
	if (superblock) {
		r = mountfd_reconfigure(fd, &filesystem, err);
		if (r < 0)
			return r;
	}
	r = mounts_change_all(fd, options, err);
	if (r == -EINVAL)
		return error_set(err, EINVAL, "nothing is mounted there to be remounted");
	if (r < 0)
		return r;
	return mounts_propagate(step, fd, err);
}

static int mounts_apply_step(const struct mounts_run *run, const struct mounts_step *step,
			     struct error *err)
{
	switch (step->kind) {
	case MOUNTS_BIND:
		return mounts_bind(run, step, err);
	case MOUNTS_FILESYSTEM:
		return mounts_filesystem(run, step, err);
	case MOUNTS_CGROUP:
		return mounts_cgroup(run, step, err);
	case MOUNTS_REMOUNT:
		return mounts_remount(run, step, err);
	}
	return error_set(err, EINVAL, "unknown kind of mount");
}

/* Sysfs shows the network namespace of its maker, and filesystems on servers are reached by it. */
static bool mounts_needs_network(const struct mounts_step *step)
{
	static const char *const without[] = {"proc", "tmpfs", "devpts", "mqueue"};

	if (step->kind != MOUNTS_FILESYSTEM || step->prepared >= 0)
		return false;
	for (size_t i = 0; i < array_size(without); i++)
		if (strcmp(step->config->type, without[i]) == 0)
			return false;
	return true;
}

static const char *mounts_describe(const struct mounts_step *step)
{
	if (step->kind == MOUNTS_BIND)
		return step->source;
	return step->config->type ? step->config->type : "remount";
}

int mounts_apply(const struct mounts_plan *plan, const struct mounts_context *context,
		 struct error *err)
{
	struct mounts_run run = {
		.context = context,
		.label = plan->label,
		.label_option = plan->label_option,
	};
	bool networked = !context->network;
	int r;

	r = mounts_look_at_root(&run, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < plan->count; i++) {
		const struct mounts_step *step = &plan->steps[i];

		if (!networked && mounts_needs_network(step)) {
			r = context->network(context->network_data, err);
			if (r < 0)
				return r;
			networked = true;
		}
		if (mounts_apply_step(&run, step, err) < 0) {
			error_wrap(err, "mount %s on %s", mounts_describe(step),
				   step->config->destination);
			return error_at(err, "mounts[%zu]", step->index);
		}
	}
	return 0;
}

int mounts_reapply(const struct mounts_plan *plan, int root, struct error *err)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct mounts_step *step = &plan->steps[i];
		auto_close int fd = -EBADF;
		int r;

		if (step->kind != MOUNTS_BIND || step->options.copy_symlink)
			continue;
		fd = resolve_open(root, step->config->destination,
				  O_PATH | (step->options.dest_nofollow ? O_NOFOLLOW : 0));
		r = fd < 0 ? error_errno(err, -fd, "open %s", step->config->destination)
			   : mounts_change_all(fd, &step->options, err);
		if (r < 0)
			return error_at(err, "mounts[%zu]", step->index);
	}
	return 0;
}

int mounts_make_readonly(const struct mounts_plan *plan, int root, struct error *err)
{
	struct mountfd_change readonly = {.set = MOUNT_ATTR_RDONLY};

	for (size_t i = 0; i < plan->count; i++) {
		const struct mounts_step *step = &plan->steps[i];
		auto_close int fd = -EBADF;
		int r;

		if (!step->readonly_last)
			continue;
		fd = resolve_open(root, step->config->destination, O_PATH | O_DIRECTORY);
		r = fd < 0 ? fd : mountfd_change(fd, &readonly);
		if (r < 0) {
			error_errno(err, -r, "make %s read-only", step->config->destination);
			return error_at(err, "mounts[%zu]", step->index);
		}
	}
	return 0;
}
