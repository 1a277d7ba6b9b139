/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order is that of a birth (creation.c) without a root to build: the plan is the container's,
 * cut down to what makes a process, and init's table has the steps. Who joins how, and why through
 * a helper, is told in isolate/namespaces.c.
 *
 * The cgroup is the container's own; where that takes no processes, because init has made cgroups
 * below it and handed controllers on (a nested engine), it is the one that init is in.
 */
#include "container/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/path.h"
#include "base/text.h"
#include "container/birth.h"
#include "container/exec-fork.h"
#include "container/exec-process.h"
#include "container/foreground.h"
#include "container/init/init.h"
#include "container/join.h"
#include "container/oom-reason.h"
#include "container/start.h"
#include "container/state/record.h"
#include "container/state/status.h"
#include "isolate/affinity.h"
#include "isolate/limits.h"
#include "isolate/terminal.h"
#include "kernel/channel.h"
#include "kernel/process.h"
#include "kernel/procfs.h"
#include "kernel/syscalls.h"

struct exec {
	const struct exec_request *request;
	struct plan_options options; /* the request's, and what the container was made with */
	struct store_entry entry;
	struct record record;
	struct status status; /* of init */
	struct bundle bundle; /* the container's configuration */
	struct exec_process process;
	struct plan plan;
	struct cgroup *cgroup;
	uint64_t oom_kills; /* in it, before the process was there */
	struct birth birth;
	struct exec_fork fork;
	struct interrupt interrupt; /* until it runs; in the foreground */
	bool interrupted;
	struct rollback rollback;
};

/* The plan of a process alone. */
static int exec_plan(struct exec *exec, struct error *err)
{
	struct plan *plan = &exec->plan;
	struct namespaces_plan namespaces;
	int r;

	exec->options = exec->request->options;
	exec->options.no_new_keyring = exec->record.intent->no_new_keyring;
	*plan = (struct plan){
		.options = &exec->options,
		.config = exec->bundle.config,
		.process = &exec->process.process,
		.env = exec->process.process.env,
	};
	r = plan_check_process(plan, err);
	if (r == 0)
		r = namespaces_plan(plan->config->linux, &namespaces, err);
	if (r == 0)
		r = join_find_namespaces(exec->status.pid, exec->status.pidfd, namespaces.fresh,
					 &plan->namespaces.private, err);
	capabilities_plan(plan->process->capabilities, &plan->capabilities);
	/* stderr is the program's here: only who asks for one himself is told that there is none.
	 */
	plan->capabilities.told = exec->request->capabilities.count == 0;
	if (r == 0)
		r = plan_make_seccomp(plan, err);
	return r;
}

static int exec_load(struct exec *exec, const struct store *store, struct error *err)
{
	const struct exec_request *request = exec->request;
	const char *id = request->options.id;
	int r;

	r = store_find(store, id, &exec->entry, err);
	if (r == 0)
		r = status_load(&exec->entry, &exec->record, &exec->status, err);
	if (r < 0)
		return r;
	if (!(exec->status.status == LIFECYCLE_PAUSED && request->ignore_paused)) {
		r = lifecycle_check(LIFECYCLE_EXEC, exec->status.status, id, err);
		if (r < 0)
			return r;
	}
	if (exec->status.pidfd < 0 || !exec->record.intent)
		return error_set(err, EBADMSG, "the state of container %s is damaged", id);
	r = bundle_load_snapshot(&exec->entry, &exec->bundle, err);
	if (r < 0)
		return r;
	if (!exec->bundle.config->process)
		return error_set(err, EBADMSG, "the configuration of container %s has no process",
				 id);
	r = exec_process_make(request, exec->bundle.config->process, &exec->process, err);
	return r < 0 ? exec_process_locate(&exec->process, err) : 0;
}

static bool exec_is_label(const char *label)
{
	return label && label[0] != '\0';
}

/* Opened only for who writes there: to find out that nothing is mounted on it takes ten system
 * calls. */
static int exec_open_procfs(struct exec *exec, struct error *err)
{
	const struct oci_process *process = exec->plan.process;

	if (!exec_is_label(process->apparmor_profile) && !exec_is_label(process->selinux_label) &&
	    !process->oom_score_adj.set && !plan_has(&exec->plan, CLONE_NEWUSER))
		return 0;
	return procfs_open(&exec->birth.procfs, err);
}

/* "[CONTROLLER[,CONTROLLER...]:]PATH": below the container's, in the hierarchies of these or in
 * all.
 */
