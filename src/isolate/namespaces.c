/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a process gets into its namespaces.
 *
 * New ones come with clone3(2), joined ones with setns(2), and three kinds have rules of their own:
 *
 * - A *pid* namespace is only ever entered by a child: setns and unshare change what the caller's
 * next child gets. So somebody who has joined must fork. That is the runtime itself where it can
 * be: it joins, forks, and goes back to its own. (Going back is a setns to the pidfd of itself,
 * which stands for the namespace that a process really is in and needs no /proc; the kernel allows
 * a pid namespace that is the caller's own or below it.)
 *
 * - A *user* namespace takes the privileges over everything outside away, and gives full ones over
 *   everything it owns. New namespaces belong to the user namespace that their maker is in. So
 *   what the runtime's user namespace owns must be joined before, what the container's owns may
 * have to be joined after, and new ones must be made after. No single call does that, and the
 * runtime must not lose its own privileges; so a helper process does it: it joins what it may, then
 * the user namespace, then what it could not join before (that is how the unprivileged get into the
 *   namespaces of a user namespace of their own), forks the child with CLONE_PARENT, which makes it
 *   the *runtime's* child, and exits. With a new user namespace and nothing to join none of it is
 *   needed: the kernel makes the user namespace of one clone3 first and the others in it.
 *
 *   This helper shares the runtime's descriptor table, so the pidfd that clone3 makes for it is at
 *   once the runtime's. It must close nothing. What it has to say (the pid, the number of the
 *   pidfd, an error) it writes into a page that it shares with the runtime, which reads it when the
 *   helper is dead: nothing to wait for but a pidfd. (That of exec has a line to the runtime, and
 * no page: to share one costs 25 us.) The pid that clone3 returned is already as the runtime
 * counts, because both are in the same pid namespace.
 *
 * - A new *time* namespace is for children too, and its offsets can be written only while nobody is
 * in it (time_namespaces(7)). unshare, write, setns to one's own time_for_children.
 *
 * The rest is left to the child, namespaces_finish():
 *
 * - A *cgroup* namespace is rooted at the cgroup of its maker at that moment. clone3 would take the
 *   runtime's, even with CLONE_INTO_CGROUP, since namespaces are copied before the child has moved.
 * A joined one is entered late as well, for on a hierarchy mounted with nsdelegate nobody is moved
 * from or to a cgroup that is outside of his namespace, and CLONE_INTO_CGROUP counts as his move.
 * Only where the child could not any more, because the namespace belongs to the user namespace left
 * behind, the helper does it.
 *
 * - A new *ipc* namespace makes the filesystem behind /dev/mqueue, and its root directory belongs
 * to the maker's uid. In a user namespace that is an unmapped one ("nobody") until the child has
 * become root there. So it is made after that.
 *
 * - With no user namespace involved, all joins but that of the pid namespace: no helper, no cost.
 *
 * Somebody in a joined namespace may be the enemy: a process of another container of the pod that
 * sees ours (same pid namespace) and may trace it (same user namespace) could take our descriptors
 * of the host. A process that is not dumpable can be traced only with privileges over the user
 * namespace where its program was started, the runtime's. So that is set before the first join, and
 * execve takes it back (prctl(2), PR_SET_DUMPABLE). A container without a user namespace can be
 * given such privileges (CAP_SYS_PTRACE): from it exec's child is safe by having nothing, see
 * namespaces_fork_into(). With a *new* user namespace it is not set:
 * nobody else has privileges in there, and the runtime must be able to write the maps of its child
 * although that has the rights of no more than its user.
 */
#include "isolate/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/close_range.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "isolate/idmap/idmap.h"
#include "kernel/nsfs.h"
#include "kernel/process.h"
#include "kernel/procfs.h"
#include "kernel/syscalls.h"
#include "oci-spec/oci-spec.h"

/* The helper does a handful of system calls; longer than this means that something is very wrong.
 */
