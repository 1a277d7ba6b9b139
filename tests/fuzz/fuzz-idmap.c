/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Id maps: lines of three 32-bit numbers. What is accepted must keep the promises that the kernel
 * and the rest of the runtime rely on: root is mapped, the ends of every line are where they should
 * be, and no two ids inside meet outside.
 */
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "isolate/idmap/idmap.h"

#define LINES_MAX 400

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct oci_id_mappings *map)
{
	uint32_t id;

	if (map->count == 0 || map->count > 340 || idmap_to_host(map, 0, &id) < 0)
		abort();
	if (idmap_to_host(map, UINT32_MAX, &id) == 0)
		abort();
	for (size_t i = 0; i < map->count; i++) {
		const struct oci_id_mapping *line = &map->items[i];
		const uint32_t last = line->size - 1;

		if (idmap_to_host(map, line->container_id, &id) < 0 || id != line->host_id)
			abort();
		if (idmap_to_host(map, line->container_id + last, &id) < 0 ||
		    id != line->host_id + last || id == UINT32_MAX)
			abort();
		for (size_t j = 0; j < map->count; j++) {
			const struct oci_id_mapping *other = &map->items[j];

			if (i != j && other->host_id - line->host_id < line->size)
				abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct oci_id_mapping lines[LINES_MAX];
	struct oci_namespace user = {.type = CLONE_NEWUSER};
	struct oci_id_mapping root = {0, 1000, 1};
	struct oci_linux linux_config = {.namespaces = {&user, 1}, .uid_mappings = {&root, 1}};
	struct error err = ERROR_INIT;
	struct idmap_plan plan;
	size_t count = size / sizeof(lines[0]);

	if (count > LINES_MAX)
		count = LINES_MAX;
	if (count > 0)
		memcpy(lines, data, count * sizeof(lines[0]));
	linux_config.gid_mappings = (struct oci_id_mappings){lines, count};
	if (idmap_plan(&linux_config, &plan, &err) == 0)
		check(&plan.gids);
	else if (err.number <= 0 || strncmp(err.field, "linux.gidMappings", 17) != 0)
		abort();
	return 0;
}
