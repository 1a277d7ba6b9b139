/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts of type cgroup and cgroup2.
 *
 * In a cgroup namespace of its own a new mount shows the container's cgroup as the root. Without
 * one a new mount would show the whole hierarchy, and a new superblock made in the initial
 * namespace stalls for 10 to 20 ms; so the container's cgroup is bound instead.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "isolate/mounts/step.h"
#include "kernel/syscalls.h"

/* Options of one hierarchy: at most all 14 controllers of Linux and the two words of a named one.
 */
#define MOUNTS_CGROUP_OPTIONS_MAX 24

/*
 * A container without a cgroup of its own, in a user namespace, sees what its caller does. It may
 * not write there, whatever the options say: the caller may be allowed to (CVE-2023-25809).
 */
static int mounts_cgroup_whole(const struct mounts_run *run, const struct mounts_step *step,
			       int *ret_fd, struct error *err)
{
	struct mountfd_change readonly = {.set = MOUNT_ATTR_RDONLY, .recursive = true};
	auto_close int fd = -EBADF;
	int r;

	r = mounts_clone(run, step, run->context->cgroup_whole, true, &fd, err);
	if (r < 0)
		return r;
	r = mountfd_change(fd, &readonly);
	if (r < 0)
		return error_errno(err, -r, "make the host's cgroups read-only");
	*ret_fd = fd_take(&fd);
	return 0;
}

static int mounts_cgroup_unified(const struct mounts_run *run, const struct mounts_step *step,
				 int *ret_fd, struct error *err)
{
	const struct mounts_context *context = run->context;
	struct mountfd_filesystem filesystem = {
		.type = "cgroup2",
		.source = step->config->source ? step->config->source : "cgroup2",
		.options = step->options.filesystem,
		.option_count = step->options.filesystem_count,
		.attributes = mounts_attributes(step),
	};
	int r = -EPERM;

	if (context->cgroup_namespace || !context->cgroup_path)
		r = mountfd_create(&filesystem, ret_fd, err);
	/* EPERM: the cgroup namespace is not our user namespace's; EBUSY: a hierarchy of version 1
	 * has been mounted with the same controllers. */
	if ((r == -EPERM || r == -EBUSY) && context->cgroup_path)
		return mounts_clone(run, step, context->cgroup_path, true, ret_fd, err);
	if (r == -EPERM && context->cgroup_whole)
		return mounts_cgroup_whole(run, step, ret_fd, err);
	return r;
}

/* "cpu,cpuacct" or "none,name=systemd": one option for each word. `text` is cut to pieces. */
static size_t mounts_cgroup_split(char *text, struct mountfd_option *out)
{
	size_t count = 0;
	char *rest = text, *word;

	while (count < MOUNTS_CGROUP_OPTIONS_MAX && (word = strsep(&rest, ","))) {
		char *equals = strchr(word, '=');

		if (word[0] == '\0')
			continue;
		if (equals)
			*equals = '\0';
		out[count++] = (struct mountfd_option){
			.key = word,
			.value = equals ? equals + 1 : NULL,
		};
	}
	return count;
}

static int mounts_cgroup_hierarchy(const struct mounts_run *run, const struct mounts_step *step,
				   const struct mounts_hierarchy *hierarchy, int *ret_fd,
				   struct error *err)
{
	struct mountfd_option options[MOUNTS_CGROUP_OPTIONS_MAX];
	auto_free char *text = NULL;
	struct mountfd_filesystem filesystem = {
		/* Without controllers it is the cgroup2 of a hybrid host. */
		.type = hierarchy->options[0] ? "cgroup" : "cgroup2",
		.source = hierarchy->name,
		.options = options,
		.attributes = mounts_attributes(step),
	};
	int r;

