/* SPDX-License-Identifier: Apache-2.0 */
#include "container/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "container/readiness.h"
#include "container/unprivileged.h"
#include "isolate/lsm.h"
#include "isolate/sysctl.h"
#include "kernel/nsfs.h"
#include "kernel/syscalls.h"
#include "oci-spec/annotations.h"

/* The texts are runc's, which its users know. */
static int plan_check_terminal(const struct plan *plan, struct error *err)
{
	const struct plan_options *options = plan->options;
	bool terminal = plan->process->terminal;

	if (terminal && options->detach && !options->console_socket) {
		error_set(
			err, EINVAL,
			"cannot allocate tty if knarr will detach without setting console socket");
		error_at(err, "process.terminal");
		return error_hint(err, "give --console-socket, or set process.terminal to false");
	}
	if (options->console_socket && !(terminal && options->detach)) {
		error_set(err, EINVAL,
			  "cannot use console socket if knarr will not detach or allocate tty");
		return error_at(err, "process.terminal");
	}
	return 0;
}

static int plan_check_labels(const struct plan *plan, struct error *err)
{
	const struct oci_process *process = plan->process;

	if (process->apparmor_profile && process->apparmor_profile[0] &&
	    strcmp(process->apparmor_profile, "unconfined") != 0 && !lsm_apparmor_enabled()) {
		error_set(err, ENOTSUP,
			  "AppArmor profile %s is asked for, but AppArmor is not enabled "
			  "on this host",
			  process->apparmor_profile);
		return error_at(err, "process.apparmorProfile");
	}
	if (process->selinux_label && process->selinux_label[0] && !lsm_selinux_enabled()) {
		error_set(err, ENOTSUP,
			  "SELinux label %s is asked for, but SELinux is not enabled on "
			  "this host",
			  process->selinux_label);
		return error_at(err, "process.selinuxLabel");
	}
	return 0;
}

/* process.env with the variables of socket activation (sd_listen_fds(3)) and readiness behind it.
 */
static int plan_environment(struct plan *plan, struct error *err)
{
	const struct oci_strings *env = &plan->process->env;
	const char *more[3];
	char listen_fds[32];
	size_t count = 0;
	char **items;

	plan->env = *env;
	if (plan->options->listen_fds > 0) {
		(void)snprintf(listen_fds, sizeof(listen_fds), "LISTEN_FDS=%u",
			       plan->options->listen_fds);
		more[count++] = listen_fds;
		more[count++] = "LISTEN_PID=1";
	}
	if (plan->extended)
		more[count++] = READINESS_VARIABLE;
	if (count == 0)
		return 0;
	items = calloc(env->count + count, sizeof(*items));
	if (!items)
		return error_errno(err, ENOMEM, "prepare the environment");
	for (size_t i = 0; i < env->count; i++)
		items[i] = env->items[i];
	plan->env = (struct oci_strings){items, env->count};
	for (size_t i = 0; i < count; i++) {
		items[plan->env.count] = strdup(more[i]);
		if (!items[plan->env.count])
			return error_errno(err, ENOMEM, "prepare the environment");
		plan->env.count++;
	}
	return 0;
}

/* The model's strings are not const, and ours are not freed. */
#define PLAN_TEXT(text) ((char *)(uintptr_t)(text))

struct plan_extended {
	struct oci_config config;
	char *options[6];
	struct oci_mount mounts[];
};

/* Mounts the directory of the notify socket, behind all that the configuration mounts. */
static int plan_extend(struct plan *plan, struct error *err)
{
	const struct oci_mounts *own = &plan->config->mounts;
	struct plan_extended *extended;

	if (!plan->options->notify || !plan_has(plan, CLONE_NEWNS))
		return 0;
	extended = calloc(1, sizeof(*extended) + (own->count + 1) * sizeof(extended->mounts[0]));
	if (!extended)
		return error_errno(err, ENOMEM, "prepare the notify socket");
	*extended = (struct plan_extended){
		.config = *plan->config,
		.options = {PLAN_TEXT("bind"), PLAN_TEXT("ro"), PLAN_TEXT("nosuid"),
			    PLAN_TEXT("nodev"), PLAN_TEXT("noexec")},
	};
	for (size_t i = 0; i < own->count; i++)
		extended->mounts[i] = own->items[i];
	extended->mounts[own->count] = (struct oci_mount){
		.destination = PLAN_TEXT(READINESS_TARGET),
		.type = PLAN_TEXT("bind"),
		.source = PLAN_TEXT(plan->options->notify),
		.options = {extended->options, 5},
	};
	extended->config.mounts = (struct oci_mounts){extended->mounts, own->count + 1};
	plan->extended = extended;
	plan->config = &extended->config;
	return 0;
}

const char *plan_annotation(const struct oci_config *config, const char *key)
{
	return oci_annotation_value(&config->annotations, key);
}

