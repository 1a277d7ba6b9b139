/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a creation before there is a process: the plan, the id, the intent, the cgroup. */
#include "container/creation/steps.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/path.h"
#include "base/timestamp.h"
#include "container/readiness.h"
#include "container/state/gate.h"
#include "container/unprivileged.h"
#include "kernel/channel.h"
#include "kernel/procfs.h"
#include "kernel/syscalls.h"
#include "oci-spec/oci-spec.h"

/* Hierarchies as mounts need them: names instead of controllers. Strings point into the plan. */
static int creation_hierarchies(struct creation *creation, struct error *err)
{
	struct plan *plan = &creation->plan;
	const struct cgroup_host *host = &plan->cgroup_host;

	if (host->mode == CGROUP_MODE_UNIFIED)
		return 0;
	plan->hierarchies = calloc(host->count ? host->count : 1, sizeof(*plan->hierarchies));
	if (!plan->hierarchies)
		return error_errno(err, ENOMEM, "list cgroup hierarchies");
	for (size_t i = 0; i < host->count; i++) {
		const char *own = creation->cgroup ? cgroup_directory(creation->cgroup, i) : NULL;

		/* Without a cgroup of its own the container sees what its caller does. */
		plan->hierarchies[i] = (struct mounts_hierarchy){
			.name = path_basename(host->hierarchies[i].mount_point),
			.options = host->hierarchies[i].controllers,
			.path = own ? own : host->hierarchies[i].mount_point,
		};
	}
	return 0;
}

/* Claims the id and writes down what will have to be undone, before any of it is done. */
static int creation_claim(struct creation *creation, struct error *err)
{
	const struct plan *plan = &creation->plan;
	const struct cgroup_location *location = &plan->cgroup_location;
	const struct oci_hooks *hooks = plan->config->hooks;
	size_t directories = 0;
	uint64_t host_mount = 0;
	int r;

	if (plan->rootfs.host_tree) {
		r = rootfs_prepare(&plan->rootfs, &creation->host_root, &host_mount, err);
		if (r < 0)
			return r;
	}
	r = store_claim(creation->store, plan->options->id, &creation->entry, err);
	if (r < 0)
		return r;
	rollback_add(&creation->rollback, creation_undo_store, creation);
	rollback_add(&creation->rollback, creation_undo_hooks, creation);

	while (location->directories && location->directories[directories])
		directories++;
	timestamp_now(creation->created);
	creation->intent = (struct record_intent){
		.version = RECORD_VERSION,
		.id = (char *)(uintptr_t)plan->options->id,
		.bundle = (char *)(uintptr_t)plan->options->bundle,
		.rootfs = plan->rootfs.path,
		.created = creation->created,
		.owner = getuid(),
		.annotations = plan->config->annotations,
		.cgroup_manager = location->manager,
		.cgroup_mode = location->mode,
		.cgroup_path = location->path,
		.cgroup_unit = location->unit,
		.cgroup_slice = location->slice,
		.cgroup_unit_path = location->unit_path,
		.cgroup_bus = location->bus,
		.cgroup_runtime = location->runtime,
		.cgroup_directories = {location->directories, directories},
		.host_mount = host_mount,
		.rdt_group = plan->resctrl.group,
		.rdt_monitor = plan->resctrl.monitor,
		.rdt_own_group = plan->resctrl.own_group,
		.private_pid = (plan->namespaces.fresh & CLONE_NEWPID) != 0,
		.no_new_keyring = plan->options->no_new_keyring,
		.poststart = hooks && hooks->poststart.count > 0,
		.poststop = hooks && hooks->poststop.count > 0,
	};
	r = record_write_intent(&creation->entry, &creation->intent, err);
	if (r == 0 && host_mount != 0)
		rollback_add(&creation->rollback, creation_undo_host_root, creation);
	return r;
}

static int creation_devices(struct creation *creation, struct error *err)
{
	const struct oci_linux *linux_config = creation->plan.config->linux;
	int r = cgroup_apply_devices(creation->cgroup,
				     linux_config ? linux_config->resources : NULL, err);

	return r < 0 ? error_wrap(err, "cgroup") : 0;
}

