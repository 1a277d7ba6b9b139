/* SPDX-License-Identifier: Apache-2.0 */
/* What the decoder refuses, and how it says it: the whole of each message, path and position. */
#include "oci-collect.h"

#define CONFIG(fields) "{\"ociVersion\":\"1\",\n" fields "}"

/* A document and the problems that it must give, all of them and nothing else. */
struct refusal {
	const char *text, *problems;
};

static const struct refusal types[] = {
	{"[]", "1:1 : expected an object, not an array"},
	{" null", "1:2 : expected an object, not null"},
	{"\n\"x\"", "2:1 : expected an object, not a string"},
	{"5", "1:1 : expected an object, not a number"},
	{"true", "1:1 : expected an object, not true"},
	{"{\"ociVersion\":5}", "1:15 ociVersion: expected a string, not a number"},
	{"{\"ociVersion\":null}", "1:15 ociVersion: expected a string, not null"},
	{CONFIG("\"root\":\"x\""), "2:8 root: expected an object, not a string"},
	{CONFIG("\"root\":[{\"path\":1}]"), "2:8 root: expected an object, not an array"},
	{CONFIG("\"mounts\":{\"destination\":1}"), "2:10 mounts: expected an array, not an object"},
	{CONFIG("\"mounts\":[null, \"x\" ,[]]"),
	 "2:11 mounts[0]: expected an object, not null\n"
	 "2:17 mounts[1]: expected an object, not a string\n"
	 "2:22 mounts[2]: expected an object, not an array"},
	{CONFIG("\"annotations\":{\"a.b\":null,\"c\":false,\"d\":{},\"e\":[]}"),
	 "2:22 annotations[\"a.b\"]: expected a string, not null\n"
	 "2:31 annotations.c: expected a string, not false\n"
	 "2:41 annotations.d: expected a string, not an object\n"
	 "2:48 annotations.e: expected a string, not an array"},
	{CONFIG("\"annotations\":[]"), "2:15 annotations: expected an object, not an array"},
	{CONFIG("\"process\":{\"cwd\":\"/\",\"terminal\":\"true\",\"user\":0,\n"
		"\"args\":[1,null,{\"x\":\"y\"}],\"oomScoreAdj\":\"1\",\"env\":\"A=b\"}"),
	 "2:33 process.terminal: expected true or false, not a string\n"
	 "2:47 process.user: expected an object, not a number\n"
	 "3:9 process.args[0]: expected a string, not a number\n"
	 "3:11 process.args[1]: expected a string, not null\n"
	 "3:16 process.args[2]: expected a string, not an object\n"
	 "3:41 process.oomScoreAdj: expected an integer, not a string\n"
	 "3:51 process.env: expected an array, not a string"},
	{CONFIG("\"linux\":{\"netDevices\":{\"eth0\":\"x\",\"e 1\":[]},\"resources\":{\"memory\":"
		"{\"disableOOMKiller\":1,\"limit\":true}},\"rootfsPropagation\":[\"slave\"],"
		"\"seccomp\":{\"defaultAction\":{},\"architectures\":[1],\"flags\":\"x\"}}"),
	 "2:31 linux.netDevices.eth0: expected an object, not a string\n"
	 "2:41 linux.netDevices[\"e 1\"]: expected an object, not an array\n"
	 "2:87 linux.resources.memory.disableOOMKiller: expected true or false, not a number\n"
	 "2:97 linux.resources.memory.limit: expected an integer, not true\n"
	 "2:124 linux.rootfsPropagation: expected a string, not an array\n"
	 "2:161 linux.seccomp.defaultAction: expected a string, not an object\n"
	 "2:181 linux.seccomp.architectures[0]: expected a string, not a number\n"
	 "2:192 linux.seccomp.flags: expected an array, not a string"},
	{CONFIG("\"process\":{\"cwd\":\"/\",\"user\":{\"additionalGids\":[\"1\",[]]}}"),
	 "2:48 process.user.additionalGids[0]: expected an integer, not a string\n"
	 "2:52 process.user.additionalGids[1]: expected an integer, not an array"},
};

