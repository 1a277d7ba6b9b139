/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the rows of table.h to standard output, as a source file. Runs when knarr is
 * built. */
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "isolate/seccomp/table.h"

/* libseccomp gives calls of socketcall and ipc numbers from here on. Behind the last are those of
 * syscalls yet to come. */
#define FIRST_NUMBER (-225)
#define LAST_NUMBER  1023
#define MAX_ROWS     4096

struct table {
	uint32_t tokens[SECCOMP_TABLE_TOKENS];
	struct seccomp_numbers numbers[SECCOMP_TABLE_TOKENS];
	struct seccomp_row rows[MAX_ROWS];
	size_t count;
};

/* What a kernel for the native architecture runs. Others are asked for name by name. */
static void table_choose(struct table *table)
{
	table->tokens[0] = seccomp_arch_native();
	if (table->tokens[0] == SCMP_ARCH_X86_64) {
		table->tokens[1] = SCMP_ARCH_X86;
		table->tokens[2] = SCMP_ARCH_X32;
	} else if (table->tokens[0] == SCMP_ARCH_AARCH64) {
		table->tokens[1] = SCMP_ARCH_ARM;
	}
}

/* Whether it can be said in so few bits. */
static bool cell_make(struct table *table, size_t column, const char *name,
		      struct seccomp_cell *ret_cell)
{
	uint32_t token = table->tokens[column];
	struct seccomp_number number = {.direct = -1, .multiplexer = -1};

	if (token)
		(void)seccomp_numbers_ask(&table->numbers[column], token, name, &number);
	if (number.direct >= 0 && seccomp_architecture_is_x32(token))
		number.direct ^= (int)SECCOMP_X32_BIT;
	if (number.direct > INT16_MAX || number.multiplexer >= SECCOMP_TABLE_NONE ||
	    number.subcall > UINT8_MAX)
		return false;
	*ret_cell = (struct seccomp_cell){
		.direct = (int16_t)number.direct,
		.multiplexer =
			number.multiplexer < 0 ? SECCOMP_TABLE_NONE : (uint8_t)number.multiplexer,
		.subcall = (uint8_t)number.subcall,
	};
	return true;
}

static void table_add(struct table *table, const char *name)
{
	struct seccomp_row row = {0};
	size_t length = strlen(name);

	if (table->count == MAX_ROWS || length >= sizeof(row.name))
		return;
	memcpy(row.name, name, length);
	for (size_t i = 0; i < SECCOMP_TABLE_TOKENS; i++)
		if (!cell_make(table, i, name, &row.cells[i]))
			return;
	table->rows[table->count++] = row;
}

static void table_add_architecture(struct table *table, uint32_t token)
{
	int base = seccomp_architecture_is_x32(token) ? (int)SECCOMP_X32_BIT : 0;

	for (int number = FIRST_NUMBER; token && number <= LAST_NUMBER; number++) {
		char *name = seccomp_syscall_resolve_num_arch(token,
							      number < 0 ? number : base + number);

		if (name)
			table_add(table, name);
		free(name);
	}
}

static int row_order(const void *left, const void *right)
{
	const struct seccomp_row *a = left, *b = right;

	return strcmp(a->name, b->name);
}

static void row_print(const struct seccomp_row *row)
{
	printf("\t{\"%s\", {", row->name);
	for (size_t i = 0; i < SECCOMP_TABLE_TOKENS; i++)
		printf("%s{%d, %u, %u}", i ? ", " : "", row->cells[i].direct,
		       row->cells[i].multiplexer, row->cells[i].subcall);
	printf("}},\n");
}

static void table_print(const struct table *table)
{
	size_t count = 0;

	printf("/* Made by seccomp/table-program.c. */\n#include \"isolate/seccomp/table.h\"\n\n"
	       "const uint32_t seccomp_table_tokens[] = {");
	for (size_t i = 0; i < SECCOMP_TABLE_TOKENS; i++)
		printf("%s0x%xu", i ? ", " : "", table->tokens[i]);
	printf("};\nconst struct seccomp_row seccomp_table_rows[] = {\n");
	for (size_t i = 0; i < table->count; i++) {
		if (i > 0 && strcmp(table->rows[i].name, table->rows[i - 1].name) == 0)
			continue;
		row_print(&table->rows[i]);
		count++;
	}
	printf("\t{\"\", {{0}}},\n};\nconst size_t seccomp_table_count = %zu;\n", count);
}

int main(void)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return EXIT_FAILURE;
	table_choose(table);
	for (size_t i = 0; i < SECCOMP_TABLE_TOKENS; i++)
		table_add_architecture(table, table->tokens[i]);
	qsort(table->rows, table->count, sizeof(*table->rows), row_order);
	table_print(table);
	free(table);
	return ferror(stdout) || fclose(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
