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
#include "container/init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "container/gate.h"
#include "container/hooks.h"
#include "container/init-seccomp.h"
#include "container/status.h"
#include "container/sync.h"
#include "isolate/affinity.h"
#include "isolate/executable.h"
#include "isolate/limits.h"
#include "isolate/lsm.h"
#include "isolate/network.h"
#include "isolate/sysctl.h"
#include "isolate/terminal.h"
#include "kernel/channel.h"
#include "kernel/process.h"
#include "kernel/syscalls.h"

static int init_send(const struct init *init, enum sync_word word, int fd, struct error *err)
{
	struct channel_message message = {.word = word};
	int r = channel_send(init->channel, &message, fd);

	return r < 0 ? error_errno(err, -r, "speak to the runtime") : 0;
}

/* Waits for a word of the runtime. Its death ends us: nobody would know of this process. */
static int init_expect(const struct init *init, enum sync_word word, struct error *err)
{
	struct channel_message message;
	int r = channel_recv(init->channel, -1, PROCESS_NO_DEADLINE, &message, NULL);

	if (r < 0)
		return error_errno(err, -r, "wait for the runtime");
	if (message.word != word)
		return error_set(err, EPROTO, "the runtime said %u instead of %u", message.word,
				 word);
	return 0;
}

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

static int init_cgroup(struct init *init, struct error *err)
{
	return cgroup_enter_self(init->cgroup, err);
}

static int init_namespaces(struct init *init, struct error *err)
{
	return namespaces_finish(&init->plan->namespaces, init->namespaces, init->procfs, err);
}

/* The helper is where it belongs already (namespaces_fork_into). */
static int init_join(struct init *init, struct error *err)
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
static int init_affinity(struct init *init, struct error *err)
{
	return affinity_set_final(
		init->role == INIT_ASIDE ? init->plan->process->exec_cpu_affinity : NULL, err);
}

static int init_session(struct init *init, struct error *err)
{
	int r;

	/* Out of the caller's session, so that its terminal is not ours (TIOCSTI). */
	if (setsid() < 0 && (errno != EPERM || getsid(0) != getpid()))
		return error_errno(err, errno, "make a session");
	if (init->plan->options->no_new_keyring)
		return 0;
	r = lsm_apply_selinux_keys(init->plan->process->selinux_label, init->procfs, err);
	if (r < 0)
		return error_at(err, "process.selinuxLabel");
	return limits_new_keyring(init->plan->options->id, err);
}

/* A session is its maker's, and its children's as long as he lives: so not the helper's. */
static int init_lead(struct init *init, struct error *err)
{
	if (init->plan->process->terminal)
		return terminal_control(STDIN_FILENO, err);
	return setsid() < 0 ? error_errno(err, errno, "make a session") : 0;
}

static int init_network(struct init *init, struct error *err)
{
	const struct oci_hooks *hooks = init->plan->config->hooks;
	auto_close int socket = -EBADF;
	int r;

	if (!(init->plan->namespaces.fresh & ~init->plan->namespaces.apart & CLONE_NEWNET))
		return 0;
	r = network_open(&socket, err);
	if (r < 0)
		return r;
	/* The runtime has the time, and with the same user namespace the right; but who knows when.
	 */
	if (!plan_has(init->plan, CLONE_NEWUSER) && !(hooks && hooks->create_container.count > 0))
		return init_send(init, SYNC_LOOPBACK, socket, err);
	return network_loopback_up(socket, err);
}

/* That which the runtime makes meanwhile, as late as can be. */
static int init_enter_network(struct init *init, struct error *err)
{
	struct channel_message message;
	auto_close int namespace = -EBADF;
	int r;

	if (init->networked || !(init->plan->namespaces.apart & CLONE_NEWNET))
		return 0;
	r = channel_recv(init->channel, -1, PROCESS_NO_DEADLINE, &message, &namespace);
	if (r < 0)
		return error_errno(err, -r, "wait for the network namespace");
	if (message.word != SYNC_NETWORK)
		return error_set(err, EPROTO, "the runtime said %u instead of %u", message.word,
				 SYNC_NETWORK);
	r = network_enter(namespace, err);
	init->networked = r == 0;
	return r;
}

