/* SPDX-License-Identifier: Apache-2.0 */
/* Which file a process runs, and why it could not be run. */
#ifndef ISOLATE_EXECUTABLE_H
#define ISOLATE_EXECUTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* What executable_find() goes by. Everything is as the container sees it. */
struct executable_search {
	int root;		  /* descriptor of the container's root */
	const char *name;	  /* args[0] */
	char *const *environment; /* its PATH is searched; without one, glibc's default path is */
	const char *cwd;	  /* absolute: process.cwd */
};

/*
 * Finds the file as execvp(3) would and checks that the *current* effective credentials may execute
 * it, so call it after identity_apply(). A name with a slash is taken from `cwd`, an empty element
 * of PATH means `cwd`. Gives a path for execve(2) in `out`, which has the same meaning there once
 * `cwd` is the current directory and `root` is "/".
 *
 * Errors are worded as engines look for them: `exec: "foo": executable file not found in $PATH`
 * (ENOENT), `exec: "/x": stat /x: no such file or directory` (ENOENT), `exec: "/etc": is a
 * directory` (EISDIR), `exec: "/x": permission denied` (EACCES), `exec: "/dev/null": is not a
 * regular file` (EACCES). The field is "process.args[0]".
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

/* `name` as seen from the root: behind `cwd` when it is relative. 0 or -ENAMETOOLONG. */
int executable_absolute(const struct executable_search *search, const char *name, char *out,
			size_t size);

/*
 * Whether the current effective credentials may execute `name`: 0 or a negative errno; -EISDIR for
 * a directory, -ENOEXEC for what else is no regular file. *ret_noexec is always written: whether an
 * -EACCES comes of a mount with noexec.
 */
int executable_check(const struct executable_search *search, const char *name, bool *ret_noexec);

/* What the first bytes of a file say about how it is run. */
enum executable_kind {
	EXECUTABLE_EMPTY,
	EXECUTABLE_SCRIPT, /* starts with #! */
	EXECUTABLE_TEXT,   /* starts with printable text, but not with #! */
	EXECUTABLE_ELF,
	EXECUTABLE_OTHER,
};

/* Where a script's interpreter or an ELF file's program headers are. */
struct executable_head {
	enum executable_kind kind;
	const char *
		interpreter; /* EXECUTABLE_SCRIPT: in the bytes given; the kernel's reading of it */
	size_t interpreter_length;
	bool wide, big_endian; /* EXECUTABLE_ELF: 64 bits */
	uint16_t machine;      /* EM_* of elf(5) */
	uint64_t headers;      /* offset of the program headers */
	uint16_t header_size, header_count;
};

/* Reads the first bytes (at most 256 matter) of a file: pure, and total for any bytes. */
void executable_inspect(const char *bytes, size_t length, struct executable_head *ret_head);

#endif