static const struct refusal missing[] = {
	{"{}", "1:1 ociVersion: required field is missing"},
	{CONFIG("\"process\": {},\"root\":{\"readonly\":true},\"mounts\":[{}],\"hooks\":{"
		"\"poststop\":[{}]}"),
	 "2:12 process.cwd: required field is missing\n"
	 "2:22 root.path: required field is missing\n"
	 "2:50 mounts[0].destination: required field is missing\n"
	 "2:75 hooks.poststop[0].path: required field is missing"},
	{CONFIG("\"linux\":{\"namespaces\":[{\"path\":\"/\"}],\"uidMappings\":[{}],"
		"\"seccomp\":{\"syscalls\":[{\"args\":[{}]}]},\n\"devices\":[{\"type\":\"p\"},"
		"{\"path\":\"x\"}],\"memoryPolicy\":{},\"personality\":{}}"),
	 "2:24 linux.namespaces[0].type: required field is missing\n"
	 "2:53 linux.uidMappings[0].containerID: required field is missing\n"
	 "2:53 linux.uidMappings[0].hostID: required field is missing\n"
	 "2:53 linux.uidMappings[0].size: required field is missing\n"
	 "2:89 linux.seccomp.syscalls[0].args[0].index: required field is missing\n"
	 "2:89 linux.seccomp.syscalls[0].args[0].value: required field is missing\n"
	 "2:89 linux.seccomp.syscalls[0].args[0].op: required field is missing\n"
	 "2:80 linux.seccomp.syscalls[0].names: required field is missing\n"
	 "2:80 linux.seccomp.syscalls[0].action: required field is missing\n"
	 "2:67 linux.seccomp.defaultAction: required field is missing\n"
	 "3:12 linux.devices[0].path: required field is missing\n"
	 "3:25 linux.devices[1].type: required field is missing\n"
	 "3:25 linux.devices[1].major: required field is missing\n"
	 "3:25 linux.devices[1].minor: required field is missing\n"
	 "3:54 linux.memoryPolicy.mode: required field is missing\n"
	 "3:71 linux.personality.domain: required field is missing"},
	{CONFIG("\"linux\":{\"resources\":{\"devices\":[{}],\"hugepageLimits\":[{}],"
		"\"network\":{\"priorities\":[{}]},\"blockIO\":{\"weightDevice\":[{}],\n"
		"\"throttleReadBpsDevice\":[{}]}}}"),
	 "2:34 linux.resources.devices[0].allow: required field is missing\n"
	 "2:56 linux.resources.hugepageLimits[0].pageSize: required field is missing\n"
	 "2:56 linux.resources.hugepageLimits[0].limit: required field is missing\n"
	 "2:85 linux.resources.network.priorities[0].name: required field is missing\n"
	 "2:85 linux.resources.network.priorities[0].priority: required field is missing\n"
	 "2:117 linux.resources.blockIO.weightDevice[0].major: required field is missing\n"
	 "2:117 linux.resources.blockIO.weightDevice[0].minor: required field is missing\n"
	 "3:26 linux.resources.blockIO.throttleReadBpsDevice[0].major: required field is missing\n"
	 "3:26 linux.resources.blockIO.throttleReadBpsDevice[0].minor: required field is missing\n"
	 "3:26 linux.resources.blockIO.throttleReadBpsDevice[0].rate: required field is missing"},
	{CONFIG("\"process\":{\"cwd\":\"/\",\"consoleSize\":{},\"rlimits\":[{}],"
		"\"scheduler\":{},\"ioPriority\":{}}"),
	 "2:36 process.consoleSize.height: required field is missing\n"
	 "2:36 process.consoleSize.width: required field is missing\n"
	 "2:50 process.rlimits[0].type: required field is missing\n"
	 "2:50 process.rlimits[0].hard: required field is missing\n"
	 "2:50 process.rlimits[0].soft: required field is missing\n"
	 "2:66 process.scheduler.policy: required field is missing\n"
	 "2:82 process.ioPriority.class: required field is missing"},
	/* A field that is there but wrong is not missing too. */
	{CONFIG("\"root\":{\"path\":1}"), "2:16 root.path: expected a string, not a number"},
};

