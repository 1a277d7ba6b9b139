/* SPDX-License-Identifier: Apache-2.0 */
/* What the host's own texts say, for the probe; and names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "container/doctor/doctor.h"

const char *const doctor_controller_names[DOCTOR_CONTROLLER_COUNT] = {
	[DOCTOR_CPU] = "cpu",	      [DOCTOR_CPUSET] = "cpuset", [DOCTOR_IO] = "io",
	[DOCTOR_MEMORY] = "memory",   [DOCTOR_PIDS] = "pids",	  [DOCTOR_HUGETLB] = "hugetlb",
	[DOCTOR_RDMA] = "rdma",	      [DOCTOR_MISC] = "misc",	  [DOCTOR_DEVICES] = "devices",
	[DOCTOR_FREEZER] = "freezer",
};

uint64_t doctor_count_subids(const char *text, const char *user, uint32_t uid)
{
	char number[16];
	uint64_t count = 0;

	(void)snprintf(number, sizeof(number), "%u", uid);
	while (*text) {
		size_t line = strcspn(text, "\n"), name = strcspn(text, ":\n");
		const char *last = memrchr(text, ':', line);
		char digits[24];
		uint64_t ids;

		if (last && name > 0 && last > text + name &&
		    ((name == strlen(user) && memcmp(text, user, name) == 0) ||
		     (name == strlen(number) && memcmp(text, number, name) == 0))) {
			(void)snprintf(digits, sizeof(digits), "%.*s",
				       (int)(text + line - last - 1), last + 1);
			if (text_parse_u64(digits, &ids) == 0 && ids <= UINT32_MAX)
				count += ids;
		}
		text += line + (text[line] == '\n');
	}
	return count;
}

bool doctor_find_user(const char *passwd, uint32_t uid, char *ret_name, size_t size)
{
	char number[16];
	size_t length;

	(void)snprintf(number, sizeof(number), "%u", uid);
	length = strlen(number);
	for (const char *line = passwd; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		size_t name = strcspn(line, ":\n"), password;
		const char *id;

		if (name == 0 || line[name] != ':')
			continue;
		password = strcspn(line + name + 1, ":\n");
		id = line + name + 1 + password;
		if (*id != ':' || strncmp(id + 1, number, length) != 0 || id[1 + length] != ':')
			continue;
		(void)snprintf(ret_name, size, "%.*s", (int)name, line);
		return true;
	}
	return false;
}

/* Whether `word` stands in the value of a line KEY=VALUE or KEY="VALUE VALUE". */
static bool doctor_release_has(const char *text, const char *key, const char *word)
{
	size_t key_length = strlen(key), word_length = strlen(word);

	while (*text) {
		size_t line = strcspn(text, "\n");

		if (strncmp(text, key, key_length) == 0 && text[key_length] == '=') {
			const char *at = text + key_length + 1, *end = text + line;

			while (at < end) {
				size_t n;

				at += strspn(at, "\"' ");
				n = strcspn(at, "\"' \n");
				if (n == word_length && memcmp(at, word, n) == 0)
					return true;
				if (n == 0)
					break;
				at += n;
			}
		}
		text += line + (text[line] == '\n');
	}
	return false;
}

enum doctor_family doctor_family_of(const char *os_release)
{
	static const struct {
		const char *word;
		enum doctor_family family;
	} words[] = {
		{"debian", DOCTOR_FAMILY_DEBIAN}, {"ubuntu", DOCTOR_FAMILY_DEBIAN},
		{"fedora", DOCTOR_FAMILY_FEDORA}, {"rhel", DOCTOR_FAMILY_FEDORA},
		{"suse", DOCTOR_FAMILY_SUSE},	  {"opensuse", DOCTOR_FAMILY_SUSE},
		{"arch", DOCTOR_FAMILY_ARCH},	  {"alpine", DOCTOR_FAMILY_ALPINE},
	};

	for (size_t i = 0; i < array_size(words); i++)
		if (doctor_release_has(os_release, "ID", words[i].word) ||
		    doctor_release_has(os_release, "ID_LIKE", words[i].word))
			return words[i].family;
	return DOCTOR_FAMILY_UNKNOWN;
}

unsigned int doctor_parse_version(const char *text)
{
	unsigned int parts[3] = {0};
	size_t count = 0;

	for (; count < array_size(parts); count++) {
		char *end;

		if (*text < '0' || *text > '9')
			break;
		parts[count] = (unsigned int)strtoul(text, &end, 10);
		text = *end == '.' ? end + 1 : end;
		if (parts[count] > 99 && count > 0)
			parts[count] = 99;
	}
	return count < 2 ? 0 : parts[0] * 10000 + parts[1] * 100 + parts[2];
}

unsigned int doctor_parse_criu_version(const char *text)
{
	static const char key[] = "Version: ";
	const char *at = strstr(text, key);

	return at ? doctor_parse_version(at + sizeof(key) - 1) : 0;
}
