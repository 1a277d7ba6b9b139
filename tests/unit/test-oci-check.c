/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every rule of oci-spec/check.c is broken once, in a document that is right otherwise. The text
 * of a case has a @ where the problem must be found, so that no position is counted by hand.
 */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci-spec/oci-spec.h"

/* The parts around what a case is about. Only CONFIG() and LINUX() have other lines before it. */
#define CONFIG(body)                                                         \
	"{\n\"ociVersion\": \"1.3.0\",\n\"root\": {\"path\": \"rootfs\"},\n" \
	"\"process\": {\"cwd\": \"/\", \"args\": [\"sh\"]},\n" body "\n}"
#define LINUX(body) CONFIG("\"linux\": {\n" body "\n}")
/* With a mount namespace, or a user namespace and its mappings, and one namespace more. */
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

/* What was reported, one line per problem. */
struct record {
	char lines[65536];
	size_t length;
};

static void record_problem(void *data, const struct oci_problem *problem)
{
	static const char severities[] = {
		[OCI_ERROR] = 'E', [OCI_WARNING] = 'W', [OCI_UNKNOWN] = 'U'};
	struct record *record = data;
	int length =
		snprintf(record->lines + record->length, sizeof(record->lines) - record->length,
			 "%c %u:%u %s (%s) %s\n", severities[problem->severity], problem->line,
			 problem->column, problem->path, problem->section ? problem->section : "-",
			 problem->message);

	ck_assert_int_gt(length, 0);
	record->length += (size_t)length;
	ck_assert_uint_lt(record->length, sizeof(record->lines));
}

/* Decodes without a problem, then checks. Returns what was reported and the number of errors. */
static size_t run_check(enum document kind, const char *text, struct record *record)
{
	const struct oci_report report = {
		.problem = record_problem, .data = record, .unknown = true};
	struct oci_document *document = NULL;
	size_t length = strlen(text), errors = 0;
	int result;

	record->length = 0;
	record->lines[0] = '\0';
	if (kind == CONFIG_JSON)
		result = oci_config_decode(text, length, &report, &document);
	else if (kind == PROCESS_JSON)
		result = oci_process_decode(text, length, &report, &document);
	else
		result = oci_resources_decode(text, length, &report, &document);
	ck_assert_msg(result == 0, "does not decode: %s\n%s", text, record->lines);
	if (kind == CONFIG_JSON)
		errors = oci_config_check(oci_document_config(document), text, length, &report);
	else if (kind == PROCESS_JSON)
		errors = oci_process_check(oci_document_process(document), text, length, &report);
	else
		errors = oci_resources_check(oci_document_resources(document), text, length,
					     &report);
	oci_document_free(document);
	return errors;
}

/* Takes the @ out of a text and says where it was. */
static void unmark(const char *marked, char *text, unsigned int *ret_line, unsigned int *ret_column)
{
	const char *mark = strchr(marked, '@');
	unsigned int line = 1, column = 1;

	ck_assert_ptr_nonnull(mark);
	for (const char *p = marked; p < mark; p++) {
		column = *p == '\n' ? 1 : column + 1;
		line += *p == '\n';
	}
	memcpy(text, marked, (size_t)(mark - marked));
	strcpy(text + (mark - marked), mark + 1);
	*ret_line = line;
	*ret_column = column;
}

static void run_case(const struct rule_case *rule)
{
	static struct record record;
	static char text[8192], expected[2048];
	unsigned int line, column;
	size_t errors;

	ck_assert_uint_lt(strlen(rule->text), sizeof(text));
	unmark(rule->text, text, &line, &column);
	errors = run_check(rule->document, text, &record);
	snprintf(expected, sizeof(expected), "%c %u:%u %s (%s) %s\n",
		 rule->severity == OCI_ERROR ? 'E' : 'W', line, column, rule->path, rule->section,
		 rule->message);
	ck_assert_str_eq(record.lines, expected);
	ck_assert_uint_eq(errors, rule->severity == OCI_ERROR);
}

#define VERSION(v)                                                            \
	"{\"ociVersion\": @" v ", \"root\": {\"path\": \"r\"}, \"process\": " \
	"{\"cwd\": \"/\", \"args\": [\"a\"]}}"
#define NOT_A_VERSION " is not a version of the form MAJOR.MINOR.PATCH"

/* clang-format off */
static const struct rule_case config_cases[] = {
	{CONFIG_JSON, VERSION("\"1.0\""), OCI_ERROR, "ociVersion",
	 "config.md#specification-version", "\"1.0\"" NOT_A_VERSION},
	{CONFIG_JSON, VERSION("\"01.0.0\""), OCI_ERROR, "ociVersion",
	 "config.md#specification-version", "\"01.0.0\"" NOT_A_VERSION},
	{CONFIG_JSON, VERSION("\"1.0.0-\""), OCI_ERROR, "ociVersion",
	 "config.md#specification-version", "\"1.0.0-\"" NOT_A_VERSION},
	{CONFIG_JSON, VERSION("\"1.0.0-a..b\""), OCI_ERROR, "ociVersion",
	 "config.md#specification-version", "\"1.0.0-a..b\"" NOT_A_VERSION},
	{CONFIG_JSON, VERSION("\"1.0.0-01\""), OCI_ERROR, "ociVersion",
	 "config.md#specification-version", "\"1.0.0-01\"" NOT_A_VERSION},
	{CONFIG_JSON, VERSION("\"1.0.0 \""), OCI_ERROR, "ociVersion",
	 "config.md#specification-version", "\"1.0.0 \"" NOT_A_VERSION},
	{CONFIG_JSON, VERSION("\"\""), OCI_ERROR, "ociVersion",
	 "config.md#specification-version", "\"\"" NOT_A_VERSION},
	{CONFIG_JSON, VERSION("\"2.0.0\""), OCI_ERROR, "ociVersion",
	 "config.md#specification-version",
	 "version 2.0.0 of the specification is not supported, only 1.x is"},
	{CONFIG_JSON, VERSION("\"0.9.0\""), OCI_ERROR, "ociVersion",
	 "config.md#specification-version",
	 "version 0.9.0 of the specification is not supported, only 1.x is"},
	{CONFIG_JSON, VERSION("\"1.10.0-rc.1\""), OCI_WARNING, "ociVersion",
	 "config.md#specification-version",
	 "version 1.10.0-rc.1 is newer than 1.3.0: what it added is ignored"},

	{CONFIG_JSON, "@{\"ociVersion\": \"1.0.0\", \"process\": {\"cwd\": \"/\", \"args\": [\"a\"]}}",
	 OCI_ERROR, "root", "config.md#root", "is required"},
	{CONFIG_JSON, "{\"ociVersion\": \"1.0.0\", \"root\": {\"path\": @\"\"}, \"process\": "
	 "{\"cwd\": \"/\", \"args\": [\"a\"]}}",
	 OCI_ERROR, "root.path", "config.md#root", "must not be empty"},
	{CONFIG_JSON, "@{\"ociVersion\": \"1.0.0\", \"root\": {\"path\": \"r\"}}",
	 OCI_WARNING, "process", "config.md#process", "start needs a process"},

	{CONFIG_JSON, CONFIG("\"mounts\": [{\"destination\": @\"\", \"type\": \"proc\"}]"),
	 OCI_ERROR, "mounts[0].destination", "config.md#mounts", "must not be empty"},
	{CONFIG_JSON, CONFIG("\"mounts\": [{\"destination\": \"/\", \"type\": \"t\"},\n"
	 "{\"type\": \"proc\", \"destination\": @\"proc\"}]"),
	 OCI_WARNING, "mounts[1].destination", "config.md#mounts",
	 "relative paths are deprecated: \"proc\" is taken as relative to \"/\""},
	{CONFIG_JSON, CONFIG("\"mounts\": [@{\"destination\": \"/a\", \"options\": [\"ro\"]}]"),
	 OCI_WARNING, "mounts[0]", "config.md#posix-platform-mounts",
	 "has no type, and neither \"bind\" nor \"rbind\" among its options"},
	{CONFIG_JSON, CONFIG("\"mounts\": [{\"destination\": \"/a\", \"options\": [\"bind\", \"idmap\"],"
	 " \"uidMappings\": @[" MAP(0, 1, 1) "]}]"),
	 OCI_ERROR, "mounts[0].uidMappings", "config.md#posix-platform-mounts",
	 "must be given along with gidMappings"},
	{CONFIG_JSON, CONFIG("\"mounts\": [{\"destination\": \"/a\", \"options\": [\"bind\", \"ridmap\"],"
	 " \"gidMappings\": @[" MAP(0, 1, 1) "]}]"),
	 OCI_ERROR, "mounts[0].gidMappings", "config.md#posix-platform-mounts",
	 "must be given along with uidMappings"},
	{CONFIG_JSON, CONFIG("\"mounts\": [{\"destination\": \"/a\", \"options\": [\"bind\"],"
	 " \"uidMappings\": @[" MAP(0, 1, 1) "], \"gidMappings\": [" MAP(0, 1, 1) "]}]"),
	 OCI_WARNING, "mounts[0].uidMappings", "config.md#posix-platform-mounts",
	 "the options should have \"idmap\" or \"ridmap\", without which other runtimes ignore the "
	 "mapping"},
	{CONFIG_JSON, CONFIG("\"mounts\": [{\"destination\": \"/a\", \"options\": @[\"bind\", \"idmap\"]}]"),
	 OCI_ERROR, "mounts[0].options", "config.md#posix-platform-mounts",
	 "an idmapped mount needs uidMappings and gidMappings, as the container has no user "
	 "namespace"},
	{CONFIG_JSON, CONFIG("\"mounts\": [{\"destination\": \"/a\", \"options\": [\"bind\", \"idmap\"],"
	 " \"uidMappings\": [" MAP(0, 1, 1) "], \"gidMappings\": [{\"containerID\": 0, "
	 "\"hostID\": 0, \"size\": @0}]}]"),
	 OCI_ERROR, "mounts[0].gidMappings[0].size", "config.md#posix-platform-mounts",
	 "must be greater than zero"},

	{CONFIG_JSON, CONFIG("\"hostname\": @\"box\""), OCI_ERROR, "hostname", "config.md#hostname",
	 "needs a namespace of type \"uts\" in linux.namespaces"},
	{CONFIG_JSON, CONFIG("\"linux\": {\"namespaces\": [{\"type\": \"uts\"}]}, \"hostname\": @\""
	 "12345678901234567890123456789012345678901234567890123456789012345\""),
	 OCI_ERROR, "hostname", "config.md#hostname",
	 "is longer than the 64 bytes that the kernel takes"},
	{CONFIG_JSON, CONFIG("\"domainname\": @\"example.com\""), OCI_ERROR, "domainname",
	 "config.md#domainname", "needs a namespace of type \"uts\" in linux.namespaces"},
	{CONFIG_JSON, CONFIG("\"linux\": {\"namespaces\": [{\"type\": \"uts\"}]}, \"domainname\": @\""
	 "12345678901234567890123456789012345678901234567890123456789012345\""),
	 OCI_ERROR, "domainname", "config.md#domainname",
	 "is longer than the 64 bytes that the kernel takes"},

	{CONFIG_JSON, CONFIG("\"hooks\": {\"prestart\": [{\"path\": @\"a\"}]}"), OCI_ERROR,
	 "hooks.prestart[0].path", "config.md#posix-platform-hooks",
	 "must be an absolute path, not \"a\""},
	{CONFIG_JSON, CONFIG("\"hooks\": {\"createRuntime\": [{\"path\": @\"./a\"}]}"), OCI_ERROR,
	 "hooks.createRuntime[0].path", "config.md#posix-platform-hooks",
	 "must be an absolute path, not \"./a\""},
	{CONFIG_JSON, CONFIG("\"hooks\": {\"createContainer\": [{\"path\": @\"\"}]}"), OCI_ERROR,
	 "hooks.createContainer[0].path", "config.md#posix-platform-hooks",
	 "must be an absolute path, not \"\""},
	{CONFIG_JSON, CONFIG("\"hooks\": {\"startContainer\": [{\"path\": @\"a\"}]}"), OCI_ERROR,
	 "hooks.startContainer[0].path", "config.md#posix-platform-hooks",
	 "must be an absolute path, not \"a\""},
	{CONFIG_JSON, CONFIG("\"hooks\": {\"poststart\": [{\"path\": \"/a\", \"timeout\": @0}]}"),
	 OCI_ERROR, "hooks.poststart[0].timeout", "config.md#posix-platform-hooks",
	 "must be greater than zero, not 0"},
	{CONFIG_JSON, CONFIG("\"hooks\": {\"poststop\": [{\"path\": \"/a\"},\n"
	 "{\"path\": \"/a\", \"timeout\": @-1}]}"),
	 OCI_ERROR, "hooks.poststop[1].timeout", "config.md#posix-platform-hooks",
	 "must be greater than zero, not -1"},

	{CONFIG_JSON, CONFIG("\"annotations\": {\"a.b\": \"\", \"\": @\"x\"}"), OCI_ERROR,
	 "annotations[\"\"]", "config.md#annotations", "a key must not be empty"},
	{CONFIG_JSON, CONFIG("\"annotations\": {\"k\\\"ey\\n\": @\"x\"}"), OCI_WARNING,
	 "annotations[\"k\\\"ey\\u000a\"]", "config.md#annotations",
	 "a key should be in reverse domain notation, as \"com.example.key\""},
	{CONFIG_JSON, CONFIG("\"annotations\": {\"key\": @\"x\"}"), OCI_WARNING,
	 "annotations.key", "config.md#annotations",
	 "a key should be in reverse domain notation, as \"com.example.key\""},
};

