/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts of counters. The first byte chooses the parser, the rest is the text: nothing is read
 * behind its end, and what was parsed makes a line of JSON.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/quantity.h"
#include "cgroup/resources/resources.h"
#include "container/events-encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* "FILE\nWRITTEN\nCONTENT" */
static void fuzz_restore(char *text)
{
	char *written = strchr(text, '\n'), *content, *value;

	if (!written)
		return;
	*written++ = '\0';
	content = strchr(written, '\n');
	if (!content)
		return;
	*content++ = '\0';
	if (cgroup_restore_plan(text, written, content, &value) == 0)
		free(value);
}

static void fuzz_parse(uint8_t kind, char *text, struct events_statistics *statistics)
{
	struct cgroup_statistics *cgroup = &statistics->cgroup;
	int64_t value;

	switch (kind % 10) {
	case 0:
		(void)statistics_parse_counters(text, &cgroup->memory.raw);
		break;
	case 1:
		(void)statistics_parse_psi(text, &cgroup->cpu.psi);
		break;
	case 2:
		(void)statistics_parse_io(text, &cgroup->io);
		break;
	case 3:
		(void)statistics_parse_blkio(text, &cgroup->io.kinds[0]);
		break;
	case 4:
		(void)statistics_parse_numbers(text, &cgroup->cpu.percpu);
		break;
	case 5:
		(void)statistics_parse_usage_all(text, &cgroup->cpu.percpu_user,
						 &cgroup->cpu.percpu_kernel);
		break;
	case 6:
		(void)statistics_parse_list(text, &cgroup->cpuset.cpus);
		break;
	case 7:
		(void)events_parse_interfaces(text, &statistics->interfaces,
					      &statistics->interface_count);
		break;
	case 8:
		(void)quantity_parse_bytes(text, &value);
		(void)quantity_parse_duration(text, &value);
		break;
	default:
		fuzz_restore(text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct events_statistics statistics = {.interfaces = NULL};
	auto_text struct text line = {0};
	/* Of exactly its size, so that the sanitizer sees a byte behind it. */
	auto_free char *text = size ? malloc(size) : NULL;

	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	fuzz_parse(data[0], text, &statistics);
	events_encode_statistics("id", &statistics, &line);
	if (line.failed || strchr(line.data, '\n') != line.data + line.length - 1)
		abort();
	free(statistics.interfaces);
	cgroup_statistics_clear(&statistics.cgroup);
	return 0;
}
