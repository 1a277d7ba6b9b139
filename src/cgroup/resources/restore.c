/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What puts back an old value of a cgroup file. Pure.
 *
 * Files of one value are written as they are read. In files with a line for each device, interface
 * or kind ("8:0 rbps=1024 wbps=max", "eth0 5") a write changes one line, and a line that was not
 * there is put back by the word for "none" of that file.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "cgroup/resources/resources.h"

/* What stands for a line that is not there. */
struct restore_none {
	const char *file, *words;
};
static const struct restore_none restore_nones[] = {
	{"io.max", "rbps=max wbps=max riops=max wiops=max"},
	{"io.latency", "target=0"},
	{"io.weight", "default"},
	{"io.bfq.weight", "default"},
	{"rdma.max", "hca_handle=max hca_object=max"},
	{"net_prio.ifpriomap", "0"},
	{"blkio.weight_device", "0"},
	{"blkio.leaf_weight_device", "0"},
	{"blkio.bfq.weight_device", "default"},
	{"blkio.throttle.read_bps_device", "0"},
	{"blkio.throttle.write_bps_device", "0"},
	{"blkio.throttle.read_iops_device", "0"},
	{"blkio.throttle.write_iops_device", "0"},
};

static const char *restore_none_of(const char *file)
{
	for (size_t i = 0; i < array_size(restore_nones); i++)
		if (strcmp(restore_nones[i].file, file) == 0)
			return restore_nones[i].words;
	return NULL;
}

static char *restore_line(const char *line)
{
	return strndup(line, strcspn(line, "\n"));
}

/* The line of `content` that begins with the word of `length` bytes, or NULL. */
static const char *restore_find(const char *content, const char *word, size_t length)
{
	for (const char *line = content; *line;) {
		size_t n = strcspn(line, "\n");

		if (n > length && strncmp(line, word, length) == 0 && line[length] == ' ')
			return line;
		line += n + (line[n] == '\n');
	}
	return NULL;
}

/* A file of one line that has several values ("100000 50000") is not one of keys. */
static bool restore_is_keyed(const char *file, const char *written, size_t word)
{
	if (written[word] != ' ')
		return false;
	return restore_none_of(file) ||
	       (!isdigit((unsigned char)written[0]) && strncmp(written, "max ", 4) != 0);
}

/* "+cpu -io" switches controllers, the content lists those that are on. */
static char *restore_switches(const char *written, const char *content)
{
	char *value = malloc(2 * strlen(written) + 2), *end = value;

	if (!value)
		return NULL;
	for (const char *word = written + strspn(written, " "); *word; word += strspn(word, " ")) {
		size_t length = strcspn(word, " ");
		const char *name = word + 1;
		bool on = false;

		for (const char *have = content; length > 1 && *have && !on;) {
			size_t n = strcspn(have, " \n");

			on = n == length - 1 && strncmp(have, name, n) == 0;
			have += n + strspn(have + n, " \n");
		}
		if (length > 1)
			end += sprintf(end, "%s%c%.*s", end > value ? " " : "", on ? '+' : '-',
				       (int)(length - 1), name);
		word += length;
	}
	*end = '\0';
	return value;
}

static char *restore_value(const char *file, const char *written, const char *content)
{
	size_t word = strcspn(written, " ");
	const char *line, *none;
	char *value;

	if (strcmp(file, "cgroup.subtree_control") == 0)
		return restore_switches(written, content);
	if (strcmp(file, "memory.oom_control") == 0) {
		line = restore_find(content, "oom_kill_disable", strlen("oom_kill_disable"));
		return line ? restore_line(line + strlen("oom_kill_disable ")) : NULL;
	}
	if (!restore_is_keyed(file, written, word)) {
		/* io.weight has lines for devices behind that of the group. */
		line = restore_find(content, "default", strlen("default"));
		if (!line)
			line = content;
		/* An empty list of CPUs is written as an empty line: an empty write is none. */
		return *line == '\0' || *line == '\n' ? strdup("\n") : restore_line(line);
	}
	line = restore_find(content, written, word);
	if (line)
		return restore_line(line);
	none = restore_none_of(file);
	if (!none)
		return NULL;
	return asprintf(&value, "%.*s %s", (int)word, written, none) < 0 ? NULL : value;
}

/* Whether there is a value to be put back at all: the weight of an idle group is none. */
static bool restore_has_value(const char *file, const char *written, const char *content)
{
	size_t word = strcspn(written, " ");

	if (strcmp(file, "cpu.weight") == 0)
		return content[0] != '0';
	if (strcmp(file, "memory.oom_control") == 0)
		return restore_find(content, "oom_kill_disable", strlen("oom_kill_disable"));
	if (strcmp(file, "cgroup.subtree_control") == 0 || !restore_is_keyed(file, written, word))
		return true;
	return restore_find(content, written, word) || restore_none_of(file);
}

int cgroup_restore_plan(const char *file, const char *written, const char *content,
			char **ret_value)
{
	*ret_value = NULL;
	if (!restore_has_value(file, written, content))
		return 0;
	*ret_value = restore_value(file, written, content);
	return *ret_value ? 0 : -ENOMEM;
}
