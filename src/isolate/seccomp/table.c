/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libseccomp finds a name in some hundred comparisons, and once more for each architecture: of what
 * docker's profile, with its three hundred and fifty names for three architectures, adds to the
 * start of a container that was the largest part. The numbers themselves never change.
 */
#include "isolate/seccomp/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How many rows a profile may leave out for its next name to be looked for behind the last one. */
#define NEAR 4

static int row_compare(const void *name, const void *row)
{
	return strcmp(name, ((const struct seccomp_row *)row)->name);
}

const struct seccomp_row *seccomp_table_find(const char *name, size_t *hint)
{
	const struct seccomp_row *row = NULL;
	int order = 1;

	for (size_t i = *hint; i < seccomp_table_count && i < *hint + NEAR && order > 0; i++) {
		order = strcmp(name, seccomp_table_rows[i].name);
		if (order == 0)
			row = &seccomp_table_rows[i];
	}
	if (!row)
		row = bsearch(name, seccomp_table_rows, seccomp_table_count,
			      sizeof(*seccomp_table_rows), row_compare);
	if (row)
		*hint = (size_t)(row - seccomp_table_rows) + 1;
	return row;
}

int seccomp_table_number(const struct seccomp_row *row, uint32_t token,
			 struct seccomp_number *ret_number)
{
	const struct seccomp_cell *cell;
	struct seccomp_number number = {.multiplexer = -1};
	size_t column = 0;

	while (column < SECCOMP_TABLE_TOKENS && seccomp_table_tokens[column] != token)
		column++;
	if (column == SECCOMP_TABLE_TOKENS)
		return -ESRCH;
	cell = &row->cells[column];
	if (cell->direct < 0 && cell->multiplexer == SECCOMP_TABLE_NONE)
		return -ENOENT;
	number.direct = cell->direct;
	number.subcall = cell->subcall;
	if (cell->direct >= 0 && seccomp_architecture_is_x32(token))
		number.direct |= (int)SECCOMP_X32_BIT;
	if (cell->multiplexer != SECCOMP_TABLE_NONE)
		number.multiplexer = cell->multiplexer;
	*ret_number = number;
	return 0;
}
