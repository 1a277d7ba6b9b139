/* SPDX-License-Identifier: Apache-2.0 */
#include "container/status.h"

#include <errno.h>
#include <time.h>

#include "base/fd.h"
#include "cgroup/cgroup.h"
#include "container/gate.h"
#include "oci-spec/oci-spec.h"

/* How long processes of an abandoned create may take to die, milliseconds. */
#define STATUS_DYING 200

void status_clear(struct status *status)
{
	status->pidfd = fd_close(status->pidfd);
}

/* Looks into the container's cgroup: how many processes, and whether they are frozen. */
static int status_look_at_cgroup(const struct store_entry *entry, const struct record *record,
				 bool *ret_populated, bool *ret_frozen, struct error *err)
{
	auto_free pid_t *pids = NULL;
	struct cgroup *cgroup;
	size_t count = 0;
	int r;

	*ret_populated = *ret_frozen = false;
	r = record_open_cgroup(entry, record, &cgroup, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = cgroup_is_frozen(cgroup, ret_frozen, err);
	/* The list of processes is needed only where the state does not say who init is. */
	if (r == 0 && !record->state)
		r = cgroup_pids(cgroup, &pids, &count, err);
	*ret_populated = count > 0;
	cgroup_free(cgroup);
	return r;
}

/* Without a usable state file: being made, or half-made and abandoned, or damaged. */
static int status_without_state(const struct store_entry *entry, const struct record *record,
				struct status *ret_status, struct error *err)
{
	bool nothing = !record->intent && !record->intent_damaged && !record->state_damaged;
	bool populated, frozen;
	int r;

	if (!nothing && !record->state_damaged && !entry->locked && store_is_locked(entry)) {
		ret_status->status = LIFECYCLE_CREATING;
		return 0;
	}
	r = status_look_at_cgroup(entry, record, &populated, &frozen, err);
	/*
	 * A create that was killed takes its init along, which needs a moment to be gone; what then
	 * still runs had been started, and its state file was lost.
	 */
	for (int i = 0;
	     r == 0 && populated && !frozen && !record->state_damaged && i < STATUS_DYING; i++) {
		(void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		r = status_look_at_cgroup(entry, record, &populated, &frozen, err);
	}
	if (r < 0)
		return r;
	/* Nothing is made yet, or all has been removed (store_remove()), or it was given up. */
	if (nothing && !populated && !entry->locked)
		return error_set(err, ENOENT, "container does not exist: %s", entry->id);
	if (populated)
		ret_status->status = frozen ? LIFECYCLE_PAUSED : LIFECYCLE_RUNNING;
	else
		ret_status->status = LIFECYCLE_STOPPED;
	return 0;
}

/*
 * Also of one that waits at its gate: frozen, it would not hear `start`. On cgroup v1 a removal
 * freezes what it is about to kill: while another command is at work, what is seen frozen is looked
 * at again.
 */
static int status_look_for_pause(const struct store_entry *entry, const struct record *record,
				 struct status *status, struct error *err)
{
	bool populated, frozen;
	int r = status_look_at_cgroup(entry, record, &populated, &frozen, err);

	for (int i = 0;
	     r == 0 && frozen && i < STATUS_DYING && !entry->locked && store_is_locked(entry);
	     i++) {
		(void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		if (process_is_dead(status->pidfd)) {
			status_clear(status);
			*status = (struct status){.status = LIFECYCLE_STOPPED, .pidfd = -EBADF};
			return 0;
		}
		r = status_look_at_cgroup(entry, record, &populated, &frozen, err);
	}
	if (r == 0 && frozen)
		status->status = LIFECYCLE_PAUSED;
	return r;
}

int status_determine(const struct store_entry *entry, const struct record *record,
		     struct status *ret_status, struct error *err)
{
	struct status status = {.status = LIFECYCLE_STOPPED, .pidfd = -EBADF};
	struct process_identity identity;
	int r;

	if (!record->state) {
		r = status_without_state(entry, record, &status, err);
		if (r == 0)
			*ret_status = status;
		return r;
	}
	record_identity(record, &identity);
	r = process_open(&identity);
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
