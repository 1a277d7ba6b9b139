/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "CGROUPS\0MOUNTINFO", as /proc/self has them. What is accepted means the same when it is written
 * out as the kernel writes it and read again; and everything that is looked for in it is looked
 * for.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/mountinfo.h"
#include "base/text.h"
#include "cgroup/host.h"
#include "cgroup/resctrl/resctrl.h"
#include "container/criu/cgroup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_escape(struct text *out, const char *word)
{
	for (; *word; word++) {
		if (strchr(" \t\n\\", *word))
			text_format(out, "\\%03o", (unsigned int)*word);
		else
			text_format(out, "%c", *word);
	}
}

static void fuzz_again(const struct mountinfo *mount)
{
	auto_text struct text line = {0};
	struct mountinfo again;

	text_format(&line, "%u %u %s ", mount->id, mount->parent, mount->device);
	fuzz_escape(&line, mount->root);
	text_append(&line, " ");
	fuzz_escape(&line, mount->point);
	text_format(&line, " rw shared:1 - %s %s %s", mount->type, mount->source,
		    mount->super_options);
	if (line.failed || mountinfo_parse(line.data, &again) < 0 || again.id != mount->id ||
	    again.parent != mount->parent || strcmp(again.device, mount->device) != 0 ||
	    strcmp(again.root, mount->root) != 0 || strcmp(again.point, mount->point) != 0 ||
	    strcmp(again.type, mount->type) != 0 || strcmp(again.source, mount->source) != 0 ||
	    strcmp(again.super_options, mount->super_options) != 0)
		abort();
}

/* Those who look for something in it. */
static void fuzz_users(const char *own, const char *text)
{
	auto_free char *found = NULL, *copy = strdup(text);
	char options[CRIU_CGROUP_OPTIONS_MAX];
	struct cgroup_host host;
	struct error err;

	if (!copy)
		abort();
	if (cgroup_host_parse_legacy(own, text, &host, &err) == 0)
		cgroup_host_clear(&host);
	if (cgroup_host_parse_unified(own, &host, &err) == 0)
		cgroup_host_clear(&host);
	(void)resctrl_find_mount(text, &found);
	memset(options, 'x', sizeof(options));
	criu_cgroup_parse(copy, options);
	if (!memchr(options, '\0', sizeof(options)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of exactly its size, so that the sanitizer sees a byte behind it. */
	auto_free char *text = malloc(size + 1);
	struct mountinfo mount;
	char *mounts, *rest;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	mounts = memchr(text, '\0', size);
	mounts = mounts ? mounts + 1 : text;
	fuzz_users(text, mounts);
	for (rest = mounts; mountinfo_next(&rest, &mount);)
		fuzz_again(&mount);
	return 0;
}
