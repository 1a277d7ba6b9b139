/* SPDX-License-Identifier: Apache-2.0 */
#include "container/state/status.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/fd.h"
#include "cgroup/cgroup.h"
#include "container/state/gate.h"
#include "container/state/survivor.h"
#include "oci-spec/oci-spec.h"

/* How long processes of an abandoned create may take to die, milliseconds. */
#define STATUS_DYING 200

void status_clear(struct status *status)
{
	status->pidfd = fd_close(status->pidfd);
}

/* What is in a container's cgroup. The processes are listed only where the state does not say who
 * init is. */
struct status_cgroup {
	bool frozen;
	pid_t *pids;
	size_t count;
};

static void status_cgroup_clear(struct status_cgroup *seen)
{
	free(seen->pids);
	*seen = (struct status_cgroup){.pids = NULL};
}

/* Replaces what was seen before. */
static int status_look_at_cgroup(const struct store_entry *entry, const struct record *record,
				 struct status_cgroup *seen, struct error *err)
{
	struct cgroup_location location = {0};
	struct cgroup *cgroup;
	int r;

	status_cgroup_clear(seen);
	if (record->state) {
		r = record_find_cgroup(entry, record, &location, err);
		if (r == 0)
			r = cgroup_look_frozen(&location, entry->cgroups, &seen->frozen, err);
		cgroup_location_clear(&location);
		return r == -ENOENT ? 0 : r;
	}
	r = record_open_cgroup(entry, record, &cgroup, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = cgroup_is_frozen(cgroup, &seen->frozen, err);
	if (r == 0 && !record->state)
		r = cgroup_pids(cgroup, &seen->pids, &seen->count, err);
	cgroup_free(cgroup);
	return r;
}

/* Without a usable state file: being made, or half-made and abandoned, or damaged. */
static int status_without_state(const struct store_entry *entry, const struct record *record,
				struct status *ret_status, struct error *err)
{
	bool nothing = !record->intent && !record->intent_damaged && !record->state_damaged;
	__attribute__((cleanup(status_cgroup_clear))) struct status_cgroup seen = {.pids = NULL};
	int r;

	if (!nothing && !record->state_damaged && !entry->locked && store_is_locked(entry)) {
		ret_status->status = LIFECYCLE_CREATING;
		return 0;
	}
	r = status_look_at_cgroup(entry, record, &seen, err);
	/*
	 * A create that was killed takes its init along, which needs a moment to be gone; what then
	 * still runs had been started, and its state file was lost.
	 */
	for (int i = 0;
	     r == 0 && seen.count > 0 && !seen.frozen && !record->state_damaged && i < STATUS_DYING;
	     i++) {
		(void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		r = status_look_at_cgroup(entry, record, &seen, err);
	}
	if (r < 0)
		return r;
	/* Nothing is made yet, or all has been removed (store_remove()), or it was given up. */
	if (nothing && seen.count == 0 && !entry->locked)
		return error_set(err, ENOENT, "container does not exist: %s", entry->id);
	ret_status->status = LIFECYCLE_STOPPED;
	if (seen.count == 0)
		return 0;
	ret_status->status = LIFECYCLE_RUNNING;
	/* Of processes that all die at this moment none is init; they are killed by their cgroup.
	 */
	if (survivor_find(seen.pids, seen.count, &ret_status->pid, &ret_status->pidfd) == 0 &&
	    gate_is_open(entry))
		ret_status->status = LIFECYCLE_CREATED;
	if (seen.frozen)
		ret_status->status = LIFECYCLE_PAUSED;
	return 0;
}

/*
 * Also of one that waits at its gate: frozen, it would not hear `start`. On cgroup v1 a removal may
 * freeze what it is about to kill: while another command is at work, what is seen frozen is looked
 * at again.
 */
static int status_look_for_pause(const struct store_entry *entry, const struct record *record,
				 struct status *status, struct error *err)
{
	/* No processes are listed: nothing to free. */
	struct status_cgroup seen = {.pids = NULL};
	int r = status_look_at_cgroup(entry, record, &seen, err);

	for (int i = 0;
	     r == 0 && seen.frozen && i < STATUS_DYING && !entry->locked && store_is_locked(entry);
	     i++) {
		(void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		if (process_is_dead(status->pidfd)) {
			status_clear(status);
			*status = (struct status){.status = LIFECYCLE_STOPPED, .pidfd = -EBADF};
			return 0;
		}
		r = status_look_at_cgroup(entry, record, &seen, err);
	}
	if (r == 0 && seen.frozen)
		status->status = LIFECYCLE_PAUSED;
	return r;
}

int status_determine(const struct store_entry *entry, const struct record *record,
		     struct status *ret_status, struct error *err)
{
	struct status status = {.status = LIFECYCLE_STOPPED, .pidfd = -EBADF};
	struct process_identity identity;
	const char *boot_id = entry->boot_id;
	int r;

