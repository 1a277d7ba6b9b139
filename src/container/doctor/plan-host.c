/* SPDX-License-Identifier: Apache-2.0 */
/* Facts to findings: what can be limited, and the extras. */
#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "container/doctor/report.h"

/* The oldest criu that knows everything that knarr asks of it. */
#define DOCTOR_CRIU_MINIMUM 31600

/* ---- cgroups ---- */

static const char *doctor_controller_limits(enum doctor_controller controller)
{
	static const char *const limits[DOCTOR_CONTROLLER_COUNT] = {
		[DOCTOR_CPU] = "linux.resources.cpu",
		[DOCTOR_CPUSET] = "linux.resources.cpu.cpus and .mems",
		[DOCTOR_IO] = "linux.resources.blockIO",
		[DOCTOR_MEMORY] = "linux.resources.memory",
		[DOCTOR_PIDS] = "linux.resources.pids",
		[DOCTOR_HUGETLB] = "linux.resources.hugepageLimits",
		[DOCTOR_RDMA] = "linux.resources.rdma",
		[DOCTOR_MISC] = "misc.max in linux.resources.unified",
		[DOCTOR_DEVICES] = "linux.resources.devices",
		[DOCTOR_FREEZER] = "knarr pause",
	};

	return limits[controller];
}

/* Those that people notice; a machine without InfiniBand misses no rdma. */
static uint32_t doctor_expected_controllers(const struct doctor_facts *facts)
{
	uint32_t expected = 1u << DOCTOR_CPU | 1u << DOCTOR_CPUSET | 1u << DOCTOR_IO |
			    1u << DOCTOR_MEMORY | 1u << DOCTOR_PIDS;

	if (facts->cgroups != DOCTOR_CGROUPS_V2)
		expected |= 1u << DOCTOR_DEVICES | 1u << DOCTOR_FREEZER;
	return expected;
}

static void doctor_mend_controller(const struct doctor_facts *facts,
				   enum doctor_controller controller,
				   struct doctor_finding *finding)
{
	if (!(facts->controllers & 1u << controller) && controller == DOCTOR_MEMORY)
		doctor_mend(finding, "boot with cgroup_enable=memory on the kernel's command line");
	else if (!(facts->controllers & 1u << controller))
		doctor_mend(finding, "boot a kernel that has it, and without cgroup_disable=");
	else if (facts->cgroups == DOCTOR_CGROUPS_V2 && facts->systemd)
		doctor_mend(finding,
			    "mkdir -p /etc/systemd/system/user@.service.d && printf "
			    "'[Service]\\nDelegate=cpu cpuset io memory pids\\n' > "
			    "/etc/systemd/system/user@.service.d/delegate.conf && systemctl "
			    "daemon-reload; then log in anew");
	else
		doctor_mend(finding, "have root give a cgroup with it to %s", facts->user);
}

static void doctor_plan_controllers(const struct doctor_facts *facts, struct doctor_report *report)
{
	uint32_t expected = doctor_expected_controllers(facts);
	struct doctor_finding *finding;
	char there[128] = "";

	for (unsigned int i = 0; i < DOCTOR_CONTROLLER_COUNT; i++) {
		const char *name = doctor_controller_names[i];

		if (i == DOCTOR_IO && facts->cgroups != DOCTOR_CGROUPS_V2)
			name = "blkio";
		if (facts->usable & 1u << i)
			doctor_append(there, sizeof(there), name);
		if (facts->usable & 1u << i || !(expected & 1u << i))
			continue;
		finding = doctor_add(report, "cgroup-limits", DOCTOR_LACK);
		doctor_text(finding, "no controller %s%s", name,
			    facts->controllers & 1u << i ? " for this user" : "");
		doctor_means(finding, "no %s", doctor_controller_limits(i));
		doctor_mend_controller(facts, i, finding);
	}
	if (there[0]) {
		finding = doctor_add(report, "cgroup-limits", DOCTOR_GOOD);
		doctor_text(finding, "controllers: %s", there);
	}
}

