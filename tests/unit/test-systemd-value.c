/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cgroup/systemd/value.h"
#include "suite.h"

/* Writes down what a message would get: "a(s)[" "(" "s:x" ")" "]". */
static int sink_open(void *data, char kind, const char *contents)
{
	text_format(data, "%c%s{", kind, contents);
	return 0;
}

static int sink_close(void *data)
{
	text_append(data, "}");
	return 0;
}

static int sink_basic(void *data, char type, const union systemd_basic *value)
{
	if (type == 'b')
		text_format(data, "b:%d ", value->boolean);
	else if (strchr("yqut", type))
		text_format(data, "%c:%llu ", type, (unsigned long long)value->natural);
	else if (strchr("nixh", type))
		text_format(data, "%c:%lld ", type, (long long)value->integer);
	else if (type == 'd')
		text_format(data, "d:%g ", value->real);
	else
		text_format(data, "%c:%s ", type, value->string);
	return 0;
}

static void check_value(const char *text, const char *signature, const char *expected)
{
	struct text out = {0};
	const struct systemd_sink sink = {sink_open, sink_close, sink_basic, &out};
	char type[SYSTEMD_SIGNATURE_SIZE];
	struct error err = ERROR_INIT;

	ck_assert_msg(systemd_value_type(text, type, &err) == 0, "%s: %s", text, err.message);
	ck_assert_str_eq(type, signature);
	ck_assert_msg(systemd_value_emit(text, type, &sink, &err) == 0, "%s: %s", text,
		      err.message);
	ck_assert_str_eq(out.data, expected);
	text_clear(&out);
}

static void check_refused(const char *text, int number, const char *message)
{
	char type[SYSTEMD_SIGNATURE_SIZE] = "untouched";
	struct error err = ERROR_INIT;

	ck_assert_int_eq(systemd_value_type(text, type, &err), -number);
	ck_assert_error(&err, number, "", message, "");
	ck_assert_str_eq(type, "untouched");
}

START_TEST(basic_values)
{
	check_value("true", "b", "b:1 ");
	check_value(" false\n", "b", "b:0 ");
	check_value("15", "i", "i:15 ");
	check_value("-2147483648", "i", "i:-2147483648 ");
	check_value("+7", "i", "i:7 ");
	check_value("0x10", "i", "i:16 ");
	check_value("010", "i", "i:8 ");
	check_value("1.5", "d", "d:1.5 ");
	check_value("1e3", "d", "d:1000 ");
	check_value("uint64 18446744073709551615", "t", "t:18446744073709551615 ");
	check_value("int64 -9223372036854775808", "x", "x:-9223372036854775808 ");
	check_value("byte 255", "y", "y:255 ");
	check_value("int16 -32768", "n", "n:-32768 ");
	check_value("uint16 65535", "q", "q:65535 ");
	check_value("uint32 4294967295", "u", "u:4294967295 ");
	check_value("int32 -5", "i", "i:-5 ");
	check_value("double 5", "d", "d:5 ");
	check_value("boolean true", "b", "b:1 ");
	check_value("@t 5", "t", "t:5 ");
	check_value("objectpath '/a'", "o", "o:/a ");
}
END_TEST

START_TEST(strings)
{
	check_value("''", "s", "s: ");
	check_value("'a\"b'", "s", "s:a\"b ");
	check_value("\"it's\"", "s", "s:it's ");
	check_value("'\\'\\\\\\n\\t\\x'", "s", "s:'\\\n\tx ");
	check_value("'\\u00e4\\U0001f600'", "s", "s:\xc3\xa4\xf0\x9f\x98\x80 ");
	check_value("'a\\\nb'", "s", "s:ab ");
}
END_TEST

