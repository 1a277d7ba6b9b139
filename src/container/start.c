/* SPDX-License-Identifier: Apache-2.0 */
#include "container/start.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "container/birth.h"
#include "container/hooks.h"
#include "container/kill.h"
#include "container/oom-reason.h"
#include "container/plan.h"
#include "container/readiness.h"
#include "container/remove.h"
#include "container/state/gate.h"
#include "container/state/status.h"
#include "container/sync.h"
#include "kernel/channel.h"

/* startContainer hooks may take as long as they say. */
static int64_t start_deadline(const struct bundle *bundle)
{
	const struct oci_hooks *hooks = bundle->config ? bundle->config->hooks : NULL;
	int64_t deadline = process_now() + SYNC_TIMEOUT;

	for (size_t i = 0; hooks && i < hooks->start_container.count; i++) {
		if (!hooks->start_container.items[i].timeout.set)
			return PROCESS_NO_DEADLINE;
		deadline += (int64_t)hooks->start_container.items[i].timeout.value * 1000;
	}
	return deadline;
}

/* Without its agent the process must not run. */
static int start_pass_listener(const struct start_wait *wait, int listener, struct error *err)
{
	struct channel_message message = {.word = SYNC_PROCEED};
	int r = notify_deliver(wait->notify, listener, err);

	if (r < 0) {
		(void)process_signal(wait->pidfd, SIGKILL);
		return bundle_locate(wait->bundle, err);
	}
	r = channel_send(wait->channel, &message, -1);
	/* Gone in the meantime: the next word, or its absence, says why. */
	return r < 0 && r != -EPIPE ? error_errno(err, -r, "speak to the container's process") : 0;
}

/* Reading the program may take for ever, when its filesystem is another's affair. */
static int start_wait_word(const struct start_wait *wait, int64_t deadline, struct error *err)
{
	int interrupt = wait->interrupt ? wait->interrupt->fd : -EBADF;

	if (interrupt < 0 ||
	    process_wait_graceful(wait->channel, wait->pidfd, interrupt, deadline) != -EINTR)
		return 0;
	return interrupt_check(wait->interrupt, err);
}

int start_await_exec(const struct start_wait *wait, struct error *err)
{
	struct channel_message message = {0};
	int r;

	do {
		int64_t deadline = start_deadline(wait->bundle);
		auto_close int listener = -EBADF;

		if (start_wait_word(wait, deadline, err) < 0)
			return -err->number;
		r = channel_recv(wait->channel, wait->pidfd, deadline, &message, &listener);
		/* Closed: execve has happened. Should the program be dead already, that is its own
		 * affair. */
		if (r == -EPIPE)
			return 0;
		if (r < 0)
			return error_errno(err, -r, "wait for the container's program to start");
		if (message.word == SYNC_LISTENER)
			r = start_pass_listener(wait, listener, err);
	} while (r == 0 && message.word == SYNC_LISTENER);
	if (r < 0)
		return r;
	if (message.word != SYNC_FAILED)
		return error_set(err, EPROTO, "init said %u", message.word);
	(void)birth_failed(message.phase, &message.error, err);
	return bundle_locate(wait->bundle, err);
}

int start_run_hooks(const struct store_entry *entry, const struct record_intent *intent,
		    const struct bundle *bundle, pid_t pid, struct error *err)
{
	struct status_document document = {
		.intent = intent,
		.status = LIFECYCLE_RUNNING,
		.pid = pid,
	};
	struct hooks_run run = {.kind = "poststart"};
	auto_text struct text state = {0};
	struct error ignored = ERROR_INIT;
	int r;

	/* Without them the intent may be lost. */
	if (!bundle->config || !bundle->config->hooks ||
	    bundle->config->hooks->poststart.count == 0)
		return 0;
	run.hooks = &bundle->config->hooks->poststart;
	status_encode(&document, STATUS_FIELDS_SPEC, &state);
	run.state = state.data;
	run.annotations = &bundle->config->annotations;
	run.directory = intent->bundle;
	r = state.failed ? error_errno(err, ENOMEM, "prepare the state for hooks")
			 : hooks_run(&run, err);
	if (r == 0)
		return 0;
	bundle_locate(bundle, err);
	if (kill_all(entry, SIGKILL, &ignored) < 0)
		log_warning("%s", ignored.message);
	return r;
}

/* The program may be dead already, or never have come to be: its own affair, but who looks for the
 * reason should not have to guess. */
static void start_warn_of_death(const struct store_entry *entry, const struct record *record)
{
	struct error ignored = ERROR_INIT;
	struct cgroup *cgroup;

	if (record_open_cgroup(entry, record, &cgroup, &ignored) < 0)
		return;
	oom_warn(cgroup, 0, "the container's process");
	cgroup_free(cgroup);
}

/* Hooks and the seccomp agent are told of the container, and the intent says what: of a damaged one
 * they would hear nothing, which is to be known before the program runs. */
