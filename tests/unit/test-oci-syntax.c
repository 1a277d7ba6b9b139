/* SPDX-License-Identifier: Apache-2.0 */
/* What is no JSON, or no JSON that we read: the exact place and words. */
#include "oci-collect.h"

struct refusal {
	const char *text, *problems;
};

static const struct refusal syntax[] = {
	{"", "1:1 : the text ends too early"},
	{" \n ", "2:2 : the text ends too early"},
	{"{", "1:2 : the text ends too early"},
	{"{\"hostname\":\"a", "1:15 : the text ends too early"},
	{"{\"hostname\":\"a\\", "1:16 : the text ends too early"},
	{"{\"hostname\":\"a\\u00", "1:19 : the text ends too early"},
	{"{\"hostname\":\"a\"\n", "2:1 : the text ends too early"},
	{"{\"x\":[1,2", "1:10 : the text ends too early"},
	{"{\"x\":-", "1:7 : the text ends too early"},
	{"{\"x\":1.", "1:8 : the text ends too early"},
	{"{\"x\":1e", "1:8 : the text ends too early"},
	{"{\"x\":-02", "1:6 : ',' or '}' is expected here"},
	{"{\"x\":tr", "1:6 : not a word of JSON"},
	{"{\"x\":1,}", "1:8 : a key (a string) is expected here"},
	{"{,\"x\":1}", "1:2 : a key (a string) is expected here"},
	{"{1:2}", "1:2 : a key (a string) is expected here"},
	{"{\"x\"  1}", "1:7 : ':' is expected here, between key and value"},
	{"{\"x\":,}", "1:6 : a value is expected here"},
	{"{\"x\":[1,]}", "1:9 : a value is expected here"},
	{"{\"x\":[1 \n 2]}", "2:2 : ',' or ']' is expected here"},
	{"{\"x\":1 \"y\":2}", "1:8 : ',' or '}' is expected here"},
	{"{\"x\":1]", "1:7 : ',' or '}' is expected here"},
	{"{\"x\":[1}", "1:8 : ',' or ']' is expected here"},
	{"{\"x\":01}", "1:6 : ',' or '}' is expected here"},
	{"{\"x\":+1}", "1:6 : not a character of JSON"},
	{"{\"x\":.5}", "1:6 : not a character of JSON"},
	{"{\"x\":-}", "1:7 : a digit is expected after the minus sign"},
	{"{\"x\":1.}", "1:8 : a digit is expected after the decimal point"},
	{"{\"x\":1e+}", "1:9 : a digit is expected in the exponent"},
	{"{\"x\":NaN}", "1:6 : not a character of JSON"},
	{"{\"x\":True}", "1:6 : not a character of JSON"},
	{"{\"x\":nul}", "1:6 : not a word of JSON"},
	{"{'x':1}", "1:2 : not a character of JSON"},
	{"{\"x\":\"\\x41\"}", "1:7 : not an escape sequence of JSON"},
	{"{\"x\":\"\\u12g4\"}", "1:11 : four hexadecimal digits are expected after \\u"},
	{"{\"x\":\"a\tb\"}", "1:8 : a control character must be escaped"},
	{"{\"x\":\"a\nb\"}", "1:8 : a control character must be escaped"},
	{"{ /* no */ }", "1:3 : comments are not part of JSON"},
	{"{ // no\n }", "1:3 : comments are not part of JSON"},
	{"[] []", "1:1 : expected an object, not an array\n"
		  "1:4 : more text behind the end of the document"},
	{"\"x\",", "1:1 : expected an object, not a string\n"
		   "1:4 : more text behind the end of the document"},
	{"{\"ociVersion\":\"1\"}\n}", "2:1 : more text behind the end of the document"},
	{"{\"ociVersion\":\"1\"}\n5", "2:1 : more text behind the end of the document"},
	/* What was wrong before it is told too. */
	{"{\"hostname\":5,\n\"x\"}", "1:13 hostname: expected a string, not a number\n"
				     "2:4 : ':' is expected here, between key and value"},
};

