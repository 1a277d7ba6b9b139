/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of the command line, as tables: the same table parses, prints the help, and gives the man
 * pages their lists.
 *
 * All forms that callers use are taken: "--bundle X", "--bundle=X", "-bundle X" (Go programs do),
 * "-b X",
 * "-bX", "-dt" for two switches, "--tty=false" with Go's spellings of booleans. "--" ends the
 * options.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <knarr/config.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum option_kind {
	OPTION_SWITCH, /* bool */
	OPTION_CHOICE, /* struct oci_opt_bool: a switch that may also not be given */
	OPTION_TEXT,   /* const char * */
	OPTION_NUMBER, /* uint32_t */
	/* Each time it is given, one more, in order. The memory is the process's. */
	OPTION_LIST, /* struct oci_strings */
	OPTION_IDS,  /* struct oci_u32s, of user or group ids */
	/* With an empty value it counts as not given, as with runc: */
	OPTION_FILLED,	 /* const char * or char * */
	OPTION_WEIGHT,	 /* struct oci_opt_u16 */
	OPTION_SIGNED,	 /* struct oci_opt_i64 */
	OPTION_UNSIGNED, /* struct oci_opt_u64 */
	OPTION_BYTES,	 /* struct oci_opt_i64: quantity_parse_bytes(), or -1 */
};

struct option {
	const char *name; /* without dashes */
	char letter;	  /* or 0 */
	enum option_kind kind;
	size_t offset;	      /* of the member in the target struct */
	const char *argument; /* what stands for the value in the help: "DIR" */
	const char *help;     /* NULL: accepted, but not shown */
};

/*
 * One entry for `member_` (or "member.of.it") of `struct struct_`; its type says what kind of
 * option it is. The words behind it are the name, the letter or 0, what stands for the value or
 * NULL, and the help. Where a type has two kinds, OPTION_AS() names the other.
 */
#define OPTION(struct_, member_, name_, letter_, argument_, help_) \
	OPTION_AS(_Generic(((struct struct_ *)0)->member_,                     \
			bool: OPTION_SWITCH,                                   \
			struct oci_opt_bool: OPTION_CHOICE,                    \
			const char *: OPTION_TEXT,                             \
			uint32_t: OPTION_NUMBER,                               \
			struct oci_strings: OPTION_LIST,                       \
			struct oci_u32s: OPTION_IDS,                           \
			struct oci_opt_u16: OPTION_WEIGHT,                     \
			struct oci_opt_i64: OPTION_SIGNED,                     \
			struct oci_opt_u64: OPTION_UNSIGNED),                  \
		  struct_, member_, name_, letter_, argument_, help_)
#define OPTION_AS(kind_, struct_, member_, name_, letter_, argument_, help_)                   \
	{                                                                                      \
		.name = name_, .letter = letter_, .offset = offsetof(struct struct_, member_), \
		.kind = kind_, .argument = argument_, .help = help_,                           \
	}

struct option_table {
	const struct option *options;
	size_t count;
};

/*
 * Parses from argv[*index] on into `target`, whose members have their defaults. Stops at the first
 * argument that is no option when `in_order`, else goes on behind it; the others are moved to the
 * front of `rest`, of which *ret_count are written (room for argc). Errors name the option.
 */
struct options_input {
	char **argv;
	int argc, index;
	bool in_order;
};
int options_parse(const struct option_table *table, const struct options_input *input, void *target,
		  char **rest, int *ret_count, struct error *err);

/* Whether `target` has a value of an option of the kinds that can be without. */
bool options_is_given(const struct option *option, const void *target);

#endif