	if (!run->context->cgroup_namespace && hierarchy->path)
		return mounts_clone(run, step, hierarchy->path, true, ret_fd, err);
	text = strdup(hierarchy->options);
	if (!text)
		return error_errno(err, ENOMEM, "cgroup options");
	filesystem.option_count = mounts_cgroup_split(text, options);
	r = mountfd_create(&filesystem, ret_fd, err);
	if (r == -EPERM && hierarchy->path)
		return mounts_clone(run, step, hierarchy->path, true, ret_fd, err);
	return r;
}

/* cpu -> cpu,cpuacct: programs look for a controller by its own name. */
static int mounts_cgroup_links(int tmpfs, const char *name, struct error *err)
{
	auto_free char *text = strdup(name);
	char *rest = text, *word;

	if (!text)
		return error_errno(err, ENOMEM, "cgroup links");
	if (!strchr(name, ','))
		return 0;
	while ((word = strsep(&rest, ",")))
		if (word[0] && symlinkat(name, tmpfs, word) < 0 && errno != EEXIST)
			return error_errno(err, errno, "make link %s", word);
	return 0;
}

static int mounts_cgroup_add(const struct mounts_run *run, const struct mounts_step *step,
			     int tmpfs, const struct mounts_hierarchy *hierarchy, struct error *err)
{
	auto_close int fd = -EBADF, target = -EBADF;
	int r;

	r = mounts_cgroup_hierarchy(run, step, hierarchy, &fd, err);
	if (r < 0)
		return r;
	if (mkdirat(tmpfs, hierarchy->name, 0755) < 0 && errno != EEXIST)
		return error_errno(err, errno, "make directory");
	target = openat(tmpfs, hierarchy->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (target < 0)
		return error_errno(err, errno, "open directory");
	r = mounts_attach(run, step, fd, target, err);
	if (r < 0)
		return r;
	return mounts_cgroup_links(tmpfs, hierarchy->name, err);
}

/* A tmpfs with one directory for each hierarchy, as distributions have it at /sys/fs/cgroup. */
static int mounts_cgroup_tree(const struct mounts_run *run, const struct mounts_step *step,
			      int target, struct error *err)
{
	struct mountfd_option options[2] = {{"mode", "755"}, {"context", run->label}};
	struct mountfd_filesystem filesystem = {
		.type = "tmpfs",
		.source = "tmpfs",
		.options = options,
		.option_count = run->label ? 2 : 1,
		.attributes = mounts_attributes(step) & ~(uint64_t)MOUNT_ATTR_RDONLY,
	};
	struct mountfd_change readonly = {.set = mounts_attributes(step) & MOUNT_ATTR_RDONLY};
	auto_close int tmpfs = -EBADF;
	int r;

	r = mountfd_create(&filesystem, &tmpfs, err);
	if (r < 0)
		return r;
	/* Attached first: before Linux 6.15 nothing can be mounted on a detached mount. */
	r = mounts_attach(run, step, tmpfs, target, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < run->context->hierarchy_count; i++) {
		const struct mounts_hierarchy *hierarchy = &run->context->hierarchies[i];

		r = mounts_cgroup_add(run, step, tmpfs, hierarchy, err);
		if (r < 0)
			return error_wrap(err, "hierarchy %s", hierarchy->name);
	}
	r = mountfd_change(tmpfs, &readonly);
	if (r < 0)
		return error_errno(err, -r, "make the tmpfs read-only");
	return 0;
}

int mounts_cgroup(const struct mounts_run *run, const struct mounts_step *step, struct error *err)
{
	auto_close int fd = -EBADF, target_fd = -EBADF;
	struct mounts_target target;
	int r;

	r = mounts_open_directory(run, step, &target, err);
	if (r < 0)
		return r;
	target_fd = target.fd;
	if (!run->context->cgroup_unified && strcmp(step->config->type, "cgroup2") != 0)
		return mounts_cgroup_tree(run, step, target_fd, err);
	r = mounts_cgroup_unified(run, step, &fd, err);
	if (r < 0)
		return r;
	return mounts_attach(run, step, fd, target_fd, err);
}
