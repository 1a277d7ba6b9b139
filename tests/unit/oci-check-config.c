/* SPDX-License-Identifier: Apache-2.0 */
/* Broken rules of config.md. */
#include "oci-check-cases.h"

#define VERSION(v)                                                            \
	"{\"ociVersion\": @" v ", \"root\": {\"path\": \"r\"}, \"process\": " \
	"{\"cwd\": \"/\", \"args\": [\"a\"]}}"
#define NOT_A_VERSION " is not a version of the form MAJOR.MINOR.PATCH"

/* clang-format off */
const struct rule_case config_cases[] = {
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
	{CONFIG_JSON, VERSION("\"1.0.0+\""), OCI_ERROR, "ociVersion",
	 "config.md#specification-version", "\"1.0.0+\"" NOT_A_VERSION},
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
	 OCI_ERROR, "mounts[0]", "config.md#posix-platform-mounts",
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
	 OCI_ADVICE, "mounts[0].uidMappings", "config.md#posix-platform-mounts",
	 "the options should have \"idmap\" or \"ridmap\", without which older runtimes ignore the "
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
	{CONFIG_JSON, CONFIG("\"annotations\": {\"run.oci.handler\": @\"krun\"}"), OCI_ERROR,
	 "annotations[\"run.oci.handler\"]", "config.md#annotations", "is not supported"},
	{CONFIG_JSON, CONFIG("\"annotations\": {\"krun.cpus\": @\"2\"}"), OCI_WARNING,
	 "annotations[\"krun.cpus\"]", "config.md#annotations", "is not supported, and ignored"},
	{CONFIG_JSON, CONFIG("\"annotations\": {\"run.oci.hooks.stdout\": @\"log\"}"), OCI_ERROR,
	 "annotations[\"run.oci.hooks.stdout\"]", "config.md#annotations",
	 "must be an absolute path, not \"log\""},
	{CONFIG_JSON, CONFIG("\"annotations\": {\"run.oci.mount_context_type\": @\"\"}"), OCI_ERROR,
	 "annotations[\"run.oci.mount_context_type\"]", "config.md#annotations",
	 "must be \"context\", \"fscontext\", \"defcontext\" or \"rootcontext\", not \"\""},
	{CONFIG_JSON, CONFIG("\"annotations\": {\"key\": @\"x\"}"), OCI_WARNING,
	 "annotations.key", "config.md#annotations",
	 "a key should be in reverse domain notation, as \"com.example.key\""},
	{0},
};

#define PROCESS_MD "config.md#process"
#define POSIX_MD   "config.md#posix-process"
#define LINUX_MD   "config.md#linux-process"

const struct rule_case process_cases[] = {
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
	{PROCESS_JSON, PROCESS("\"scheduler\": {\"policy\": \"SCHED_DEADLINE\", \"runtime\": 2000, "
	 "\"deadline\": @9223372036854775808}"), OCI_ERROR, "scheduler.deadline", LINUX_MD,
	 "is longer than the kernel takes"},
	{PROCESS_JSON, PROCESS("\"ioPriority\": {\"class\": \"IOPRIO_CLASS_BE\", \"priority\": @8}"),
	 OCI_ERROR, "ioPriority.priority", LINUX_MD, "8 is not between 0 and 7"},
	{PROCESS_JSON, PROCESS("\"ioPriority\": {\"class\": \"IOPRIO_CLASS_RT\", \"priority\": @-1}"),
	 OCI_ERROR, "ioPriority.priority", LINUX_MD, "-1 is not between 0 and 7"},
	{PROCESS_JSON, PROCESS("\"execCPUAffinity\": {\"initial\": @\"0-\"}"), OCI_ERROR,
	 "execCPUAffinity.initial", LINUX_MD, "\"0-\" is not a list of CPUs like \"0-3,7\""},
	{PROCESS_JSON, PROCESS("\"execCPUAffinity\": {\"final\": @\"3-1\"}"), OCI_ERROR,
	 "execCPUAffinity.final", LINUX_MD, "\"3-1\" is not a list of CPUs like \"0-3,7\""},
	{PROCESS_JSON, PROCESS("\"execCPUAffinity\": {\"final\": @\"0-1234567890\"}"), OCI_ERROR,
	 "execCPUAffinity.final", LINUX_MD, "\"0-1234567890\" is not a list of CPUs like \"0-3,7\""},
	{PROCESS_JSON, PROCESS("\"execCPUAffinity\": {\"final\": @\"0,\"}"), OCI_ERROR,
	 "execCPUAffinity.final", LINUX_MD, "\"0,\" is not a list of CPUs like \"0-3,7\""},
	{PROCESS_JSON, PROCESS("\"execCPUAffinity\": {\"final\": @\"1, 2\"}"), OCI_ERROR,
	 "execCPUAffinity.final", LINUX_MD, "\"1, 2\" is not a list of CPUs like \"0-3,7\""},
	{0},
};
/* clang-format on */