int plan_make_seccomp(struct plan *plan, struct error *err)
{
	const struct oci_config *config = plan->config;
	const struct oci_seccomp *seccomp = config->linux ? config->linux->seccomp : NULL;
	const char *raw = plan_annotation(config, "run.oci.seccomp_bpf_data");
	int r = 0;

	if (raw) {
		r = seccomp_plan_raw(seccomp, raw, &plan->seccomp, err);
		return r < 0 ? error_at(err, "annotations[\"run.oci.seccomp_bpf_data\"]") : 0;
	}
	if (seccomp && plan_annotation(config, "run.oci.seccomp_fail_unknown_syscall"))
		r = seccomp_check_known(seccomp, err);
	return r < 0 ? r : seccomp_plan(seccomp, &plan->seccomp, err);
}

/* A user namespace, where one is needed and not configured. */
static int plan_namespace(struct plan *plan, struct error *err)
{
	int r = unprivileged_probe(plan->config, &plan->unprivileged, err);

	if (r == 0 && plan->unprivileged)
		plan->config = unprivileged_config(plan->unprivileged);
	return r;
}

static int plan_isolation(struct plan *plan, struct error *err)
{
	const struct oci_linux *linux_config = plan->config->linux;
	const char *bundle = plan->options->bundle;
	const struct oci_config *config;
	int r;

	r = namespaces_plan(linux_config, &plan->namespaces, err);
	if (r == 0)
		r = plan_extend(plan, err);
	if (r < 0)
		return r;
	config = plan->config;
	if (plan->namespaces.fresh & CLONE_NEWUSER) {
		r = idmap_plan(linux_config, &plan->idmap, err);
		if (r < 0)
			return r;
	}
	r = rootfs_plan(config, bundle, plan->options->no_pivot, &plan->rootfs, err);
	if (r < 0)
		return r;
	r = mounts_plan(config, bundle, &plan->mounts, err);
	if (r < 0)
		return r;
	/* A runtime that is root of a user namespace, as podman's without privileges, makes none
	 * either. */
	r = devices_plan(config, plan_has(plan, CLONE_NEWUSER) || !nsfs_is_initial_user(),
			 &plan->devices, err);
	if (r < 0)
		return r;
	capabilities_plan(plan->process->capabilities, &plan->capabilities);
	r = sysctl_plan(linux_config, &plan->namespaces, err);
	if (r < 0)
		return r;
	r = net_devices_plan(linux_config, &plan->namespaces, geteuid() == 0, &plan->net_devices,
			     err);
	if (r < 0)
		return r;
	return plan_make_seccomp(plan, err);
}

static int plan_cgroup(struct plan *plan, struct error *err)
{
	int r = cgroup_host_detect(&plan->cgroup_host, err);

	if (r == 0 && plan->options->cgroup_manager == CGROUP_MANAGER_SYSTEMD)
		r = cgroup_host_find_systemd(&plan->cgroup_host, err);
	if (r < 0)
		return r;
	r = cgroup_locate(plan->config, plan->options->id, plan->options->cgroup_manager,
			  &plan->cgroup_host, &plan->cgroup_location, err);
	return r < 0 ? r
		     : resctrl_plan(plan->config->linux, plan->options->id, NULL, &plan->resctrl,
				    err);
}

int plan_check_process(const struct plan *plan, struct error *err)
{
	int r = plan_check_terminal(plan, err);

	return r < 0 ? r : plan_check_labels(plan, err);
}

/* config.md#process: it is required when start is called, and not before. */
static const struct oci_process plan_no_process = {.cwd = (char *)(uintptr_t) "/"};

int plan_check_startable(const struct oci_config *config, struct error *err)
{
	if (config->process)
		return 0;
	error_set(err, EINVAL, "there is no process to run");
	return error_at(err, "process");
}

int plan_make(const struct oci_config *config, const struct plan_options *options,
	      struct plan *ret_plan, struct error *err)
{
	struct plan plan = {.options = options,
			    .config = config,
			    .process = config->process ? config->process : &plan_no_process};
	int r;

	r = plan_check_process(&plan, err);
	if (r == 0)
		r = plan_namespace(&plan, err);
	if (r == 0)
		r = plan_isolation(&plan, err);
	if (r == 0)
		r = plan_environment(&plan, err);
	if (r == 0)
		r = plan_cgroup(&plan, err);
	if (r < 0) {
		plan_clear(&plan);
		return r;
	}
	*ret_plan = plan;
	return 0;
}

void plan_clear(struct plan *plan)
{
	rootfs_plan_clear(&plan->rootfs);
	mounts_plan_clear(&plan->mounts);
	devices_plan_clear(&plan->devices);
	net_devices_plan_clear(&plan->net_devices);
	seccomp_plan_clear(&plan->seccomp);
	cgroup_host_clear(&plan->cgroup_host);
	cgroup_location_clear(&plan->cgroup_location);
	resctrl_clear(&plan->resctrl);
	free(plan->hierarchies);
	if (plan->process && plan->env.items != plan->process->env.items) {
		for (size_t i = plan->process->env.count; i < plan->env.count; i++)
			free(plan->env.items[i]);
		free(plan->env.items);
	}
	free(plan->extended);
	free(plan->unprivileged);
}
