/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The systemd manager: a container's cgroup within a unit of systemd's.
 *
 * systemd has every limit as a property of the unit, for people and engines to see, and puts it in
 * force on the unit's cgroup. The files are written as with the other manager, in the container's
 * own cgroup below that (`container`), which systemd has handed over (Delegate=) and does not
 * touch: so what it has no property for holds too, the device program is not one of its own that it
 * replaces, and a daemon-reload changes nothing. Where the container is in the unit's cgroup itself
 * (run.oci.systemd.subgroup=""), the files and the properties are one thing and have equal values.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/log.h"
#include "base/path.h"
#include "base/text.h"
#include "cgroup/backend.h"
#include "cgroup/devices/rules.h"
#include "cgroup/host.h"
#include "cgroup/resources/resources.h"
#include "cgroup/systemd/systemd.h"

/* As long as the paths of a dozen hierarchies get. */
#define UNIT_CGROUP_MAX (1u << 20)
/* The kernel's period of CPU time, microseconds. */
#define UNIT_PERIOD 100000

/* Looks at the cgroup that the unit is going to be in: *ret_bfq tells whether the kernel has a
 * weight of its own for BFQ. A frozen one would stop what keeps the place. */
static int unit_look_at_slice(const struct cgroup *cgroup, bool *ret_bfq, struct error *err)
{
	const struct cgroup_member *member = &cgroup->members[0];
	struct tree_node node = TREE_NODE_NONE;
	bool populated, frozen = false;
	char *parent, weight[256];

	*ret_bfq = false;
	if (cgroup->backend != &cgroup_backend_v2)
		return 0;
	parent = strdup(cgroup->unit->path);
	if (!parent)
		return error_errno(err, ENOMEM, "look at the unit's slice");
	*strrchr(parent, '/') = '\0';
	if (*parent && tree_open(member->mount_point, parent, &node) == 0) {
		(void)cgroup_v2_events(node.fd, &populated, &frozen);
		*ret_bfq = tree_read(node.fd, "io.bfq.weight", weight, sizeof(weight)) >= 0;
		tree_node_clear(&node);
	}
	if (frozen) {
		error_set(err, EBUSY, "cgroup %s%s is frozen", member->mount_point, parent);
		error_hint(err, "systemctl thaw %s", path_basename(parent));
	}
	free(parent);
	return frozen ? -EBUSY : 0;
}

static int unit_plan_limits(const struct cgroup *cgroup, const struct oci_resources *resources,
			    const struct systemd_limits *limits,
			    struct systemd_properties *properties, struct error *err)
{
	struct cgroup_writes writes = {0};
	int r = cgroup_resources_plan(resources, limits->v2, &writes, err);

	if (r < 0)
		return r;
	systemd_properties_add_limits(properties, &writes, limits);
	cgroup_writes_clear(&writes);
	return 0;
}

static int unit_plan_devices(const struct oci_resources *resources,
			     const struct systemd_limits *limits,
			     struct systemd_properties *properties, struct error *err)
{
	struct device_policy policy = {0};
	int r = device_rules_plan(resources ? &resources->devices : NULL, &policy, err);

	if (r < 0)
		return r;
	systemd_properties_add_devices(properties, &policy, limits->v2, limits->update);
	device_policy_clear(&policy);
	return 0;
}

/* A limit of one process would not let init come to the program that keeps the place. */
static void unit_make_room(struct cgroup_unit *unit, struct systemd_properties *properties)
{
	for (size_t i = 0; i < properties->count && !unit->slice; i++) {
		struct systemd_property *property = &properties->items[i];

		if (strcmp(property->name, "TasksMax") != 0 ||
		    strcmp(property->value, "uint64 1") != 0)
			continue;
		property->value[strlen("uint64 ")] = '2';
		unit->alone = true;
	}
}

static int unit_plan(struct cgroup *cgroup, const struct cgroup_request *request,
		     struct systemd_properties *properties, struct error *err)
{
	const struct oci_linux *linux_config = request->config->linux;
	const struct oci_resources *resources = linux_config ? linux_config->resources : NULL;
	struct systemd_limits limits = {.v2 = cgroup->backend == &cgroup_backend_v2};
	int r = unit_look_at_slice(cgroup, &limits.bfq, err);

