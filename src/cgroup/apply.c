/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of resources.c onto the files of a cgroup. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/log.h"
#include "base/text.h"
#include "cgroup/backend.h"
#include "cgroup/devices/rules.h"
#include "cgroup/host.h"

/* What may come of a write and is no error yet. */
enum {
	WRITE_ABSENT = 1,  /* there is no such file (ENOENT) */
	WRITE_REFUSED = 2, /* the kernel does not take the value, perhaps only now (EINVAL) */
};

/* memory.checkBeforeUpdate: the kernel would reclaim and then kill to get below the limit. */
static int cgroup_check_usage(const struct cgroup *cgroup, const struct cgroup_member *member,
			      const struct cgroup_write *write, struct error *err)
{
	bool v2 = cgroup->backend == &cgroup_backend_v2;
	uint64_t usage, limit;

	if (text_parse_u64(write->value, &limit) < 0 ||
	    tree_read_u64(member->node.fd, v2 ? "memory.current" : "memory.usage_in_bytes",
			  &usage) < 0 ||
	    usage <= limit)
		return 0;
	error_set(err, EBUSY,
		  "the memory limit %" PRIu64 " is below the %" PRIu64
		  " bytes that cgroup %s uses now",
		  limit, usage, member->directory);
	return error_at(err, "%s", write->field);
}

static int cgroup_write_error(const struct cgroup_member *member, const struct cgroup_write *write,
			      int number, struct error *err)
{
	error_errno(err, number, "cgroup controller %s: write \"%s\" to %s of cgroup %s",
		    write->controller, write->value, write->file, member->directory);
	if (number == ENOENT)
		error_hint(err, "this kernel does not have the file");
	else if (number == EBUSY && strcmp(write->controller, "memory") == 0)
		error_hint(err, "more memory is in use than the limit allows");
	else if (number == EINVAL && strcmp(write->file, "memory.limit_in_bytes") == 0)
		error_hint(err,
			   "it may not exceed memory.swap, which is the limit of both together");
	else if (number == EINVAL && strcmp(write->file, "cpu.weight") == 0)
		error_hint(err, "an idle group (cpu.idle) takes no weight");
	else if (number == EACCES || number == EPERM || number == EROFS)
		error_hint(err, "it is not delegated to this user");
	return error_at(err, "%s", write->field);
}

/* Writes one file. Returns 0, WRITE_ABSENT, WRITE_REFUSED, or a negative errno with *err set. */
static int cgroup_write_once(struct cgroup *cgroup, const struct cgroup_member *member,
			     const struct cgroup_write *write, struct error *err)
{
	size_t mark = cgroup->undo ? cgroup_undo_mark(cgroup->undo) : 0;
	int r = 0;

	if (write->flags & CGROUP_WRITE_ABOVE_USAGE)
		r = cgroup_check_usage(cgroup, member, write, err);
	if (r < 0)
		return r;
	if (cgroup->undo && cgroup_undo_note(cgroup->undo, member->node.fd, write) < 0)
		return error_errno(err, ENOMEM, "note the old value of %s", write->file);
	r = io_write_value(member->node.fd, write->file, write->value);
	if (r < 0 && cgroup->undo)
		cgroup_undo_forget(cgroup->undo, mark);
	if (r == -ENOENT)
		return WRITE_ABSENT;
	if (r == -EINVAL)
		return WRITE_REFUSED;
	return r < 0 ? cgroup_write_error(member, write, -r, err) : 0;
}

/* Writes one value, with its controller made available if need be. Returns as cgroup_write_once().
 */