#define PROCESS(fields)	  CONFIG("\"process\":{\"cwd\":\"/\"," fields "}")
#define RESOURCES(fields) CONFIG("\"linux\":{\"resources\":{" fields "}}")
#define USER(fields)	  PROCESS("\"user\":{" fields "}")

static const struct refusal numbers[] = {
	{USER("\"uid\":4294967295"), "2:36 process.user.uid: 4294967295 is not a valid user id"},
	{USER("\"gid\":4294967295"), "2:36 process.user.gid: 4294967295 is not a valid group id"},
	{USER("\"uid\":-1"), "2:36 process.user.uid: -1 is not a valid user id"},
	{USER("\"uid\":-0"), "2:36 process.user.uid: -0 is not a valid user id"},
	{USER("\"uid\":4294967296"), "2:36 process.user.uid: 4294967296 is not a valid user id"},
	{USER("\"uid\":0.0"), "2:36 process.user.uid: expected an integer, not 0.0"},
	{USER("\"additionalGids\":[0,4294967295]"),
	 "2:50 process.user.additionalGids[1]: 4294967295 is not a valid group id"},
	{CONFIG("\"linux\":{\"devices\":[{\"path\":\"p\",\"type\":\"p\",\"uid\":4294967295,"
		"\"gid\":4294967295}]}"),
	 "2:50 linux.devices[0].uid: 4294967295 is not a valid user id\n"
	 "2:67 linux.devices[0].gid: 4294967295 is not a valid group id"},
	{USER("\"umask\":-1"), "2:38 process.user.umask: -1 is out of range (0 to 4294967295)"},
	{PROCESS("\"oomScoreAdj\":2147483648"),
	 "2:36 process.oomScoreAdj: 2147483648 is out of range (-2147483648 to 2147483647)"},
	{PROCESS("\"oomScoreAdj\":-2147483649"),
	 "2:36 process.oomScoreAdj: -2147483649 is out of range (-2147483648 to 2147483647)"},
	{PROCESS("\"oomScoreAdj\":1e3"), "2:36 process.oomScoreAdj: expected an integer, not 1e3"},
	{PROCESS("\"oomScoreAdj\":1.0"), "2:36 process.oomScoreAdj: expected an integer, not 1.0"},
	{PROCESS("\"scheduler\":{\"policy\":\"SCHED_RR\",\"runtime\":18446744073709551616}"),
	 "2:65 process.scheduler.runtime: 18446744073709551616 is out of range "
	 "(0 to 18446744073709551615)"},
	{PROCESS("\"scheduler\":{\"policy\":\"SCHED_RR\",\"runtime\":-0}"),
	 "2:65 process.scheduler.runtime: -0 is out of range (0 to 18446744073709551615)"},
	{RESOURCES("\"memory\":{\"limit\":9223372036854775808}"),
	 "2:41 linux.resources.memory.limit: 9223372036854775808 is out of range "
	 "(-9223372036854775808 to 9223372036854775807)"},
	{RESOURCES("\"memory\":{\"limit\":-9223372036854775809}"),
	 "2:41 linux.resources.memory.limit: -9223372036854775809 is out of range "
	 "(-9223372036854775808 to 9223372036854775807)"},
	{RESOURCES("\"memory\":{\"limit\":-99999999999999999999999999999999999999999999}"),
	 "2:41 linux.resources.memory.limit: -999999999999999999999999999999999999999... "
	 "is out of range (-9223372036854775808 to 9223372036854775807)"},
	{RESOURCES("\"blockIO\":{\"weight\":65536}"),
	 "2:43 linux.resources.blockIO.weight: 65536 is out of range (0 to 65535)"},
};

