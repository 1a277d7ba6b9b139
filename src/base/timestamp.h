/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as text. libc's calendar would read /etc/localtime for it, in every command. */
#ifndef BASE_TIMESTAMP_H
#define BASE_TIMESTAMP_H

#include <time.h>

/* "2026-01-02T03:04:05.123456789Z" and its NUL. */
#define TIMESTAMP_SIZE 40

/* RFC 3339, UTC, with nanoseconds. `out` has TIMESTAMP_SIZE bytes. Years 0000 to 9999. */
void timestamp_format(const struct timespec *when, char *out);

/* The present one of CLOCK_REALTIME. */
void timestamp_now(char *out);

#endif
