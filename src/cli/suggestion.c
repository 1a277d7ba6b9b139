/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/suggestion.h"

#include <string.h>

#define SUGGESTION_FAR	  2
#define SUGGESTION_LENGTH 32

static size_t suggestion_least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Optimal string alignment, by rows: of what is before the last two letters, the last, and now. */
static size_t suggestion_distance(const char *a, const char *b)
{
	size_t rows[3][SUGGESTION_LENGTH + 1] = {{0}};
	size_t length = strlen(b);

	for (size_t j = 0; j <= length; j++)
		rows[0][j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t *now = rows[i % 3];
		const size_t *last = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= length; j++) {
			now[j] = last[j - 1] + (a[i - 1] != b[j - 1]);
			now[j] =
				suggestion_least(now[j], suggestion_least(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = suggestion_least(now[j], before[j - 2] + 1);
		}
	}
	return rows[strlen(a) % 3][length];
}

void suggestion_consider(struct suggestion *suggestion, const char *candidate)
{
	size_t length = strlen(suggestion->word), distance;

	if (length > SUGGESTION_LENGTH || strlen(candidate) > SUGGESTION_LENGTH)
		return;
	distance = suggestion_distance(suggestion->word, candidate);
	if (distance > SUGGESTION_FAR || distance * 3 > length)
		return;
	/* Of two that are equally far the one that goes on from the word. */
	if (suggestion->best && (distance > suggestion->distance ||
				 (distance == suggestion->distance &&
				  strncmp(candidate, suggestion->word, length) != 0)))
		return;
	suggestion->best = candidate;
	suggestion->distance = distance;
}
