/* SPDX-License-Identifier: Apache-2.0 */
#include "container/doctor/doctor.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "kernel/syscalls.h"
#include "suite.h"

#define ALL_CALLS ((1u << DOCTOR_CALL_COUNT) - 1)
#define V2_CONTROLLERS                                                                    \
	(1u << DOCTOR_CPU | 1u << DOCTOR_CPUSET | 1u << DOCTOR_IO | 1u << DOCTOR_MEMORY | \
	 1u << DOCTOR_PIDS)

/* A host that lacks nothing; root asks. */
static struct doctor_facts healthy(void)
{
	return (struct doctor_facts){
		.user = "root",
		.capabilities = (1ull << 41) - 1,
		.runtime_directory = true,
		.release = "6.18.1",
		.major = 6,
		.minor = 18,
		.calls = ALL_CALLS,
		.namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
			      CLONE_NEWUTS | CLONE_NEWUSER | CLONE_NEWCGROUP | CLONE_NEWTIME,
		.memfd_noexec = 0,
		.family = DOCTOR_FAMILY_DEBIAN,
		.max_user_namespaces = 1000,
		.userns_clone = DOCTOR_NO_SYSCTL,
		.apparmor_userns = DOCTOR_NO_SYSCTL,
		.newuidmap = DOCTOR_TOOL_READY,
		.newgidmap = DOCTOR_TOOL_READY,
		.cgroups = DOCTOR_CGROUPS_V2,
		.controllers = V2_CONTROLLERS,
		.usable = V2_CONTROLLERS,
		.delegated = true,
		.seccomp = true,
		.seccomp_notify = true,
		.systemd = true,
		.systemd_bus = true,
		.checkpoint_kernel = true,
		.criu = "/usr/sbin/criu",
		.criu_version = 40101,
		.iptables = true,
	};
}

/* The same for an ordinary user who lacks nothing. */
static struct doctor_facts healthy_user(void)
{
	struct doctor_facts facts = healthy();

	facts.uid = 1000;
	(void)snprintf(facts.user, sizeof(facts.user), "erik");
	facts.rootless = true;
	facts.capabilities = 0;
	facts.subuids = facts.subgids = 65536;
	facts.idmap_root = facts.idmap_run = facts.device_program = ENOTSUP;
	facts.criu_status = -1;
	return facts;
}

/* The lacks as "topic: text | means | mend", one a line; can_run as the return value. */
static bool lacks(const struct doctor_facts *facts, char *out, size_t size)
{
	struct doctor_report report;
	size_t length = 0;

	doctor_plan(facts, &report);
	ck_assert_uint_lt(report.count, DOCTOR_FINDINGS_MAX);
	out[0] = '\0';
	for (size_t i = 0; i < report.count; i++) {
		const struct doctor_finding *finding = &report.findings[i];

		ck_assert_uint_gt(strlen(finding->text), 0);
		if (finding->grade == DOCTOR_GOOD) {
			ck_assert_str_eq(finding->means, "");
			ck_assert_str_eq(finding->mend, "");
			continue;
		}
		ck_assert_uint_gt(strlen(finding->means), 0);
		length +=
			(size_t)snprintf(out + length, size - length, "%s%s: %s | %s | %s\n",
					 finding->grade == DOCTOR_FATAL ? "!" : "", finding->topic,
					 finding->text, finding->means, finding->mend);
		ck_assert_uint_lt(length, size);
	}
	return report.can_run;
}

static void expect(const struct doctor_facts *facts, bool can_run, const char *wanted)
{
	char text[8192];

	ck_assert_int_eq(lacks(facts, text, sizeof(text)), can_run);
	ck_assert_str_eq(text, wanted);
}

START_TEST(a_healthy_host_lacks_nothing)
{
	struct doctor_facts facts = healthy();

	expect(&facts, true, "");
	facts = healthy_user();
	expect(&facts, true, "");
}
END_TEST

