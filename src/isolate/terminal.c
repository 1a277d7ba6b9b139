/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "kernel/mountfd.h"
#include "kernel/resolve.h"
#include "kernel/syscalls.h"

static int terminal_no_devpts(int number, struct error *err)
{
	if (number == ENOENT || number == EXDEV || number == ENODEV || number == ENOTDIR)
		error_set(err, number, "/dev/pts/ptmx of the container is not a devpts ptmx");
	else
		error_errno(err, number, "open /dev/pts/ptmx of the container");
	error_hint(err, "a terminal needs a mount of type devpts on /dev/pts");
	return error_at(err, "process.terminal");
}

static bool terminal_is_devpts(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == DEVPTS_SUPER_MAGIC;
}

/*
 * First the directory, without opening anything for real; what is in a devpts is only made by the
 * kernel, and NO_XDEV keeps out what was mounted on it, so that its ptmx can be opened.
 */
static int terminal_open_master(int root, int *ret_master, struct error *err)
{
	auto_close int directory = resolve_open(root, "/dev/pts", O_PATH | O_DIRECTORY);
	auto_close int master = -EBADF;
	struct stat st;
	int unlocked = 0;

	if (directory < 0)
		return terminal_no_devpts(-directory, err);
	if (!terminal_is_devpts(directory))
		return terminal_no_devpts(ENODEV, err);
	master = sys_openat2(directory, "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW, 0,
			     RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
	if (master < 0)
		return terminal_no_devpts(-master, err);
	if (fstat(master, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2) ||
	    !terminal_is_devpts(master))
		return terminal_no_devpts(ENODEV, err);
	if (ioctl(master, TIOCSPTLCK, &unlocked) < 0)
		return error_errno(err, errno, "unlock the pseudo-terminal");
	*ret_master = fd_take(&master);
	return 0;
}

static int terminal_set_size(int fd, const struct oci_box *box, struct error *err)
{
	struct winsize size = {0};

	if (!box)
		return 0;
	if (box->height > USHRT_MAX) {
		error_set(err, EINVAL, "%u rows are more than a terminal can have (%d)",
			  box->height, USHRT_MAX);
		return error_at(err, "process.consoleSize.height");
	}
	if (box->width > USHRT_MAX) {
		error_set(err, EINVAL, "%u columns are more than a terminal can have (%d)",
			  box->width, USHRT_MAX);
		return error_at(err, "process.consoleSize.width");
	}
	size.ws_row = (unsigned short)box->height;
	size.ws_col = (unsigned short)box->width;
	if (ioctl(fd, TIOCSWINSZ, &size) < 0) {
		error_errno(err, errno, "set the size of the terminal");
		return error_at(err, "process.consoleSize");
	}
	return 0;
}

/* The last component of /dev/console, not followed: a link there would have the terminal mounted on
 * any file of the image, and lift what masks it. */
static int terminal_open_console(int root, int *ret_fd, struct error *err)
{
	auto_close int parent = -EBADF;
	auto_close int fd = -EBADF;
	const char *name;
	struct stat st;
	int r;

	r = resolve_parent(root, "/dev/console", true, &parent, &name, err);
	if (r < 0)
		return r;
	fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		if (mknodat(parent, name, S_IFREG | 0600, 0) < 0 && errno != EEXIST)
			return error_errno(err, errno, "make /dev/console in the root filesystem");
		fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, errno, "open /dev/console in the root filesystem");
	if (S_ISLNK(st.st_mode) || S_ISDIR(st.st_mode)) {
		error_set(err, EINVAL, "/dev/console in the root filesystem is a %s",
			  S_ISDIR(st.st_mode) ? "directory" : "symbolic link");
		return error_hint(err, "remove it from the image, or mount a tmpfs on /dev");
	}
	*ret_fd = fd_take(&fd);
	return 0;
}