static int exec_descend(struct exec *exec, const char *argument, struct error *err)
{
	const char *colon = strchr(argument, ':'), *below = colon ? colon + 1 : argument;
	auto_free char *controllers =
		colon ? strndup(argument, (size_t)(colon - argument)) : strdup("");
	char *rest = controllers, *word;
	int r = controllers ? 0 : error_errno(err, ENOMEM, "start");

	if (r == 0 && (path_has_dotdot(below) || strpbrk(below, ":\n")))
		r = error_set(err, EINVAL, "that is not a path below the container's cgroup");
	if (r == 0 && !colon && strcmp(below, "/") != 0)
		r = cgroup_descend(exec->cgroup, NULL, below, err);
	while (r == 0 && colon && (word = strsep(&rest, ",")))
		r = *word ? cgroup_descend(exec->cgroup, word, below, err)
			  : error_set(err, EINVAL, "a controller is expected before the colon");
	return r < 0 ? error_wrap(err, "--cgroup %s", argument) : 0;
}

/* Several arguments name controllers, all of them. */
static int exec_descend_all(struct exec *exec, struct error *err)
{
	const struct oci_strings *cgroups = &exec->request->cgroups;
	int r = 0;

	for (size_t i = 0; r == 0 && i < cgroups->count; i++) {
		if (cgroups->count > 1 && !strchr(cgroups->items[i], ':'))
			r = error_set(err, EINVAL,
				      "--cgroup %s: one of several has to name its controllers",
				      cgroups->items[i]);
		else
			r = exec_descend(exec, cgroups->items[i], err);
	}
	return r;
}

static int exec_open_cgroup(struct exec *exec, struct error *err)
{
	int r = record_open_cgroup(&exec->entry, &exec->record, &exec->cgroup, err);

	if (r == 0)
		r = exec_descend_all(exec, err);
	if (r == 0)
		r = cgroup_follow(exec->cgroup, exec->status.pid, err);
	return r < 0 ? r : cgroup_prepare_enter(exec->cgroup, err);
}

/* Whether anything has to be done to the process, or told of it, before its program may run: each
 * wait costs two switches of context. */
static bool exec_is_followed(const struct exec *exec)
{
	const struct plan_options *options = exec->plan.options;
	const struct oci_process *process = exec->plan.process;
	const struct record_intent *intent = exec->record.intent;

	/* A listener is handed over by the process itself, and not before its pid is known. */
	return options->pid_file || options->pidfd_socket || process->terminal ||
	       process->oom_score_adj.set || process->scheduler || process->io_priority ||
	       intent->rdt_group || intent->rdt_monitor || exec->plan.seccomp.notify;
}

static int exec_prepare_fork(struct exec *exec, struct error *err)
{
	struct exec_fork *fork = &exec->fork;

	fork->cgroup = exec->cgroup;
	fork->exact = exec->request->cgroups.count > 0;
	fork->init = &exec->status;
	fork->idle_close = exec->request->options.idle_close;
	fork->interrupt = &exec->interrupt;
	return exec_fork_find_root(fork, exec->record.intent->rootfs, err);
}

static void exec_undo_process(void *data)
{
	const struct exec *exec = data;
	int64_t patience = exec->interrupted ? PROCESS_GRACE_MS : PROCESS_REAP_MS;
	int status;

	(void)process_signal(exec->birth.pidfd, SIGKILL);
	(void)process_reap_until(exec->birth.pidfd, process_now() + patience, &status);
}

static int exec_await(const struct exec *exec, struct notify *notify, struct error *err)
{
	const struct bundle no_text = BUNDLE_INIT;
	const struct start_wait wait = {
		.channel = exec->birth.channel,
		.pidfd = exec->birth.pidfd,
		.bundle = &no_text,
		.notify = notify,
		.interrupt = &exec->interrupt,
	};

	notify->pid = exec->birth.pid;
	notify->container = (struct status_document){
		.intent = exec->record.intent,
		.status = exec->status.status,
		.pid = exec->status.pid,
	};
	return start_await_exec(&wait, err);
}

static int exec_explain_death(void *data, struct error *err)
{
	const struct exec *exec = data;

	return oom_explain(exec->cgroup, exec->oom_kills, "the process", err);
}

