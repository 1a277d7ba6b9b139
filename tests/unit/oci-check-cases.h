/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cases of test-oci-check.c: each breaks one rule of oci-spec/check.c, in a document that is
 * right otherwise. The text has a @ where the problem must be found, so that no position is
 * counted by hand.
 */
#ifndef TESTS_OCI_CHECK_CASES_H
#define TESTS_OCI_CHECK_CASES_H

#include "oci-spec/oci-spec.h"

/* The right document around what a case is about. */
#define CONFIG(body)                                                         \
	"{\n\"ociVersion\": \"1.3.0\",\n\"root\": {\"path\": \"rootfs\"},\n" \
	"\"process\": {\"cwd\": \"/\", \"args\": [\"sh\"]},\n" body "\n}"
#define LINUX(body) CONFIG("\"linux\": {\n" body "\n}")
/* With a mount namespace and `more` of them. */
#define SPACES(more, body) LINUX("\"namespaces\": [{\"type\": \"mount\"}" more "],\n" body)
#define SECCOMP(body)	   LINUX("\"seccomp\": {" body "}")
#define RULE(body)	   SECCOMP("\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{" body "}]")
#define PROCESS(body)	   "{\"cwd\": \"/\", \"args\": [\"sh\"],\n" body "}"
#define CAPS(body)	   PROCESS("\"capabilities\": {" body "}")
#define MAP(c, h, s)	   "{\"containerID\": " #c ", \"hostID\": " #h ", \"size\": " #s "}"
#define USER		   ", {\"type\": \"user\"}"

enum document { CONFIG_JSON, PROCESS_JSON, RESOURCES_JSON };

struct rule_case {
	enum document document;
	const char *text;
	enum oci_severity severity;
	const char *path, *section, *message;
};

/* Each ends with a case without text. */
extern const struct rule_case config_cases[], process_cases[], linux_cases[], resources_cases[],
	seccomp_cases[];

#endif
