/* SPDX-License-Identifier: Apache-2.0 */
#include "container/oom-reason.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"

int oom_explain(const struct cgroup *cgroup, uint64_t before, const char *who, struct error *err)
{
	struct cgroup_memory_events events;
	char peak[48] = "";

	cgroup_memory_events(cgroup, &events);
	if (events.oom_kills <= before)
		return 0;
	if (events.peak > 0)
		(void)snprintf(peak, sizeof(peak), " (peak %" PRIu64 ")", events.peak);
	if (events.limit_known && events.limit != UINT64_MAX)
		return error_set(err, ENOMEM,
				 "%s was killed by the cgroup's memory limit of %" PRIu64
				 " bytes%s",
				 who, events.limit, peak);
	error_set(err, ENOMEM, "%s was killed for want of memory%s", who, peak);
	if (!events.limit_known)
		return -err->number;
	return error_hint(err, "its cgroup has no limit of memory; one above it has, or the host "
			       "has none left");
}

void oom_warn(const struct cgroup *cgroup, uint64_t before, const char *who)
{
	struct error err = ERROR_INIT;

	if (oom_explain(cgroup, before, who, &err) < 0)
		log_warning("%s%s%s%s", err.message, err.hint[0] ? " (" : "", err.hint,
			    err.hint[0] ? ")" : "");
}
