/* SPDX-License-Identifier: Apache-2.0 */
#include "container/creation/creation.h"

#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "container/apart.h"
#include "container/creation/steps.h"
#include "container/delegation.h"
#include "container/init/init.h"
#include "container/sync.h"
#include "container/unprivileged.h"
#include "isolate/limits.h"
#include "isolate/sysctl.h"
#include "kernel/channel.h"
#include "kernel/syscalls.h"

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
		r = sources_serve(creation->birth.pidfd, -EBADF, creation->sources,
				  &creation->helper, err);
		creation->sources = fd_close(creation->sources);
		if (r < 0)
			return r;
	}
	return 0;
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
	bundle_warn(&creation->bundle);
	unprivileged_warn(creation->plan.unprivileged);
	return 0;
}