START_TEST(containers)
{
	check_value("['a', \"b\"]", "as", "as{s:a s:b }");
	check_value("@as []", "as", "as{}");
	check_value("[uint64 1, 2]", "at", "at{t:1 t:2 }");
	check_value("@ay [1,2]", "ay", "ay{y:1 y:2 }");
	check_value("('/dev/null', 'rw')", "(ss)", "(ss{s:/dev/null s:rw }");
	check_value("[('a', uint64 1), ('b', 2)]", "a(st)", "a(st){(st{s:a t:1 }(st{s:b t:2 }}");
	check_value("(1,)", "(i)", "(i{i:1 }");
	check_value("[['a'], []]", "aas", "aas{as{s:a }as{}}");
	check_value("@a(st) [('x', 5)]", "a(st)", "a(st){(st{s:x t:5 }}");
}
END_TEST

START_TEST(refusals)
{
	static const struct {
		const char *text;
		int number;
		const char *message;
	} cases[] = {
		{"", EINVAL, "no number at character 1 of the value"},
		{"TRUE", EINVAL, "no number at character 1 of the value"},
		{"yes", EINVAL, "neither true, false nor a type at character 1 of the value"},
		{"uint64", EINVAL, "no number at character 7 of the value"},
		{"uint64 x", EINVAL, "neither true, false nor a type at character 8 of the value"},
		{"uint64 -1", ERANGE,
		 "a number too large for its type at character 8 of the value"},
		{"byte 256", ERANGE, "a number too large for its type at character 6 of the value"},
		{"2147483648", ERANGE,
		 "a number too large for its type at character 1 of the value"},
		{"uint64 18446744073709551616", ERANGE,
		 "a number too large for its type at character 8 of the value"},
		{"12x", EINVAL, "no number at character 1 of the value"},
		{"1 2", EINVAL, "something behind the value at character 3 of the value"},
		{"'a", EINVAL, "a string without its end at character 3 of the value"},
		{"'a\\", EINVAL, "a string without its end at character 4 of the value"},
		{"'\\u0000'", EINVAL, "no character at character 3 of the value"},
		{"'\\ud800'", EINVAL, "no character at character 3 of the value"},
		{"'\\u12'", EINVAL, "no character at character 3 of the value"},
		{"[]", EINVAL,
		 "an empty list, which needs its type (as in \"@as []\"), at character 2 of the "
		 "value"},
		{"[1, 'a']", EINVAL,
		 "a string, where another type is expected, at character 5 of the value"},
		{"['a', 1]", EINVAL,
		 "a number, where another type is expected, at character 7 of the value"},
		{"[true, 1]", EINVAL,
		 "a number, where another type is expected, at character 8 of the value"},
		{"[1, byte 2]", EINVAL, "another type than before at character 9 of the value"},
		{"['a'", EINVAL, "neither \",\" nor \"]\" at character 5 of the value"},
		{"('a'", EINVAL, "neither \",\" nor \")\" at character 5 of the value"},
		{"()", EINVAL, "no number at character 2 of the value"},
		{"@(ss) ('a')", EINVAL, "too few members at character 11 of the value"},
		{"@(s) ('a', 'b')", EINVAL, "one member too many at character 12 of the value"},
		{"@x{ 5", EINVAL, "no type at character 1 of the value"},
		{"@ 5", EINVAL, "no type at character 1 of the value"},
		{"<1>", EINVAL,
		 "a variant or a dictionary, which no property is, at character 1 of the value"},
		{"{'a': 1}", EINVAL,
		 "a variant or a dictionary, which no property is, at character 1 of the value"},
		{"[[[[[[[[[1]]]]]]]]]", E2BIG, "too many levels at character 9 of the value"},
	};

	for (size_t i = 0; i < suite_count(cases); i++)
		check_refused(cases[i].text, cases[i].number, cases[i].message);
}
END_TEST

START_TEST(quoting)
{
	struct text out = {0};

	systemd_value_quote(&out, "it's a \\ \"x\"");
	ck_assert_str_eq(out.data, "'it\\'s a \\\\ \"x\"'");
	check_value(out.data, "s", "s:it's a \\ \"x\" ");
	text_clear(&out);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {basic_values, strings, containers, refusals, quoting};

	return suite_run("systemd-value", tests, suite_count(tests));
}
