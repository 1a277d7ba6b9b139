/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's unit of systemd, inside the cgroup layer.
 *
 * The bus is spoken by a program of its own, knarr-systemd, which lies inside knarr as data and is
 * executed from memory only where a container is of the systemd manager (systemd/protocol.h).
 *
 * A scope exists only while it has processes, and init can be cloned into its cgroup only when that
 * exists. So the program makes the scope with itself in it, and stays until init is there.
 */
#ifndef CGROUP_SYSTEMD_H
#define CGROUP_SYSTEMD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "cgroup/cgroup.h"
#include "cgroup/systemd/properties.h"

/* Copies of what cgroup_location says, and the program that keeps the place. */
struct cgroup_unit {
	char *name, *path, *bus, *runtime;
	char *subcgroup; /* "/container", or "" */
	bool slice;
	int channel, pidfd; /* of the program that stays, or -EBADF */
	pid_t holder;	    /* its pid, 0 when there is none */
	bool alone; /* the limit on processes is one, and can hold only once the program is gone */
};

/* NULL and an error when memory is short. */
struct cgroup_unit *systemd_unit_new(const struct cgroup_location *location, struct error *err);
/* Ends the program too. */
void systemd_unit_free(struct cgroup_unit *unit);

/* Makes the unit and waits until it is there. */
int systemd_unit_start(struct cgroup_unit *unit, const struct systemd_properties *properties,
		       struct error *err);

/* Whether the program that stays has been killed. */
bool systemd_unit_was_killed(struct cgroup_unit *unit);

/* The program ends, and with it the scope if nobody else is in it. */
void systemd_unit_leave(struct cgroup_unit *unit);

/* Moves a process there, by systemd's rights: for one who may not himself. */
int systemd_unit_attach(const struct cgroup_unit *unit, pid_t pid, struct error *err);

/* Init is there. `alone` is put in force. */
int systemd_unit_release(struct cgroup_unit *unit, struct error *err);

int systemd_unit_set(const struct cgroup_unit *unit, const struct systemd_properties *properties,
		     struct error *err);

/* Whether systemd still knows the unit at the deadline (kernel/process.h): without a call, for it
 * keeps a file of each that has been made this way. */
bool systemd_unit_is_there(const struct cgroup_unit *unit, int64_t deadline);

/* Stops the unit, when systemd knows it; waits for some milliseconds for one that is about to go.
 */
int systemd_unit_stop(struct cgroup_unit *unit, struct error *err);

/* The program as a memfd; -ENOTSUP in a build without it. One of systemd/image.c and
 * systemd/none.c. */
int systemd_image_open(int *ret_image, struct error *err);

#endif
