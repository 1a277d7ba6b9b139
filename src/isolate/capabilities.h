/* SPDX-License-Identifier: Apache-2.0 */
/* The five capability sets (capabilities(7)). */
#ifndef ISOLATE_CAPABILITIES_H
#define ISOLATE_CAPABILITIES_H

#include <knarr/config.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Bit n is capability n. */
struct capabilities_plan {
	uint64_t bounding, effective, inheritable, permitted, ambient;
	bool told; /* what of them is not to be had, somebody has been warned of; false by
		      capabilities_plan() */
};

/*
 * Pure. Absent: all empty. What cannot be granted is left out, and was warned of by
 * oci_config_check(), as config.md#linux-process asks: unknown names, effective ones that are not
 * permitted, ambient ones that are not permitted and inheritable.
 */
void capabilities_plan(const struct oci_capabilities *config, struct capabilities_plan *ret_plan);

/* Before the change of user: drops the bounding set to the plan's, and keeps permitted ones across
 * setresuid (PR_SET_KEEPCAPS). */
int capabilities_limit(const struct capabilities_plan *plan, struct error *err);

/* After the change of user: effective, permitted, inheritable exactly as planned, then ambient.
 * Those beyond the caller's own permitted set are left out, with a warning unless it was given
 * (runc and crun fail: what engines call privileged cannot be run by a runtime that is less). */
int capabilities_apply(const struct capabilities_plan *plan, struct error *err);

#endif
