/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of init that make a process: those which a process that joins the container takes, too.
 */
#include "container/init/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "container/init/seccomp.h"
#include "isolate/affinity.h"
#include "isolate/executable.h"
#include "isolate/limits.h"
#include "isolate/lsm.h"
#include "isolate/terminal.h"
#include "kernel/channel.h"
#include "kernel/process.h"
#include "kernel/syscalls.h"

/* The helper is where it belongs already (namespaces_fork_into). */
int init_join(struct init *init, struct error *err)
{
	int r;

	if (plan_has(init->plan, CLONE_NEWUSER)) {
		r = idmap_take_root(err);
		if (r < 0)
			return r;
	}
	init->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return init->root < 0 ? error_errno(err, errno, "open the container's root") : 0;
}

/* In the cgroup by now. execCPUAffinity is not for a container's init. */
int init_affinity(struct init *init, struct error *err)
{
	return affinity_set_final(
		init->role == INIT_ASIDE ? init->plan->process->exec_cpu_affinity : NULL, err);
}

int init_session(struct init *init, struct error *err)
{
	int r;

	/* Out of the caller's session, so that its terminal is not ours (TIOCSTI). To make one
	 * costs more with each processor, and a helper's child makes its own: init_lead(). */
	if (init->role == INIT_FIRST && setsid() < 0 && (errno != EPERM || getsid(0) != getpid()))
		return error_errno(err, errno, "make a session");
	if (init->plan->options->no_new_keyring)
		return 0;
	r = lsm_apply_selinux_keys(init->plan->process->selinux_label, init->procfs, err);
	if (r < 0)
		return error_at(err, "process.selinuxLabel");
	return limits_new_keyring(init->plan->options->id, err);
}

/* A session is its maker's, and its children's as long as he lives: so not the helper's. */
int init_lead(struct init *init, struct error *err)
{
	int r = 0;

	if (init->plan->process->terminal)
		r = terminal_control(STDIN_FILENO, err);
	else if (setsid() < 0)
		r = error_errno(err, errno, "make a session");
	process_unblock_signals();
	return r;
}

void init_forget_environment(void)
{
	for (char **variable = environ; *variable; variable++)
		explicit_bzero(*variable, strlen(*variable));
	environ[0] = NULL;
}

int init_terminal(struct init *init, struct error *err)
{
	const struct plan *plan = init->plan;
	auto_close int master = -EBADF;
	int r;

	if (!plan->process->terminal)
		return 0;
	r = terminal_open(init->root, plan->process,
			  init->role == INIT_FIRST && plan_has(plan, CLONE_NEWNS), &master,
			  &init->slave, err);
	if (r < 0)
		return r;
	if (init->console_socket < 0)
		return init_send(init, SYNC_TERMINAL, master, err);
	r = channel_send_fd(init->console_socket, master, "/dev/ptmx");
	return r < 0 ? error_errno(err, -r, "send the terminal to --console-socket") : 0;
}

int init_labels(struct init *init, struct error *err)
{
	const struct oci_process *process = init->plan->process;
	int r = lsm_apply_apparmor(process->apparmor_profile, init->procfs, err);

	if (r < 0)
		return error_at(err, "process.apparmorProfile");
	r = lsm_apply_selinux(process->selinux_label, init->procfs, err);
	return r < 0 ? error_at(err, "process.selinuxLabel") : 0;
}

int init_process(struct init *init, struct error *err)
{
	const struct oci_linux *linux_config = init->plan->config->linux;
	int r;

	if (init->slave >= 0) {
		r = init->role == INIT_FIRST ? terminal_attach(init->slave, err)
					     : terminal_connect(init->slave, err);
		if (r < 0)
			return r;
		init->slave = -EBADF; /* it is 0, 1 and 2 now */
	}
	if (!linux_config)
		return 0;
	r = limits_apply_memory_policy(linux_config->memory_policy, err);
	return r < 0 ? r : limits_apply_personality(linux_config->personality, err);
}

/* The streams of the caller become the user's, where they are files that can be given away: so that
 * a program under another user can reopen /dev/stdout. The group of a terminal stays "tty". */
static void init_give_stdio(const struct oci_user *user)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		struct stat st;
		gid_t gid;

		if (fstat(fd, &st) < 0 || (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)))
			continue;
		gid = S_ISCHR(st.st_mode) ? st.st_gid : user->gid;
		if (st.st_uid == user->uid && st.st_gid == gid)
			continue;
		/* EINVAL, EPERM, EROFS: the stream is not ours to give, and works without. */
		(void)!fchown(fd, user->uid, gid == st.st_gid ? (gid_t)-1 : gid);
	}
}

