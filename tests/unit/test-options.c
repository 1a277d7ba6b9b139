/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/suggestion.h"
#include "suite.h"

struct target {
	bool detach, tty;
	struct oci_opt_bool sure;
	const char *bundle, *log;
	uint32_t number;
	struct oci_strings env;
	struct oci_u32s groups;
	struct limits {
		const char *file;
		struct oci_opt_u16 weight;
		struct oci_opt_i64 quota, memory;
		struct oci_opt_u64 period;
	} limits;
};

static const struct option options[] = {
	OPTION(target, bundle, "bundle", 'b', "DIR", "the bundle"),
	OPTION(target, detach, "detach", 'd', NULL, "do not wait"),
	OPTION(target, log, "log", 0, "FILE", "the log"),
	OPTION(target, number, "number", 'n', "N", "a number"),
	OPTION(target, tty, "tty", 't', NULL, NULL),
	OPTION(target, env, "env", 'e', "NAME=VALUE", "a variable"),
	OPTION(target, groups, "group", 'g', "GID", "a group"),
	OPTION_AS(OPTION_FILLED, target, limits.file, "file", 0, "FILE", "a file"),
	OPTION(target, limits.weight, "weight", 0, "N", "a weight"),
	OPTION(target, limits.quota, "quota", 0, "N", "a quota"),
	OPTION_AS(OPTION_BYTES, target, limits.memory, "memory", 'm', "BYTES", "memory"),
	OPTION(target, limits.period, "period", 0, "N", "a period"),
	OPTION(target, sure, "sure", 's', NULL, "a choice"),
};
#define FIRST_LIMIT   7
#define BEHIND_LIMITS (suite_count(options) - 1)
static const struct option_table table = {options, suite_count(options)};

#define ARGUMENTS 8

struct parsed {
	struct target target;
	char *rest[ARGUMENTS];
	int count;
	struct error err;
};

/* Arguments up to a NULL. */
static int parse(struct parsed *parsed, bool in_order, const char *const *words)
{
	struct options_input input = {.in_order = in_order, .index = 1};
	char *argv[ARGUMENTS] = {(char *)(uintptr_t) "program"};

	*parsed = (struct parsed){.count = -1};
	input.argc = 1;
	for (; words[input.argc - 1]; input.argc++)
		argv[input.argc] = (char *)(uintptr_t)words[input.argc - 1];
	input.argv = argv;
	return options_parse(&table, &input, &parsed->target, parsed->rest, &parsed->count,
			     &parsed->err);
}
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

START_TEST(kinds_follow_members)
{
	ck_assert_int_eq(options[0].kind, OPTION_TEXT);
	ck_assert_int_eq(options[1].kind, OPTION_SWITCH);
	ck_assert_int_eq(options[3].kind, OPTION_NUMBER);
	ck_assert_uint_eq(options[3].offset, offsetof(struct target, number));
}
END_TEST

START_TEST(forms_of_text)
{
	static const char *const forms[][3] = {
		{"--bundle", "/x"}, {"--bundle=/x"}, {"-bundle", "/x"}, {"-bundle=/x"},
		{"-b", "/x"},	    {"-b/x"},	     {"-b=/x"},		{"--b", "/x"},
	};
	struct parsed parsed;

	for (size_t i = 0; i < suite_count(forms); i++) {
		ck_assert_int_eq(parse(&parsed, false, forms[i]), 0);
		ck_assert_str_eq(parsed.target.bundle, "/x");
		ck_assert_int_eq(parsed.count, 0);
	}
	ck_assert_int_eq(parse(&parsed, false, WORDS("--bundle=")), 0);
	ck_assert_str_eq(parsed.target.bundle, "");
	/* The next argument is the value, whatever it looks like. */
	ck_assert_int_eq(parse(&parsed, false, WORDS("--bundle", "--tty")), 0);
	ck_assert_str_eq(parsed.target.bundle, "--tty");
	/* The last one counts. */
	ck_assert_int_eq(parse(&parsed, false, WORDS("-b", "1", "--bundle", "2")), 0);
	ck_assert_str_eq(parsed.target.bundle, "2");
}
END_TEST

