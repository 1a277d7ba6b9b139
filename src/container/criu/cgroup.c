/* SPDX-License-Identifier: Apache-2.0 */
#include "container/criu/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mountinfo.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "container/criu/wire.h"
#include "kernel/mountfd.h"
#include "kernel/process.h"

#define OPTIONS_COUNT 16
#define LOCK_MS	      60000
#define CGROUP_ROOT   "/sys/fs/cgroup"
/* PROC_CGROUP_INIT_INO of the kernel. */
#define INITIAL_CGROUP_NAMESPACE 0xEFFFFFFBU

/* The root of the one hierarchy, of the host as it is seen from its own cgroup namespace; or
 * -EBADF. */
static int criu_cgroup_open_root(void)
{
	auto_close int fd = open(CGROUP_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;
	struct stat st;

	if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC ||
	    stat("/proc/self/ns/cgroup", &st) < 0 || st.st_ino != INITIAL_CGROUP_NAMESPACE)
		return -EBADF;
	return fd_take(&fd);
}

void criu_cgroup_isolate(void)
{
	auto_close int root = criu_cgroup_open_root(), back = -EBADF;
	char own[PATH_MAX];

	if (root < 0 || io_read_small(AT_FDCWD, "/proc/self/cgroup", own, sizeof(own)) < 0 ||
	    strncmp(own, "0::/", 4) != 0)
		return;
	own[strcspn(own, "\n")] = '\0';
	back = own[4] ? openat(root, own + 4, O_PATH | O_DIRECTORY | O_CLOEXEC)
		      : fcntl(root, F_DUPFD_CLOEXEC, 3);
	/* A new namespace's root is where its maker is. */
	if (back < 0 || io_write_value(root, "cgroup.procs", "0") < 0)
		return;
	(void)unshare(CLONE_NEWCGROUP);
	(void)io_write_value(back, "cgroup.procs", "0");
}

/* Whether there is no hierarchy of v1, nor one that is mounted elsewhere or nowhere to be seen. */
static bool criu_cgroup_is_one(void)
{
	auto_free char *text = NULL;

	return io_read_file(AT_FDCWD, "/proc/self/cgroup", 0, MOUNTINFO_MAX, &text, NULL) == 0 &&
	       text_starts_with(text, "0::") && strchr(text, '\n') == strrchr(text, '\n');
}

int criu_cgroup_find_mode(const char *mode, bool *ret_managed, struct error *err)
{
	struct cgroup_host host;
	uint32_t word;
	int r;

	if (mode) {
		if (criu_parse_cgroups_mode(mode, &word) < 0)
			return error_set(err, EINVAL,
					 "--manage-cgroups-mode %s: not one of soft, full, strict, "
					 "ignore",
					 mode);
		*ret_managed = strcmp(mode, "ignore") != 0;
		return 0;
	}
	r = cgroup_host_detect(&host, err);
	if (r < 0)
		return r;
	*ret_managed = host.mode == CGROUP_MODE_UNIFIED && criu_cgroup_is_one();
	cgroup_host_clear(&host);
	return 0;
}

bool criu_cgroup_is_apart(pid_t pid)
{
	struct stat ours, theirs;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/cgroup", (int)pid);
	return stat("/proc/self/ns/cgroup", &ours) == 0 && stat(path, &theirs) == 0 &&
	       ours.st_ino != theirs.st_ino;
}

int criu_cgroup_lock(void)
{
	const struct timespec pause = {.tv_nsec = 20000000};
	auto_close int root = criu_cgroup_open_root();
	int64_t deadline = process_now() + LOCK_MS;

	while (root >= 0 && flock(root, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -EBADF;
		if (process_now() >= deadline) {
			log_warning("another criu is at work for more than a minute; the options "
				    "of %s may be lost, see mount(8)",
				    CGROUP_ROOT);
			return -EBADF;
		}
		(void)nanosleep(&pause, NULL);
	}
	return fd_take(&root);
}

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
