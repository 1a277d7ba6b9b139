/* SPDX-License-Identifier: Apache-2.0 */
/* Which file a process runs, and why it could not be run. */
#ifndef ISOLATE_EXECUTABLE_H
#define ISOLATE_EXECUTABLE_H

#include <stddef.h>

#include "base/error.h"

/* What executable_find() goes by. Everything is as the container sees it. */
struct executable_search {
	int root;                 /* descriptor of the container's root */
	const char *name;         /* args[0] */
	char *const *environment; /* its PATH is searched; without one, glibc's default path is */
	const char *cwd;          /* absolute: process.cwd */
};

/*
 * Finds the file as execvp(3) would and checks that the *current* effective credentials may execute
 * it, so call it after identity_apply(). A name with a slash is taken from `cwd`, an empty element of
 * PATH means `cwd`. Gives a path for execve(2), which has the same meaning with `cwd` as the current
 * directory and `root` as "/", in `out`.
 *
 * Errors are worded as engines look for them: `exec: "foo": executable file not found in $PATH`
 * (ENOENT), `exec: "/x": stat /x: no such file or directory` (ENOENT), `exec: "/etc": is a directory`
 * (EISDIR), `exec: "/x": permission denied` (EACCES). The field is "process.args[0]".
 */
int executable_find(const struct executable_search *search, char *out, size_t size,
		    struct error *err);

/*
 * Why execve of `path`, as executable_find() gave it, failed with the errno `number` (positive):
 * names a missing interpreter or loader, a script with CR LF line ends, another machine, a mount
 * with noexec. Always sets *err; returns -number.
 */
int executable_explain(const struct executable_search *search, const char *path, int number,
		       struct error *err);

#endif
