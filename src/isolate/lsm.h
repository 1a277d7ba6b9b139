/* SPDX-License-Identifier: Apache-2.0 */
/* Labels of the Linux security modules for the next execve: AppArmor profile, SELinux context. */
#ifndef ISOLATE_LSM_H
#define ISOLATE_LSM_H

#include <stdbool.h>

#include "base/error.h"

/* Of the host, as its /sys says: to be asked before a container's root is entered. */
bool lsm_apparmor_enabled(void);
bool lsm_selinux_enabled(void);

/*
 * Writes the label to take effect at the next execve through the private procfs, in one write, and
 * reads it back. NULL or "" does nothing. A label asked for on a host without that module is an
 * error (of the write: who can should ask the functions above before), but for the AppArmor profile
 * "unconfined".
 */
int lsm_apply_apparmor(const char *profile, int procfs, struct error *err);
int lsm_apply_selinux(const char *label, int procfs, struct error *err);

/* The same for the keys and keyrings that the caller makes from now on until its next execve, so
 * that the process may use the session keyring it is given. */
int lsm_apply_selinux_keys(const char *label, int procfs, struct error *err);

#endif
