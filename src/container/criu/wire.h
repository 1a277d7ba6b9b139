/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of criu's RPC (criu(8), "swrk"), in the wire format of protocol buffers: a field is
 * a key, FIELD << 3 | TYPE, and a varint (type 0) or a length and its bytes (type 2). Only what is
 * needed of it; numbers are those of criu's rpc.proto, which are never changed. Pure.
 */
#ifndef CONTAINER_CRIU_WIRE_H
#define CONTAINER_CRIU_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum criu_type {
	CRIU_DUMP = 1,
	CRIU_RESTORE = 2,
	CRIU_PRE_DUMP = 4,
	CRIU_NOTIFY = 6,
	CRIU_VERSION = 10,
};

/* Fields of criu_opts. */
enum criu_option {
	CRIU_IMAGES_DIR_FD = 1,
	CRIU_PID = 2,
	CRIU_LEAVE_RUNNING = 3,
	CRIU_EXT_UNIX_SK = 4,
	CRIU_TCP_ESTABLISHED = 5,
	CRIU_EVASIVE_DEVICES = 6,
	CRIU_SHELL_JOB = 7,
	CRIU_FILE_LOCKS = 8,
	CRIU_LOG_LEVEL = 9,
	CRIU_LOG_FILE = 10,
	CRIU_PAGE_SERVER = 11,
	CRIU_NOTIFY_SCRIPTS = 12,
	CRIU_ROOT = 13,
	CRIU_PARENT_IMG = 14,
	CRIU_TRACK_MEM = 15,
	CRIU_AUTO_DEDUP = 16,
	CRIU_WORK_DIR_FD = 17,
	CRIU_LINK_REMAP = 18,
	CRIU_MANAGE_CGROUPS = 24,
	CRIU_CG_ROOT = 25,
	CRIU_RST_SIBLING = 26,
	CRIU_INHERIT_FD = 27,
	CRIU_EXT_SHARING = 29,
	CRIU_EXT_MASTERS = 30,
	CRIU_MANAGE_CGROUPS_MODE = 34,
	CRIU_EXTERNAL = 37,
	CRIU_EMPTY_NS = 38,
	CRIU_JOIN_NS = 39,
	CRIU_FREEZE_CGROUP = 44,
	CRIU_TCP_SKIP_IN_FLIGHT = 46,
	CRIU_LAZY_PAGES = 48,
	CRIU_ORPHAN_PTS_MASTER = 50,
	CRIU_CONFIG_FILE = 51,
	CRIU_TCP_CLOSE = 52,
	CRIU_LSM_PROFILE = 53,
	CRIU_LSM_MOUNT_CONTEXT = 63,
	CRIU_NETWORK_LOCK = 64,
	CRIU_MNTNS_COMPAT_MODE = 65,
};

/* Values of CRIU_MANAGE_CGROUPS_MODE and CRIU_NETWORK_LOCK by their words; -EINVAL for others. */
int criu_parse_cgroups_mode(const char *word, uint32_t *ret_mode);
int criu_parse_network_lock(const char *word, uint32_t *ret_method);

/* Appends a field. A negative number goes as its 64 bits, as the format wants. */
void criu_put_number(struct text *message, unsigned int field, int64_t value);
void criu_put_string(struct text *message, unsigned int field, const char *value);
void criu_put_message(struct text *message, unsigned int field, const struct text *inner);

/* criu_req of a type with these options, or of the answer to a notification. */
void criu_put_request(struct text *message, enum criu_type type, const struct text *options);
void criu_put_answer(struct text *message, bool success);

/* What there is in a criu_resp. */
struct criu_response {
	uint32_t type;
	bool success;
	char script[64];  /* of a notification */
	int32_t pid;	  /* of it, or of what was restored; 0: none */
	int32_t number;	  /* an errno, or 0 */
	char words[256];  /* why it failed, or "" */
	uint32_t version; /* 40101 is 4.1.1 */
};

/* Returns 0 or -EBADMSG. Fields that are not known are skipped, strings that do not fit are cut. */
int criu_parse_response(const void *bytes, size_t size, struct criu_response *ret_response);

/* Where in the text of its log the first error is that matters, up to the end of the line, or that
 * there is no page server; NULL: there is none. */
const char *criu_find_error(const char *log);

#endif
