/* SPDX-License-Identifier: Apache-2.0 */
/* What the decoder makes of each kind of field. Its strictness is in test-oci-strict.c. */
#include "oci-collect.h"

#include "oci-spec/tables.h"

#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/resource.h>

#define CONFIG(fields) "{\"ociVersion\":\"1.3.0\"," fields "}"

START_TEST(test_minimal)
{
	struct oci_document *document = accept(oci_config_decode, "{\"ociVersion\":\"1.0.0\"}");
	const struct oci_config *config = oci_document_config(document);

	ck_assert_str_eq(config->oci_version, "1.0.0");
	ck_assert_ptr_null(config->root);
	ck_assert_ptr_null(config->process);
	ck_assert_ptr_null(config->hostname);
	ck_assert_ptr_null(config->mounts.items);
	ck_assert_ptr_null(config->annotations.items);
	ck_assert_ptr_null(oci_document_process(document));
	ck_assert_ptr_null(oci_document_resources(document));
	oci_document_free(document);
	oci_document_free(NULL);
}
END_TEST

START_TEST(test_process)
{
	struct oci_document *document = accept(
		oci_process_decode,
		"{\"terminal\":true,\"consoleSize\":{\"height\":25,\"width\":80},"
		"\"user\":{\"uid\":4294967294,\"gid\":7,\"umask\":18,\"additionalGids\":[5,0,6]},"
		"\"args\":[\"sh\",\"\",\"-c\"],\"cwd\":\"/\",\"noNewPrivileges\":true,"
		"\"oomScoreAdj\":-0,\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\","
		"\"soft\":1024,\"hard\":18446744073709551615}],"
		"\"scheduler\":{\"policy\":\"SCHED_IDLE\",\"nice\":-20,\"flags\":"
		"[\"SCHED_FLAG_RECLAIM\",\"SCHED_FLAG_RESET_ON_FORK\",\"SCHED_FLAG_RECLAIM\"]},"
		"\"ioPriority\":{\"class\":\"IOPRIO_CLASS_IDLE\",\"priority\":7}}");
	const struct oci_process *process = oci_document_process(document);

	ck_assert(process->terminal);
	ck_assert_uint_eq(process->console_size->height, 25);
	ck_assert_uint_eq(process->console_size->width, 80);
	ck_assert_uint_eq(process->user.uid, 4294967294);
	ck_assert_uint_eq(process->user.gid, 7);
	ck_assert(process->user.umask.set);
	ck_assert_uint_eq(process->user.umask.value, 18);
	ck_assert_uint_eq(process->user.additional_gids.count, 3);
	ck_assert_uint_eq(process->user.additional_gids.items[0], 5);
	ck_assert_uint_eq(process->user.additional_gids.items[1], 0);
	ck_assert_uint_eq(process->user.additional_gids.items[2], 6);
	ck_assert_uint_eq(process->args.count, 3);
	ck_assert_str_eq(process->args.items[0], "sh");
	ck_assert_str_eq(process->args.items[1], "");
	ck_assert_str_eq(process->args.items[2], "-c");
	ck_assert(process->no_new_privileges);
	ck_assert(process->oom_score_adj.set);
	ck_assert_int_eq(process->oom_score_adj.value, 0);
	ck_assert_int_eq(process->rlimits.items[0].type, RLIMIT_NOFILE);
	ck_assert_uint_eq(process->rlimits.items[0].soft, 1024);
	ck_assert_uint_eq(process->rlimits.items[0].hard, UINT64_MAX);
	ck_assert_int_eq(process->scheduler->policy, SCHED_IDLE);
	ck_assert_int_eq(process->scheduler->nice, -20);
	ck_assert_uint_eq(process->scheduler->flags, SCHED_FLAG_RECLAIM | SCHED_FLAG_RESET_ON_FORK);
	ck_assert_int_eq(process->io_priority->class, 3);
	ck_assert_int_eq(process->io_priority->priority, 7);
	oci_document_free(document);
}
END_TEST

