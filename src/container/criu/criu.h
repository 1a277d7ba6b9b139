/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program criu(8), which dumps and restores trees of processes. It is run as "criu swrk", as a
 * server of one request over a socket, the form that libraries use too: on the command line there
 * is no way to be given the terminal of a restored container, nor to act between its steps.
 */
#ifndef CONTAINER_CRIU_H
#define CONTAINER_CRIU_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "container/criu/cgroup.h"
#include "container/criu/wire.h"

/* Descriptors of `criu_start.descriptors` have these numbers in criu, from here on. */
#define CRIU_FIRST_FD 4

struct criu {
	pid_t pid;
	int pidfd, socket;
	int cgroup_lock;			      /* or -EBADF */
	char cgroup_options[CRIU_CGROUP_OPTIONS_MAX]; /* of the host, before */
};
#define CRIU_INIT ((struct criu){.pidfd = -EBADF, .socket = -EBADF, .cgroup_lock = -EBADF})

struct criu_start {
	bool cgroup_namespace; /* the container has one, so criu can, too (criu_cgroup_isolate()) */
	bool stdio; /* the caller's standard streams are its own: what is restored inherits them */
	const int *descriptors;
	size_t descriptor_count;
	/* A number of this host, "127.0.0.1", where alone lazy pages are served. A request cannot
	 * say so, and criu serves them to the whole network then; or NULL. */
	const char *address;
	/* In its process before it is executed; or NULL. Calls criu_cgroup_isolate() if that is so.
	 */
	int (*prepare)(void *data);
	void *data;
};

/* Whether there is a criu, before anything is done: -ENOENT with a hint. */
int criu_check(struct error *err);

/* Starts it. -ENOENT with a hint when there is no criu. It is to be ended by criu_end(). */
int criu_start(const struct criu_start *start, struct criu *ret_criu, struct error *err);

/* Ends it, if it has not ended by itself; a nothing does nothing. */
void criu_end(struct criu *criu);

/* The images directory, the directory for its log (the same, perhaps), the log's name. */
struct criu_places {
	int images, work;
	const char *images_path, *work_path;
	const char *log;
};

/* How long criu may do nothing at all, milliseconds; also how long it waits for those who fetch
 * lazy pages. */
#define CRIU_IDLE_MS 600000

struct criu_call {
	enum criu_type type;
	int64_t idle_ms;		  /* CRIU_IDLE_MS */
	const struct text *options;	  /* criu_opts */
	const struct criu_places *places; /* whose log explains a failure */
	/* Something has been reached: its name, the process that it is about, and for
	 * "orphan-pts-master" a descriptor, which stays the caller's. A failure ends the call.
	 * NULL: nothing to do anywhere. */
	int (*notify)(const struct criu_response *what, int fd, void *data, struct error *err);
	/* Asked whenever criu has done nothing for a second: 0 when it may go on, 1 when all is
	 * done that counts, a negative errno when nothing can come of it any more. NULL: only criu
	 * knows.
	 */
	int (*judge)(const void *data, struct error *err);
	void *data;
};

/* Makes the request, and answers until it is done; kills criu when `judge` says
 * that it waits in vain. -ETIMEDOUT when criu has done nothing for
 * `idle_ms` (see criu/effort.h): then it is to be ended. */
int criu_call(const struct criu *criu, const struct criu_call *call, struct error *err);

/* Opens both directories, which are made when `make` says so (mode 0700; parents too). NULL for
 * `work`: the same as `images`. Paths are the caller's. */
int criu_open_places(const char *images, const char *work, bool make,
		     struct criu_places *ret_places, struct error *err);
void criu_close_places(struct criu_places *places);

/* What every request has: the places, the log, and the container's configuration file of criu: the
 * annotation org.criu.config, else /etc/criu/knarr.conf or runc.conf if there. */
void criu_put_common(struct text *options, const struct criu_places *places, const char *config);

#endif
