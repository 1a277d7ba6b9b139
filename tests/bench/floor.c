// SPDX-License-Identifier: Apache-2.0
/*
 * The floor: the least a program can do and still have made the container of the default bundle.
 *
 * It makes the same namespaces, the same mounts (through the mount API) and the same cgroup (cloned
 * straight into it), pivots into the root file system, executes the program, waits for it and
 * removes the cgroup. It reads no configuration, keeps no state, drops nothing, filters nothing and
 * checks nothing: what remains is the price of the kernel. A runtime can come near to it and never
 * below, so contrib/bench states every result as a multiple of it.
 *
 * usage: floor ROOTFS CGROUP PROGRAM [ARG...]
 *	  floor --create ROOTFS CGROUP
 *	  floor --delete CGROUP
 *	ROOTFS	directory with proc, dev and sys in it
 *	CGROUP	directory to be made in a cgroup v2 hierarchy, removed at the end
 *
 * With --create the container's process waits for ever, to be one of many that live at once: what
 * the kernel takes for one more is what it took for the first, and what it spends on looking
 * through those there are. It looks through all processes when a root is pivoted, through all
 * sysfs when a network namespace gets its own, and through the names of all session keyrings when
 * one is joined by name: so that is done here, too, for an exec finds the container's by its name.
 * --delete kills it and removes the cgroup.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/keyctl.h>
#include <linux/sched.h>

/* glibc before 2.36 has no wrappers, and its <sys/mount.h> does not go with <linux/mount.h>. */
enum {
	MOUNT_FSOPEN_CLOEXEC = 0x1,
	MOUNT_FSCONFIG_FLAG = 0,
	MOUNT_FSCONFIG_STRING = 1,
	MOUNT_FSCONFIG_CREATE = 6,
	MOUNT_FSMOUNT_CLOEXEC = 0x1,
	MOUNT_OPEN_TREE_CLONE = 0x1,
	MOUNT_MOVE_F_EMPTY_PATH = 0x4,
};

enum { MOUNT_RDONLY = 0x1, MOUNT_NOSUID = 0x2, MOUNT_NODEV = 0x4, MOUNT_NOEXEC = 0x8 };

#define MAX_OPTIONS	  3
#define DELETE_TIMEOUT_MS 10000

struct floor_mount {
	const char *type;
	const char *target;
	unsigned int attrs;
	const char *options[MAX_OPTIONS][2];
};

/* The mounts of the default bundle, in its order. */
static const struct floor_mount floor_mounts[] = {
	{"proc", "proc", 0, {{NULL}}},
	{"tmpfs", "dev", MOUNT_NOSUID, {{"mode", "755"}, {"size", "65536k"}}},
	{"devpts",
	 "dev/pts",
	 MOUNT_NOSUID | MOUNT_NOEXEC,
	 {{"newinstance", NULL}, {"ptmxmode", "0666"}, {"mode", "0620"}}},
	{"tmpfs",
	 "dev/shm",
	 MOUNT_NOSUID | MOUNT_NOEXEC | MOUNT_NODEV,
	 {{"mode", "1777"}, {"size", "65536k"}}},
	{"mqueue", "dev/mqueue", MOUNT_NOSUID | MOUNT_NOEXEC | MOUNT_NODEV, {{NULL}}},
	{"sysfs", "sys", MOUNT_RDONLY | MOUNT_NOSUID | MOUNT_NOEXEC | MOUNT_NODEV, {{NULL}}},
	{"cgroup2",
	 "sys/fs/cgroup",
	 MOUNT_RDONLY | MOUNT_NOSUID | MOUNT_NOEXEC | MOUNT_NODEV,
	 {{NULL}}},
};

static _Noreturn void die(const char *what, const char *object)
{
	fprintf(stderr, "floor: %s %s: %s\n", what, object, strerror(errno));
	_exit(1);
}

static int new_mount(const struct floor_mount *m)
{
	int fs = (int)syscall(SYS_fsopen, m->type, MOUNT_FSOPEN_CLOEXEC);

	if (fs < 0)
		die("fsopen", m->type);
	for (int i = 0; i < MAX_OPTIONS && m->options[i][0]; i++) {
		const char *value = m->options[i][1];
		int cmd = value ? MOUNT_FSCONFIG_STRING : MOUNT_FSCONFIG_FLAG;

		if (syscall(SYS_fsconfig, fs, cmd, m->options[i][0], value, 0) < 0)
			die("fsconfig", m->options[i][0]);
	}
	if (syscall(SYS_fsconfig, fs, MOUNT_FSCONFIG_CREATE, NULL, NULL, 0) < 0)
		die("fsconfig create", m->type);

	int fd = (int)syscall(SYS_fsmount, fs, MOUNT_FSMOUNT_CLOEXEC, m->attrs);

	if (fd < 0)
		die("fsmount", m->type);
	close(fs);
	return fd;
}