START_TEST(switches)
{
	static const char *const yes[] = {"--tty",	"-t",	   "-tty",    "--tty=true",
					  "--tty=1",	"--tty=t", "--tty=T", "--tty=TRUE",
					  "--tty=True", "-t=true"};
	static const char *const no[] = {"--tty=false", "--tty=0",     "--tty=f",   "--tty=F",
					 "--tty=FALSE", "--tty=False", "-tty=false"};
	struct parsed parsed;

	for (size_t i = 0; i < suite_count(yes); i++) {
		ck_assert_int_eq(parse(&parsed, false, WORDS(yes[i])), 0);
		ck_assert_msg(parsed.target.tty, "%s", yes[i]);
	}
	for (size_t i = 0; i < suite_count(no); i++) {
		ck_assert_int_eq(parse(&parsed, false, WORDS("--tty", no[i])), 0);
		ck_assert_msg(!parsed.target.tty, "%s", no[i]);
	}
	ck_assert_int_eq(parse(&parsed, false, WORDS("-dt")), 0);
	ck_assert(parsed.target.detach && parsed.target.tty);
	ck_assert_int_eq(parse(&parsed, false, WORDS("-dtb", "/x")), 0);
	ck_assert(parsed.target.detach && parsed.target.tty);
	ck_assert_str_eq(parsed.target.bundle, "/x");
	ck_assert_int_eq(parse(&parsed, false, WORDS("-dn7")), 0);
	ck_assert_uint_eq(parsed.target.number, 7);
	ck_assert_int_eq(parse(&parsed, false, WORDS("-dt")), 0);
	ck_assert(!parsed.target.sure.set);
	ck_assert_int_eq(parse(&parsed, false, WORDS("-ds")), 0);
	ck_assert(parsed.target.detach && parsed.target.sure.set && parsed.target.sure.value);
	ck_assert_int_eq(parse(&parsed, false, WORDS("--sure=false", "x")), 0);
	ck_assert(parsed.target.sure.set && !parsed.target.sure.value);
	ck_assert_int_eq(parsed.count, 1);
	/* A switch takes no value of its own. */
	ck_assert_int_eq(parse(&parsed, false, WORDS("--tty", "false")), 0);
	ck_assert(parsed.target.tty);
	ck_assert_str_eq(parsed.rest[0], "false");
}
END_TEST

START_TEST(order)
{
	struct parsed parsed;

	ck_assert_int_eq(parse(&parsed, false, WORDS("a", "-d", "b", "--tty")), 0);
	ck_assert(parsed.target.detach && parsed.target.tty);
	ck_assert_int_eq(parsed.count, 2);
	ck_assert_str_eq(parsed.rest[0], "a");
	ck_assert_str_eq(parsed.rest[1], "b");
	ck_assert_int_eq(parse(&parsed, true, WORDS("-d", "a", "--tty", "--no-such")), 0);
	ck_assert(parsed.target.detach && !parsed.target.tty);
	ck_assert_int_eq(parsed.count, 3);
	ck_assert_str_eq(parsed.rest[2], "--no-such");
	ck_assert_int_eq(parse(&parsed, false, WORDS("-d", "--", "-t", "--")), 0);
	ck_assert(!parsed.target.tty);
	ck_assert_int_eq(parsed.count, 2);
	ck_assert_str_eq(parsed.rest[0], "-t");
	ck_assert_str_eq(parsed.rest[1], "--");
	/* These are arguments. */
	ck_assert_int_eq(parse(&parsed, false, WORDS("", "-")), 0);
	ck_assert_int_eq(parsed.count, 2);
}
END_TEST

START_TEST(errors)
{
	static const struct {
		const char *words[3], *message, *hint;
	} cases[] = {
		{{"--frob"}, "unknown flag: --frob"},
		{{"--frob=1"}, "unknown flag: --frob=1"},
		{{"-x"}, "unknown flag: -x"},
		{{"-dx"}, "unknown flag: -dx"},
		{{"-d=x"}, "invalid value \"x\" for flag --detach: neither true nor false"},
		{{"--bundl", "x"}, "unknown flag: --bundl", "did you mean --bundle?"},
		{{"-bunlde=x"}, "unknown flag: -bunlde=x", "did you mean --bundle?"},
		{{"-dt=x"}, "unknown flag: -dt=x"},
		{{"-db=x"}, "unknown flag: -db=x"},
		{{"--sure=so"}, "invalid value \"so\" for flag --sure: neither true nor false"},
		{{"--="}, "unknown flag: --="},
		{{"-="}, "unknown flag: -="},
		{{"---tty"}, "unknown flag: ---tty"},
		{{"--bundle"}, "flag needs an argument: --bundle"},
		{{"-b"}, "flag needs an argument: --bundle"},
		{{"-db"}, "flag needs an argument: --bundle"},
		{{"--tty=yes"}, "invalid value \"yes\" for flag --tty: neither true nor false"},
		{{"--tty="}, "invalid value \"\" for flag --tty: neither true nor false"},
		{{"--number", "-1"},
		 "invalid value \"-1\" for flag --number: not a number from 0 to 4294967295"},
		{{"--number=4294967296"},
		 "invalid value \"4294967296\" for flag --number: not a number from 0 to "
		 "4294967295"},
		{{"-n", ""},
		 "invalid value \"\" for flag --number: not a number from 0 to 4294967295"},
		{{"-n", "0x10"},
		 "invalid value \"0x10\" for flag --number: not a number from 0 to 4294967295"},
		{{"--weight", "65536"},
		 "invalid value \"65536\" for flag --weight: not a number from 10 to 1000"},
		{{"--quota", "1.5"}, "invalid value \"1.5\" for flag --quota: not a whole number"},
		{{"--period", "-5"},
		 "invalid value \"-5\" for flag --period: not a whole number from 0 on"},
		{{"-m", "-2"},
		 "invalid value \"-2\" for flag --memory: not a number of bytes, such as 1048576, "
		 "512m or -1"},
		{{"-m", "9999999999g"},
		 "invalid value \"9999999999g\" for flag --memory: too large"},
		{{"-g", "4294967295"},
		 "invalid value \"4294967295\" for flag --group: not a user or group id"},
		{{"-g", ""}, "invalid value \"\" for flag --group: not a user or group id"},
	};
	struct parsed parsed;

	for (size_t i = 0; i < suite_count(cases); i++) {
		ck_assert_int_eq(parse(&parsed, false, cases[i].words), -EINVAL);
		ck_assert_error(&parsed.err, EINVAL, "", cases[i].message,
				cases[i].hint ? cases[i].hint : "");
		ck_assert_int_eq(parsed.count, -1);
		free(parsed.target.groups.items);
	}
	ck_assert_int_eq(parse(&parsed, false, WORDS("--number=4294967295")), 0);
	ck_assert_uint_eq(parsed.target.number, 4294967295U);
}
END_TEST