#define NAMESPACES_HELPER_MS 30000
/* More than exec has open, and fewer than the kernel makes room for in a process from the start. */
#define NAMESPACES_DESCRIPTORS 48

/* The descriptor of the joined namespace of a type, or -EBADF. */
static int namespaces_find(const struct namespaces_plan *plan, const struct namespaces_fds *fds,
			   uint64_t type)
{
	for (size_t i = 0; i < plan->join_count; i++)
		if (plan->joins[i].type == type)
			return fds->fds[i];
	return -EBADF;
}

/* Whether the child will be in another user namespace than the caller. */
static bool namespaces_changes_user(const struct namespaces_plan *plan,
				    const struct namespaces_fds *fds)
{
	return (plan->fresh & CLONE_NEWUSER) || namespaces_find(plan, fds, CLONE_NEWUSER) >= 0;
}

static int namespaces_join_fail(const struct namespaces_join *join, int number, struct error *err)
{
	error_errno(err, number, "join the %s namespace %s",
		    oci_enum_name(oci_namespace_types, join->type), join->path);
	if (number == EPERM && join->type == CLONE_NEWUSER)
		error_hint(err, "the runtime has no privileges over it");
	else if (number == EPERM)
		error_hint(err, "it belongs to a user namespace that the runtime has no privileges "
				"over, or that is not the one that is joined with it");
	else if (number == EINVAL && join->type == CLONE_NEWPID)
		error_hint(err, "a pid namespace can be joined only from itself or from above");
	return error_at(err, "linux.namespaces[%zu].path", join->index);
}

