/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running small programs of the host, or of our own that lie inside knarr as data.
 *
 * The program gets the standard streams, the descriptors that are named and nothing else; its
 * signals are at their defaults. A program that cannot be executed is an error of its start, not
 * a mysterious exit status. No wait is unbounded, and on return nothing of it is left: no process,
 * no descriptor.
 */
#ifndef KERNEL_PROGRAM_H
#define KERNEL_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define PROGRAM_DESCRIPTORS_MAX 8

/* Where a standard stream leads. */
enum program_stream {
	PROGRAM_NULL,	 /* /dev/null */
	PROGRAM_CAPTURE, /* not for the input */
	PROGRAM_KEEP,	 /* the caller's own */
};

/* Nothing of it is owned. */
struct program {
	const char *name;	  /* in errors */
	const char *path;	  /* absolute; NULL: `image` is executed */
	int image;		  /* of program_image_open() */
	char *const *arguments;	  /* argv, with its NULL */
	char *const *environment; /* with its NULL; NULL: an empty one */
	enum program_stream input, output, errors;
	const int *descriptors;	 /* become 3, 4, ... in the program */
	size_t descriptor_count; /* at most PROGRAM_DESCRIPTORS_MAX */
	bool deaf; /* with all signals blocked: ^C at a terminal goes to the whole group */
	/* In the new process before anything else: 0, or a negative errno, with which the start
	 * fails. Or NULL. */
	int (*prepare)(void *data);
	void *data;
};

/* An executable in memory, from its bytes. Gives an owned descriptor. */
int program_image_open(const char *name, const void *bytes, size_t size, int *ret_image,
		       struct error *err);

/*
 * Looks for an executable file `name` in /usr/local/sbin, /usr/local/bin, /usr/sbin, /usr/bin,
 * /sbin and /bin: an engine's environment often has no PATH, and a setuid program must not come
 * from there. With a '/' in it, it is a path already. Returns 0, -ENOENT, or -ENAMETOOLONG.
 */
int program_find(const char *name, char *path, size_t size);

/*
 * Starts it. Returns when it has been executed, with its pidfd and, when a stream is captured, the
 * reading end of its (non-blocking) pipe, both owned by the caller; ret_output may be NULL when
 * none is. The caller has to reap it, best with program_end().
 */
int program_start(const struct program *program, int *ret_pidfd, int *ret_output,
		  struct error *err);

/* The same, and its pid. */
pid_t program_start_pid(const struct program *program, int *ret_pidfd, int *ret_output,
			struct error *err);

/*
 * Waits for its end, kills it when that takes longer than `timeout` milliseconds, reaps it, closes
 * *pidfd, and gives the wait status. Returns 0, -ETIMEDOUT when it had to be killed (*ret_status
 * says so), or another negative errno.
 */
int program_end(int *pidfd, int64_t timeout, int *ret_status);

struct program_result {
	int status;   /* of wait(2) */
	char *output; /* malloc'ed, NUL behind `length` bytes; what was captured */
	size_t length;
	bool cut; /* there was more than the caller wanted: the rest was read and dropped */
};
void program_result_clear(struct program_result *result);
#define auto_program_result __attribute__((cleanup(program_result_clear)))

/*
 * Starts it, reads at most `output_max` bytes of what it says, and waits for its end: `timeout`
 * milliseconds in all, then it is killed: -ETIMEDOUT. Whatever it exits with is 0 here. Children
 * that it leaves behind with its streams are not waited for.
 */
int program_run(const struct program *program, int64_t timeout, size_t output_max,
		struct program_result *ret_result, struct error *err);

/*
 * The exit status as a sentence: 0 for success, else -EIO and "NAME failed with status 3: WORDS",
 * or "NAME was killed by signal 9: WORDS", where WORDS is the end of the output on one line.
 */
int program_judge(const struct program *program, const struct program_result *result,
		  struct error *err);

#endif
