/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of systemd's manager object over one connection, with a deadline; in knarr-systemd alone.
 * Source: org.freedesktop.systemd1(5), sd-bus(3).
 */
#ifndef CGROUP_SYSTEMD_BUS_H
#define CGROUP_SYSTEMD_BUS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

typedef struct sd_bus sd_bus;

struct systemd_bus {
	sd_bus *connection;
	const char *unit;
	int64_t deadline;     /* kernel/process.h */
	unsigned int version; /* of systemd */
	bool direct;	      /* to systemd itself, with no bus between */
	char job[128];	      /* the job that is waited for, "" when none is */
	char result[32];      /* what has become of it, "" until then */
};

/* NAME, SINCE, VALUE, NAME ...: a NULL ends it. */
struct systemd_arguments {
	char *const *words;
};

/*
 * Connects to systemd's own socket at the path `private`, or to the bus at `address` when nobody
 * answers there. systemctl(1) does the same: with no bus between there is one less to be waited
 * for, and to hang.
 */
int systemd_bus_open(struct systemd_bus *bus, const char *address, const char *private,
		     struct error *err);
void systemd_bus_close(struct systemd_bus *bus);

/* Makes the unit, with `pid` in it unless that is 0, and waits until it is there. -EEXIST when it
 * was before, and is at work. */
int systemd_bus_start(struct systemd_bus *bus, pid_t pid, const struct systemd_arguments *arguments,
		      struct error *err);
int systemd_bus_set(struct systemd_bus *bus, const struct systemd_arguments *arguments,
		    struct error *err);
int systemd_bus_set_tasks(struct systemd_bus *bus, uint64_t tasks, struct error *err);
int systemd_bus_attach(struct systemd_bus *bus, const char *subcgroup, pid_t pid,
		       struct error *err);
/* A unit that is not there is fine. */
int systemd_bus_stop(struct systemd_bus *bus, struct error *err);

#endif
