/* SPDX-License-Identifier: Apache-2.0 */
/* Every case runs in a directory of its own that plays the container's root. */
#include "kernel/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "suite.h"

/* True when the descriptor is what is at `path` below `root`, where no link is followed at its end.
 */
static bool is_at(int fd, int root, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstatat(root, path, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static mode_t mode_at(int root, const char *path)
{
	struct stat st = {0};

	return fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_mode : 0;
}

/* The host's side of the fence: a directory beside the root that no path may reach. */
static void open_pair(struct scratch *scratch, int *ret_root)
{
	scratch_open(scratch);
	scratch_directory(scratch->fd, "root", 0755);
	scratch_directory(scratch->fd, "outside", 0755);
	scratch_text(scratch->fd, "outside/secret", "", 0600);
	*ret_root = openat(scratch->fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(*ret_root, 0);
}

static void close_pair(struct scratch *scratch, int root)
{
	/* Nothing was made outside. */
	ck_assert_int_eq(unlinkat(scratch->fd, "outside/secret", 0), 0);
	ck_assert_int_eq(unlinkat(scratch->fd, "outside", AT_REMOVEDIR), 0);
	(void)close(root);
	scratch_close(scratch);
}

START_TEST(open_stays_inside)
{
	struct scratch scratch;
	char absolute[128];
	int root, fd;

	open_pair(&scratch, &root);
	scratch_directory(root, "etc", 0755);
	scratch_text(root, "etc/passwd", "", 0644);
	scratch_link(root, "up", "../../../../etc/passwd");
	scratch_link(root, "absolute", "/etc/passwd");
	scratch_link(root, "out", "../outside/secret");
	(void)snprintf(absolute, sizeof(absolute), "%s/outside/secret", scratch.path);
	scratch_link(root, "out2", absolute);
	scratch_link(root, "loop", "loop");
	static const char *const same[] = {"/etc/passwd", "etc/passwd", "//etc/../etc/./passwd",
					   "up",	  "/absolute",	"/../../etc/passwd"};
	for (size_t i = 0; i < suite_count(same); i++) {
		fd = resolve_open(root, same[i], O_PATH);
		ck_assert_msg(is_at(fd, root, "etc/passwd"), "%s", same[i]);
		ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
		(void)close(fd);
	}
	ck_assert_int_eq(resolve_open(root, "out", O_PATH), -ENOENT);
	ck_assert_int_eq(resolve_open(root, "out2", O_PATH), -ENOENT);
	ck_assert_int_eq(resolve_open(root, "loop", O_PATH), -ELOOP);
	ck_assert_int_eq(resolve_open(root, "etc/passwd/x", O_PATH), -ENOTDIR);
	ck_assert_int_eq(resolve_open(root, "etc/passwd", O_PATH | O_DIRECTORY), -ENOTDIR);
	static const char *const roots[] = {"", "/", ".", "..", "/../.."};
	for (size_t i = 0; i < suite_count(roots); i++) {
		fd = resolve_open(root, roots[i], O_PATH | O_DIRECTORY);
		ck_assert_msg(is_at(fd, scratch.fd, "root"), "%s", roots[i]);
		(void)close(fd);
	}
	close_pair(&scratch, root);
}
END_TEST

/* CVE-2024-21626 and its like: the links of /proc that jump. */
START_TEST(open_follows_no_magic_link)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), other;
	char path[64];

	other = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", other);
	ck_assert_int_eq(resolve_open(root, path, O_PATH), -ELOOP);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/..", other);
	ck_assert_int_eq(resolve_open(root, path, O_PATH), -ELOOP);
	ck_assert_int_eq(resolve_open(root, "/proc/self/cwd", O_PATH), -ELOOP);
	ck_assert_int_eq(resolve_open(root, "/proc/self/root/etc", O_PATH), -ELOOP);
	ck_assert_int_eq(resolve_open(root, "/proc/self/exe", O_PATH), -ELOOP);
}
END_TEST

START_TEST(plain_open_follows_nothing)
{
	struct scratch scratch;
	int root, fd;

	open_pair(&scratch, &root);
	scratch_directory(root, "etc", 0755);
	scratch_text(root, "etc/passwd", "", 0644);
	scratch_link(root, "way", "etc");
	scratch_link(root, "last", "/etc/passwd");
	fd = resolve_open_plain(root, "/../etc/./passwd", O_PATH);
	ck_assert(is_at(fd, root, "etc/passwd"));
	(void)close(fd);
	ck_assert_int_eq(resolve_open_plain(root, "/way/passwd", O_PATH), -ELOOP);
	ck_assert_int_eq(resolve_open_plain(root, "/last", O_PATH), -ELOOP);
	ck_assert_int_eq(resolve_open_plain(root, "/none", O_PATH), -ENOENT);
	close_pair(&scratch, root);
}
END_TEST

START_TEST(directories_are_made)
{
	struct error err = ERROR_INIT;
	struct scratch scratch;
	int root, fd;

	(void)umask(0077);
	open_pair(&scratch, &root);
	ck_assert_int_eq(resolve_make_directory(root, "/a/b//c/", &fd, &err), 0);
	ck_assert(is_at(fd, root, "a/b/c"));
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	(void)close(fd);
	/* Whatever the umask, which stays as it was. */
	ck_assert_uint_eq(mode_at(root, "a"), S_IFDIR | 0755);
	ck_assert_uint_eq(mode_at(root, "a/b/c"), S_IFDIR | 0755);
	ck_assert_uint_eq(umask(0022), 0077);
	/* What is there is taken as it is. */
	ck_assert_int_eq(fchmodat(root, "a/b", 0500, 0), 0);
	ck_assert_int_eq(resolve_make_directory(root, "a/b", &fd, &err), 0);
	ck_assert(is_at(fd, root, "a/b"));
	(void)close(fd);
	ck_assert_uint_eq(mode_at(root, "a/b"), S_IFDIR | 0500);
	ck_assert_int_eq(fchmodat(root, "a/b", 0700, 0), 0);
	ck_assert_int_eq(resolve_make_directory(root, "/../../d/../e", &fd, &err), 0);
	ck_assert(is_at(fd, root, "e"));
	(void)close(fd);
	ck_assert_uint_eq(mode_at(root, "d"), 0);
	ck_assert_int_eq(resolve_make_directory(root, "/", &fd, &err), 0);
	ck_assert(is_at(fd, scratch.fd, "root"));
	(void)close(fd);
	close_pair(&scratch, root);
}
END_TEST

START_TEST(directories_are_made_behind_links)
{
	struct error err = ERROR_INIT;
	struct scratch scratch;
	int root, fd;

	open_pair(&scratch, &root);
	scratch_directory(root, "real", 0755);
	scratch_link(root, "link", "/real");
	scratch_link(root, "out", "../outside");
	ck_assert_int_eq(resolve_make_directory(root, "/link/x/y", &fd, &err), 0);
	ck_assert(is_at(fd, root, "real/x/y"));
	(void)close(fd);
	/* A link that leads out by its text leads to the same name inside. */
	ck_assert_int_eq(resolve_make_directory(root, "/out/x", &fd, &err), 0);
	ck_assert(is_at(fd, root, "outside/x"));
	(void)close(fd);
	close_pair(&scratch, root);
}
END_TEST

/* /var/run -> ../run with no /run yet, and the like. */
START_TEST(links_to_nothing_get_their_target)
{
	struct error err = ERROR_INIT;
	struct scratch scratch;
	int root, fd;

	open_pair(&scratch, &root);
	scratch_directory(root, "var", 0755);
	scratch_directory(root, "usr", 0755);
	scratch_directory(root, "usr/etc", 0755);
	scratch_link(root, "etc", "usr/etc");
	scratch_link(root, "var/run", "../run");
	scratch_link(root, "var/lock", "/run/lock");
	scratch_link(root, "chain", "chain2/sub");
	scratch_link(root, "chain2", "/var/end");
	/* Its ".." is that of usr/etc, where it really is. */
	scratch_link(root, "usr/etc/conf", "../made/conf");
	ck_assert_int_eq(resolve_make_directory(root, "/var/run/x", &fd, &err), 0);
	ck_assert(is_at(fd, root, "run/x"));
	(void)close(fd);
	ck_assert_int_eq(resolve_make_directory(root, "/var/lock", &fd, &err), 0);
	ck_assert(is_at(fd, root, "run/lock"));
	(void)close(fd);
	ck_assert_int_eq(resolve_make_directory(root, "/chain/a/b", &fd, &err), 0);
	ck_assert(is_at(fd, root, "var/end/sub/a/b"));
	(void)close(fd);
	ck_assert_int_eq(resolve_make_directory(root, "/etc/conf/d", &fd, &err), 0);
	ck_assert(is_at(fd, root, "usr/made/conf/d"));
	(void)close(fd);
	ck_assert_uint_eq(mode_at(root, "made"), 0);
	close_pair(&scratch, root);
}
END_TEST

START_TEST(directories_that_cannot_be)
{
	struct error err = ERROR_INIT;
	struct scratch scratch;
	char longer[PATH_MAX + 10];
	int root, fd = -77;
	size_t fds;

	open_pair(&scratch, &root);
	fds = suite_open_fds();
	scratch_text(root, "file", "", 0644);
	scratch_link(root, "to-file", "file");
	scratch_link(root, "loop", "pool");
	scratch_link(root, "pool", "loop");
	/* Growing for ever: each expansion adds a component. */
	scratch_link(root, "grow", "grow/x");
	scratch_link(root, "back", "new/../../outside");
	ck_assert_int_eq(resolve_make_directory(root, "/file", &fd, &err), -ENOTDIR);
	ck_assert_error(&err, ENOTDIR, "", "/file in the root filesystem is not a directory", "");
	ck_assert_int_eq(resolve_make_directory(root, "file/x/y", &fd, &err), -ENOTDIR);
	ck_assert_int_eq(resolve_make_directory(root, "to-file", &fd, &err), -ENOTDIR);
	ck_assert_int_eq(resolve_make_directory(root, "/loop/x", &fd, &err), -ELOOP);
	ck_assert_error(&err, ELOOP, "",
			"open directory /loop/x in the root filesystem (a link in it cannot be "
			"followed): Too many levels of symbolic links (ELOOP)",
			"");
	ck_assert_int_eq(resolve_make_directory(root, "/grow", &fd, &err), -ELOOP);
	ck_assert_int_eq(resolve_make_directory(root, "/back", &fd, &err), -ENOENT);
	memset(longer, 'n', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	ck_assert_int_eq(resolve_make_directory(root, longer, &fd, &err), -ENAMETOOLONG);
	longer[NAME_MAX + 1] = '\0';
	ck_assert_int_eq(resolve_make_directory(root, longer, &fd, &err), -ENAMETOOLONG);
	ck_assert_int_eq(fd, -77);
	ck_assert_uint_eq(suite_open_fds(), fds);
	close_pair(&scratch, root);
}
END_TEST

START_TEST(files_are_made)
{
	struct error err = ERROR_INIT;
	struct scratch scratch;
	int root, fd;

	(void)umask(0077);
	open_pair(&scratch, &root);
	ck_assert_int_eq(resolve_make_file(root, "/a/b/f", &fd, &err), 0);
	ck_assert(is_at(fd, root, "a/b/f"));
	(void)close(fd);
	ck_assert_uint_eq(mode_at(root, "a/b/f"), S_IFREG | 0644);
	ck_assert_uint_eq(mode_at(root, "a/b"), S_IFDIR | 0755);
	ck_assert_int_eq(resolve_make_file(root, "g", &fd, &err), 0);
	(void)close(fd);
	/* Whatever is there is taken, without opening it: this would wait for ever. */
	ck_assert_int_eq(mkfifoat(root, "fifo", 0600), 0);
	ck_assert_int_eq(resolve_make_file(root, "fifo", &fd, &err), 0);
	ck_assert(is_at(fd, root, "fifo"));
	(void)close(fd);
	scratch_link(root, "link", "a/b/f");
	ck_assert_int_eq(resolve_make_file(root, "link", &fd, &err), 0);
	ck_assert(is_at(fd, root, "a/b/f"));
	(void)close(fd);
	close_pair(&scratch, root);
}
END_TEST

/* /etc/resolv.conf of an image made with systemd, on which every engine mounts a file. */
START_TEST(files_are_made_behind_links_to_nothing)
{
	struct error err = ERROR_INIT;
	struct scratch scratch;
	int root, fd;

	open_pair(&scratch, &root);
	scratch_directory(root, "etc", 0755);
	scratch_link(root, "etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf");
	scratch_link(root, "etc/mtab", "/outside/secret");
	scratch_link(root, "etc/hosts", "hosts.real");
	ck_assert_int_eq(resolve_make_file(root, "/etc/resolv.conf", &fd, &err), 0);
	ck_assert(is_at(fd, root, "run/systemd/resolve/stub-resolv.conf"));
	(void)close(fd);
	ck_assert_uint_eq(mode_at(root, "etc/resolv.conf") & S_IFMT, S_IFLNK);
	ck_assert_int_eq(resolve_make_file(root, "/etc/mtab", &fd, &err), 0);
	ck_assert(is_at(fd, root, "outside/secret"));
	(void)close(fd);
	ck_assert_int_eq(resolve_make_file(root, "/etc/hosts", &fd, &err), 0);
	ck_assert(is_at(fd, root, "etc/hosts.real"));
	(void)close(fd);
	close_pair(&scratch, root);
}
END_TEST

START_TEST(files_that_cannot_be)
{
	struct error err = ERROR_INIT;
	struct scratch scratch;
	int root, fd = -77;
	size_t fds;

	open_pair(&scratch, &root);
	fds = suite_open_fds();
	scratch_directory(root, "dir", 0755);
	scratch_text(root, "file", "", 0644);
	scratch_link(root, "loop", "loop");
	scratch_link(root, "grow", "grow.d/../grow");
	ck_assert_int_eq(resolve_make_file(root, "/dir", &fd, &err), -EISDIR);
	ck_assert_error(&err, EISDIR, "", "/dir in the root filesystem is a directory", "");
	ck_assert_int_eq(resolve_make_file(root, "/", &fd, &err), -EISDIR);
	ck_assert_int_eq(resolve_make_file(root, "/file/x", &fd, &err), -ENOTDIR);
	ck_assert_error(&err, ENOTDIR, "",
			"open /file/x in the root filesystem: Not a directory (ENOTDIR)", "");
	ck_assert_int_eq(resolve_make_file(root, "loop", &fd, &err), -ELOOP);
	ck_assert_int_lt(resolve_make_file(root, "grow", &fd, &err), 0);
	ck_assert_int_eq(fd, -77);
	ck_assert_uint_eq(suite_open_fds(), fds);
	close_pair(&scratch, root);
}
END_TEST

START_TEST(parents)
{
	static const char *const wrong[] = {"", "/", "a/", "/a/.", "..", "a/.."};
	struct error err = ERROR_INIT;
	struct scratch scratch;
	const char *name = NULL, *path = "/a/b/node";
	int root, fd = -77;

	open_pair(&scratch, &root);
	for (size_t i = 0; i < suite_count(wrong); i++) {
		ck_assert_int_eq(resolve_parent(root, wrong[i], true, &fd, &name, &err), -EINVAL);
		ck_assert_ptr_null(name);
	}
	ck_assert_str_eq(err.message, "a/.. does not end in a file name");
	ck_assert_int_eq(resolve_parent(root, path, false, &fd, &name, &err), -ENOENT);
	ck_assert_error(&err, ENOENT, "",
			"open directory /a/b/ in the root filesystem: No such file or directory "
			"(ENOENT)",
			"");
	ck_assert_int_eq(fd, -77);
	ck_assert_int_eq(resolve_parent(root, path, true, &fd, &name, &err), 0);
	ck_assert(is_at(fd, root, "a/b"));
	ck_assert_ptr_eq(name, path + 5);
	(void)close(fd);
	/* The name itself is not looked at, so a link there stays a link. */
	scratch_link(root, "l", "../outside/secret");
	ck_assert_int_eq(resolve_parent(root, "l", false, &fd, &name, &err), 0);
	ck_assert(is_at(fd, scratch.fd, "root"));
	ck_assert_str_eq(name, "l");
	(void)close(fd);
	close_pair(&scratch, root);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		open_stays_inside,
		open_follows_no_magic_link,
		plain_open_follows_nothing,
		directories_are_made,
		directories_are_made_behind_links,
		links_to_nothing_get_their_target,
		directories_that_cannot_be,
		files_are_made,
		files_are_made_behind_links_to_nothing,
		files_that_cannot_be,
		parents,
	};

	return suite_run("resolve", tests, suite_count(tests));
}