#define PROCESS_MD "config.md#process"
#define POSIX_MD   "config.md#posix-process"
#define LINUX_MD   "config.md#linux-process"

static const struct rule_case process_cases[] = {
	{CONFIG_JSON, "{\"ociVersion\": \"1.0.0\", \"root\": {\"path\": \"r\"}, \"process\": "
	 "{\"cwd\": @\"tmp\", \"args\": [\"a\"]}}", OCI_ERROR, "process.cwd", PROCESS_MD,
	 "must be an absolute path, not \"tmp\""},
	{PROCESS_JSON, "{\"args\": [\"a\"], \"cwd\": @\"\"}", OCI_ERROR, "cwd", PROCESS_MD,
	 "must be an absolute path, not \"\""},
	{PROCESS_JSON, "@{\"cwd\": \"/\"}", OCI_ERROR, "args", PROCESS_MD,
	 "at least one entry is required"},
	{PROCESS_JSON, "{\"cwd\": \"/\", \"args\": @[]}", OCI_ERROR, "args", PROCESS_MD,
	 "at least one entry is required"},
	{PROCESS_JSON, PROCESS("\"env\": [\"A=\",\n  @\"B\"]"), OCI_ERROR, "env[1]", PROCESS_MD,
	 "\"B\" is not of the form NAME=VALUE"},
	{PROCESS_JSON, PROCESS("\"env\": [@\"\"]"), OCI_ERROR, "env[0]", PROCESS_MD,
	 "\"\" is not of the form NAME=VALUE"},
	{PROCESS_JSON, PROCESS("\"env\": [@\"=x\"]"), OCI_ERROR, "env[0]", PROCESS_MD,
	 "the name must not be empty"},
	{PROCESS_JSON, PROCESS("\"env\": [@\"12345678901234567890123456789012345678901234567890123456789"
	 "\xc3\xa4\"]"), OCI_ERROR, "env[0]", PROCESS_MD,
	 "\"12345678901234567890123456789012345678901234567890123456789...\" is not of the form "
	 "NAME=VALUE"},
	{PROCESS_JSON, PROCESS("\"terminal\": true, \"consoleSize\": {\"height\": @65536, \"width\": 1}"),
	 OCI_ERROR, "consoleSize.height", PROCESS_MD,
	 "65536 is more than the 65535 that a terminal can have"},
	{PROCESS_JSON, PROCESS("\"terminal\": true, \"consoleSize\": {\"height\": 1, \"width\": @70000}"),
	 OCI_ERROR, "consoleSize.width", PROCESS_MD,
	 "70000 is more than the 65535 that a terminal can have"},
	{PROCESS_JSON, PROCESS("\"user\": {\"uid\": 0, \"gid\": 0, \"umask\": @512}"), OCI_ERROR,
	 "user.umask", "config.md#posix-platform-user",
	 "512 (octal 1000) is more than 511 (octal 777)"},
	{PROCESS_JSON, PROCESS("\"rlimits\": [{\"type\": \"RLIMIT_CPU\", \"soft\": 1, \"hard\": 1},\n"
	 "{\"type\": @\"RLIMIT_CPU\", \"soft\": 1, \"hard\": 2}]"), OCI_ERROR, "rlimits[1].type",
	 POSIX_MD, "RLIMIT_CPU is there more than once"},
	{PROCESS_JSON, PROCESS("\"rlimits\": [{\"type\": \"RLIMIT_CPU\", \"soft\": "
	 "@18446744073709551615, \"hard\": 1}]"), OCI_ERROR, "rlimits[0].soft", POSIX_MD,
	 "the soft limit 18446744073709551615 is higher than the hard limit 1"},
	{PROCESS_JSON, PROCESS("\"apparmorProfile\": @\"a\\nb\""), OCI_ERROR, "apparmorProfile",
	 LINUX_MD, "must not contain a newline"},
	{PROCESS_JSON, PROCESS("\"selinuxLabel\": @\"a\\nb\""), OCI_ERROR, "selinuxLabel",
	 LINUX_MD, "must not contain a newline"},

	{PROCESS_JSON, CAPS("\"bounding\": [\"CAP_KILL\", @\"CAP_FLY\"]"), OCI_WARNING,
	 "capabilities.bounding[1]", LINUX_MD,
	 "\"CAP_FLY\" is not a known capability and cannot be granted"},
	{PROCESS_JSON, CAPS("\"permitted\": [@\"cap_kill\"]"), OCI_WARNING,
	 "capabilities.permitted[0]", LINUX_MD,
	 "\"cap_kill\" is not a known capability and cannot be granted"},
	{PROCESS_JSON, CAPS("\"inheritable\": [@\"KILL\"]"), OCI_WARNING,
	 "capabilities.inheritable[0]", LINUX_MD,
	 "\"KILL\" is not a known capability and cannot be granted"},
	{PROCESS_JSON, CAPS("\"permitted\": [\"CAP_KILL\"], \"effective\": @[\"CAP_KILL\", "
	 "\"CAP_CHECKPOINT_RESTORE\", \"CAP_CHOWN\", \"CAP_CHOWN\"]"), OCI_WARNING,
	 "capabilities.effective", LINUX_MD,
	 "cannot be granted, as they are not permitted too: CAP_CHECKPOINT_RESTORE, CAP_CHOWN"},
	{PROCESS_JSON, CAPS("\"permitted\": [\"CAP_KILL\"], \"ambient\": @[\"CAP_KILL\"]"),
	 OCI_WARNING, "capabilities.ambient", LINUX_MD,
	 "cannot be granted, as they are not permitted and inheritable too: CAP_KILL"},
	{PROCESS_JSON, CAPS("\"inheritable\": [\"CAP_KILL\"], \"ambient\": @[\"CAP_KILL\"]"),
	 OCI_WARNING, "capabilities.ambient", LINUX_MD,
	 "cannot be granted, as they are not permitted and inheritable too: CAP_KILL"},

	{PROCESS_JSON, PROCESS("\"oomScoreAdj\": @1001"), OCI_ERROR, "oomScoreAdj", LINUX_MD,
	 "1001 is not between -1000 and 1000"},
	{PROCESS_JSON, PROCESS("\"oomScoreAdj\": @-1001"), OCI_ERROR, "oomScoreAdj", LINUX_MD,
	 "-1001 is not between -1000 and 1000"},
	{PROCESS_JSON, PROCESS("\"scheduler\": {\"policy\": @\"SCHED_ISO\"}"), OCI_ERROR,
	 "scheduler.policy", LINUX_MD, "no kernel has SCHED_ISO"},
	{PROCESS_JSON, PROCESS("\"scheduler\": {\"policy\": \"SCHED_OTHER\", \"nice\": @20}"),
	 OCI_ERROR, "scheduler.nice", LINUX_MD, "20 is not between -20 and 19"},
	{PROCESS_JSON, PROCESS("\"scheduler\": {\"policy\": \"SCHED_BATCH\", \"nice\": @-21}"),
	 OCI_ERROR, "scheduler.nice", LINUX_MD, "-21 is not between -20 and 19"},
	{PROCESS_JSON, PROCESS("\"scheduler\": {\"policy\": \"SCHED_FIFO\", \"priority\": @100}"),
	 OCI_ERROR, "scheduler.priority", LINUX_MD,
	 "SCHED_FIFO needs a priority between 1 and 99, not 100"},
	{PROCESS_JSON, PROCESS("\"scheduler\": @{\"policy\": \"SCHED_RR\"}"), OCI_ERROR,
	 "scheduler.priority", LINUX_MD, "SCHED_RR needs a priority between 1 and 99, not 0"},
	{PROCESS_JSON, PROCESS("\"scheduler\": {\"policy\": \"SCHED_IDLE\", \"priority\": @1}"),
	 OCI_ERROR, "scheduler.priority", LINUX_MD,
	 "is for SCHED_FIFO and SCHED_RR, not for SCHED_IDLE"},
	{PROCESS_JSON, PROCESS("\"scheduler\": {\"policy\": \"SCHED_OTHER\", \"runtime\": @1}"),
	 OCI_ERROR, "scheduler.runtime", LINUX_MD, "is for SCHED_DEADLINE, not for SCHED_OTHER"},
	{PROCESS_JSON, PROCESS("\"scheduler\": {\"policy\": \"SCHED_OTHER\", \"deadline\": @1}"),
	 OCI_ERROR, "scheduler.deadline", LINUX_MD, "is for SCHED_DEADLINE, not for SCHED_OTHER"},
	{PROCESS_JSON, PROCESS("\"scheduler\": {\"policy\": \"SCHED_OTHER\", \"period\": @1}"),
	 OCI_ERROR, "scheduler.period", LINUX_MD, "is for SCHED_DEADLINE, not for SCHED_OTHER"},
	{PROCESS_JSON, PROCESS("\"scheduler\": {\"policy\": \"SCHED_DEADLINE\", \"runtime\": @1023, "
	 "\"deadline\": 2000}"), OCI_ERROR, "scheduler.runtime", LINUX_MD,
	 "SCHED_DEADLINE needs at least 1024 nanoseconds"},
	{PROCESS_JSON, PROCESS("\"scheduler\": @{\"policy\": \"SCHED_DEADLINE\", \"runtime\": 1024}"),
	 OCI_ERROR, "scheduler.deadline", LINUX_MD, "SCHED_DEADLINE needs a deadline"},
	{PROCESS_JSON, PROCESS("\"scheduler\": {\"policy\": \"SCHED_DEADLINE\", \"runtime\": @3000, "
	 "\"deadline\": 2000}"), OCI_ERROR, "scheduler.runtime", LINUX_MD,
	 "must not be longer than the deadline"},
	{PROCESS_JSON, PROCESS("\"scheduler\": {\"policy\": \"SCHED_DEADLINE\", \"runtime\": 2000, "
	 "\"deadline\": @4000, \"period\": 3000}"), OCI_ERROR, "scheduler.deadline", LINUX_MD,
	 "must not be longer than the period"},
	{PROCESS_JSON, PROCESS("\"scheduler\": {\"policy\": \"SCHED_DEADLINE\", \"runtime\": 2000, "
	 "\"deadline\": 4000, \"period\": @9223372036854775808}"), OCI_ERROR, "scheduler.period",
	 LINUX_MD, "is longer than the kernel takes"},
	{PROCESS_JSON, PROCESS("\"ioPriority\": {\"class\": \"IOPRIO_CLASS_BE\", \"priority\": @8}"),
	 OCI_ERROR, "ioPriority.priority", LINUX_MD, "8 is not between 0 and 7"},
	{PROCESS_JSON, PROCESS("\"ioPriority\": {\"class\": \"IOPRIO_CLASS_RT\", \"priority\": @-1}"),
	 OCI_ERROR, "ioPriority.priority", LINUX_MD, "-1 is not between 0 and 7"},
	{PROCESS_JSON, PROCESS("\"execCPUAffinity\": {\"initial\": @\"0-\"}"), OCI_ERROR,
	 "execCPUAffinity.initial", LINUX_MD, "\"0-\" is not a list of CPUs like \"0-3,7\""},
	{PROCESS_JSON, PROCESS("\"execCPUAffinity\": {\"final\": @\"3-1\"}"), OCI_ERROR,
	 "execCPUAffinity.final", LINUX_MD, "\"3-1\" is not a list of CPUs like \"0-3,7\""},
	{PROCESS_JSON, PROCESS("\"execCPUAffinity\": {\"final\": @\"1, 2\"}"), OCI_ERROR,
	 "execCPUAffinity.final", LINUX_MD, "\"1, 2\" is not a list of CPUs like \"0-3,7\""},
};

