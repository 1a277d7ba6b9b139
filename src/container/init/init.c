/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a container comes to life, from the inside.
 *
 * Init is a fork of the runtime: it starts in the namespaces and in the cgroup, and does the rest
 * itself, one step after the other, as the table at the end of this file says. It decides nothing:
 * the plan was made before. What can be done by the runtime from outside on a waiting init (id
 * maps, oom_score_adj, hard rlimits, scheduling) is done there, for there are the privileges for
 * it.
 *
 * Why this order:
 * - cgroups before the cgroup namespace, which is rooted where its maker is;
 * - id maps before anything that makes files or mounts, so that these belong to the container's
 * root;
 * - mounts before hooks of the runtime's side, which expect a finished root (and move network
 * devices);
 * - pivot_root before anything that opens by the container's paths;
 * - the network namespace, which the runtime makes meanwhile, when a filesystem needs it (sysfs),
 * and before hooks, which are to find it;
 * - sysctls and the network before the paths that protect /proc and /sys get covered;
 * - the read-only root last of what touches files;
 * - the bounding set and keep-capabilities before the change of user, which would clear them, the
 *   capability sets behind it;
 * - everything that can fail before SYNC_READY, so that `create` reports it and not `start`.
 *
 * By then init holds nothing but stdio, the preserved descriptors and its gate. Behind the gate
 * only hooks, the seccomp filter and execve remain. Without no_new_privs the filter can be
 * installed only with CAP_SYS_ADMIN: it is kept until then, and dropped under the filter. For a
 * process that joins a container, whose processes might see it, that is before it is among them.
 */
#include "container/init/init.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "container/init/seccomp.h"
#include "container/init/steps.h"
#include "container/state/gate.h"
#include "kernel/channel.h"
#include "kernel/process.h"
#include "kernel/syscalls.h"

static int init_wait_for_runtime(struct init *init, struct error *err)
{
	bool user = (init->plan->namespaces.fresh & CLONE_NEWUSER) != 0;
	int r;

	/* Only for the id maps and a cgroup that we could not be cloned into: each wait costs two
	 * switches of context. */
	if (!user && !init->attach)
		return 0;
	r = init_expect(init, SYNC_PROCEED, err);
	if (r < 0 || !user)
		return r;
	r = idmap_become_root(&init->plan->idmap, err);
	if (r < 0)
		return r;
	/* A change of credentials has cleared it (prctl(2)). */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	return 0;
}

/* The runtime has followed as far as it has to: see init_guard(). */
static int init_hide(struct init *init, struct error *err)
{
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? error_errno(err, errno, "become undumpable")
						      : 0;
}

/*
 * From here on we only wait for the runtime's words, and its death is the end of the channel. The
 * signal must be gone before it can commit: it exits right after, and would take us with it.
 */
static int init_outlive(struct error *err)
{
	return prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0
		       ? error_errno(err, errno, "clear the parent-death signal")
		       : 0;
}

static int init_ready(struct init *init, struct error *err)
{
	int r = init_outlive(err);

	if (r == 0)
		r = init_send(init, SYNC_READY, -1, err);
	if (r == 0)
		r = init_expect(init, init->gate < 0 ? SYNC_START : SYNC_COMMIT, err);
	if (r < 0 || init->gate < 0)
		return r;
	init->channel = fd_close(init->channel);
	return gate_wait(init->gate, &init->channel, err);
}

static int init_ready_joined(struct init *init, struct error *err)
{
	int r = init_outlive(err);

	return r == 0 && init->followed ? init_expect(init, SYNC_START, err) : r;
}

static int init_seccomp_aside(struct init *init, struct error *err)
{
	int r;

	if (!init_seccomp_is_first(init->plan))
		return 0;
	r = init_seccomp_apply(init->plan, init->channel, err);
	init->filtered = r == 0;
	return r;
}

static int init_seccomp(struct init *init, struct error *err)
{
	return init->filtered ? 0 : init_seccomp_apply(init->plan, init->channel, err);
}

/* Whose life a step belongs to. */
enum {
	FIRST = 1 << INIT_FIRST,
	ASIDE = 1 << INIT_ASIDE,
	JOINED = 1 << INIT_JOINED,
	MAKE = FIRST | ASIDE,
	LIVE = FIRST | JOINED,
};

