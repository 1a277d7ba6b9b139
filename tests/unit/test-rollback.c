/* SPDX-License-Identifier: Apache-2.0 */
#include "container/rollback.h"

#include <signal.h>
#include <string.h>

#include "suite.h"

/* What ran, in its order. */
struct diary {
	char letters[16];
	size_t length;
};
struct step {
	struct diary *diary;
	char letter;
};

static void note(void *data)
{
	struct step *step = data;

	step->diary->letters[step->diary->length++] = step->letter;
}

START_TEST(runs_backwards_and_once)
{
	struct diary diary = {.length = 0};
	struct step a = {&diary, 'a'}, b = {&diary, 'b'}, c = {&diary, 'c'};
	struct rollback rollback = ROLLBACK_INIT;

	rollback_add(&rollback, note, &a);
	rollback_add(&rollback, note, &b);
	rollback_add(&rollback, note, &c);
	rollback_run(&rollback);
	ck_assert_str_eq(diary.letters, "cba");
	rollback_run(&rollback);
	ck_assert_str_eq(diary.letters, "cba");
	/* It can be used again. */
	rollback_add(&rollback, note, &b);
	rollback_run(&rollback);
	ck_assert_str_eq(diary.letters, "cbab");
}
END_TEST

START_TEST(committed_stays)
{
	struct diary diary = {.length = 0};
	struct step a = {&diary, 'a'};

	{
		auto_rollback struct rollback rollback = ROLLBACK_INIT;

		rollback_add(&rollback, note, &a);
		rollback_commit(&rollback);
	}
	ck_assert_str_eq(diary.letters, "");
	{
		auto_rollback struct rollback rollback = ROLLBACK_INIT;

		rollback_add(&rollback, note, &a);
	}
	ck_assert_str_eq(diary.letters, "a");
}
END_TEST

START_TEST(room_is_limited)
{
	struct diary diary = {.length = 0};
	struct step a = {&diary, 'a'};
	struct rollback rollback = ROLLBACK_INIT;

	for (size_t i = 0; i < ROLLBACK_MAX; i++)
		rollback_add(&rollback, note, &a);
	rollback_run(&rollback);
	ck_assert_str_eq(diary.letters, "aaaaaaaa");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {runs_backwards_and_once, committed_stays, room_is_limited};

	return suite_run("rollback", tests, suite_count(tests));
}
