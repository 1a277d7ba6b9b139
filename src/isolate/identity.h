/* SPDX-License-Identifier: Apache-2.0 */
/* User, groups, umask, home directory, environment and cwd of a process. */
#ifndef ISOLATE_IDENTITY_H
#define ISOLATE_IDENTITY_H

#include <knarr/config.h>
#include <stdbool.h>

#include "base/error.h"

/* Supplementary groups, gid, uid (credentials(7)), verified afterwards with getresuid/getresgid.
 * `setgroups_denied`: the user namespace forbids setgroups(2); then additionalGids are an error.
 * `keep_groups`: leave the supplementary groups as they are (run.oci.keep_original_groups). */
struct identity_options {
	bool setgroups_denied, keep_groups;
};
int identity_apply(const struct oci_user *user, const struct identity_options *options,
		   struct error *err);

/* The home directory of a uid in the container's /etc/passwd (opened below `root`; our own parser: no
 * NSS in a container), "/" when there is none. `out` gets at most size bytes. */
void identity_home(int root, uint32_t uid, char *out, size_t size);

/*
 * The container's environment: process.env with the last of equal names, HOME added when
 * missing. Gives a malloc'ed NULL-terminated vector (one allocation, strings point into the config or
 * into it); free() it.
 */
int identity_environment(const struct oci_strings *env, const char *home, char ***ret_environ,
			 struct error *err);

/* After the change of user (chdir is tried as root before it too, by the caller): changes to `cwd`,
 * made when missing if `make`, and verifies that it is inside (getcwd; CVE-2024-21626). */
int identity_chdir(int root, const char *cwd, bool make, struct error *err);

#endif