/* From the clone to the execve. */
static int exec_run(struct exec *exec, struct error *err)
{
	const struct birth_events events = {.death = exec_explain_death, .data = exec};
	auto_notify struct notify notify = NOTIFY_INIT;
	struct error reason = ERROR_INIT;
	int r;

	exec->oom_kills = cgroup_oom_kills(exec->cgroup);
	exec->fork.followed = exec_is_followed(exec);
	r = notify_connect(exec->bundle.config, &notify, err);
	if (r == 0)
		r = limits_raise_rlimits(&exec->plan.process->rlimits, 0, err);
	if (r == 0)
		r = affinity_set_initial(exec->plan.process->exec_cpu_affinity, err);
	if (r == 0)
		r = exec_fork(&exec->fork, &events, err);
	/* Or the one of the helper, which enters the cgroup as well. */
	if (r < 0 && oom_explain(exec->cgroup, exec->oom_kills, "the process", &reason) < 0) {
		*err = reason;
		r = -reason.number;
	}
	if (r == -ETIMEDOUT && exec->status.status == LIFECYCLE_PAUSED)
		return error_hint(err, "the container is frozen, and was not resumed meanwhile");
	if (r < 0)
		return r;
	rollback_add(&exec->rollback, exec_undo_process, exec);
	r = exec->fork.attach ? cgroup_attach(exec->cgroup, exec->birth.pid, err) : 0;
	if (r == 0)
		r = limits_apply_oom_score_adj(&exec->plan.process->oom_score_adj, exec->birth.pid,
					       exec->birth.procfs, err);
	if (r == 0)
		r = resctrl_assign(exec->record.intent->rdt_group, exec->record.intent->rdt_monitor,
				   exec->birth.pid, err);
	/* In the foreground the terminal is as large as the caller's, before the program asks. */
	if (r == 0 && exec->birth.master >= 0 && !exec->plan.process->console_size)
		(void)terminal_copy_size(STDIN_FILENO, exec->birth.master);
	if (r == 0)
		r = birth_announce(&exec->birth, err);
	if (r == 0 && exec->fork.followed)
		r = birth_send(&exec->birth, SYNC_START, err);
	if (r == 0)
		r = exec_await(exec, &notify, err);
	exec->interrupted = r == -EINTR;
	if (r == 0)
		rollback_commit(&exec->rollback);
	return r;
}

/* What only the making took. */
static void exec_release(struct exec *exec)
{
	seccomp_plan_clear(&exec->plan.seccomp);
	exec_process_clear(&exec->process);
	bundle_clear(&exec->bundle);
	status_clear(&exec->status);
	record_clear(&exec->record);
	store_entry_close(&exec->entry);
}

static int exec_foreground(struct exec *exec, int signals, int *ret_status, struct error *err)
{
	struct foreground foreground = {
		.pid = exec->birth.pid,
		.pidfd = exec->birth.pidfd,
		.master = exec->birth.master,
	};
	int r;

	/* While the program runs, not when the caller waits for us. */
	exec_release(exec);
	interrupt_close(&exec->interrupt);
	exec_fork_clear(&exec->fork);
	exec->birth.channel = fd_close(exec->birth.channel);
	exec->birth.procfs = fd_close(exec->birth.procfs);
	r = foreground_wait(&foreground, signals, ret_status, err);
	if (r == 0 && *ret_status == 128 + SIGKILL)
		oom_warn(exec->cgroup, exec->oom_kills, "the process");
	return r;
}

static void exec_clear(struct exec *exec)
{
	interrupt_close(&exec->interrupt);
	exec_fork_clear(&exec->fork);
	rollback_run(&exec->rollback);
	birth_close(&exec->birth);
	cgroup_free(exec->cgroup);
	exec_release(exec);
}

int container_exec(const struct store *store, const struct exec_request *request, int *ret_status,
		   struct error *err)
{
	struct exec exec = {
		.request = request,
		.entry = STORE_ENTRY_INIT,
		.status = STATUS_INIT,
		.interrupt = INTERRUPT_INIT,
	};
	auto_close int signals = -EBADF;
	int r;

	*ret_status = 0;
	birth_init(&exec.birth, &exec.plan, &exec.rollback);
	exec_fork_init(&exec.fork, &exec.birth);
	r = exec_load(&exec, store, err);
	if (r == 0)
		r = exec_plan(&exec, err);
	if (r == 0)
		r = exec_open_cgroup(&exec, err);
	if (r == 0)
		r = exec_open_procfs(&exec, err);
	if (r == 0)
		r = birth_connect(&exec.birth, err);
	if (r == 0)
		r = exec_prepare_fork(&exec, err);
	/* Detached nothing is held back: a signal ends it, and what is half made with it. Nor while
	 * files are looked for on the host, whose server may not answer. */
	if (r == 0 && !request->options.detach)
		r = foreground_block_signals(&signals, err);
	if (r == 0 && !request->options.detach)
		r = interrupt_open(&exec.interrupt, err);
	if (r == 0)
		r = exec_run(&exec, err);
	/* It was killed while we looked at it. */
	if (r < 0 && exec.birth.pid == 0 && status_has_ended(&exec.status))
		r = error_set(err, ESRCH, "%s: container not running", exec.entry.id);
	if (r < 0)
		exec_process_locate(&exec.process, err);
	else if (!request->options.detach)
		r = exec_foreground(&exec, signals, ret_status, err);
	exec_clear(&exec);
	return r;
}
