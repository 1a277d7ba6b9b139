/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of init that run hooks, or wait for those of the runtime. */
#include "container/init/steps.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include "base/fd.h"
#include "container/hooks.h"
#include "container/state/status.h"

int init_runtime_hooks(struct init *init, struct error *err)
{
	const struct oci_hooks *hooks = init->plan->config->hooks;
	int r;

	if (init->plan->net_devices.count == 0 &&
	    (!hooks || hooks->prestart.count + hooks->create_runtime.count == 0))
		return 0;
	r = init_send(init, SYNC_HOOKS, -1, err);
	return r < 0 ? r : init_expect(init, SYNC_PROCEED, err);
}

/* Hooks of our side see the pid that the container sees. */
static int init_run_hooks(struct init *init, const char *kind, const struct oci_hook_list *hooks,
			  enum lifecycle_status status, struct error *err)
{
	const struct plan *plan = init->plan;
	struct record_intent intent = {
		.id = (char *)(uintptr_t)plan->options->id,
		.bundle = (char *)(uintptr_t)plan->options->bundle,
		.annotations = plan->config->annotations,
	};
	struct status_document document = {.intent = &intent, .status = status, .pid = getpid()};
	struct hooks_run run = {.kind = kind, .hooks = hooks, .streams = &init->streams};
	auto_free char **environment = NULL;
	auto_text struct text state = {0};

	if (hooks->count == 0)
		return 0;
	/* startContainer hooks are the container's. createContainer hooks are programs of the host:
	 * with the container's LD_PRELOAD they would be its (CVE-2025-23266). */
	if (status == LIFECYCLE_CREATED) {
		environment = init_vector(&plan->env);
		if (!environment)
			return error_errno(err, ENOMEM, "prepare the environment for hooks");
		run.environment = environment;
	} else {
		run.directory = plan->options->bundle;
	}
	status_encode(&document, STATUS_FIELDS_SPEC, &state);
	if (state.failed)
		return error_errno(err, ENOMEM, "prepare the state for hooks");
	run.state = state.data;
	return hooks_run(&run, err);
}

int init_container_hooks(struct init *init, struct error *err)
{
	const struct oci_hooks *hooks = init->plan->config->hooks;

	return hooks ? init_run_hooks(init, "createContainer", &hooks->create_container,
				      LIFECYCLE_CREATING, err)
		     : 0;
}

int init_start_hooks(struct init *init, struct error *err)
{
	const struct oci_hooks *hooks = init->plan->config->hooks;

	return hooks ? init_run_hooks(init, "startContainer", &hooks->start_container,
				      LIFECYCLE_CREATED, err)
		     : 0;
}