/* No more to be traced by others of the joined namespaces: see the top. */
static void namespaces_hide(const struct namespaces_plan *plan)
{
	uint64_t joined = plan->private & ~plan->fresh;

	if ((joined & (CLONE_NEWUSER | CLONE_NEWPID)) && !(plan->fresh & CLONE_NEWUSER))
		(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* clone3's part of the new namespaces; the rest is namespaces_finish()'s. */
static uint64_t namespaces_clone_flags(const struct namespaces_plan *plan,
				       const struct namespaces_fds *fds)
{
	uint64_t flags = plan->fresh & ~(CLONE_NEWCGROUP | CLONE_NEWTIME | plan->apart);

	if (namespaces_changes_user(plan, fds))
		flags &= ~(uint64_t)CLONE_NEWIPC;
	return flags | CLONE_CLEAR_SIGHAND;
}

static int namespaces_fork_fail(const struct namespaces_plan *plan, int number, struct error *err)
{
	error_errno(err, number, "make a process in its namespaces");
	if (number == ENOSPC)
		return error_hint(err, "a limit of /proc/sys/user/max_*_namespaces is reached");
	if (number == EPERM && (plan->fresh & CLONE_NEWUSER))
		return error_hint(err, "this host does not allow user namespaces to this user, or "
				       "this is a chroot");
	if (number == EPERM && !(plan->private & CLONE_NEWUSER))
		return error_hint(err, "without root a user namespace is needed: `knarr spec "
				       "--rootless` writes a configuration with one");
	for (size_t i = 0; number == ENOMEM && i < plan->join_count; i++)
		if (plan->joins[i].type == CLONE_NEWPID) {
			error_hint(err, "the init of this pid namespace may be dead");
			return error_at(err, "linux.namespaces[%zu].path", plan->joins[i].index);
		}
	if (number == EINVAL)
		return error_hint(err, "this kernel may lack one of the types of namespaces");
	return -number;
}

/*
 * The helper.
 */

/* What it has to say, in memory shared with the runtime. */
struct namespaces_report {
	pid_t pid;
	int pidfd;
	struct error error;
};

/* Whether the child can join the cgroup namespace itself, which is better (see the top): its owner
 * is the user namespace that the child will be in. */
static bool namespaces_is_for_child(const struct namespaces_plan *plan,
				    const struct namespaces_fds *fds, int cgroup)
{
	auto_close int owner = ioctl(cgroup, NS_GET_USERNS);
	int user = namespaces_find(plan, fds, CLONE_NEWUSER);

	return owner >= 0 && user >= 0 && nsfs_is_same(owner, user);
}

/* One round over those that are not in *done yet. What may succeed from inside the user namespace
 * is left for later when `later` allows it. */
static int namespaces_helper_round(const struct namespaces_plan *plan,
				   const struct namespaces_fds *fds, bool later, uint64_t *done,
				   struct error *err)
{
	for (size_t i = 0; i < plan->join_count; i++) {
		const struct namespaces_join *join = &plan->joins[i];

		if (*done & join->type)
			continue;
		if (setns(fds->fds[i], (int)join->type) == 0)
			*done |= join->type;
		else if (!later || errno != EPERM)
			return namespaces_join_fail(join, errno, err);
	}
	return 0;
}

static int namespaces_helper_join(const struct namespaces_plan *plan,
				  const struct namespaces_fds *fds, struct error *err)
{
	bool later = namespaces_find(plan, fds, CLONE_NEWUSER) >= 0;
	int cgroup = namespaces_find(plan, fds, CLONE_NEWCGROUP);
	uint64_t done = CLONE_NEWUSER;
	int r;

	if (cgroup >= 0 && namespaces_is_for_child(plan, fds, cgroup))
		done |= CLONE_NEWCGROUP;
	r = namespaces_helper_round(plan, fds, later, &done, err);
	if (r < 0 || !later)
		return r;
	done &= ~(uint64_t)CLONE_NEWUSER;
	for (size_t i = 0; i < plan->join_count; i++)
		if (plan->joins[i].type == CLONE_NEWUSER && setns(fds->fds[i], CLONE_NEWUSER) < 0)
			return namespaces_join_fail(&plan->joins[i], errno, err);
	done |= CLONE_NEWUSER;
	return namespaces_helper_round(plan, fds, false, &done, err);
}

/* From the child, which others may look into: the runtime believes what it says. */
static void namespaces_keep_report(struct namespaces_report *report)
{
	(void)madvise(report, sizeof(*report), MADV_DONTFORK);
}

struct namespaces_task {
	const struct namespaces_plan *plan;
	const struct namespaces_fds *fds;
};

/* Returns 0 in the final child; the helper itself exits in here. */
static pid_t namespaces_helper_run(const struct namespaces_task *task, int cgroup,
				   struct namespaces_report *report)
{
	pid_t pid;

	namespaces_hide(task->plan);
	if (namespaces_helper_join(task->plan, task->fds, &report->error) < 0)
		_exit(1);
	namespaces_keep_report(report);
	pid = process_fork(namespaces_clone_flags(task->plan, task->fds) | CLONE_PARENT, cgroup,
			   &report->pidfd);
	if (pid == 0)
		return 0;
	if (pid < 0) {
		namespaces_fork_fail(task->plan, -pid, &report->error);
		_exit(1);
	}
	report->pid = pid;
	_exit(0);
}

/* Waits until the helper is dead, and reaps it. Returns 0 also when it has failed: see *ret_status,
 * the exit code. */
static int namespaces_helper_end(int helper, int interrupt, int *ret_status)
{
	int64_t patience = PROCESS_REAP_MS;
	int status = 0, r;

	r = process_wait_graceful(-EBADF, helper, interrupt, process_now() + NAMESPACES_HELPER_MS);
	if (r < 0)
		(void)process_signal(helper, SIGKILL);
	/* It may be where no signal reaches it, and whoever interrupts does not want to wait. */
	if (r == -EINTR)
		patience = PROCESS_GRACE_MS;
	/* Fails where SIGCHLD is ignored; then there is nothing to reap. */
	(void)process_reap_until(helper, process_now() + patience, &status);
	*ret_status = process_exit_code(status);
	return r < 0 ? r : 0;
}

static int namespaces_helper_fail(int r, int status, struct error *err)
{
	if (r < 0)
		return error_errno(err, -r, "wait for the helper that joins namespaces");
	return error_set(err, EIO, "the helper that joins namespaces died with status %d", status);
}

static int namespaces_helper_collect(int helper, struct namespaces_report *report,
				     struct error *err)
{
	int status = 0, r = namespaces_helper_end(helper, -EBADF, &status);

	if (report->pid > 0)
		return 0;
	if (r < 0 || report->error.number == 0)
		return namespaces_helper_fail(r, status, err);
	*err = report->error;
	return -err->number;
}

static struct namespaces_report *namespaces_map_report(struct error *err)
{
	struct namespaces_report *report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE,
						MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (report == MAP_FAILED) {
		error_errno(err, errno, "map memory");
		return NULL;
	}
	return report;
}

static pid_t namespaces_fork_by_helper(const struct namespaces_task *task, int cgroup,
				       int *ret_pidfd, struct error *err)
{
	struct namespaces_report *report = namespaces_map_report(err);
	auto_close int helper = -EBADF;
	pid_t pid;

	if (!report)
		return -err->number;
	pid = process_fork(CLONE_FILES | CLONE_CLEAR_SIGHAND, -1, &helper);
	if (pid < 0)
		error_errno(err, -pid, "make the helper that joins namespaces");
	if (pid == 0)
		pid = namespaces_helper_run(task, cgroup, report);
	else if (pid > 0)
		pid = namespaces_helper_collect(helper, report, err);
	if (helper >= 0 && pid == 0) {
		pid = report->pid;
		*ret_pidfd = report->pidfd;
	}
	(void)munmap(report, sizeof(*report));
	return pid;
}

/* Without a helper: see the top. */
static pid_t namespaces_fork_plain(const struct namespaces_plan *plan,
				   const struct namespaces_fds *fds, int cgroup, int *ret_pidfd,
				   struct error *err)
{
	auto_close int self = -EBADF, pidfd = -EBADF;
	pid_t pid;
	int status;

	for (size_t i = 0; i < plan->join_count; i++) {
		if (plan->joins[i].type != CLONE_NEWPID)
			continue;
		self = sys_pidfd_open(getpid(), 0);
		if (self < 0)
			return error_errno(err, -self, "open a pidfd of the runtime");
		if (setns(fds->fds[i], CLONE_NEWPID) < 0)
			return namespaces_join_fail(&plan->joins[i], errno, err);
	}
	pid = process_fork(namespaces_clone_flags(plan, fds), cgroup, &pidfd);
	if (pid == 0) {
		namespaces_hide(plan);
		return 0;
	}
	if (pid < 0)
		namespaces_fork_fail(plan, -pid, err);
	if (self >= 0 && setns(self, CLONE_NEWPID) < 0) {
		int number = errno;

		if (pid > 0 && process_signal(pidfd, SIGKILL) == 0)
			(void)process_reap(pidfd, &status);
		return error_errno(err, number, "return to the pid namespace of the runtime");
	}
	if (pid > 0)
		*ret_pidfd = fd_take(&pidfd);
	return pid;
}

pid_t namespaces_fork(const struct namespaces_plan *plan, const struct namespaces_fds *fds,
		      int cgroup, int *ret_pidfd, struct error *err)
{
	const struct namespaces_task task = {plan, fds};

	if (namespaces_changes_user(plan, fds) && plan->join_count > 0)
		return namespaces_fork_by_helper(&task, cgroup, ret_pidfd, err);
	return namespaces_fork_plain(plan, fds, cgroup, ret_pidfd, err);
}

bool namespaces_lead_to(const struct stat *rootfs)
{
	struct stat here;

	return stat("/", &here) == 0 && here.st_dev == rootfs->st_dev &&
	       here.st_ino == rootfs->st_ino;
}

static int namespaces_enter(const struct namespaces_entry *entry, struct error *err)
{
	if (entry->prepare && entry->prepare(entry->data, err) < 0)
		return -err->number;
	if (entry->types && setns(entry->pidfd, (int)entry->types) < 0) {
		error_errno(err, errno, "join the container's namespaces");
		if (err->number == EPERM)
			error_hint(err, "the runtime has no privileges over its user namespace");
		return -err->number;
	}
	/* setns(2) has changed root and cwd with the mount namespace. */
	if (entry->types & CLONE_NEWNS && entry->rootfs && namespaces_lead_to(entry->rootfs))
		return 0;
	if (entry->root >= 0 && (fchdir(entry->root) < 0 || chroot(".") < 0))
		return error_errno(err, errno, "change to the container's root");
	return 0;
}

/*
 * Whoever is the last to close a descriptor waits for what that costs. A fork would give the helper
 * one of its own; so it begins with the runtime's table and takes a copy of that without this one,
 * while the runtime closes it. The kernel leaves out what is at the end of a table; further in, the
 * copy has it and closes it at once, which at worst makes the helper wait (close_range(2)).
 */
static int namespaces_leave_descriptor(int fd, struct error *err)
{
	if (fd >= 0 && syscall(SYS_close_range, fd, fd, CLOSE_RANGE_UNSHARE) < 0)
		return error_errno(err, errno, "leave the descriptors of the runtime");
	return 0;
}

static void namespaces_move_to_end(int *fd)
{
	int moved = *fd < 0 ? -EBADF : fcntl(*fd, F_DUPFD_CLOEXEC, NAMESPACES_DESCRIPTORS);

	if (moved >= 0) {
		fd_close(*fd);
		*fd = moved;
	}
}

/* Returns 0 in the final child; the helper itself exits in here. */
static pid_t namespaces_helper_enter(const struct namespaces_entry *entry)
{
	struct error err = ERROR_INIT;
	int pidfd = -EBADF;
	pid_t pid = 0;

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (namespaces_leave_descriptor(entry->idle_close, &err) < 0 ||
	    namespaces_enter(entry, &err) < 0 || entry->settle(entry->data, &err) < 0)
		pid = -err.number;
	if (pid == 0)
		pid = process_fork(CLONE_PARENT, -1, &pidfd);
	if (pid == 0)
		return 0;
	if (pid < 0 && err.number == 0) {
		error_errno(&err, -pid, "make a process in the container");
		if (pid == -ENOMEM)
			error_hint(&err, "its init may be dead");
	}
	if (entry->tell(entry->data, pid, &err) == 0)
		_exit(pid < 0);
	if (pid > 0)
		(void)process_signal(pidfd, SIGKILL);
	_exit(1);
}

int namespaces_fork_into(struct namespaces_entry *entry, int cgroup, struct error *err)
{
	uint64_t flags = CLONE_CLEAR_SIGHAND | (entry->idle_close >= 0 ? CLONE_FILES : 0);
	auto_close int helper = -EBADF;
	int status = 0, r;
	pid_t pid;

	namespaces_move_to_end(&entry->idle_close);
	pid = process_fork(flags, cgroup, &helper);
	entry->refused = pid < 0 && cgroup >= 0;
	if (pid < 0)
		return error_errno(err, -pid, "make a process in the container");
	if (pid == 0)
		return namespaces_helper_enter(entry);
	entry->idle_close = fd_close(entry->idle_close);
	r = namespaces_helper_end(helper, entry->interrupt, &status);
	return r < 0 || status != 0 ? namespaces_helper_fail(r, status, err) : 1;
}

/*
 * The child's part.
 */

static int namespaces_write_offsets(const struct oci_time_offsets *offsets, int procfs)
{
	auto_text struct text lines = {0};
	int dumpable, r;

	for (size_t i = 0; i < offsets->count; i++)
		text_format(&lines, "%s %" PRId64 " %" PRIu32 "\n", offsets->items[i].clock,
			    offsets->items[i].secs, offsets->items[i].nanosecs);
	if (lines.failed)
		return -ENOMEM;
	r = procfs_write(procfs, "self/timens_offsets", lines.data);
	if (r != -EACCES)
		return r;
	/*
	 * The files of a process that is not dumpable belong to the host's root. It is so since
	 * setresuid, or since namespaces_hide(); only for the time of this one write it is not.
	 */
	dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
	if (dumpable == 1 || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return r;
	r = procfs_write(procfs, "self/timens_offsets", lines.data);
	/* 2, the host's fs.suid_dumpable, cannot be set by hand; 0 is stricter. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return r;
}

static int namespaces_make_time(const struct namespaces_plan *plan, int procfs, struct error *err)
{
	auto_close int fd = -EBADF;
	int r;

	if (unshare(CLONE_NEWTIME) < 0)
		return error_errno(err, errno, "make a time namespace");
	if (plan->time_offsets) {
		r = namespaces_write_offsets(plan->time_offsets, procfs);
		if (r < 0) {
			error_errno(err, -r, "set the offsets of the time namespace");
			if (r == -ERANGE)
				error_hint(err, "a clock must not be set before boot or beyond 146 "
						"years");
			return error_at(err, "linux.timeOffsets");
		}
	}
	fd = nsfs_open(procfs, "self/ns", "time_for_children", CLONE_NEWTIME);
	if (fd < 0)
		return error_errno(err, -fd, "open the new time namespace");
	if (setns(fd, CLONE_NEWTIME) < 0)
		return error_errno(err, errno, "enter the new time namespace");
	return 0;
}

/* Whether the caller is in that cgroup namespace already. */
static bool namespaces_is_in_cgroup(int procfs, int fd)
{
	auto_close int own = nsfs_open(procfs, "self/ns", "cgroup", CLONE_NEWCGROUP);

	return own >= 0 && nsfs_is_same(own, fd);
}

/* The joins that namespaces_fork() has left: all but that of a pid namespace without a user
 * namespace involved, else that of the cgroup namespace. */
static int namespaces_join_rest(const struct namespaces_plan *plan,
				const struct namespaces_fds *fds, int procfs, struct error *err)
{
	uint64_t rest = CLONE_NEWCGROUP;

	if (!namespaces_changes_user(plan, fds))
		rest = plan->private & ~(uint64_t)CLONE_NEWPID;
	for (size_t i = 0; i < plan->join_count; i++) {
		const struct namespaces_join *join = &plan->joins[i];

		if (!(rest & join->type) || fds->fds[i] < 0)
			continue;
		if (join->type == CLONE_NEWCGROUP && namespaces_is_in_cgroup(procfs, fds->fds[i]))
			continue;
		if (setns(fds->fds[i], (int)join->type) < 0)
			return namespaces_join_fail(join, errno, err);
	}
	return 0;
}

int namespaces_finish(const struct namespaces_plan *plan, const struct namespaces_fds *fds,
		      int procfs, struct error *err)
{
	uint64_t late = plan->fresh & (CLONE_NEWCGROUP | CLONE_NEWIPC);
	int r;

	/* First, while the files of the process in procfs are still its own in a joined namespace.
	 */
	if (plan->fresh & CLONE_NEWTIME) {
		r = namespaces_make_time(plan, procfs, err);
		if (r < 0)
			return r;
	}
	if (namespaces_find(plan, fds, CLONE_NEWUSER) >= 0) {
		r = idmap_take_root(err);
		if (r < 0)
			return r;
	}
	if (!namespaces_changes_user(plan, fds))
		late &= ~(uint64_t)CLONE_NEWIPC;
	r = namespaces_join_rest(plan, fds, procfs, err);
	if (r < 0)
		return r;
	if (late && unshare((int)late) < 0)
		return error_errno(err, errno, "make the %s namespace",
				   late == CLONE_NEWIPC	     ? "ipc"
				   : late == CLONE_NEWCGROUP ? "cgroup"
							     : "cgroup and ipc");
	return 0;
}