	if (!record->state) {
		r = status_without_state(entry, record, &status, err);
		if (r == 0)
			*ret_status = status;
		return r;
	}
	record_identity(record, &identity);
	/* To ask for this boot's id costs as much as all the rest. */
	if (!boot_id && store_is_volatile(entry))
		boot_id = identity.boot_id;
	r = process_open(&identity, boot_id);
	if (r >= 0 && process_is_dead(r)) {
		fd_close(r);
		r = -ESRCH;
	}
	if (r == -ESRCH) {
		*ret_status = status;
		return 0;
	}
	if (r < 0)
		return error_errno(err, -r, "look at init of container %s", entry->id);
	status.pidfd = r;
	status.pid = identity.pid;
	switch ((enum record_phase)record->state->phase) {
	case RECORD_CREATED:
		status.status = LIFECYCLE_CREATED;
		break;
	case RECORD_STARTING:
		status.status = gate_is_closed(entry) ? LIFECYCLE_RUNNING : LIFECYCLE_CREATED;
		break;
	case RECORD_RUNNING:
		status.status = LIFECYCLE_RUNNING;
		break;
	}
	r = status_look_for_pause(entry, record, &status, err);
	if (r < 0)
		status_clear(&status);
	else
		*ret_status = status;
	return r;
}

int status_load(const struct store_entry *entry, struct record *ret_record,
		struct status *ret_status, struct error *err)
{
	auto_record struct record record = RECORD_INIT;
	int r = record_load(entry, &record, err);

	if (r == 0)
		r = status_determine(entry, &record, ret_status, err);
	if (r < 0)
		return r;
	*ret_record = record;
	record = RECORD_INIT;
	return 0;
}

bool status_has_ended(const struct status *status)
{
	return status->pidfd >= 0 &&
	       (process_is_dead(status->pidfd) || process_is_exiting(status->pid));
}

/* One member of the document: `before` is what separates it from the one above. */
struct status_layout {
	const char *open, *separator, *colon, *close, *nested, *nested_close;
};
static const struct status_layout status_compact = {"{", ",", ":", "}", "", ""};
static const struct status_layout status_indented = {"{\n  ", ",\n  ",	": ",
						     "\n}",   "\n    ", "\n  "};

static void status_member(struct text *text, const struct status_layout *layout, const char *name,
			  const char *value)
{
	text_append(text, layout->separator);
	text_append_json(text, name);
	text_append(text, layout->colon);
	text_append_json(text, value ? value : "");
}

static void status_annotations(struct text *text, const struct status_layout *layout,
			       const struct oci_string_map *annotations)
{
	text_append(text, layout->separator);
	text_append_json(text, "annotations");
	text_append(text, layout->colon);
	text_append(text, "{");
	for (size_t i = 0; i < annotations->count; i++) {
		text_append(text, i ? "," : "");
		text_append(text, layout->nested);
		text_append_json(text, annotations->items[i].key);
		text_append(text, layout->colon);
		text_append_json(text, annotations->items[i].value);
	}
	text_append(text, layout->nested_close);
	text_append(text, "}");
}

void status_encode(const struct status_document *document, enum status_fields fields,
		   struct text *text)
{
	const struct status_layout *layout =
		fields == STATUS_FIELDS_ALL ? &status_indented : &status_compact;
	const struct record_intent *intent = document->intent;

	text_append(text, layout->open);
	text_append_json(text, "ociVersion");
	text_append(text, layout->colon);
	text_append_json(text, OCI_SPEC_VERSION);
	status_member(text, layout, "id", intent->id);
	text_append(text, layout->separator);
	text_append_json(text, "pid");
	text_append(text, layout->colon);
	text_format(text, "%d", (int)document->pid);
	status_member(text, layout, "status", lifecycle_status_name(document->status));
	status_member(text, layout, "bundle", intent->bundle);
	if (fields != STATUS_FIELDS_SPEC) {
		status_member(text, layout, "rootfs", intent->rootfs);
		status_member(text, layout, "created", intent->created);
	}
	if (intent->annotations.count > 0)
		status_annotations(text, layout, &intent->annotations);
	if (fields != STATUS_FIELDS_SPEC)
		status_member(text, layout, "owner", document->owner);
	text_append(text, layout->close);
}