static const struct refusal words[] = {
	{CONFIG("\"linux\":{\"namespaces\":[{\"type\":\"net\"}]}"),
	 "2:32 linux.namespaces[0].type: \"net\" is not a known namespace type (valid: pid, "
	 "network, mount, ipc, uts, user, cgroup, time)"},
	{CONFIG("\"linux\":{\"namespaces\":[{\"type\":\"PID\"}]}"),
	 "2:32 linux.namespaces[0].type: \"PID\" is not a known namespace type (valid: pid, "
	 "network, mount, ipc, uts, user, cgroup, time)"},
	{PROCESS("\"rlimits\":[{\"type\":\"NOFILE\",\"hard\":1,\"soft\":1}]"),
	 "2:41 process.rlimits[0].type: \"NOFILE\" is not a known rlimit type"},
	{PROCESS("\"scheduler\":{\"policy\":\"\",\"flags\":[\"SCHED_FLAG\"]}"),
	 "2:44 process.scheduler.policy: \"\" is not a known scheduling policy (valid: "
	 "SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_ISO, SCHED_IDLE, "
	 "SCHED_DEADLINE)\n"
	 "2:56 process.scheduler.flags[0]: \"SCHED_FLAG\" is not a known scheduling flag"},
	{PROCESS("\"ioPriority\":{\"class\":\"RT\",\"priority\":0}"),
	 "2:44 process.ioPriority.class: \"RT\" is not a known I/O priority class (valid: "
	 "IOPRIO_CLASS_RT, IOPRIO_CLASS_BE, IOPRIO_CLASS_IDLE)"},
	{CONFIG("\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_NONE\",\"architectures\":"
		"[\"x86\"],\"flags\":[\"SECCOMP_FILTER_FLAG_NEW_LISTENER\"],\"syscalls\":[{"
		"\"names\":[\"anything\"],\"action\":\"ALLOW\",\"args\":[{\"index\":0,\"value\":0,"
		"\"op\":\"==\"}]}]}}"),
	 "2:37 linux.seccomp.defaultAction: \"SCMP_ACT_NONE\" is not a known seccomp action\n"
	 "2:70 linux.seccomp.architectures[0]: \"x86\" is not a known seccomp architecture\n"
	 "2:86 linux.seccomp.flags[0]: \"SECCOMP_FILTER_FLAG_NEW_LISTENER\" is not a known "
	 "seccomp flag\n"
	 "2:165 linux.seccomp.syscalls[0].action: \"ALLOW\" is not a known seccomp action\n"
	 "2:207 linux.seccomp.syscalls[0].args[0].op: \"==\" is not a known seccomp operator "
	 "(valid: SCMP_CMP_NE, SCMP_CMP_LT, SCMP_CMP_LE, SCMP_CMP_EQ, SCMP_CMP_GE, SCMP_CMP_GT, "
	 "SCMP_CMP_MASKED_EQ)"},
	{CONFIG("\"linux\":{\"rootfsPropagation\":\"recursive\"}"),
	 "2:30 linux.rootfsPropagation: \"recursive\" is not a known mount propagation (valid: "
	 "shared, slave, private, unbindable, rshared, rslave, rprivate, runbindable)"},
	{CONFIG("\"linux\":{\"memoryPolicy\":{\"mode\":\"BIND\",\"flags\":[\"F\"]},\"personality\":"
		"{\"domain\":\"SVR4\"}}"),
	 "2:33 linux.memoryPolicy.mode: \"BIND\" is not a known memory policy (valid: "
	 "MPOL_DEFAULT, MPOL_BIND, MPOL_INTERLEAVE, MPOL_WEIGHTED_INTERLEAVE, MPOL_PREFERRED, "
	 "MPOL_PREFERRED_MANY, MPOL_LOCAL)\n"
	 "2:49 linux.memoryPolicy.flags[0]: \"F\" is not a known memory policy flag (valid: "
	 "MPOL_F_NUMA_BALANCING, MPOL_F_RELATIVE_NODES, MPOL_F_STATIC_NODES)\n"
	 "2:79 linux.personality.domain: \"SVR4\" is not a known personality (valid: LINUX, "
	 "LINUX32)"},
	{CONFIG("\"linux\":{\"devices\":[{\"path\":\"\",\"type\":\"bc\",\"major\":0,\"minor\":0}],"
		"\"resources\":{\"devices\":[{\"allow\":true,\"type\":\"u\"}]}}"),
	 "2:39 linux.devices[0].type: \"bc\" is not a known device type (valid: c, b, u, p)\n"
	 "2:111 linux.resources.devices[0].type: \"u\" is not a known device type (valid: a, c, "
	 "b)"},
	/* What comes from the file is shown harmlessly, and cut. */
	{CONFIG("\"linux\":{\"rootfsPropagation\":\"\\u001b[31m\\\"\\\\\\u007f\"}"),
	 "2:30 linux.rootfsPropagation: \"\\u001b[31m\\\"\\\\\\u007f\" is not a known mount "
	 "propagation (valid: shared, slave, private, unbindable, rshared, rslave, rprivate, "
	 "runbindable)"},
	{PROCESS("\"rlimits\":[{\"type\":\"12345678901234567890123456789012345678901234567890"
		 "123456789\xc3\xa9\",\"hard\":1,\"soft\":1}]"),
	 "2:41 process.rlimits[0].type: \"12345678901234567890123456789012345678901234567890"
	 "123456789...\" is not a known rlimit type"},
};

