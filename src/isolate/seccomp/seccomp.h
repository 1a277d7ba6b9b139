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
	bool notify;	/* has a NOTIFY action: a listener is made */
};

/*
 * Compiles the profile (pure: nothing is loaded; what it means is written down in
 * seccomp/rules.c). NULL gives an empty plan. Unknown syscalls are skipped with a debug message;
 * syscalls newer than every one that the profile names give ENOSYS instead of a default action that
 * forbids, so that libcs fall back (the essay is in seccomp/enosys.c). -EINVAL with the field for
 * what has no meaning or is unknown to libseccomp; -E2BIG when the filter is longer than the kernel
 * takes (BPF_MAXINSNS); -ENOMEM.
 */
int seccomp_plan(const struct oci_seccomp *config, struct seccomp_plan *ret_plan,
		 struct error *err);
void seccomp_plan_clear(struct seccomp_plan *plan);

/*
 * The plan from a filter in the kernel's form, in base64, which takes the place of the profile
 * (crun's annotation run.oci.seccomp_bpf_data). The flags are those of `config`, which may be NULL.
 * Whether the instructions make sense is for the kernel to say. -EINVAL, -ENOMEM.
 */
int seccomp_plan_raw(const struct oci_seccomp *config, const char *base64,
		     struct seccomp_plan *ret_plan, struct error *err);

/*
 * What a plan's filter answers to a native call whose first argument is `first` and whose others
 * are 0: SECCOMP_RET_*, with its data. False when that cannot be foreseen. Pure.
 */
bool seccomp_foresee(const struct seccomp_plan *plan, int number, uint64_t first,
		     uint32_t *ret_action);

/* Whether it is known to let such a call happen. Pure. */
bool seccomp_lets_pass(const struct seccomp_plan *plan, int number, uint64_t first);

/* SECCOMP_FILTER_FLAG_* for a filter with or without a listener. `config` may be NULL. */
uint32_t seccomp_flags_plan(const struct oci_seccomp *config, bool notify);

/* Whether the profile has a NOTIFY action. `config` may be NULL. */
bool seccomp_has_listener(const struct oci_seccomp *config);

/* -EINVAL naming a syscall that libseccomp does not know, at its field. */
int seccomp_check_known(const struct oci_seccomp *config, struct error *err);

/*
 * Installs the filter on the calling thread (seccomp(2)). With `notify` *ret_listener is the owned,
 * close-on-exec listener descriptor, else -EBADF; from then on only write(2) is sure not to wait
 * for the agent. Needs no_new_privs or CAP_SYS_ADMIN in the user namespace (-EACCES). An empty plan
 * installs nothing.
 */
int seccomp_apply(const struct seccomp_plan *plan, int *ret_listener, struct error *err);

/* Which flags this kernel takes, or-ed: features.linux.seccomp.supportedFlags. */
uint32_t seccomp_supported_flags(void);
/* Version of libseccomp as "2.5.4", in a caller's buffer. */
void seccomp_library_version(char *out, size_t size);
/* Whether libseccomp knows that architecture (index into oci_seccomp_architectures). */
bool seccomp_knows_architecture(int architecture);

#endif
