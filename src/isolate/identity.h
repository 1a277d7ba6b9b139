/* SPDX-License-Identifier: Apache-2.0 */
/* User, groups, umask, home directory, cwd and the executable of a process. */
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

/*
 * Finds args[0] as execvp would, with the container's PATH (the default one of glibc when unset), below
 * `root`, and checks that it can be executed. Gives a path for execve in `out`. Error texts are those
 * engines look for (contract.md 3.4): `exec: "foo": executable file not found in $PATH`,
 * `exec: "/x": stat /x: no such file or directory`, `exec: "/etc": is a directory`,
 * `exec: "/x": permission denied`.
 */
int identity_find_executable(int root, const char *name, char *const *environ_, const char *cwd,
			     char *out, size_t size, struct error *err);

/* Why execve of a file that is there failed with this errno: names a missing interpreter or loader, a
 * script with CR LF, another architecture. Sets *err and returns -number. */
int identity_explain_exec(int root, const char *path, int number, struct error *err);

#endif
