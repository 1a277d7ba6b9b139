/* SPDX-License-Identifier: Apache-2.0 */
/* What takes back what a creation has made, when it fails; in the order that rollback.h tells. */
#include "container/creation/steps.h"

#include <signal.h>

#include "base/fd.h"
#include "base/log.h"
#include "container/hooks.h"
#include "container/state/status.h"
#include "kernel/process.h"

/* How long the removal of a half-made container may take, milliseconds. */
#define CREATION_UNDO_TIMEOUT 10000

void creation_undo_store(void *data)
{
	struct creation *creation = data;
	struct error err = ERROR_INIT;

	/* What could not be removed is for `delete --force`, which has to find it. */
	if (creation->undo_failed)
		return;
	if (store_remove(creation->store, &creation->entry, &err) < 0)
		log_warning("%s", err.message);
}

void creation_undo_cgroup(void *data)
{
	struct creation *creation = data;
	struct error err = ERROR_INIT;

	if (cgroup_remove(creation->cgroup, true, process_now() + CREATION_UNDO_TIMEOUT, &err) <
	    0) {
		creation->undo_failed = true;
		log_warning("%s", err.message);
	}
}

/* Kills and reaps a child of ours, unless it hangs in the kernel. */
static void creation_end_process(int pidfd)
{
	int status;

	(void)process_signal(pidfd, SIGKILL);
	if (process_wait_dead(pidfd, process_now() + CREATION_UNDO_TIMEOUT) == 0)
		(void)process_reap(pidfd, &status);
}

void creation_undo_init(void *data)
{
	struct creation *creation = data;

	if (creation->helper >= 0)
		creation_end_process(creation->helper);
	creation->helper = fd_close(creation->helper);
	creation_end_process(creation->birth.pidfd);
}

void creation_undo_hooks(void *data)
{
	struct creation *creation = data;
	struct status_document document = {.intent = &creation->intent,
					   .status = LIFECYCLE_STOPPED};
	struct hooks_run run = {.kind = "poststop", .keep_going = true};
	auto_text struct text state = {0};
	struct error err = ERROR_INIT;

	if (!creation->hooks_ran || creation->undo_failed)
		return;
	run.hooks = &creation->bundle.config->hooks->poststop;
	status_encode(&document, STATUS_FIELDS_SPEC, &state);
	if (state.failed) {
		log_warning("poststop hooks of container %s are not run: no memory",
			    creation->entry.id);
		return;
	}
	run.state = state.data;
	run.annotations = &creation->bundle.config->annotations;
	run.directory = creation->intent.bundle;
	/* Another signal ends the wait for these. */
	run.interrupt = creation->birth.interrupt.fd;
	(void)hooks_run(&run, &err);
}

void creation_undo_host_root(void *data)
{
	struct creation *creation = data;
	struct error err = ERROR_INIT;

	if (rootfs_detach(creation->intent.rootfs, creation->intent.host_mount, &err) < 0) {
		creation->undo_failed = true;
		log_warning("%s", err.message);
	}
}

void creation_undo_resctrl(void *data)
{
	struct creation *creation = data;
	struct error err = ERROR_INIT;

	if (resctrl_unmake(&creation->plan.resctrl, &err) < 0)
		log_warning("%s", err.message);
}

void creation_undo_net_devices(void *data)
{
	struct creation *creation = data;

	net_devices_return(&creation->net_devices);
}
