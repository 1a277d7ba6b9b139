/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of one document: taken in chunks, never given back piece by piece, freed all at once.
 *
 * Everything that an arena hands out is zeroed, aligned for any type of <knarr/config.h>, and lives
 * until oci_arena_free(). A zeroed struct oci_arena is an empty arena. All functions that return a
 * pointer return NULL when the system has no memory (or the size does not fit a size_t).
 */
#ifndef OCI_SPEC_ARENA_H
#define OCI_SPEC_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct oci_arena_chunk;
struct oci_arena {
	struct oci_arena_chunk *chunks; /* the newest first */
	char *free, *end;		/* what is left of the chunk that is being filled */
	size_t next_size;		/* of the next chunk, bytes */
};

/* Says how much is going to be needed, in bytes, so that the first chunk is neither too small nor
 * much too large. Only a hint. */
void oci_arena_expect(struct oci_arena *arena, size_t size);

/* `size` zeroed bytes; for 0 a pointer that is not NULL. */
void *oci_arena_alloc(struct oci_arena *arena, size_t size);

/* A NUL-terminated copy of `length` bytes. */
char *oci_arena_strndup(struct oci_arena *arena, const char *text, size_t length);

/*
 * Room for one item more behind `count` items of `item_size` bytes, of which `*capacity` fit now.
 * Doubles, so that n items cost O(n) in time and memory. Returns the items, which may have moved,
 * or NULL; *capacity is written only on success. Items start as NULL with a capacity of 0.
 */
void *oci_arena_grow(struct oci_arena *arena, void *items, size_t count, size_t item_size,
		     size_t *capacity);

void oci_arena_free(struct oci_arena *arena);

#endif
