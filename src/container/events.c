/* SPDX-License-Identifier: Apache-2.0 */
#include "container/events.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/log.h"
#include "cgroup/cgroup.h"
#include "cgroup/oom.h"
#include "cgroup/resctrl/resctrl.h"
#include "container/events-encode.h"
#include "container/state/record.h"
#include "container/state/status.h"
#include "kernel/process.h"

#define EVENTS_NET_DEV_MAX (16u << 20)
/* How often it is looked whether a container still is whose init is not known, milliseconds. */
#define EVENTS_LOOK 1000

#define EVENTS_NOT_RUNNING "container with id %s is not running"

struct events {
	const struct events_request *request;
	struct store_entry entry;
	struct record record;
	struct status status;
	struct cgroup *cgroup;
	struct cgroup_oom_watch oom;
	char *resctrl; /* where it is mounted, when the container has a class */
};

static void events_clear(struct events *events)
{
	free(events->resctrl);
	cgroup_oom_watch_close(&events->oom);
	cgroup_free(events->cgroup);
	status_clear(&events->status);
	record_clear(&events->record);
	store_entry_close(&events->entry);
}

static int events_look(struct events *events, const struct store *store, struct error *err)
{
	const char *id = events->request->id;
	int r;

	r = store_find(store, id, &events->entry, err);
	if (r == 0)
		r = status_load(&events->entry, &events->record, &events->status, err);
	if (r < 0)
		return r;
	if (events->status.status == LIFECYCLE_STOPPED)
		return error_set(err, EINVAL, EVENTS_NOT_RUNNING, id);
	if (events->status.status == LIFECYCLE_CREATING)
		return error_set(err, EINVAL, "container with id %s is still being created", id);
	if (events->record.intent && events->record.intent->rdt_group)
		r = resctrl_locate(&events->resctrl, err);
	if (r == 0)
		r = record_open_cgroup(&events->entry, &events->record, &events->cgroup, err);
	return r;
}

/* Whether init has a network namespace that is not the caller's: of the host's interfaces others
 * tell. */
static bool events_has_network(pid_t pid)
{
	struct stat own, theirs;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	return stat("/proc/self/ns/net", &own) == 0 && stat(path, &theirs) == 0 &&
	       (own.st_ino != theirs.st_ino || own.st_dev != theirs.st_dev);
}

/* Of an init that is dead by now it may have been another process's, and one that is about to be
 * has no network any more. */
static int events_read_interfaces(const struct events *events, struct events_statistics *statistics,
				  struct error *err)
{
	auto_free char *text = NULL;
	char path[64];
	int r;

	if (events->status.pidfd < 0 || !events_has_network(events->status.pid))
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)events->status.pid);
	r = io_read_file(AT_FDCWD, path, 0, EVENTS_NET_DEV_MAX, &text, NULL);
	if (status_has_ended(&events->status))
		return 0;
	if (r == 0)
		r = events_parse_interfaces(text, &statistics->interfaces,
					    &statistics->interface_count);
	return r < 0 ? error_errno(err, -r, "read %s", path) : 0;
}

static int events_emit_statistics(const struct events *events, struct error *err)
{
	struct events_statistics statistics = {.interfaces = NULL};
	const struct record_intent *intent = events->record.intent;
	auto_text struct text line = {0};
	int r = cgroup_statistics_read(events->cgroup, &statistics.cgroup, err);

	if (r < 0)
		return r;
	if (events->resctrl)
		r = resctrl_statistics_read(events->resctrl, intent->rdt_group, intent->rdt_monitor,
					    &statistics.resctrl, err);
	if (r == 0)
		r = events_read_interfaces(events, &statistics, err);
	if (r == 0) {
		events_encode_statistics(events->request->id, &statistics, &line);
		r = events->request->emit(&line, err);
	}
	free(statistics.interfaces);
	resctrl_statistics_clear(&statistics.resctrl);
	cgroup_statistics_clear(&statistics.cgroup);
	return r;
}

static int events_emit_ooms(struct events *events, struct error *err)
{
	int r = 0;

	for (uint64_t count = cgroup_oom_watch_take(&events->oom); count > 0 && r == 0; count--) {
		auto_text struct text line = {0};

		events_encode_oom(events->request->id, &line);
		r = events->request->emit(&line, err);
	}
	return r;
}

/* Waits for something to happen, until `deadline`. */
enum events_wait {
	EVENTS_END,    /* the container has stopped */
	EVENTS_UNREAD, /* nobody reads */
	EVENTS_OOM,
	EVENTS_TIME,
};
static enum events_wait events_wait(const struct events *events, int64_t deadline)
{
	/* poll(2) passes over negative descriptors. */
	struct pollfd fds[] = {
		{.fd = events->status.pidfd, .events = POLLIN},
		{.fd = events->oom.fd, .events = events->oom.events},
		{.fd = events->request->output},
	};
	int64_t left = deadline - process_now();

	if (events->status.pidfd < 0 && left > EVENTS_LOOK)
		left = EVENTS_LOOK;
	if (poll(fds, array_size(fds), left < 0 ? 0 : (left > INT_MAX ? INT_MAX : (int)left)) <= 0)
		return EVENTS_TIME;
	if (fds[2].revents)
		return EVENTS_UNREAD;
	/* What killed init is told before its end. */
	if (fds[0].revents)
		return EVENTS_END;
	return EVENTS_OOM;
}

/* For a container whose init is not known. */
static bool events_is_empty(const struct events *events)
{
	struct error ignored = ERROR_INIT;
	auto_free pid_t *pids = NULL;
	size_t count = 0;

	return events->status.pidfd < 0 &&
	       (cgroup_pids(events->cgroup, &pids, &count, &ignored) < 0 || count == 0);
}

static int events_stream(struct events *events, struct error *err)
{
	int64_t interval = events->request->interval, deadline = process_now() + interval;
	enum events_wait why = EVENTS_TIME;
	int r = cgroup_oom_watch_open(events->cgroup, &events->oom, err);

	while (r == 0 && why != EVENTS_END) {
		struct error one = ERROR_INIT;

		why = events_wait(events, deadline);
		if (why == EVENTS_UNREAD)
			return error_set(err, EPIPE, "nobody reads the events any more");
		r = events_emit_ooms(events, err);
		if (events_is_empty(events))
			why = EVENTS_END;
		if (r < 0 || why == EVENTS_END || process_now() < deadline)
			continue;
		deadline += interval;
		if (deadline < process_now())
			deadline = process_now() + interval;
		r = events_emit_statistics(events, &one);
		/* It may just be going; if not, the next time may be better. */
		if (r < 0 && r != -EPIPE) {
			if (r != -ENODEV)
				log_warning("%s", one.message);
			r = 0;
		} else if (r < 0) {
			*err = one;
		}
	}
	return r;
}

int container_events(const struct store *store, const struct events_request *request,
		     struct error *err)
{
	struct events events = {
		.request = request,
		.entry = STORE_ENTRY_INIT,
		.record = RECORD_INIT,
		.status = STATUS_INIT,
		.oom = CGROUP_OOM_WATCH_INIT,
	};
	int r = events_look(&events, store, err);

	if (r == 0)
		r = request->once ? events_emit_statistics(&events, err)
				  : events_stream(&events, err);
	/* It was removed while we looked at it. */
	if ((r == -ENODEV || r == -ENOENT) && status_has_ended(&events.status))
		r = error_set(err, EINVAL, EVENTS_NOT_RUNNING, request->id);
	events_clear(&events);
	return r;
}
