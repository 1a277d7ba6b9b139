/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of the JSON objects that are open at the moment, to find duplicates in constant time.
 *
 * Objects open and close like parentheses, so all keys are on one stack: an object notes the height
 * of the stack when it opens, its keys are those above, and when it closes the stack is cut back.
 * A hash table of chains over the stack finds them; a chain runs from the newest key to the oldest,
 * so it can be left as soon as it is below the object.
 */
#ifndef OCI_SPEC_KEYS_H
#define OCI_SPEC_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct oci_key {
	const char *name; /* not NUL-terminated; belongs to someone else */
	uint32_t length;
	uint32_t hash;
	uint32_t next; /* in the chain, + 1; 0 ends it */
};

/* A zeroed one is empty. */
struct oci_keys {
	struct oci_key *items;
	size_t count, capacity;
	uint32_t *buckets;   /* index + 1, 0 when empty */
	size_t bucket_count; /* a power of two, or 0 */
};

/*
 * Adds a key to the object whose keys begin at `first`. Returns 0 and whether the object had one of
 * that name (then it is added all the same), or -ENOMEM.
 */
int oci_keys_add(struct oci_keys *keys, size_t first, const char *name, size_t length,
		 bool *ret_duplicate);

/* Forgets the keys from `first` on: their object is closed. */
void oci_keys_cut(struct oci_keys *keys, size_t first);

void oci_keys_free(struct oci_keys *keys);

#endif