#define BOM "\xef\xbb\xbf"
static const struct refusal bytes[] = {
	{BOM "{\"ociVersion\":\"1\"}", "1:1 : begins with a byte order mark"},
	{"{\"hostname\":\"a\x80\"}", "1:15 hostname: invalid UTF-8"},
	{"{\"hostname\":\"\xc0\x80\"}", "1:14 hostname: invalid UTF-8"},
	{"{\"hostname\":\"\xc1\xbf\"}", "1:14 hostname: invalid UTF-8"},
	{"{\"hostname\":\"\xe0\x9f\xbf\"}", "1:14 hostname: invalid UTF-8"},
	{"{\"hostname\":\"\xed\xa0\x80\"}", "1:14 hostname: invalid UTF-8"},
	{"{\"hostname\":\"\xed\xbf\xbf\"}", "1:14 hostname: invalid UTF-8"},
	{"{\"hostname\":\"\xf0\x8f\xbf\xbf\"}", "1:14 hostname: invalid UTF-8"},
	{"{\"hostname\":\"\xf4\x90\x80\x80\"}", "1:14 hostname: invalid UTF-8"},
	{"{\"hostname\":\"\xf5\x80\x80\x80\"}", "1:14 hostname: invalid UTF-8"},
	{"{\"hostname\":\"\xff\"}", "1:14 hostname: invalid UTF-8"},
	{"{\"hostname\":\"\xe2\x82\"}", "1:14 hostname: invalid UTF-8"},
	{"{\"hostname\":\"\xf0\x9f\x98", "1:14 hostname: invalid UTF-8"},
	{"{\"process\":{\"args\":[\"12345678\",\n\"12345678\xfe\"",
	 "2:10 process.args[1]: invalid UTF-8"},
	{"{\"annotations\":{\"a.b\":\"\xfe", "1:24 annotations[\"a.b\"]: invalid UTF-8"},
	{"{\"annotations\":{\"\xfe", "1:18 annotations: invalid UTF-8"},
	{"{\"x\":{\"y\":[0,\"\xfe", "1:15 x.y[1]: invalid UTF-8"},
	{"{\"hostname\":\"\\ud800\"}",
	 "1:14 hostname: half of a surrogate pair is not a character"},
	{"{\"hostname\":\"\\uDC00\"}",
	 "1:14 hostname: half of a surrogate pair is not a character"},
	{"{\"hostname\":\"\\ud83dx\"}",
	 "1:14 hostname: half of a surrogate pair is not a character"},
	{"{\"hostname\":\"\\ud83d\\ud83d\\ude00\"}",
	 "1:14 hostname: half of a surrogate pair is not a character"},
	{"{\"hostname\":\"\\ud83d\\u",
	 "1:14 hostname: half of a surrogate pair is not a character"},
	{"{\"x\\udfff\":1}", "1:4 : half of a surrogate pair is not a character"},
	/* A syntax error before it comes first. */
	{"{\"x\" 1, \"\xff\"}", "1:6 : ':' is expected here, between key and value"},
	{"{\"x\":\\ud800}", "1:6 : not a character of JSON"},
};

static const struct refusal strings[] = {
	{"{\"ociVersion\":\"a\\u0000b\"}", "1:15 ociVersion: the string contains a NUL character"},
	{"{\"ociVersion\":\"1\",\"process\":{\"cwd\":\"/\",\"args\":[\"a\",\"\\\"\\u0000\"]}}",
	 "1:52 process.args[1]: the string contains a NUL character"},
	{"{\"ociVersion\":\"1\",\"ho\\u0000stname\":{\"y\":1}}",
	 "1:19 : a key contains a NUL character"},
	{"{\"ociVersion\":\"1\",\"annotations\":{\"\\u0000\":\"x\",\"\\u0000y\":{},\"z\":1}}",
	 "1:34 annotations: a key contains a NUL character\n"
	 "1:47 annotations: a key contains a NUL character\n"
	 "1:64 annotations.z: expected a string, not a number"},
	{"{\"ociVersion\":\"1\",\"windows\":{\"x\":[\"\\u0000\"]}}",
	 "1:35 windows.x[0]: the string contains a NUL character"},
	/* Duplicate keys: of fields, of maps, of what is ignored; however they are written. */
	{"{\"ociVersion\":\"1\",\n\"ociVersion\":\"1\"}", "2:1 ociVersion: duplicate key"},
	{"{\"ociVersion\":\"1\",\n\"oci\\u0056ersion\":2}", "2:1 ociVersion: duplicate key"},
	{"{\"ociVersion\":\"1\",\"hostname\":null,\"hostname\":\"x\",\"hostname\":[]}",
	 "1:35 hostname: duplicate key\n1:50 hostname: duplicate key"},
	{"{\"ociVersion\":\"1\",\"x\":1,\"y\":{\"x\":1},\"x\":2}", "1:37 x: duplicate key"},
	{"{\"ociVersion\":\"1\",\"annotations\":{\"a\":\"1\",\"b\":\"\",\"\\u0061\":\"2\"}}",
	 "1:49 annotations.a: duplicate key"},
	{"{\"ociVersion\":\"1\",\"linux\":{\"netDevices\":{\"a\":{},\"a\":{\"name\":\"x\"}}}}",
	 "1:49 linux.netDevices.a: duplicate key"},
	{"{\"ociVersion\":\"1\",\"vm\":[{\"a\":1,\"b\":{\"a\":1,\"b\":2},\"a\":1}]}",
	 "1:50 vm[0].a: duplicate key"},
	{"{\"ociVersion\":\"1\",\"annotations\":{\"a\":\"1\"},\"annotations\":{\"b\":\"1\","
	 "\"b\":\"2\"},\"root\":{\"path\":\"/\"},\"root\":{}}",
	 "1:43 annotations: duplicate key\n"
	 "1:66 annotations.b: duplicate key\n"
	 "1:95 root: duplicate key"},
};

