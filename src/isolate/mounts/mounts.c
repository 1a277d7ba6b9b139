/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/mounts/mounts.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/path.h"
#include "kernel/syscalls.h"
#include "oci-spec/annotations.h"

static bool mounts_has_namespace(const struct oci_config *config, uint64_t type)
{
	for (size_t i = 0; config->linux && i < config->linux->namespaces.count; i++)
		if (config->linux->namespaces.items[i].type == type)
			return true;
	return false;
}

/* The files below /proc that may be covered: those that lxcfs emulates, as in runc's list. */
static bool mounts_may_cover(const char *destination)
{
	static const char *const allowed[] = {
		"/proc/cpuinfo",
		"/proc/diskstats",
		"/proc/loadavg",
		"/proc/meminfo",
		"/proc/net/dev",
		"/proc/slabinfo",
		"/proc/stat",
		"/proc/swaps",
		"/proc/sys/crypto/fips_enabled",
		"/proc/uptime",
		"/proc/sys/kernel/ns_last_pid",
	};

	for (size_t i = 0; i < array_size(allowed); i++)
		if (strcmp(destination, allowed[i]) == 0)
			return true;
	return false;
}

static int mounts_plan_place(struct mounts_step *step, const char *destination, struct error *err)
{
	const char *type = step->config->type;

	if (strcmp(destination, "/") == 0)
		return error_set(err, EINVAL, "a mount cannot cover the root filesystem itself");
	if (strcmp(destination, "/proc") == 0) {
		step->place = MOUNTS_PROC;
		if (step->kind == MOUNTS_BIND || step->kind == MOUNTS_REMOUNT ||
		    strcmp(type, "proc") == 0)
			return 0;
		return error_set(err, EINVAL, "%s cannot be mounted on /proc, only a procfs", type);
	}
	if (path_is_below(destination, "/proc") && step->kind != MOUNTS_REMOUNT) {
		step->place = MOUNTS_BELOW_PROC;
		if (!mounts_may_cover(destination))
			return error_set(err, EPERM, "%s is inside /proc, which may not be covered",
					 destination);
	}
	return 0;
}

static int mounts_plan_kind(struct mounts_step *step, struct error *err)
{
	const struct mount_options *options = &step->options;
	const char *type = step->config->type;

	if (options->remount) {
		step->kind = MOUNTS_REMOUNT;
	} else if (options->bind || options->rbind || (type && strcmp(type, "bind") == 0)) {
		step->kind = MOUNTS_BIND;
	} else if (!type || type[0] == '\0') {
		error_set(err, EINVAL, "a mount needs a type, or bind or rbind among its options");
		return error_at(err, "mounts[%zu]", step->index);
	} else if (strcmp(type, "cgroup") == 0 || strcmp(type, "cgroup2") == 0) {
		step->kind = MOUNTS_CGROUP;
	} else {
		step->kind = MOUNTS_FILESYSTEM;
	}
	return 0;
}

static int mounts_plan_source(struct mounts_step *step, const char *bundle, struct error *err)
{
	const char *source = step->config->source;
	int length;

	if (step->kind != MOUNTS_BIND)
		return 0;
	if (!source || source[0] == '\0') {
		error_set(err, EINVAL, "a bind mount needs a source");
		return error_at(err, "mounts[%zu]", step->index);
	}
	/* Not cleaned: "link/.." is the kernel's to resolve. */
	if (source[0] == '/')
		length = asprintf(&step->source, "%s", source);
	else
		length = asprintf(&step->source, "%s/%s", bundle, source);
	if (length < 0) {
		step->source = NULL;
		return error_errno(err, ENOMEM, "mounts");
	}
	return 0;
}

/* Options that cannot go with the kind of mount. */
static int mounts_plan_options(const struct mounts_step *step, struct error *err)
{
	const struct mount_options *options = &step->options;
	const struct oci_mount *config = step->config;

	if (step->kind == MOUNTS_BIND && options->filesystem_count > 0)
		return error_set(err, EINVAL,
				 "a bind mount cannot have options of a filesystem: %s",
				 options->filesystem[0].key);
	if (options->tmpcopyup &&
	    (step->kind != MOUNTS_FILESYSTEM || strcmp(config->type, "tmpfs") != 0))
		return error_set(err, EINVAL, "tmpcopyup is for mounts of type tmpfs only");
	if ((options->copy_symlink || options->src_nofollow || options->dest_nofollow) &&
	    step->kind != MOUNTS_BIND)
		return error_set(err, EINVAL,
				 "copy-symlink, src-nofollow and dest-nofollow are for binds only");
	return 0;
}