START_TEST(the_kernel_is_too_old)
{
	struct doctor_facts facts = healthy();

	facts.major = 5;
	facts.minor = 13;
	(void)snprintf(facts.release, sizeof(facts.release), "5.13.19");
	expect(&facts, false,
	       "!kernel: Linux 5.13.19 is older than 5.14 | no container can run | boot a newer "
	       "kernel\n");
	facts.minor = 14;
	expect(&facts, true, "");
	facts.major = 4;
	facts.minor = 20;
	ck_assert_int_eq(lacks(&facts, (char[4096]){0}, 4096), false);
}
END_TEST

START_TEST(a_system_call_is_missing)
{
	struct doctor_facts facts = healthy();

	facts.calls &= ~(1u << DOCTOR_OPENAT2);
	expect(&facts, false,
	       "!kernel-features: no system call openat2 (Linux 5.6) | no container can run | boot "
	       "a "
	       "newer kernel; inside of another container: let its seccomp profile allow the "
	       "call\n");
	/* What there is a substitute for is no lack. */
	facts.calls = ALL_CALLS &
		      ~(1u << DOCTOR_OPEN_TREE_ATTR | 1u << DOCTOR_PIDFS | 1u << DOCTOR_MEMFD_EXEC);
	expect(&facts, true, "");
	facts.memfd_noexec = 2;
	expect(&facts, true,
	       "memfd: the sysctl vm.memfd_noexec is 2 | programs in memory cannot be executed: no "
	       "linux.netDevices | sysctl -w vm.memfd_noexec=1\n");
}
END_TEST

START_TEST(a_namespace_is_missing)
{
	struct doctor_facts facts = healthy();

	facts.namespaces &= ~(uint64_t)CLONE_NEWTIME;
	expect(&facts, true,
	       "namespaces: no time namespaces | configurations that ask for one are refused | "
	       "boot "
	       "a kernel with CONFIG_TIME_NS\n");
	facts = healthy();
	facts.namespaces &= ~(uint64_t)CLONE_NEWPID;
	expect(&facts, false,
	       "!namespaces: no pid namespaces | configurations that ask for one are refused | "
	       "boot "
	       "a kernel with CONFIG_PID_NS\n");
}
END_TEST

START_TEST(root_without_capabilities)
{
	struct doctor_facts facts = healthy();

	facts.capabilities &= ~(1ull << CAP_SYS_RESOURCE);
	expect(&facts, true,
	       "rootful: root has no CAP_SYS_RESOURCE | rlimits cannot be raised, nor "
	       "oom_score_adj "
	       "lowered: configurations that ask for it are refused | add it where this host, "
	       "itself "
	       "a container or a unit, is described\n");
	facts.capabilities = 0;
	expect(&facts, false,
	       "!rootful: root has no CAP_SYS_ADMIN | no container can run | inside of another "
	       "container: start that one privileged\n");
}
END_TEST

/* The same fault is fatal to who needs user namespaces, and only a lack to root. */
static void expect_userns(struct doctor_facts facts, const char *text, const char *mend)
{
	char wanted[1024];

	for (int user = 0; user < 2; user++) {
		struct doctor_facts asked = user ? healthy_user() : healthy();

		asked.max_user_namespaces = facts.max_user_namespaces;
		asked.userns_clone = facts.userns_clone;
		asked.apparmor_userns = facts.apparmor_userns;
		asked.chrooted = facts.chrooted;
		asked.userns_make = facts.userns_make;
		asked.userns_use = facts.userns_use;
		(void)snprintf(wanted, sizeof(wanted),
			       "%srootless: %s | ordinary users cannot run containers | %s\n",
			       user ? "!" : "", text, mend);
		expect(&asked, !user, wanted);
	}
}

START_TEST(user_namespaces_are_refused)
{
	struct doctor_facts facts = healthy();

	facts.userns_make = ENOSPC;
	facts.max_user_namespaces = 0;
	expect_userns(facts, "no user namespace can be made without privileges (ENOSPC)",
		      "sysctl -w user.max_user_namespaces=28633");
	facts.max_user_namespaces = 5;
	expect_userns(facts, "no user namespace can be made without privileges (ENOSPC)",
		      "namespaces are nested too deep, or user.max_user_namespaces is used up: "
		      "raise it by sysctl -w");
	facts.userns_make = EPERM;
	facts.userns_clone = 0;
	expect_userns(facts, "no user namespace can be made without privileges (EPERM)",
		      "sysctl -w kernel.unprivileged_userns_clone=1");
	facts.userns_clone = 1;
	facts.chrooted = true;
	expect_userns(facts, "no user namespace can be made without privileges (EPERM)",
		      "leave the chroot: the kernel makes none in there");
	facts.chrooted = false;
	expect_userns(facts, "no user namespace can be made without privileges (EPERM)",
		      "look for a security module or a seccomp filter that forbids it");
}
END_TEST