/* The life of init, and of a process that joins it; `name` is the phase that errors begin with.
 * What of the latter is INIT_ASIDE's and what INIT_JOINED's: see init.h. */
static const struct init_step {
	const char *name;
	int (*run)(struct init *init, struct error *err);
	int whose;
} init_steps[] = {
	{"user namespace", init_wait_for_runtime, FIRST},
	{"cgroup", init_cgroup, FIRST},
	{"namespaces", init_namespaces, FIRST},
	{"namespaces", init_join, ASIDE},
	{"affinity", init_affinity, MAKE},
	{"session", init_session, MAKE},
	{"network", init_network, FIRST},
	{"rootfs", init_rootfs, FIRST},
	{"mounts", init_mounts, FIRST},
	{"devices", init_devices, FIRST},
	{"devices", init_hide, FIRST},
	{"network", init_enter_network, FIRST},
	{"hooks", init_runtime_hooks, FIRST},
	{"hooks", init_container_hooks, FIRST},
	{"rootfs", init_enter_rootfs, FIRST},
	{"terminal", init_terminal, MAKE},
	{"hostname", init_names, FIRST},
	{"sysctl", init_sysctl, FIRST},
	{"paths", init_protect, FIRST},
	{"labels", init_labels, MAKE},
	{"process", init_process, MAKE},
	{"identity", init_identity, MAKE},
	{"exec", init_executable, MAKE},
	{"capabilities", init_capabilities, MAKE},
	{"descriptors", init_descriptors, MAKE},
	{"seccomp", init_seccomp_aside, ASIDE},
	/* Here the helper forks, and says so: init_tell(). What it has forked can be looked at from
	 * inside. */
	{"session", init_lead, JOINED},
	{"start", init_ready, FIRST},
	{"start", init_ready_joined, JOINED},
	{"hooks", init_start_hooks, FIRST},
	{"limits", init_limits, LIVE},
	{"seccomp", init_seccomp, LIVE},
	{"exec", init_execute, LIVE},
};

const char *init_phase_name(unsigned int phase)
{
	return phase < array_size(init_steps) ? init_steps[phase].name : "init";
}

static void init_fail(const struct init *init, unsigned int phase, const struct error *err)
{
	struct channel_message message = {.word = SYNC_FAILED, .phase = phase, .error = *err};

	(void)channel_send(init->channel, &message, -1);
	_exit(EXIT_FAILURE);
}

/*
 * Lives no longer than the runtime, and is nobody's to trace; in a new user namespace only from
 * init_hide() on: there is nobody else in there, and a runtime without privileges has to write the
 * maps and to follow into the mount namespace, which needs a process that is dumpable.
 */
static void init_guard(const struct init *init)
{
	struct pollfd runtime = {.fd = init->channel, .events = POLLRDHUP};

	/* Should the runtime die before it has written down who we are, we die too. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (poll(&runtime, 1, 0) > 0 && (runtime.revents & (POLLHUP | POLLRDHUP)))
		_exit(EXIT_FAILURE); /* it was dead before */
	if (init->role != INIT_FIRST || !(init->plan->namespaces.fresh & CLONE_NEWUSER))
		(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static void init_run_steps(struct init *init)
{
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < array_size(init_steps); i++)
		if ((init_steps[i].whose & 1 << init->role) && init_steps[i].run(init, &err) < 0)
			init_fail(init, (unsigned int)i, &err);
}

void init_aside(struct init *init)
{
	init_guard(init);
	init_forget_environment();
	(void)umask(0022);
	/* Blocked they stay until the process has a session of its own: this one's may be that of a
	 * terminal, whose ^C is the runtime's to hand on. */
	process_default_signals();
	init_run_steps(init);
}

int init_tell(const struct init *init, pid_t pid, const struct error *err)
{
	/* What is no step is told as the last one, which is called after the command. */
	struct channel_message message = {
		.word = pid > 0 ? SYNC_READY : SYNC_FAILED,
		.phase = array_size(init_steps) - 1,
		.value = pid,
	};

	if (pid < 0)
		message.error = *err;
	return channel_send(init->channel, &message, -1);
}

void init_main(struct init *init)
{
	init_guard(init);
	if (init->role == INIT_FIRST) {
		(void)umask(0022);
		process_reset_signals();
	}
	init_run_steps(init);
	_exit(EXIT_FAILURE);
}