/* config.md#mounts: maps of its own without idmap among the options are as good as with it. */
static int mounts_plan_idmap(struct mounts_step *step, bool user_namespace, struct error *err)
{
	const struct mount_options *options = &step->options;
	const struct oci_mount *config = step->config;
	size_t uids = config->uid_mappings.count, gids = config->gid_mappings.count;

	step->idmapped = options->idmap || options->ridmap || uids > 0 || gids > 0;
	if (!step->idmapped)
		return 0;
	if (step->kind != MOUNTS_BIND && step->kind != MOUNTS_FILESYSTEM)
		return error_set(err, EINVAL,
				 "only a bind mount or a new filesystem can be id-mapped");
	if (step->kind == MOUNTS_FILESYSTEM && mounts_needs_legacy(step))
		return error_set(err, EINVAL,
				 "a mount with an option longer than 255 bytes cannot be "
				 "id-mapped");
	if ((uids > 0) != (gids > 0))
		return error_set(
			err, EINVAL,
			"an id-mapped mount needs both uidMappings and gidMappings, or neither");
	if (uids == 0 && !user_namespace)
		return error_set(err, EINVAL,
				 "idmap needs uidMappings and gidMappings, or a user namespace to "
				 "take them from");
	step->idmap =
		(struct idmap_plan){.uids = config->uid_mappings, .gids = config->gid_mappings};
	return 0;
}

static int mounts_plan_step(const struct oci_config *config, struct mounts_step *step,
			    const char *bundle, struct error *err)
{
	char absolute[PATH_MAX], destination[PATH_MAX];
	char field[32];
	int r;

	(void)snprintf(field, sizeof(field), "mounts[%zu]", step->index);
	if (snprintf(absolute, sizeof(absolute), "/%s", step->config->destination) >=
		    (int)sizeof(absolute) ||
	    path_clean(absolute, destination, sizeof(destination)) < 0) {
		error_errno(err, ENAMETOOLONG, "destination");
		return error_at(err, "%s.destination", field);
	}
	r = mount_options_parse(step->config, field, &step->options, err);
	if (r < 0)
		return r;
	r = mounts_plan_kind(step, err);
	if (r < 0)
		return r;
	if (mounts_plan_place(step, destination, err) < 0)
		return error_at(err, "%s.destination", field);
	if (mounts_plan_options(step, err) < 0)
		return error_at(err, "%s.options", field);
	if (mounts_plan_idmap(step, mounts_has_namespace(config, CLONE_NEWUSER), err) < 0)
		return error_at(err, "%s", field);
	if (step->kind == MOUNTS_FILESYSTEM && (step->options.set & MOUNT_ATTR_RDONLY))
		step->readonly_last = strcmp(step->config->type, "tmpfs") == 0 ||
				      strcmp(destination, "/dev") == 0;
	return mounts_plan_source(step, bundle, err);
}

int mounts_plan(const struct oci_config *config, const char *bundle, struct mounts_plan *ret_plan,
		struct error *err)
{
	struct mounts_plan plan = {
		.label = config->linux ? config->linux->mount_label : NULL,
		.label_option =
			oci_annotation_value(&config->annotations, "run.oci.mount_context_type"),
	};

	/* Without any user namespace they are made in the host's, see isolate/rootfs/rootfs.h. */
	if (config->mounts.count > 0 && !mounts_has_namespace(config, CLONE_NEWNS) &&
	    mounts_has_namespace(config, CLONE_NEWUSER)) {
		error_set(err, EINVAL, "in a user namespace mounts need a mount namespace");
		error_hint(err, "add {\"type\": \"mount\"} to linux.namespaces");
		return error_at(err, "mounts");
	}
	if (plan.label && plan.label[0] == '\0')
		plan.label = NULL;
	if (!plan.label_option)
		plan.label_option = "context";
	plan.steps = calloc(config->mounts.count + 1, sizeof(*plan.steps));
	if (!plan.steps)
		return error_errno(err, ENOMEM, "mounts");
	for (size_t i = 0; i < config->mounts.count; i++) {
		struct mounts_step *step = &plan.steps[plan.count++];
		int r;

		step->config = &config->mounts.items[i];
		step->index = i;
		step->prepared = -EBADF;
		r = mounts_plan_step(config, step, bundle, err);
		if (r < 0) {
			mounts_plan_clear(&plan);
			return r;
		}
	}
	*ret_plan = plan;
	return 0;
}

void mounts_plan_clear(struct mounts_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		free(plan->steps[i].source);
		plan->steps[i].prepared = fd_close(plan->steps[i].prepared);
		mount_options_clear(&plan->steps[i].options);
	}
	free(plan->steps);
	*plan = (struct mounts_plan){0};
}
