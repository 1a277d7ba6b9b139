/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts to findings. One function for each topic, in the order in which people meet them: what the
 * kernel has, whether containers run, as root and without, what can be limited, and the extras.
 */
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>

#include "base/fd.h"
#include "container/doctor/report.h"
#include "kernel/syscalls.h"

#define DOCTOR_KERNEL_MAJOR 5
#define DOCTOR_KERNEL_MINOR 14

/* ---- the kernel ---- */

struct doctor_call_kind {
	const char *name, *since;
	bool needed;
	const char *without; /* of one that is not needed */
};

static const struct doctor_call_kind doctor_calls[DOCTOR_CALL_COUNT] = {
	[DOCTOR_FSOPEN] = {"fsopen", "5.2", true, NULL},
	[DOCTOR_OPEN_TREE] = {"open_tree", "5.2", true, NULL},
	[DOCTOR_MOVE_MOUNT] = {"move_mount", "5.2", true, NULL},
	[DOCTOR_CLONE3] = {"clone3", "5.3", true, NULL},
	[DOCTOR_PIDFD_OPEN] = {"pidfd_open", "5.3", true, NULL},
	[DOCTOR_PIDFD_GETFD] = {"pidfd_getfd", "5.6", true, NULL},
	[DOCTOR_OPENAT2] = {"openat2", "5.6", true, NULL},
	[DOCTOR_CLOSE_RANGE] = {"close_range", "5.11", true, NULL},
	[DOCTOR_MOUNT_SETATTR] = {"mount_setattr", "5.12", true, NULL},
	[DOCTOR_OPEN_TREE_ATTR] =
		{"open_tree_attr", "6.15", false,
		 "a mount's attributes are set in a second step: nothing is lost"},
	[DOCTOR_PIDFS] = {"pidfs", "6.9", false,
			  "processes are known by pid and start time alone: nothing is lost"},
	[DOCTOR_MEMFD_EXEC] = {"MFD_EXEC", "6.3", false,
			       "files in memory can always be executed: nothing is lost"},
};

static void doctor_plan_version(const struct doctor_facts *facts, struct doctor_report *report)
{
	bool old = facts->major < DOCTOR_KERNEL_MAJOR ||
		   (facts->major == DOCTOR_KERNEL_MAJOR && facts->minor < DOCTOR_KERNEL_MINOR);
	struct doctor_finding *finding =
		doctor_add(report, "kernel", old ? DOCTOR_FATAL : DOCTOR_GOOD);

	if (!old) {
		doctor_text(finding, "Linux %s", facts->release);
		return;
	}
	doctor_text(finding, "Linux %s is older than %d.%d", facts->release, DOCTOR_KERNEL_MAJOR,
		    DOCTOR_KERNEL_MINOR);
	doctor_means(finding, "no container can run");
	doctor_mend(finding, "boot a newer kernel");
}

static void doctor_plan_calls(const struct doctor_facts *facts, struct doctor_report *report)
{
	struct doctor_finding *finding;
	char there[256] = "";

	for (unsigned int i = 0; i < DOCTOR_CALL_COUNT; i++) {
		const struct doctor_call_kind *call = &doctor_calls[i];

		if (facts->calls & 1u << i) {
			doctor_append(there, sizeof(there), call->name);
			continue;
		}
		if (!call->needed) {
			finding = doctor_add(report, "kernel-features", DOCTOR_GOOD);
			doctor_text(finding, "no %s (Linux %s): %s", call->name, call->since,
				    call->without);
			continue;
		}
		finding = doctor_add(report, "kernel-features", DOCTOR_FATAL);
		doctor_text(finding, "no system call %s (Linux %s)", call->name, call->since);
		doctor_means(finding, "no container can run");
		doctor_mend(finding, "boot a newer kernel; inside of another container: let its "
				     "seccomp profile allow the call");
	}
	finding = doctor_add(report, "kernel-features", DOCTOR_GOOD);
	doctor_text(finding, "the kernel has %s", there[0] ? there : "none of them");
}

static void doctor_plan_memfd(const struct doctor_facts *facts, struct doctor_report *report)
{
	struct doctor_finding *finding;

	if (facts->memfd_noexec != 2)
		return;
	finding = doctor_add(report, "memfd", DOCTOR_LACK);
	doctor_text(finding, "the sysctl vm.memfd_noexec is 2");
	doctor_means(finding, "programs in memory cannot be executed: no linux.netDevices");
	doctor_mend(finding, "sysctl -w vm.memfd_noexec=1");
}

/* ---- namespaces ---- */

