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
	struct store_entry entry;
	struct record record;
	struct status status; /* of init */
	struct bundle bundle; /* the container's configuration */
	struct exec_process process;
	struct plan plan;
	struct cgroup *cgroup;
	uint64_t oom_kills; /* in it, before the process was there */
	struct birth birth;
	bool attach;		    /* systemd moves the process into the cgroup */
	struct interrupt interrupt; /* until it runs; in the foreground */
	bool interrupted;
	int root;	    /* of init, which may have changed it */
	struct stat rootfs; /* of the container's, .st_ino 0: it is no more to be seen */
	struct rollback rollback;
};

/* The plan of a process alone. */
static int exec_plan(struct exec *exec, struct error *err)
{
	struct plan *plan = &exec->plan;
	struct namespaces_plan namespaces;
	int r;

	*plan = (struct plan){
		.options = &exec->request->options,
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

/* The cgroup2 directory that init is in; for containers whose own cgroup has become an inner one.
 */
static int exec_init_cgroup(pid_t init)
{
	char path[64], cgroups[4096], directory[4200];
	const char *unified;

	(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)init);
	if (io_read_small(AT_FDCWD, path, cgroups, sizeof(cgroups)) < 0)
		return -EBADF;
	unified = text_starts_with(cgroups, "0::") ? cgroups + 3 : strstr(cgroups, "\n0::");
	if (!unified)
		return -EBADF;
	unified += *unified == '\n' ? 4 : 0;
	(void)snprintf(directory, sizeof(directory), "/sys/fs/cgroup%.*s",
		       (int)strcspn(unified, "\n"), unified);
	return open(directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The process on its way: first as the helper, then as the helper's child. */
struct exec_child {
	struct exec *exec;
	struct init init;
};

/* Whether anything has to be done to the process, or told of it, before its program may run: each
 * wait costs two switches of context. */
static bool exec_is_followed(const struct exec *exec)
{
	const struct plan_options *options = exec->plan.options;
	const struct oci_process *process = exec->plan.process;
	const struct record_intent *intent = exec->record.intent;

	return exec->attach || options->pid_file || options->pidfd_socket || process->terminal ||
	       process->oom_score_adj.set || process->scheduler || process->io_priority ||
	       intent->rdt_group || intent->rdt_monitor;
}

static int exec_prepare(void *data, struct error *err)
{
	const struct exec_child *child = data;

	return cgroup_enter_self(child->exec->cgroup, err);
}

static int exec_settle(void *data, struct error *err)
{
	struct exec_child *child = data;

	(void)err; /* what fails is told over the channel, as by any init */
	child->exec->birth.channel = fd_close(child->exec->birth.channel);
	child->init.followed = exec_is_followed(child->exec);
	init_aside(&child->init);
	child->init.role = INIT_JOINED;
	return 0;
}

/* The helper's own words, when it came so far as to have any. */
static int exec_failed(const struct exec *exec, struct error *err)
{
	struct channel_message message;
	int r;

	do {
		auto_close int fd = -EBADF;

		r = channel_recv(exec->birth.channel, -1, process_now(), &message, &fd);
	} while (r == 0 && message.word != SYNC_FAILED);
	return r == 0 ? birth_failed(message.phase, &message.error, err) : error_wrap(err, "exec");
}

/* Init's own root is another one than the container's when it has changed it; the other way round,
 * joining leads elsewhere when there is no mount namespace, or the runtime was in a chroot. */
static int exec_find_root(struct exec *exec, struct error *err)
{
	char path[64];

	if (stat(exec->record.intent->rootfs, &exec->rootfs) < 0)
		exec->rootfs.st_ino = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/root", (int)exec->status.pid);
	exec->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return exec->root < 0 ? error_errno(err, errno, "open the container's root") : 0;
}

static int exec_fork(struct exec *exec, struct error *err)
{
	auto_close int channel = -EBADF, other = -EBADF;
	struct exec_child child = {
		.exec = exec,
		.init =
			{
				.role = INIT_ASIDE,
				.plan = &exec->plan,
				.cgroup = exec->cgroup,
				.gate = -EBADF,
				.console_socket = exec->birth.console_socket,
				.streams = HOOKS_STREAMS_INIT,
				.host_root = -EBADF,
				.procfs = exec->birth.procfs,
				.sources = {.channel = -EBADF},
				.root = -EBADF,
				.null = -EBADF,
				.slave = -EBADF,
			},
	};
	struct namespaces_entry entry = {
		.pidfd = exec->status.pidfd,
		.types = exec->plan.namespaces.private,
		.root = exec->root,
		.rootfs = exec->rootfs.st_ino ? &exec->rootfs : NULL,
		.idle_close = exec->request->options.idle_close,
		.interrupt = exec->interrupt.fd,
		.prepare = exec_prepare,
		.settle = exec_settle,
		.data = &child,
	};
	int ends[2], r;
	pid_t pid;

	r = channel_open(ends);
	if (r < 0)
		return error_errno(err, -r, "make a channel to the process");
	exec->birth.channel = ends[0];
	child.init.channel = channel = ends[1];
	r = limits_raise_rlimits(&exec->plan.process->rlimits, 0, err);
	if (r == 0)
		r = affinity_set_initial(exec->plan.process->exec_cpu_affinity, err);
	if (r < 0)
		return r;
	pid = namespaces_fork_into(&entry, cgroup_clone_fd(exec->cgroup), &exec->birth.pidfd, err);
	/* Who names a cgroup means that one. */
	if ((pid == -EBUSY || pid == -EOPNOTSUPP) && exec->request->cgroups.count == 0) {
		other = exec_init_cgroup(exec->status.pid);
		/* Never into the cgroup that the runtime happens to be in. */
		if (other >= 0)
			pid = namespaces_fork_into(&entry, other, &exec->birth.pidfd, err);
	} else if (pid == -EACCES && cgroup_can_attach(exec->cgroup)) {
		exec->attach = true;
		error_clear(err);
		pid = namespaces_fork_into(&entry, -EBADF, &exec->birth.pidfd, err);
	}
	if (pid == 0)
		init_main(&child.init);
	if (pid < 0 && entry.refused)
		(void)cgroup_explain_clone(exec->cgroup, -pid, err);
	/* Or its end would not be heard of. */
	channel = fd_close(channel);
	if (pid == -EINTR && interrupt_check(&exec->interrupt, err) < 0)
		return -err->number;
	if (pid < 0)
		return exec_failed(exec, err);
	exec->birth.pid = pid;
	return 0;
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

	exec->oom_kills = oom_kills(exec->cgroup);
	r = notify_connect(exec->bundle.config, &notify, err);
	if (r == 0)
		r = exec_fork(exec, err);
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
	r = exec->attach ? cgroup_attach(exec->cgroup, exec->birth.pid, err) : 0;
	if (r == 0)
		r = limits_apply_oom_score_adj(&exec->plan.process->oom_score_adj, exec->birth.pid,
					       exec->birth.procfs, err);
	if (r == 0)
		r = resctrl_assign(exec->record.intent->rdt_group, exec->record.intent->rdt_monitor,
				   exec->birth.pid, err);
	if (r == 0)
		r = birth_await_ready(&exec->birth, &events, err);
	/* In the foreground the terminal is as large as the caller's, before the program asks. */
	if (r == 0 && exec->birth.master >= 0 && !exec->plan.process->console_size)
		(void)terminal_copy_size(STDIN_FILENO, exec->birth.master);
	if (r == 0)
		r = birth_announce(&exec->birth, err);
	if (r == 0 && exec_is_followed(exec))
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
	exec->root = fd_close(exec->root);
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
	fd_close(exec->root);
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
		.root = -EBADF,
	};
	auto_close int signals = -EBADF;
	int r;

	*ret_status = 0;
	birth_init(&exec.birth, &exec.plan, &exec.rollback);
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
		r = exec_find_root(&exec, err);
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
