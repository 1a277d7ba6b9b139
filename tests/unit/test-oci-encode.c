/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder, and that nothing is lost on the way through structs and back. */
#include "oci-collect.h"

#include "oci-spec/tables.h"

#define CORPUS TEST_DATA_DIR "/../fuzz/corpus/config"

/* tests/fuzz/corpus/config/every-field.json, byte for byte what the encoder writes. */
static char *read_file(const char *name, size_t *ret_length)
{
	char path[4096], *text;
	FILE *file;
	long length;

	snprintf(path, sizeof(path), "%s/%s", CORPUS, name);
	file = fopen(path, "rb");
	ck_assert_msg(file != NULL, "cannot open %s", path);
	fseek(file, 0, SEEK_END);
	length = ftell(file);
	rewind(file);
	text = calloc(1, (size_t)length + 1);
	ck_assert_uint_eq(fread(text, 1, (size_t)length, file), (size_t)length);
	fclose(file);
	*ret_length = (size_t)length;
	return text;
}

struct list {
	const char *items;
	size_t count;
};

static bool is_zero(const char *member, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (member[i])
			return false;
	}
	return true;
}

/* Every field of the object has a value that is not what absence gives, or, for one item of each
 * list, so has every field of that. Returns how many fields were looked at. */
static size_t demand_full(const struct oci_object *object, const char *data)
{
	size_t count = 0;

	for (size_t i = 0; i < object->count; i++) {
		const struct oci_field *field = &object->fields[i];
		const char *member = data + field->offset;
		const struct list *list = (const struct list *)member;

		count++;
		switch ((enum oci_kind)field->kind) {
		case OCI_KIND_IGNORED:
			break;
		case OCI_KIND_OBJECT:
			ck_assert_msg(*(char *const *)member != NULL, "%s", field->name);
			count += demand_full(field->object, *(char *const *)member);
			break;
		case OCI_KIND_EMBEDDED:
			count += demand_full(field->object, member);
			break;
		case OCI_KIND_OBJECTS:
		case OCI_KIND_OBJECT_MAP:
			ck_assert_msg(list->count > 0, "%s", field->name);
			count += demand_full(field->object, list->items);
			break;
		case OCI_KIND_STRINGS:
		case OCI_KIND_U32S:
		case OCI_KIND_WORDS:
		case OCI_KIND_STRING_MAP:
			ck_assert_msg(list->items != NULL, "%s", field->name);
			break;
		default:
			ck_assert_msg(!is_zero(member, field->size), "%s", field->name);
			break;
		}
	}
	return count;
}

START_TEST(test_every_field)
{
	size_t length, encoded_length = 0;
	char *text = read_file("every-field.json", &length), *encoded = NULL;
	struct oci_document *document = accept(oci_config_decode, text);
	const struct oci_config *config = oci_document_config(document);

	ck_assert_uint_eq(demand_full(&oci_config_object, (const char *)config), 224);
	ck_assert_int_eq(oci_config_encode(config, false, &encoded, &encoded_length), 0);
	ck_assert_str_eq(encoded, text);
	ck_assert_uint_eq(encoded_length, length);
	oci_document_free(document);
	free(encoded);
	free(text);
}
END_TEST

START_TEST(test_every_field_pretty)
{
	size_t length, encoded_length = 0, compact_length;
	char *text = read_file("every-field-pretty.json", &length), *encoded = NULL;
	char *compact = read_file("every-field.json", &compact_length);
	struct oci_document *document = accept(oci_config_decode, text);

	ck_assert_int_eq(
		oci_config_encode(oci_document_config(document), false, &encoded, &encoded_length),
		0);
	ck_assert_str_eq(encoded, compact);
	free(encoded);

	/* Again through the pretty form. */
	ck_assert_int_eq(
		oci_config_encode(oci_document_config(document), true, &encoded, &encoded_length),
		0);
	oci_document_free(document);
	document = accept(oci_config_decode, encoded);
	free(encoded);
	ck_assert_int_eq(
		oci_config_encode(oci_document_config(document), false, &encoded, &encoded_length),
		0);
	ck_assert_str_eq(encoded, compact);
	oci_document_free(document);
	free(encoded);
	free(compact);
	free(text);
}
END_TEST

static char *encode_process(const char *text, bool pretty)
{
	struct oci_document *document = accept(oci_process_decode, text);
	char *encoded = NULL;
	size_t length = 0;

	ck_assert_int_eq(
		oci_process_encode(oci_document_process(document), pretty, &encoded, &length), 0);
	ck_assert_uint_eq(length, strlen(encoded));
	oci_document_free(document);
	return encoded;
}