START_TEST(user_namespaces_have_no_privileges)
{
	struct doctor_facts facts = healthy();

	facts.userns_use = EPERM;
	facts.apparmor_userns = 1;
	expect_userns(facts, "user namespaces of ordinary users have no privileges (EPERM)",
		      "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor "
		      "profile for knarr with the rule \"userns,\"");
	facts.apparmor_userns = DOCTOR_NO_SYSCTL;
	expect_userns(facts, "user namespaces of ordinary users have no privileges (EPERM)",
		      "look for a security module that restricts them");
}
END_TEST

START_TEST(procfs_is_masked)
{
	struct doctor_facts facts = healthy_user();

	facts.userns_proc = EPERM;
	expect(&facts, true,
	       "rootless: no procfs can be mounted in a user namespace (EPERM) | containers "
	       "without "
	       "privileges cannot have a pid namespace and its /proc; something is mounted over "
	       "parts of the /proc here | inside of another container: start that one with an "
	       "unmasked /proc\n");
}
END_TEST

START_TEST(ids_of_a_user)
{
	struct doctor_facts facts = healthy_user();

	facts.newuidmap = DOCTOR_TOOL_ABSENT;
	facts.newgidmap = DOCTOR_TOOL_POWERLESS;
	facts.subuids = 0;
	facts.subgids = 1000;
	expect(&facts, true,
	       "rootless: newuidmap(1) is not there | a container without privileges has one user "
	       "and one group only | apt-get install uidmap\n"
	       "rootless: newgidmap(1) has no privileges | a container without privileges has one "
	       "user and one group only | chmod u+s /usr/bin/newgidmap\n"
	       "rootless: /etc/subuid gives erik 0 ids | a container has one user and one group "
	       "only | usermod --add-subuids 100000-165535 erik\n"
	       "rootless: /etc/subgid gives erik 1000 ids | images with higher ids cannot be used "
	       "| "
	       "usermod --add-subgids 100000-165535 erik\n");
	facts = healthy_user();
	facts.no_new_privileges = true;
	facts.runtime_directory = false;
	expect(&facts, true,
	       "rootless: the caller runs with no_new_privs | newuidmap(1) cannot work: one user "
	       "and one group only | log in anew, or remove NoNewPrivileges= from the unit\n"
	       "rootless: there is no directory for the state of containers | each call needs "
	       "--root | log in through PAM, or: loginctl enable-linger erik; then export "
	       "XDG_RUNTIME_DIR=/run/user/1000\n");
	/* What belongs to one user says nothing about others. */
	facts.uid = 0;
	facts.subuids = 0;
	expect(&facts, true, "");
}
END_TEST

START_TEST(packages_of_distributions)
{
	static const struct {
		enum doctor_family family;
		const char *uidmap, *criu;
	} cases[] = {
		{DOCTOR_FAMILY_DEBIAN, "apt-get install uidmap", "apt-get install criu"},
		{DOCTOR_FAMILY_FEDORA, "dnf install shadow-utils", "dnf install criu"},
		{DOCTOR_FAMILY_SUSE, "zypper install shadow", "zypper install criu"},
		{DOCTOR_FAMILY_ARCH, "pacman -S shadow", "pacman -S criu"},
		{DOCTOR_FAMILY_ALPINE, "apk add shadow-uidmap", "apk add criu"},
		{DOCTOR_FAMILY_UNKNOWN, "install the package that has newuidmap(1)",
		 "install the package that has criu(8)"},
	};

	for (size_t i = 0; i < suite_count(cases); i++) {
		struct doctor_facts facts = healthy();
		char wanted[512];

		facts.family = cases[i].family;
		facts.newuidmap = DOCTOR_TOOL_ABSENT;
		facts.criu[0] = '\0';
		(void)snprintf(
			wanted, sizeof(wanted),
			"rootless: newuidmap(1) is not there | a container without "
			"privileges has one user and one group only | %s\n"
			"checkpoint: criu(8) is not there | no checkpoint and restore | %s\n",
			cases[i].uidmap, cases[i].criu);
		expect(&facts, true, wanted);
	}
}
END_TEST

