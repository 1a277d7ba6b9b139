/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts of others in which something small is looked for: what the container says to its notify
 * socket, lists of users, versions, schemata, a filter in base64. The first byte chooses.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "cgroup/resctrl/resctrl.h"
#include "container/doctor/doctor.h"
#include "container/readiness.h"
#include "isolate/idmap/choose.h"
#include "isolate/seccomp/seccomp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One line, and of this word: what a manager of services is told must not say anything else. */
static void fuzz_readiness(const char *message, size_t length)
{
	char line[64];

	memset(line, 'x', sizeof(line));
	if (!readiness_find(message, length, line, sizeof(line)))
		return;
	if (!memchr(line, '\0', sizeof(line)) || strncmp(line, "READY=", 6) != 0 ||
	    strchr(line, '\n') || !memmem(message, length, line, strlen(line)))
		abort();
}

static void fuzz_users(const char *text)
{
	char name[16];

	memset(name, 'x', sizeof(name));
	if (doctor_find_user(text, 1000, name, sizeof(name)) &&
	    (!memchr(name, '\0', sizeof(name)) || !strstr(text, name) || strpbrk(name, ":\n")))
		abort();
	(void)doctor_count_subids(text, "user", 1000);
}

/* No id twice, inside or outside; none that is none; the caller where he is to be. */
static void fuzz_ranges(const char *text, uint32_t inside)
{
	struct oci_id_mapping lines[IDMAP_CHOSEN_MAX];
	struct idmap_ranges ranges;
	bool found = false;
	size_t count;

	idmap_find_ranges(text, "user", 1000, &ranges);
	if (idmap_choose(&ranges, 1000, inside, lines, &count) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		if (lines[i].size == 0 || lines[i].size > UINT32_MAX - lines[i].host_id ||
		    lines[i].size > UINT32_MAX - lines[i].container_id)
			abort();
		if (i > 0 && lines[i].container_id < lines[i - 1].container_id + lines[i - 1].size)
			abort();
		for (size_t j = 0; j < i; j++)
			if (lines[i].host_id < (uint64_t)lines[j].host_id + lines[j].size &&
			    lines[j].host_id < (uint64_t)lines[i].host_id + lines[i].size)
				abort();
		found |= lines[i].container_id == inside && lines[i].host_id == 1000;
	}
	if (!found || lines[0].container_id != 0)
		abort();
}

static void fuzz_versions(const char *text)
{
	(void)doctor_family_of(text);
	if (doctor_parse_version(text) % 100 > 99 || doctor_parse_criu_version(text) % 100 > 99)
		abort();
}

/* "SCHEMA\nSCHEMATA..." */
static void fuzz_schemata(char *schema)
{
	auto_text struct text previous = {0};
	char *schemata = strchr(schema, '\n');

	if (!schemata)
		return;
	*schemata++ = '\0';
	(void)resctrl_matches(schema, schemata);
	resctrl_previous(schema, schemata, &previous);
	if (!previous.failed && previous.length > strlen(schemata) + 1)
		abort();
}

static void fuzz_base64(const char *text)
{
	struct seccomp_plan plan;
	struct error err;

	if (seccomp_plan_raw(NULL, text, &plan, &err) < 0)
		return;
	if (plan.count == 0 || plan.count * 8UL > strlen(text) / 4 * 3)
		abort();
	seccomp_plan_clear(&plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of exactly its size, so that the sanitizer sees a byte behind it. */
	auto_free char *text = size ? malloc(size) : NULL;

	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0] % 5) {
	case 0:
		fuzz_readiness(text, size - 1);
		break;
	case 1:
		fuzz_users(text);
		for (uint32_t inside = 0; inside < 70000; inside = inside * 8 + 1)
			fuzz_ranges(text, inside);
		fuzz_ranges(text, UINT32_MAX - 1);
		break;
	case 2:
		fuzz_versions(text);
		break;
	case 3:
		fuzz_schemata(text);
		break;
	default:
		fuzz_base64(text);
	}
	return 0;
}
