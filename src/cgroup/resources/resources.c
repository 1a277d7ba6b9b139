/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/resources/resources.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "cgroup/resources/plan.h"

void cgroup_writes_clear(struct cgroup_writes *writes)
{
	for (size_t i = 0; i < writes->count; i++)
		free(writes->items[i].value);
	free(writes->items);
	*writes = (struct cgroup_writes){0};
}

static struct cgroup_write *plan_grow(struct resources_plan *plan)
{
	struct cgroup_writes *writes = &plan->writes;

	if (writes->count == writes->size) {
		size_t size = writes->size ? writes->size * 2 : 16;
		struct cgroup_write *items = realloc(writes->items, size * sizeof(*items));

		if (!items) {
			plan->result = error_errno(plan->err, ENOMEM, "plan the cgroup's limits");
			return NULL;
		}
		writes->items = items;
		writes->size = size;
	}
	return &writes->items[writes->count];
}

void resources_write(struct resources_plan *plan, const char *file, const char *field,
		     unsigned int flags, const char *format, ...)
{
	struct cgroup_write *write;
	va_list args;
	int n;

	if (plan->result < 0)
		return;
	write = plan_grow(plan);
	if (!write)
		return;
	*write = (struct cgroup_write){.flags = flags};
	(void)snprintf(write->file, sizeof(write->file), "%s", file);
	(void)snprintf(write->field, sizeof(write->field), "linux.resources.%s", field);
	(void)snprintf(write->controller, sizeof(write->controller), "%.*s",
		       (int)strcspn(file, "."), file);
	va_start(args, format);
	n = vasprintf(&write->value, format, args);
	va_end(args);
	if (n < 0) {
		plan->result = error_errno(plan->err, ENOMEM, "plan the cgroup's limits");
		return;
	}
	plan->writes.count++;
}

void resources_refuse(struct resources_plan *plan, int number, const char *field,
		      const char *format, ...)
{
	char message[512];
	va_list args;

	if (plan->result < 0)
		return;
	va_start(args, format);
	(void)vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	error_set(plan->err, number, "%s", message);
	plan->result = error_at(plan->err, "linux.resources.%s", field);
}

void resources_refuse_v2(struct resources_plan *plan, const char *field)
{
	if (plan->result < 0)
		return;
	resources_refuse(plan, ENOTSUP, field, "cgroup v2 has nothing like it");
	(void)error_hint(plan->err,
			 "take it out of the configuration, or use a host with cgroup v1");
}

static void plan_pids(struct resources_plan *plan, const struct oci_pids *pids)
{
	if (!pids->limit.set)
		return;
	if (pids->limit.value < 0)
		resources_write(plan, "pids.max", "pids.limit", 0, "max");
	else
		/* 0 forbids init itself to be cloned into the cgroup. With init in it, 1 is the
		 * same. */
		resources_write(plan, "pids.max", "pids.limit", 0, "%" PRId64,
				pids->limit.value ? pids->limit.value : 1);
}

/* Files that move, stop or kill processes: no limits, and of no use to a container about to start.
 */
static bool unified_is_action(const char *key)
{
	static const char *const actions[] = {"cgroup.procs", "cgroup.threads", "cgroup.kill",
					      "cgroup.freeze", "cgroup.type"};

	for (size_t i = 0; i < array_size(actions); i++)
		if (strcmp(key, actions[i]) == 0)
			return true;
	return false;
}

static void plan_unified(struct resources_plan *plan, const struct oci_string_pair *pair)
{
	const char *key = pair->key, *line = pair->value;
	char field[160];

	(void)snprintf(field, sizeof(field), "unified[\"%s\"]", key);
	if (!plan->v2)
		resources_refuse(plan, ENOTSUP, field,
				 "this host has cgroup v1, unified is for cgroup v2");
	else if (key[0] == '\0' || strchr(key, '/') || !strchr(key, '.') || key[0] == '.' ||
		 strlen(key) >= sizeof(((struct cgroup_write *)0)->file))
		resources_refuse(plan, EINVAL, field, "\"%s\" is not the name of a cgroup file",
				 key);
	else if (unified_is_action(key))
		resources_refuse(plan, EINVAL, field, "%s sets no limit", key);
	if (plan->result < 0)
		return;
	/* Nested keys (io.max) take one line at a write. */
	do {
		size_t n = strcspn(line, "\n");

		if (n > 0 || *pair->value == '\0')
			resources_write(plan, key, field, 0, "%.*s", (int)n, line);
		line += n;
		line += *line == '\n';
	} while (*line);
}

static int plan_all(struct resources_plan *plan, const struct oci_resources *resources,
		    struct cgroup_writes *ret_writes)
{
	if (resources->cpu)
		resources_add_cpu(plan, resources->cpu);
	if (resources->pids)
		plan_pids(plan, resources->pids);
	if (resources->block_io)
		resources_add_block_io(plan, resources->block_io);
	resources_add_hugetlb(plan, &resources->hugepage_limits);
	if (resources->network)
		resources_add_network(plan, resources->network);
	resources_add_rdma(plan, &resources->rdma);
	/* A lower limit may cost a process, which is not undone when something else fails. */
	if (resources->memory)
		resources_add_memory(plan, resources->memory);
	for (size_t i = 0; i < resources->unified.count; i++)
		plan_unified(plan, &resources->unified.items[i]);
	if (plan->result < 0) {
		cgroup_writes_clear(&plan->writes);
		return plan->result;
	}
	*ret_writes = plan->writes;
	return 0;
}

int cgroup_resources_plan(const struct oci_resources *resources, bool v2,
			  struct cgroup_writes *ret_writes, struct error *err)
{
	static const struct oci_resources nothing;
	const struct cgroup_bounds bounds = CGROUP_BOUNDS_NEW;
	struct resources_plan plan = {
		.v2 = v2,
		.whole = resources ? resources : &nothing,
		.bounds = &bounds,
		.err = err,
	};

	return plan_all(&plan, plan.whole, ret_writes);
}

int cgroup_update_plan(const struct cgroup_update *update, bool v2,
		       struct cgroup_writes *ret_writes, struct error *err)
{
	struct resources_plan plan = {
		.v2 = v2,
		.whole = update->whole,
		.bounds = &update->bounds,
		.err = err,
	};

	return plan_all(&plan, update->wanted, ret_writes);
}
