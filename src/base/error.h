/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What went wrong, for a person.
 *
 * A fallible function returns 0 or a negative errno, and on failure *err holds a sentence for the
 * operator. struct error has a fixed size and never allocates: it works after clone, under memory
 * pressure, and travels from init to the runtime as one message. Text that does not fit is cut, and
 * control characters in it (of a path, say) become "?", so that it always is one line.
 *
 * Who knows a new fact wraps ("mount proc on /proc: ..."); who does not, returns. Only cli prints.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>

struct error {
	int number;	 /* the positive errno that the function returned, negated */
	char field[192]; /* JSON path in config.json that it is about ("mounts[2].source"), or "" */
	char message[1024]; /* one line, no newline at the end */
	char hint[256];	    /* what may help, or "" */
};

#define ERROR_INIT ((struct error){0})

/*
 * A system call failed: sets the sentence to "FORMAT: strerror (ENAME)" and returns -number.
 * `number` is positive (errno); 0 is taken for EIO so that a failure never looks like success.
 */
int error_errno(struct error *err, int number, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold, nonnull(1, 3)));

/* A rule is broken: sets the sentence to FORMAT alone and returns -number. */
int error_set(struct error *err, int number, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold, nonnull(1, 3)));

/* Puts "FORMAT: " before the sentence that is there. Returns -err->number, for `return`
 * (-EIO when none was set: a failure never looks like success). */
int error_wrap(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3), cold, nonnull(1, 2)));

/* Names the place in config.json, unless a deeper caller already has. Returns -err->number. */
int error_at(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3), cold, nonnull(1, 2)));

/* Adds a hint, unless there is one. Returns -err->number. */
int error_hint(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3), cold, nonnull(1, 2)));

/*
 * What all of these promise, in a form that compilers and analysers see: who goes on only with 0
 * never goes on after an error.
 */
static inline int error_negative(int result)
{
	return result < 0 ? result : -EIO;
}
#define error_errno(...) error_negative(error_errno(__VA_ARGS__))
#define error_set(...)	 error_negative(error_set(__VA_ARGS__))
#define error_wrap(...)	 error_negative(error_wrap(__VA_ARGS__))
#define error_at(...)	 error_negative(error_at(__VA_ARGS__))
#define error_hint(...)	 error_negative(error_hint(__VA_ARGS__))

/* Back to nothing. */
void error_clear(struct error *err);

/* The errno's name ("ENOENT"), or "unknown errno" for one that libc does not know. */
const char *error_name(int number);

#endif
