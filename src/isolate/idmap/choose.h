/* SPDX-License-Identifier: Apache-2.0 */
/* Maps for a user namespace of an unprivileged caller who names none (subuid(5)). */
#ifndef ISOLATE_IDMAP_CHOOSE_H
#define ISOLATE_IDMAP_CHOOSE_H

#include <knarr/config.h>
#include <stdint.h>

/* An administrator gives a user one range, rarely a few. */
#define IDMAP_RANGES_MAX 16

/* Ids outside, in the order of the file; none overlaps another. */
struct idmap_ranges {
	struct idmap_range {
		uint32_t first, count;
	} items[IDMAP_RANGES_MAX];
	size_t count;
};

/* Around and for the caller's own id: one range more, cut in two by it. */
#define IDMAP_CHOSEN_MAX (IDMAP_RANGES_MAX + 2)

/*
 * Pure: the ranges that the lines "NAME:FIRST:COUNT" of `text`, /etc/subuid or /etc/subgid, give to
 * `user` or to the number `uid`. A line that gives nothing, that goes beyond the last id, or that
 * overlaps one before it is passed over, as are those beyond IDMAP_RANGES_MAX.
 */
void idmap_find_ranges(const char *text, const char *user, uint32_t uid,
		       struct idmap_ranges *ret_ranges);

/*
 * Pure: the map of a container whose process is to have the id `inside` and is the caller, `own`,
 * outside; the ids of the ranges, in their order, are 0 to `inside` - 1 and all behind it. `lines`
 * has room for IDMAP_CHOSEN_MAX. Returns 0 and how many there are, or -ENOENT when there is no id
 * for 0, without which no container can be built.
 */
int idmap_choose(const struct idmap_ranges *ranges, uint32_t own, uint32_t inside,
		 struct oci_id_mapping *lines, size_t *ret_count);

#endif