	if (r < 0)
		return r;
	systemd_properties_add_unit(properties, request->location, request->id);
	r = unit_plan_limits(cgroup, resources, &limits, properties, err);
	unit_make_room(cgroup->unit, properties);
	/* An ordinary user's systemd has no right to such a program, as he has none. */
	if (r == 0 && !request->host->rootless)
		r = unit_plan_devices(resources, &limits, properties, err);
	if (r == 0)
		r = systemd_properties_add_annotations(properties, &request->config->annotations,
						       err);
	return r;
}

/* Which of the annotations systemd complains of, when it names one. */
static int unit_blame(const struct cgroup_request *request, struct error *err)
{
	static const char prefix[] = "org.systemd.property.";
	bool some = false;

	for (size_t i = 0; i < request->config->annotations.count; i++) {
		const char *key = request->config->annotations.items[i].key;

		if (!text_starts_with(key, prefix))
			continue;
		if (strstr(err->message, key + strlen(prefix)))
			return error_at(err, "annotations[\"%s\"]", key);
		some = true;
	}
	if (some && strstr(err->message, "set unit properties"))
		return error_hint(err, "an annotation org.systemd.property.* may be of another "
				       "type than systemd wants: 15 is an int32, uint64 15 is not");
	return -err->number;
}

int cgroup_unit_check_place(const struct cgroup *cgroup, struct error *err)
{
	const struct cgroup_unit *unit = cgroup->unit;
	bool v2 = cgroup->backend == &cgroup_backend_v2;
	auto_free char *own = NULL, *path = NULL;
	char file[64];
	int r;

	if (unit->holder == 0)
		return 0;
	(void)snprintf(file, sizeof(file), "/proc/%d/cgroup", (int)unit->holder);
	r = io_read_file(AT_FDCWD, file, 0, UNIT_CGROUP_MAX, &own, NULL);
	if (r == 0)
		r = cgroup_host_own_path(own, v2 ? "" : "name=systemd", &path);
	if (r == -ENOMEM)
		return error_errno(err, -r, "look where systemd has put %s", unit->name);
	/* Killed meanwhile, which is told elsewhere; or seen from within a cgroup namespace. */
	if (r < 0 || !path || path_has_dotdot(path) || strcmp(path, unit->path) == 0)
		return 0;
	return error_set(err, EPROTO, "systemd has put %s into the cgroup %s, and not into %s",
			 unit->name, path, unit->path);
}

int cgroup_unit_start(struct cgroup *cgroup, const struct cgroup_request *request,
		      struct error *err)
{
	auto_systemd_properties struct systemd_properties properties = {0};
	int r = unit_plan(cgroup, request, &properties, err);

	if (r < 0)
		return r;
	r = systemd_unit_start(cgroup->unit, &properties, err);
	return r < 0 ? unit_blame(request, err) : 0;
}

int cgroup_unit_explain(const struct cgroup *cgroup, const struct oci_resources *resources, int r,
			struct error *err)
{
	const struct oci_memory *memory = resources ? resources->memory : NULL;

	if (!cgroup->unit || !systemd_unit_was_killed(cgroup->unit))
		return r;
	if (!memory || memory->limit.value <= 0)
		return error_set(err, EIO,
				 "knarr-systemd, which keeps the place for init, was killed");
	error_set(err, ENOMEM,
		  "knarr-systemd, which keeps the place for init, was killed by the cgroup's "
		  "memory limit of %" PRId64 " bytes",
		  memory->limit.value);
	error_at(err, "linux.resources.memory.limit");
	return error_hint(err, "a container needs about 1 MiB to start");
}

int cgroup_unit_settle(struct cgroup *cgroup, struct error *err)
{
	const struct cgroup_unit *unit = cgroup->unit;
	const struct cgroup_member *member = &cgroup->members[0];
	char number[16];
	int r;

	if (cgroup->backend != &cgroup_backend_v2 || unit->subcgroup[0] == '\0' ||
	    unit->holder == 0)
		return 0;
	/* A cgroup with processes can pass no controllers on to what is below it. */
	(void)snprintf(number, sizeof(number), "%d", (int)unit->holder);
	r = io_write_value(member->node.fd, "cgroup.procs", number);
	return r < 0 ? error_errno(err, -r, "move a process into cgroup %s", member->directory) : 0;
}

