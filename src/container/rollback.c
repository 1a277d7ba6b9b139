/* SPDX-License-Identifier: Apache-2.0 */
#include "container/rollback.h"

#include <stdlib.h>

void rollback_add(struct rollback *rollback, rollback_fn *undo, void *data)
{
	if (rollback->count == ROLLBACK_MAX)
		abort();
	rollback->steps[rollback->count].undo = undo;
	rollback->steps[rollback->count].data = data;
	rollback->count++;
}

void rollback_commit(struct rollback *rollback)
{
	rollback->count = 0;
}

void rollback_run(struct rollback *rollback)
{
	while (rollback->count > 0) {
		rollback->count--;
		rollback->steps[rollback->count].undo(rollback->steps[rollback->count].data);
	}
}
