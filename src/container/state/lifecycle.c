/* SPDX-License-Identifier: Apache-2.0 */
#include "container/state/lifecycle.h"

#include <errno.h>

static const char *const lifecycle_names[LIFECYCLE_STATUS_COUNT] = {
	[LIFECYCLE_CREATING] = "creating", [LIFECYCLE_CREATED] = "created",
	[LIFECYCLE_RUNNING] = "running",   [LIFECYCLE_PAUSED] = "paused",
	[LIFECYCLE_STOPPED] = "stopped",
};

#define BEING_MADE "container is still being created"

/*
 * NULL: allowed. The words are those of runc, which callers search for: containerd's shim looks for
 * "container not running" and "does not exist" after kill, CRI-O for the former in any error.
 */
static const char *const lifecycle_refusals[LIFECYCLE_OPERATION_COUNT][LIFECYCLE_STATUS_COUNT] = {
	[LIFECYCLE_START] =
		{
			[LIFECYCLE_CREATING] = BEING_MADE,
			[LIFECYCLE_CREATED] = NULL,
			[LIFECYCLE_RUNNING] = "cannot start an already running container",
			[LIFECYCLE_PAUSED] = "cannot start an already running container",
			[LIFECYCLE_STOPPED] = "cannot start a container that has stopped",
		},
	[LIFECYCLE_KILL] =
		{
			[LIFECYCLE_CREATING] = BEING_MADE,
			[LIFECYCLE_CREATED] = NULL,
			[LIFECYCLE_RUNNING] = NULL,
			[LIFECYCLE_PAUSED] = NULL,
			[LIFECYCLE_STOPPED] = "container not running",
		},
	[LIFECYCLE_DELETE] =
		{
			[LIFECYCLE_CREATING] =
				"cannot delete container that is not stopped: creating",
			[LIFECYCLE_CREATED] = NULL, /* killed first, as with runc and crun */
			[LIFECYCLE_RUNNING] =
				"cannot delete container that is not stopped: running",
			[LIFECYCLE_PAUSED] = "cannot delete container that is not stopped: paused",
			[LIFECYCLE_STOPPED] = NULL,
		},
	[LIFECYCLE_EXEC] =
		{
			[LIFECYCLE_CREATING] = BEING_MADE,
			[LIFECYCLE_CREATED] = NULL,
			[LIFECYCLE_RUNNING] = NULL,
			[LIFECYCLE_PAUSED] = "cannot exec in a paused container (use "
					     "--ignore-paused to override)",
			[LIFECYCLE_STOPPED] = "cannot exec in a stopped container",
		},
	[LIFECYCLE_PAUSE] =
		{
			[LIFECYCLE_CREATING] = BEING_MADE,
			[LIFECYCLE_CREATED] = NULL,
			[LIFECYCLE_RUNNING] = NULL,
			[LIFECYCLE_PAUSED] = "container paused",
			[LIFECYCLE_STOPPED] = "container not running",
		},
	[LIFECYCLE_RESUME] =
		{
			[LIFECYCLE_CREATING] = "container not paused",
			[LIFECYCLE_CREATED] = "container not paused",
			[LIFECYCLE_RUNNING] = "container not paused",
			[LIFECYCLE_PAUSED] = NULL,
			[LIFECYCLE_STOPPED] = "container not paused",
		},
	[LIFECYCLE_CHECKPOINT] =
		{
			[LIFECYCLE_CREATING] = BEING_MADE,
			[LIFECYCLE_CREATED] = "container cannot be checkpointed in created state",
			[LIFECYCLE_RUNNING] = NULL,
			[LIFECYCLE_PAUSED] = NULL,
			[LIFECYCLE_STOPPED] = "container cannot be checkpointed in stopped state",
		},
	[LIFECYCLE_MOUNTS] =
		{
			[LIFECYCLE_CREATING] = BEING_MADE,
			[LIFECYCLE_CREATED] = NULL,
			[LIFECYCLE_RUNNING] = NULL,
			[LIFECYCLE_PAUSED] = NULL,
			[LIFECYCLE_STOPPED] = "container not running",
		},
	[LIFECYCLE_UPDATE] =
		{
			[LIFECYCLE_CREATING] = BEING_MADE,
			[LIFECYCLE_CREATED] = NULL,
			[LIFECYCLE_RUNNING] = NULL,
			[LIFECYCLE_PAUSED] = NULL,
			[LIFECYCLE_STOPPED] = "container not running",
		},
};

const char *lifecycle_status_name(enum lifecycle_status status)
{
	return lifecycle_names[status];
}

int lifecycle_check(enum lifecycle_operation operation, enum lifecycle_status status,
		    const char *id, struct error *err)
{
	const char *refusal = lifecycle_refusals[operation][status];

	if (!refusal)
		return 0;
	return error_set(err, EINVAL, "%s: %s", id, refusal);
}
