/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite.h"

static const struct {
	const char *passwd;
	uint32_t uid;
	const char *home;
} home_cases[] = {
	{"", 0, "/"},
	{"root:x:0:0:root:/root:/bin/sh\n", 0, "/root"},
	{"root:x:0:0:root:/root:/bin/sh", 0, "/root"},
	{"root:x:0:0:root:/root:/bin/sh\n", 1, "/"},
	{"a:x:1:1::/first:\nb:x:1:1::/second:\n", 1, "/first"},
	/* No shell, and more fields than there are. */
	{"a:x:1:1:c:/home/a", 1, "/home/a"},
	{"a:x:1:1:c:/home/a:sh:more:and more\n", 1, "/home/a"},
	{"a::1:::/home/a:\n", 1, "/home/a"},
	/* Malformed lines are skipped. */
	{"nonsense\n\n:::\n::::::\n#a:x:1:1::/comment:\n+a:x:1:1::/nis:\n-a:x:1:1::/"
	 "nis:\na:x:1:1::/ok:",
	 1, "/ok"},
	{"a:x: 1:1::/blank:\nb:x:+1:1::/sign:\nc:x:0x1:1::/hex:\nd:x::1::/none:\n", 1, "/"},
	{"a:x:4294967295:1::/minus-one:\nb:x:4294967297:1::/wraps:\n", 1, "/"},
	{"a:x:00000000000000000000000000000001:1::/long:\n", 1, "/"},
	{"a:x:1:1:five\n", 1, "/"},
	/* A home directory that is none. */
	{"a:x:1:1:::sh\n", 1, "/"},
	{"a:x:1:1::relative:sh\n", 1, "/"},
	/* CR LF: the home directory is not the last field. */
	{"a:x:1:1::/home/a:/bin/sh\r\n", 1, "/home/a"},
	{"a:x:4294967294:1::/max:\n", 4294967294, "/max"},
};

START_TEST(home_from_passwd)
{
	for (size_t i = 0; i < suite_count(home_cases); i++) {
		/* In a buffer of its exact size, for the sanitizer. */
		size_t length = strlen(home_cases[i].passwd);
		char *text = malloc(length ? length : 1), out[64];

		memcpy(text, home_cases[i].passwd, length);
		identity_parse_home(text, length, home_cases[i].uid, out, sizeof(out));
		ck_assert_msg(strcmp(out, home_cases[i].home) == 0, "%zu: %s", i, out);
		free(text);
	}
}
END_TEST

START_TEST(home_fits_or_is_root)
{
	static const char passwd[] = "a:x:1:1::/abc:\n", nul[] = "a:x:1:1::/a\0c:\n";
	char out[8] = "#######";

	identity_parse_home(passwd, strlen(passwd), 1, out, 5);
	ck_assert_str_eq(out, "/abc");
	identity_parse_home(passwd, strlen(passwd), 1, out, 4);
	ck_assert_str_eq(out, "/");
	ck_assert_int_eq(out[5], '#');
	identity_parse_home(nul, sizeof(nul) - 1, 1, out, sizeof(out));
	ck_assert_str_eq(out, "/");
}
END_TEST

START_TEST(home_from_the_container)
{
	struct scratch scratch;
	char out[64];
	size_t fds;

	scratch_open(&scratch);
	fds = suite_open_fds();
	identity_home(scratch.fd, 0, out, sizeof(out));
	ck_assert_str_eq(out, "/");
	scratch_directory(scratch.fd, "etc", 0755);
	scratch_text(scratch.fd, "etc/real", "u:x:7:7::/home/u:\n", 0644);
	/* Below the root, also through a link that names a file of the host. */
	scratch_link(scratch.fd, "etc/passwd", "/etc/real");
	identity_home(scratch.fd, 7, out, sizeof(out));
	ck_assert_str_eq(out, "/home/u");
	ck_assert_int_eq(unlinkat(scratch.fd, "etc/passwd", 0), 0);
	scratch_link(scratch.fd, "etc/passwd", "../../../../../../etc/passwd");
	identity_home(scratch.fd, 0, out, sizeof(out));
	ck_assert_str_eq(out, "/");
	/* Things that would stall or are no text. */
	ck_assert_int_eq(unlinkat(scratch.fd, "etc/passwd", 0), 0);
	ck_assert_int_eq(mkfifoat(scratch.fd, "etc/passwd", 0644), 0);
	identity_home(scratch.fd, 0, out, sizeof(out));
	ck_assert_str_eq(out, "/");
	ck_assert_int_eq(unlinkat(scratch.fd, "etc/passwd", 0), 0);
	scratch_directory(scratch.fd, "etc/passwd", 0755);
	identity_home(scratch.fd, 0, out, sizeof(out));
	ck_assert_str_eq(out, "/");
	ck_assert_uint_eq(suite_open_fds(), fds);
	scratch_close(&scratch);
}
END_TEST

