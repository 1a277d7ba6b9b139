/* SPDX-License-Identifier: Apache-2.0 */
#include "container/creation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/log.h"
#include "base/path.h"
#include "base/timestamp.h"
#include "container/apart.h"
#include "container/delegation.h"
#include "container/gate.h"
#include "container/hooks.h"
#include "container/init.h"
#include "container/oom-reason.h"
#include "container/readiness.h"
#include "container/status.h"
#include "container/sync.h"
#include "isolate/limits.h"
#include "isolate/sysctl.h"
#include "kernel/channel.h"
#include "kernel/nsfs.h"
#include "kernel/syscalls.h"

/* How long the removal of a half-made container may take, milliseconds. */
#define CREATION_UNDO_TIMEOUT 10000

void creation_init(struct creation *creation, const struct store *store,
		   const struct create_request *request, enum record_phase phase)
{
	*creation = (struct creation){
		.phase = phase,
		.store = store,
		.request = request,
		.entry = STORE_ENTRY_INIT,
		.gate = -EBADF,
		.sources = -EBADF,
		.helper = -EBADF,
		.host_root = -EBADF,
		.home = -EBADF,
		.pidfd_receiver = -EBADF,
		.streams = HOOKS_STREAMS_INIT,
		.net_devices = NET_DEVICES_INIT,
	};
	birth_init(&creation->birth, &creation->plan, &creation->rollback);
}

static void creation_close(struct creation *creation)
{
	birth_close(&creation->birth);
	creation->gate = fd_close(creation->gate);
	creation->sources = fd_close(creation->sources);
	creation->helper = fd_close(creation->helper);
	creation->host_root = fd_close(creation->host_root);
	creation->home = fd_close(creation->home);
	creation->pidfd_receiver = fd_close(creation->pidfd_receiver);
	hooks_streams_close(&creation->streams);
}

void creation_end(struct creation *creation)
{
	rollback_run(&creation->rollback);
	creation_close(creation);
	cgroup_free(creation->cgroup);
	store_entry_close(&creation->entry);
	plan_clear(&creation->plan);
	bundle_clear(&creation->bundle);
}

/* ---- what undoes ---- */

static void creation_undo_store(void *data)
{
	struct creation *creation = data;
	struct error err = ERROR_INIT;

	/* What could not be removed is for `delete --force`, which has to find it. */
	if (creation->undo_failed)
		return;
	if (store_remove(creation->store, &creation->entry, &err) < 0)
		log_warning("%s", err.message);
}

static void creation_undo_cgroup(void *data)
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

static void creation_undo_init(void *data)
{
	struct creation *creation = data;

	if (creation->helper >= 0)
		creation_end_process(creation->helper);
	creation->helper = fd_close(creation->helper);
	creation_end_process(creation->birth.pidfd);
}

/* Registered before the resources, so that it comes behind their removal (runtime.md#lifecycle,
 * steps 12 and 13), but while the id is still taken. */
static void creation_undo_hooks(void *data)
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
	/* Another signal ends the wait for these. */
	run.interrupt = creation->birth.interrupt.fd;
	(void)hooks_run(&run, &err);
}

static void creation_undo_host_root(void *data)
{
	struct creation *creation = data;
	struct error err = ERROR_INIT;

	if (rootfs_detach(creation->intent.rootfs, creation->intent.host_mount, &err) < 0) {
		creation->undo_failed = true;
		log_warning("%s", err.message);
	}
}

static void creation_undo_resctrl(void *data)
{
	struct creation *creation = data;
	struct error err = ERROR_INIT;

	if (resctrl_unmake(&creation->plan.resctrl, &err) < 0)
		log_warning("%s", err.message);
}

static void creation_undo_net_devices(void *data)
{
	struct creation *creation = data;

	net_devices_return(&creation->net_devices);
}

/* ---- the steps ---- */

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

/* Whether bind sources and devices have to be fetched for an init that has lost the host's rights.
 */
static bool creation_needs_helper(const struct plan *plan)
{
	return plan_has(plan, CLONE_NEWUSER) && plan_has(plan, CLONE_NEWNS);
}

/* A refused clone may be the cgroup's doing: a limit on processes, or a cgroup that takes none. */
static int creation_explain_fork(const struct creation *creation, int r, struct error *err)
{
	struct error cgroup = ERROR_INIT;

	if (cgroup_clone_fd(creation->cgroup) < 0 || err->field[0] != '\0')
		return r;
	(void)cgroup_explain_clone(creation->cgroup, -r, &cgroup);
	if (cgroup.hint[0] != '\0')
		error_hint(err, "%s", cgroup.hint);
	return r;
}

