/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered of a container, as two small JSON files in its state directory.
 *
 * The intent says what would have to be undone and never changes; it is written before the first
 * effect. The state says how far things are and who init is, and is replaced at each step. Neither
 * needs config.json to be understood, so that a container can be killed and removed without it.
 */
#ifndef CONTAINER_STATE_RECORD_H
#define CONTAINER_STATE_RECORD_H

#include <knarr/config.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "cgroup/cgroup.h"
#include "container/state/store.h"
#include "kernel/process.h"

/* Newer majors are refused with a clear error; unknown fields of the same version are ignored. */
#define RECORD_VERSION 1

struct oci_document;

/* The file's fields. Strings belong to the document it was decoded from, or to the writer. */
struct record_intent {
	uint32_t version;
	char *id;
	char *bundle;	/* absolute */
	char *rootfs;	/* absolute */
	char *created;	/* RFC 3339, UTC, nanoseconds */
	uint32_t owner; /* uid of who called create */
	struct oci_string_map annotations;
	uint32_t cgroup_manager; /* enum cgroup_manager */
	uint32_t cgroup_mode;	 /* enum cgroup_mode */
	char *cgroup_path, *cgroup_unit, *cgroup_slice, *cgroup_unit_path;
	char *cgroup_bus, *cgroup_runtime; /* of the systemd that has the unit */
	struct oci_strings cgroup_directories;
	uint64_t host_mount;	       /* of rootfs_prepare(), or 0 */
	char *rdt_group, *rdt_monitor; /* directories of resctrl, or NULL */
	bool rdt_own_group;	       /* it goes with the container */
	bool private_pid; /* the container has a pid namespace of its own: killing init kills all */
	bool no_new_keyring; /* as init, what is executed stays in its caller's session keyring */
	bool poststart, poststop; /* config.json has such hooks */
};

enum record_phase {
	RECORD_CREATED,
	RECORD_STARTING, /* `start` is about to open the gate, or has */
	RECORD_RUNNING,
};

struct record_state {
	uint32_t version;
	uint32_t phase; /* enum record_phase */
	int32_t pid;
	uint64_t start_time, pidfs_inode;
	char *boot_id;
};

/* Both of a container, as loaded. */
struct record {
	struct oci_document *intent_document, *state_document;
	const struct record_intent *intent; /* NULL: none, or damaged */
	const struct record_state *state;   /* NULL: not committed, or damaged */
	bool state_damaged, intent_damaged; /* there is a file, but it cannot be used */
};
#define RECORD_INIT ((struct record){0})
void record_clear(struct record *record);
#define auto_record __attribute__((cleanup(record_clear)))

/* Writes one of them into the container's directory, atomically. */
int record_write_intent(const struct store_entry *entry, const struct record_intent *intent,
			struct error *err);
int record_write_state(const struct store_entry *entry, enum record_phase phase,
		       const struct process_identity *identity, struct error *err);

/* The halves of record_write_state(): only with the second is the state what was prepared. */
int record_prepare_state(const struct store_entry *entry, enum record_phase phase,
			 const struct process_identity *identity, struct error *err);
int record_commit_state(const struct store_entry *entry, struct error *err);

/* Loads what there is. A missing or damaged file is no error but told in *ret_record, with a
 * warning in the log; only -ENOMEM and the like are errors. What is loaded has all its fields, with
 * values that are possible. */
int record_load(const struct store_entry *entry, struct record *ret_record, struct error *err);

/* The identity of init that the state holds; pid 0 when there is none. */
void record_identity(const struct record *record, struct process_identity *ret_identity);

/*
 * Where the container's cgroup is: as the intent says, or, when that is lost, by the mark on the
 * cgroup (store_mark()). Free with cgroup_location_clear(). -ENOENT: nothing is known, and no
 * cgroup is marked.
 */
int record_find_cgroup(const struct store_entry *entry, const struct record *record,
		       struct cgroup_location *ret_location, struct error *err);

/* Finds and opens it; free with cgroup_free(). -ENOENT as above. */
int record_open_cgroup(const struct store_entry *entry, const struct record *record,
		       struct cgroup **ret_cgroup, struct error *err);

#endif