/* Absent, false and 0 are the same for plain members and not for struct oci_opt_*. */
START_TEST(test_absence)
{
	struct oci_document *document = accept(oci_process_decode, "{\"cwd\":\"/\"}");
	const struct oci_process *process = oci_document_process(document);

	ck_assert(!process->terminal);
	ck_assert(!process->oom_score_adj.set);
	ck_assert(!process->user.umask.set);
	ck_assert_uint_eq(process->user.uid, 0);
	ck_assert_ptr_null(process->capabilities);
	ck_assert_ptr_null(process->args.items);
	ck_assert_uint_eq(process->args.count, 0);
	oci_document_free(document);

	document = accept(oci_process_decode,
			  "{\"cwd\":\"/\",\"args\":[],\"capabilities\":{\"ambient\":[]}}");
	process = oci_document_process(document);
	ck_assert_ptr_nonnull(process->args.items);
	ck_assert_uint_eq(process->args.count, 0);
	ck_assert_ptr_nonnull(process->capabilities->ambient.items);
	ck_assert_ptr_null(process->capabilities->bounding.items);
	oci_document_free(document);
}
END_TEST

START_TEST(test_null_is_absence)
{
	struct oci_document *document =
		accept(oci_config_decode,
		       CONFIG("\"process\":{\"cwd\":\"/\",\"user\":null,\"terminal\":null,"
			      "\"args\":null,\"oomScoreAdj\":null,\"scheduler\":null},"
			      "\"annotations\":null,\"hostname\":null,\"windows\":null,\"linux\":{"
			      "\"rootfsPropagation\":null,\"netDevices\":null,\"resources\":{"
			      "\"devices\":[{\"allow\":true,\"type\":null}]}}"));
	const struct oci_config *config = oci_document_config(document);

	ck_assert_ptr_null(config->hostname);
	ck_assert_ptr_null(config->annotations.items);
	ck_assert_ptr_null(config->process->args.items);
	ck_assert(!config->process->oom_score_adj.set);
	ck_assert_ptr_null(config->process->scheduler);
	ck_assert_uint_eq(config->linux->rootfs_propagation, 0);
	ck_assert_ptr_null(config->linux->net_devices.items);
	ck_assert_int_eq(config->linux->resources->devices.items[0].type, 'a');
	oci_document_free(document);
}
END_TEST

START_TEST(test_maps)
{
	struct oci_document *document = accept(
		oci_config_decode,
		CONFIG("\"annotations\":{\"b\":\"2\",\"a\":\"1\",\"\":\"\"},\"linux\":{"
		       "\"netDevices\":{\"eth0\":{\"name\":\"inside\"},\"eth1\":{}},"
		       "\"timeOffsets\":{\"boottime\":{\"secs\":-9,\"nanosecs\":8}},"
		       "\"sysctl\":{},\"resources\":{\"rdma\":{\"mlx5_1\":{\"hcaObjects\":3}}}}"));
	const struct oci_config *config = oci_document_config(document);
	const struct oci_linux *linux = config->linux;

	ck_assert_uint_eq(config->annotations.count, 3);
	ck_assert_str_eq(config->annotations.items[0].key, "b");
	ck_assert_str_eq(config->annotations.items[0].value, "2");
	ck_assert_str_eq(config->annotations.items[1].key, "a");
	ck_assert_str_eq(config->annotations.items[2].key, "");
	ck_assert_str_eq(config->annotations.items[2].value, "");
	ck_assert_uint_eq(linux->net_devices.count, 2);
	ck_assert_str_eq(linux->net_devices.items[0].key, "eth0");
	ck_assert_str_eq(linux->net_devices.items[0].name, "inside");
	ck_assert_str_eq(linux->net_devices.items[1].key, "eth1");
	ck_assert_ptr_null(linux->net_devices.items[1].name);
	ck_assert_str_eq(linux->time_offsets.items[0].clock, "boottime");
	ck_assert_int_eq(linux->time_offsets.items[0].secs, -9);
	ck_assert_uint_eq(linux->time_offsets.items[0].nanosecs, 8);
	ck_assert_ptr_nonnull(linux->sysctl.items);
	ck_assert_uint_eq(linux->sysctl.count, 0);
	ck_assert_str_eq(linux->resources->rdma.items[0].key, "mlx5_1");
	ck_assert(!linux->resources->rdma.items[0].hca_handles.set);
	ck_assert_uint_eq(linux->resources->rdma.items[0].hca_objects.value, 3);
	oci_document_free(document);
}
END_TEST

