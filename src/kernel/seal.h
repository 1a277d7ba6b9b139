/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cutting the own process loose from the host's executable.
 *
 * A process that enters a container can be made to lead to its executable (/proc/PID/exe, a script
 * that begins with "#!/proc/self/exe"), and a container that is root could then write to the host's
 * binary (CVE-2019-5736), or to its page cache (CVE-2022-0847). How that is prevented, and why it
 * does not take a copy of the program, is explained in the .c.
 */
#ifndef KERNEL_SEAL_H
#define KERNEL_SEAL_H

#include "base/error.h"

/*
 * To be called first of all, in a process of one thread, before anything that would have to survive
 * an execve is open. Afterwards no path in /proc leads from this process, or one forked from it, to
 * the host's binary. Returns 0, or a negative errno.
 *
 * *ret_mount is a descriptor to be closed when there is time, or -EBADF: closing it costs the
 * kernel a grace period of RCU, which nobody should wait for.
 */
int seal_self(char *const *argv, int *ret_mount, struct error *err);

#endif
