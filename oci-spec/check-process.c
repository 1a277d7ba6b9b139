/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of config.md for the process. */
#include <limits.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>

#include "oci-spec/check-rules.h"

void check_process(struct check *check)
{
	/* Not an error: create may do without, and start refuses. */
	if (!check->process)
		check_warning(check_at(check, "process"), "start needs a process");
}

void check_terminal(struct check *check)
{
	const struct oci_box *size = check->process->console_size;

	/* struct winsize has 16 bits for each. Without a terminal the size MUST be ignored. */
	if (!check->process->terminal || !size)
		return;
	if (size->height > USHRT_MAX)
		check_error(check_at(check, "consoleSize.height"),
			    "%u is more than the %u that a terminal can have", size->height,
			    USHRT_MAX);
	if (size->width > USHRT_MAX)
		check_error(check_at(check, "consoleSize.width"),
			    "%u is more than the %u that a terminal can have", size->width,
			    USHRT_MAX);
}

void check_cwd(struct check *check)
{
	const char *cwd = check->process->cwd;

	if (!cwd)
		check_error(check_at(check, "cwd"), "is required");
	else if (cwd[0] != '/')
		check_error(check_at(check, "cwd"), "must be an absolute path, not %s",
			    check_show(check, cwd));
}

/* environ(7): NAME=VALUE. runc refuses both faults; with crun the variable is silently lost. */
void check_env(struct check *check)
{
	const struct oci_strings *env = &check->process->env;

	for (size_t i = 0; i < env->count; i++) {
		if (env->items[i][0] == '=')
			check_error(check_at(check, "env[%zu]", i), "the name must not be empty");
		else if (!strchr(env->items[i], '='))
			check_error(check_at(check, "env[%zu]", i),
				    "%s is not of the form NAME=VALUE",
				    check_show(check, env->items[i]));
	}
}

void check_args(struct check *check)
{
	if (check->process->args.count == 0)
		check_error(check_at(check, "args"), "at least one entry is required");
}

void check_rlimits(struct check *check)
{
	const struct oci_rlimits *rlimits = &check->process->rlimits;
	uint64_t seen = 0;

	for (size_t i = 0; i < rlimits->count; i++) {
		const struct oci_rlimit *rlimit = &rlimits->items[i];
		uint64_t bit = UINT64_C(1) << (rlimit->type & 63);
		const char *name = oci_enum_name(oci_rlimit_types, (uint64_t)rlimit->type);

		if (seen & bit)
			check_error(check_at(check, "rlimits[%zu].type", i),
				    "%s is there more than once", name ? name : "the limit");
		seen |= bit;
		if (rlimit->soft > rlimit->hard)
			check_error(check_at(check, "rlimits[%zu].soft", i),
				    "the soft limit %llu is higher than the hard limit %llu",
				    (unsigned long long)rlimit->soft,
				    (unsigned long long)rlimit->hard);
	}
}

/* Both end up as one line in a file of procfs. */
static void check_label(struct check *check, const char *field, const char *label)
{
	if (label && strchr(label, '\n'))
		check_error(check_at(check, "%s", field), "must not contain a newline");
}

void check_process_labels(struct check *check)
{
	check_label(check, "apparmorProfile", check->process->apparmor_profile);
	check_label(check, "selinuxLabel", check->process->selinux_label);
}

static uint64_t capability_mask(const struct oci_strings *names)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < names->count; i++) {
		int capability = oci_capability_find(names->items[i]);

		if (capability >= 0)
			mask |= UINT64_C(1) << capability;
	}
	return mask;
}

/*
 * A set of capabilities, and what limits it: capset(2) takes an effective one only when it is
 * permitted too, PR_CAP_AMBIENT_RAISE (prctl(2)) one that is permitted and inheritable.
 */
struct capability_set {
	const char *field;
	const struct oci_strings *names;
	uint64_t within;
	const char *needs;
};

static void check_capability_set(struct check *check, const struct capability_set *set)
{
	char missing[CHECK_MESSAGE_MAX - 128] = "";
	size_t used = 0;
	uint64_t told = 0;

	for (size_t i = 0; i < set->names->count; i++) {
		const char *name = set->names->items[i];
		int capability = oci_capability_find(name);
		uint64_t bit = capability < 0 ? 0 : UINT64_C(1) << capability;

		if (capability < 0)
			check_warning(check_at(check, "capabilities.%s[%zu]", set->field, i),
				      "%s is not a known capability and cannot be granted",
				      check_show(check, name));
		if (!(bit & ~set->within & ~told))
			continue;
		told |= bit;
		used += (size_t)snprintf(missing + used, sizeof(missing) - used, "%s%s",
					 used ? ", " : "", name);
	}
	/* One for all, as older engines write every one of them into the ambient set. */
	if (used)
		check_warning(check_at(check, "capabilities.%s", set->field),
			      "cannot be granted, as they are not %s too: %s", set->needs, missing);
}