START_TEST(test_linux)
{
	struct oci_document *document =
		accept(oci_config_decode,
		       CONFIG("\"linux\":{\"namespaces\":[{\"type\":\"time\"},"
			      "{\"path\":\"/p\",\"type\":\"mount\"}],"
			      "\"rootfsPropagation\":\"rslave\","
			      "\"devices\":[{\"path\":\"/f\",\"type\":\"p\"},"
			      "{\"type\":\"b\",\"path\":\"/g\",\"major\":-1,\"minor\":2,"
			      "\"fileMode\":438,\"uid\":0}],"
			      "\"memoryPolicy\":{\"mode\":\"MPOL_LOCAL\",\"flags\":"
			      "[\"MPOL_F_STATIC_NODES\",\"MPOL_F_NUMA_BALANCING\"]},"
			      "\"personality\":{\"domain\":\"LINUX32\"},"
			      "\"seccomp\":{\"defaultAction\":\"SCMP_ACT_LOG\",\"flags\":[],"
			      "\"architectures\":[\"SCMP_ARCH_SHEB\",\"SCMP_ARCH_X86\"],"
			      "\"syscalls\":[{\"names\":[\"a\"],\"action\":\"SCMP_ACT_TRAP\","
			      "\"args\":[{\"index\":5,\"value\":18446744073709551615,"
			      "\"valueTwo\":1,\"op\":\"SCMP_CMP_GE\"}]}]}}"));
	const struct oci_linux *linux = oci_document_config(document)->linux;
	const struct oci_seccomp *seccomp = linux->seccomp;

	ck_assert_uint_eq(linux->namespaces.items[0].type, CLONE_NEWTIME);
	ck_assert_ptr_null(linux->namespaces.items[0].path);
	ck_assert_uint_eq(linux->namespaces.items[1].type, CLONE_NEWNS);
	ck_assert_str_eq(linux->namespaces.items[1].path, "/p");
	ck_assert_uint_eq(linux->rootfs_propagation, MS_SLAVE | MS_REC);
	ck_assert_int_eq(linux->devices.items[0].type, 'p');
	ck_assert_int_eq(linux->devices.items[1].major, -1);
	ck_assert_uint_eq(linux->devices.items[1].file_mode.value, 438);
	ck_assert(linux->devices.items[1].uid.set);
	ck_assert(!linux->devices.items[1].gid.set);
	ck_assert_int_eq(linux->memory_policy->mode, 4);
	ck_assert_uint_eq(linux->memory_policy->flags, 1 << 15 | 1 << 13);
	ck_assert_uint_eq(linux->personality->domain, PER_LINUX32);
	ck_assert_int_eq(seccomp->default_action, OCI_SECCOMP_LOG);
	ck_assert(!seccomp->default_errno_ret.set);
	ck_assert(seccomp->flags.set);
	ck_assert_uint_eq(seccomp->flags.value, 0);
	ck_assert_int_eq(seccomp->architectures.items[0], 22);
	ck_assert_int_eq(seccomp->architectures.items[1], 0);
	ck_assert_int_eq(seccomp->syscalls.items[0].action, OCI_SECCOMP_TRAP);
	ck_assert_uint_eq(seccomp->syscalls.items[0].args.items[0].index, 5);
	ck_assert_uint_eq(seccomp->syscalls.items[0].args.items[0].value, UINT64_MAX);
	ck_assert_uint_eq(seccomp->syscalls.items[0].args.items[0].value_two, 1);
	ck_assert_int_eq(seccomp->syscalls.items[0].args.items[0].op, OCI_SECCOMP_GE);
	oci_document_free(document);
}
END_TEST

