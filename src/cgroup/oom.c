/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/oom.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "cgroup/backend.h"

void cgroup_oom_watch_close(struct cgroup_oom_watch *watch)
{
	watch->fd = fd_close(watch->fd);
}

/* Any read arms poll(2) for the next change. */
static int oom_read_kills(int fd, uint64_t *ret_kills)
{
	char text[512];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	return tree_parse_key(text, "oom_kill", ret_kills);
}

static int oom_open_v2(const struct cgroup_member *member, struct cgroup_oom_watch *watch,
		       struct error *err)
{
	auto_close int fd =
		openat(member->node.fd, "memory.events", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int r;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return error_errno(err, errno, "open memory.events of cgroup %s",
				   member->directory);
	r = oom_read_kills(fd, &watch->kills);
	if (r < 0)
		return error_errno(err, -r, "read memory.events of cgroup %s", member->directory);
	watch->fd = fd_take(&fd);
	watch->events = POLLPRI;
	return 0;
}

/* Documentation/admin-guide/cgroup-v1/memory.rst, 9 and 10: the event and the file by number. */
static int oom_open_v1(const struct cgroup_member *member, struct cgroup_oom_watch *watch,
		       struct error *err)
{
	auto_close int control =
		openat(member->node.fd, "memory.oom_control", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	auto_close int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	char line[64];
	int r;

	if (control < 0)
		return error_errno(err, errno, "open memory.oom_control of cgroup %s",
				   member->directory);
	if (event < 0)
		return error_errno(err, errno, "make an eventfd");
	(void)snprintf(line, sizeof(line), "%d %d", event, control);
	r = io_write_value(member->node.fd, "cgroup.event_control", line);
	if (r < 0)
		return error_errno(err, -r, "write \"%s\" to cgroup.event_control of cgroup %s",
				   line, member->directory);
	watch->fd = fd_take(&event);
	watch->events = POLLIN;
	watch->directory = member->node.fd;
	return 0;
}

int cgroup_oom_watch_open(const struct cgroup *cgroup, struct cgroup_oom_watch *ret_watch,
			  struct error *err)
{
	const struct cgroup_member *member =
		cgroup_is_gone(cgroup) ? NULL : cgroup_member_find(cgroup, "memory");
	struct cgroup_oom_watch watch = CGROUP_OOM_WATCH_INIT;
	int r = 0;

	if (member && member->node.fd >= 0)
		r = cgroup->backend == &cgroup_backend_v2 ? oom_open_v2(member, &watch, err)
							  : oom_open_v1(member, &watch, err);
	if (r == 0)
		*ret_watch = watch;
	return r;
}

/* The end of the cgroup is told by the same eventfd. */
static uint64_t oom_take_v1(const struct cgroup_oom_watch *watch)
{
	uint64_t count;

	if (read(watch->fd, &count, sizeof(count)) != (ssize_t)sizeof(count))
		return 0;
	return faccessat(watch->directory, "cgroup.event_control", F_OK, 0) == 0 ? count : 0;
}

uint64_t cgroup_oom_watch_take(struct cgroup_oom_watch *watch)
{
	uint64_t kills = 0, before = watch->kills;

	if (watch->fd < 0)
		return 0;
	if (watch->directory >= 0)
		return oom_take_v1(watch);
	if (oom_read_kills(watch->fd, &kills) < 0 || kills <= before)
		return 0;
	watch->kills = kills;
	return kills - before;
}
