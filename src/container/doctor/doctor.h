/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a host offers to containers, and what it lacks.
 *
 * Two halves that know nothing of each other: the probe asks the kernel and gives facts, the plan
 * makes findings of facts. The probe tries rather than guesses: it makes a user namespace, mounts
 * a procfs in it, maps a mount's ids, loads a device program, all in processes that end at once
 * and in mounts that are attached nowhere. It changes nothing, and runs as any user.
 */
#ifndef CONTAINER_DOCTOR_H
#define CONTAINER_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* System calls and flags that knarr uses, each a bit of doctor_facts.calls. */
enum doctor_call {
	DOCTOR_FSOPEN,
	DOCTOR_OPEN_TREE,
	DOCTOR_MOVE_MOUNT,
	DOCTOR_CLONE3,
	DOCTOR_PIDFD_OPEN,
	DOCTOR_PIDFD_GETFD,
	DOCTOR_OPENAT2,
	DOCTOR_CLOSE_RANGE,
	DOCTOR_MOUNT_SETATTR,
	DOCTOR_OPEN_TREE_ATTR,
	DOCTOR_PIDFS,
	DOCTOR_MEMFD_EXEC,
	DOCTOR_CALL_COUNT,
};

/* Controllers, each a bit of doctor_facts.controllers and .usable. */
enum doctor_controller {
	DOCTOR_CPU,
	DOCTOR_CPUSET,
	DOCTOR_IO, /* blkio on v1 */
	DOCTOR_MEMORY,
	DOCTOR_PIDS,
	DOCTOR_HUGETLB,
	DOCTOR_RDMA,
	DOCTOR_MISC,
	DOCTOR_DEVICES, /* v1 only, as the next */
	DOCTOR_FREEZER,
	DOCTOR_CONTROLLER_COUNT,
};

enum doctor_cgroups {
	DOCTOR_CGROUPS_NONE,
	DOCTOR_CGROUPS_V1,
	DOCTOR_CGROUPS_HYBRID,
	DOCTOR_CGROUPS_V2,
};

/* Whose package manager the commands name. */
enum doctor_family {
	DOCTOR_FAMILY_UNKNOWN,
	DOCTOR_FAMILY_DEBIAN,
	DOCTOR_FAMILY_FEDORA,
	DOCTOR_FAMILY_SUSE,
	DOCTOR_FAMILY_ARCH,
	DOCTOR_FAMILY_ALPINE,
	DOCTOR_FAMILY_COUNT,
};

/* A program that has to have privileges of its own. */
enum doctor_tool {
	DOCTOR_TOOL_ABSENT,
	DOCTOR_TOOL_POWERLESS, /* neither setuid nor with file capabilities */
	DOCTOR_TOOL_READY,
};

/* "No such sysctl." */
#define DOCTOR_NO_SYSCTL (-1)

struct doctor_facts {
	/* the caller */
	uint32_t uid;
	char user[64];	       /* login name, or the number */
	bool rootless;	       /* not root, or root of another user namespace than the first */
	uint64_t capabilities; /* effective */
	bool no_new_privileges, chrooted;
	bool runtime_directory; /* a place for the state is there, or can be made */

	/* the kernel */
	char release[65];
	unsigned int major, minor;
	uint32_t calls;
	uint64_t namespaces;  /* CLONE_NEW* */
	int64_t memfd_noexec; /* sysctls; DOCTOR_NO_SYSCTL */
	enum doctor_family family;

	/* user namespaces, tried without privileges: 0 or the errno of the step */
	int64_t max_user_namespaces, userns_clone, apparmor_userns;
	int userns_make, userns_use, userns_proc;
	enum doctor_tool newuidmap, newgidmap;
	uint64_t subuids, subgids; /* how many ids the caller may map */

	/* cgroups */
	enum doctor_cgroups cgroups;
	uint32_t controllers; /* that the host has */
	uint32_t usable;      /* that the caller can set limits with */
	bool delegated;	      /* the caller may make cgroups */

	/* kernel features, tried: 0 or an errno; ENOTSUP: not tried, for lack of privileges */
	int idmap_root, idmap_run; /* id-mapped mounts of "/" and of /run */
	int device_program;
	bool seccomp, seccomp_notify;
	bool apparmor, selinux, selinux_enforcing;
	bool systemd, systemd_bus; /* systemd runs; its bus can be reached by the caller */

	/* checkpointing */
	bool checkpoint_kernel;
	char criu[128];		   /* its path, or "" */
	unsigned int criu_version; /* 31500 is 3.15; 0: it does not say */
	bool iptables;		   /* iptables-restore(8) is there, which it calls */
	int criu_status;	   /* exit status of `criu check`; -1: not run */
	char criu_words[256];	   /* the last line of what it said */
};

enum doctor_grade {
	DOCTOR_GOOD,
	DOCTOR_LACK,  /* something does not work, the rest does */
	DOCTOR_FATAL, /* the caller's containers cannot run */
};

struct doctor_finding {
	const char *topic; /* a word for programs: "rootless", "checkpoint" */
	enum doctor_grade grade;
	char text[320];	 /* what is or is not there */
	char means[320]; /* of a lack: what does not work */
	char mend[320];	 /* a command, or what else to do; "" when there is nothing */
};

#define DOCTOR_FINDINGS_MAX 64
struct doctor_report {
	struct doctor_finding findings[DOCTOR_FINDINGS_MAX];
	size_t count;
	bool can_run; /* no finding is fatal */
};

/* Asks the kernel. What cannot be found out is a fact too; fails for want of memory or /proc only.
 */
int doctor_probe(struct doctor_facts *ret_facts, struct error *err);

/* Pure. */
void doctor_plan(const struct doctor_facts *facts, struct doctor_report *ret_report);

/* Pure: how many ids the lines "NAME:FIRST:COUNT" of /etc/subuid give to `user` or number `uid`. */
uint64_t doctor_count_subids(const char *text, const char *user, uint32_t uid);

/* Pure: the name of a user in passwd(5). False, and nothing written, when there is none. */
bool doctor_find_user(const char *passwd, uint32_t uid, char *ret_name, size_t size);

/* Pure: which package manager, by the ID= and ID_LIKE= of os-release(5). */
enum doctor_family doctor_family_of(const char *os_release);

/* Pure: "6.18.1-x" as 61801, a part above 99 as 99; 0 when it does not begin with two numbers. */
unsigned int doctor_parse_version(const char *text);

/* Pure: "Version: 4.1.1" as 40101; 0 when there is none in it. */
unsigned int doctor_parse_criu_version(const char *text);

/* Names by their enum, for the probe and the plan. */
extern const char *const doctor_controller_names[DOCTOR_CONTROLLER_COUNT];

#endif
