/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/executable.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "kernel/resolve.h"

/* confstr(_CS_PATH) of glibc, which execvp(3) takes when there is no PATH. */
#define EXECUTABLE_DEFAULT_PATH "/bin:/usr/bin"

static int executable_field(struct error *err)
{
	return error_at(err, "process.args[0]");
}

/* Not cleaned: ".." behind a link is the kernel's business. */
int executable_absolute(const struct executable_search *search, const char *name, char *out,
			size_t size)
{
	int n;

	if (name[0] == '/')
		n = snprintf(out, size, "%s", name);
	else
		n = snprintf(out, size, "%s/%s", search->cwd, name);
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

static bool executable_is_noexec(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && ((unsigned long)fs.f_flags & ST_NOEXEC) != 0;
}

int executable_check(const struct executable_search *search, const char *name, bool *ret_noexec)
{
	auto_close int fd = -EBADF;
	char path[PATH_MAX];
	struct stat st;
	int r;

	*ret_noexec = false;
	r = executable_absolute(search, name, path, sizeof(path));
	if (r < 0)
		return r;
	fd = resolve_open(search->root, path, O_PATH);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -ENOEXEC;
	/* By number: glibc's faccessat() guesses for AT_EACCESS where it has no faccessat2(2). */
	if (syscall(SYS_faccessat2, fd, "", X_OK, AT_EACCESS | AT_EMPTY_PATH) == 0)
		return 0;
	r = -errno;
	if (r == -EACCES)
		*ret_noexec = executable_is_noexec(fd);
	return r;
}

/* The sentence for what executable_check() said about `file`, which `name` stands for. */
static int executable_refuse(const char *name, const char *file, int number, bool noexec,
			     struct error *err)
{
	switch (number) {
	case ENOENT:
		error_set(err, ENOENT, "exec: \"%s\": stat %s: no such file or directory", name,
			  file);
		break;
	case ENOTDIR:
		error_set(err, ENOTDIR, "exec: \"%s\": stat %s: not a directory", name, file);
		break;
	case EISDIR:
		/* Engines take the exit status 126 from "permission denied", execve(2)'s own word
		 * for it. */
		error_set(err, EACCES, "exec: \"%s\": permission denied: it is a directory", name);
		break;
	case ENOEXEC:
		error_set(err, EACCES, "exec: \"%s\": permission denied: it is not a regular file",
			  name);
		break;
	case EACCES:
		error_set(err, EACCES, "exec: \"%s\": permission denied", name);
		if (noexec)
			error_hint(err, "%s is on a filesystem that is mounted noexec", file);
		else
			error_hint(err, "uid %u may not execute %s", geteuid(), file);
		break;
	case ELOOP:
		error_set(err, ELOOP,
			  "exec: \"%s\": %s leads through a link of /proc that jumps, or a loop of "
			  "links",
			  name, file);
		break;
	default:
		error_errno(err, number, "exec: \"%s\": stat %s", name, file);
		break;
	}
	return executable_field(err);
}

static const char *executable_path_variable(char *const *environment)
{
	const char *path = EXECUTABLE_DEFAULT_PATH;

	for (; environment && *environment; environment++)
		if (text_starts_with(*environment, "PATH="))
			path = *environment + strlen("PATH=");
	return path;
}

/* Tries each element of PATH; goes on behind those that fail, as execvp(3) does, but remembers a
 * file that is there and may not be executed. */
static int executable_search_path(const struct executable_search *search, char *out, size_t size,
				  struct error *err)
{
	const char *element = executable_path_variable(search->environment);
	char denied[PATH_MAX] = "";
	bool denied_noexec = false;

	for (;;) {
		int length = (int)strcspn(element, ":");
		char candidate[PATH_MAX];
		bool noexec = false;
		int n, r;

		n = snprintf(candidate, sizeof(candidate), "%.*s/%s", length ? length : 1,
			     length ? element : ".", search->name);
		r = n < 0 || (size_t)n >= sizeof(candidate)
			    ? -ENAMETOOLONG
			    : executable_check(search, candidate, &noexec);
		if (r == 0) {
			if ((size_t)n >= size)
				return error_errno(err, ENAMETOOLONG, "exec: \"%s\"", search->name);
			memcpy(out, candidate, (size_t)n + 1);
			return 0;
		}
		if (r == -EACCES && denied[0] == '\0') {
			memcpy(denied, candidate, (size_t)n + 1);
			denied_noexec = noexec;
		}
		element += length;
		if (*element++ == '\0')
			break;
	}
	if (denied[0] != '\0')
		return executable_refuse(search->name, denied, EACCES, denied_noexec, err);
	error_set(err, ENOENT, "exec: \"%s\": executable file not found in $PATH", search->name);
	return executable_field(err);
}

int executable_find(const struct executable_search *search, char *out, size_t size,
		    struct error *err)
{
	size_t length = strlen(search->name);
	bool noexec = false;
	int r;

	if (length == 0) {
		error_set(err, ENOENT, "exec: \"\": executable file not found in $PATH");
		return executable_field(err);
	}
	if (!strchr(search->name, '/'))
		return executable_search_path(search, out, size, err);
	r = executable_check(search, search->name, &noexec);
	if (r == 0 && length >= size)
		r = -ENAMETOOLONG;
	if (r < 0)
		return executable_refuse(search->name, search->name, -r, noexec, err);
	memcpy(out, search->name, length + 1);
	return 0;
}