START_TEST(test_resources)
{
	struct oci_document *document =
		accept(oci_resources_decode,
		       "{\"devices\":[{\"allow\":false},{\"allow\":true,\"type\":\"c\","
		       "\"major\":0,\"access\":\"rw\"}],\"memory\":{\"limit\":-9223372036854775808,"
		       "\"disableOOMKiller\":false},\"blockIO\":{\"weight\":65535},"
		       "\"cpu\":{\"quota\":9223372036854775807},\"unified\":{\"a.b\":\"c\"}}");
	const struct oci_resources *resources = oci_document_resources(document);

	ck_assert(!resources->devices.items[0].allow);
	ck_assert_int_eq(resources->devices.items[0].type, 'a');
	ck_assert(!resources->devices.items[0].major.set);
	ck_assert_int_eq(resources->devices.items[1].type, 'c');
	ck_assert(resources->devices.items[1].major.set);
	ck_assert(!resources->devices.items[1].minor.set);
	ck_assert_str_eq(resources->devices.items[1].access, "rw");
	ck_assert_int_eq(resources->memory->limit.value, INT64_MIN);
	ck_assert(resources->memory->disable_oom_killer.set);
	ck_assert(!resources->memory->disable_oom_killer.value);
	ck_assert(!resources->memory->use_hierarchy.set);
	ck_assert_uint_eq(resources->block_io->weight.value, 65535);
	ck_assert_int_eq(resources->cpu->quota.value, INT64_MAX);
	ck_assert_str_eq(resources->unified.items[0].key, "a.b");
	ck_assert_str_eq(resources->unified.items[0].value, "c");
	oci_document_free(document);
}
END_TEST

