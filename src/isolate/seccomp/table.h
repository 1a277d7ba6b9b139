/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The numbers of syscalls that are asked for most: those of the architectures which this machine's
 * kernel can run. The rows are made when knarr is built, by asking libseccomp for each name
 * (table-program.c). Pure.
 */
#ifndef ISOLATE_SECCOMP_TABLE_H
#define ISOLATE_SECCOMP_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "isolate/seccomp/numbers.h"

#define SECCOMP_TABLE_TOKENS 3
#define SECCOMP_TABLE_NAME   32
#define SECCOMP_TABLE_NONE   UINT8_MAX

/* As small as it can be: all rows together are read for one profile. */
struct seccomp_row {
	char name[SECCOMP_TABLE_NAME];
	struct seccomp_cell {
		int16_t direct; /* without x32's bit; -1: none */
		uint8_t multiplexer, subcall;
	} cells[SECCOMP_TABLE_TOKENS];
};

/* The rows are in the order of strcmp(3), and end with one that has no name. */
extern const uint32_t seccomp_table_tokens[SECCOMP_TABLE_TOKENS]; /* 0: none */
extern const struct seccomp_row seccomp_table_rows[];
extern const size_t seccomp_table_count;

/*
 * NULL when the table does not know the name. *hint is 0 at first: names that come in the order of
 * the alphabet, as they do in most profiles, are found at once.
 */
const struct seccomp_row *seccomp_table_find(const char *name, size_t *hint);

/* -ESRCH when the table does not know the architecture; -ENOENT when that does not have such a
 * syscall. */
int seccomp_table_number(const struct seccomp_row *row, uint32_t token,
			 struct seccomp_number *ret_number);

#endif
