/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody may have meant by a word that is none. Pure. */
#ifndef CLI_SUGGESTION_H
#define CLI_SUGGESTION_H

#include <stddef.h>

struct suggestion {
	const char *word, *best; /* best: NULL as long as none is near */
	size_t distance;	 /* of the best */
};
#define SUGGESTION_INIT(word_) ((struct suggestion){.word = word_})

/*
 * Takes `candidate` for the best one if it is nearer than what was: by the letters that have to be
 * added, dropped, changed or swapped with their neighbour. More than two, or more than a third of
 * the word, is not near.
 */
void suggestion_consider(struct suggestion *suggestion, const char *candidate);

#endif
