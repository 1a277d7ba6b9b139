/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every rule of oci-spec/check.c is broken once (oci-check-cases.h), and what is right at its edge
 * is let pass. Then come whole documents, those of the engines among them.
 */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci-check-cases.h"

/* What was reported, one line per problem. */
struct record {
	char lines[65536];
	size_t length;
};

static const char severities[] = {
	[OCI_ERROR] = 'E', [OCI_WARNING] = 'W', [OCI_UNKNOWN] = 'U', [OCI_ADVICE] = 'A'};

static void record_problem(void *data, const struct oci_problem *problem)
{
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
	snprintf(expected, sizeof(expected), "%c %u:%u %s (%s) %s\n", severities[rule->severity],
		 line, column, rule->path, rule->section, rule->message);
	ck_assert_str_eq(record.lines, expected);
	ck_assert_uint_eq(errors, rule->severity == OCI_ERROR);
}

/* clang-format off */
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

static int count_cases(const struct rule_case *cases)
{
	int count = 0;

	while (cases[count].text)
		count++;
	return count;
}

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

	tcase_add_loop_test(rules, breaks_config_rule, 0, count_cases(config_cases));
	tcase_add_loop_test(rules, breaks_process_rule, 0, count_cases(process_cases));
	tcase_add_loop_test(rules, breaks_linux_rule, 0, count_cases(linux_cases));
	tcase_add_loop_test(rules, breaks_resources_rule, 0, count_cases(resources_cases));
	tcase_add_loop_test(rules, breaks_seccomp_rule, 0, count_cases(seccomp_cases));
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
