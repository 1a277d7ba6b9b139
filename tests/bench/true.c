// SPDX-License-Identifier: Apache-2.0
/*
 * A payload of the benchmark: what a container costs when its program costs nothing. Not even the
 * start of the C library is in it, which asks the processor what it can, some forty CPUID
 * instructions: a virtual machine hands each of them to its hypervisor, and half a millisecond of
 * every runtime's time would be the program's.
 */
#include <unistd.h>

void _start(void);

void _start(void)
{
	_exit(0);
}
