/* SPDX-License-Identifier: Apache-2.0 */
#include "oci-spec/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_MIN 1024u
#define CHUNK_MAX (1u << 20)
#define ALIGNMENT 8u

struct oci_arena_chunk {
	struct oci_arena_chunk *next;
	_Alignas(ALIGNMENT) char data[];
};

void oci_arena_expect(struct oci_arena *arena, size_t size)
{
	arena->next_size = size < CHUNK_MIN ? CHUNK_MIN : size > CHUNK_MAX ? CHUNK_MAX : size;
}

/* calloc() and not malloc() plus memset(): what is large comes from the kernel as zero pages, and a
 * page that is never used is never touched. */
static struct oci_arena_chunk *chunk_new(struct oci_arena *arena, size_t size)
{
	struct oci_arena_chunk *chunk;

	if (size > SIZE_MAX - sizeof(*chunk))
		return NULL;
	chunk = calloc(1, sizeof(*chunk) + size);
	if (!chunk)
		return NULL;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	return chunk;
}

static void *alloc(struct oci_arena *arena, size_t size, size_t alignment)
{
	size_t padding = -(uintptr_t)arena->free & (alignment - 1);
	struct oci_arena_chunk *chunk;
	char *start;

	if (arena->free && padding <= (size_t)(arena->end - arena->free) &&
	    size <= (size_t)(arena->end - arena->free) - padding) {
		start = arena->free + padding;
		arena->free = start + size;
		return start;
	}

	if (arena->next_size < CHUNK_MIN)
		arena->next_size = CHUNK_MIN;
	/* What is large gets a chunk of its own, so that the rest of the present one is not lost.
	 */
	if (size > arena->next_size / 4) {
		chunk = chunk_new(arena, size);
		return chunk ? chunk->data : NULL;
	}
	chunk = chunk_new(arena, arena->next_size);
	if (!chunk)
		return NULL;
	arena->free = chunk->data + size;
	arena->end = chunk->data + arena->next_size;
	if (arena->next_size <= CHUNK_MAX / 2)
		arena->next_size *= 2;
	return chunk->data;
}

void *oci_arena_alloc(struct oci_arena *arena, size_t size)
{
	return alloc(arena, size, ALIGNMENT);
}

char *oci_arena_strndup(struct oci_arena *arena, const char *text, size_t length)
{
	char *copy;

	if (length == SIZE_MAX)
		return NULL;
	copy = alloc(arena, length + 1, 1);
	if (copy)
		memcpy(copy, text, length);
	return copy;
}

void *oci_arena_grow(struct oci_arena *arena, void *items, size_t count, size_t item_size,
		     size_t *capacity)
{
	size_t wanted = *capacity ? *capacity * 2 : 4;
	void *grown;

	if (count < *capacity)
		return items;
	/* Half of the address space is never reached, so wanted itself cannot have wrapped. */
	if (wanted > SIZE_MAX / 2 / item_size)
		return NULL;
	grown = oci_arena_alloc(arena, wanted * item_size);
	if (!grown)
		return NULL;
	if (count)
		memcpy(grown, items, count * item_size);
	*capacity = wanted;
	return grown;
}

void oci_arena_free(struct oci_arena *arena)
{
	struct oci_arena_chunk *chunk = arena->chunks, *next;

	for (; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	*arena = (struct oci_arena){0};
}