bool cgroup_unit_defers(const struct cgroup *cgroup, const struct cgroup_write *write)
{
	return cgroup->unit && cgroup->unit->alone && cgroup->unit->holder != 0 &&
	       strcmp(write->file, "pids.max") == 0 && strcmp(write->value, "1") == 0;
}

void cgroup_unit_adjust(const struct cgroup *cgroup, struct cgroup_writes *writes)
{
	const struct cgroup_member *cpu = NULL;
	uint64_t period = UNIT_PERIOD;

	if (!cgroup->unit || cgroup->unit->subcgroup[0])
		return;
	if (cgroup->backend == &cgroup_backend_v1)
		cpu = cgroup_member_find(cgroup, "cpu");
	if (cpu && cpu->node.fd >= 0)
		(void)tree_read_u64(cpu->node.fd, "cpu.cfs_period_us", &period);
	systemd_round_quota(writes, period);
}

int cgroup_release(struct cgroup *cgroup, struct error *err)
{
	const struct cgroup_member *pids;
	int r;

	if (!cgroup->unit || cgroup->unit->holder == 0)
		return 0;
	r = systemd_unit_release(cgroup->unit, err);
	if (r < 0 || !cgroup->unit->alone)
		return r;
	pids = cgroup_member_find(cgroup, "pids");
	r = pids ? io_write_value(pids->node.fd, "pids.max", "1") : -ENOENT;
	if (r < 0) {
		error_errno(err, -r, "write \"1\" to pids.max of the container's cgroup");
		return error_at(err, "linux.resources.pids.limit");
	}
	return 0;
}

bool cgroup_can_attach(const struct cgroup *cgroup)
{
	return cgroup->unit && !cgroup->unit->slice && !cgroup_is_gone(cgroup);
}

int cgroup_attach(const struct cgroup *cgroup, pid_t pid, struct error *err)
{
	return systemd_unit_attach(cgroup->unit, pid, err);
}

int cgroup_update_unit(const struct cgroup *cgroup, const struct oci_resources *resources,
		       struct error *err)
{
	auto_systemd_properties struct systemd_properties properties = {0};
	struct systemd_limits limits = {.update = true};
	int r;

	if (!cgroup->unit)
		return 0;
	limits.v2 = cgroup->backend == &cgroup_backend_v2;
	r = unit_look_at_slice(cgroup, &limits.bfq, err);
	if (r == -EBUSY) {
		error_clear(err); /* systemd itself is not frozen with it */
		r = 0;
	}
	if (r == 0)
		r = unit_plan_limits(cgroup, resources, &limits, &properties, err);
	if (r == 0 && resources && resources->devices.count > 0 && !cgroup_host_is_rootless())
		r = unit_plan_devices(resources, &limits, &properties, err);
	return r < 0 ? r : systemd_unit_set(cgroup->unit, &properties, err);
}

int cgroup_unit_widen(struct cgroup *cgroup, struct error *err)
{
	systemd_unit_leave(cgroup->unit);
	for (size_t i = 0; i < cgroup->count && cgroup->unit->subcgroup[0]; i++) {
		struct cgroup_member *member = &cgroup->members[i];
		int r;

		tree_node_clear(&member->node);
		member->path[strlen(cgroup->unit->path)] = '\0';
		member->directory[strlen(member->mount_point) + strlen(member->path)] = '\0';
		r = tree_open(member->mount_point, member->path, &member->node);
		if (r < 0 && r != -ENOENT && r != -ENODEV)
			return error_errno(err, -r, "open cgroup %s", member->directory);
	}
	return 0;
}

bool cgroup_unit_stop(struct cgroup *cgroup)
{
	struct error err = ERROR_INIT;

	if (systemd_unit_stop(cgroup->unit, &err) == 0)
		return true;
	log_warning("unit %s is left for systemd to drop, with its empty cgroup: %s",
		    cgroup->unit->name, err.message);
	return false;
}
