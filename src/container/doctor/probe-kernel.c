/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "container/doctor/probe.h"
#include "isolate/idmap/idmap.h"
#include "kernel/bpf.h"
#include "kernel/mountfd.h"
#include "kernel/process.h"
#include "kernel/procfs.h"
#include "kernel/program.h"
#include "kernel/syscalls.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#define PROBE_TIMEOUT 10000
/* Whoever owns nothing. */
#define PROBE_NOBODY 65534

/* ---- system calls ---- */

/* Called with nonsense: whatever the kernel says, but for one answer, it knows the call. */
static bool probe_knows(long number)
{
	return syscall(number, -1, NULL, -1, NULL, 0, 0) >= 0 || errno != ENOSYS;
}

static bool probe_pidfs(void)
{
	auto_close int pidfd = sys_pidfd_open(getpid(), 0);
	struct statfs fs;

	return pidfd >= 0 && fstatfs(pidfd, &fs) == 0 && fs.f_type == PID_FS_MAGIC;
}

static bool probe_memfd_exec(void)
{
	auto_close int fd = memfd_create("knarr", MFD_CLOEXEC | MFD_EXEC);

	return fd >= 0 || errno != EINVAL;
}

void doctor_probe_calls(struct doctor_facts *facts)
{
	static const long numbers[] = {
		[DOCTOR_FSOPEN] = SYS_fsopen,
		[DOCTOR_OPEN_TREE] = SYS_open_tree,
		[DOCTOR_MOVE_MOUNT] = SYS_move_mount,
		[DOCTOR_CLONE3] = SYS_clone3,
		[DOCTOR_PIDFD_OPEN] = SYS_pidfd_open,
		[DOCTOR_PIDFD_GETFD] = SYS_pidfd_getfd,
		[DOCTOR_OPENAT2] = SYS_openat2,
		[DOCTOR_MOUNT_SETATTR] = SYS_mount_setattr,
		[DOCTOR_OPEN_TREE_ATTR] = __NR_open_tree_attr,
	};

	for (unsigned int i = 0; i < array_size(numbers); i++)
		if (numbers[i] != 0 && probe_knows(numbers[i]))
			facts->calls |= 1u << i;
	/* This one would take nonsense for an order: from 1 to 0 is no range. */
	if (syscall(SYS_close_range, 1, 0, 0) == 0 || errno != ENOSYS)
		facts->calls |= 1u << DOCTOR_CLOSE_RANGE;
	if (probe_pidfs())
		facts->calls |= 1u << DOCTOR_PIDFS;
	if (probe_memfd_exec())
		facts->calls |= 1u << DOCTOR_MEMFD_EXEC;
}

/* ---- user namespaces ---- */

/* What the three steps came to, as errnos; sent by the child that took them. */
struct probe_steps {
	int make, use, proc;
};

static int probe_mount_proc(void)
{
	struct mountfd_filesystem proc = {.type = "proc"};
	struct error err = ERROR_INIT;
	auto_close int fd = -EBADF;

	return -mountfd_create(&proc, &fd, &err);
}

/* A pid namespace begins with a child. */
static int probe_proc(void)
{
	int pidfd = -EBADF, status = 0;
	pid_t pid = process_fork(CLONE_NEWPID, -1, &pidfd);

	if (pid < 0)
		return -pid;
	if (pid == 0)
		_exit(probe_mount_proc());
	if (program_end(&pidfd, PROBE_TIMEOUT, &status) < 0)
		return ETIMEDOUT;
	return process_exit_code(status);
}