/* The decoder's positions are those that oci_locate() finds for its paths. */
static void demand_located(void *data, const struct oci_problem *problem)
{
	const char *text = data;
	unsigned int line = 0, column = 0;

	ck_assert_int_eq(oci_locate(text, strlen(text), problem->path, &line, &column), 0);
	ck_assert_uint_eq(line, problem->line);
	ck_assert_uint_eq(column, problem->column);
}

static void refuse_nth(const struct refusal *refusals, int i)
{
	char *text = strdup(refusals[i].text);
	struct oci_report report = {demand_located, text, false};
	struct oci_document *document = NULL;

	refuse(oci_config_decode, text, refusals[i].problems);
	ck_assert_int_eq(oci_config_decode(text, strlen(text), &report, &document), -EBADMSG);
	free(text);
}

START_TEST(test_types)
{
	refuse_nth(types, _i);
}
END_TEST

START_TEST(test_missing)
{
	refuse_nth(missing, _i);
}
END_TEST

START_TEST(test_numbers)
{
	refuse_nth(numbers, _i);
}
END_TEST

START_TEST(test_words)
{
	refuse_nth(words, _i);
}
END_TEST

START_TEST(test_sections)
{
	static const char text[] =
		CONFIG("\"process\":{\"rlimits\":[1],\"user\":{\"uid\":\"\"},\"scheduler\":5},"
		       "\"hooks\":{\"poststart\":[{\"env\":[1]}]},\"linux\":{\"resources\":{"
		       "\"devices\":[{\"type\":1}],\"unified\":{\"x\":1}},\"sysctl\":[]}");
	struct collected collected = {0};
	struct oci_report report = {collect, &collected, false};
	struct oci_document *document = NULL;

	ck_assert_int_eq(oci_config_decode(text, strlen(text), &report, &document), -EBADMSG);
	ck_assert_str_eq(collected.sections, "config.md#posix-process\n"
					     "config.md#posix-platform-user\n"
					     "config.md#linux-process\n"
					     "config.md#process\n"
					     "config.md#posix-platform-hooks\n"
					     "config.md#posix-platform-hooks\n"
					     "config-linux.md#allowed-device-list\n"
					     "config-linux.md#allowed-device-list\n"
					     "config-linux.md#unified\n"
					     "config-linux.md#sysctl\n");
}
END_TEST

/* A hundred errors are told, then no more; decoding ends there. */
START_TEST(test_too_many)
{
	char text[4096] = "{\"cwd\":\"/\",\"args\":[1", expected[16384] = "", *end = expected;

	for (int i = 1; i < 300; i++)
		strcat(text, ",1");
	strcat(text, "]}");
	for (int i = 0; i < 100; i++)
		end += sprintf(end, "1:%d args[%d]: expected a string, not a number\n", 20 + 2 * i,
			       i);
	sprintf(end, "0:0 : too many errors; the rest of the document was not read");
	refuse(oci_process_decode, text, expected);
}
END_TEST

#define ADD_TABLE(tcase, test, table) \
	tcase_add_loop_test(tcase, test, 0, (int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
	Suite *suite = suite_create("oci-strict");
	TCase *tcase = tcase_create("refusals");
	SRunner *runner = srunner_create(suite);
	int failed;

	ADD_TABLE(tcase, test_types, types);
	ADD_TABLE(tcase, test_missing, missing);
	ADD_TABLE(tcase, test_numbers, numbers);
	ADD_TABLE(tcase, test_words, words);
	tcase_add_test(tcase, test_sections);
	tcase_add_test(tcase, test_too_many);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
