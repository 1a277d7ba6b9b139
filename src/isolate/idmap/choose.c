/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/idmap/choose.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* The number that ends at `end` and begins at `at`; digits only. */
static bool idmap_read_number(const char *at, const char *end, uint64_t *ret_number)
{
	char digits[16];

	return end > at && end - at < (int)sizeof(digits) &&
	       snprintf(digits, sizeof(digits), "%.*s", (int)(end - at), at) > 0 &&
	       text_parse_u64(digits, ret_number) == 0;
}

static bool idmap_meets(const struct idmap_ranges *ranges, uint64_t first, uint64_t count)
{
	for (size_t i = 0; i < ranges->count; i++)
		if (first < (uint64_t)ranges->items[i].first + ranges->items[i].count &&
		    ranges->items[i].first < first + count)
			return true;
	return false;
}

static bool idmap_is_name(const char *name, size_t length, const char *wanted)
{
	return length > 0 && length == strlen(wanted) && memcmp(name, wanted, length) == 0;
}

void idmap_find_ranges(const char *text, const char *user, uint32_t uid,
		       struct idmap_ranges *ret_ranges)
{
	struct idmap_ranges ranges = {.count = 0};
	char number[16];

	(void)snprintf(number, sizeof(number), "%u", uid);
	while (*text && ranges.count < IDMAP_RANGES_MAX) {
		const char *name = text, *end = text + strcspn(text, "\n");
		const char *first = memchr(name, ':', (size_t)(end - name));
		const char *count =
			first ? memchr(first + 1, ':', (size_t)(end - first - 1)) : NULL;
		uint64_t from, many;

		text = end + (*end == '\n');
		if (!count || !(idmap_is_name(name, (size_t)(first - name), user) ||
				idmap_is_name(name, (size_t)(first - name), number)))
			continue;
		if (!idmap_read_number(first + 1, count, &from) ||
		    !idmap_read_number(count + 1, end, &many) || many == 0 || from > UINT32_MAX ||
		    many > UINT32_MAX - from || idmap_meets(&ranges, from, many))
			continue;
		ranges.items[ranges.count++] = (struct idmap_range){(uint32_t)from, (uint32_t)many};
	}
	*ret_ranges = ranges;
}

int idmap_choose(const struct idmap_ranges *ranges, uint32_t own, uint32_t inside,
		 struct oci_id_mapping *lines, size_t *ret_count)
{
	uint32_t next = 0; /* the first id inside that is not mapped yet */
	size_t count = 0;
	bool placed = false;

	/* No id at all: check_user() of the specification's rules has refused it. */
	if (inside == UINT32_MAX)
		return -ENOENT;
	for (size_t i = 0; i < ranges->count; i++) {
		struct idmap_range left = ranges->items[i];

		/* He is himself, and nobody else as well. */
		if (own >= left.first && own - left.first < left.count)
			continue;
		if (!placed && inside - next <= left.count) {
			uint32_t below = inside - next;

			if (below > 0)
				lines[count++] = (struct oci_id_mapping){next, left.first, below};
			lines[count++] = (struct oci_id_mapping){inside, own, 1};
			placed = true;
			next = inside + 1;
			left.first += below;
			left.count -= below;
		}
		/* The last id, 4294967295, is none. */
		if (left.count > UINT32_MAX - next)
			left.count = UINT32_MAX - next;
		if (left.count == 0)
			continue;
		lines[count++] = (struct oci_id_mapping){next, left.first, left.count};
		next += left.count;
	}
	if (!placed)
		lines[count++] = (struct oci_id_mapping){inside, own, 1};
	if (lines[0].container_id != 0)
		return -ENOENT;
	*ret_count = count;
	return 0;
}
