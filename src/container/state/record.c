/* SPDX-License-Identifier: Apache-2.0 */
#include "container/state/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/log.h"
#include "oci-spec/tables.h"

/* A state file larger than this is not one of ours: annotations are the most of it. */
#define RECORD_SIZE_MAX (OCI_SIZE_MAX)

#define FIELD(json, struct_, member, kind_, need_)                                           \
	{                                                                                    \
		.name = json, .name_length = sizeof(json) - 1, .kind = kind_, .need = need_, \
		.size = sizeof(((struct struct_ *)0)->member),                               \
		.offset = offsetof(struct struct_, member),                                  \
	}
#define INTENT(json, member, kind, need) \
	FIELD(json, record_intent, member, OCI_KIND_##kind, OCI_##need)
#define STATE(json, member, kind, need) \
	FIELD(json, record_state, member, OCI_KIND_##kind, OCI_##need)

static const struct oci_field record_intent_fields[] = {
	INTENT("version", version, U32, REQUIRED),
	INTENT("id", id, STRING, REQUIRED),
	INTENT("bundle", bundle, STRING, REQUIRED),
	INTENT("rootfs", rootfs, STRING, REQUIRED),
	INTENT("created", created, STRING, REQUIRED),
	INTENT("owner", owner, U32, REQUIRED),
	INTENT("annotations", annotations, STRING_MAP, OPTIONAL),
	INTENT("cgroupManager", cgroup_manager, U32, REQUIRED),
	INTENT("cgroupMode", cgroup_mode, U32, REQUIRED),
	INTENT("cgroupPath", cgroup_path, STRING, OPTIONAL),
	INTENT("cgroupUnit", cgroup_unit, STRING, OPTIONAL),
	INTENT("cgroupSlice", cgroup_slice, STRING, OPTIONAL),
	INTENT("cgroupUnitPath", cgroup_unit_path, STRING, OPTIONAL),
	INTENT("cgroupBus", cgroup_bus, STRING, OPTIONAL),
	INTENT("cgroupRuntime", cgroup_runtime, STRING, OPTIONAL),
	INTENT("cgroupDirectories", cgroup_directories, STRINGS, OPTIONAL),
	INTENT("hostMount", host_mount, U64, OPTIONAL),
	INTENT("rdtGroup", rdt_group, STRING, OPTIONAL),
	INTENT("rdtMonitor", rdt_monitor, STRING, OPTIONAL),
	INTENT("rdtOwnGroup", rdt_own_group, BOOL, OPTIONAL),
	INTENT("privatePid", private_pid, BOOL, OPTIONAL),
	INTENT("noNewKeyring", no_new_keyring, BOOL, OPTIONAL),
	INTENT("poststart", poststart, BOOL, OPTIONAL),
	INTENT("poststop", poststop, BOOL, OPTIONAL),
};
static const struct oci_object record_intent_object = {
	.fields = record_intent_fields,
	.count = array_size(record_intent_fields),
	.size = sizeof(struct record_intent),
};

static const struct oci_field record_state_fields[] = {
	STATE("version", version, U32, REQUIRED),
	STATE("phase", phase, U32, REQUIRED),
	STATE("pid", pid, I32, REQUIRED),
	STATE("startTime", start_time, U64, REQUIRED),
	STATE("pidfsInode", pidfs_inode, U64, REQUIRED),
	STATE("bootId", boot_id, STRING, REQUIRED),
};
static const struct oci_object record_state_object = {
	.fields = record_state_fields,
	.count = array_size(record_state_fields),
	.size = sizeof(struct record_state),
};

void record_clear(struct record *record)
{
	oci_document_free(record->intent_document);
	oci_document_free(record->state_document);
	*record = RECORD_INIT;
}

static int record_prepare(const struct store_entry *entry, const char *name,
			  const struct oci_object *object, const void *data, struct error *err)
{
	auto_free char *text = NULL;
	size_t length;
	int r = oci_object_encode(object, data, false, &text, &length);

	if (r == 0)
		r = io_prepare_file(entry->fd, name, text, length, 0600);
	return r < 0 ? error_errno(err, -r, "write %s of container %s", name, entry->id) : 0;
}

static int record_commit(const struct store_entry *entry, const char *name, struct error *err)
{
	int r = io_commit_file(entry->fd, name);

	return r < 0 ? error_errno(err, -r, "write %s of container %s", name, entry->id) : 0;
}

int record_write_intent(const struct store_entry *entry, const struct record_intent *intent,
			struct error *err)
{
	int r = record_prepare(entry, STORE_INTENT, &record_intent_object, intent, err);

	return r < 0 ? r : record_commit(entry, STORE_INTENT, err);
}

int record_prepare_state(const struct store_entry *entry, enum record_phase phase,
			 const struct process_identity *identity, struct error *err)
{
	char boot_id[sizeof(identity->boot_id)];
	struct record_state state = {
		.version = RECORD_VERSION,
		.phase = phase,
		.pid = identity->pid,
		.start_time = identity->start_time,
		.pidfs_inode = identity->pidfs_inode,
		.boot_id = boot_id,
	};

	memcpy(boot_id, identity->boot_id, sizeof(boot_id));
	return record_prepare(entry, STORE_STATE, &record_state_object, &state, err);
}

int record_commit_state(const struct store_entry *entry, struct error *err)
{
	return record_commit(entry, STORE_STATE, err);
}

int record_write_state(const struct store_entry *entry, enum record_phase phase,
		       const struct process_identity *identity, struct error *err)
{
	int r = record_prepare_state(entry, phase, identity, err);

	return r < 0 ? r : record_commit_state(entry, err);
}

/* What one file is: absent, damaged, or decoded. Only running out of memory is an error. */
struct record_file {
	const char *name;
	const struct oci_object *object;
	struct oci_document *document;
	bool damaged;
};

static void record_problem(void *data, const struct oci_problem *problem)
{
	const struct record_file *file = data;

	/* Of the document and no place in it: no memory, which is no damage, and an error that
	 * follows. */
	if (problem->line == 0)
		return;
	log_warning("%s:%u:%u: %s: %s", file->name, problem->line, problem->column, problem->path,
		    problem->message);
}

/* A container of the systemd manager has a unit, and its cgroup lies in the unit's. */
static bool record_unit_is_sane(const struct record_intent *intent)
{
	size_t length;

	if (intent->cgroup_manager != CGROUP_MANAGER_SYSTEMD)
		return true;
	if (!intent->cgroup_unit || !intent->cgroup_slice || !intent->cgroup_unit_path ||
	    !intent->cgroup_bus || !intent->cgroup_runtime)
		return false;
	length = strlen(intent->cgroup_unit_path);
	return intent->cgroup_unit_path[0] == '/' && intent->cgroup_unit_path[1] != '\0' &&
	       strncmp(intent->cgroup_path, intent->cgroup_unit_path, length) == 0 &&
	       (intent->cgroup_path[length] == '\0' || intent->cgroup_path[length] == '/');
}

/* Types are the decoder's affair, and what is required too; this is what a value may be. */
static bool record_is_sane(const struct record_file *file)
{
	if (file->object == &record_intent_object) {
		const struct record_intent *intent =
			oci_document_object(file->document, file->object);

		return intent->cgroup_manager <= CGROUP_MANAGER_DISABLED &&
		       intent->cgroup_mode <= CGROUP_MODE_LEGACY &&
		       (intent->cgroup_manager == CGROUP_MANAGER_DISABLED ||
			(intent->cgroup_path && intent->cgroup_path[0] == '/')) &&
		       record_unit_is_sane(intent) &&
		       (!intent->rdt_group || intent->rdt_group[0] == '/') &&
		       (!intent->rdt_monitor || intent->rdt_monitor[0] == '/');
	} else {
		const struct record_state *state =
			oci_document_object(file->document, file->object);

		return state->phase <= RECORD_RUNNING && state->pid > 0;
	}
}

static int record_load_file(const struct store_entry *entry, struct record_file *file,
			    struct error *err)
{
	struct oci_report report = {.problem = record_problem, .data = file};
	auto_free char *text = NULL;
	const uint32_t *version;
	size_t length;
	int r;

	r = io_read_file(entry->fd, file->name, O_NOFOLLOW, RECORD_SIZE_MAX, &text, &length);
	if (r == -ENOENT)
		return 0;
	if (r == -ENOMEM || r == -ENFILE || r == -EMFILE)
		return error_errno(err, -r, "read %s of container %s", file->name, entry->id);
	if (r == 0)
		r = oci_object_decode(file->object, text, length, &report, &file->document);
	if (r == -ENOMEM)
		return error_errno(err, ENOMEM, "read %s of container %s", file->name, entry->id);
	if (r == 0) {
		/* The first member of both. */
		version = oci_document_object(file->document, file->object);
		if (*version != RECORD_VERSION) {
			log_warning(
				"%s of container %s has version %u, this knarr knows version %u",
				file->name, entry->id, *version, RECORD_VERSION);
			r = -EBADMSG;
		} else if (!record_is_sane(file)) {
			r = -EBADMSG;
		}
	}
	if (r < 0) {
		log_warning("%s of container %s cannot be used (%s); going by its cgroup",
			    file->name, entry->id, error_name(-r));
		oci_document_free(file->document);
		file->document = NULL;
		file->damaged = true;
	}
	return 0;
}

int record_load(const struct store_entry *entry, struct record *ret_record, struct error *err)
{
	struct record_file intent = {.name = STORE_INTENT, .object = &record_intent_object};
	struct record_file state = {.name = STORE_STATE, .object = &record_state_object};
	struct record record = RECORD_INIT;
	int r;

	/* Against the order in which they are removed: a removal at the same moment is not taken
	 * for a container that has an intent, but no state yet. */
	r = record_load_file(entry, &state, err);
	if (r < 0)
		return r;
	r = record_load_file(entry, &intent, err);
	if (r < 0) {
		oci_document_free(state.document);
		return r;
	}
	record.intent_document = intent.document;
	record.state_document = state.document;
	record.intent_damaged = intent.damaged;
	record.state_damaged = state.damaged;
	if (intent.document)
		record.intent = oci_document_object(intent.document, &record_intent_object);
	if (state.document)
		record.state = oci_document_object(state.document, &record_state_object);
	*ret_record = record;
	return 0;
}

void record_identity(const struct record *record, struct process_identity *ret_identity)
{
	struct process_identity identity = {.pid = 0};

	if (record->state) {
		identity.pid = record->state->pid;
		identity.start_time = record->state->start_time;
		identity.pidfs_inode = record->state->pidfs_inode;
		strncpy(identity.boot_id, record->state->boot_id, sizeof(identity.boot_id) - 1);
	}
	*ret_identity = identity;
}

/* strdup that keeps NULL. */
static int record_copy(const char *from, char **to)
{
	*to = NULL;
	if (!from)
		return 0;
	*to = strdup(from);
	return *to ? 0 : -ENOMEM;
}

static int record_location(const struct record_intent *intent, struct cgroup_location *ret_location,
			   struct error *err)
{
	struct cgroup_location location = {
		.manager = intent->cgroup_manager,
		.mode = intent->cgroup_mode,
	};
	size_t count = intent->cgroup_directories.count;
	int r;

	r = record_copy(intent->cgroup_path, &location.path);
	if (r == 0)
		r = record_copy(intent->cgroup_unit, &location.unit);
	if (r == 0)
		r = record_copy(intent->cgroup_slice, &location.slice);
	if (r == 0)
		r = record_copy(intent->cgroup_unit_path, &location.unit_path);
	if (r == 0)
		r = record_copy(intent->cgroup_bus, &location.bus);
	if (r == 0)
		r = record_copy(intent->cgroup_runtime, &location.runtime);
	if (r == 0 && count > 0) {
		location.directories = calloc(count + 1, sizeof(*location.directories));
		r = location.directories ? 0 : -ENOMEM;
		for (size_t i = 0; r == 0 && i < count; i++)
			r = record_copy(intent->cgroup_directories.items[i],
					&location.directories[i]);
	}
	if (r < 0) {
		cgroup_location_clear(&location);
		return error_errno(err, -r, "locate the container's cgroup");
	}
	*ret_location = location;
	return 0;
}

int record_find_cgroup(const struct store_entry *entry, const struct record *record,
		       struct cgroup_location *ret_location, struct error *err)
{
	char mark[STORE_MARK_SIZE];
	struct cgroup_host host;
	int r;

	if (record->intent)
		return record_location(record->intent, ret_location, err);
	r = cgroup_host_detect(&host, err);
	if (r < 0)
		return r;
	store_mark(entry, mark);
	r = cgroup_find_lost(mark, &host, ret_location, err);
	cgroup_host_clear(&host);
	return r;
}

int record_open_cgroup(const struct store_entry *entry, const struct record *record,
		       struct cgroup **ret_cgroup, struct error *err)
{
	struct cgroup_location location;
	int r = record_find_cgroup(entry, record, &location, err);

	if (r < 0)
		return r;
	r = cgroup_open(&location, ret_cgroup, err);
	cgroup_location_clear(&location);
	return r;
}