static int init_mounts_network(void *data, struct error *err)
{
	int r = init_enter_network(data, err);

	return r < 0 ? error_wrap(err, "network") : 0;
}

static int init_rootfs(struct init *init, struct error *err)
{
	return rootfs_attach(&init->plan->rootfs, &init->sources, init->host_root, &init->root,
			     err);
}

static int init_mounts(struct init *init, struct error *err)
{
	const struct plan *plan = init->plan;
	struct mounts_context context = {
		.root = init->root,
		.sources = init->sources,
		.cgroup_namespace = plan_has(plan, CLONE_NEWCGROUP),
		.cgroup_unified = plan->cgroup_host.mode == CGROUP_MODE_UNIFIED,
		.hierarchies = plan->hierarchies,
		.hierarchy_count = plan->hierarchies ? plan->cgroup_host.count : 0,
		.network = init_mounts_network,
		.network_data = init,
	};

	if (context.cgroup_unified && init->cgroup)
		context.cgroup_path = cgroup_directory(init->cgroup, 0);
	return mounts_apply(&plan->mounts, &context, err);
}

static int init_devices(struct init *init, struct error *err)
{
	const struct oci_linux *linux_config = init->plan->config->linux;
	int r = devices_apply(&init->plan->devices, init->root, &init->sources, err);

	/* The host's own /dev/null for the masks, taken while the host is still in reach. */
	if (r == 0 && linux_config && linux_config->masked_paths.count > 0) {
		struct sources_request request = {.path = "/dev/null", .device = makedev(1, 3)};

		r = sources_clone(&init->sources, &request, &init->null, err);
	}
	return r;
}

/* The runtime has followed as far as it has to: see init_guard(). */
static int init_hide(struct init *init, struct error *err)
{
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? error_errno(err, errno, "become undumpable")
						      : 0;
}

static int init_runtime_hooks(struct init *init, struct error *err)
{
	const struct oci_hooks *hooks = init->plan->config->hooks;
	int r;

	if (init->plan->net_devices.count == 0 &&
	    (!hooks || hooks->prestart.count + hooks->create_runtime.count == 0))
		return 0;
	r = init_send(init, SYNC_HOOKS, -1, err);
	return r < 0 ? r : init_expect(init, SYNC_PROCEED, err);
}

/* The configuration's lists have no NULL behind them. */
static char **init_vector(const struct oci_strings *strings)
{
	char **vector = calloc(strings->count + 1, sizeof(*vector));

	if (vector && strings->count)
		memcpy(vector, strings->items, strings->count * sizeof(*vector));
	return vector;
}

/* Hooks of our side see the pid that the container sees. */
static int init_run_hooks(struct init *init, const char *kind, const struct oci_hook_list *hooks,
			  enum lifecycle_status status, struct error *err)
{
	const struct plan *plan = init->plan;
	struct record_intent intent = {
		.id = (char *)(uintptr_t)plan->options->id,
		.bundle = (char *)(uintptr_t)plan->options->bundle,
		.annotations = plan->config->annotations,
	};
	struct status_document document = {.intent = &intent, .status = status, .pid = getpid()};
	struct hooks_run run = {.kind = kind, .hooks = hooks, .streams = &init->streams};
	auto_free char **environment = NULL;
	auto_text struct text state = {0};

	if (hooks->count == 0)
		return 0;
	/* startContainer hooks are the container's. createContainer hooks are programs of the host:
	 * with the container's LD_PRELOAD they would be its (CVE-2025-23266). */
	if (status == LIFECYCLE_CREATED) {
		environment = init_vector(&plan->env);
		if (!environment)
			return error_errno(err, ENOMEM, "prepare the environment for hooks");
		run.environment = environment;
	}
	status_encode(&document, STATUS_FIELDS_SPEC, &state);
	if (state.failed)
		return error_errno(err, ENOMEM, "prepare the state for hooks");
	run.state = state.data;
	return hooks_run(&run, err);
}

static int init_container_hooks(struct init *init, struct error *err)
{
	const struct oci_hooks *hooks = init->plan->config->hooks;

	return hooks ? init_run_hooks(init, "createContainer", &hooks->create_container,
				      LIFECYCLE_CREATING, err)
		     : 0;
}

