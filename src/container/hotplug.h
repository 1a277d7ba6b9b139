/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts that come into a running container, and go again: `mounts add`, `mounts remove`. */
#ifndef CONTAINER_HOTPLUG_H
#define CONTAINER_HOTPLUG_H

#include "base/error.h"
#include "container/state/store.h"

/*
 * Adds the mounts of a file, a JSON array in the form of config.json's `mounts`; "-" is standard
 * input. Relative sources are taken as below the bundle. All of them or none. Not to be had: proc,
 * cgroup, remount, options longer than 255 bytes. The container may be created, running or paused.
 */
int container_mounts_add(const struct store *store, const char *id, const char *file,
			 struct error *err);

/*
 * Removes what was added at the destinations that the file names; nothing else of its entries
 * counts. Of several at one place the last goes first. Refused, before anything is removed, where
 * nothing was added, or where what is mounted now is not what was added.
 */
int container_mounts_remove(const struct store *store, const char *id, const char *file,
			    struct error *err);

/* How many of the mounts of a container were added; one at least when that cannot be told. */
size_t container_mounts_count(const struct store_entry *entry);

#endif