static void doctor_plan_namespaces(const struct doctor_facts *facts, struct doctor_report *report)
{
	static const struct {
		const char *name, *option;
		uint64_t flag;
		bool needed;
	} kinds[] = {
		{"mount", "NAMESPACES", CLONE_NEWNS, true},
		{"pid", "PID_NS", CLONE_NEWPID, true},
		{"network", "NET_NS", CLONE_NEWNET, false},
		{"ipc", "IPC_NS", CLONE_NEWIPC, false},
		{"uts", "UTS_NS", CLONE_NEWUTS, false},
		{"user", "USER_NS", CLONE_NEWUSER, false},
		{"cgroup", "CGROUPS", CLONE_NEWCGROUP, false},
		{"time", "TIME_NS", CLONE_NEWTIME, false},
	};
	struct doctor_finding *finding;
	char there[128] = "";

	for (size_t i = 0; i < array_size(kinds); i++) {
		if (facts->namespaces & kinds[i].flag) {
			doctor_append(there, sizeof(there), kinds[i].name);
			continue;
		}
		finding = doctor_add(report, "namespaces",
				     kinds[i].needed ? DOCTOR_FATAL : DOCTOR_LACK);
		doctor_text(finding, "no %s namespaces", kinds[i].name);
		doctor_means(finding, "configurations that ask for one are refused");
		doctor_mend(finding, "boot a kernel with CONFIG_%s", kinds[i].option);
	}
	if (there[0]) {
		finding = doctor_add(report, "namespaces", DOCTOR_GOOD);
		doctor_text(finding, "namespaces: %s", there);
	}
}

/* ---- with root's privileges ---- */

static void doctor_plan_rootful(const struct doctor_facts *facts, struct doctor_report *report)
{
	static const struct {
		const char *name;
		int number;
		const char *means;
	} wanted[] = {
		{"CAP_SYS_RESOURCE", CAP_SYS_RESOURCE,
		 "rlimits cannot be raised, nor oom_score_adj lowered: configurations that ask for "
		 "it are refused"},
		{"CAP_NET_ADMIN", CAP_NET_ADMIN, "no linux.netDevices"},
		{"CAP_MKNOD", CAP_MKNOD,
		 "containers without a user namespace of their own are refused: they need device "
		 "nodes"},
		{"CAP_SETUID", CAP_SETUID, "containers run as the caller's user only"},
		{"CAP_SETGID", CAP_SETGID, "containers run with the caller's groups only"},
	};
	struct doctor_finding *finding;

	if (facts->rootless)
		return;
	if (!(facts->capabilities & 1ull << CAP_SYS_ADMIN)) {
		finding = doctor_add(report, "rootful", DOCTOR_FATAL);
		doctor_text(finding, "root has no CAP_SYS_ADMIN");
		doctor_means(finding, "no container can run");
		doctor_mend(finding, "inside of another container: start that one privileged");
		return;
	}
	finding = doctor_add(report, "rootful", DOCTOR_GOOD);
	doctor_text(finding, "root can run containers");
	for (size_t i = 0; i < array_size(wanted); i++) {
		if (facts->capabilities & 1ull << wanted[i].number)
			continue;
		finding = doctor_add(report, "rootful", DOCTOR_LACK);
		doctor_text(finding, "root has no %s", wanted[i].name);
		doctor_means(finding, "%s", wanted[i].means);
		doctor_mend(finding, "add it where this host, itself a container or a unit, is "
				     "described");
	}
}

/* ---- without ---- */

/* Why no user namespace can be made; the first reason that the facts give. */
static void doctor_explain_userns(const struct doctor_facts *facts, struct doctor_finding *finding)
{
	doctor_text(finding, "no user namespace can be made without privileges (%s)",
		    error_name(facts->userns_make));
	doctor_mend(finding, "look for a security module or a seccomp filter that forbids it");
	if (facts->max_user_namespaces == 0)
		doctor_mend(finding, "sysctl -w user.max_user_namespaces=28633");
	else if (facts->userns_clone == 0)
		doctor_mend(finding, "sysctl -w kernel.unprivileged_userns_clone=1");
	else if (facts->chrooted)
		doctor_mend(finding, "leave the chroot: the kernel makes none in there");
	else if (facts->userns_make == ENOSPC)
		doctor_mend(finding,
			    "namespaces are nested too deep, or user.max_user_namespaces is "
			    "used up: raise it by sysctl -w");
}

/* Whether the caller needs what is asked for to run any container at all. */
static enum doctor_grade doctor_grade_rootless(const struct doctor_facts *facts)
{
	return facts->rootless ? DOCTOR_FATAL : DOCTOR_LACK;
}