#define NAMESPACES_MD "config-linux.md#namespaces"
#define MAPPINGS_MD   "config-linux.md#user-namespace-mappings"
#define TIME_MD	      "config-linux.md#offset-for-time-namespace"
#define DEVICES_MD    "config-linux.md#devices"
#define NETDEV_MD     "config-linux.md#network-devices"
#define RDT_MD	      "config-linux.md#intelrdt"
#define MPOL_MD	      "config-linux.md#memory-policy"
#define SYSCTL_MD     "config-linux.md#sysctl"

static const struct rule_case linux_cases[] = {
	{CONFIG_JSON, LINUX("\"namespaces\": [{\"type\": \"time\"}, {\"type\": @\"time\"}]"),
	 OCI_ERROR, "linux.namespaces[1].type", NAMESPACES_MD, "\"time\" is there more than once"},
	{CONFIG_JSON, LINUX("\"namespaces\": [{\"type\": \"pid\", \"path\": @\"proc/1/ns/pid\"}]"),
	 OCI_ERROR, "linux.namespaces[0].path", NAMESPACES_MD,
	 "must be an absolute path, not \"proc/1/ns/pid\""},
	{CONFIG_JSON, LINUX("\"maskedPaths\": @[\"/proc/keys\"]"), OCI_ERROR, "linux.maskedPaths",
	 NAMESPACES_MD, "needs a namespace of type \"mount\" in linux.namespaces"},
	{CONFIG_JSON, LINUX("\"readonlyPaths\": @[\"/proc/sys\"]"), OCI_ERROR, "linux.readonlyPaths",
	 NAMESPACES_MD, "needs a namespace of type \"mount\" in linux.namespaces"},
	{CONFIG_JSON, CONFIG("\"mounts\": [{\"destination\": \"/a\", \"type\": \"tmpfs\"}],\n"
	 "\"linux\": {\"namespaces\": @[]}"), OCI_WARNING, "linux.namespaces", NAMESPACES_MD,
	 "without a namespace of type \"mount\" the container's mounts are made in the runtime's"},

	{CONFIG_JSON, LINUX("\"namespaces\": [@{\"type\": \"user\"}]"), OCI_WARNING,
	 "linux.namespaces[0]", MAPPINGS_MD,
	 "a new user namespace without linux.uidMappings and linux.gidMappings: the runtime chooses "
	 "them"},
	{CONFIG_JSON, LINUX("\"gidMappings\": @[" MAP(0, 0, 1) "]"), OCI_ERROR, "linux.gidMappings",
	 MAPPINGS_MD, "needs a namespace of type \"user\" in linux.namespaces"},
	{CONFIG_JSON, SPACES(USER, "\"uidMappings\": @[" MAP(0, 0, 1) "]"), OCI_ERROR,
	 "linux.uidMappings", MAPPINGS_MD, "must be given along with gidMappings"},
	{CONFIG_JSON, SPACES(USER, "\"gidMappings\": @[" MAP(0, 0, 1) "], \"uidMappings\": []"),
	 OCI_ERROR, "linux.gidMappings", MAPPINGS_MD, "must be given along with uidMappings"},
	{CONFIG_JSON, SPACES(USER, "\"uidMappings\": [" MAP(0, 0, @0) "], \"gidMappings\": ["
	 MAP(0, 0, 1) "]"), OCI_ERROR, "linux.uidMappings[0].size", MAPPINGS_MD,
	 "must be greater than zero"},
	{CONFIG_JSON, SPACES(USER, "\"uidMappings\": [" MAP(1, 0, @4294967295) "], \"gidMappings\": ["
	 MAP(0, 0, 4294967295) "]"), OCI_ERROR, "linux.uidMappings[0].size", MAPPINGS_MD,
	 "containerID and size go beyond the last ID, 4294967294"},
	{CONFIG_JSON, SPACES(USER, "\"uidMappings\": [" MAP(0, 0, 4294967295) "], \"gidMappings\": ["
	 MAP(0, 4294967294, @2) "]"), OCI_ERROR, "linux.gidMappings[0].size", MAPPINGS_MD,
	 "hostID and size go beyond the last ID, 4294967294"},
	{CONFIG_JSON, SPACES(USER, "\"uidMappings\": [" MAP(0, 0, 10) ", @" MAP(9, 100, 1)
	 "], \"gidMappings\": [" MAP(0, 0, 1) "]"), OCI_ERROR, "linux.uidMappings[1]", MAPPINGS_MD,
	 "its IDs in the container overlap those of entry 0"},
	{CONFIG_JSON, SPACES(USER, "\"uidMappings\": [" MAP(0, 0, 10) ", " MAP(10, 10, 5) ", @"
	 MAP(20, 14, 2) "], \"gidMappings\": [" MAP(0, 0, 1) "]"), OCI_ERROR,
	 "linux.uidMappings[2]", MAPPINGS_MD, "its IDs outside the container overlap those of entry 1"},

	{CONFIG_JSON, LINUX("\"timeOffsets\": @{\"monotonic\": {\"secs\": 1}}"), OCI_ERROR,
	 "linux.timeOffsets", TIME_MD, "needs a namespace of type \"time\" in linux.namespaces"},
	{CONFIG_JSON, SPACES(", {\"type\": \"time\", \"path\": \"/x\"}",
	 "\"timeOffsets\": @{\"monotonic\": {\"secs\": 1}}"), OCI_ERROR, "linux.timeOffsets", TIME_MD,
	 "needs a new time namespace, and linux.namespaces[1] joins one"},
	{CONFIG_JSON, SPACES(", {\"type\": \"time\"}", "\"timeOffsets\": {\"realtime\": @{}}"), OCI_ERROR,
	 "linux.timeOffsets.realtime", TIME_MD,
	 "only the clocks \"monotonic\" and \"boottime\" have offsets"},
	{CONFIG_JSON, SPACES(", {\"type\": \"time\"}",
	 "\"timeOffsets\": {\"boottime\": {\"secs\": @9223372037}}"), OCI_ERROR,
	 "linux.timeOffsets.boottime.secs", TIME_MD,
	 "is more than the 9223372036 seconds that the kernel takes"},
	{CONFIG_JSON, SPACES(", {\"type\": \"time\"}",
	 "\"timeOffsets\": {\"boottime\": {\"secs\": @-9223372037}}"), OCI_ERROR,
	 "linux.timeOffsets.boottime.secs", TIME_MD,
	 "is more than the 9223372036 seconds that the kernel takes"},
	{CONFIG_JSON, SPACES(", {\"type\": \"time\"}",
	 "\"timeOffsets\": {\"monotonic\": {\"nanosecs\": @1000000000}}"), OCI_ERROR,
	 "linux.timeOffsets.monotonic.nanosecs", TIME_MD,
	 "1000000000 is not between 0 and 999999999"},

	{CONFIG_JSON, LINUX("\"devices\": [{\"path\": @\"dev/a\", \"type\": \"p\"}]"), OCI_ERROR,
	 "linux.devices[0].path", DEVICES_MD, "must be an absolute path, not \"dev/a\""},
	{CONFIG_JSON, LINUX("\"devices\": [{\"path\": \"/a\", \"type\": \"c\", \"major\": @-1, "
	 "\"minor\": 0}]"), OCI_ERROR, "linux.devices[0].major", DEVICES_MD,
	 "-1 is not between 0 and 4095"},
	{CONFIG_JSON, LINUX("\"devices\": [{\"path\": \"/a\", \"type\": \"b\", \"major\": 0, "
	 "\"minor\": @1048576}]"), OCI_ERROR, "linux.devices[0].minor", DEVICES_MD,
	 "1048576 is not between 0 and 1048575"},
	{CONFIG_JSON, LINUX("\"devices\": [{\"path\": \"/a\", \"type\": \"p\", \"fileMode\": @65536}]"),
	 OCI_ERROR, "linux.devices[0].fileMode", DEVICES_MD,
	 "65536 (octal 200000) is not a file mode"},
	{CONFIG_JSON, LINUX("\"devices\": [{\"path\": \"/a\", \"type\": \"c\", \"major\": 1, \"minor\": 3},"
	 "{\"path\": @\"/a\", \"type\": \"b\", \"major\": 1, \"minor\": 3}]"), OCI_ERROR,
	 "linux.devices[1].path", DEVICES_MD, "is already another device, that of entry 0"},
	{CONFIG_JSON, LINUX("\"devices\": [{\"path\": \"/a\", \"type\": \"c\", \"major\": 1, \"minor\": 3},"
	 "{\"path\": @\"/a\", \"type\": \"u\", \"major\": 1, \"minor\": 3}]"), OCI_WARNING,
	 "linux.devices[1].path", DEVICES_MD, "is already there, in entry 0"},
	{CONFIG_JSON, LINUX("\"devices\": [{\"path\": \"/b\", \"type\": \"c\", \"major\": 1, \"minor\": 3},"
	 "@{\"path\": \"/a\", \"type\": \"c\", \"major\": 1, \"minor\": 3}]"), OCI_WARNING,
	 "linux.devices[1]", DEVICES_MD, "c 1:3 is already used by entry 0"},

	{CONFIG_JSON, LINUX("\"netDevices\": @{\"eth0\": {}}"), OCI_ERROR, "linux.netDevices", NETDEV_MD,
	 "needs a namespace of type \"network\" in linux.namespaces"},
	{CONFIG_JSON, SPACES(", {\"type\": \"network\"}", "\"netDevices\": {\"et/h0\": @{}}"), OCI_ERROR,
	 "linux.netDevices[\"et/h0\"]", NETDEV_MD,
	 "\"et/h0\" cannot be the name of a network interface"},
	{CONFIG_JSON, SPACES(", {\"type\": \"network\"}",
	 "\"netDevices\": {\"eth0\": {\"name\": @\"1234567890123456\"}}"), OCI_ERROR,
	 "linux.netDevices.eth0.name", NETDEV_MD,
	 "\"1234567890123456\" cannot be the name of a network interface"},
	{CONFIG_JSON, SPACES(", {\"type\": \"network\"}", "\"netDevices\": {\"eth0\": {\"name\": @\"..\"}}"),
	 OCI_ERROR, "linux.netDevices.eth0.name", NETDEV_MD,
	 "\"..\" cannot be the name of a network interface"},
	{CONFIG_JSON, SPACES(", {\"type\": \"network\"}", "\"netDevices\": {\"eth0\": {\"name\": @\"a b\"}}"),
	 OCI_ERROR, "linux.netDevices.eth0.name", NETDEV_MD,
	 "\"a b\" cannot be the name of a network interface"},

	{CONFIG_JSON, LINUX("\"cgroupsPath\": @\"/a/../../b\""), OCI_ERROR, "linux.cgroupsPath",
	 "config-linux.md#cgroups-path", "must not have \"..\" in it"},
	{CONFIG_JSON, LINUX("\"cgroupsPath\": @\"..\""), OCI_ERROR, "linux.cgroupsPath",
	 "config-linux.md#cgroups-path", "must not have \"..\" in it"},
	{CONFIG_JSON, LINUX("\"cgroupsPath\": @\"/a\\nb\""), OCI_ERROR, "linux.cgroupsPath",
	 "config-linux.md#cgroups-path", "must not contain a newline"},
	{CONFIG_JSON, LINUX("\"sysctl\": {\"\": @\"1\"}"), OCI_ERROR, "linux.sysctl[\"\"]", SYSCTL_MD,
	 "a key must not be empty"},
	{CONFIG_JSON, LINUX("\"sysctl\": {\"net/../kernel/x\": @\"1\"}"), OCI_ERROR,
	 "linux.sysctl[\"net/../kernel/x\"]", SYSCTL_MD, "a key must not contain \"..\""},
	{CONFIG_JSON, LINUX("\"sysctl\": {\"net.ipv4.ip_forward\": @\"1\\n0\"}"), OCI_ERROR,
	 "linux.sysctl[\"net.ipv4.ip_forward\"]", SYSCTL_MD, "a value must not contain a newline"},
	{CONFIG_JSON, SPACES("", "\"maskedPaths\": [\"/a\", @\"proc\"]"), OCI_ERROR,
	 "linux.maskedPaths[1]", "config-linux.md#masked-paths",
	 "must be an absolute path, not \"proc\""},
	{CONFIG_JSON, SPACES("", "\"readonlyPaths\": [@\"\"]"), OCI_ERROR, "linux.readonlyPaths[0]",
	 "config-linux.md#readonly-paths", "must be an absolute path, not \"\""},
	{CONFIG_JSON, LINUX("\"mountLabel\": @\"a\\\",suid\""), OCI_ERROR, "linux.mountLabel",
	 "config-linux.md#mount-label", "must not contain a quotation mark or a newline"},

	{CONFIG_JSON, LINUX("\"intelRdt\": {\"closID\": @\"..\"}"), OCI_ERROR, "linux.intelRdt.closID",
	 RDT_MD, "\"..\" cannot be the name of a directory"},
	{CONFIG_JSON, LINUX("\"intelRdt\": {\"closID\": @\".\"}"), OCI_ERROR, "linux.intelRdt.closID",
	 RDT_MD, "\".\" cannot be the name of a directory"},
	{CONFIG_JSON, LINUX("\"intelRdt\": {\"closID\": @\"a/b\"}"), OCI_ERROR, "linux.intelRdt.closID",
	 RDT_MD, "\"a/b\" cannot be the name of a directory"},
	{CONFIG_JSON, LINUX("\"intelRdt\": {\"closID\": @\"a\\n\"}"), OCI_ERROR, "linux.intelRdt.closID",
	 RDT_MD, "\"a\\u000a\" cannot be the name of a directory"},
	{CONFIG_JSON, LINUX("\"intelRdt\": {\"l3CacheSchema\": @\"L2:0=f\"}"), OCI_WARNING,
	 "linux.intelRdt.l3CacheSchema", RDT_MD, "should start with \"L3:\""},
	{CONFIG_JSON, LINUX("\"intelRdt\": {\"l3CacheSchema\": @\"L3:0=f\\n\"}"), OCI_WARNING,
	 "linux.intelRdt.l3CacheSchema", RDT_MD, "should not contain a newline"},
	{CONFIG_JSON, LINUX("\"intelRdt\": {\"memBwSchema\": @\"MBA:0=f\"}"), OCI_ERROR,
	 "linux.intelRdt.memBwSchema", RDT_MD, "must start with \"MB:\""},
	{CONFIG_JSON, LINUX("\"intelRdt\": {\"memBwSchema\": @\"MB:0=f\\nL3:0=f\"}"), OCI_ERROR,
	 "linux.intelRdt.memBwSchema", RDT_MD, "must not contain a newline"},
	{CONFIG_JSON, LINUX("\"intelRdt\": {\"schemata\": [\"L3:0=f\", @\"L2:0=f\\n\"]}"), OCI_ERROR,
	 "linux.intelRdt.schemata[1]", RDT_MD, "must not contain a newline"},

	{CONFIG_JSON, LINUX("\"memoryPolicy\": {\"mode\": \"MPOL_DEFAULT\", \"nodes\": @\"0\"}"), OCI_ERROR,
	 "linux.memoryPolicy.nodes", MPOL_MD, "MPOL_DEFAULT takes no nodes"},
	{CONFIG_JSON, LINUX("\"memoryPolicy\": {\"mode\": \"MPOL_LOCAL\", \"nodes\": @\"0-1\"}"), OCI_ERROR,
	 "linux.memoryPolicy.nodes", MPOL_MD, "MPOL_LOCAL takes no nodes"},
	{CONFIG_JSON, LINUX("\"memoryPolicy\": @{\"mode\": \"MPOL_BIND\"}"), OCI_ERROR,
	 "linux.memoryPolicy.nodes", MPOL_MD, "MPOL_BIND needs at least one node"},
	{CONFIG_JSON, LINUX("\"memoryPolicy\": {\"mode\": \"MPOL_INTERLEAVE\", \"nodes\": @\"\"}"), OCI_ERROR,
	 "linux.memoryPolicy.nodes", MPOL_MD, "MPOL_INTERLEAVE needs at least one node"},
	{CONFIG_JSON, LINUX("\"memoryPolicy\": @{\"mode\": \"MPOL_WEIGHTED_INTERLEAVE\"}"), OCI_ERROR,
	 "linux.memoryPolicy.nodes", MPOL_MD, "MPOL_WEIGHTED_INTERLEAVE needs at least one node"},
	{CONFIG_JSON, LINUX("\"memoryPolicy\": @{\"mode\": \"MPOL_PREFERRED_MANY\"}"), OCI_ERROR,
	 "linux.memoryPolicy.nodes", MPOL_MD, "MPOL_PREFERRED_MANY needs at least one node"},
	{CONFIG_JSON, LINUX("\"memoryPolicy\": {\"mode\": \"MPOL_BIND\", \"nodes\": @\"a\"}"), OCI_ERROR,
	 "linux.memoryPolicy.nodes", MPOL_MD, "\"a\" is not a list of nodes like \"0-3,7\""},
	{CONFIG_JSON, LINUX("\"memoryPolicy\": {\"mode\": \"MPOL_BIND\", \"nodes\": \"0\", \"flags\": "
	 "@[\"MPOL_F_STATIC_NODES\", \"MPOL_F_RELATIVE_NODES\"]}"), OCI_ERROR,
	 "linux.memoryPolicy.flags", MPOL_MD,
	 "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other"},
	{CONFIG_JSON, LINUX("\"memoryPolicy\": {\"mode\": \"MPOL_PREFERRED\", \"flags\": "
	 "@[\"MPOL_F_STATIC_NODES\"]}"), OCI_ERROR, "linux.memoryPolicy.flags", MPOL_MD,
	 "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES need nodes"},
	{CONFIG_JSON, LINUX("\"memoryPolicy\": {\"mode\": \"MPOL_INTERLEAVE\", \"nodes\": \"0\", \"flags\": "
	 "@[\"MPOL_F_NUMA_BALANCING\"]}"), OCI_ERROR, "linux.memoryPolicy.flags", MPOL_MD,
	 "MPOL_F_NUMA_BALANCING needs MPOL_BIND or MPOL_PREFERRED_MANY"},
	{CONFIG_JSON, LINUX("\"personality\": {\"domain\": \"LINUX\", \"flags\": [@\"X\"]}"), OCI_WARNING,
	 "linux.personality.flags[0]", "config-linux.md#personality",
	 "\"X\" is ignored: the specification has no flags yet"},
};