START_TEST(test_escapes)
{
	struct oci_document *document = accept(
		oci_config_decode, "{\"ociVersion\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001\","
				   "\"\\u0068ostname\":\"\\u00e9\\u20ac\\uD83D\\ude00\xc3\xa9\","
				   "\"annotations\":{\"\\u0041\\n\":\"\"}}");
	const struct oci_config *config = oci_document_config(document);

	ck_assert_str_eq(config->oci_version, "\"\\/\b\f\n\r\t\x01");
	ck_assert_str_eq(config->hostname, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9");
	ck_assert_str_eq(config->annotations.items[0].key, "A\n");
	oci_document_free(document);
}
END_TEST

START_TEST(test_long_lists)
{
	enum { COUNT = 100000 };
	char *text = malloc(COUNT * 16 + 64), *end;
	struct oci_document *document;
	const struct oci_process *process;
	char expected[16];

	end = stpcpy(text, "{\"cwd\":\"/\",\"args\":[\"0\"");
	for (int i = 1; i < COUNT; i++)
		end += sprintf(end, ",\"%d\"", i);
	strcpy(end, "]}");
	document = accept(oci_process_decode, text);
	process = oci_document_process(document);
	ck_assert_uint_eq(process->args.count, COUNT);
	for (int i = 0; i < COUNT; i++) {
		sprintf(expected, "%d", i);
		ck_assert_str_eq(process->args.items[i], expected);
	}
	oci_document_free(document);
	free(text);
}
END_TEST

/* Fields that no table has are ignored, and told only to who asks; those of other platforms are
 * known and never told. */
START_TEST(test_unknown_fields)
{
	static const char text[] =
		"{\"ociVersion\":\"1\",\"x\":{\"y\":[1,{}]},\n \"Hostname\":5,"
		"\"windows\":{\"z\":[{}]},\"solaris\":1,\"vm\":[],\"zos\":\"\",\"freebsd\":true,\n"
		"\"linux\":{\"namespaces\":[{\"type\":\"pid\",\"a.b\":1}]},\"annotations\":{\"q\":"
		"\"\"}}";
	struct collected collected = {0};
	struct oci_report report = {collect, &collected, true};
	struct oci_document *document = NULL;

	ck_assert_int_eq(oci_config_decode(text, strlen(text), &report, &document), 0);
	ck_assert_str_eq(collected.text,
			 "unknown 1:19 x: unknown field\n"
			 "unknown 2:2 Hostname: unknown field; did you mean \"hostname\"?\n"
			 "unknown 3:38 linux.namespaces[0][\"a.b\"]: unknown field");
	oci_document_free(document);

	collected = (struct collected){0};
	report.unknown = false;
	ck_assert_int_eq(oci_config_decode(text, strlen(text), &report, &document), 0);
	ck_assert_str_eq(collected.text, "");
	oci_document_free(document);

	ck_assert_int_eq(oci_config_decode(text, strlen(text), NULL, &document), 0);
	oci_document_free(document);
}
END_TEST

static void demand_unique(const struct oci_enum *table)
{
	for (; table->name; table++) {
		for (const struct oci_enum *other = table + 1; other->name; other++) {
			ck_assert_str_ne(table->name, other->name);
			ck_assert_uint_ne(table->value, other->value);
		}
	}
}

START_TEST(test_enums)
{
	static const struct oci_enum *const tables[] = {
		oci_namespace_types,	 oci_rlimit_types,	    oci_seccomp_actions,
		oci_seccomp_operators,	 oci_seccomp_architectures, oci_seccomp_flag_names,
		oci_scheduler_policies,	 oci_scheduler_flags,	    oci_io_priority_classes,
		oci_memory_policy_modes, oci_memory_policy_flags,   oci_personality_domains,
		oci_propagations,
	};

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		demand_unique(tables[i]);
	for (size_t i = 0; oci_seccomp_architectures[i].name; i++)
		ck_assert_uint_eq(oci_seccomp_architectures[i].value, i);
	ck_assert_str_eq(oci_enum_name(oci_namespace_types, CLONE_NEWNET), "network");
	ck_assert_str_eq(oci_enum_name(oci_rlimit_types, RLIMIT_RTTIME), "RLIMIT_RTTIME");
	ck_assert_str_eq(oci_enum_name(oci_propagations, MS_PRIVATE), "private");
	ck_assert_ptr_null(oci_enum_name(oci_namespace_types, 1));
	ck_assert_str_eq(oci_hook_kinds[0], "prestart");
	ck_assert_str_eq(oci_hook_kinds[5], "poststop");
	ck_assert_ptr_null(oci_hook_kinds[6]);
}
END_TEST

/* Every field can be asked for its section, and the hooks are those of oci_hook_kinds. */
static size_t walk(const struct oci_object *object)
{
	size_t count = 0;

	ck_assert_ptr_nonnull(object->section);
	ck_assert_uint_gt(object->size, 0);
	for (size_t i = 0; i < object->count; i++) {
		const struct oci_field *field = &object->fields[i];

		ck_assert_uint_eq(field->name_length, strlen(field->name));
		ck_assert_uint_lt(field->offset, object->size);
		ck_assert_ptr_nonnull(oci_kind_name(field->kind));
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(field->name, object->fields[j].name);
		if (!strcmp(field->name, "hooks")) {
			for (size_t j = 0; j < field->object->count; j++)
				ck_assert_str_eq(field->object->fields[j].name, oci_hook_kinds[j]);
		}
		count += 1 + (field->object ? walk(field->object) : 0);
	}
	return count;
}

START_TEST(test_tables)
{
	ck_assert_uint_eq(walk(&oci_process_object), 42);
	ck_assert_uint_eq(walk(&oci_resources_object), 64);
	ck_assert_uint_eq(walk(&oci_config_object), 224);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("oci-decode");
	TCase *tcase = tcase_create("kinds");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, test_minimal);
	tcase_add_test(tcase, test_process);
	tcase_add_test(tcase, test_absence);
	tcase_add_test(tcase, test_null_is_absence);
	tcase_add_test(tcase, test_maps);
	tcase_add_test(tcase, test_linux);
	tcase_add_test(tcase, test_resources);
	tcase_add_test(tcase, test_escapes);
	tcase_add_test(tcase, test_long_lists);
	tcase_add_test(tcase, test_unknown_fields);
	tcase_add_test(tcase, test_enums);
	tcase_add_test(tcase, test_tables);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
