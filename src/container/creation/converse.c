/* SPDX-License-Identifier: Apache-2.0 */
/* What the runtime does, and answers init, between the clone and init's readiness. */
#include "container/creation/steps.h"

#include <errno.h>
#include <stdio.h>

#include "base/fd.h"
#include "container/apart.h"
#include "container/hooks.h"
#include "container/oom-reason.h"
#include "container/state/status.h"
#include "container/sync.h"
#include "kernel/nsfs.h"
#include "kernel/process.h"
#include "kernel/syscalls.h"

/* Init is gone without a word: the kernel may have killed it for memory. */
static int creation_explain_death(void *data, struct error *err)
{
	const struct creation *creation = data;

	if (oom_explain(creation->cgroup, 0, "init", err) == 0)
		return 0;
	error_at(err, "linux.resources.memory.limit");
	return error_hint(err, "a container needs about 1 MiB to start");
}

/* Hooks of the container's side may take their time; what their timeouts add up to is waited. */
static int64_t creation_deadline(void *data)
{
	const struct creation *creation = data;
	const struct oci_hooks *hooks = creation->plan.config->hooks;
	int64_t deadline = process_now() + SYNC_TIMEOUT;

	for (size_t i = 0; hooks && i < hooks->create_container.count; i++) {
		const struct oci_hook *hook = &hooks->create_container.items[i];

		if (!hook->timeout.set)
			return PROCESS_NO_DEADLINE;
		deadline += (int64_t)hook->timeout.value * 1000;
	}
	return deadline;
}

int creation_run_hooks(struct creation *creation, struct error *err)
{
	const struct oci_hooks *hooks = creation->plan.config->hooks;
	struct status_document document = {
		.intent = &creation->intent,
		.status = LIFECYCLE_CREATING,
		.pid = creation->birth.pid,
	};
	auto_text struct text state = {0};
	struct hooks_run run = {.kind = "prestart", .hooks = &hooks->prestart};
	int r;

	status_encode(&document, STATUS_FIELDS_SPEC, &state);
	if (state.failed)
		return error_errno(err, ENOMEM, "prepare the state for hooks");
	run.state = state.data;
	run.annotations = &creation->bundle.config->annotations;
	run.directory = creation->intent.bundle;
	run.interrupt = creation->birth.interrupt.fd;
	r = hooks_run(&run, err);
	if (r == 0) {
		run.kind = "createRuntime";
		run.hooks = &hooks->create_runtime;
		r = hooks_run(&run, err);
	}
	/* A clearer word than that the hook could not be waited for. */
	return r == -EINTR && interrupt_check(&creation->birth.interrupt, err) < 0 ? -EINTR : r;
}

static int creation_move_net_devices(struct creation *creation, struct error *err)
{
	auto_close int namespace = -EBADF;
	char directory[32];
	int r;

	(void)snprintf(directory, sizeof(directory), "%d/ns", (int)creation->birth.pid);
	namespace = nsfs_open(creation->birth.procfs, directory, "net", CLONE_NEWNET);
	if (namespace < 0)
		return error_errno(err, -namespace, "open the network namespace of init");
	r = net_devices_move(&creation->plan.net_devices, namespace, &creation->net_devices, err);
	if (r == 0)
		rollback_add(&creation->rollback, creation_undo_net_devices, creation);
	return r;
}

/* Init has its namespaces, and waits. */
static int creation_meet(void *data, struct error *err)
{
	struct creation *creation = data;
	int r = 0;

	if (creation->plan.net_devices.count > 0)
		r = creation_move_net_devices(creation, err);
	return r < 0 || !creation->plan.config->hooks ? r : creation_run_hooks(creation, err);
}

int creation_prepare_state(struct creation *creation, struct error *err)
{
	int r = process_identify(creation->birth.pid, creation->birth.pidfd, &creation->identity);

	if (r < 0)
		return error_errno(err, -r, "identify init");
	return record_prepare_state(&creation->entry, creation->phase, &creation->identity, err);
}

bool creation_completes_first(const struct creation *creation)
{
	const struct oci_hooks *hooks = creation->plan.config->hooks;

	return hooks && hooks->create_container.count > 0;
}

int creation_converse(struct creation *creation, struct error *err)
{
	const struct oci_hooks *hooks = creation->plan.config->hooks;
	const struct birth_events events = {
		.hooks = creation_meet,
		.death = creation_explain_death,
		.deadline = creation_deadline,
		.data = creation,
	};
	int r = 0;

	if ((creation->plan.namespaces.fresh & CLONE_NEWUSER) || creation->attach)
		r = birth_send(&creation->birth, SYNC_PROCEED, err);
	/* Gone already: it may have left a word. */
	if (r == -EPIPE)
		return birth_await_ready(&creation->birth, &events, err);
	if (r == 0 && creation->home >= 0)
		r = apart_make(&creation->birth, creation->home, err);
	if (r == 0 && !creation_completes_first(creation))
		r = creation_complete(creation, err);
	if (r == 0)
		r = creation_prepare_state(creation, err);
	fd_close(creation->plan.options->idle_close);

	/* Should anything fail from here on, what hooks may have set up is to be taken down by
	 * poststop's. Of those that init runs itself it is not known how far they came. */
	creation->hooks_ran = hooks && hooks->prestart.count + hooks->create_runtime.count +
						       hooks->create_container.count >
					       0;
	return r < 0 ? r : birth_await_ready(&creation->birth, &events, err);
}

int creation_end_helper(struct creation *creation, struct error *err)
{
	int status, r;

	if (creation->helper < 0)
		return 0;
	r = process_wait_dead(creation->helper, process_now() + SYNC_TIMEOUT);
	if (r < 0)
		return error_errno(err, -r, "wait for the helper for bind sources");
	(void)process_reap(creation->helper, &status);
	creation->helper = fd_close(creation->helper);
	return 0;
}
