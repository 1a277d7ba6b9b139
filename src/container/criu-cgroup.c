/* SPDX-License-Identifier: Apache-2.0 */
#include "container/criu-cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mountinfo.h"
#include "kernel/mountfd.h"

#define OPTIONS_COUNT 16

void criu_cgroup_parse(char *mountinfo, char options[static CRIU_CGROUP_OPTIONS_MAX])
{
	struct mountinfo mount;

	options[0] = '\0';
	/* The last one of a place is on top of the others. */
	while (mountinfo_next(&mountinfo, &mount))
		if (strcmp(mount.point, "/sys/fs/cgroup") == 0)
			(void)snprintf(options, CRIU_CGROUP_OPTIONS_MAX, "%s",
				       strcmp(mount.type, "cgroup2") == 0 ? mount.super_options
									  : "");
}

void criu_cgroup_options(char options[static CRIU_CGROUP_OPTIONS_MAX])
{
	auto_free char *text = NULL;

	options[0] = '\0';
	if (io_read_file(AT_FDCWD, "/proc/self/mountinfo", 0, MOUNTINFO_MAX, &text, NULL) == 0)
		criu_cgroup_parse(text, options);
}

void criu_cgroup_mend(const char *options)
{
	struct mountfd_option words[OPTIONS_COUNT];
	struct mountfd_filesystem filesystem = {.type = "cgroup2", .options = words};
	char now[CRIU_CGROUP_OPTIONS_MAX], copy[CRIU_CGROUP_OPTIONS_MAX], *save = NULL;
	struct error err = ERROR_INIT;
	auto_close int fd = -EBADF;

	criu_cgroup_options(now);
	/* Longer: they were noted while another criu had them away, and are there by now. */
	if (options[0] == '\0' || strlen(now) >= strlen(options))
		return;
	(void)snprintf(copy, sizeof(copy), "%s", options);
	for (char *word = strtok_r(copy, ",", &save);
	     word && filesystem.option_count < OPTIONS_COUNT; word = strtok_r(NULL, ",", &save))
		if (strcmp(word, "rw") != 0 && strcmp(word, "seclabel") != 0)
			words[filesystem.option_count++] = (struct mountfd_option){.key = word};
	fd = open("/sys/fs/cgroup", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || mountfd_reconfigure(fd, &filesystem, &err) < 0)
		log_warning(
			"criu has changed the options of /sys/fs/cgroup from %s to %s, and they "
			"could not be set again: %s",
			options, now, err.message);
}
