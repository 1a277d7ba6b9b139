/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/idmap/choose.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"

/* "FIRST+COUNT FIRST+COUNT ..." */
static void find(const char *text, const char *wanted)
{
	struct idmap_ranges ranges;
	char found[512] = "";
	size_t used = 0;

	idmap_find_ranges(text, "erik", 1000, &ranges);
	for (size_t i = 0; i < ranges.count; i++)
		used += (size_t)snprintf(found + used, sizeof(found) - used, "%s%u+%u",
					 i ? " " : "", ranges.items[i].first,
					 ranges.items[i].count);
	ck_assert_str_eq(found, wanted);
}

/* "INSIDE:OUTSIDE:SIZE ..." of the ranges that the text gives to erik, who is 1000. */
static void choose(const char *text, uint32_t inside, const char *wanted)
{
	struct oci_id_mapping lines[IDMAP_CHOSEN_MAX];
	struct idmap_ranges ranges;
	char chosen[512] = "";
	size_t used = 0, count = 7;
	int r;

	idmap_find_ranges(text, "erik", 1000, &ranges);
	r = idmap_choose(&ranges, 1000, inside, lines, &count);
	if (!wanted) {
		ck_assert_int_eq(r, -ENOENT);
		ck_assert_uint_eq(count, 7);
		return;
	}
	ck_assert_int_eq(r, 0);
	for (size_t i = 0; i < count; i++)
		used += (size_t)snprintf(chosen + used, sizeof(chosen) - used, "%s%u:%u:%u",
					 i ? " " : "", lines[i].container_id, lines[i].host_id,
					 lines[i].size);
	ck_assert_str_eq(chosen, wanted);
}

START_TEST(lines_of_the_user)
{
	find("", "");
	find("erik:100000:65536", "100000+65536");
	find("leif:1:5\nerik:100000:10\n1000:200000:7\neri:5000:9\nerika:6000:9\nerik:300000:3\n",
	     "100000+10 200000+7 300000+3");
	find("erik:4294967294:1\n", "4294967294+1");
}
END_TEST

START_TEST(lines_that_give_nothing)
{
	find("erik\nerik:\nerik:5\nerik::\nerik:1:\nerik::1\nerik:1:x\nerik:1:-2\nerik: 1:2\n"
	     "erik:1:2:3\n:1:5\n#erik:1:5\n\n::\nerik:1:99999999999999999999\n",
	     "");
	find("erik:7:0\n", "");
	find("erik:4294967295:1\nerik:4294967294:2\nerik:4294967296:1\nerik:1:4294967296\n", "");
	/* The second of two that overlap. */
	find("erik:100:10\nerik:100:10\nerik:109:5\nerik:91:10\nerik:110:5\n", "100+10 110+5");
}
END_TEST

START_TEST(no_more_than_there_is_room)
{
	char text[1024] = "", wanted[1024] = "";

	for (unsigned int i = 0; i < IDMAP_RANGES_MAX + 3; i++) {
		sprintf(text + strlen(text), "erik:%u:1\n", 100 + i);
		if (i < IDMAP_RANGES_MAX)
			sprintf(wanted + strlen(wanted), "%s%u+1", i ? " " : "", 100 + i);
	}
	find(text, wanted);
}
END_TEST

START_TEST(himself_is_root)
{
	choose("", 0, "0:1000:1");
	choose("erik:100000:65536\n", 0, "0:1000:1 1:100000:65536");
	choose("erik:100000:10\nerik:200000:5\n", 0, "0:1000:1 1:100000:10 11:200000:5");
}
END_TEST

START_TEST(himself_is_somebody)
{
	choose("erik:100000:65536\n", 33, "0:100000:33 33:1000:1 34:100033:65503");
	choose("erik:100000:10\nerik:200000:50\n", 33,
	       "0:100000:10 10:200000:23 33:1000:1 34:200023:27");
	choose("erik:100000:10\nerik:200000:5\n", 10, "0:100000:10 10:1000:1 11:200000:5");
	choose("erik:100000:10\n", 10, "0:100000:10 10:1000:1");
	/* Those between are nobody's. */
	choose("erik:100000:10\n", 4711, "0:100000:10 4711:1000:1");
}
END_TEST

START_TEST(nobody_is_left_for_root)
{
	choose("", 1, NULL);
	choose("leif:100000:65536\n", 1000, NULL);
	choose("erik:100000:65536\n", UINT32_MAX, NULL);
}
END_TEST

START_TEST(ends_of_the_numbers)
{
	choose("erik:1001:4294966294\n", 0, "0:1000:1 1:1001:4294966294");
	choose("erik:1001:4294966294\n", 4294967294, "0:1001:4294966294 4294967294:1000:1");
	/* His own id is not among his subordinates. */
	choose("erik:900:200\nerik:5000:3\n", 0, "0:1000:1 1:5000:3");
	choose("erik:900:200\n", 5, NULL);
}
END_TEST

START_TEST(as_many_lines_as_there_can_be)
{
	struct oci_id_mapping lines[IDMAP_CHOSEN_MAX];
	struct idmap_ranges ranges = {.count = IDMAP_RANGES_MAX};
	size_t count;

	for (unsigned int i = 0; i < IDMAP_RANGES_MAX; i++)
		ranges.items[i] = (struct idmap_range){10000 + 100 * i, 50};
	ck_assert_int_eq(idmap_choose(&ranges, 1000, 60, lines, &count), 0);
	ck_assert_uint_eq(count, IDMAP_CHOSEN_MAX);
	ck_assert_uint_eq(lines[IDMAP_CHOSEN_MAX - 1].container_id,
			  50 * (IDMAP_RANGES_MAX - 1) + 1);
	ck_assert_uint_eq(lines[IDMAP_CHOSEN_MAX - 1].size, 50);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		lines_of_the_user,   lines_that_give_nothing,	    no_more_than_there_is_room,
		himself_is_root,     himself_is_somebody,	    nobody_is_left_for_root,
		ends_of_the_numbers, as_many_lines_as_there_can_be,
	};

	return suite_run("idmap-choose", tests, suite_count(tests));
}