static int terminal_mount_console(int root, int slave, struct error *err)
{
	auto_close int target = -EBADF;
	auto_close int mount = -EBADF;
	int r;

	r = terminal_open_console(root, &target, err);
	if (r < 0)
		return r;
	r = mountfd_clone(slave, "", false, false, &mount, err);
	if (r < 0)
		return error_wrap(err, "mount the terminal on /dev/console");
	r = mountfd_attach(mount, target);
	if (r < 0)
		return error_errno(err, -r, "mount the terminal on /dev/console");
	return 0;
}

int terminal_open(int root, const struct oci_process *process, bool console, int *ret_master,
		  int *ret_slave, struct error *err)
{
	auto_close int master = -EBADF;
	auto_close int slave = -EBADF;
	int r;

	r = terminal_open_master(root, &master, err);
	if (r < 0)
		return r;
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return error_errno(err, errno, "open the other end of the pseudo-terminal");
	r = terminal_set_size(master, process->console_size, err);
	if (r < 0)
		return r;
	/* Only the uid: the gid is the devpts mount's choice ("tty"). A user that is not mapped, or
	 * a filesystem that cannot, does not keep the terminal from working. */
	if (fchown(slave, process->user.uid, (gid_t)-1) < 0) {
		if (errno != EPERM && errno != EROFS && errno != EINVAL)
			return error_errno(err, errno, "give the terminal to uid %u",
					   process->user.uid);
		log_debug("the terminal cannot be given to uid %u: %s", process->user.uid,
			  error_name(errno));
	}
	if (console) {
		r = terminal_mount_console(root, slave, err);
		if (r < 0)
			return error_at(err, "process.terminal");
	}
	*ret_master = fd_take(&master);
	*ret_slave = fd_take(&slave);
	return 0;
}

int terminal_control(int fd, struct error *err)
{
	/* EPERM: the caller leads a process group already; that of its own session is as good. */
	if (setsid() < 0 && getsid(0) != getpid())
		return error_errno(err, errno, "make a new session");
	if (ioctl(fd, TIOCSCTTY, 0) < 0)
		return error_errno(err, errno, "make the terminal the controlling one");
	return 0;
}

int terminal_connect(int slave, struct error *err)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* dup2 of a descriptor to itself leaves its close-on-exec flag. */
		int r = fd == slave ? fcntl(fd, F_SETFD, 0) : dup2(slave, fd);

		if (r < 0)
			return error_errno(err, errno, "make the terminal descriptor %d", fd);
	}
	return 0;
}

int terminal_attach(int slave, struct error *err)
{
	int r = terminal_control(slave, err);

	return r < 0 ? r : terminal_connect(slave, err);
}

int terminal_raw_enter(int fd, struct terminal_raw *ret_raw, struct error *err)
{
	struct termios raw, saved;

	if (tcgetattr(fd, &saved) < 0)
		return error_errno(err, errno, "read the mode of the terminal");
	raw = saved;
	cfmakeraw(&raw);
	/* Not TCSAFLUSH: what was typed ahead is for the container. */
	if (tcsetattr(fd, TCSANOW, &raw) < 0)
		return error_errno(err, errno, "set the terminal to raw mode");
	ret_raw->fd = fd;
	ret_raw->saved = saved;
	return 0;
}

void terminal_raw_restore(struct terminal_raw *raw)
{
	int saved_errno = errno;
	sigset_t ttou, before;

	if (raw->fd < 0)
		return;
	/* From a background process group the kernel would stop us with SIGTTOU, unless it is
	 * blocked: then it lets us. */
	(void)sigemptyset(&ttou);
	(void)sigaddset(&ttou, SIGTTOU);
	(void)sigprocmask(SIG_BLOCK, &ttou, &before);
	(void)tcsetattr(raw->fd, TCSANOW, &raw->saved);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	raw->fd = -EBADF;
	errno = saved_errno;
}

int terminal_copy_size(int from, int to)
{
	struct winsize size;

	if (ioctl(from, TIOCGWINSZ, &size) < 0 || ioctl(to, TIOCSWINSZ, &size) < 0)
		return -errno;
	return 0;
}