START_TEST(home_from_a_huge_file)
{
	static const char line[] = "u:x:7:7::/home/u:\n";
	struct scratch scratch;
	char out[64];
	int fd;

	scratch_open(&scratch);
	scratch_directory(scratch.fd, "etc", 0755);
	scratch_text(scratch.fd, "etc/passwd", line, 0644);
	identity_home(scratch.fd, 7, out, sizeof(out));
	ck_assert_str_eq(out, "/home/u");
	fd = openat(scratch.fd, "etc/passwd", O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(ftruncate(fd, (off_t)1 << 40), 0);
	identity_home(scratch.fd, 7, out, sizeof(out));
	ck_assert_str_eq(out, "/");
	(void)close(fd);
	scratch_close(&scratch);
}
END_TEST

/* Variables are set apart by "|". */
static const struct {
	const char *env, *home, *wanted;
} environment_cases[] = {
	{"", "/", "HOME=/"},
	{"A=1|B=2", "/root", "A=1|B=2|HOME=/root"},
	/* The last of equal names, in its own place. */
	{"A=1|B=2|A=3|C=|A=4", "/", "B=2|C=|A=4|HOME=/"},
	{"AB=1|A=2|ABC=3|A=4|AB=5", "/", "ABC=3|A=4|AB=5|HOME=/"},
	{"HOME=/x|A=1", "/root", "HOME=/x|A=1"},
	{"HOME=/x|A=1|HOME=/y", "/root", "A=1|HOME=/y"},
	/* An empty one is none, as with runc. */
	{"HOME=|A=1", "/root", "A=1|HOME=/root"},
	{"HOME=/x|HOME=", "/root", "HOME=/root"},
	{"HOMER=/x|XHOME=/y", "/", "HOMER=/x|XHOME=/y|HOME=/"},
	{"A==|B= = |C=\n", "/", "A==|B= = |C=\n|HOME=/"},
	/* TERM is the engine's. */
	{"TERM=dumb", "/", "TERM=dumb|HOME=/"},
};

/* Cuts `text` into at most 8 strings of `items`. */
static size_t split(char *text, char **items)
{
	size_t count = 0;
	char *rest = text;

	while (*text && rest) {
		ck_assert_uint_lt(count, 8);
		items[count++] = strsep(&rest, "|");
	}
	return count;
}

START_TEST(environment)
{
	for (size_t i = 0; i < suite_count(environment_cases); i++) {
		char text[128], joined[128] = "", *items[8], **got = NULL;
		struct oci_strings env = {.items = items};
		struct error err = ERROR_INIT;

		(void)snprintf(text, sizeof(text), "%s", environment_cases[i].env);
		env.count = split(text, items);
		ck_assert_int_eq(identity_environment(&env, environment_cases[i].home, &got, &err),
				 0);
		for (size_t n = 0; got[n]; n++) {
			if (n > 0)
				strcat(joined, "|");
			strcat(joined, got[n]);
		}
		ck_assert_str_eq(joined, environment_cases[i].wanted);
		free(got);
	}
}
END_TEST

START_TEST(environment_that_is_none)
{
	char text[] = "A=1|PATH|=x", *items[8];
	struct oci_strings env = {.items = items, .count = split(text, items)};
	struct error err = ERROR_INIT;
	char **got = NULL;

	ck_assert_int_eq(identity_environment(&env, "/", &got, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "process.env[1]", "\"PATH\" is not of the form NAME=VALUE",
			"");
	env = (struct oci_strings){.items = items + 2, .count = 1};
	ck_assert_int_eq(identity_environment(&env, "/", &got, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "process.env[0]", "\"=x\" is not of the form NAME=VALUE", "");
	ck_assert_ptr_null(got);
}
END_TEST

/* 50 000 variables, each twice, in no time. */
START_TEST(environment_of_many)
{
	enum { NAMES = 50000 };
	static char texts[NAMES * 2][16], *items[NAMES * 2];
	struct oci_strings env = {.items = items, .count = NAMES * 2};
	struct error err = ERROR_INIT;
	char **got = NULL;

	for (size_t i = 0; i < NAMES * 2; i++) {
		(void)snprintf(texts[i], sizeof(texts[i]), "V%zu=%zu", i % NAMES, i);
		items[i] = texts[i];
	}
	ck_assert_int_eq(identity_environment(&env, "/", &got, &err), 0);
	for (size_t i = 0; i < NAMES; i++)
		ck_assert_ptr_eq(got[i], texts[NAMES + i]);
	ck_assert_str_eq(got[NAMES], "HOME=/");
	ck_assert_ptr_null(got[NAMES + 1]);
	free(got);
}
END_TEST

START_TEST(chdir_inside)
{
	struct error err = ERROR_INIT;
	struct scratch scratch;
	char now[PATH_MAX], wanted[PATH_MAX];
	struct stat st;

	(void)umask(0077);
	scratch_open(&scratch);
	ck_assert_int_eq(identity_chdir(scratch.fd, "/work/dir", false, &err), -ENOENT);
	ck_assert_error(&err, ENOENT, "process.cwd",
			"change to directory /work/dir: No such file or directory (ENOENT)", "");
	ck_assert_int_eq(identity_chdir(scratch.fd, "/work/dir", true, &err), 0);
	(void)snprintf(wanted, sizeof(wanted), "%s/work/dir", scratch.path);
	ck_assert_str_eq(getcwd(now, sizeof(now)), wanted);
	ck_assert_int_eq(fstatat(scratch.fd, "work/dir", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0755);
	/* As the container sees it: ".." and links end at its root. */
	scratch_link(scratch.fd, "link", "/../../../../../../work");
	ck_assert_int_eq(identity_chdir(scratch.fd, "/../../link/../link", false, &err), 0);
	(void)snprintf(wanted, sizeof(wanted), "%s/work", scratch.path);
	ck_assert_str_eq(getcwd(now, sizeof(now)), wanted);
	scratch_text(scratch.fd, "file", "", 0644);
	ck_assert_int_eq(identity_chdir(scratch.fd, "/file", true, &err), -ENOTDIR);
	ck_assert_error(&err, ENOTDIR, "process.cwd",
			"change to directory /file: Not a directory (ENOTDIR)", "");
	ck_assert_int_eq(chdir("/"), 0);
	scratch_close(&scratch);
}
END_TEST

/* CVE-2024-21626: a directory of the host that a descriptor was left open on. */
START_TEST(chdir_through_proc)
{
	static const char *const before_fd[] = {"/proc/self/fd/", "/proc/self/fd/",
						"/proc/thread-self/fd/", "/proc/1/../self/fd/"};
	static const char *const behind_fd[] = {"", "/..", "", "/."};
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int leaked = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct error err = ERROR_INIT;
	char cwd[64], message[256], before[PATH_MAX], after[PATH_MAX];

	ck_assert_ptr_nonnull(getcwd(before, sizeof(before)));
	for (size_t i = 0; i < suite_count(before_fd); i++) {
		(void)snprintf(cwd, sizeof(cwd), "%s%d%s", before_fd[i], leaked, behind_fd[i]);
		(void)snprintf(message, sizeof(message),
			       "%s leads through a link of /proc that jumps, or a loop of links",
			       cwd);
		ck_assert_int_eq(identity_chdir(root, cwd, true, &err), -ELOOP);
		ck_assert_error(&err, ELOOP, "process.cwd", message,
				"such a link could lead out of the container");
	}
	ck_assert_int_eq(identity_chdir(root, "/proc/self/cwd", true, &err), -ELOOP);
	ck_assert_str_eq(getcwd(after, sizeof(after)), before);
}
END_TEST

/* True when the error is exactly this; says what it is otherwise. */
static bool is_error(const struct error *err, const char *field, const char *message)
{
	if (strcmp(err->field, field) == 0 && strcmp(err->message, message) == 0)
		return true;
	(void)fprintf(stderr, "%s: %s\n", err->field, err->message);
	return false;
}

static int apply_unmapped_ids(void *data)
{
	const struct identity_options options = {.setgroups_denied = true};
	struct oci_user user = {.uid = 0, .gid = 5};
	struct error err = ERROR_INIT;
	uint32_t gids[] = {0};

	if (identity_apply(&user, &options, &err) != -EINVAL ||
	    !is_error(&err, "process.user.gid",
		      "gid 5 is not mapped in the container's user namespace"))
		return 1;
	user = (struct oci_user){.uid = 1000, .gid = 0};
	if (identity_apply(&user, &options, &err) != -EINVAL ||
	    !is_error(&err, "process.user.uid",
		      "uid 1000 is not mapped in the container's user namespace"))
		return 2;
	user = (struct oci_user){.additional_gids = {gids, 1}};
	if (identity_apply(&user, &options, &err) != -EPERM ||
	    !is_error(&err, "process.user.additionalGids",
		      "supplementary groups cannot be set: the user namespace denies setgroups(2)"))
		return 3;
	user = (struct oci_user){.umask = {true, 0027}};
	if (identity_apply(&user, &options, &err) != 0)
		return 4;
	if (umask(0) != 0027)
		return 5;
	user.umask.set = false;
	if (identity_apply(&user, &options, &err) != 0 || umask(0) != 0022)
		return 6;
	return 0;
}

START_TEST(ids_that_are_not_mapped)
{
	ck_assert_int_eq(suite_in_user_namespace("unmapped ids", apply_unmapped_ids, NULL), 0);
}
END_TEST

START_TEST(ids_that_mean_no_change)
{
	const struct identity_options options = {0};
	struct oci_user user = {.uid = UINT32_MAX, .gid = getgid()};
	struct error err = ERROR_INIT;

	ck_assert_int_eq(identity_apply(&user, &options, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "process.user.uid", "4294967295 is not a valid user id", "");
	user = (struct oci_user){.uid = getuid(), .gid = UINT32_MAX};
	ck_assert_int_eq(identity_apply(&user, &options, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "process.user.gid", "4294967295 is not a valid group id", "");
}
END_TEST

/* Without privileges: what one is already is no failure, anything else is. */
START_TEST(ids_without_privileges)
{
	struct identity_options options = {0};
	uint32_t gids[] = {4242};
	struct error err = ERROR_INIT;
	struct oci_user user;

	if (getuid() == 0) {
		ck_assert_int_eq(setgroups(0, NULL), 0);
		ck_assert_int_eq(setresgid(65534, 65534, 65534), 0);
		ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
	}
	options.keep_groups = true;
	user = (struct oci_user){.uid = getuid(), .gid = getgid()};
	ck_assert_int_eq(identity_apply(&user, &options, &err), 0);
	user.uid++;
	ck_assert_int_eq(identity_apply(&user, &options, &err), -EPERM);
	ck_assert_str_eq(err.field, "process.user.uid");
	ck_assert_str_eq(err.hint, "CAP_SETUID is needed");
	user.gid++;
	ck_assert_int_eq(identity_apply(&user, &options, &err), -EPERM);
	ck_assert_str_eq(err.field, "process.user.gid");
	ck_assert_str_eq(err.hint, "CAP_SETGID is needed");
	options.keep_groups = false;
	user = (struct oci_user){.uid = getuid(), .gid = getgid(), .additional_gids = {gids, 1}};
	ck_assert_int_eq(identity_apply(&user, &options, &err), -EPERM);
	ck_assert_error(&err, EPERM, "process.user.additionalGids",
			"set 1 supplementary groups: Operation not permitted (EPERM)",
			"CAP_SETGID is needed, and setgroups(2) allowed in the user namespace");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		home_from_passwd,
		home_fits_or_is_root,
		home_from_the_container,
		home_from_a_huge_file,
		environment,
		environment_that_is_none,
		environment_of_many,
		chdir_inside,
		chdir_through_proc,
		ids_that_are_not_mapped,
		ids_that_mean_no_change,
		ids_without_privileges,
	};

	return suite_run("identity", tests, suite_count(tests));
}