#define MEMORY_MD  "config-linux.md#memory"
#define CPU_MD	   "config-linux.md#cpu"
#define BLOCKIO_MD "config-linux.md#block-io"
#define NOT_BYTES  " is neither a number of bytes nor -1 (unlimited)"
#define RESOURCES(body) "{\n" body "\n}"

static const struct rule_case resources_cases[] = {
	{CONFIG_JSON, LINUX("\"resources\": {\"devices\": [{\"allow\": true, \"access\": @\"rwx\"}]}"),
	 OCI_ERROR, "linux.resources.devices[0].access", "config-linux.md#allowed-device-list",
	 "\"rwx\" has other letters than \"r\", \"w\" and \"m\""},
	{RESOURCES_JSON, RESOURCES("\"devices\": [{\"allow\": true, \"type\": \"c\", \"major\": @-2}]"),
	 OCI_ERROR, "devices[0].major", "config-linux.md#allowed-device-list",
	 "-2 is not a device number"},
	{RESOURCES_JSON, RESOURCES("\"devices\": [{\"allow\": true, \"type\": \"c\", \"minor\": @-2}]"),
	 OCI_ERROR, "devices[0].minor", "config-linux.md#allowed-device-list",
	 "-2 is not a device number"},
	{RESOURCES_JSON, RESOURCES("\"memory\": {\"limit\": @-2}"), OCI_ERROR, "memory.limit", MEMORY_MD,
	 "-2" NOT_BYTES},
	{RESOURCES_JSON, RESOURCES("\"memory\": {\"reservation\": @-2}"), OCI_ERROR,
	 "memory.reservation", MEMORY_MD, "-2" NOT_BYTES},
	{RESOURCES_JSON, RESOURCES("\"memory\": {\"swap\": @-2}"), OCI_ERROR, "memory.swap", MEMORY_MD,
	 "-2" NOT_BYTES},
	{RESOURCES_JSON, RESOURCES("\"memory\": {\"kernel\": @-2}"), OCI_ERROR, "memory.kernel", MEMORY_MD,
	 "-2" NOT_BYTES},
	{RESOURCES_JSON, RESOURCES("\"memory\": {\"kernelTCP\": @-2}"), OCI_ERROR, "memory.kernelTCP",
	 MEMORY_MD, "-2" NOT_BYTES},
	{RESOURCES_JSON, RESOURCES("\"memory\": {\"kernel\": @1}"), OCI_WARNING, "memory.kernel",
	 MEMORY_MD, "is not recommended"},
	{RESOURCES_JSON, RESOURCES("\"memory\": {\"kernelTCP\": @1}"), OCI_WARNING, "memory.kernelTCP",
	 MEMORY_MD, "is not recommended"},
	{RESOURCES_JSON, RESOURCES("\"memory\": {\"swappiness\": @101}"), OCI_ERROR, "memory.swappiness",
	 MEMORY_MD, "101 is not between 0 and 100"},
	{RESOURCES_JSON, RESOURCES("\"memory\": {\"limit\": 2000, \"swap\": @1999}"), OCI_ERROR,
	 "memory.swap", MEMORY_MD, "1999 is less than the memory limit 2000, which it includes"},
	{CONFIG_JSON, LINUX("\"resources\": {\"memory\": {\"swap\": @1999}}"), OCI_ERROR,
	 "linux.resources.memory.swap", MEMORY_MD, "includes the memory limit, and there is none"},
	{CONFIG_JSON, LINUX("\"resources\": {\"memory\": {\"limit\": -1, \"swap\": @1999}}"), OCI_ERROR,
	 "linux.resources.memory.swap", MEMORY_MD, "includes the memory limit, and there is none"},

	{RESOURCES_JSON, RESOURCES("\"cpu\": {\"shares\": @1}"), OCI_WARNING, "cpu.shares", CPU_MD,
	 "the kernel takes 2 to 262144, and makes 1 the nearest"},
	{RESOURCES_JSON, RESOURCES("\"cpu\": {\"shares\": @262145}"), OCI_WARNING, "cpu.shares", CPU_MD,
	 "the kernel takes 2 to 262144, and makes 262145 the nearest"},
	{RESOURCES_JSON, RESOURCES("\"cpu\": {\"period\": @999}"), OCI_WARNING, "cpu.period", CPU_MD,
	 "the kernel takes 1000 to 1000000 microseconds, not 999"},
	{RESOURCES_JSON, RESOURCES("\"cpu\": {\"period\": @1000001}"), OCI_WARNING, "cpu.period", CPU_MD,
	 "the kernel takes 1000 to 1000000 microseconds, not 1000001"},
	{RESOURCES_JSON, RESOURCES("\"cpu\": {\"quota\": @999}"), OCI_WARNING, "cpu.quota", CPU_MD,
	 "the kernel takes 1000 microseconds or more, not 999"},
	{RESOURCES_JSON, RESOURCES("\"cpu\": {\"quota\": 1000, \"burst\": @1001}"), OCI_ERROR, "cpu.burst",
	 CPU_MD, "1001 is more than the quota 1000"},
	{RESOURCES_JSON, RESOURCES("\"cpu\": {\"realtimeRuntime\": @-2}"), OCI_ERROR,
	 "cpu.realtimeRuntime", CPU_MD, "-2 is neither a time nor -1 (unlimited)"},
	{RESOURCES_JSON, RESOURCES("\"cpu\": {\"realtimeRuntime\": @2, \"realtimePeriod\": 1}"), OCI_ERROR,
	 "cpu.realtimeRuntime", CPU_MD, "2 is more than the period 1"},
	{RESOURCES_JSON, RESOURCES("\"cpu\": {\"cpus\": @\"0-3:2\"}"), OCI_WARNING, "cpu.cpus", CPU_MD,
	 "\"0-3:2\" is not a list like \"0-3,7\""},
	{RESOURCES_JSON, RESOURCES("\"cpu\": {\"mems\": @\"0\\n1\"}"), OCI_ERROR, "cpu.mems", CPU_MD,
	 "must not contain a newline"},
	{RESOURCES_JSON, RESOURCES("\"cpu\": {\"idle\": @2}"), OCI_ERROR, "cpu.idle", CPU_MD,
	 "must be 0 or 1, not 2"},
	{RESOURCES_JSON, RESOURCES("\"cpu\": {\"idle\": @-1}"), OCI_ERROR, "cpu.idle", CPU_MD,
	 "must be 0 or 1, not -1"},
	{RESOURCES_JSON, RESOURCES("\"pids\": {\"limit\": @-2}"), OCI_ERROR, "pids.limit",
	 "config-linux.md#pids", "-2 is neither a number of tasks nor -1 (unlimited)"},

	{RESOURCES_JSON, RESOURCES("\"blockIO\": {\"weight\": @9}"), OCI_ERROR, "blockIO.weight",
	 BLOCKIO_MD, "9 is not between 10 and 1000"},
	{RESOURCES_JSON, RESOURCES("\"blockIO\": {\"leafWeight\": @1001}"), OCI_ERROR,
	 "blockIO.leafWeight", BLOCKIO_MD, "1001 is not between 10 and 1000"},
	{RESOURCES_JSON, RESOURCES("\"blockIO\": {\"weightDevice\": [@{\"major\": 1, \"minor\": 1}]}"),
	 OCI_ERROR, "blockIO.weightDevice[0]", BLOCKIO_MD, "needs a weight or a leafWeight"},
	{RESOURCES_JSON, RESOURCES("\"blockIO\": {\"weightDevice\": [{\"major\": 1, \"minor\": 1, "
	 "\"weight\": @1001}]}"), OCI_ERROR, "blockIO.weightDevice[0].weight", BLOCKIO_MD,
	 "1001 is not between 10 and 1000"},
	{RESOURCES_JSON, RESOURCES("\"blockIO\": {\"weightDevice\": [{\"major\": 1, \"minor\": 1, "
	 "\"leafWeight\": @1}]}"), OCI_ERROR, "blockIO.weightDevice[0].leafWeight", BLOCKIO_MD,
	 "1 is not between 10 and 1000"},
	{RESOURCES_JSON, RESOURCES("\"blockIO\": {\"weightDevice\": [{\"major\": @-1, \"minor\": 1, "
	 "\"weight\": 10}]}"), OCI_ERROR, "blockIO.weightDevice[0].major", BLOCKIO_MD,
	 "-1 is not a device number"},
	{RESOURCES_JSON, RESOURCES("\"blockIO\": {\"throttleReadBpsDevice\": [{\"major\": @-1, \"minor\": 1, "
	 "\"rate\": 10}]}"), OCI_ERROR, "blockIO.throttleReadBpsDevice[0].major", BLOCKIO_MD,
	 "-1 is not a device number"},
	{RESOURCES_JSON, RESOURCES("\"blockIO\": {\"throttleWriteBpsDevice\": [{\"major\": 1, \"minor\": @-1, "
	 "\"rate\": 10}]}"), OCI_ERROR, "blockIO.throttleWriteBpsDevice[0].minor", BLOCKIO_MD,
	 "-1 is not a device number"},
	{RESOURCES_JSON, RESOURCES("\"blockIO\": {\"throttleReadIOPSDevice\": [{\"major\": @-1, \"minor\": 1, "
	 "\"rate\": 10}]}"), OCI_ERROR, "blockIO.throttleReadIOPSDevice[0].major", BLOCKIO_MD,
	 "-1 is not a device number"},
	{RESOURCES_JSON, RESOURCES("\"blockIO\": {\"throttleWriteIOPSDevice\": [{\"major\": @-1, \"minor\": 1, "
	 "\"rate\": 10}]}"), OCI_ERROR, "blockIO.throttleWriteIOPSDevice[0].major", BLOCKIO_MD,
	 "-1 is not a device number"},

	{RESOURCES_JSON, RESOURCES("\"hugepageLimits\": [{\"pageSize\": @\"2M\", \"limit\": 1}]"), OCI_ERROR,
	 "hugepageLimits[0].pageSize", "config-linux.md#huge-page-limits",
	 "\"2M\" is not a page size like \"2MB\""},
	{RESOURCES_JSON, RESOURCES("\"hugepageLimits\": [{\"pageSize\": @\"2\", \"limit\": 1}]"), OCI_ERROR,
	 "hugepageLimits[0].pageSize", "config-linux.md#huge-page-limits",
	 "\"2\" is not a page size like \"2MB\""},
	{RESOURCES_JSON, RESOURCES("\"hugepageLimits\": [{\"pageSize\": @\"02MB\", \"limit\": 1}]"), OCI_ERROR,
	 "hugepageLimits[0].pageSize", "config-linux.md#huge-page-limits",
	 "\"02MB\" is not a page size like \"2MB\""},
	{RESOURCES_JSON, RESOURCES("\"hugepageLimits\": [{\"pageSize\": @\"2MB/../x\", \"limit\": 1}]"),
	 OCI_ERROR, "hugepageLimits[0].pageSize", "config-linux.md#huge-page-limits",
	 "\"2MB/../x\" is not a page size like \"2MB\""},
	{RESOURCES_JSON, RESOURCES("\"network\": {\"priorities\": [{\"name\": @\"\", \"priority\": 1}]}"),
	 OCI_ERROR, "network.priorities[0].name", "config-linux.md#network",
	 "\"\" cannot be the name of a network interface"},
	{RESOURCES_JSON, RESOURCES("\"rdma\": {\"mlx5_1\": @{}}"), OCI_ERROR, "rdma.mlx5_1",
	 "config-linux.md#rdma", "needs hcaHandles or hcaObjects"},
	{RESOURCES_JSON, RESOURCES("\"rdma\": {\"a b\": @{\"hcaHandles\": 1}}"), OCI_ERROR, "rdma[\"a b\"]",
	 "config-linux.md#rdma", "\"a b\" cannot be the name of an RDMA device"},
	{RESOURCES_JSON, RESOURCES("\"unified\": {\"a/b\": @\"1\"}"), OCI_ERROR, "unified[\"a/b\"]",
	 "config-linux.md#unified", "\"a/b\" is not the name of a file of the cgroup"},
	{RESOURCES_JSON, RESOURCES("\"unified\": {\"..\": @\"1\"}"), OCI_ERROR, "unified[\"..\"]",
	 "config-linux.md#unified", "\"..\" is not the name of a file of the cgroup"},
	{RESOURCES_JSON, RESOURCES("\"unified\": {\"\": @\"1\"}"), OCI_ERROR, "unified[\"\"]",
	 "config-linux.md#unified", "\"\" is not the name of a file of the cgroup"},
};