START_TEST(cgroups_of_root)
{
	struct doctor_facts facts = healthy();

	facts.controllers = facts.usable = V2_CONTROLLERS & ~(1u << DOCTOR_MEMORY);
	expect(&facts, true,
	       "cgroup-limits: no controller memory | no linux.resources.memory | boot with "
	       "cgroup_enable=memory on the kernel's command line\n");
	/* On v1 devices and pausing are controllers too. */
	facts = healthy();
	facts.cgroups = DOCTOR_CGROUPS_V1;
	expect(&facts, true,
	       "cgroup-limits: no controller devices | no linux.resources.devices | boot a kernel "
	       "that has it, and without cgroup_disable=\n"
	       "cgroup-limits: no controller freezer | no knarr pause | boot a kernel that has it, "
	       "and without cgroup_disable=\n");
	facts = healthy();
	facts.cgroups = DOCTOR_CGROUPS_NONE;
	expect(&facts, true,
	       "cgroups: no cgroups are mounted at /sys/fs/cgroup | containers run with "
	       "--cgroup-manager=disabled only, without limits | mount -t cgroup2 cgroup2 "
	       "/sys/fs/cgroup\n");
	facts = healthy();
	facts.device_program = EPERM;
	expect(&facts, false,
	       "!device-rules: device programs (eBPF) cannot be loaded (EPERM) | device rules "
	       "cannot be put in force, so no container is run | boot a kernel with "
	       "CONFIG_CGROUP_BPF, or give root CAP_BPF\n");
	/* They are a controller's there. */
	facts.cgroups = DOCTOR_CGROUPS_HYBRID;
	facts.controllers = facts.usable |= 1u << DOCTOR_DEVICES | 1u << DOCTOR_FREEZER;
	expect(&facts, true, "");
}
END_TEST

START_TEST(cgroups_of_a_user)
{
	struct doctor_facts facts = healthy_user();

	facts.usable =
		1u << DOCTOR_MEMORY | 1u << DOCTOR_PIDS | 1u << DOCTOR_IO | 1u << DOCTOR_CPUSET;
	expect(&facts, true,
	       "cgroup-limits: no controller cpu for this user | no linux.resources.cpu | mkdir -p "
	       "/etc/systemd/system/user@.service.d && printf '[Service]\\nDelegate=cpu cpuset io "
	       "memory pids\\n' > /etc/systemd/system/user@.service.d/delegate.conf && systemctl "
	       "daemon-reload; then log in anew\n");
	facts.systemd = facts.systemd_bus = true;
	facts.delegated = false;
	expect(&facts, true,
	       "cgroup-limits: erik may make no cgroups | containers have no cgroup of their own: "
	       "configurations with limits are refused | systemd-run --user --scope -p "
	       "Delegate=yes knarr ..., or --systemd-cgroup\n");
	facts.cgroups = DOCTOR_CGROUPS_V1;
	expect(&facts, true,
	       "cgroup-limits: erik may make no cgroups | containers have no cgroup of their own: "
	       "configurations with limits are refused | boot with "
	       "systemd.unified_cgroup_hierarchy=1: v1 cannot be delegated safely\n");
}
END_TEST

