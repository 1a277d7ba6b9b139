/* SPDX-License-Identifier: Apache-2.0 */
#include "container/state/lifecycle.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"

#define MADE "container is still being created"

/* Written down once more, by hand: what callers search for must not change by accident. */
static const char *const wanted[LIFECYCLE_OPERATION_COUNT][LIFECYCLE_STATUS_COUNT] = {
	/* creating, created, running, paused, stopped */
	[LIFECYCLE_START] = {MADE, NULL, "cannot start an already running container",
			     "cannot start an already running container",
			     "cannot start a container that has stopped"},
	[LIFECYCLE_KILL] = {MADE, NULL, NULL, NULL, "container not running"},
	[LIFECYCLE_DELETE] = {"cannot delete container that is not stopped: creating", NULL,
			      "cannot delete container that is not stopped: running",
			      "cannot delete container that is not stopped: paused", NULL},
	[LIFECYCLE_EXEC] = {MADE, NULL, NULL,
			    "cannot exec in a paused container (use --ignore-paused to override)",
			    "cannot exec in a stopped container"},
	[LIFECYCLE_PAUSE] = {MADE, NULL, NULL, "container paused", "container not running"},
	[LIFECYCLE_RESUME] = {"container not paused", "container not paused",
			      "container not paused", NULL, "container not paused"},
	[LIFECYCLE_CHECKPOINT] = {MADE, "container cannot be checkpointed in created state", NULL,
				  NULL, "container cannot be checkpointed in stopped state"},
	[LIFECYCLE_MOUNTS] = {MADE, NULL, NULL, NULL, "container not running"},
	[LIFECYCLE_UPDATE] = {MADE, NULL, NULL, NULL, "container not running"},
};

START_TEST(table)
{
	for (int operation = 0; operation < LIFECYCLE_OPERATION_COUNT; operation++)
		for (int status = 0; status < LIFECYCLE_STATUS_COUNT; status++) {
			const char *text = wanted[operation][status];
			struct error err = ERROR_INIT;
			char message[128];
			int r = lifecycle_check(operation, status, "c1", &err);

			if (!text) {
				ck_assert_int_eq(r, 0);
				ck_assert_int_eq(err.number, 0);
				continue;
			}
			ck_assert_int_eq(r, -EINVAL);
			(void)snprintf(message, sizeof(message), "c1: %s", text);
			ck_assert_error(&err, EINVAL, "", message, "");
		}
}
END_TEST

START_TEST(names)
{
	ck_assert_str_eq(lifecycle_status_name(LIFECYCLE_CREATING), "creating");
	ck_assert_str_eq(lifecycle_status_name(LIFECYCLE_CREATED), "created");
	ck_assert_str_eq(lifecycle_status_name(LIFECYCLE_RUNNING), "running");
	ck_assert_str_eq(lifecycle_status_name(LIFECYCLE_PAUSED), "paused");
	ck_assert_str_eq(lifecycle_status_name(LIFECYCLE_STOPPED), "stopped");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {table, names};

	return suite_run("lifecycle", tests, suite_count(tests));
}
