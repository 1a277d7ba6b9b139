/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the runtime and the program knarr-systemd, which is the only one that speaks D-Bus: how
 * it is called and what is said.
 *
 *	knarr-systemd COMMAND BUS PRIVATE UNIT SUBCGROUP [ARGUMENT]...
 *
 *	start  NAME SINCE VALUE...	makes a scope with itself as its first process
 *	slice  NAME SINCE VALUE...	makes a slice
 *	set    NAME SINCE VALUE...	changes properties
 *	attach PID			moves a process into the unit's cgroup, and SUBCGROUP of it
 *	stop				stops the unit and forgets it
 *
 * PRIVATE is the path of systemd's own socket, BUS a D-Bus address, for when the socket leads
 * nowhere. A property is left out for a systemd older than SINCE; VALUE is in the form of
 * systemd/value.h.
 *
 * It is called with no environment, /dev/null as stdio, and all signals blocked. It answers with
 * one SYSTEMD_DONE, that has the error if there was one, and ends, but for `start`: a scope lives
 * as long as it has processes, so the program stays in it and keeps the place until the channel is
 * closed, which is also what happens when the runtime is killed. A SYSTEMD_TASKS in the meantime is
 * answered by one SYSTEMD_DONE.
 */
#ifndef CGROUP_SYSTEMD_PROTOCOL_H
#define CGROUP_SYSTEMD_PROTOCOL_H

#define SYSTEMD_FD_CHANNEL 3

/* For how long systemd may be at work, milliseconds. The runtime allows some more. */
#define SYSTEMD_TIMEOUT	     30000
#define SYSTEMD_STOP_TIMEOUT 10000

enum systemd_word {
	SYSTEMD_DONE = 1, /* `value` is the program's pid */
	SYSTEMD_TASKS,	  /* `value` is the new TasksMax= */
};

#endif