void check_capabilities(struct check *check)
{
	const struct oci_capabilities *capabilities = check->process->capabilities;
	uint64_t permitted, inheritable;

	if (!capabilities)
		return;
	permitted = capability_mask(&capabilities->permitted);
	inheritable = capability_mask(&capabilities->inheritable);

	const struct capability_set sets[] = {
		{"bounding", &capabilities->bounding, UINT64_MAX, NULL},
		{"effective", &capabilities->effective, permitted, "permitted"},
		{"inheritable", &capabilities->inheritable, UINT64_MAX, NULL},
		{"permitted", &capabilities->permitted, UINT64_MAX, NULL},
		{"ambient", &capabilities->ambient, permitted & inheritable,
		 "permitted and inheritable"},
	};
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		check_capability_set(check, &sets[i]);
}

void check_oom_score(struct check *check)
{
	const struct oci_opt_i32 *score = &check->process->oom_score_adj;

	if (score->set && (score->value < -1000 || score->value > 1000))
		check_error(check_at(check, "oomScoreAdj"), "%d is not between -1000 and 1000",
			    score->value);
}

/* sched(7) and __checkparam_dl() of the kernel. A deadline task has no other parameters. */
static void check_deadline(struct check *check, const struct oci_scheduler *scheduler)
{
	uint64_t period = scheduler->period ? scheduler->period : scheduler->deadline;

	if (scheduler->runtime < 1024)
		check_error(check_at(check, "scheduler.runtime"),
			    "SCHED_DEADLINE needs at least 1024 nanoseconds");
	if (scheduler->deadline == 0)
		check_error(check_at(check, "scheduler.deadline"),
			    "SCHED_DEADLINE needs a deadline");
	else if (scheduler->runtime > scheduler->deadline)
		check_error(check_at(check, "scheduler.runtime"),
			    "must not be longer than the deadline");
	if (scheduler->deadline > period)
		check_error(check_at(check, "scheduler.deadline"),
			    "must not be longer than the period");
	if (scheduler->deadline > INT64_MAX)
		check_error(check_at(check, "scheduler.deadline"),
			    "is longer than the kernel takes");
	if (scheduler->period > INT64_MAX)
		check_error(check_at(check, "scheduler.period"), "is longer than the kernel takes");
}

static bool is_realtime(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

void check_scheduler(struct check *check)
{
	/* In the specification, and reserved by the kernel, but never merged. */
	enum { SCHEDULER_ISO = 4 };
	const struct oci_scheduler *scheduler = check->process->scheduler;
	const char *name;

	if (!scheduler)
		return;
	name = oci_enum_name(oci_scheduler_policies, (uint64_t)scheduler->policy);
	if (!name)
		name = "the policy";
	if (scheduler->policy == SCHEDULER_ISO)
		check_error(check_at(check, "scheduler.policy"), "no kernel has SCHED_ISO");

	if (scheduler->nice < -20 || scheduler->nice > 19)
		check_error(check_at(check, "scheduler.nice"), "%d is not between -20 and 19",
			    scheduler->nice);
	if (is_realtime(scheduler->policy) && (scheduler->priority < 1 || scheduler->priority > 99))
		check_error(check_at(check, "scheduler.priority"),
			    "%s needs a priority between 1 and 99, not %d", name,
			    scheduler->priority);
	if (!is_realtime(scheduler->policy) && scheduler->priority != 0)
		check_error(check_at(check, "scheduler.priority"),
			    "is for SCHED_FIFO and SCHED_RR, not for %s", name);

	if (scheduler->policy == SCHED_DEADLINE)
		check_deadline(check, scheduler);
	else if (scheduler->runtime || scheduler->deadline || scheduler->period)
		check_error(check_at(check, "scheduler.%s",
				     scheduler->runtime	   ? "runtime"
				     : scheduler->deadline ? "deadline"
							   : "period"),
			    "is for SCHED_DEADLINE, not for %s", name);
}

void check_io_priority(struct check *check)
{
	const struct oci_io_priority *io = check->process->io_priority;

	if (io && (io->priority < 0 || io->priority > 7))
		check_error(check_at(check, "ioPriority.priority"), "%d is not between 0 and 7",
			    io->priority);
}

static void check_cpus(struct check *check, const char *field, const char *cpus)
{
	if (!check_is_empty(cpus) && !check_is_list(cpus))
		check_error(check_at(check, "execCPUAffinity.%s", field),
			    "%s is not a list of CPUs like \"0-3,7\"", check_show(check, cpus));
}

void check_cpu_affinity(struct check *check)
{
	const struct oci_cpu_affinity *affinity = check->process->exec_cpu_affinity;

	if (!affinity)
		return;
	check_cpus(check, "initial", affinity->initial);
	check_cpus(check, "final", affinity->final);
}

void check_user(struct check *check)
{
	const struct oci_user *user = &check->process->user;

	if (user->umask.set && user->umask.value > 0777)
		check_error(check_at(check, "user.umask"),
			    "%u (octal %o) is more than 511 (octal 777)", user->umask.value,
			    user->umask.value);
}
