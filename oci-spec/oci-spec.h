/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON text to typed structs and back, and the rules between fields.
 *
 * A library of its own: libc and yajl, nothing of src/. One table per JSON object (tables.c) drives
 * decoding, encoding, the list of unknown fields, and the fuzzers' dictionary. All memory of a
 * decoded document is one arena, so that freeing is one call and memory is proportional to the
 * file.
 *
 * Strictness (see ARCHITECTURE.md): exact 64-bit integers checked against the field's type, no
 * duplicate keys, no NUL and no lone surrogate in strings, valid UTF-8 only, exact-case keys, at
 * most OCI_DEPTH_MAX levels and OCI_SIZE_MAX bytes. Unknown fields are ignored, as the
 * specification asks (config.md#extensibility), and reported only when asked for.
 */
#ifndef OCI_SPEC_OCI_SPEC_H
#define OCI_SPEC_OCI_SPEC_H

#include <knarr/config.h>

#define OCI_DEPTH_MAX 64
#define OCI_SIZE_MAX  (64u << 20)
/* The version of the specification that this library was written for. */
#define OCI_SPEC_VERSION "1.3.0"

enum oci_severity {
	OCI_ERROR,
	OCI_WARNING, /* accepted, but probably not what was meant */
	OCI_UNKNOWN, /* a field that no table knows; ignored */
	OCI_ADVICE,  /* works as it is written, but the specification advises against it */
};

/*
 * One finding about a document. `path` is the JSON path in the form "linux.namespaces[1].type"
 * (a map key that is not a plain word is written as annotations["a.b"]); "" is the document.
 * `line` and `column` count from 1, in bytes, and point at the value (for an unknown or duplicate
 * field: at its key); 0 when there is no text to point at. `section` is where the specification
 * says so ("config-linux.md#namespaces") or NULL. All strings live only during the callback.
 */
struct oci_problem {
	enum oci_severity severity;
	const char *path;
	unsigned int line, column;
	const char *message;
	const char *section;
};

typedef void oci_problem_fn(void *data, const struct oci_problem *problem);

/* Who gets the problems. `unknown` asks for the unknown fields too. */
struct oci_report {
	oci_problem_fn *problem;
	void *data;
	bool unknown;
};

struct oci_document;

/*
 * Decodes one of the three documents that a runtime reads. `text` need not be NUL-terminated and
 * is not referred to afterwards. Every problem that can be told goes to `report` (decoding goes on
 * behind a field of a wrong type; a syntax error ends it, and so does the hundredth error).
 *
 * Returns 0 and the document, or -EBADMSG when at least one OCI_ERROR was reported, or -ENOMEM
 * (reported too). *ret_document is written only on success; free it with oci_document_free().
 */
int oci_config_decode(const char *text, size_t length, const struct oci_report *report,
		      struct oci_document **ret_document);
int oci_process_decode(const char *text, size_t length, const struct oci_report *report,
		       struct oci_document **ret_document);
int oci_resources_decode(const char *text, size_t length, const struct oci_report *report,
			 struct oci_document **ret_document);

/* What was decoded; NULL when the document is of another kind. Valid as long as the document. */
struct oci_config *oci_document_config(const struct oci_document *document);
struct oci_process *oci_document_process(const struct oci_document *document);
struct oci_resources *oci_document_resources(const struct oci_document *document);

/* Frees all of it. NULL is fine. */
void oci_document_free(struct oci_document *document);

/*
 * Encodes. Absent fields are left out, so that decode(encode(x)) equals x. With `pretty` the text
 * is indented with tabs and ends in a newline, else it is compact on one line without one.
 * Returns 0 and a malloc'ed, NUL-terminated text, or -ENOMEM, or -EINVAL for a struct that was made
 * by hand with a number that no word of the specification stands for.
 */
int oci_config_encode(const struct oci_config *config, bool pretty, char **ret_text,
		      size_t *ret_length);
int oci_process_encode(const struct oci_process *process, bool pretty, char **ret_text,
		       size_t *ret_length);
int oci_resources_encode(const struct oci_resources *resources, bool pretty, char **ret_text,
			 size_t *ret_length);

/*
 * The specification's rules between fields (and within one, where its type cannot hold them), each
 * with its section: see check.c, where they are a table. `text` is the document's text, used to
 * find line and column, or NULL. Pure: nothing of the host is looked at.
 * Returns the number of OCI_ERRORs reported.
 */
size_t oci_config_check(const struct oci_config *config, const char *text, size_t length,
			const struct oci_report *report);
size_t oci_process_check(const struct oci_process *process, const char *text, size_t length,
			 const struct oci_report *report);
/* For `update`: a limit that is not given may have been set before, and is not missed. */
size_t oci_resources_check(const struct oci_resources *resources, const char *text, size_t length,
			   const struct oci_report *report);

/*
 * Everything that is wrong with a config.json, for a person who mends it: decodes and checks, and
 * reports all that can be told at once. Rules are looked at even when some fields are of a wrong
 * type, but what only follows from such a field is not reported. Returns the number of OCI_ERRORs.
 */
size_t oci_config_problems(const char *text, size_t length, const struct oci_report *report);

/*
 * Where the value at a JSON path stands in a text. When the path itself is absent, the nearest
 * enclosing value that exists is given (a missing "process.cwd" points at "process").
 * Returns 0, or -ENOENT when the text is not JSON up to there.
 */
int oci_locate(const char *text, size_t length, const char *path, unsigned int *ret_line,
	       unsigned int *ret_column);

/*
 * The configuration that `spec` writes: as runc's, for a shell in ./rootfs. `rootless_uid` and
 * `rootless_gid`, when not NULL, give the ids outside that root inside is mapped to and switch to
 * the form for unprivileged users (no network namespace, user namespace, no resources).
 * Returns 0 and a document, or -ENOMEM.
 */
int oci_config_default(const uint32_t *rootless_uid, const uint32_t *rootless_gid,
		       struct oci_document **ret_document);

/*
 * The names of the enums, for `features`, the encoder and messages. Each table ends with a NULL
 * name. oci_enum_name() gives NULL for a value that is not in the table.
 */
struct oci_enum {
	const char *name;
	uint64_t value;
};
extern const struct oci_enum oci_namespace_types[];
extern const struct oci_enum oci_rlimit_types[];
extern const struct oci_enum oci_seccomp_actions[];
extern const struct oci_enum oci_seccomp_operators[];
extern const struct oci_enum oci_seccomp_architectures[]; /* value = index in the table */
extern const struct oci_enum oci_seccomp_flag_names[];
extern const struct oci_enum oci_scheduler_policies[];
extern const struct oci_enum oci_scheduler_flags[];
extern const struct oci_enum oci_io_priority_classes[];
extern const struct oci_enum oci_memory_policy_modes[];
extern const struct oci_enum oci_memory_policy_flags[];
extern const struct oci_enum oci_personality_domains[];
extern const struct oci_enum oci_propagations[];
const char *oci_enum_name(const struct oci_enum *table, uint64_t value);

/* The names of capabilities(7), in the order of their numbers, ended by NULL; and the number of a
 * name, or -1. */
#define OCI_CAPABILITY_COUNT 41
extern const char *const oci_capability_names[OCI_CAPABILITY_COUNT + 1];
int oci_capability_find(const char *name);

/* The names of the six kinds of hooks in the order of the specification, ended by NULL. */
extern const char *const oci_hook_kinds[];

#endif