START_TEST(suggestions)
{
	static const struct {
		const char *word, *best;
	} cases[] = {
		{"stat", "state"},
		{"sate", "state"},
		{"tsate", "state"},
		{"statee", "state"},
		{"strat", "start"},
		{"chekc", "check"},
		{"runn", "run"},
		{"rn", NULL},
		{"nothing", NULL},
		{"", NULL},
		{"checkpiont", "checkpoint"},
		{"a-word-that-is-longer-than-what-is-compared", NULL},
	};
	static const char *const commands[] = {"check", "checkpoint", "run", "start", "state"};

	for (size_t i = 0; i < suite_count(cases); i++) {
		struct suggestion suggestion = SUGGESTION_INIT(cases[i].word);

		for (size_t j = 0; j < suite_count(commands); j++)
			suggestion_consider(&suggestion, commands[j]);
		if (cases[i].best)
			ck_assert_str_eq(suggestion.best, cases[i].best);
		else
			ck_assert_ptr_null(suggestion.best);
	}
}
END_TEST

START_TEST(lists)
{
	struct parsed parsed;

	ck_assert_int_eq(
		parse(&parsed, false, WORDS("-e", "A=1", "-g7", "--env=B=2", "-g", "4294967294")),
		0);
	ck_assert_uint_eq(parsed.target.env.count, 2);
	ck_assert_str_eq(parsed.target.env.items[0], "A=1");
	ck_assert_str_eq(parsed.target.env.items[1], "B=2");
	ck_assert_uint_eq(parsed.target.groups.count, 2);
	ck_assert_uint_eq(parsed.target.groups.items[0], 7);
	ck_assert_uint_eq(parsed.target.groups.items[1], 4294967294U);
	free(parsed.target.env.items);
	free(parsed.target.groups.items);
	ck_assert_int_eq(parse(&parsed, false, WORDS("-eA=B=C", "-deC=D")), 0);
	ck_assert(parsed.target.detach);
	ck_assert_uint_eq(parsed.target.env.count, 2);
	ck_assert_str_eq(parsed.target.env.items[0], "A=B=C");
	ck_assert_str_eq(parsed.target.env.items[1], "C=D");
	free(parsed.target.env.items);
}
END_TEST

/* What may be without a value. */
START_TEST(optional)
{
	struct parsed parsed;
	struct limits *limits = &parsed.target.limits;

	ck_assert_int_eq(parse(&parsed, false,
			       WORDS("--file=f", "--weight=500", "--quota=-1", "--memory=2k",
				     "--period=18446744073709551615")),
			 0);
	for (size_t i = FIRST_LIMIT; i < BEHIND_LIMITS; i++)
		ck_assert_msg(options_is_given(&options[i], &parsed.target), "%s", options[i].name);
	ck_assert_str_eq(limits->file, "f");
	ck_assert_uint_eq(limits->weight.value, 500);
	ck_assert_int_eq(limits->quota.value, -1);
	ck_assert_int_eq(limits->memory.value, 2048);
	ck_assert_uint_eq(limits->period.value, UINT64_MAX);
	ck_assert_int_eq(parse(&parsed, false, WORDS("--memory=-1")), 0);
	ck_assert(limits->memory.set && limits->memory.value == -1);
	/* Empty is not given, and takes back what was. */
	ck_assert_int_eq(parse(&parsed, false,
			       WORDS("--memory=1",
				     "--memory=", "--file=", "--weight=", "--quota=", "--period=")),
			 0);
	for (size_t i = FIRST_LIMIT; i < BEHIND_LIMITS; i++)
		ck_assert_msg(!options_is_given(&options[i], &parsed.target), "%s",
			      options[i].name);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		kinds_follow_members, forms_of_text, switches, order, errors, lists, optional,
		suggestions};

	return suite_run("options", tests, suite_count(tests));
}
