/* SPDX-License-Identifier: Apache-2.0 */
/* The table of syscall numbers that is made when knarr is built. */
#include <check.h>
#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "isolate/seccomp/table.h"

static bool is_there(const struct seccomp_number *number)
{
	return number->direct >= 0 || number->multiplexer >= 0;
}

/* All of them, and not only the rows that were made from the same answers: names of the one
 * architecture that another one has by another number, or not. */
START_TEST(says_what_libseccomp_says)
{
	uint32_t token = seccomp_table_tokens[_i];
	struct seccomp_numbers numbers = {0};
	size_t found = 0;

	for (size_t i = 0; token && i < seccomp_table_count; i++) {
		const struct seccomp_row *row = &seccomp_table_rows[i];
		struct seccomp_number asked = {-1, -1, 0}, number = {-1, -1, 0};
		int r = seccomp_numbers_ask(&numbers, token, row->name, &asked);

		ck_assert_int_eq(seccomp_table_number(row, token, &number),
				 r == 0 && is_there(&asked) ? 0 : -ENOENT);
		if (!is_there(&number))
			continue;
		found++;
		ck_assert_int_eq(number.direct, asked.direct);
		ck_assert_int_eq(number.multiplexer, asked.multiplexer);
		if (number.multiplexer >= 0)
			ck_assert_uint_eq(number.subcall, asked.subcall);
	}
	ck_assert(!token || found > 300);
}
END_TEST

/* From the other side: each number that has a name is in the table. */
START_TEST(knows_each_number)
{
	uint32_t token = seccomp_table_tokens[_i];
	int base = token && seccomp_architecture_is_x32(token) ? (int)SECCOMP_X32_BIT : 0;

	for (int i = 0; token && i < 600; i++) {
		char *name = seccomp_syscall_resolve_num_arch(token, base + i);
		struct seccomp_number number;
		size_t hint = 0;

		if (name && seccomp_syscall_resolve_name_arch(token, name) == base + i) {
			ck_assert_ptr_nonnull(seccomp_table_find(name, &hint));
			ck_assert_int_eq(
				seccomp_table_number(&seccomp_table_rows[hint - 1], token, &number),
				0);
			ck_assert_int_eq(number.direct, base + i);
		}
		free(name);
	}
}
END_TEST

/* The hint is where to begin, and no more: with each, each row is found. */
START_TEST(finds_names_in_any_order)
{
	ck_assert_uint_gt(seccomp_table_count, 300);
	ck_assert_str_eq(seccomp_table_rows[seccomp_table_count].name, "");
	for (size_t i = 0; i < seccomp_table_count; i++) {
		const struct seccomp_row *row = &seccomp_table_rows[i];

		ck_assert(i == 0 || strcmp(row[-1].name, row->name) < 0);
		for (size_t k = 0; k <= seccomp_table_count; k += i % 7 + 1) {
			size_t hint = k;

			ck_assert_ptr_eq(seccomp_table_find(row->name, &hint), row);
			ck_assert_uint_eq(hint, i + 1);
		}
	}
}
END_TEST

START_TEST(knows_no_others)
{
	static const char *const names[] = {"", "a", "read0", "zzz",
					    "no_such_call_that_is_longer_than_a_row"};
	struct seccomp_number number = {1, 2, 3};
	size_t hint = 5;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_ptr_null(seccomp_table_find(names[i], &hint));
	ck_assert_uint_eq(hint, 5);
	ck_assert_int_eq(seccomp_table_number(&seccomp_table_rows[0], SCMP_ARCH_S390, &number),
			 -ESRCH);
	ck_assert_int_eq(number.direct, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("seccomp-table");
	TCase *table = tcase_create("table");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(table, says_what_libseccomp_says, 0, SECCOMP_TABLE_TOKENS);
	tcase_add_loop_test(table, knows_each_number, 0, SECCOMP_TABLE_TOKENS);
	tcase_add_test(table, finds_names_in_any_order);
	tcase_add_test(table, knows_no_others);
	suite_add_tcase(suite, table);

	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