/* What must come out of a process document. */
static const struct {
	bool pretty;
	const char *in, *out;
} processes[] = {
	{false, "{ \"cwd\" : \"/\" }", "{\"user\":{\"uid\":0,\"gid\":0},\"cwd\":\"/\"}"},
	{true, "{\"cwd\":\"/\",\"args\":[\"a\",\"b\"],\"env\":[],\"capabilities\":{}}",
	 "{\n"
	 "\t\"user\": {\n"
	 "\t\t\"uid\": 0,\n"
	 "\t\t\"gid\": 0\n"
	 "\t},\n"
	 "\t\"args\": [\n"
	 "\t\t\"a\",\n"
	 "\t\t\"b\"\n"
	 "\t],\n"
	 "\t\"env\": [],\n"
	 "\t\"cwd\": \"/\",\n"
	 "\t\"capabilities\": {}\n"
	 "}\n"},
	/* Absent and empty stay apart; false and 0 go where they mean absence. */
	{false,
	 "{\"terminal\":false,\"noNewPrivileges\":false,\"args\":[],\"cwd\":\"\",\"oomScoreAdj\":0,"
	 "\"user\":{\"additionalGids\":[],\"umask\":0},\"rlimits\":[]}",
	 "{\"user\":{\"uid\":0,\"gid\":0,\"umask\":0,\"additionalGids\":[]},\"args\":[],\"cwd\":"
	 "\"\","
	 "\"rlimits\":[],\"oomScoreAdj\":0}"},
	{false,
	 "{\"cwd\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\\u00e9\\ud83d\\ude00<>&\"}",
	 "{\"user\":{\"uid\":0,\"gid\":0},\"cwd\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f"
	 "\xc3\xa9\xf0\x9f\x98\x80<>&\"}"},
	/* Flags come in the order of the table, each once. */
	{false,
	 "{\"cwd\":\"/\",\"scheduler\":{\"flags\":[\"SCHED_FLAG_RECLAIM\","
	 "\"SCHED_FLAG_RESET_ON_FORK\",\"SCHED_FLAG_RECLAIM\"],\"policy\":\"SCHED_OTHER\"}}",
	 "{\"user\":{\"uid\":0,\"gid\":0},\"cwd\":\"/\",\"scheduler\":{\"policy\":\"SCHED_OTHER\","
	 "\"flags\":[\"SCHED_FLAG_RESET_ON_FORK\",\"SCHED_FLAG_RECLAIM\"]}}"},
	{false, "{\"cwd\":\"/\",\"rlimits\":[{\"soft\":0,\"hard\":0,\"type\":\"RLIMIT_CPU\"}]}",
	 "{\"user\":{\"uid\":0,\"gid\":0},\"cwd\":\"/\",\"rlimits\":[{\"type\":\"RLIMIT_CPU\","
	 "\"hard\":0,\"soft\":0}]}"},
};

START_TEST(test_process)
{
	char *encoded = encode_process(processes[_i].in, processes[_i].pretty);

	ck_assert_str_eq(encoded, processes[_i].out);
	free(encoded);
}
END_TEST

START_TEST(test_resources)
{
	static const char text[] =
		"{\"devices\":[{\"allow\":false},{\"allow\":true,\"type\":\"c\",\"major\":0}],"
		"\"memory\":{\"limit\":-9223372036854775808,\"swappiness\":18446744073709551615,"
		"\"useHierarchy\":false},\"pids\":{},\"hugepageLimits\":[],\"rdma\":{\"a b\":{}},"
		"\"unified\":{}}";
	struct oci_document *document = accept(oci_resources_decode, text);
	char *encoded = NULL;
	size_t length = 0;

	ck_assert_int_eq(
		oci_resources_encode(oci_document_resources(document), false, &encoded, &length),
		0);
	ck_assert_str_eq(encoded, text);
	oci_document_free(document);
	free(encoded);
}
END_TEST

/* Structs that were made by hand. */
START_TEST(test_by_hand)
{
	struct oci_namespace namespaces[] = {{.type = 0x20000000, .path = NULL}};
	struct oci_linux linux = {.namespaces = {namespaces, 1}};
	struct oci_config config = {.oci_version = (char *)"1.3.0", .linux = &linux};
	char *encoded = NULL;
	size_t length = 0;

	ck_assert_int_eq(oci_config_encode(&config, false, &encoded, &length), 0);
	ck_assert_str_eq(
		encoded,
		"{\"ociVersion\":\"1.3.0\",\"linux\":{\"namespaces\":[{\"type\":\"pid\"}]}}");
	free(encoded);

	/* There is no word for these. */
	encoded = NULL;
	namespaces[0].type = 0x20000001;
	ck_assert_int_eq(oci_config_encode(&config, false, &encoded, &length), -EINVAL);
	ck_assert_ptr_null(encoded);
	linux.namespaces.count = 0;
	linux.memory_policy = &(struct oci_memory_policy){.mode = 1, .flags = 1};
	ck_assert_int_eq(oci_config_encode(&config, false, &encoded, &length), -EINVAL);
	ck_assert_ptr_null(encoded);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("oci-encode");
	TCase *tcase = tcase_create("texts");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, test_every_field);
	tcase_add_test(tcase, test_every_field_pretty);
	tcase_add_loop_test(tcase, test_process, 0,
			    (int)(sizeof(processes) / sizeof(processes[0])));
	tcase_add_test(tcase, test_resources);
	tcase_add_test(tcase, test_by_hand);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