/* Those hooks run where the host's paths do not lead to the host's files. */
static int creation_hook_streams(struct creation *creation, struct error *err)
{
	const struct oci_hooks *hooks = creation->plan.config->hooks;

	if (!hooks || hooks->create_container.count + hooks->start_container.count == 0)
		return 0;
	return hooks_streams_open(&creation->plan.config->annotations, &creation->streams, err);
}

static int creation_fork(struct creation *creation, struct error *err)
{
	const struct plan *plan = &creation->plan;
	auto_close int channel = -EBADF, sources = -EBADF;
	struct namespaces_fds fds;
	int ends[2], r;
	pid_t pid;

	r = channel_open(ends);
	if (r < 0)
		return error_errno(err, -r, "make a channel to init");
	creation->birth.channel = ends[0];
	channel = ends[1];
	if (creation_needs_helper(plan)) {
		r = channel_open(ends);
		if (r < 0)
			return error_errno(err, -r, "make a channel for bind sources");
		creation->sources = ends[0];
		sources = ends[1];
	}
	r = creation_hook_streams(creation, err);
	if (r == 0)
		r = namespaces_open(&plan->namespaces, &fds, err);
	if (r < 0)
		return r;
	r = sysctl_check_joined(plan->config->linux, &plan->namespaces, &fds, err);
	if (r < 0) {
		namespaces_fds_close(&fds);
		return r;
	}
	/* Of ourselves, for init to inherit: it may be of another user by the time we could do it
	 * there. */
	r = limits_raise_rlimits(&plan->process->rlimits, 0, err);
	if (r < 0) {
		namespaces_fds_close(&fds);
		return r;
	}
	creation->home = apart_plan(&creation->plan);
	pid = namespaces_fork(&plan->namespaces, &fds, cgroup_clone_fd(creation->cgroup),
			      &creation->birth.pidfd, err);
	if (pid == -EACCES && cgroup_can_attach(creation->cgroup)) {
		creation->attach = true;
		error_clear(err);
		pid = namespaces_fork(&plan->namespaces, &fds, -EBADF, &creation->birth.pidfd, err);
	}
	if (pid == 0) {
		struct init init = {
			.attach = creation->attach,
			.plan = plan,
			.cgroup = creation->cgroup,
			.namespaces = &fds,
			.channel = channel,
			.gate = creation->gate,
			.console_socket = creation->birth.console_socket,
			.streams = creation->streams,
			.host_root = creation->host_root,
			.procfs = creation->birth.procfs,
			.sources = {.channel = sources},
			.root = -EBADF,
			.null = -EBADF,
			.slave = -EBADF,
		};

		/* The runtime's ends, so that each side notices when the other one is gone; and the
		 * lock, which a dead runtime must not hold through us. */
		fd_close(creation->birth.channel);
		fd_close(creation->sources);
		store_entry_close(&creation->entry);
		init_main(&init);
	}
	namespaces_fds_close(&fds);
	creation->gate = fd_close(creation->gate);
	if (pid < 0)
		return creation_explain_fork(creation, pid, err);
	creation->birth.pid = pid;
	rollback_add(&creation->rollback, creation_undo_init, creation);
	return 0;
}

/* What only the runtime may do to init: ids, and the score that the OOM killer goes by. */
static int creation_outfit(struct creation *creation, struct error *err)
{
	const struct plan *plan = &creation->plan;
	int r;

	if (creation->attach) {
		r = cgroup_attach(creation->cgroup, creation->birth.pid, err);
		if (r < 0)
			return error_wrap(err, "cgroup");
	}
	if (plan->namespaces.fresh & CLONE_NEWUSER) {
		r = idmap_write(&plan->idmap, creation->birth.pid, err);
		if (r < 0)
			return r;
	}
	r = limits_apply_oom_score_adj(&plan->process->oom_score_adj, creation->birth.pid,
				       creation->birth.procfs, err);
	if (r == 0)
		r = resctrl_assign(plan->resctrl.group, plan->resctrl.monitor, creation->birth.pid,
				   err);
	if (r < 0)
		return r;
	if (creation_needs_helper(plan)) {
		r = sources_serve(creation->birth.pidfd, creation->sources, &creation->helper, err);
		creation->sources = fd_close(creation->sources);
		if (r < 0)
			return r;
	}
	return 0;
}

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

static int creation_run_hooks(struct creation *creation, struct error *err)
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

/* All that will be recorded of init, so that its readiness only has to be put in force. */
static int creation_prepare_state(struct creation *creation, struct error *err)
{
	int r = process_identify(creation->birth.pid, creation->birth.pidfd, &creation->identity);

	if (r < 0)
		return error_errno(err, -r, "identify init");
	return record_prepare_state(&creation->entry, creation->phase, &creation->identity, err);
}