void doctor_plan_cgroups(const struct doctor_facts *facts, struct doctor_report *report)
{
	static const char *const modes[] = {
		[DOCTOR_CGROUPS_NONE] = "no cgroups are mounted at /sys/fs/cgroup",
		[DOCTOR_CGROUPS_V1] = "cgroup v1",
		[DOCTOR_CGROUPS_HYBRID] = "cgroup v1 with v2 beside it (hybrid)",
		[DOCTOR_CGROUPS_V2] = "cgroup v2",
	};
	struct doctor_finding *finding =
		doctor_add(report, "cgroups",
			   facts->cgroups == DOCTOR_CGROUPS_NONE ? DOCTOR_LACK : DOCTOR_GOOD);

	doctor_text(finding, "%s", modes[facts->cgroups]);
	if (facts->cgroups == DOCTOR_CGROUPS_NONE) {
		doctor_means(finding, "containers run with --cgroup-manager=disabled only, without "
				      "limits");
		doctor_mend(finding, "mount -t cgroup2 cgroup2 /sys/fs/cgroup");
		return;
	}
	if (facts->delegated) {
		doctor_plan_controllers(facts, report);
		return;
	}
	finding = doctor_add(report, "cgroup-limits", DOCTOR_LACK);
	doctor_text(finding, "%s may make no cgroups", facts->user);
	doctor_means(finding, "containers have no cgroup of their own: configurations with limits "
			      "are refused");
	if (facts->cgroups != DOCTOR_CGROUPS_V2)
		doctor_mend(finding, "boot with systemd.unified_cgroup_hierarchy=1: v1 cannot be "
				     "delegated safely");
	else if (facts->systemd)
		doctor_mend(finding, "systemd-run --user --scope -p Delegate=yes knarr ..., or "
				     "--systemd-cgroup");
	else
		doctor_mend(finding,
			    "have root make a cgroup, give its directory and the files of "
			    "/sys/kernel/cgroup/delegate to %s, and move the shell there",
			    facts->user);
}

void doctor_plan_devices(const struct doctor_facts *facts, struct doctor_report *report)
{
	struct doctor_finding *finding;

	if (facts->rootless || facts->cgroups != DOCTOR_CGROUPS_V2)
		return;
	if (facts->device_program == 0) {
		finding = doctor_add(report, "device-rules", DOCTOR_GOOD);
		doctor_text(finding, "device programs (eBPF) can be loaded");
		return;
	}
	finding = doctor_add(report, "device-rules", DOCTOR_FATAL);
	doctor_text(finding, "device programs (eBPF) cannot be loaded (%s)",
		    error_name(facts->device_program));
	doctor_means(finding, "device rules cannot be put in force, so no container is run");
	doctor_mend(finding, "boot a kernel with CONFIG_CGROUP_BPF, or give root CAP_BPF");
}

/* ---- the extras ---- */

void doctor_plan_idmap(const struct doctor_facts *facts, struct doctor_report *report)
{
	const struct {
		const char *path;
		int result;
	} tries[] = {{"/", facts->idmap_root}, {"/run", facts->idmap_run}};
	struct doctor_finding *finding;

	for (size_t i = 0; i < array_size(tries); i++) {
		if (tries[i].result == ENOTSUP)
			continue;
		finding = doctor_add(report, "idmapped-mounts",
				     tries[i].result == 0 ? DOCTOR_GOOD : DOCTOR_LACK);
		doctor_text(finding, "mounts of the filesystem at %s can%s have mapped ids%s%s%s",
			    tries[i].path, tries[i].result ? "not" : "",
			    tries[i].result ? " (" : "",
			    tries[i].result ? error_name(tries[i].result) : "",
			    tries[i].result ? ")" : "");
		if (tries[i].result == 0)
			continue;
		doctor_means(finding, "mounts[].uidMappings of what lies there are refused");
		doctor_mend(finding,
			    "keep it on ext4, xfs or btrfs, or boot a newer kernel (tmpfs: "
			    "Linux 6.3)");
	}
}

void doctor_plan_seccomp(const struct doctor_facts *facts, struct doctor_report *report)
{
	struct doctor_finding *finding =
		doctor_add(report, "seccomp", facts->seccomp ? DOCTOR_GOOD : DOCTOR_LACK);

	if (!facts->seccomp) {
		doctor_text(finding, "the kernel has no seccomp filters");
		doctor_means(finding, "configurations with linux.seccomp are refused");
		doctor_mend(finding, "boot a kernel with CONFIG_SECCOMP_FILTER");
		return;
	}
	doctor_text(finding, "seccomp filters%s",
		    facts->seccomp_notify ? ", and agents that are asked (SCMP_ACT_NOTIFY)" : "");
	if (facts->seccomp_notify)
		return;
	finding = doctor_add(report, "seccomp-notify", DOCTOR_LACK);
	doctor_text(finding, "no seccomp notification");
	doctor_means(finding, "profiles with SCMP_ACT_NOTIFY are refused");
	doctor_mend(finding, "boot Linux 5.0 or newer with CONFIG_SECCOMP_FILTER");
}

