// SPDX-License-Identifier: Apache-2.0
/*
 * The payload of a container that is there until it is killed; without the C library's start, see
 * true.c.
 */
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

void _start(void);

void _start(void)
{
	/* Not pause(), which looks for a cancelled thread, and there are no threads yet. */
	for (;;)
		(void)syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
}
