/* SPDX-License-Identifier: Apache-2.0 */
#include "oci-spec/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The seed is an address, which differs from run to run: nobody can prepare a file whose keys all
 * fall into one chain. */
static uint32_t hash(const struct oci_keys *keys, const char *name, size_t length)
{
	uint64_t h = (uintptr_t)keys * 0x9e3779b97f4a7c15;

	for (size_t i = 0; i < length; i++) {
		h = (h ^ (unsigned char)name[i]) * 0x100000001b3;
		h ^= h >> 29;
	}
	return (uint32_t)(h ^ (h >> 32));
}

static void chain(struct oci_keys *keys, size_t index)
{
	uint32_t *bucket = &keys->buckets[keys->items[index].hash & (keys->bucket_count - 1)];

	keys->items[index].next = *bucket;
	*bucket = (uint32_t)index + 1;
}

/* Room for one more. There is never more than one key per four bytes of text, so that neither
 * 32 bits nor the sizes in bytes can overflow (OCI_SIZE_MAX). */
static int reserve(struct oci_keys *keys)
{
	size_t wanted = keys->capacity ? keys->capacity * 2 : 64;
	struct oci_key *items;
	uint32_t *buckets;

	if (keys->count < keys->capacity)
		return 0;
	items = realloc(keys->items, wanted * sizeof(*items));
	if (!items)
		return -ENOMEM;
	keys->items = items;
	buckets = calloc(wanted, sizeof(*buckets));
	if (!buckets)
		return -ENOMEM;
	free(keys->buckets);
	keys->buckets = buckets;
	keys->bucket_count = wanted;
	keys->capacity = wanted;
	for (size_t i = 0; i < keys->count; i++)
		chain(keys, i);
	return 0;
}

static bool has(const struct oci_keys *keys, size_t first, const struct oci_key *wanted)
{
	uint32_t next = keys->buckets[wanted->hash & (keys->bucket_count - 1)];

	for (; next > first; next = keys->items[next - 1].next) {
		const struct oci_key *key = &keys->items[next - 1];

		if (key->hash == wanted->hash && key->length == wanted->length &&
		    !memcmp(key->name, wanted->name, key->length))
			return true;
	}
	return false;
}

int oci_keys_add(struct oci_keys *keys, size_t first, const char *name, size_t length,
		 bool *ret_duplicate)
{
	struct oci_key key = {.name = name, .length = (uint32_t)length};

	if (reserve(keys) < 0)
		return -ENOMEM;
	key.hash = hash(keys, name, length);
	*ret_duplicate = has(keys, first, &key);
	keys->items[keys->count] = key;
	chain(keys, keys->count++);
	return 0;
}

void oci_keys_cut(struct oci_keys *keys, size_t first)
{
	/* From the newest on, so that each is the head of its chain when its turn comes. */
	while (keys->count > first) {
		const struct oci_key *key = &keys->items[--keys->count];

		keys->buckets[key->hash & (keys->bucket_count - 1)] = key->next;
	}
}

void oci_keys_free(struct oci_keys *keys)
{
	free(keys->items);
	free(keys->buckets);
	*keys = (struct oci_keys){0};
}