static int cgroup_write(struct cgroup *cgroup, const struct cgroup_write *write, struct error *err)
{
	const struct cgroup_member *member = cgroup_member_find(cgroup, write->controller);
	bool core = strcmp(write->controller, "cgroup") == 0;
	int r = member ? cgroup_write_once(cgroup, member, write, err) : WRITE_ABSENT;

	if (r != WRITE_ABSENT || (write->flags & (CGROUP_WRITE_OPTIONAL | CGROUP_WRITE_OR_NEXT)))
		return r;
	if (!member || (!core && !cgroup_list_has(cgroup->controllers, ' ', write->controller))) {
		r = cgroup->backend->enable(cgroup, write->controller, err);
		/* A hierarchy that is not there cannot be enabled: that always fails. */
		if (r < 0 || !member)
			return error_at(err, "%s", write->field);
		r = cgroup_write_once(cgroup, member, write, err);
	}
	return r == WRITE_ABSENT ? cgroup_write_error(member, write, ENOENT, err) : r;
}

/* Two values that bound each other: the first was refused, so the second goes first. */
static int cgroup_write_swapped(struct cgroup *cgroup, const struct cgroup_write *first,
				struct error *err)
{
	const struct cgroup_write *second = first + 1;
	int r = cgroup_write(cgroup, second, err);

	if (r == WRITE_REFUSED)
		return cgroup_write_error(cgroup_member_find(cgroup, second->controller), second,
					  EINVAL, err);
	return r < 0 ? r : cgroup_write(cgroup, first, err);
}

int cgroup_write_all(struct cgroup *cgroup, const struct cgroup_writes *writes, struct error *err)
{
	for (size_t i = 0; i < writes->count; i++) {
		const struct cgroup_write *write = &writes->items[i];
		int r = cgroup_unit_defers(cgroup, write) ? 0 : cgroup_write(cgroup, write, err);

		if (r == 0 && (write->flags & CGROUP_WRITE_OR_NEXT))
			i++;
		if (r == WRITE_REFUSED && (write->flags & CGROUP_WRITE_OR_AFTER_NEXT)) {
			r = cgroup_write_swapped(cgroup, write, err);
			i++;
		}
		if (r == WRITE_REFUSED)
			return cgroup_write_error(cgroup_member_find(cgroup, write->controller),
						  write, EINVAL, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A user without a cgroup may run a container without limits, not one whose limits do not hold. */
static int cgroup_check_denied(const struct cgroup *cgroup, const struct cgroup_writes *writes,
			       struct error *err)
{
	if (writes->count == 0)
		return 0;
	error_errno(err, cgroup->denied,
		    "limits are configured, but this user may not make cgroup %s",
		    cgroup->members[0].directory);
	error_hint(err,
		   "have the cgroup delegated (systemd: Delegate=yes), choose a cgroupsPath below "
		   "one that is, or take the limits out");
	return error_at(err, "%s", writes->items[0].field);
}

int cgroup_apply(struct cgroup *cgroup, const struct oci_resources *resources, struct error *err)
{
	struct cgroup_writes writes = {0};
	int r;

	if (!cgroup->backend)
		return 0;
	r = cgroup_resources_plan(resources, cgroup->backend == &cgroup_backend_v2, &writes, err);
	if (r < 0)
		return r;
	cgroup_unit_adjust(cgroup, &writes);
	if (cgroup->denied)
		r = cgroup_check_denied(cgroup, &writes, err);
	else
		r = cgroup_write_all(cgroup, &writes, err);
	cgroup_writes_clear(&writes);
	if (r < 0)
		return cgroup_unit_explain(cgroup, resources, r, err);
	if (resources && resources->memory && resources->memory->limit.value > 0)
		cgroup->memory_limit = (uint64_t)resources->memory->limit.value;
	return 0;
}

int cgroup_apply_devices(struct cgroup *cgroup, const struct oci_resources *resources,
			 struct error *err)
{
	struct device_policy policy = {0};
	int r;

	if (!cgroup->backend || cgroup->denied)
		return 0;
	r = device_rules_plan(resources ? &resources->devices : NULL, &policy, err);
	if (r < 0)
		return r;
	r = cgroup->backend->apply_devices(cgroup, &policy, err);
	device_policy_clear(&policy);
	/* There, nobody can make a device node: what the user may open is what the user may open.
	 */
	if ((r == -EPERM || r == -EACCES) && cgroup_host_is_rootless()) {
		log_debug("device rules are not applied: %s", err->message);
		error_clear(err);
		return 0;
	}
	return r;
}
