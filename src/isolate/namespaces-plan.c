/* SPDX-License-Identifier: Apache-2.0 */
/* What is decided about namespaces, and the descriptors of those that are joined. */
#include "isolate/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "kernel/nsfs.h"
#include "kernel/syscalls.h"
#include "oci-spec/oci-spec.h"

static int namespaces_plan_one(const struct oci_namespaces *config, size_t i,
			       struct namespaces_plan *plan, struct error *err)
{
	const struct oci_namespace *item = &config->items[i];

	if (!oci_enum_name(oci_namespace_types, item->type)) {
		error_set(err, EINVAL, "is no type of namespace");
		return error_at(err, "linux.namespaces[%zu].type", i);
	}
	if (plan->private & item->type) {
		error_set(err, EINVAL, "\"%s\" is there more than once",
			  oci_enum_name(oci_namespace_types, item->type));
		return error_at(err, "linux.namespaces[%zu].type", i);
	}
	plan->private |= item->type;
	if (!item->path || item->path[0] == '\0') {
		plan->fresh |= item->type;
		return 0;
	}
	plan->joins[plan->join_count++] = (struct namespaces_join){
		.type = item->type,
		.path = item->path,
		.index = i,
	};
	return 0;
}

static int namespaces_plan_offsets(const struct oci_time_offsets *offsets,
				   struct namespaces_plan *plan, struct error *err)
{
	if (offsets->count == 0)
		return 0;
	if (!(plan->fresh & CLONE_NEWTIME)) {
		error_set(err, EINVAL, "needs a new time namespace in linux.namespaces");
		return error_at(err, "linux.timeOffsets");
	}
	for (size_t i = 0; i < offsets->count; i++) {
		const char *clock = offsets->items[i].clock;

		if (strcmp(clock, "monotonic") != 0 && strcmp(clock, "boottime") != 0) {
			error_set(err, EINVAL, "\"%s\" is no clock of a time namespace", clock);
			error_hint(err, "use \"monotonic\" or \"boottime\"");
			return error_at(err, "linux.timeOffsets[\"%s\"]", clock);
		}
	}
	plan->time_offsets = offsets;
	return 0;
}

int namespaces_plan(const struct oci_linux *linux_config, struct namespaces_plan *ret_plan,
		    struct error *err)
{
	struct namespaces_plan plan = {0};
	int r;

	for (size_t i = 0; linux_config && i < linux_config->namespaces.count; i++) {
		r = namespaces_plan_one(&linux_config->namespaces, i, &plan, err);
		if (r < 0)
			return r;
	}
	if (linux_config) {
		r = namespaces_plan_offsets(&linux_config->time_offsets, &plan, err);
		if (r < 0)
			return r;
	}
	*ret_plan = plan;
	return 0;
}

void namespaces_fds_init(struct namespaces_fds *fds)
{
	for (size_t i = 0; i < NAMESPACES_MAX; i++)
		fds->fds[i] = -EBADF;
}

void namespaces_fds_close(struct namespaces_fds *fds)
{
	for (size_t i = 0; i < NAMESPACES_MAX; i++)
		fds->fds[i] = fd_close(fds->fds[i]);
}

static int namespaces_open_one(const struct namespaces_join *join, int *ret_fd, struct error *err)
{
	/* O_NONBLOCK: a FIFO put in its place must not stall us. */
	auto_close int fd = open(join->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	uint64_t type;

	if (fd < 0)
		return error_errno(err, errno, "open %s", join->path);
	type = nsfs_type(fd);
	if (type == 0) {
		error_set(err, EINVAL, "%s is no namespace", join->path);
		return error_hint(err, "/proc/PID/ns/%s or a bind mount of one is needed",
				  nsfs_name(join->type));
	}
	if (type != join->type)
		return error_set(err, EINVAL, "%s is a namespace of type \"%s\", not \"%s\"",
				 join->path, oci_enum_name(oci_namespace_types, type),
				 oci_enum_name(oci_namespace_types, join->type));
	if (type != CLONE_NEWUSER || !nsfs_is_own(fd, CLONE_NEWUSER))
		*ret_fd = fd_take(&fd);
	return 0;
}

int namespaces_open(const struct namespaces_plan *plan, struct namespaces_fds *ret_fds,
		    struct error *err)
{
	struct namespaces_fds fds;

	namespaces_fds_init(&fds);
	for (size_t i = 0; i < plan->join_count; i++) {
		int r = namespaces_open_one(&plan->joins[i], &fds.fds[i], err);

		if (r < 0) {
			namespaces_fds_close(&fds);
			return error_at(err, "linux.namespaces[%zu].path", plan->joins[i].index);
		}
	}
	*ret_fds = fds;
	return 0;
}