#define SECCOMP_MD "config-linux.md#seccomp"

static const struct rule_case seccomp_cases[] = {
	{CONFIG_JSON, SECCOMP("\"defaultAction\": \"SCMP_ACT_KILL\", \"defaultErrnoRet\": @1"), OCI_ERROR,
	 "linux.seccomp.defaultErrnoRet", SECCOMP_MD, "SCMP_ACT_KILL takes no errno"},
	{CONFIG_JSON, SECCOMP("\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": @4096"),
	 OCI_ERROR, "linux.seccomp.defaultErrnoRet", SECCOMP_MD, "4096 is more than 4095"},
	{CONFIG_JSON, SECCOMP("\"defaultAction\": \"SCMP_ACT_ALLOW\", \"listenerMetadata\": @\"x\""),
	 OCI_ERROR, "linux.seccomp.listenerMetadata", SECCOMP_MD,
	 "must not be set without listenerPath"},
	{CONFIG_JSON, RULE("\"names\": @[], \"action\": \"SCMP_ACT_LOG\""), OCI_ERROR,
	 "linux.seccomp.syscalls[0].names", SECCOMP_MD, "at least one entry is required"},
	{CONFIG_JSON, RULE("\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"errnoRet\": @1"),
	 OCI_ERROR, "linux.seccomp.syscalls[0].errnoRet", SECCOMP_MD,
	 "SCMP_ACT_ALLOW takes no errno"},
	{CONFIG_JSON, RULE("\"names\": [\"read\"], \"action\": \"SCMP_ACT_TRACE\", \"errnoRet\": @65536"),
	 OCI_ERROR, "linux.seccomp.syscalls[0].errnoRet", SECCOMP_MD, "65536 is more than 65535"},
	{CONFIG_JSON, RULE("\"names\": [\"read\"], \"action\": \"SCMP_ACT_LOG\", \"args\": "
	 "[{\"index\": @6, \"value\": 1, \"op\": \"SCMP_CMP_EQ\"}]"), OCI_ERROR,
	 "linux.seccomp.syscalls[0].args[0].index", SECCOMP_MD, "6 is not between 0 and 5"},
	{CONFIG_JSON, RULE("\"names\": [\"read\"], \"action\": \"SCMP_ACT_LOG\", \"args\": "
	 "[{\"index\": 5, \"value\": 1, \"valueTwo\": @1, \"op\": \"SCMP_CMP_EQ\"}]"), OCI_WARNING,
	 "linux.seccomp.syscalls[0].args[0].valueTwo", SECCOMP_MD,
	 "only SCMP_CMP_MASKED_EQ looks at it"},
	{CONFIG_JSON, SECCOMP("\"defaultAction\": @\"SCMP_ACT_NOTIFY\", \"listenerPath\": \"/s\""), OCI_ERROR,
	 "linux.seccomp.defaultAction", SECCOMP_MD, "SCMP_ACT_NOTIFY cannot be the default action"},
	{CONFIG_JSON, SECCOMP("\"defaultAction\": \"SCMP_ACT_ALLOW\", \"listenerPath\": \"/s\", "
	 "\"syscalls\": [{\"names\": [\"mknod\", @\"write\"], \"action\": \"SCMP_ACT_NOTIFY\"}]"),
	 OCI_ERROR, "linux.seccomp.syscalls[0].names[1]", SECCOMP_MD,
	 "SCMP_ACT_NOTIFY cannot be used for write"},
	{CONFIG_JSON, RULE("\"names\": [\"mknod\"], \"action\": @\"SCMP_ACT_NOTIFY\"}, "
	 "{\"names\": [\"mount\"], \"action\": \"SCMP_ACT_NOTIFY\""), OCI_ERROR,
	 "linux.seccomp.syscalls[0].action", SECCOMP_MD, "SCMP_ACT_NOTIFY needs a listenerPath"},
};

/* What is right at the edge of a rule, or what engines write: nothing is to be said of it. */
static const struct {
	enum document document;
	const char *text;
} silent_cases[] = {
	{CONFIG_JSON, CONFIG("\"annotations\": {}")},
	{CONFIG_JSON, CONFIG("\"hostname\": \"\", \"domainname\": \"\"")},
	{CONFIG_JSON, CONFIG("\"annotations\": {\"a.b\": \"\"}, \"hooks\": {\"poststop\": [{\"path\": "
	 "\"/a\", \"timeout\": 1}]}")},
	{CONFIG_JSON, "{\"ociVersion\": \"1.0.2-dev\", \"root\": {\"path\": \"r\"}, \"process\": "
	 "{\"cwd\": \"/\", \"args\": [\"a\"]}}"},
	{CONFIG_JSON, "{\"ociVersion\": \"1.3.99-rc.1.x-y+007.b\", \"root\": {\"path\": \"r\"}, "
	 "\"process\": {\"cwd\": \"/\", \"args\": [\"a\"]}}"},
	{CONFIG_JSON, CONFIG("\"mounts\": [{\"destination\": \"/a\", \"options\": [\"rbind\"]}, "
	 "{\"destination\": \"/b\", \"options\": [\"remount\", \"ro\"]}, {\"destination\": \"/c\", "
	 "\"options\": [\"rslave\"]}]")},
	{CONFIG_JSON, CONFIG("\"linux\": {\"namespaces\": [{\"type\": \"user\"}, {\"type\": \"mount\"}], "
	 "\"uidMappings\": [" MAP(0, 0, 4294967295) "], \"gidMappings\": [" MAP(0, 4294967294, 1)
	 "]}, \"mounts\": [{\"destination\": \"/a\", \"options\": [\"bind\", \"idmap\"]}]")},
	{CONFIG_JSON, LINUX("\"namespaces\": [{\"type\": \"user\", \"path\": \"/proc/1/ns/user\"}]")},
	{CONFIG_JSON, SPACES(", {\"type\": \"pid\", \"path\": \"\"}, {\"type\": \"uts\"}", "\"cgroupsPath\": \"/a\"")},
	{CONFIG_JSON, SPACES(USER, "\"uidMappings\": [" MAP(0, 10, 10) ", " MAP(10, 0, 10)
	 "], \"gidMappings\": [" MAP(0, 0, 1) "]")},
	{CONFIG_JSON, SPACES(", {\"type\": \"time\"}", "\"timeOffsets\": {\"monotonic\": {\"secs\": "
	 "-9223372036, \"nanosecs\": 999999999}, \"boottime\": {\"secs\": 9223372036}}")},
	{CONFIG_JSON, LINUX("\"timeOffsets\": {}, \"netDevices\": {}, \"uidMappings\": [], "
	 "\"maskedPaths\": [], \"readonlyPaths\": [], \"intelRdt\": {\"closID\": \"/\"}")},
	{CONFIG_JSON, LINUX("\"devices\": [{\"path\": \"/a\", \"type\": \"p\"}, {\"path\": \"/b\", "
	 "\"type\": \"p\"}, {\"path\": \"/c\", \"type\": \"c\", \"major\": 4095, \"minor\": 1048575, "
	 "\"fileMode\": 8630}, {\"path\": \"/d\", \"type\": \"b\", \"major\": 4095, "
	 "\"minor\": 1048575}]")},
	{CONFIG_JSON, SPACES(", {\"type\": \"network\"}", "\"netDevices\": {\"eth0\": {}, \"eth1\": "
	 "{\"name\": \"\"}, \"eth2\": {\"name\": \"123456789012345\"}, \"eth3\": {\"name\": \"c%d\"}}")},
	{CONFIG_JSON, LINUX("\"cgroupsPath\": \"a..b/..c:d\", \"sysctl\": {\"net.a.b\": \"1 2\\t3\"}")},
	{CONFIG_JSON, LINUX("\"intelRdt\": {\"closID\": \"a.b\", \"l3CacheSchema\": \"L3:0=f\", "
	 "\"memBwSchema\": \"MB:0=1\", \"schemata\": [\"L2:0=f\"]}")},
	{CONFIG_JSON, LINUX("\"memoryPolicy\": {\"mode\": \"MPOL_PREFERRED\"}")},
	{CONFIG_JSON, LINUX("\"memoryPolicy\": {\"mode\": \"MPOL_BIND\", \"nodes\": \"0-1,3\", \"flags\": "
	 "[\"MPOL_F_STATIC_NODES\", \"MPOL_F_NUMA_BALANCING\"]}")},
	{CONFIG_JSON, LINUX("\"personality\": {\"domain\": \"LINUX32\", \"flags\": []}")},
	{CONFIG_JSON, LINUX("\"resources\": {\"memory\": {\"limit\": 0, \"swap\": 0, \"reservation\": -1, "
	 "\"swappiness\": 18446744073709551615}, \"blockIO\": {\"weight\": 0}, \"cpu\": {\"shares\": 0, "
	 "\"quota\": 0, \"period\": 0, \"cpus\": \"\"}, \"pids\": {\"limit\": 0}}")},
	{CONFIG_JSON, LINUX("\"resources\": {\"memory\": {\"limit\": 5, \"swap\": 5, \"kernel\": -1}, "
	 "\"cpu\": {\"quota\": -1, \"burst\": 5, \"period\": 1000, \"shares\": 2}, \"pids\": "
	 "{\"limit\": -1}, \"unified\": {\"memory.high\": \"1\\n\"}}")},
	{RESOURCES_JSON, "{\"memory\": {\"swap\": 5}, \"hugepageLimits\": [{\"pageSize\": \"64KB\", "
	 "\"limit\": 0}, {\"pageSize\": \"1GB\", \"limit\": 0}], \"devices\": [{\"allow\": false}, "
	 "{\"allow\": true, \"access\": \"mwr\", \"major\": -1, \"minor\": -1}]}"},
	{PROCESS_JSON, PROCESS("\"terminal\": false, \"consoleSize\": {\"height\": 70000, \"width\": 1}")},
	{PROCESS_JSON, PROCESS("\"oomScoreAdj\": -1000, \"env\": [\"A==\", \"B=\"], \"user\": {\"uid\": 1, "
	 "\"gid\": 1, \"umask\": 511}, \"rlimits\": [{\"type\": \"RLIMIT_CPU\", \"soft\": 1, \"hard\": "
	 "1}, {\"type\": \"RLIMIT_AS\", \"soft\": 0, \"hard\": 18446744073709551615}]")},
	{PROCESS_JSON, CAPS("\"permitted\": [\"CAP_BPF\"], \"inheritable\": [\"CAP_BPF\"], \"effective\": "
	 "[\"CAP_BPF\"], \"ambient\": [\"CAP_BPF\"]")},
	{PROCESS_JSON, PROCESS("\"scheduler\": {\"policy\": \"SCHED_DEADLINE\", \"runtime\": 1024, "
	 "\"deadline\": 1024}")},
	{PROCESS_JSON, PROCESS("\"scheduler\": {\"policy\": \"SCHED_RR\", \"priority\": 99}, \"ioPriority\": "
	 "{\"class\": \"IOPRIO_CLASS_IDLE\", \"priority\": 7}, \"execCPUAffinity\": {\"initial\": "
	 "\"0-3,7\", \"final\": \"\"}")},
	{CONFIG_JSON, SECCOMP("\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 4095, "
	 "\"listenerPath\": \"\", \"listenerMetadata\": \"\", \"syscalls\": [{\"names\": [\"clone\"], "
	 "\"action\": \"SCMP_ACT_TRACE\", \"errnoRet\": 65535, \"args\": [{\"index\": 5, \"value\": 1, "
	 "\"valueTwo\": 1, \"op\": \"SCMP_CMP_MASKED_EQ\"}]}]")},
	{CONFIG_JSON, SECCOMP("\"defaultAction\": \"SCMP_ACT_ALLOW\", \"listenerPath\": \"/s\", "
	 "\"listenerMetadata\": \"x\", \"syscalls\": [{\"names\": [\"mknod\"], \"action\": "
	 "\"SCMP_ACT_NOTIFY\"}, {\"names\": [\"write\"], \"action\": \"SCMP_ACT_ALLOW\"}]")},
	{CONFIG_JSON, CONFIG("\"annotations\": {\"run.oci.seccomp.receiver\": \"/s\"}, \"linux\": "
	 "{\"seccomp\": {\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"mknod\"], "
	 "\"action\": \"SCMP_ACT_NOTIFY\"}]}}")},
};
/* clang-format on */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

START_TEST(breaks_config_rule)
{
	run_case(&config_cases[_i]);
}
END_TEST

START_TEST(breaks_process_rule)
{
	run_case(&process_cases[_i]);
}
END_TEST

START_TEST(breaks_linux_rule)
{
	run_case(&linux_cases[_i]);
}
END_TEST

START_TEST(breaks_resources_rule)
{
	run_case(&resources_cases[_i]);
}
END_TEST

START_TEST(breaks_seccomp_rule)
{
	run_case(&seccomp_cases[_i]);
}
END_TEST

START_TEST(keeps_the_rules)
{
	static struct record record;
	size_t errors = run_check(silent_cases[_i].document, silent_cases[_i].text, &record);

	ck_assert_str_eq(record.lines, "");
	ck_assert_uint_eq(errors, 0);
}
END_TEST

/* The kernel's limit of 340 entries: one more than allowed, and exactly as many. */
START_TEST(counts_mappings)
{
	static struct record record;
	static char text[65536];
	size_t entries = _i ? 341 : 340, length;

	length = (size_t)sprintf(text, "%s",
				 "{\"ociVersion\": \"1.0.0\", \"root\": {\"path\": \"r\"}, "
				 "\"process\": {\"cwd\": \"/\", \"args\": [\"a\"]}, \"linux\": "
				 "{\"namespaces\": [{\"type\": \"user\"}], \"gidMappings\": "
				 "[" MAP(0, 0, 1) "],\n\"uidMappings\": [");
	for (size_t i = 0; i < entries; i++)
		length += (size_t)sprintf(text + length,
					  "%s{\"containerID\": %zu, \"hostID\": %zu, \"size\": 1}",
					  i ? "," : "", i, i);
	strcpy(text + length, "]}}");
	ck_assert_uint_eq(run_check(CONFIG_JSON, text, &record), entries > 340);
	ck_assert_str_eq(record.lines,
			 entries > 340 ? "E 2:16 linux.uidMappings "
					 "(config-linux.md#user-namespace-mappings) has 341 "
					 "entries, the kernel takes 340\n"
				       : "");
}
END_TEST

/* Problems come in the order of the rules, each with its own place. */
START_TEST(reports_many)
{
	static struct record record;
	size_t errors = run_check(CONFIG_JSON,
				  "{\n  \"ociVersion\": \"2\",\n  \"process\": {\"cwd\": \"a\"},\n"
				  "  \"hostname\": \"h\"\n}\n",
				  &record);

	ck_assert_str_eq(record.lines, "E 2:17 ociVersion (config.md#specification-version) "
				       "\"2\" is not a version of the form MAJOR.MINOR.PATCH\n"
				       "E 1:1 root (config.md#root) is required\n"
				       "E 4:15 hostname (config.md#hostname) "
				       "needs a namespace of type \"uts\" in linux.namespaces\n"
				       "E 3:22 process.cwd (config.md#process) "
				       "must be an absolute path, not \"a\"\n"
				       "E 3:14 process.args (config.md#process) "
				       "at least one entry is required\n");
	ck_assert_uint_eq(errors, 5);
}
END_TEST

/* A config that C code has put together has no text, and may lack what the decoder insists on. */
START_TEST(checks_without_text)
{
	static struct record record;
	const struct oci_report report = {.problem = record_problem, .data = &record};
	struct oci_process process = {0};
	struct oci_config config = {.process = &process};

	record.length = 0;
	ck_assert_uint_eq(oci_config_check(&config, NULL, 0, &report), 4);
	ck_assert_str_eq(record.lines,
			 "E 0:0 ociVersion (config.md#specification-version) is required\n"
			 "E 0:0 root (config.md#root) is required\n"
			 "E 0:0 process.cwd (config.md#process) is required\n"
			 "E 0:0 process.args (config.md#process) at least one entry is required\n");
	ck_assert_uint_eq(oci_config_check(&config, NULL, 0, NULL), 4);
}
END_TEST

/* A file full of faults costs one pass over the text for each of the first hundred, no more. */
START_TEST(stops_locating)
{
	enum { FAULTS = 300 };
	static struct record record;
	static char text[8192], line[64];
	size_t length = (size_t)sprintf(text, "{\"cwd\": \"/\", \"args\": [\"a\"], \"env\": [");

	for (int i = 0; i < FAULTS; i++)
		length += (size_t)sprintf(text + length, "%s\n\"V%d\"", i ? "," : "", i);
	strcpy(text + length, "]}");
	ck_assert_uint_eq(run_check(PROCESS_JSON, text, &record), FAULTS);
	snprintf(line, sizeof(line), "E 101:1 env[99] (config.md#process)");
	ck_assert_ptr_nonnull(strstr(record.lines, line));
	snprintf(line, sizeof(line), "E 0:0 env[100] (config.md#process)");
	ck_assert_ptr_nonnull(strstr(record.lines, line));
}
END_TEST

static char *read_file(const char *name)
{
	char path[4096];
	FILE *file;
	char *text = calloc(1, 1 << 20);

	snprintf(path, sizeof(path), "%s/%s", TEST_DATA_DIR "/configs", name);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(text);
	ck_assert_uint_gt(fread(text, 1, (1 << 20) - 1, file), 0);
	fclose(file);
	return text;
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t length = strlen(name);

	return length > strlen(suffix) && strcmp(name + length - strlen(suffix), suffix) == 0;
}

/* Bundles made by other programs run unchanged: see tests/data/configs/README.md. */
START_TEST(accepts_what_engines_write)
{
	static struct record record;
	DIR *directory = opendir(TEST_DATA_DIR "/configs");
	size_t files = 0;

	ck_assert_ptr_nonnull(directory);
	for (struct dirent *entry; (entry = readdir(directory));) {
		enum document kind =
			has_suffix(entry->d_name, ".process.json") ? PROCESS_JSON : CONFIG_JSON;
		char *text;

		if (!has_suffix(entry->d_name, ".json"))
			continue;
		text = read_file(entry->d_name);
		ck_assert_msg(run_check(kind, text, &record) == 0, "%s:\n%s", entry->d_name,
			      record.lines);
		/* Warnings there may be, but no field that is not known. */
		ck_assert_msg(record.lines[0] != 'U' && !strstr(record.lines, "\nU "), "%s:\n%s",
			      entry->d_name, record.lines);
		free(text);
		files++;
	}
	closedir(directory);
	ck_assert_uint_ge(files, 40);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("oci-check");
	TCase *rules = tcase_create("rules");
	TCase *whole = tcase_create("whole");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(rules, breaks_config_rule, 0, COUNT(config_cases));
	tcase_add_loop_test(rules, breaks_process_rule, 0, COUNT(process_cases));
	tcase_add_loop_test(rules, breaks_linux_rule, 0, COUNT(linux_cases));
	tcase_add_loop_test(rules, breaks_resources_rule, 0, COUNT(resources_cases));
	tcase_add_loop_test(rules, breaks_seccomp_rule, 0, COUNT(seccomp_cases));
	tcase_add_loop_test(rules, keeps_the_rules, 0, COUNT(silent_cases));
	tcase_add_loop_test(rules, counts_mappings, 0, 2);
	suite_add_tcase(suite, rules);
	tcase_add_test(whole, reports_many);
	tcase_add_test(whole, checks_without_text);
	tcase_add_test(whole, stops_locating);
	tcase_add_test(whole, accepts_what_engines_write);
	suite_add_tcase(suite, whole);

	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
