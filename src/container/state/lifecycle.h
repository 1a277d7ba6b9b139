/* SPDX-License-Identifier: Apache-2.0 */
/* The state machine of runtime.md#state, as a table of states x operations. Pure. */
#ifndef CONTAINER_STATE_LIFECYCLE_H
#define CONTAINER_STATE_LIFECYCLE_H

#include "base/error.h"

enum lifecycle_status {
	LIFECYCLE_CREATING,
	LIFECYCLE_CREATED,
	LIFECYCLE_RUNNING,
	LIFECYCLE_PAUSED, /* runc's extension, which every engine knows */
	LIFECYCLE_STOPPED,
	LIFECYCLE_STATUS_COUNT,
};

enum lifecycle_operation {
	LIFECYCLE_START,
	LIFECYCLE_KILL,
	LIFECYCLE_DELETE,
	LIFECYCLE_EXEC,
	LIFECYCLE_PAUSE,
	LIFECYCLE_RESUME,
	LIFECYCLE_MOUNTS,
	LIFECYCLE_CHECKPOINT,
	LIFECYCLE_UPDATE,
	LIFECYCLE_OPERATION_COUNT,
};

/* The word that `state` prints. */
const char *lifecycle_status_name(enum lifecycle_status status);

/* Whether the operation is allowed in that state: 0, or -EINVAL with the text that engines match.
 */
int lifecycle_check(enum lifecycle_operation operation, enum lifecycle_status status,
		    const char *id, struct error *err);

#endif