static int start_check_listeners(const struct record *record, const struct bundle *bundle,
				 const struct notify *notify, struct error *err)
{
	const struct oci_hooks *hooks = bundle->config->hooks;

	if (record->intent || (notify->agent < 0 && (!hooks || hooks->poststart.count == 0)))
		return 0;
	error_set(err, EBADMSG,
		  "the intent of the container is damaged, and its %s cannot be told of it",
		  notify->agent < 0 ? "poststart hooks" : "seccomp agent");
	return error_hint(err, "it can only be deleted");
}

/* `ret_over`: it did start, and is to be destroyed for its hooks' sake. */
static int start_locked(struct store_entry *entry, const struct record *record,
			const struct status *status, bool *ret_over, struct error *err)
{
	auto_bundle struct bundle bundle = BUNDLE_INIT;
	struct channel_message message = {.word = SYNC_START};
	struct process_identity identity;
	struct error ignored = ERROR_INIT;
	auto_close int gate = -EBADF;
	auto_notify struct notify notify = NOTIFY_INIT;
	int r;

	if (record->state)
		record_identity(record, &identity);
	else if (process_identify(status->pid, status->pidfd, &identity) < 0)
		return error_set(err, ESRCH, "container init is gone: %s", entry->id);
	r = bundle_load_snapshot(entry, &bundle, err);
	if (r == 0)
		r = plan_check_startable(bundle.config, err);
	if (r == 0)
		r = notify_connect(bundle.config, &notify, err);
	if (r == 0)
		r = start_check_listeners(record, &bundle, &notify, err);
	if (r < 0)
		return bundle_locate(&bundle, err);
	notify.pid = identity.pid;
	notify.container = (struct status_document){
		.intent = record->intent,
		.status = LIFECYCLE_CREATED,
		.pid = identity.pid,
	};
	r = gate_connect(entry, &gate);
	if (r == -EAGAIN) {
		error_errno(err, EAGAIN, "connect to the start gate of container %s", entry->id);
		return error_hint(err, "init does not answer; it may be frozen or stopped");
	}
	if (r == -ECONNREFUSED || r == -ENOENT)
		return error_set(err, ESRCH, "container init is gone: %s", entry->id);
	if (r < 0)
		return error_errno(err, -r, "connect to the start gate of container %s", entry->id);
	/* Written before the word is said: whoever finds "starting" asks the gate which it was. */
	r = record_write_state(entry, RECORD_STARTING, &identity, err);
	if (r < 0)
		return r;
	r = channel_send(gate, &message, -1);
	if (r == -EPIPE || r == -ECONNRESET)
		return error_set(err, ESRCH, "container init is gone: %s", entry->id);
	if (r < 0)
		return error_errno(err, -r, "open the start gate of container %s", entry->id);
	r = start_await_exec(
		&(struct start_wait){
			.channel = gate,
			.pidfd = status->pidfd,
			.bundle = &bundle,
			.notify = &notify,
		},
		err);
	/* A line that was closed without a word is an execve, unless init is still there. */
	if (r == 0 && gate_is_open(entry) && !process_is_dead(status->pidfd))
		return error_set(err, EIO, "init of container %s did not hear that it is to start",
				 entry->id);
	if (r < 0)
		return r;
	if (process_is_dead(status->pidfd))
		start_warn_of_death(entry, record);
	/* It runs, whether that can be written down or not: "starting" and a gate that is closed
	 * say the same. */
	if (record_write_state(entry, RECORD_RUNNING, &identity, &ignored) < 0)
		log_warning("%s", ignored.message);
	r = start_run_hooks(entry, record->intent, &bundle, identity.pid, err);
	*ret_over = r < 0;
	return r;
}

int container_start(const struct store *store, const char *id, const char *manager,
		    struct error *err)
{
	struct readiness readiness = {.socket = -EBADF, .manager = manager};
	struct process_identity identity;
	auto_entry struct store_entry entry = STORE_ENTRY_INIT;
	auto_record struct record record = RECORD_INIT;
	auto_status struct status status = STATUS_INIT;
	struct error ignored = ERROR_INIT;
	bool over = false;
	int r;

	r = store_find(store, id, &entry, err);
	if (r == 0)
		r = store_lock(store, &entry, process_now() + STORE_LOCK_TIMEOUT, err);
	if (r == 0)
		r = status_load(&entry, &record, &status, err);
	if (r == 0)
		r = lifecycle_check(LIFECYCLE_START, status.status, id, err);
	if (r == 0)
		r = readiness_listen(&entry, manager, &readiness.socket, err);
	if (r == 0)
		r = start_locked(&entry, &record, &status, &over, err);
	if (over && remove_locked(store, &entry, &ignored) < 0)
		log_warning("remove container %s: %s", id, ignored.message);
	if (r == 0 && readiness.socket >= 0) {
		store_unlock(&entry);
		record_identity(&record, &identity);
		readiness.pid = identity.pid;
		readiness.pidfd = status.pidfd;
		r = readiness_relay(&readiness, err);
	}
	fd_close(readiness.socket);
	return r;
}