static int creation_cgroup(struct creation *creation, struct error *err)
{
	const struct plan *plan = &creation->plan;
	const struct oci_linux *linux_config = plan->config->linux;
	char mark[STORE_MARK_SIZE];
	const struct cgroup_request request = {
		.location = &plan->cgroup_location,
		.host = &plan->cgroup_host,
		.config = plan->config,
		.id = creation->entry.id,
		.mark = mark,
	};
	int r;

	store_mark(&creation->entry, mark);
	r = cgroup_create(&request, &creation->cgroup, err);
	if (r < 0)
		return error_wrap(err, "cgroup");
	rollback_add(&creation->rollback, creation_undo_cgroup, creation);
	r = cgroup_apply(creation->cgroup, linux_config ? linux_config->resources : NULL, err);
	if (r < 0)
		return error_wrap(err, "cgroup");
	/* On v1 the rules take several writes, the first of which denies everything: init, which
	 * makes device nodes, must not be in there then. */
	if (plan->cgroup_host.mode == CGROUP_MODE_LEGACY) {
		r = creation_devices(creation, err);
		if (r < 0)
			return r;
	}
	return creation_hierarchies(creation, err);
}

static int creation_resctrl(struct creation *creation, struct error *err)
{
	int r = resctrl_make(&creation->plan.resctrl, err);

	if (r < 0)
		return r;
	rollback_add(&creation->rollback, creation_undo_resctrl, creation);
	return resctrl_configure(&creation->plan.resctrl, err);
}

/* As it was read, unless knarr has added to it what later commands must know. */
static int creation_save_config(struct creation *creation, struct error *err)
{
	const struct unprivileged *changed = creation->plan.unprivileged;
	const char *text = creation->bundle.text;
	size_t length = creation->bundle.length;
	auto_free char *encoded = NULL;
	int r = 0;

	if (changed) {
		r = oci_config_encode(unprivileged_config(changed), false, &encoded, &length);
		text = encoded;
	}
	if (r == 0)
		r = io_replace_file(creation->entry.fd, STORE_CONFIG, text, length, 0600);
	return r < 0 ? error_errno(err, -r, "save the configuration") : 0;
}

int creation_complete(struct creation *creation, struct error *err)
{
	int r = 0;

	if (creation->plan.cgroup_host.mode == CGROUP_MODE_UNIFIED)
		r = creation_devices(creation, err);
	return r < 0 ? r : creation_save_config(creation, err);
}

/* --pidfd-socket by annotation. */
static int creation_connect_receiver(struct creation *creation, struct error *err)
{
	static const char key[] = "run.oci.pidfd_receiver";
	const char *path = plan_annotation(creation->plan.config, key);
	int fd;

	if (!path)
		return 0;
	fd = channel_connect(path, SOCK_STREAM);
	if (fd < 0) {
		(void)error_errno(err, -fd, "connect to %s", path);
		return error_at(err, "annotations[\"%s\"]", key);
	}
	creation->pidfd_receiver = fd;
	return 0;
}

int creation_found(struct creation *creation, struct error *err)
{
	const struct create_request *request = creation->request;
	int r;

	r = bundle_load(request->config, &creation->bundle, err);
	if (r < 0)
		return r;
	r = plan_make(creation->bundle.config, &request->options, &creation->plan, err);
	if (r < 0)
		return r;
	r = procfs_open(&creation->birth.procfs, err);
	if (r == 0)
		r = birth_connect(&creation->birth, err);
	if (r == 0)
		r = creation_connect_receiver(creation, err);
	/* Up to here nothing is made that would have to be undone. */
	if (r == 0)
		r = interrupt_open(&creation->birth.interrupt, err);
	if (r == 0)
		r = creation_claim(creation, err);
	if (r == 0 && creation->plan.extended)
		r = readiness_prepare(&creation->entry, err);
	/* `run` needs none: the channel is the gate. */
	if (r == 0 && creation->phase == RECORD_CREATED)
		r = gate_listen(&creation->entry, &creation->gate, err);
	if (r == 0)
		r = creation_cgroup(creation, err);
	if (r == 0 && creation->plan.resctrl.config)
		r = creation_resctrl(creation, err);
	return r;
}
