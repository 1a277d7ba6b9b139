/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the rules of a profile, by name and for all architectures at once, to what they say about
 * the syscall numbers of one. What a profile means is written down in the .c. Pure.
 */
#ifndef ISOLATE_SECCOMP_RULES_H
#define ISOLATE_SECCOMP_RULES_H

#include <knarr/config.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "isolate/seccomp/syscalls.h"

/* A profile whose rules have been looked at, with their actions as the kernel writes them. */
struct seccomp_profile {
	const struct oci_seccomp *config;
	uint32_t default_action;
	uint32_t *actions; /* of each rule; owned */
	/* Of each name, one rule behind the other; NULL for one that is not in the table. Owned. */
	const struct seccomp_row **rows;
	size_t names;
};
#define SECCOMP_ARGUMENTS 6

/* -EINVAL with the field for what has no meaning: an action that takes no errno or a larger one, an
 * argument that does not exist, NOTIFY where it would wait for ever. -ENOMEM. */
int seccomp_profile_plan(const struct oci_seccomp *config, struct seccomp_profile *ret_profile,
			 struct error *err);
void seccomp_profile_clear(struct seccomp_profile *profile);

/* Whether a rule has the action NOTIFY. */
bool seccomp_profile_notifies(const struct oci_seccomp *config);

/* One thing that is said about one number: the action, if all conditions hold. There are some
 * thousand in a filter, so it is small. */
struct seccomp_match {
	/* Sorted, and in one form. Never two about the same argument. */
	const struct oci_seccomp_arg *conditions;
	uint32_t number, action;
	uint32_t rule, name; /* who says so */
	uint8_t count;	     /* of the conditions */
	bool multiplexed;    /* the first condition stands for the name */
};

struct seccomp_matches {
	struct seccomp_match *items; /* owned; by number, and then as in the profile */
	size_t count;
	int64_t newest; /* the highest number that is named with whatever action; -1: none */

	struct seccomp_conditions {
		struct seccomp_conditions *next;
		struct oci_seccomp_arg items[SECCOMP_ARGUMENTS];
	} * conditions; /* owned, those of the matches */
	size_t size;	/* while it is filled */
};

/*
 * All matches on one architecture, without those that give the default action, as they change
 * nothing. Names that libseccomp does not know are skipped with a debug message. -ENOMEM; -E2BIG
 * for more conditions than can ever be compiled.
 */
int seccomp_matches_collect(const struct seccomp_profile *profile, uint32_t token,
			    struct seccomp_matches *ret_matches, struct error *err);
void seccomp_matches_clear(struct seccomp_matches *matches);

/*
 * What the matches of one number (`count` from `matches` on) come to. One without conditions puts
 * the others away; repeated ones are dropped. Gives how many are left, at the beginning. -EINVAL
 * with the field when two have the same conditions and different actions.
 */
int seccomp_matches_reduce(const struct seccomp_profile *profile, struct seccomp_match *matches,
			   size_t count, size_t *ret_count, struct error *err);

/* The error for a filter that is too long. */
int seccomp_too_long(struct error *err);

#endif
