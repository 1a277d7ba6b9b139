/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "isolate/namespaces.h"
#include "kernel/nsfs.h"
#include "kernel/syscalls.h"
#include "suite.h"

static int plan_of(struct oci_namespace *items, size_t count, struct namespaces_plan *plan,
		   struct error *err)
{
	struct oci_linux linux_config = {.namespaces = {items, count}};

	return namespaces_plan(&linux_config, plan, err);
}

START_TEST(nothing)
{
	struct namespaces_plan plan = {.fresh = 1, .join_count = 1};
	struct error err = ERROR_INIT;

	ck_assert_int_eq(namespaces_plan(NULL, &plan, &err), 0);
	ck_assert_uint_eq(plan.fresh, 0);
	ck_assert_uint_eq(plan.private, 0);
	ck_assert_uint_eq(plan.join_count, 0);
	ck_assert_ptr_null(plan.time_offsets);
}
END_TEST

START_TEST(fresh_and_joined)
{
	char path[] = "/run/netns/x", empty[] = "";
	struct oci_namespace items[] = {
		{CLONE_NEWPID, NULL},
		{CLONE_NEWNS, empty},
		{CLONE_NEWNET, path},
		{CLONE_NEWTIME, NULL},
	};
	struct namespaces_plan plan;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(plan_of(items, 4, &plan, &err), 0);
	ck_assert_uint_eq(plan.fresh, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWTIME);
	ck_assert_uint_eq(plan.private, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWTIME | CLONE_NEWNET);
	ck_assert_uint_eq(plan.join_count, 1);
	ck_assert_uint_eq(plan.joins[0].type, CLONE_NEWNET);
	ck_assert_str_eq(plan.joins[0].path, "/run/netns/x");
	ck_assert_uint_eq(plan.joins[0].index, 2);
}
END_TEST

START_TEST(all_eight_joined)
{
	static const uint64_t types[] = {CLONE_NEWPID,	  CLONE_NEWNET, CLONE_NEWNS,
					 CLONE_NEWIPC,	  CLONE_NEWUTS, CLONE_NEWUSER,
					 CLONE_NEWCGROUP, CLONE_NEWTIME};
	struct oci_namespace items[8];
	char path[] = "/p";
	struct namespaces_plan plan;
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < 8; i++)
		items[i] = (struct oci_namespace){types[i], path};
	ck_assert_int_eq(plan_of(items, 8, &plan, &err), 0);
	ck_assert_uint_eq(plan.fresh, 0);
	ck_assert_uint_eq(plan.join_count, NAMESPACES_MAX);
	for (size_t i = 0; i < 8; i++)
		ck_assert_uint_eq(plan.joins[i].type, types[i]);
}
END_TEST

