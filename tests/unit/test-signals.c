/* SPDX-License-Identifier: Apache-2.0 */
#include "base/signals.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "suite.h"

static const struct {
	const char *text;
	int number; /* or -EINVAL */
} words[] = {
	{"0", 0},
	{"9", 9},
	{"64", 64},
	{"65", -EINVAL},
	{"-1", -EINVAL},
	{"+9", -EINVAL},
	{"09x", -EINVAL},
	{"", -EINVAL},
	{"KILL", SIGKILL},
	{"SIGKILL", SIGKILL},
	{"sigkill", SIGKILL},
	{"kIlL", SIGKILL},
	{"SIG", -EINVAL},
	{"SIGSIGKILL", -EINVAL},
	{"KILL ", -EINVAL},
	{"SIG9", -EINVAL},
	{"IOT", SIGABRT},
	{"CLD", SIGCHLD},
	{"IO", SIGIO},
	{"POLL", SIGIO},
	{"RTMIN", 34},
	{"SIGRTMIN+3", 37},
	{"rtmin+30", 64},
	{"RTMIN+31", -EINVAL},
	{"RTMAX", 64},
	{"RTMAX-30", 34},
	{"RTMAX-31", -EINVAL},
	{"RTMIN-1", -EINVAL},
	{"RTMAX+1", -EINVAL},
	{"RTMIN+", -EINVAL},
	{"RTMIN3", -EINVAL},
	{"RTMIN+4294967296", -EINVAL},
};

START_TEST(words_are_signals)
{
	for (size_t i = 0; i < suite_count(words); i++) {
		int number = -1, r = signals_parse(words[i].text, &number);
		int wanted = words[i].number < 0 ? words[i].number : 0;

		ck_assert_msg(r == wanted, "%s: %d", words[i].text, r);
		ck_assert_msg(number == (wanted < 0 ? -1 : words[i].number), "%s is %d",
			      words[i].text, number);
	}
}
END_TEST

START_TEST(every_name_is_parsed)
{
	int named = 0;

	for (int number = -1; number <= SIGNALS_MAX + 1; number++) {
		const char *name = signals_name(number);
		int parsed;

#ifdef __GLIBC__
		const char *known = number < SIGNALS_RTMIN ? sigabbrev_np(number) : NULL;

		ck_assert_msg((name == NULL) == (known == NULL), "%d", number);
		ck_assert(!name || strcmp(name, known) == 0);
#endif
		if (!name)
			continue;
		named++;
		ck_assert_int_eq(signals_parse(name, &parsed), 0);
		ck_assert_int_eq(parsed, number);
	}
	ck_assert_int_eq(named, 31);
}
END_TEST

/* Also those that the C library keeps to itself: of a container's programs they are ordinary ones.
 */
START_TEST(all_are_all)
{
	unsigned char bytes[SIGNALS_MAX / 8];
	sigset_t all;

	signals_fill(&all);
	memcpy(bytes, &all, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		ck_assert_uint_eq(bytes[i], 0xff);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {words_are_signals, every_name_is_parsed, all_are_all};

	return suite_run("signals", tests, suite_count(tests));
}