void doctor_plan_lsm(const struct doctor_facts *facts, struct doctor_report *report)
{
	struct doctor_finding *finding = doctor_add(report, "apparmor", DOCTOR_GOOD);

	if (facts->apparmor)
		doctor_text(finding, "AppArmor: process.apparmorProfile is put in force");
	else
		doctor_text(finding, "AppArmor is off: configurations that ask for a profile are "
				     "refused");
	finding = doctor_add(report, "selinux", DOCTOR_GOOD);
	if (facts->selinux)
		doctor_text(finding,
			    "SELinux (%s): process.selinuxLabel and linux.mountLabel are "
			    "put in force",
			    facts->selinux_enforcing ? "enforcing" : "permissive");
	else
		doctor_text(finding, "SELinux is off: configurations that ask for a label are "
				     "refused");
}

void doctor_plan_systemd(const struct doctor_facts *facts, struct doctor_report *report)
{
	struct doctor_finding *finding;

	if (facts->systemd && facts->systemd_bus) {
		finding = doctor_add(report, "systemd", DOCTOR_GOOD);
		doctor_text(finding, "systemd's %s can be reached",
			    facts->rootless ? "user manager" : "manager");
		return;
	}
	finding = doctor_add(report, "systemd", DOCTOR_LACK);
	doctor_means(finding, "no --systemd-cgroup; cgroups are made without systemd");
	if (!facts->systemd) {
		doctor_text(finding, "systemd does not run here");
	} else if (facts->rootless) {
		doctor_text(finding, "systemd's user manager cannot be reached");
		doctor_mend(finding,
			    "loginctl enable-linger %s; then export "
			    "XDG_RUNTIME_DIR=/run/user/%u",
			    facts->user, facts->uid);
	} else {
		doctor_text(finding, "systemd's bus cannot be reached");
		doctor_mend(finding, "systemctl start dbus.socket");
	}
}

static void doctor_plan_criu(const struct doctor_facts *facts, struct doctor_report *report)
{
	struct doctor_finding *finding;

	if (facts->criu[0] == '\0') {
		finding = doctor_add(report, "checkpoint", DOCTOR_LACK);
		doctor_text(finding, "criu(8) is not there");
		doctor_means(finding, "no checkpoint and restore");
		doctor_mend_package(finding, facts->family, DOCTOR_PACKAGE_CRIU);
		return;
	}
	if (facts->criu_version < DOCTOR_CRIU_MINIMUM) {
		finding = doctor_add(report, "checkpoint", DOCTOR_LACK);
		doctor_text(finding, "%s is older than %d.%d", facts->criu,
			    DOCTOR_CRIU_MINIMUM / 10000, DOCTOR_CRIU_MINIMUM / 100 % 100);
		doctor_means(finding, "no checkpoint and restore");
		doctor_mend_package(finding, facts->family, DOCTOR_PACKAGE_CRIU);
		return;
	}
	finding = doctor_add(report, "checkpoint",
			     facts->criu_status > 0 ? DOCTOR_LACK : DOCTOR_GOOD);
	doctor_text(finding, "%s %u.%u%s", facts->criu, facts->criu_version / 10000,
		    facts->criu_version / 100 % 100,
		    facts->criu_status < 0 ? ", to be checked by root: criu check"
		    : facts->criu_status   ? " is not content with this kernel"
					   : ", content with this kernel");
	if (facts->criu_status <= 0)
		return;
	doctor_means(finding, "checkpoint and restore may fail: %s", facts->criu_words);
	doctor_mend(finding, "criu check --all says which kernel options are wanting");
}

void doctor_plan_checkpoint(const struct doctor_facts *facts, struct doctor_report *report)
{
	struct doctor_finding *finding;

	doctor_plan_criu(facts, report);
	if (facts->criu[0] && !facts->iptables) {
		finding = doctor_add(report, "checkpoint", DOCTOR_LACK);
		doctor_text(finding, "iptables-restore(8) is not there, which criu calls");
		doctor_means(finding, "no checkpoint with --tcp-established");
		doctor_mend_package(finding, facts->family, DOCTOR_PACKAGE_IPTABLES);
	}
	if (facts->checkpoint_kernel)
		return;
	finding = doctor_add(report, "checkpoint", DOCTOR_LACK);
	doctor_text(finding, "the kernel is built without CONFIG_CHECKPOINT_RESTORE");
	doctor_means(finding, "no checkpoint and restore");
	doctor_mend(finding, "boot a kernel with it");
}