static void doctor_plan_userns(const struct doctor_facts *facts, struct doctor_report *report)
{
	struct doctor_finding *finding;

	if (facts->userns_make != 0) {
		finding = doctor_add(report, "rootless", doctor_grade_rootless(facts));
		doctor_means(finding, "ordinary users cannot run containers");
		doctor_explain_userns(facts, finding);
		return;
	}
	if (facts->userns_use != 0) {
		finding = doctor_add(report, "rootless", doctor_grade_rootless(facts));
		doctor_text(finding, "user namespaces of ordinary users have no privileges (%s)",
			    error_name(facts->userns_use));
		doctor_means(finding, "ordinary users cannot run containers");
		if (facts->apparmor_userns > 0)
			doctor_mend(finding,
				    "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or "
				    "an AppArmor profile for knarr with the rule \"userns,\"");
		else
			doctor_mend(finding, "look for a security module that restricts them");
		return;
	}
	finding = doctor_add(report, "rootless", DOCTOR_GOOD);
	doctor_text(finding, "ordinary users can make user namespaces");
	if (facts->userns_proc == 0)
		return;
	finding = doctor_add(report, "rootless", DOCTOR_LACK);
	doctor_text(finding, "no procfs can be mounted in a user namespace (%s)",
		    error_name(facts->userns_proc));
	doctor_means(finding, "containers without privileges cannot have a pid namespace and its "
			      "/proc; something is mounted over parts of the /proc here");
	doctor_mend(finding, "inside of another container: start that one with an unmasked /proc");
}

static void doctor_plan_idmap_tool(const struct doctor_facts *facts, const char *name,
				   enum doctor_tool tool, struct doctor_report *report)
{
	struct doctor_finding *finding;

	if (tool == DOCTOR_TOOL_READY)
		return;
	finding = doctor_add(report, "rootless", DOCTOR_LACK);
	doctor_means(finding, "a container without privileges has one user and one group only");
	if (tool == DOCTOR_TOOL_ABSENT) {
		doctor_text(finding, "%s(1) is not there", name);
		doctor_mend_package(finding, facts->family, DOCTOR_PACKAGE_UIDMAP);
	} else {
		doctor_text(finding, "%s(1) has no privileges", name);
		doctor_mend(finding, "chmod u+s /usr/bin/%s", name);
	}
}

static void doctor_plan_subids(const struct doctor_facts *facts, const char *file, uint64_t count,
			       struct doctor_report *report)
{
	struct doctor_finding *finding;

	if (count >= 65536)
		return;
	finding = doctor_add(report, "rootless", DOCTOR_LACK);
	doctor_text(finding, "%s gives %s %llu ids", file, facts->user, (unsigned long long)count);
	doctor_means(finding, count == 0 ? "a container has one user and one group only"
					 : "images with higher ids cannot be used");
	doctor_mend(finding, "usermod --add-%ss 100000-165535 %s",
		    strcmp(file, "/etc/subuid") == 0 ? "subuid" : "subgid", facts->user);
}

static void doctor_plan_rootless(const struct doctor_facts *facts, struct doctor_report *report)
{
	struct doctor_finding *finding;

	doctor_plan_userns(facts, report);
	doctor_plan_idmap_tool(facts, "newuidmap", facts->newuidmap, report);
	doctor_plan_idmap_tool(facts, "newgidmap", facts->newgidmap, report);
	/* The ids of other users than the caller say nothing. */
	if (facts->uid == 0)
		return;
	doctor_plan_subids(facts, "/etc/subuid", facts->subuids, report);
	doctor_plan_subids(facts, "/etc/subgid", facts->subgids, report);
	if (facts->no_new_privileges) {
		finding = doctor_add(report, "rootless", DOCTOR_LACK);
		doctor_text(finding, "the caller runs with no_new_privs");
		doctor_means(finding, "newuidmap(1) cannot work: one user and one group only");
		doctor_mend(finding, "log in anew, or remove NoNewPrivileges= from the unit");
	}
	if (!facts->runtime_directory) {
		finding = doctor_add(report, "rootless", DOCTOR_LACK);
		doctor_text(finding, "there is no directory for the state of containers");
		doctor_means(finding, "each call needs --root");
		doctor_mend(finding,
			    "log in through PAM, or: loginctl enable-linger %s; then "
			    "export XDG_RUNTIME_DIR=/run/user/%u",
			    facts->user, facts->uid);
	}
}

void doctor_plan(const struct doctor_facts *facts, struct doctor_report *ret_report)
{
	static void (*const topics[])(const struct doctor_facts *, struct doctor_report *) = {
		doctor_plan_version,	doctor_plan_calls,   doctor_plan_memfd,
		doctor_plan_namespaces, doctor_plan_rootful, doctor_plan_rootless,
		doctor_plan_cgroups,	doctor_plan_devices, doctor_plan_idmap,
		doctor_plan_seccomp,	doctor_plan_lsm,     doctor_plan_systemd,
		doctor_plan_checkpoint,
	};

	ret_report->count = 0;
	ret_report->can_run = true;
	for (size_t i = 0; i < array_size(topics); i++)
		topics[i](facts, ret_report);
	for (size_t i = 0; i < ret_report->count; i++)
		if (ret_report->findings[i].grade == DOCTOR_FATAL)
			ret_report->can_run = false;
}
