/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp: from the profile to the filter, and the filter into the process (seccomp(2)).
 */
#ifndef ISOLATE_SECCOMP_H
#define ISOLATE_SECCOMP_H

#include <knarr/config.h>
#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* The compiled filter. Zero: none. */
struct seccomp_plan {
	struct sock_filter *instructions; /* owned */
	uint16_t count;
	uint32_t flags; /* SECCOMP_FILTER_FLAG_* */
	bool notify;    /* has a NOTIFY action: a listener is made */
};

/*
 * Compiles with libseccomp (pure: nothing is loaded). NULL gives an empty plan. Unknown syscalls are
 * skipped with a debug message; syscalls newer than every one that the profile names give ENOSYS
 * instead of the default action when that one is ERRNO, so that libcs fall back (the essay is in the .c).
 */
int seccomp_plan(const struct oci_seccomp *config, struct seccomp_plan *ret_plan, struct error *err);
void seccomp_plan_clear(struct seccomp_plan *plan);

/* Installs the filter on the calling thread; with `notify` gives the owned listener descriptor. Needs
 * no_new_privs or CAP_SYS_ADMIN. */
int seccomp_apply(const struct seccomp_plan *plan, int *ret_listener, struct error *err);

/* Which flags this kernel takes, or-ed: features.linux.seccomp.supportedFlags. */
uint32_t seccomp_supported_flags(void);
/* Version of libseccomp as "2.5.4", in a caller's buffer. */
void seccomp_library_version(char *out, size_t size);
/* Whether libseccomp knows that architecture (index into oci_seccomp_architectures). */
bool seccomp_knows_architecture(int architecture);

#endif
