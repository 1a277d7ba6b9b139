/* SPDX-License-Identifier: Apache-2.0 */
#include "container/init/seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "container/notify.h"
#include "isolate/capabilities.h"
#include "isolate/seccomp/seccomp.h"

/* What poll(3) is. */
#ifdef SYS_poll
#define INIT_SECCOMP_POLL SYS_poll
#else
#define INIT_SECCOMP_POLL SYS_ppoll
#endif

bool init_seccomp_needs_admin(const struct plan *plan)
{
	return plan->seccomp.count > 0 && !plan->process->no_new_privileges &&
	       !(plan->capabilities.effective & INIT_SECCOMP_ADMIN);
}

int init_seccomp_apply(const struct plan *plan, int channel, struct error *err)
{
	const struct seccomp_plan *seccomp = &plan->seccomp;
	struct notify_helper helper;
	int listener = -EBADF;
	int r = 0;

	if (seccomp->count == 0)
		return 0;
	if (seccomp->notify)
		r = notify_prepare(channel, &helper, err);
	if (r == 0)
		r = seccomp_apply(seccomp, &listener, err);
	if (r == 0 && seccomp->notify)
		r = notify_hand_over(&helper, listener, err);
	if (r < 0)
		return error_at(err, "linux.seccomp");
	if (!init_seccomp_needs_admin(plan))
		return 0;
	r = capabilities_apply(&plan->capabilities, err);
	if (r < 0) {
		error_at(err, "linux.seccomp");
		return error_hint(
			err, "without noNewPrivileges the profile must allow capset and prctl");
	}
	return 0;
}

/*
 * By the helper: capabilities, fork and its last word; by the process: its session, words with the
 * runtime, limits and execve. The first argument is the only one that is known beforehand.
 */
static bool init_seccomp_passes(const struct seccomp_plan *plan)
{
	static const struct {
		int number;
		uint64_t first;
	} calls[] = {
		{SYS_capget, 0},
		{SYS_capset, 0},
		{SYS_prctl, PR_CAPBSET_READ},
		{SYS_prctl, PR_CAP_AMBIENT},
		{SYS_prctl, PR_SET_KEEPCAPS},
		{SYS_prctl, PR_SET_PDEATHSIG},
		{SYS_prctl, PR_SET_DUMPABLE},
		{SYS_exit_group, 0},
		{INIT_SECCOMP_POLL, 0},
		{SYS_setsid, 0},
		{SYS_rt_sigprocmask, 0},
		{SYS_ioctl, STDIN_FILENO},
		{SYS_sendmsg, 0},
		{SYS_recvmsg, 0},
		{SYS_prlimit64, 0},
		{SYS_execve, 0},
	};
	uint32_t action;

	for (size_t i = 0; i < array_size(calls); i++)
		if (!seccomp_lets_pass(plan, calls[i].number, calls[i].first))
			return false;
	if (seccomp_lets_pass(plan, SYS_clone3, 0))
		return true;
	return seccomp_foresee(plan, SYS_clone3, 0, &action) &&
	       action == (SECCOMP_RET_ERRNO | ENOSYS) &&
	       seccomp_lets_pass(plan, SYS_clone, CLONE_PARENT | CLONE_PIDFD);
}

bool init_seccomp_is_first(const struct plan *plan)
{
	return init_seccomp_needs_admin(plan) && !plan->seccomp.notify &&
	       init_seccomp_passes(&plan->seccomp);
}
