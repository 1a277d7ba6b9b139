/* SPDX-License-Identifier: Apache-2.0 */
/* New limits for a cgroup that is in use; the way back is in undo.c. */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "cgroup/backend.h"
#include "cgroup/devices/rules.h"
#include "kernel/process.h"

/* How long processes may take to stop while their device rules change on v1, milliseconds. */
#define UPDATE_FREEZE_TIMEOUT 2000

/* "50000 100000", "max 100000" */
static void bounds_parse_max(char *text, struct cgroup_bounds *bounds)
{
	char *space = strchr(text, ' ');
	uint64_t period;

	if (!space || text_parse_u64(space + 1, &period) < 0)
		return;
	*space = '\0';
	bounds->period = period;
	if (text_parse_i64(text, &bounds->quota) < 0)
		bounds->quota = -1;
}

/* What is not there keeps what a new cgroup has. */
static void bounds_read_signed(int fd, const char *file, int64_t *ret_value)
{
	char text[64];
	int64_t value;

	if (tree_read(fd, file, text, sizeof(text)) < 0)
		return;
	if (strcmp(text, "max") == 0)
		*ret_value = -1;
	/* v1's unlimited is the largest number of whole pages. */
	else if (text_parse_i64(text, &value) == 0)
		*ret_value = value > INT64_MAX - (1 << 20) ? -1 : value;
}

static void bounds_read(const struct cgroup *cgroup, struct cgroup_bounds *bounds)
{
	const struct cgroup_member *cpu = cgroup_member_find(cgroup, "cpu");
	const struct cgroup_member *memory = cgroup_member_find(cgroup, "memory");
	bool v2 = cgroup->backend == &cgroup_backend_v2;
	uint64_t idle = 0;
	char text[64];

	*bounds = CGROUP_BOUNDS_NEW;
	if (cpu && cpu->node.fd >= 0) {
		if (tree_read(cpu->node.fd, "cpu.max", text, sizeof(text)) >= 0)
			bounds_parse_max(text, bounds);
		bounds_read_signed(cpu->node.fd, "cpu.cfs_quota_us", &bounds->quota);
		bounds_read_signed(cpu->node.fd, "cpu.rt_runtime_us", &bounds->realtime_runtime);
		(void)tree_read_u64(cpu->node.fd, "cpu.cfs_period_us", &bounds->period);
		(void)tree_read_u64(cpu->node.fd, v2 ? "cpu.max.burst" : "cpu.cfs_burst_us",
				    &bounds->burst);
		(void)tree_read_u64(cpu->node.fd, "cpu.idle", &idle);
		bounds->idle = idle != 0;
	}
	if (memory && memory->node.fd >= 0) {
		bounds_read_signed(memory->node.fd, v2 ? "memory.max" : "memory.limit_in_bytes",
				   &bounds->memory);
		bounds_read_signed(memory->node.fd,
				   v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes",
				   &bounds->swap);
	}
}

static int update_refuse(const struct cgroup *cgroup, const struct cgroup_writes *writes,
			 struct error *err)
{
	if (writes->count == 0)
		return 0;
	if (cgroup_is_absent(cgroup) || cgroup_is_gone(cgroup)) {
		error_set(err, ENOTSUP, "the container has no cgroup, which limits need");
		return error_hint(err,
				  "it was created with --cgroup-manager=disabled, or without the "
				  "right to make one");
	}
	return 0;
}

int cgroup_update(struct cgroup *cgroup, const struct oci_resources *wanted,
		  const struct oci_resources *whole, struct cgroup_undo **ret_undo,
		  struct error *err)
{
	struct cgroup_update update = {.wanted = wanted, .whole = whole};
	struct cgroup_writes writes = {0};
	struct cgroup_undo *undo = cgroup_undo_new();
	int r;

	if (!undo)
		return error_errno(err, ENOMEM, "plan the update");
	bounds_read(cgroup, &update.bounds);
	r = cgroup_update_plan(&update, cgroup->backend == &cgroup_backend_v2, &writes, err);
	if (r == 0)
		r = update_refuse(cgroup, &writes, err);
	if (r == 0) {
		cgroup_unit_adjust(cgroup, &writes);
		cgroup->undo = undo;
		r = cgroup_write_all(cgroup, &writes, err);
		cgroup->undo = NULL;
	}
	cgroup_writes_clear(&writes);
	if (r < 0) {
		cgroup_update_undo(cgroup, undo);
		cgroup_undo_free(undo);
		return r;
	}
	*ret_undo = undo;
	return 0;
}

static bool update_same_policy(const struct device_policy *a, const struct device_policy *b)
{
	bool same = a->count == b->count;

	for (size_t i = 0; same && i < a->count; i++)
		same = a->entries[i].type == b->entries[i].type &&
		       a->entries[i].major == b->entries[i].major &&
		       a->entries[i].minor == b->entries[i].minor &&
		       a->entries[i].access == b->entries[i].access;
	return same;
}

/*
 * On v1 the rules take several writes, the first of which denies everything: nothing of the
 * container must see that, nor keep it when a later one is refused (a parent may have no such
 * device). On cgroup2 a program is put in the place of another in one step.
 */
static int update_write_devices(struct cgroup *cgroup, const struct oci_resources *old,
				const struct oci_resources *wanted, struct error *err)
{
	struct error again = ERROR_INIT;
	int r = cgroup_apply_devices(cgroup, wanted, err);

	if (r < 0 && cgroup->backend == &cgroup_backend_v1 &&
	    cgroup_apply_devices(cgroup, old, &again) < 0)
		log_warning("put the device rules back: %s", again.message);
	return r < 0 ? error_at(err, "linux.resources.devices") : 0;
}

static int update_apply_devices(struct cgroup *cgroup, const struct oci_resources *old,
				const struct oci_resources *wanted, struct error *err)
{
	struct error ignored = ERROR_INIT;
	bool freeze = cgroup->backend == &cgroup_backend_v1, frozen = true;
	int r;

	if (freeze)
		r = cgroup_is_frozen(cgroup, &frozen, err);
	else
		r = 0;
	if (r == 0 && !frozen)
		r = cgroup_freeze(cgroup, true, process_now() + UPDATE_FREEZE_TIMEOUT, err);
	if (r < 0)
		return r;
	r = update_write_devices(cgroup, old, wanted, err);
	if (!frozen)
		(void)cgroup_freeze(cgroup, false, process_now() + UPDATE_FREEZE_TIMEOUT, &ignored);
	return r;
}

int cgroup_update_devices(struct cgroup *cgroup, const struct oci_resources *old,
			  const struct oci_resources *wanted, bool *ret_changed, struct error *err)
{
	struct device_policy before = {0}, after = {0};
	bool same;
	int r;

	*ret_changed = false;
	if (cgroup_is_absent(cgroup) || cgroup_is_gone(cgroup))
		return 0;
	r = device_rules_plan(old ? &old->devices : NULL, &before, err);
	if (r == 0)
		r = device_rules_plan(&wanted->devices, &after, err);
	same = r == 0 && update_same_policy(&before, &after);
	device_policy_clear(&before);
	device_policy_clear(&after);
	if (r < 0 || same)
		return r;
	r = update_apply_devices(cgroup, old, wanted, err);
	*ret_changed = r == 0;
	return r;
}