int init_identity(struct init *init, struct error *err)
{
	const struct plan *plan = init->plan;
	struct identity_options options = {
		.keep_groups = plan_annotation(plan->config, "run.oci.keep_original_groups"),
	};
	int chdir, r;

	if (plan_has(plan, CLONE_NEWUSER)) {
		r = idmap_setgroups_denied(init->procfs, &options.setgroups_denied);
		if (r < 0)
			return error_errno(err, -r, "read /proc/self/setgroups");
	}
	init_give_stdio(&plan->process->user);
	/* As root: the directory may be closed to the user, and may be made, but not in a container
	 * that runs: `exec` changes nothing there, with other runtimes neither. */
	chdir = identity_chdir(init->root, plan->process->cwd, init->role == INIT_FIRST, err);
	if (chdir < 0 && chdir != -EACCES)
		return chdir;
	r = capabilities_limit(&plan->capabilities, err);
	if (r == 0)
		r = identity_apply(&plan->process->user, &options, err);
	/* As the user, when only he may enter it (a network filesystem). */
	if (r == 0 && chdir == -EACCES)
		r = identity_chdir(init->root, plan->process->cwd, false, err);
	return r;
}

static int init_arguments(struct init *init, struct error *err)
{
	init->arguments = init_vector(&init->plan->process->args);
	return init->arguments ? 0 : error_errno(err, ENOMEM, "prepare the arguments");
}

int init_executable(struct init *init, struct error *err)
{
	const struct oci_process *process = init->plan->process;
	struct executable_search search;
	char home[4096];
	int r;

	/* It will not be started. */
	if (process->args.count == 0)
		return 0;
	identity_home(init->root, process->user.uid, home, sizeof(home));
	r = init_arguments(init, err);
	if (r < 0)
		return r;
	r = identity_environment(&init->plan->env, home, &init->environment, err);
	if (r < 0)
		return r;
	search = (struct executable_search){
		.root = init->root,
		.name = process->args.items[0],
		.environment = init->environment,
		.cwd = process->cwd,
	};
	return executable_find(&search, init->executable, sizeof(init->executable), err);
}

int init_capabilities(struct init *init, struct error *err)
{
	struct capabilities_plan plan = init->plan->capabilities;

	if (init_seccomp_needs_admin(init->plan)) {
		plan.effective |= INIT_SECCOMP_ADMIN;
		plan.permitted |= INIT_SECCOMP_ADMIN;
	}
	if (init->plan->process->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_errno(err, errno, "set no_new_privs");
	return capabilities_apply(&plan, err);
}

/* Descriptors behind stdio and the preserved ones, without a gap: nothing else remains open. */
static int init_keep_descriptors(int *const kept[], size_t count, unsigned int first)
{
	int r;

	/* Out of the way of each other and of the places they go to. */
	for (size_t i = 0; i < count; i++) {
		if (*kept[i] < 0)
			continue;
		*kept[i] = fcntl(*kept[i], F_DUPFD_CLOEXEC, (int)(first + count));
		if (*kept[i] < 0)
			return -errno;
	}
	for (size_t i = 0; i < count; i++) {
		if (*kept[i] < 0)
			continue;
		r = dup3(*kept[i], (int)first, O_CLOEXEC);
		if (r < 0)
			return -errno;
		*kept[i] = r;
		first++;
	}
	return fd_close_from(first);
}

/*
 * From here on the process may be looked at for a long time: only stdio, the preserved descriptors,
 * and behind them the gate stay open (and files for the output of hooks yet to come), really closed
 * and not only marked, for a container that is never started must not keep its creator's pipes
 * open.
 */
int init_descriptors(struct init *init, struct error *err)
{
	const struct oci_hooks *hooks = init->plan->config->hooks;
	int *const kept[] = {&init->channel, &init->gate, &init->streams.out, &init->streams.err};
	unsigned int first = STDERR_FILENO + 1 + init->plan->options->preserve_fds;
	int r;

	if (!hooks || hooks->start_container.count == 0)
		hooks_streams_close(&init->streams);
	r = init_keep_descriptors(kept, array_size(kept), first);
	if (r < 0)
		return error_errno(err, -r, "close descriptors");
	init->root = init->null = init->procfs = init->console_socket = -EBADF;
	/* Preserved ones are to be inherited, whatever flag they came with; a hole stays one. */
	for (unsigned int i = 0; i < init->plan->options->preserve_fds; i++) {
		if (init->plan->options->preserve_open[i])
			(void)fcntl((int)i + STDERR_FILENO + 1, F_SETFD, 0);
		else
			fd_close((int)i + STDERR_FILENO + 1);
	}
	return 0;
}

int init_limits(struct init *init, struct error *err)
{
	return limits_apply_rlimits(&init->plan->process->rlimits, 0, err);
}

int init_execute(struct init *init, struct error *err)
{
	const struct oci_process *process = init->plan->process;
	struct executable_search search = {
		.name = process->args.items[0],
		.environment = init->environment,
		.cwd = process->cwd,
	};
	int number;

	execve(init->executable, init->arguments, init->environment);
	number = errno;
	search.root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return executable_explain(&search, init->executable, number, err);
}