static void enter_rootfs(const char *rootfs)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		die("make private", "/");

	int root = (int)syscall(SYS_open_tree, AT_FDCWD, rootfs,
				MOUNT_OPEN_TREE_CLONE | O_CLOEXEC | AT_RECURSIVE);

	if (root < 0)
		die("open_tree", rootfs);
	if (syscall(SYS_move_mount, root, "", AT_FDCWD, rootfs, MOUNT_MOVE_F_EMPTY_PATH) < 0)
		die("move_mount", rootfs);
	if (fchdir(root) < 0)
		die("fchdir", rootfs);
	for (size_t i = 0; i < sizeof(floor_mounts) / sizeof(floor_mounts[0]); i++) {
		const struct floor_mount *m = &floor_mounts[i];
		int fd = new_mount(m);

		if (mkdir(m->target, 0755) < 0 && errno != EEXIST)
			die("mkdir", m->target);
		if (syscall(SYS_move_mount, fd, "", AT_FDCWD, m->target, MOUNT_MOVE_F_EMPTY_PATH) <
		    0)
			die("move_mount", m->target);
		close(fd);
	}
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		die("pivot_root", rootfs);
	if (umount2(".", MNT_DETACH) < 0)
		die("umount", "the old root");
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0)
		die("remount", "/");
	if (chdir("/") < 0)
		die("chdir", "/");
}

/* The cgroup, and a process in it and in namespaces of its own: 0 in the process, else its pid. */
static pid_t clone_container(const char *cgroup_path)
{
	if (mkdir(cgroup_path, 0755) < 0)
		die("mkdir", cgroup_path);

	int cgroup = open(cgroup_path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (cgroup < 0)
		die("open", cgroup_path);

	struct clone_args args = {
		.flags = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS |
			 CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)cgroup,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (pid < 0) {
		int saved = errno;

		rmdir(cgroup_path);
		errno = saved;
		die("clone3", cgroup_path);
	}
	/* Not with clone3: the namespace's root would be the parent's cgroup. */
	if (pid == 0 && unshare(CLONE_NEWCGROUP) < 0)
		die("unshare", "cgroup");
	return pid;
}

static int run(const char *rootfs, const char *cgroup, char **program)
{
	pid_t pid = clone_container(cgroup);
	int status = 0;

	if (pid == 0) {
		enter_rootfs(rootfs);
		execv(program[0], program);
		die("execve", program[0]);
	}
	if (waitpid(pid, &status, 0) < 0)
		die("wait for", program[0]);
	if (rmdir(cgroup) < 0)
		die("rmdir", cgroup);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Returns when all is made; the process stays. */
static int create(const char *rootfs, const char *cgroup)
{
	const char *name = strrchr(cgroup, '/');
	int ready[2];
	char byte = 0;

	if (pipe2(ready, O_CLOEXEC) < 0)
		die("pipe", "");
	if (clone_container(cgroup) == 0) {
		close(ready[0]);
		if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name ? name + 1 : cgroup) < 0)
			die("join session keyring", cgroup);
		enter_rootfs(rootfs);
		if (write(ready[1], &byte, 1) != 1)
			die("write", "to the pipe");
		close(ready[1]);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) == 1)
		return 0;
	rmdir(cgroup);
	return 1;
}

/* cgroup.events of cgroups(7): whether a process is left. */
static int is_populated(int events)
{
	char text[128] = "";

	if (pread(events, text, sizeof(text) - 1, 0) < 0)
		die("read", "cgroup.events");
	return strstr(text, "populated 1") != NULL;
}

static int delete (const char *cgroup)
{
	int dir = open(cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int kill_file = openat(dir, "cgroup.kill", O_WRONLY | O_CLOEXEC);
	int events = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	struct pollfd change = {.fd = events, .events = POLLPRI};

	if (kill_file < 0 || events < 0 || write(kill_file, "1", 1) != 1)
		die("kill", cgroup);
	while (is_populated(events))
		if (poll(&change, 1, DELETE_TIMEOUT_MS) == 0) {
			errno = ETIMEDOUT;
			die("empty", cgroup);
		}
	if (rmdir(cgroup) < 0)
		die("rmdir", cgroup);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "--create") == 0)
		return create(argv[2], argv[3]);
	if (argc == 3 && strcmp(argv[1], "--delete") == 0)
		return delete (argv[2]);
	if (argc >= 4 && argv[1][0] != '-')
		return run(argv[1], argv[2], argv + 3);
	fprintf(stderr, "usage: floor ROOTFS CGROUP PROGRAM [ARG...]\n"
			"       floor --create ROOTFS CGROUP\n"
			"       floor --delete CGROUP\n");
	return 2;
}
