/* SPDX-License-Identifier: Apache-2.0 */
/* What a container is doing now: its records compared with the kernel's. Takes no lock. */
#ifndef CONTAINER_STATE_STATUS_H
#define CONTAINER_STATE_STATUS_H

#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"
#include "container/state/lifecycle.h"
#include "container/state/record.h"
#include "container/state/store.h"

struct status {
	enum lifecycle_status status;
	pid_t pid; /* of init; 0 when stopped, or not known */
	int pidfd; /* of init when it lives, else -EBADF; owned */
};
#define STATUS_INIT ((struct status){.pidfd = -EBADF})
void status_clear(struct status *status);
#define auto_status __attribute__((cleanup(status_clear)))

/*
 * A zombie init counts as stopped. Without a usable state file the container's cgroup decides: it
 * runs as long as something runs in there, and init is looked for among that (survivor.h).
 * -ENOENT when it is removed, or claimed, at this very moment.
 */
int status_determine(const struct store_entry *entry, const struct record *record,
		     struct status *ret_status, struct error *err);

/* Loads the records and compares them: record_load() and status_determine(). Neither output is
 * written unless both succeed. */
int status_load(const struct store_entry *entry, struct record *ret_record,
		struct status *ret_status, struct error *err);

/*
 * Whether an init that lived when it was looked at has ended since, or is past the point where it
 * could execute anything: its namespaces, root and memory go before it is dead, and who needs them
 * is told by the kernel that there are none. False when it is not known who init is.
 */
bool status_has_ended(const struct status *status);

/*
 * The state document of runtime.md#state, with runc's fields rootfs, created and owner, and
 * `fields` of it: hooks get exactly the specification's.
 */
enum status_fields {
	STATUS_FIELDS_SPEC, /* for hooks: compact */
	STATUS_FIELDS_ALL,  /* for `state`: indented by two spaces, as runc's */
	STATUS_FIELDS_LIST, /* for `list`: compact, with the owner's name */
};
struct status_document {
	const struct record_intent *intent;
	enum lifecycle_status status;
	pid_t pid;
	const char *owner; /* STATUS_FIELDS_LIST */
};
void status_encode(const struct status_document *document, enum status_fields fields,
		   struct text *text);

#endif
