/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `run`: create and start in one process, and in the foreground the company that is kept to init
 * until it has ended.
 */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "container/create.h"
#include "container/creation/creation.h"
#include "container/foreground.h"
#include "container/kill.h"
#include "container/oom-reason.h"
#include "container/readiness.h"
#include "container/remove.h"
#include "container/run.h"
#include "container/start.h"
#include "container/sync.h"
#include "isolate/terminal.h"

/* A detached container is the manager's main process from now on; in the foreground we are. */
static int run_relay(struct creation *creation, struct readiness *readiness, struct error *err)
{
	if (!creation->request->options.detach)
		return readiness_relay_aside(readiness, err);
	if (readiness->socket < 0)
		return 0;
	readiness->pid = creation->birth.pid;
	store_unlock(&creation->entry);
	return readiness_relay(readiness, err);
}

static int run_start(struct creation *creation, struct error *err)
{
	const struct plan_options *options = &creation->request->options;
	struct readiness readiness = {.socket = -EBADF, .manager = options->manager};
	auto_notify struct notify notify = NOTIFY_INIT;
	const struct start_wait wait = {
		.channel = creation->birth.channel,
		.pidfd = creation->birth.pidfd,
		.bundle = &creation->bundle,
		.notify = &notify,
	};
	int r = notify_connect(creation->bundle.config, &notify, err);

	if (r < 0)
		return bundle_locate(&creation->bundle, err);
	notify.pid = creation->birth.pid;
	notify.container = (struct status_document){
		.intent = &creation->intent,
		.status = LIFECYCLE_CREATED,
		.pid = creation->birth.pid,
	};
	r = readiness_listen(&creation->entry, options->manager, &readiness.socket, err);
	if (r < 0)
		return r;
	readiness.pidfd = creation->birth.pidfd;
	r = birth_send(&creation->birth, SYNC_START, err);
	if (r == 0)
		r = start_await_exec(&wait, err);
	if (r == 0)
		r = start_run_hooks(&creation->entry, &creation->intent, &creation->bundle,
				    creation->birth.pid, err);
	if (r == 0)
		r = run_relay(creation, &readiness, err);
	fd_close(readiness.socket);
	return r;
}

int run_attend(struct creation *creation, int signals, int *ret_status, struct error *err)
{
	struct foreground foreground = {
		.pid = creation->birth.pid,
		.pidfd = creation->birth.pidfd,
		.master = creation->birth.master,
	};
	int r;

	/* From now on other commands work on it. */
	store_unlock(&creation->entry);
	r = foreground_wait(&foreground, signals, ret_status, err);
	if (r == 0 && *ret_status == 128 + SIGKILL)
		oom_warn(creation->cgroup, 0, "the container's process");
	return r;
}

/* Everything from the start to the end of init. */
static int run_foreground(struct creation *creation, int signals, int *ret_status,
			  struct error *err)
{
	int r;

	/* The size of the caller's terminal, unless the configuration names one. */
	if (creation->birth.master >= 0 && !creation->plan.process->console_size)
		(void)terminal_copy_size(STDIN_FILENO, creation->birth.master);
	r = run_start(creation, err);
	return r < 0 ? r : run_attend(creation, signals, ret_status, err);
}

void run_remove(struct creation *creation, bool ended)
{
	struct error err = ERROR_INIT;
	int r = 0;

	if (!creation->entry.locked)
		r = store_lock(creation->store, &creation->entry,
			       process_now() + STORE_LOCK_TIMEOUT, &err);
	/* Somebody's `delete --force` was faster. */
	if (r == -ENOENT)
		return;
	if (r == 0)
		r = ended ? remove_ended(creation->store, &creation->entry, &creation->intent,
					 creation->cgroup, &err)
			  : remove_locked(creation->store, &creation->entry, &err);
	if (r < 0)
		log_warning("remove container %s: %s", creation->entry.id, err.message);
}

void run_reap(const struct creation *creation)
{
	int status;

	if (process_is_dead(creation->birth.pidfd))
		(void)process_reap(creation->birth.pidfd, &status);
}

int container_run(const struct store *store, const struct run_request *request, int *ret_status,
		  struct error *err)
{
	bool detach = request->create.options.detach;
	auto_close int signals = -EBADF;
	struct creation creation;
	int r = 0;

	/* "running" before the word is said: should we die in between, init dies with us. */
	creation_init(&creation, store, &request->create, RECORD_RUNNING);
	*ret_status = 0;
	if (!detach) {
		if (!request->no_subreaper)
			(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
		r = foreground_block_signals(&signals, err);
	}
	if (r == 0)
		r = creation_build(&creation, err);
	if (r == 0)
		r = plan_check_startable(creation.bundle.config, err);
	if (r == 0)
		r = creation_commit(&creation, err);
	if (r < 0) {
		bundle_locate(&creation.bundle, err);
		creation_end(&creation);
		return r;
	}
	if (detach)
		r = run_start(&creation, err);
	else
		r = run_foreground(&creation, signals, ret_status, err);
	/* A detached one that did not start is removed as well: nobody was told of it. */
	if (r < 0 || (!detach && !request->keep))
		run_remove(&creation, r == 0);
	if (r < 0)
		run_reap(&creation);
	creation_end(&creation);
	return r;
}