START_TEST(twice)
{
	char path[] = "/p";
	struct oci_namespace items[] = {
		{CLONE_NEWNET, NULL}, {CLONE_NEWPID, NULL}, {CLONE_NEWNET, path}};
	struct namespaces_plan plan;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(plan_of(items, 3, &plan, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "linux.namespaces[2].type",
			"\"network\" is there more than once", "");
}
END_TEST

START_TEST(unknown_type)
{
	struct oci_namespace items[] = {{CLONE_VM, NULL}};
	struct namespaces_plan plan;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(plan_of(items, 1, &plan, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "linux.namespaces[0].type", "is no type of namespace", "");
}
END_TEST

static int plan_offset(const char *clock, const char *path, bool time, struct namespaces_plan *plan,
		       struct error *err)
{
	static struct oci_time_offset offset;
	static struct oci_namespace item;
	struct oci_linux linux_config = {.time_offsets = {&offset, 1}, .namespaces = {&item, time}};

	offset = (struct oci_time_offset){.clock = (char *)(uintptr_t)clock, .secs = 1};
	item = (struct oci_namespace){CLONE_NEWTIME, (char *)(uintptr_t)path};
	return namespaces_plan(&linux_config, plan, err);
}

START_TEST(time_offsets)
{
	struct namespaces_plan plan;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(plan_offset("boottime", NULL, true, &plan, &err), 0);
	ck_assert_ptr_nonnull(plan.time_offsets);
	ck_assert_int_eq(plan_offset("monotonic", NULL, true, &plan, &err), 0);

	ck_assert_int_eq(plan_offset("monotonic", NULL, false, &plan, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "linux.timeOffsets",
			"needs a new time namespace in linux.namespaces", "");
	error_clear(&err);
	ck_assert_int_eq(plan_offset("monotonic", "/p", true, &plan, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "linux.timeOffsets",
			"needs a new time namespace in linux.namespaces", "");
	error_clear(&err);
	ck_assert_int_eq(plan_offset("realtime", NULL, true, &plan, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "linux.timeOffsets[\"realtime\"]",
			"\"realtime\" is no clock of a time namespace",
			"use \"monotonic\" or \"boottime\"");
}
END_TEST

static int open_one(uint64_t type, const char *path, struct namespaces_fds *fds, struct error *err)
{
	struct oci_namespace item = {type, (char *)(uintptr_t)path};
	struct namespaces_plan plan;

	ck_assert_int_eq(plan_of(&item, 1, &plan, err), 0);
	return namespaces_open(&plan, fds, err);
}

START_TEST(open_own)
{
	struct namespaces_fds fds;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(open_one(CLONE_NEWNET, "/proc/self/ns/net", &fds, &err), 0);
	ck_assert_int_ge(fds.fds[0], 0);
	ck_assert_int_eq(fcntl(fds.fds[0], F_GETFD), FD_CLOEXEC);
	ck_assert_uint_eq(nsfs_type(fds.fds[0]), CLONE_NEWNET);
	ck_assert(nsfs_is_own(fds.fds[0], CLONE_NEWNET));
	ck_assert(!nsfs_is_own(fds.fds[0], CLONE_NEWIPC));
	for (size_t i = 1; i < NAMESPACES_MAX; i++)
		ck_assert_int_eq(fds.fds[i], -EBADF);
	namespaces_fds_close(&fds);
	ck_assert_int_eq(fds.fds[0], -EBADF);
	/* The kernel refuses to join one's own user namespace; there is nothing to do. */
	ck_assert_int_eq(open_one(CLONE_NEWUSER, "/proc/self/ns/user", &fds, &err), 0);
	ck_assert_int_eq(fds.fds[0], -EBADF);
}
END_TEST

/* By the pidfd and by the path it is the same one. */
START_TEST(open_of)
{
	static const uint64_t types[] = {CLONE_NEWUSER,	  CLONE_NEWNS,	CLONE_NEWPID,
					 CLONE_NEWNET,	  CLONE_NEWIPC, CLONE_NEWUTS,
					 CLONE_NEWCGROUP, CLONE_NEWTIME};
	int pidfd = sys_pidfd_open(getpid(), 0);

	ck_assert_int_ge(pidfd, 0);
	for (size_t i = 0; i < array_size(types); i++) {
		int fd = nsfs_open_of(pidfd, types[i]);

		/* Before Linux 6.11. */
		if (fd == -ENOTTY)
			continue;
		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
		ck_assert_uint_eq(nsfs_type(fd), types[i]);
		ck_assert(nsfs_is_own(fd, types[i]));
		fd_close(fd);
	}
	ck_assert_int_eq(nsfs_open_of(pidfd, CLONE_VM), -ENOTTY);
	ck_assert_int_eq(nsfs_open_of(-EBADF, CLONE_NEWNET), -EBADF);
	fd_close(pidfd);
}
END_TEST

START_TEST(open_wrong)
{
	struct namespaces_fds fds;
	struct error err = ERROR_INIT;
	struct scratch scratch;
	char path[96];
	size_t before = suite_open_fds();

	ck_assert_int_eq(open_one(CLONE_NEWNET, "/proc/self/ns/ipc", &fds, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "linux.namespaces[0].path",
			"/proc/self/ns/ipc is a namespace of type \"ipc\", not \"network\"", "");
	error_clear(&err);
	ck_assert_int_eq(open_one(CLONE_NEWNS, "/proc/self/status", &fds, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "linux.namespaces[0].path",
			"/proc/self/status is no namespace",
			"/proc/PID/ns/mnt or a bind mount of one is needed");
	error_clear(&err);
	ck_assert_int_eq(open_one(CLONE_NEWUTS, "/nowhere/at/all", &fds, &err), -ENOENT);
	ck_assert_error(&err, ENOENT, "linux.namespaces[0].path",
			"open /nowhere/at/all: No such file or directory (ENOENT)", "");
	error_clear(&err);

	/* Nobody writes into it: an ordinary open would wait for ever. */
	scratch_open(&scratch);
	(void)snprintf(path, sizeof(path), "%s/fifo", scratch.path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(open_one(CLONE_NEWPID, path, &fds, &err), -EINVAL);
	ck_assert_str_eq(err.field, "linux.namespaces[0].path");
	ck_assert_str_eq(err.hint, "/proc/PID/ns/pid or a bind mount of one is needed");
	scratch_close(&scratch);
	ck_assert_uint_eq(suite_open_fds(), before);
}
END_TEST

START_TEST(open_second_fails)
{
	char good[] = "/proc/self/ns/net", bad[] = "/proc/self/ns/net";
	struct oci_namespace items[] = {
		{CLONE_NEWPID, NULL}, {CLONE_NEWNET, good}, {CLONE_NEWIPC, bad}};
	struct namespaces_fds fds = {.fds = {77}};
	struct namespaces_plan plan;
	struct error err = ERROR_INIT;
	size_t before = suite_open_fds();

	ck_assert_int_eq(plan_of(items, 3, &plan, &err), 0);
	ck_assert_int_eq(namespaces_open(&plan, &fds, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "linux.namespaces[2].path",
			"/proc/self/ns/net is a namespace of type \"network\", not \"ipc\"", "");
	ck_assert_int_eq(fds.fds[0], 77);
	ck_assert_uint_eq(suite_open_fds(), before);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		nothing,      fresh_and_joined, all_eight_joined, twice,      unknown_type,
		time_offsets, open_own,		open_of,	  open_wrong, open_second_fails,
	};

	return suite_run("namespaces", tests, suite_count(tests));
}