START_TEST(the_extras)
{
	struct doctor_facts facts = healthy();

	facts.idmap_run = EINVAL;
	facts.seccomp_notify = false;
	expect(&facts, true,
	       "idmapped-mounts: mounts of the filesystem at /run cannot have mapped ids (EINVAL) "
	       "| "
	       "mounts[].uidMappings of what lies there are refused | keep it on ext4, xfs or "
	       "btrfs, "
	       "or boot a newer kernel (tmpfs: Linux 6.3)\n"
	       "seccomp-notify: no seccomp notification | profiles with SCMP_ACT_NOTIFY are "
	       "refused "
	       "| boot Linux 5.0 or newer with CONFIG_SECCOMP_FILTER\n");
	facts = healthy();
	facts.seccomp = facts.seccomp_notify = false;
	facts.systemd_bus = false;
	expect(&facts, true,
	       "seccomp: the kernel has no seccomp filters | configurations with linux.seccomp are "
	       "refused | boot a kernel with CONFIG_SECCOMP_FILTER\n"
	       "systemd: systemd's bus cannot be reached | no --systemd-cgroup; cgroups are made "
	       "without systemd | systemctl start dbus.socket\n");
	facts = healthy_user();
	facts.systemd_bus = false;
	expect(&facts, true,
	       "systemd: systemd's user manager cannot be reached | no --systemd-cgroup; cgroups "
	       "are made without systemd | loginctl enable-linger erik; then export "
	       "XDG_RUNTIME_DIR=/run/user/1000\n");
	facts = healthy();
	facts.systemd = facts.systemd_bus = false;
	expect(&facts, true,
	       "systemd: systemd does not run here | no --systemd-cgroup; cgroups are made without "
	       "systemd | \n");
}
END_TEST

START_TEST(checkpointing)
{
	struct doctor_facts facts = healthy();

	facts.criu_version = 31500;
	facts.checkpoint_kernel = false;
	expect(&facts, true,
	       "checkpoint: /usr/sbin/criu is older than 3.16 | no checkpoint and restore | "
	       "apt-get "
	       "install criu\n"
	       "checkpoint: the kernel is built without CONFIG_CHECKPOINT_RESTORE | no checkpoint "
	       "and restore | boot a kernel with it\n");
	facts = healthy();
	facts.iptables = false;
	expect(&facts, true,
	       "checkpoint: iptables-restore(8) is not there, which criu calls | no checkpoint "
	       "with "
	       "--tcp-established | apt-get install iptables\n");
	/* Without criu itself nobody needs it. */
	facts.criu[0] = '\0';
	expect(&facts, true,
	       "checkpoint: criu(8) is not there | no checkpoint and restore | apt-get install "
	       "criu\n");
	facts = healthy();
	facts.criu_status = 1;
	(void)snprintf(facts.criu_words, sizeof(facts.criu_words), "Error: no");
	expect(&facts, true,
	       "checkpoint: /usr/sbin/criu 4.1 is not content with this kernel | checkpoint and "
	       "restore may fail: Error: no | criu check --all says which kernel options are "
	       "wanting\n");
}
END_TEST

/* Everything at once still fits, each with its words. */
START_TEST(nothing_works)
{
	struct doctor_facts facts = {.user = "erik",
				     .uid = 1000,
				     .rootless = true,
				     .userns_make = EPERM,
				     .cgroups = DOCTOR_CGROUPS_HYBRID,
				     .delegated = true,
				     .idmap_root = EPERM,
				     .idmap_run = EPERM,
				     .memfd_noexec = 2,
				     .no_new_privileges = true};
	char text[16384];

	ck_assert(!lacks(&facts, text, sizeof(text)));
	facts.rootless = false;
	ck_assert(!lacks(&facts, text, sizeof(text)));
}
END_TEST

START_TEST(subordinate_ids)
{
	ck_assert_uint_eq(doctor_count_subids("", "erik", 1000), 0);
	ck_assert_uint_eq(doctor_count_subids("erik:100000:65536", "erik", 1000), 65536);
	ck_assert_uint_eq(doctor_count_subids("leif:1:5\nerik:100000:10\n1000:200000:7\neri:1:99\n"
					      "erika:1:99\nerik:300000:3\n",
					      "erik", 1000),
			  20);
	ck_assert_uint_eq(doctor_count_subids("erik\nerik:\nerik:5\nerik::\nerik:1:x\nerik:1:-2\n"
					      ":1:5\nerik:1:99999999999999999999\n#erik:1:5\n\n::",
					      "erik", 1000),
			  0);
	ck_assert_uint_eq(doctor_count_subids("erik:1:4294967296\n", "erik", 1000), 0);
}
END_TEST

