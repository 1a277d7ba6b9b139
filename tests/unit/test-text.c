/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <errno.h>
#include <string.h>

#include "suite.h"

START_TEST(unsigned_numbers)
{
	static const char *const wrong[] = {"",	   " 1",  "1 ",	 "+1", "-1",
					    "0x1", "1.0", "1e3", "a",  "-"};
	uint64_t value = 77;
	uint32_t small = 77;

	for (size_t i = 0; i < suite_count(wrong); i++)
		ck_assert_int_eq(text_parse_u64(wrong[i], &value), -EINVAL);
	ck_assert_int_eq(text_parse_u64("18446744073709551616", &value), -ERANGE);
	ck_assert_int_eq(text_parse_u64("99999999999999999999999", &value), -ERANGE);
	/* What is no number stays one that is none, also when it is too long. */
	ck_assert_int_eq(text_parse_u64("99999999999999999999999x", &value), -EINVAL);
	ck_assert_uint_eq(value, 77);
	ck_assert_int_eq(text_parse_u64("18446744073709551615", &value), 0);
	ck_assert_uint_eq(value, UINT64_MAX);
	ck_assert_int_eq(text_parse_u64("007", &value), 0);
	ck_assert_uint_eq(value, 7);
	ck_assert_int_eq(text_parse_u32("4294967296", &small), -ERANGE);
	ck_assert_int_eq(text_parse_u32("x", &small), -EINVAL);
	ck_assert_uint_eq(small, 77);
	ck_assert_int_eq(text_parse_u32("4294967295", &small), 0);
	ck_assert_uint_eq(small, UINT32_MAX);
	ck_assert_int_eq(text_parse_id("4294967295", &small), -ERANGE);
	ck_assert_int_eq(text_parse_id("4294967294", &small), 0);
	ck_assert_uint_eq(small, 4294967294);
}
END_TEST

START_TEST(signed_numbers)
{
	int64_t value = 77;

	ck_assert_int_eq(text_parse_i64("", &value), -EINVAL);
	ck_assert_int_eq(text_parse_i64("-", &value), -EINVAL);
	ck_assert_int_eq(text_parse_i64("--1", &value), -EINVAL);
	ck_assert_int_eq(text_parse_i64("- 1", &value), -EINVAL);
	ck_assert_int_eq(text_parse_i64("9223372036854775808", &value), -ERANGE);
	ck_assert_int_eq(text_parse_i64("-9223372036854775809", &value), -ERANGE);
	ck_assert_int_eq(value, 77);
	ck_assert_int_eq(text_parse_i64("9223372036854775807", &value), 0);
	ck_assert(value == INT64_MAX);
	ck_assert_int_eq(text_parse_i64("-9223372036854775808", &value), 0);
	ck_assert(value == INT64_MIN);
	ck_assert_int_eq(text_parse_i64("-0", &value), 0);
	ck_assert_int_eq(value, 0);
}
END_TEST

START_TEST(prefixes)
{
	ck_assert(text_starts_with("self/attr", "self/"));
	ck_assert(text_starts_with("self", ""));
	ck_assert(!text_starts_with("sel", "self"));
	ck_assert(!text_starts_with("", "s"));
}
END_TEST

START_TEST(text_grows)
{
	auto_text struct text text = {0};

	for (int i = 0; i < 1000; i++) {
		text_append(&text, "ab");
		text_append_bytes(&text, "cdX", 2);
		text_format(&text, "%03d", i);
	}
	ck_assert(!text.failed);
	ck_assert_uint_eq(text.length, 7000);
	ck_assert_uint_eq(strlen(text.data), 7000);
	ck_assert_str_eq(text.data + 6993, "abcd999");
	text_clear(&text);
	ck_assert_ptr_null(text.data);
	ck_assert_uint_eq(text.length, 0);
	text_append(&text, "");
	ck_assert_str_eq(text.data, "");
}
END_TEST

/* An impossible length ends in .failed, not in a loop or an overflow, and stays there. */
START_TEST(text_refuses_the_impossible)
{
	auto_text struct text text = {0};

	text_append(&text, "kept");
	text_append_bytes(&text, "x", SIZE_MAX - 2);
	ck_assert(text.failed);
	text_append(&text, "dropped");
	text_format(&text, "%s", "dropped");
	ck_assert_str_eq(text.data, "kept");
	ck_assert_uint_eq(text.length, 4);
}
END_TEST

static const struct {
	const char *text, *json;
} json_cases[] = {
	{"", "\"\""},
	{"plain", "\"plain\""},
	{"a\"b\\c", "\"a\\\"b\\\\c\""},
	{"a\nb\tc\rd\x01\x1f\x7f", "\"a\\nb\\tc\\u000dd\\u0001\\u001f\\u007f\""},
	{"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7", "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7\""},
	/* Alone, cut, overlong, a surrogate, beyond U+10FFFF. */
	{"\x80", "\"\\ufffd\""},
	{"a\xc3", "\"a\\ufffd\""},
	{"a\xe2\x82", "\"a\\ufffd\\ufffd\""},
	{"\xf0\x9f\x90", "\"\\ufffd\\ufffd\\ufffd\""},
	{"\xc0\xaf", "\"\\ufffd\\ufffd\""},
	{"\xe0\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\""},
	{"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""},
	{"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
	{"\xff", "\"\\ufffd\""},
	/* The last ones that are valid. */
	{"\xed\x9f\xbf\xf4\x8f\xbf\xbf", "\"\xed\x9f\xbf\xf4\x8f\xbf\xbf\""},
};

START_TEST(json_strings)
{
	for (size_t i = 0; i < suite_count(json_cases); i++) {
		auto_text struct text text = {0};

		text_append_json(&text, json_cases[i].text);
		ck_assert_str_eq(text.data, json_cases[i].json);
	}
}
END_TEST

/* What is shown to people holds nothing that a terminal or a log would act upon. */
START_TEST(lines)
{
	static const struct {
		const char *text, *line, *output;
	} cases[] = {
		{"", "", ""},
		{"plain \xc3\xa9 \xf0\x9f\x90\xbf", "plain \xc3\xa9 \xf0\x9f\x90\xbf",
		 "plain \xc3\xa9 \xf0\x9f\x90\xbf"},
		{"a\nb\r\n", "a?b??", "a; b"},
		{"\x1b[2J\x7f.", "?[2J?.", " [2J ."},
		{"\xc2\x9b"
		 "2J",
		 "??2J", " 2J"},
		{"\xc2\xa0.", "\xc2\xa0.", "\xc2\xa0."},
		{"x\xc2", "x\xc2", "x\xc2"},
	};
	char line[32];

	for (size_t i = 0; i < suite_count(cases); i++) {
		strcpy(line, cases[i].text);
		text_make_line(line);
		ck_assert_str_eq(line, cases[i].line);
		text_quote_output(cases[i].text, strlen(cases[i].text), line, sizeof(line));
		ck_assert_str_eq(line, cases[i].output);
	}
	/* What does not fit is cut. */
	text_quote_output("12345678", 8, line, 6);
	ck_assert_str_eq(line, "123");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		unsigned_numbers, signed_numbers, prefixes, text_grows, text_refuses_the_impossible,
		json_strings,	  lines,
	};

	return suite_run("text", tests, suite_count(tests));
}