/*
 * What need not be done before the clone, and is done while init builds its root on another CPU:
 * the device rules of cgroup v2, a program that the kernel verifies at length and puts in force in
 * one step (init itself may open what it likes anyhow), and the copy of the configuration, which is
 * no part of what an interrupted create has to undo.
 */
static int creation_complete(struct creation *creation, struct error *err)
{
	int r = 0;

	if (creation->plan.cgroup_host.mode == CGROUP_MODE_UNIFIED)
		r = creation_devices(creation, err);
	if (r < 0)
		return r;
	r = io_replace_file(creation->entry.fd, STORE_CONFIG, creation->bundle.text,
			    creation->bundle.length, 0600);
	return r < 0 ? error_errno(err, -r, "save the configuration") : 0;
}

/* Hooks that init runs must find the container complete. */
static bool creation_completes_first(const struct creation *creation)
{
	const struct oci_hooks *hooks = creation->plan.config->hooks;

	return hooks && hooks->create_container.count > 0;
}

/* Answers init until it is ready. */
static int creation_converse(struct creation *creation, struct error *err)
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

/* Its end of the channel is closed by init's readiness, and the helper ends by itself. */
static int creation_end_helper(struct creation *creation, struct error *err)
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

/* What the kernel is not asked to change, then what the container is. */
static int creation_found(struct creation *creation, struct error *err)
{
	const struct create_request *request = creation->request;
	int r;

	r = bundle_load(request->config, &creation->bundle, err);
	if (r < 0)
		return r;
	r = plan_make(creation->bundle.config, &request->options, &creation->plan, err);
	if (r < 0)
		return r;
	r = interrupt_open(&creation->birth.interrupt, err);
	if (r == 0)
		r = birth_connect(&creation->birth, err);
	if (r == 0)
		r = creation_connect_receiver(creation, err);
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

int creation_prepare(struct creation *creation, struct error *err)
{
	int r = creation_found(creation, err);

	return r < 0 ? r : creation_complete(creation, err);
}

int creation_hooks(struct creation *creation, pid_t init, struct error *err)
{
	const struct oci_hooks *hooks = creation->plan.config->hooks;

	if (!hooks || hooks->prestart.count + hooks->create_runtime.count == 0)
		return 0;
	creation->hooks_ran = true;
	creation->birth.pid = init;
	return creation_run_hooks(creation, err);
}

int creation_adopt(struct creation *creation, pid_t init, struct error *err)
{
	int pidfd = sys_pidfd_open(init, 0);

	if (pidfd < 0)
		return error_errno(err, -pidfd, "open init");
	creation->birth.pid = init;
	creation->birth.pidfd = pidfd;
	rollback_add(&creation->rollback, creation_undo_init, creation);
	return creation_prepare_state(creation, err);
}

int creation_build(struct creation *creation, struct error *err)
{
	int r = creation_found(creation, err);

	if (r == 0 && creation_completes_first(creation))
		r = creation_complete(creation, err);
	if (r == 0)
		r = mounts_prepare(&creation->plan.mounts, &creation->plan.idmap, err);
	if (r == 0)
		devices_prepare(&creation->plan.devices, &creation->plan.idmap);
	if (r == 0)
		r = creation_fork(creation, err);
	if (r == 0)
		r = creation_outfit(creation, err);
	if (r == 0)
		r = creation_converse(creation, err);
	if (r == 0)
		r = creation_end_helper(creation, err);
	if (r == 0)
		r = cgroup_release(creation->cgroup, err);
	/* Init has its user by now. */
	if (r == 0 && delegation_plan(&creation->plan))
		r = delegation_apply(&creation->plan, creation->cgroup, creation->birth.pid,
				     creation->birth.procfs, err);
	return r;
}

int creation_commit(struct creation *creation, struct error *err)
{
	int r = birth_announce(&creation->birth, err);

	if (r == 0 && creation->pidfd_receiver >= 0) {
		r = channel_send_fd(creation->pidfd_receiver, creation->birth.pidfd, "pidfd");
		if (r < 0)
			error_errno(err, -r, "send the pidfd to run.oci.pidfd_receiver");
	}
	if (r == 0)
		r = interrupt_check(&creation->birth.interrupt, err);
	if (r == 0)
		r = record_commit_state(&creation->entry, err);
	if (r == 0)
		r = net_devices_keep(&creation->net_devices, err);
	if (r == 0 && creation->phase == RECORD_CREATED)
		r = birth_send(&creation->birth, SYNC_COMMIT, err);
	if (r < 0)
		return r;
	rollback_commit(&creation->rollback);
	interrupt_close(&creation->birth.interrupt);
	return 0;
}
