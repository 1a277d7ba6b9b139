/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks: programs that engines and administrators have run at points of the lifecycle
 * (config.md#posix-platform-hooks). */
#ifndef CONTAINER_HOOKS_H
#define CONTAINER_HOOKS_H

#include <knarr/config.h>
#include <stdbool.h>

#include "base/error.h"

/*
 * Files that take the hooks' output instead of the error's text: the annotations
 * run.oci.hooks.stdout and run.oci.hooks.stderr, appended to and made when they are not there.
 */
struct hooks_streams {
	int out, err; /* or -EBADF */
};
#define HOOKS_STREAMS_INIT     \
	{                      \
		-EBADF, -EBADF \
	}
int hooks_streams_open(const struct oci_string_map *annotations, struct hooks_streams *ret_streams,
		       struct error *err);
void hooks_streams_close(struct hooks_streams *streams);

struct hooks_run {
	const char *kind;		   /* "createRuntime", for messages and the JSON path */
	const struct oci_hook_list *hooks; /* may be empty or NULL */
	const char *state;		   /* the state document, given on stdin */
	const struct oci_string_map *annotations; /* those of the container, for the streams */
	const struct hooks_streams *streams;	  /* opened before, instead; or both NULL */
	/* Where they run, if it can be entered, as with runc and crun; NULL: where the caller is.
	 */
	const char *directory;
	char *const *environment; /* of hooks that have no env; NULL: the caller's */
	int interrupt;	 /* a signalfd that ends the wait for a hook with -EINTR, or 0: none */
	bool keep_going; /* poststop: a failure is a warning, the rest still runs */
	int (*prepare)(void *data, struct error *err); /* in the child before execve, or NULL */
	void *data;
};

/*
 * Runs them one after the other, in their order, in the namespaces of the caller. Each gets exactly
 * its env (an empty list is none at all; where there is no list it is `environment`, as with runc
 * and crun), its own process group, the state on stdin and nothing else open; its output is kept,
 * and the end of it is part of the error. A hook that is past its timeout is killed with its group.
 * Returns 0, or a negative errno and an error that names the hook's place in config.json.
 */
int hooks_run(const struct hooks_run *run, struct error *err);

#endif
