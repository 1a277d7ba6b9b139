/* SPDX-License-Identifier: Apache-2.0 */
/* A fuzzer's bytes, taken as numbers one after the other; zeros when there are no more. */
#ifndef TESTS_BYTES_H
#define TESTS_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct bytes {
	const uint8_t *data;
	size_t size;
};

static inline uint8_t bytes_take(struct bytes *bytes)
{
	if (bytes->size == 0)
		return 0;
	bytes->size--;
	return *bytes->data++;
}

/* One of 0 to limit - 1. */
static inline unsigned int bytes_below(struct bytes *bytes, unsigned int limit)
{
	return bytes_take(bytes) % limit;
}

static inline uint32_t bytes_u32(struct bytes *bytes)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++)
		value = value << 8 | bytes_take(bytes);
	return value;
}

/* Fills `out` with pseudo-random bytes that depend on `seed` alone (xorshift64*). */
static inline void bytes_random(uint64_t seed, uint8_t *out, size_t size)
{
	uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;

	for (size_t i = 0; i < size; i++) {
		state ^= state >> 12;
		state ^= state << 25;
		state ^= state >> 27;
		out[i] = (uint8_t)(state * 0x2545f4914f6cdd1du >> 56);
	}
}

#endif
