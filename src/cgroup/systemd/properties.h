/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What systemd is told of a container's unit: from the plan of its cgroup's files to properties.
 *
 * Both come from one plan (resources.h), so that systemd, which writes its values again whenever it
 * likes (`systemctl daemon-reload`), writes what is there already. What systemd has no property for
 * is in the files alone, and systemd leaves those alone. Pure.
 * Sources: systemd.resource-control(5), org.freedesktop.systemd1(5).
 */
#ifndef CGROUP_SYSTEMD_PROPERTIES_H
#define CGROUP_SYSTEMD_PROPERTIES_H

#include <knarr/config.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "cgroup/cgroup.h"
#include "cgroup/devices/rules.h"
#include "cgroup/resources/writes.h"

struct systemd_property {
	char *name;
	char *value;	    /* systemd/value.h */
	unsigned int since; /* the first version of systemd that knows it */
};

/* Zero-initialise. After a failed addition .failed is set, so only the end needs a check. */
struct systemd_properties {
	struct systemd_property *items;
	size_t count, size;
	bool failed; /* no memory */
};
void systemd_properties_clear(struct systemd_properties *properties);
#define auto_systemd_properties __attribute__((cleanup(systemd_properties_clear)))

void systemd_properties_add(struct systemd_properties *properties, const char *name,
			    unsigned int since, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* What is asked about the plan of the files. */
struct systemd_limits {
	bool v2;
	bool bfq;    /* the kernel has io.bfq.weight, which systemd derives from IOWeight= */
	bool update; /* of a unit that exists: some properties are fixed by then */
};

/* The properties that the files have, in the order of the writes. */
void systemd_properties_add_limits(struct systemd_properties *properties,
				   const struct cgroup_writes *writes,
				   const struct systemd_limits *limits);

/*
 * DevicePolicy= and DeviceAllow=. systemd can only allow more, so where it has no words for a
 * policy (a hole in a wildcard), on cgroup2 it is told to allow too much: our own program stays
 * beside its, and both have to agree. On v1 there is one list for both, so there it is told too
 * little. `update`: what has been allowed before is taken back.
 */
void systemd_properties_add_devices(struct systemd_properties *properties,
				    const struct device_policy *policy, bool v2, bool update);

/* What every unit gets: Slice=, Delegate=, accounting and the like. */
void systemd_properties_add_unit(struct systemd_properties *properties,
				 const struct cgroup_location *location, const char *id);

/*
 * The annotations org.systemd.property.NAME, which come last and so have the last word. NAME is of
 * letters; one that ends in "Sec" is a time in seconds, which on the bus is NAME with "USec".
 * -EINVAL with the field for a value that is none, and for what is not theirs to set.
 */
int systemd_properties_add_annotations(struct systemd_properties *properties,
				       const struct oci_string_map *annotations, struct error *err);

/*
 * systemd knows CPU time in whole percents, rounded up here, and writes cpu.max, or v1's
 * cpu.cfs_quota_us, accordingly. Where that is the same file as ours, ours has to be the same:
 * changes the plan. `period`: v1's when the plan has none, microseconds.
 */
void systemd_round_quota(struct cgroup_writes *writes, uint64_t period);

/* IOWeight= for which systemd writes `weight` (1 to 1000) to io.bfq.weight. */
unsigned int systemd_io_weight(unsigned int weight);

#endif
