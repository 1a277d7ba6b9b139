/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "suite.h"

static int open_procfs(void)
{
	struct error err = ERROR_INIT;
	int fd = -1;

	ck_assert_int_eq(procfs_open(&fd, &err), 0);
	return fd;
}

START_TEST(the_handle_is_a_root_of_procfs)
{
	int fd = open_procfs();
	struct statfs fs;
	struct stat st;

	ck_assert_int_eq(fstatfs(fd, &fs), 0);
	ck_assert_int_eq(fs.f_type, PROC_SUPER_MAGIC);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_ino, 1);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
}
END_TEST

static long pid_in(int procfs)
{
	char stat[1024];

	return procfs_read(procfs, "self/stat", stat, sizeof(stat)) > 0 ? strtol(stat, NULL, 10)
									: -1;
}

START_TEST(self_is_the_caller)
{
	int procfs = open_procfs(), status;
	pid_t child;

	ck_assert_int_eq(pid_in(procfs), getpid());
	child = fork();
	if (child == 0)
		_exit(pid_in(procfs) == getpid() ? 0 : 1);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(values_are_written_and_read)
{
	int procfs = open_procfs();
	char value[32] = "";

	ck_assert_int_eq(procfs_write(procfs, "self/comm", "renamed"), 0);
	ck_assert_int_eq(procfs_read(procfs, "self/comm", value, sizeof(value)), 7);
	ck_assert_str_eq(value, "renamed");
	ck_assert_int_eq(procfs_read(procfs, "self/comm", value, 9), 7);
	ck_assert_int_eq(procfs_read(procfs, "self/comm", value, 8), -EFBIG);
	ck_assert_int_eq(procfs_write(procfs, "self/oom_score_adj", "2000"), -EINVAL);
	ck_assert_int_eq(procfs_write(procfs, "self/nonexistent", "x"), -ENOENT);
	ck_assert_int_eq(procfs_read(procfs, "nonexistent", value, sizeof(value)), -ENOENT);
	ck_assert_int_eq(procfs_read(procfs, "sys", value, sizeof(value)), -EISDIR);
}
END_TEST

START_TEST(paths_do_not_leave)
{
	static const char *const links[] = {
		"self/cwd", "self/root", "self/fd/0",  "self/exe", "self/root/etc/passwd",
		"self",	    "mounts",	 "thread-self"};
	static const char *const out[] = {"..", "/", "/etc/passwd", "self/../../etc/passwd"};
	int procfs = open_procfs(), fd;
	char longer[400] = "self/";

	for (size_t i = 0; i < suite_count(links); i++) {
		fd = procfs_openat(procfs, links[i], O_RDONLY);
		ck_assert_msg(fd == -ELOOP, "%s: %d", links[i], fd);
	}
	for (size_t i = 0; i < suite_count(out); i++) {
		fd = procfs_openat(procfs, out[i], O_RDONLY);
		ck_assert_msg(fd == -EXDEV, "%s: %d", out[i], fd);
	}
	memset(longer + 5, 'x', sizeof(longer) - 6);
	ck_assert_int_eq(procfs_openat(procfs, longer, O_RDONLY), -ENAMETOOLONG);
}
END_TEST

/* O_PATH goes with few other flags in openat2(2). */
START_TEST(descriptors_of_either_kind)
{
	int procfs = open_procfs(), fd;

	fd = procfs_openat(procfs, "sys/kernel", O_PATH | O_DIRECTORY);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	fd = procfs_openat(procfs, "self/status", O_RDONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
}
END_TEST

static int read_overmounted(void *data)
{
	struct error err = ERROR_INIT;
	char comm[32], name[] = "genuine";
	int procfs = -1;
	ssize_t n;

	(void)prctl(PR_SET_NAME, name);
	if (mount("/etc/passwd", "/proc/self/comm", NULL, MS_BIND, NULL) < 0)
		return 1;
	if (procfs_open(&procfs, &err) < 0)
		return 2;
	n = procfs_read(procfs, "self/comm", comm, sizeof(comm));
	return n == -EXDEV || (n == 7 && strcmp(comm, name) == 0) ? 0 : 3;
}

/* What somebody has mounted on files below /proc is not believed: either it is not seen, or it
 * stops the walk. */
START_TEST(mounts_below_are_not_followed)
{
	ck_assert_int_eq(suite_in_user_namespace("mounts below /proc", read_overmounted, NULL), 0);
}
END_TEST

static int open_false_proc(void *data)
{
	struct error err = ERROR_INIT;
	int procfs = -1;

	if (mount("none", "/proc", "tmpfs", 0, NULL) < 0)
		return 1;
	if (procfs_open(&procfs, &err) != -EINVAL || procfs != -1)
		return 2;
	return strcmp(err.message, "/proc is not the root of a procfs") == 0 ? 0 : 3;
}

/* A /proc that is none is an error, not a place to write to. */
START_TEST(another_filesystem_on_proc)
{
	ck_assert_int_eq(suite_in_user_namespace("a false /proc", open_false_proc, NULL), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		the_handle_is_a_root_of_procfs, self_is_the_caller,
		values_are_written_and_read,	paths_do_not_leave,
		descriptors_of_either_kind,	mounts_below_are_not_followed,
		another_filesystem_on_proc,
	};

	return suite_run("procfs", tests, suite_count(tests));
}
