/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel keeps what a process asked for apart from what its cpuset allows (since Linux 6.2),
 * and children inherit both. So an affinity that a service manager gave to an engine would go on
 * holding for containers, inside any cpuset: it has to be taken back.
 */
#include "isolate/affinity.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "isolate/limits.h"

static bool affinity_has(const char *list)
{
	return list && list[0];
}

/* `field` is "initial" or "final". */
static int affinity_set(const char *list, const char *field, struct error *err)
{
	auto_free unsigned long *bits = NULL;
	unsigned long count = 0;
	int r = limits_parse_list(list, &bits, &count);

	if (r == -ENOMEM)
		return error_errno(err, ENOMEM, "CPU affinity");
	if (r < 0 || !bits) {
		error_set(err, r < 0 ? -r : EINVAL, "\"%s\" is not a list of CPUs like 0-3,7",
			  list);
		return error_at(err, "process.execCPUAffinity.%s", field);
	}
	/* The list's memory goes beyond its highest bit, to whole words. */
	if (syscall(SYS_sched_setaffinity, 0, (count + 63) / 64 * 8, bits) == 0)
		return 0;
	error_errno(err, errno, "set the CPU affinity to %s", list);
	if (err->number == EINVAL)
		error_hint(err, "none of these CPUs is online and in the cpuset");
	return error_at(err, "process.execCPUAffinity.%s", field);
}

/* More CPUs than any kernel is built for; what does not exist or is not in the cpuset now is
 * dropped by the kernel, or kept for when it is. */
static void affinity_reset(void)
{
	unsigned char all[8192 / 8];

	memset(all, 0xff, sizeof(all));
	if (syscall(SYS_sched_setaffinity, 0, sizeof(all), all) < 0)
		log_debug("CPU affinity cannot be reset: %s", error_name(errno));
}

int affinity_set_initial(const struct oci_cpu_affinity *affinity, struct error *err)
{
	if (!affinity || !affinity_has(affinity->initial))
		return 0;
	return affinity_set(affinity->initial, "initial", err);
}

int affinity_set_final(const struct oci_cpu_affinity *affinity, struct error *err)
{
	if (affinity && affinity_has(affinity->final))
		return affinity_set(affinity->final, "final", err);
	if (!affinity || !affinity_has(affinity->initial))
		affinity_reset();
	return 0;
}