START_TEST(test_syntax)
{
	refuse(oci_config_decode, syntax[_i].text, syntax[_i].problems);
}
END_TEST

START_TEST(test_bytes)
{
	refuse(oci_config_decode, bytes[_i].text, bytes[_i].problems);
}
END_TEST

START_TEST(test_strings)
{
	refuse(oci_config_decode, strings[_i].text, strings[_i].problems);
}
END_TEST

START_TEST(test_raw_nul)
{
	static const char text[] = "{\"x\":\"a\0b\"}";

	refuse_bytes(oci_config_decode, text, sizeof(text) - 1,
		     "1:8 : a control character must be escaped");
	refuse_bytes(oci_config_decode, "{}\0", 3,
		     "1:1 ociVersion: required field is missing\n1:3 : more text behind the end of "
		     "the document");
}
END_TEST

/* All that UTF-8 allows at its edges. */
START_TEST(test_valid_utf8)
{
	oci_document_free(accept(oci_config_decode,
				 "{\"ociVersion\":\"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xec\xbf\xbf"
				 "\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80"
				 "\xf3\xbf\xbf\xbf\xf4\x8f\xbf\xbf\"}"));
}
END_TEST

static void nest(char *text, int levels)
{
	char *end = stpcpy(text, "{\"cwd\":\"/\",\"x\":");

	for (int i = 1; i < levels; i++)
		end = stpcpy(end, i % 2 ? "[" : "{\"y\":");
	end = stpcpy(end, "1");
	for (int i = levels - 1; i > 0; i--)
		end = stpcpy(end, i % 2 ? "]" : "}");
	stpcpy(end, "}");
}

START_TEST(test_depth)
{
	struct oci_document *document = NULL;
	char text[2048], problem[1024], *path = problem;

	nest(text, OCI_DEPTH_MAX);
	ck_assert_int_eq(oci_process_decode(text, strlen(text), NULL, &document), 0);
	oci_document_free(document);

	nest(text, OCI_DEPTH_MAX + 1);
	path += sprintf(path, "1:%d x", 16 + 31 * 6 + 1 - 1 + 1);
	for (int i = 1; i < OCI_DEPTH_MAX; i++)
		path = stpcpy(path, i % 2 ? "[0]" : ".y");
	strcpy(path, ": nested deeper than 64 levels");
	refuse(oci_process_decode, text, problem);
}
END_TEST

START_TEST(test_size)
{
	char *text = malloc(OCI_SIZE_MAX + 1);
	struct collected collected = {0};
	struct oci_report report = {collect, &collected, false};
	struct oci_document *document = NULL;

	memset(text, ' ', OCI_SIZE_MAX + 1);
	memcpy(text, "{\"cwd\":\"/\"}", strlen("{\"cwd\":\"/\"}"));
	ck_assert_int_eq(oci_process_decode(text, OCI_SIZE_MAX, &report, &document), 0);
	oci_document_free(document);
	ck_assert_int_eq(oci_process_decode(text, OCI_SIZE_MAX + 1, &report, &document), -EBADMSG);
	ck_assert_str_eq(collected.text, "0:0 : larger than 64 MiB");
	free(text);
}
END_TEST

/* A hundred thousand keys, the last of which is a duplicate of the first. Were each compared with
 * all before it, this would take minutes and the suite would time out. */
START_TEST(test_many_keys)
{
	enum { COUNT = 100000 };
	char *text = malloc(COUNT * 16 + 64), *end;

	end = stpcpy(text, "{\"ociVersion\":\"1\",\"annotations\":{\n\"0\":\"\"");
	for (int i = 1; i < COUNT; i++)
		end += sprintf(end, ",\n\"%d\":\"\"", i);
	strcpy(end, ",\n\"0\":\"\"}}");
	refuse(oci_config_decode, text, "100002:1 annotations.0: duplicate key");
	memcpy(strstr(text, "annotations"), "elsewhere__", strlen("annotations"));
	refuse(oci_config_decode, text, "100002:1 elsewhere__.0: duplicate key");
	free(text);
}
END_TEST

#define ADD_TABLE(tcase, test, table) \
	tcase_add_loop_test(tcase, test, 0, (int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
	Suite *suite = suite_create("oci-syntax");
	TCase *tcase = tcase_create("texts");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 30);
	ADD_TABLE(tcase, test_syntax, syntax);
	ADD_TABLE(tcase, test_bytes, bytes);
	ADD_TABLE(tcase, test_strings, strings);
	tcase_add_test(tcase, test_raw_nul);
	tcase_add_test(tcase, test_valid_utf8);
	tcase_add_test(tcase, test_depth);
	tcase_add_test(tcase, test_size);
	tcase_add_test(tcase, test_many_keys);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