START_TEST(login_names)
{
	static const char passwd[] =
		"root:x:0:0:root:/root:/bin/sh\nbroken\n:x:5:\nerik:x:10:1::/:\n"
		"leif:x:1:1::/:\nno:x\n";
	char name[64] = "before";

	ck_assert(!doctor_find_user(passwd, 5, name, sizeof(name)));
	ck_assert(!doctor_find_user("", 0, name, sizeof(name)));
	ck_assert_str_eq(name, "before");
	ck_assert(doctor_find_user(passwd, 1, name, sizeof(name)));
	ck_assert_str_eq(name, "leif");
	ck_assert(doctor_find_user(passwd, 10, name, sizeof(name)));
	ck_assert_str_eq(name, "erik");
	ck_assert(doctor_find_user(passwd, 0, name, 3));
	ck_assert_str_eq(name, "ro");
}
END_TEST

START_TEST(distributions)
{
	ck_assert_int_eq(doctor_family_of("NAME=x\nID=debian\n"), DOCTOR_FAMILY_DEBIAN);
	ck_assert_int_eq(doctor_family_of("ID=mint\nID_LIKE=\"ubuntu debian\""),
			 DOCTOR_FAMILY_DEBIAN);
	ck_assert_int_eq(doctor_family_of("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"),
			 DOCTOR_FAMILY_FEDORA);
	ck_assert_int_eq(doctor_family_of("ID='opensuse-leap'\nID_LIKE='suse opensuse'\n"),
			 DOCTOR_FAMILY_SUSE);
	ck_assert_int_eq(doctor_family_of("ID=arch"), DOCTOR_FAMILY_ARCH);
	ck_assert_int_eq(doctor_family_of("ID=alpine\n"), DOCTOR_FAMILY_ALPINE);
	ck_assert_int_eq(doctor_family_of("VERSION_ID=debian\nID=\nID_LIKE=\"\"\nID=debianish\n"),
			 DOCTOR_FAMILY_UNKNOWN);
	ck_assert_int_eq(doctor_family_of(""), DOCTOR_FAMILY_UNKNOWN);
}
END_TEST

START_TEST(versions_of_criu)
{
	ck_assert_uint_eq(doctor_parse_criu_version("Version: 4.1.1\nGitID: v4.1.1\n"), 40101);
	ck_assert_uint_eq(doctor_parse_criu_version("Warn (x)\nVersion: 3.17\n"), 31700);
	ck_assert_uint_eq(doctor_parse_criu_version("Version: none"), 0);
	ck_assert_uint_eq(doctor_parse_criu_version("Version: 3"), 0);
	ck_assert_uint_eq(doctor_parse_criu_version(""), 0);
	ck_assert_uint_eq(doctor_parse_version("6.18.44-generic"), 61844);
	ck_assert_uint_eq(doctor_parse_version("5.14.0-427.el9"), 51400);
	ck_assert_uint_eq(doctor_parse_version("5.15.167"), 51599);
	ck_assert_uint_eq(doctor_parse_version("5.14-rc1"), 51400);
	ck_assert_uint_eq(doctor_parse_version("linux"), 0);
}
END_TEST

/* The probe asks this machine, as whoever runs the tests: it must come back with something. */
START_TEST(the_probe_comes_back)
{
	size_t open_before = suite_open_fds();
	struct doctor_facts facts;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(doctor_probe(&facts, &err), 0);
	ck_assert_uint_gt(strlen(facts.user), 0);
	ck_assert_uint_ge(facts.major, 5);
	ck_assert(facts.calls & 1u << DOCTOR_OPENAT2);
	ck_assert(facts.namespaces & CLONE_NEWNS);
	ck_assert_uint_eq(suite_open_fds(), open_before);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_healthy_host_lacks_nothing,
		the_kernel_is_too_old,
		a_system_call_is_missing,
		a_namespace_is_missing,
		root_without_capabilities,
		user_namespaces_are_refused,
		user_namespaces_have_no_privileges,
		procfs_is_masked,
		ids_of_a_user,
		packages_of_distributions,
		cgroups_of_root,
		cgroups_of_a_user,
		the_extras,
		checkpointing,
		nothing_works,
		subordinate_ids,
		login_names,
		distributions,
		versions_of_criu,
		the_probe_comes_back,
	};

	return suite_run("doctor", tests, suite_count(tests));
}
