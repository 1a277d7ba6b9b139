/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running from a sealed copy of the own executable.
 *
 * A process that enters a container can be made to lead to its executable (/proc/PID/exe,
 * "#!/proc/self/exe"), and a container that is root could then write to the host's binary
 * (CVE-2019-5736), or to its page cache (CVE-2022-0847). So such commands run from a copy in
 * anonymous memory that nothing can write any more: memfd_create(2), F_SEAL_* of fcntl(2).
 */
#ifndef KERNEL_SEAL_H
#define KERNEL_SEAL_H

#include "base/error.h"

/*
 * Returns 0 when the caller runs from a sealed copy already. Otherwise makes one and executes it
 * with the same arguments and environment: then it does not return. Else a negative errno. To be
 * called first of all: nothing may be open that has to survive, but what is inherited.
 */
int seal_self(char *const *argv, struct error *err);

#endif
