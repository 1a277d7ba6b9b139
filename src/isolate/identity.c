/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/log.h"
#include "base/text.h"
#include "kernel/resolve.h"

/* On 32-bit machines the plain numbers are those of the calls with 16-bit ids. */
#ifdef SYS_setgroups32
#define IDENTITY_SETGROUPS SYS_setgroups32
#define IDENTITY_SETRESGID SYS_setresgid32
#define IDENTITY_SETRESUID SYS_setresuid32
#else
#define IDENTITY_SETGROUPS SYS_setgroups
#define IDENTITY_SETRESGID SYS_setresgid
#define IDENTITY_SETRESUID SYS_setresuid
#endif

/* Directories with a hundred thousand users exist; more than this is no passwd file. */
#define IDENTITY_PASSWD_MAX ((size_t)16 << 20)

static int identity_compare_ids(const void *left, const void *right)
{
	const gid_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* True when the supplementary groups are exactly these, in whatever order. */
static bool identity_has_groups(const uint32_t *gids, size_t count)
{
	auto_free gid_t *groups = NULL;
	gid_t *wanted;
	int n = getgroups(0, NULL);

	if (n < 0 || (size_t)n != count)
		return false;
	if (n == 0)
		return true;
	groups = calloc(count, 2 * sizeof(*groups));
	if (!groups || getgroups(n, groups) != n)
		return false;
	wanted = groups + count;
	memcpy(wanted, gids, count * sizeof(*gids));
	qsort(groups, count, sizeof(*groups), identity_compare_ids);
	qsort(wanted, count, sizeof(*wanted), identity_compare_ids);
	return memcmp(groups, wanted, count * sizeof(*groups)) == 0;
}

/* EINVAL tells that one gid has no mapping, not which: so each is tried alone. */
static int identity_explain_groups(const struct oci_u32s *gids, struct error *err)
{
	for (size_t i = 0; i < gids->count; i++) {
		gid_t gid = gids->items[i];

		if (syscall(IDENTITY_SETGROUPS, 1, &gid) == 0 || errno != EINVAL)
			continue;
		error_set(err, EINVAL, "gid %u is not mapped in the container's user namespace",
			  gid);
		return error_at(err, "process.user.additionalGids[%zu]", i);
	}
	error_set(err, EINVAL, "%zu supplementary groups are more than the kernel takes (65536)",
		  gids->count);
	return error_at(err, "process.user.additionalGids");
}

static int identity_set_groups(const struct oci_u32s *gids, bool denied, struct error *err)
{
	int number;

	if (denied) {
		if (gids->count == 0)
			return 0;
		error_set(err, EPERM,
			  "supplementary groups cannot be set: the user namespace denies "
			  "setgroups(2)");
		error_hint(err, "map the gids with newgidmap, or leave additionalGids out");
		return error_at(err, "process.user.additionalGids");
	}
	if (syscall(IDENTITY_SETGROUPS, gids->count, gids->items) == 0) {
		if (identity_has_groups(gids->items, gids->count))
			return 0;
		error_set(err, EPERM, "the supplementary groups are not those that were set");
		return error_at(err, "process.user.additionalGids");
	}
	number = errno;
	/* Without CAP_SETGID it is still no failure if there is nothing to change. */
	if (number == EPERM && identity_has_groups(gids->items, gids->count))
		return 0;
	if (number == EINVAL)
		return identity_explain_groups(gids, err);
	error_errno(err, number, "set %zu supplementary groups", gids->count);
	if (number == EPERM)
		error_hint(err,
			   "CAP_SETGID is needed, and setgroups(2) allowed in the user namespace");
	return error_at(err, "process.user.additionalGids");
}

/* What a failed or ineffective setresuid/setresgid means. `kind` is "uid" or "gid". */
static int identity_fail(const char *kind, uint32_t id, int number, struct error *err)
{
	if (number == EINVAL) {
		error_set(err, EINVAL, "%s %u is not mapped in the container's user namespace",
			  kind, id);
	} else {
		error_errno(err, number, "change to %s %u", kind, id);
		if (number == EPERM)
			error_hint(err, "CAP_SET%s is needed", kind[0] == 'u' ? "UID" : "GID");
	}
	return error_at(err, "process.user.%s", kind);
}

static int identity_set_gid(gid_t gid, struct error *err)
{
	gid_t real, effective, saved;

	/* By number: glibc's wrappers signal every thread, and there is only this one. */
	if (syscall(IDENTITY_SETRESGID, gid, gid, gid) < 0)
		return identity_fail("gid", gid, errno, err);
	if (getresgid(&real, &effective, &saved) < 0 || real != gid || effective != gid ||
	    saved != gid)
		return identity_fail("gid", gid, EPERM, err);
	return 0;
}

static int identity_set_uid(uid_t uid, struct error *err)
{
	uid_t real, effective, saved;

	if (syscall(IDENTITY_SETRESUID, uid, uid, uid) < 0)
		return identity_fail("uid", uid, errno, err);
	if (getresuid(&real, &effective, &saved) < 0 || real != uid || effective != uid ||
	    saved != uid)
		return identity_fail("uid", uid, EPERM, err);
	return 0;
}

int identity_apply(const struct oci_user *user, const struct identity_options *options,
		   struct error *err)
{
	int r;

	/* -1 would mean "leave it as it is". */
	if (user->uid == UINT32_MAX) {
		error_set(err, EINVAL, "%u is not a valid user id", user->uid);
		return error_at(err, "process.user.uid");
	}
	if (user->gid == UINT32_MAX) {
		error_set(err, EINVAL, "%u is not a valid group id", user->gid);
		return error_at(err, "process.user.gid");
	}
	if (!options->keep_groups) {
		r = identity_set_groups(&user->additional_gids, options->setgroups_denied, err);
		if (r < 0)
			return r;
	}
	r = identity_set_gid(user->gid, err);
	if (r < 0)
		return r;
	r = identity_set_uid(user->uid, err);
	if (r < 0)
		return r;
	(void)umask(user->umask.set ? user->umask.value & 0777 : 0022);
	return 0;
}

/* One line of passwd(5), `name:password:uid:gid:comment:home:shell`: true when it is about `uid`
 * and its home directory is in `out`. */
static bool identity_parse_line(const char *line, size_t length, uint32_t uid, char *out,
				size_t size)
{
	const char *fields[7], *end = line + length;
	size_t lengths[7], count = 0;
	char number[16];
	uint32_t id;

	for (const char *at = line; count < array_size(fields); count++) {
		const char *colon = memchr(at, ':', (size_t)(end - at));

		fields[count] = at;
		lengths[count] = (size_t)((colon ? colon : end) - at);
		if (!colon) {
			count++;
			break;
		}
		at = colon + 1;
	}
	/* Comments, and lines that refer to NIS, are no users. */
	if (count < 6 || line[0] == '#' || line[0] == '+' || line[0] == '-' ||
	    lengths[2] >= sizeof(number))
		return false;
	memcpy(number, fields[2], lengths[2]);
	number[lengths[2]] = '\0';
	if (text_parse_id(number, &id) < 0 || id != uid)
		return false;
	/* A home directory that is none is as good as a missing one. */
	if (lengths[5] == 0 || lengths[5] >= size || fields[5][0] != '/' ||
	    memchr(fields[5], '\0', lengths[5]))
		return true;
	memcpy(out, fields[5], lengths[5]);
	out[lengths[5]] = '\0';
	return true;
}

void identity_parse_home(const char *text, size_t length, uint32_t uid, char *out, size_t size)
{
	(void)snprintf(out, size, "/");
	while (length > 0) {
		const char *newline = memchr(text, '\n', length);
		size_t n = newline ? (size_t)(newline - text) : length;

		if (identity_parse_line(text, n, uid, out, size))
			return;
		n += newline != NULL;
		text += n;
		length -= n;
	}
}

void identity_home(int root, uint32_t uid, char *out, size_t size)
{
	auto_close int place = -EBADF;
	auto_close int fd = -EBADF;
	auto_free char *text = NULL;
	struct stat st;
	size_t length;
	int r;

	(void)snprintf(out, size, "/");
	/* Looked at before it is opened for reading: opening a device can have effects. In between
	 * it could be swapped; then O_NONBLOCK keeps a FIFO from stalling us. */
	place = resolve_open(root, "/etc/passwd", O_PATH);
	if (place < 0 || fstat(place, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	fd = resolve_open(root, "/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	r = io_read_all(fd, IDENTITY_PASSWD_MAX, &text, &length);
	if (r < 0) {
		log_debug("the container's /etc/passwd cannot be read (%s): HOME is /",
			  error_name(-r));
		return;
	}
	identity_parse_home(text, length, uid, out, size);
}

/* A variable by its name, for sorting. */
struct identity_variable {
	const char *text;
	size_t name_length, index;
};

static int identity_compare_names(const struct identity_variable *a,
				  const struct identity_variable *b)
{
	size_t shorter = a->name_length < b->name_length ? a->name_length : b->name_length;
	int difference = memcmp(a->text, b->text, shorter);

	if (difference != 0)
		return difference;
	return (a->name_length > b->name_length) - (a->name_length < b->name_length);
}

static int identity_compare(const void *left, const void *right)
{
	const struct identity_variable *a = left, *b = right;
	int difference = identity_compare_names(a, b);

	return difference ? difference : (a->index > b->index) - (a->index < b->index);
}

/* Sets vector[i] to env[i], or to NULL where a later one has the same name. Sorted, because engines
 * pass thousands of variables to some containers. */
static int identity_last_wins(const struct oci_strings *env, char **vector, struct error *err)
{
	auto_free struct identity_variable *variables = NULL;

	variables = calloc(env->count + 1, sizeof(*variables));
	if (!variables)
		return error_errno(err, ENOMEM, "environment of %zu variables", env->count);
	for (size_t i = 0; i < env->count; i++) {
		const char *equal = strchr(env->items[i], '=');

		if (!equal || equal == env->items[i]) {
			error_set(err, EINVAL, "\"%.64s\" is not of the form NAME=VALUE",
				  env->items[i]);
			return error_at(err, "process.env[%zu]", i);
		}
		variables[i].text = env->items[i];
		variables[i].name_length = (size_t)(equal - env->items[i]);
		variables[i].index = i;
	}
	qsort(variables, env->count, sizeof(*variables), identity_compare);
	for (size_t i = 0; i < env->count; i++) {
		bool again = i + 1 < env->count &&
			     identity_compare_names(&variables[i], &variables[i + 1]) == 0;

		vector[variables[i].index] = again ? NULL : env->items[variables[i].index];
	}
	return 0;
}

int identity_environment(const struct oci_strings *env, const char *home, char ***ret_environ,
			 struct error *err)
{
	size_t home_size = strlen("HOME=") + strlen(home) + 1, count = 0;
	/* Room for HOME and the NULL; the text of HOME is behind them. */
	size_t vector_size = (env->count + 2) * sizeof(char *);
	auto_free char **vector = malloc(vector_size + home_size);
	bool has_home = false;
	char *text;
	int r;

	if (!vector)
		return error_errno(err, ENOMEM, "environment of %zu variables", env->count);
	r = identity_last_wins(env, vector, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < env->count; i++) {
		char *variable = vector[i];

		if (!variable)
			continue;
		if (text_starts_with(variable, "HOME=")) {
			/* An empty one is as good as none, as with runc. */
			if (variable[strlen("HOME=")] == '\0')
				continue;
			has_home = true;
		}
		vector[count++] = variable;
	}
	if (!has_home) {
		text = (char *)vector + vector_size;
		(void)snprintf(text, home_size, "HOME=%s", home);
		vector[count++] = text;
	}
	vector[count] = NULL;
	*ret_environ = pointer_take(vector);
	return 0;
}

static int identity_open_cwd(int root, const char *cwd, bool make, int *ret_fd, struct error *err)
{
	int fd = resolve_open(root, cwd, O_PATH | O_DIRECTORY);

	if (fd == -ENOENT) {
		int r = resolve_directory(root, cwd, make, ret_fd, err);

		if (make || r != -ENOENT)
			return r;
	}
	if (fd == -ELOOP) {
		error_set(err, ELOOP,
			  "%s leads through a link of /proc that jumps, or a loop of links", cwd);
		return error_hint(err, "such a link could lead out of the container");
	}
	if (fd < 0)
		return error_errno(err, -fd, "change to directory %s", cwd);
	*ret_fd = fd;
	return 0;
}

/* getcwd(2) itself, for glibc's hides the "(unreachable)" that the kernel says. */
static int identity_verify_cwd(const char *cwd, struct error *err)
{
	char now[PATH_MAX + 32];

	if (syscall(SYS_getcwd, now, sizeof(now)) < 0)
		return error_errno(err, errno, "verify that directory %s is in the container", cwd);
	if (now[0] != '/')
		return error_set(err, EPERM, "directory %s is outside of the container's root",
				 cwd);
	return 0;
}

int identity_chdir(int root, const char *cwd, bool make, struct error *err)
{
	auto_close int fd = -EBADF;
	int r;

	r = identity_open_cwd(root, cwd, make, &fd, err);
	if (r == 0 && fchdir(fd) < 0)
		r = error_errno(err, errno, "change to directory %s", cwd);
	if (r == 0)
		r = identity_verify_cwd(cwd, err);
	return r < 0 ? error_at(err, "process.cwd") : 0;
}

int identity_make_cwd(int root, const char *cwd, struct error *err)
{
	auto_close int fd = resolve_open(root, cwd, O_PATH | O_DIRECTORY);
	int r;

	if (fd != -ENOENT)
		return 0;
	r = resolve_make_directory(root, cwd, &fd, err);
	return r < 0 ? error_at(err, "process.cwd") : 0;
}
