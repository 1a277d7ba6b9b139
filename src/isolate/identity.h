/* SPDX-License-Identifier: Apache-2.0 */
/* User, groups, umask, home directory, environment and cwd of a process. */
#ifndef ISOLATE_IDENTITY_H
#define ISOLATE_IDENTITY_H

#include <knarr/config.h>
#include <stdbool.h>

#include "base/error.h"

/* Supplementary groups (exactly additionalGids), gid, uid (credentials(7)), verified afterwards
 * with getgroups, getresgid and getresuid; then the umask, 0022 when user.umask is absent.
 * `setgroups_denied`: the user namespace forbids setgroups(2); then additionalGids are an error.
 * `keep_groups`: leave the supplementary groups as they are (run.oci.keep_original_groups). */
struct identity_options {
	bool setgroups_denied, keep_groups;
};
int identity_apply(const struct oci_user *user, const struct identity_options *options,
		   struct error *err);

/* The home directory of a uid in the container's /etc/passwd (opened below `root`; our own parser:
 * no NSS in a container), "/" when there is none. `out` gets at most size bytes (size >= 2). */
void identity_home(int root, uint32_t uid, char *out, size_t size);

/* The same from the text of a passwd(5) file, which need not be NUL-terminated: pure. Lines that
 * are malformed are skipped; the first line with the uid decides. */
void identity_parse_home(const char *text, size_t length, uint32_t uid, char *out, size_t size);

/*
 * The container's environment: process.env with the last of equal names (in the order of those
 * last ones), HOME=`home` added at the end when it is missing or empty. Gives a malloc'ed
 * NULL-terminated vector (one allocation, strings point into the config or into it); free() it.
 */
int identity_environment(const struct oci_strings *env, const char *home, char ***ret_environ,
			 struct error *err);

/*
 * Changes to `cwd` below `root` and verifies with getcwd(2) that it is inside (CVE-2024-21626).
 * Links of /proc that jump (/proc/self/fd/N) are refused. With `make` a missing directory is made,
 * mode 0755. The caller tries it as root first, and once more after the change of user when that
 * gave -EACCES. identity_make_cwd() makes a missing one beforehand, for a root that is going to be
 * read-only, and leaves all else to that.
 */
int identity_make_cwd(int root, const char *cwd, struct error *err);
int identity_chdir(int root, const char *cwd, bool make, struct error *err);

#endif
