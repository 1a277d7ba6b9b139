/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a container's init is when its state file is lost: read off the processes in its cgroup.
 *
 * In a pid namespace of the container's own it is process 1 of that namespace (NSpid in
 * proc_pid_status(5), one level below ours). Without one it is the oldest: init is cloned into the
 * empty cgroup, and everything else in there comes after it.
 */
#ifndef CONTAINER_STATE_SURVIVOR_H
#define CONTAINER_STATE_SURVIVOR_H

#include <stddef.h>
#include <sys/types.h>

/* Among `pids`, which may die meanwhile. Returns 0 with an owned pidfd, or a negative errno, -ESRCH
 * when nobody lives. */
int survivor_find(const pid_t *pids, size_t count, pid_t *ret_pid, int *ret_pidfd);

/* How many levels the NSpid line of a status file has, and the number on the last one; 0 levels
 * without such a line. Pure. */
size_t survivor_parse_levels(const char *status, pid_t *ret_innermost);

#endif