static void __attribute__((noreturn)) probe_child(int report)
{
	struct probe_steps steps = {0};

	/* A failure is fine: then it is what the caller is that is tried. */
	if (geteuid() == 0)
		(void)(setgroups(0, NULL) < 0 ||
		       setresgid(PROBE_NOBODY, PROBE_NOBODY, PROBE_NOBODY) < 0 ||
		       setresuid(PROBE_NOBODY, PROBE_NOBODY, PROBE_NOBODY) < 0);
	if (unshare(CLONE_NEWUSER) < 0)
		steps.make = errno;
	else if (unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
		steps.use = errno;
	else
		steps.proc = probe_proc();
	(void)io_write_all(report, &steps, sizeof(steps));
	_exit(0);
}

void doctor_probe_user_namespaces(struct doctor_facts *facts)
{
	auto_close int reader = -EBADF, writer = -EBADF;
	struct probe_steps steps = {.make = EIO};
	int ends[2], pidfd = -EBADF, status;
	pid_t pid;

	facts->userns_make = EIO;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	reader = ends[0];
	writer = ends[1];
	pid = process_fork(CLONE_CLEAR_SIGHAND, -1, &pidfd);
	if (pid < 0)
		return;
	if (pid == 0)
		probe_child(writer);
	writer = fd_close(writer);
	if (program_end(&pidfd, PROBE_TIMEOUT, &status) < 0 ||
	    read(reader, &steps, sizeof(steps)) != sizeof(steps))
		return;
	facts->userns_make = steps.make;
	facts->userns_use = steps.use;
	facts->userns_proc = steps.proc;
}

/* ---- what takes privileges ---- */

/* A clone that is attached nowhere, with its ids mapped. */
static int probe_idmap(const char *path, int userns)
{
	struct mountfd_change change = {.set = MOUNT_ATTR_IDMAP, .userns = userns};
	struct error err = ERROR_INIT;
	auto_close int fd = -EBADF;
	int r = mountfd_clone(AT_FDCWD, path, false, false, &fd, &err);

	if (r == 0)
		r = mountfd_change(fd, &change);
	return -r;
}

static void probe_idmaps(struct doctor_facts *facts)
{
	struct oci_id_mapping map = {.container_id = 0, .host_id = 100000, .size = 65536};
	struct idmap_plan plan = {.uids = {&map, 1}, .gids = {&map, 1}};
	auto_close int procfs = -EBADF, userns = -EBADF;
	struct error err = ERROR_INIT;

	if (procfs_open(&procfs, &err) < 0 ||
	    idmap_open_namespace(&plan, procfs, &userns, &err) < 0) {
		facts->idmap_root = facts->idmap_run = err.number;
		return;
	}
	facts->idmap_root = probe_idmap("/", userns);
	facts->idmap_run = probe_idmap("/run", userns);
}

/* Whether "/" is another mount than where setns(2) leads, the root of the mount namespace. */
static int probe_root_differs(void)
{
	auto_close int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	struct sys_statx before, after;

	return sys_statx(AT_FDCWD, "/", 0, SYS_STATX_MNT_ID, &before) == 0 && own >= 0 &&
	       setns(own, CLONE_NEWNS) == 0 &&
	       sys_statx(AT_FDCWD, "/", 0, SYS_STATX_MNT_ID, &after) == 0 &&
	       before.mnt_id != after.mnt_id;
}

static bool probe_mounted_chroot(void)
{
	int pidfd = -EBADF, status = 0;
	pid_t pid = process_fork(0, -1, &pidfd);

	if (pid < 0)
		return false;
	if (pid == 0)
		_exit(probe_root_differs());
	return program_end(&pidfd, PROBE_TIMEOUT, &status) == 0 && process_exit_code(status) == 1;
}

void doctor_probe_privileged(struct doctor_facts *facts)
{
	/* r0 = 1; exit: everything is allowed. Attached to nothing. */
	static const struct bpf_insn instructions[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	auto_close int program = -EBADF;
	struct error err = ERROR_INIT;

	facts->idmap_root = facts->idmap_run = facts->device_program = ENOTSUP;
	if (facts->rootless)
		return;
	facts->chrooted |= probe_mounted_chroot();
	probe_idmaps(facts);
	facts->device_program =
		-bpf_load_device_program(instructions, array_size(instructions), &program, &err);
}