/* What /proc/PID/environ shows until execve is the environment of the runtime's caller. */
static void init_forget_environment(void)
{
	for (char **variable = environ; *variable; variable++)
		explicit_bzero(*variable, strlen(*variable));
	environ[0] = NULL;
}

static int init_enter_rootfs(struct init *init, struct error *err)
{
	/* The last programs of the host have run. */
	init_forget_environment();
	rootfs_drop_too(&init->plan->rootfs, init->plan->options->idle_close);
	return rootfs_enter(&init->plan->rootfs, init->root, err);
}

static int init_terminal(struct init *init, struct error *err)
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

static int init_names(struct init *init, struct error *err)
{
	const struct oci_config *config = init->plan->config;

	if (config->hostname && sethostname(config->hostname, strlen(config->hostname)) < 0) {
		error_errno(err, errno, "set the hostname to %s", config->hostname);
		return error_at(err, "hostname");
	}
	if (config->domainname &&
	    setdomainname(config->domainname, strlen(config->domainname)) < 0) {
		error_errno(err, errno, "set the domain name to %s", config->domainname);
		return error_at(err, "domainname");
	}
	return 0;
}

static int init_sysctl(struct init *init, struct error *err)
{
	const struct oci_linux *linux_config = init->plan->config->linux;

	if (!linux_config || linux_config->sysctl.count == 0)
		return 0;
	return sysctl_apply(&linux_config->sysctl, init->procfs, err);
}

static int init_protect(struct init *init, struct error *err)
{
	int r = 0;

	/* While it can still be made. */
	if (init->plan->rootfs.readonly)
		r = identity_make_cwd(init->root, init->plan->process->cwd, err);
	if (r < 0)
		return r;
	r = rootfs_protect_paths(&init->plan->rootfs, init->root, init->null, err);

	if (r == 0)
		r = mounts_make_readonly(&init->plan->mounts, init->root, err);
	return r < 0 ? r : rootfs_make_readonly(&init->plan->rootfs, init->root, err);
}

static int init_labels(struct init *init, struct error *err)
{
	const struct oci_process *process = init->plan->process;
	int r = lsm_apply_apparmor(process->apparmor_profile, init->procfs, err);

	if (r < 0)
		return error_at(err, "process.apparmorProfile");
	r = lsm_apply_selinux(process->selinux_label, init->procfs, err);
	return r < 0 ? error_at(err, "process.selinuxLabel") : 0;
}

static int init_process(struct init *init, struct error *err)
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

static int init_identity(struct init *init, struct error *err)
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
	/* As root: the directory may be made, and may be closed to the user. */
	chdir = identity_chdir(init->root, plan->process->cwd, true, err);
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

static int init_executable(struct init *init, struct error *err)
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

static int init_capabilities(struct init *init, struct error *err)
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
static int init_descriptors(struct init *init, struct error *err)
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

static int init_ready(struct init *init, struct error *err)
{
	int r;

	/*
	 * From here on we only wait for the runtime's words, and its death is the end of the
	 * channel. The signal must be gone before it can commit: it exits right after, and would
	 * take us with it.
	 */
	if (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0)
		return error_errno(err, errno, "clear the parent-death signal");
	r = init_send(init, SYNC_READY, -1, err);
	if (r == 0)
		r = init_expect(init, init->gate < 0 ? SYNC_START : SYNC_COMMIT, err);
	if (r < 0 || init->gate < 0)
		return r;
	init->channel = fd_close(init->channel);
	return gate_wait(init->gate, &init->channel, err);
}

static int init_start_hooks(struct init *init, struct error *err)
{
	const struct oci_hooks *hooks = init->plan->config->hooks;

	return hooks ? init_run_hooks(init, "startContainer", &hooks->start_container,
				      LIFECYCLE_CREATED, err)
		     : 0;
}

static int init_limits(struct init *init, struct error *err)
{
	return limits_apply_rlimits(&init->plan->process->rlimits, 0, err);
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

static int init_execute(struct init *init, struct error *err)
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
	/* Here the helper forks, and what it has forked can be looked at from inside. */
	{"session", init_lead, JOINED},
	{"start", init_ready, LIVE},
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
	process_reset_signals();
	init_run_steps(init);
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
