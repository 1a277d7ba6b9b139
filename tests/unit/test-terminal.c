/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

static void open_pair(int *ret_master, int *ret_slave)
{
	*ret_master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(*ret_master, 0);
	ck_assert_int_eq(unlockpt(*ret_master), 0);
	*ret_slave = ioctl(*ret_master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(*ret_slave, 0);
}

START_TEST(raw_mode_and_back)
{
	struct terminal_raw raw = {.fd = -EBADF};
	struct error err = ERROR_INIT;
	struct termios before, now;
	int master, slave;

	open_pair(&master, &slave);
	ck_assert_int_eq(tcgetattr(slave, &before), 0);
	ck_assert_int_eq(terminal_raw_enter(slave, &raw, &err), 0);
	ck_assert_int_eq(raw.fd, slave);
	ck_assert_int_eq(tcgetattr(slave, &now), 0);
	ck_assert_uint_eq(now.c_lflag & (ICANON | ECHO | ISIG), 0);
	ck_assert_uint_eq(now.c_oflag & OPOST, 0);
	errno = ERANGE;
	terminal_raw_restore(&raw);
	ck_assert_int_eq(errno, ERANGE);
	ck_assert_int_eq(raw.fd, -EBADF);
	ck_assert_int_eq(tcgetattr(slave, &now), 0);
	ck_assert_uint_eq(now.c_iflag, before.c_iflag);
	ck_assert_uint_eq(now.c_oflag, before.c_oflag);
	ck_assert_uint_eq(now.c_cflag, before.c_cflag);
	ck_assert_uint_eq(now.c_lflag, before.c_lflag);
	ck_assert_mem_eq(now.c_cc, before.c_cc, sizeof(now.c_cc));
	/* Once: a mode that somebody sets later is not undone. */
	now.c_lflag &= ~(tcflag_t)ECHO;
	ck_assert_int_eq(tcsetattr(slave, TCSANOW, &now), 0);
	terminal_raw_restore(&raw);
	ck_assert_int_eq(tcgetattr(slave, &now), 0);
	ck_assert_uint_eq(now.c_lflag & ECHO, 0);
}
END_TEST

START_TEST(raw_mode_of_no_terminal)
{
	struct terminal_raw raw = {.fd = -EBADF};
	struct error err = ERROR_INIT;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	ck_assert_int_eq(terminal_raw_enter(fd, &raw, &err), -ENOTTY);
	ck_assert_error(&err, ENOTTY, "",
			"read the mode of the terminal: Inappropriate ioctl for device (ENOTTY)",
			"");
	ck_assert_int_eq(raw.fd, -EBADF);
}
END_TEST

/* Raw mode is restored from the background too, where the kernel stops others with SIGTTOU. */
START_TEST(restored_from_the_background)
{
	struct terminal_raw raw = {.fd = -EBADF};
	struct error err = ERROR_INIT;
	int master, slave, status;
	struct termios now;
	pid_t leader;

	open_pair(&master, &slave);
	leader = fork();
	ck_assert_int_ge(leader, 0);
	if (leader == 0) {
		pid_t background;

		if (terminal_attach(slave, &err) < 0 || terminal_raw_enter(0, &raw, &err) < 0)
			_exit(1);
		background = fork();
		if (background == 0) {
			if (setpgid(0, 0) < 0)
				_exit(2);
			terminal_raw_restore(&raw);
			_exit(0);
		}
		if (waitpid(background, &status, WUNTRACED) != background || status != 0)
			_exit(3);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(leader, &status, 0), leader);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(tcgetattr(master, &now), 0);
	ck_assert_uint_eq(now.c_lflag & ICANON, ICANON);
}
END_TEST

START_TEST(size_is_copied)
{
	const struct winsize size = {.ws_row = 33, .ws_col = 111, .ws_xpixel = 5, .ws_ypixel = 6};
	struct winsize now = {0};
	int from, from_slave, to, to_slave, null = open("/dev/null", O_RDWR | O_CLOEXEC);

	open_pair(&from, &from_slave);
	open_pair(&to, &to_slave);
	ck_assert_int_eq(ioctl(from_slave, TIOCSWINSZ, &size), 0);
	ck_assert_int_eq(terminal_copy_size(from_slave, to), 0);
	ck_assert_int_eq(ioctl(to_slave, TIOCGWINSZ, &now), 0);
	ck_assert_mem_eq(&now, &size, sizeof(now));
	ck_assert_int_eq(terminal_copy_size(null, to), -ENOTTY);
	ck_assert_int_eq(terminal_copy_size(from, null), -ENOTTY);
	ck_assert_int_eq(terminal_copy_size(-1, to), -EBADF);
}
END_TEST

START_TEST(attached_process)
{
	struct error err = ERROR_INIT;
	int master, slave, status;
	pid_t child;

	open_pair(&master, &slave);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		struct stat wanted, st;

		if (terminal_attach(slave, &err) < 0)
			_exit(1);
		if (getsid(0) != getpid() || tcgetsid(slave) != getpid())
			_exit(2);
		if (fstat(slave, &wanted) < 0)
			_exit(3);
		for (int fd = 0; fd <= 2; fd++)
			if (fstat(fd, &st) < 0 || st.st_rdev != wanted.st_rdev ||
			    fcntl(fd, F_GETFD) != 0)
				_exit(4);
		if (open("/dev/tty", O_RDWR | O_CLOEXEC) < 0)
			_exit(5);
		_exit(fcntl(slave, F_GETFD) == FD_CLOEXEC ? 0 : 6);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* The slave may have one of the three numbers itself, and its process may lead a session already.
 */
START_TEST(attached_as_its_own_number)
{
	struct error err = ERROR_INIT;
	int master, slave, status;
	pid_t child;

	open_pair(&master, &slave);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		if (setsid() < 0 || dup3(slave, 1, O_CLOEXEC) < 0 || close(0) < 0 || close(2) < 0)
			_exit(1);
		if (terminal_attach(1, &err) < 0)
			_exit(2);
		for (int fd = 0; fd <= 2; fd++)
			if (fcntl(fd, F_GETFD) != 0 || !isatty(fd))
				_exit(3);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* Makes the root that the bodies below use, with a devpts of its own on /dev/pts, and opens it:
 * anew, for the scratch's descriptor is of the mount namespace that has been left. */
static int open_root(const struct scratch *scratch)
{
	char path[128];

	scratch_directory(scratch->fd, "dev", 0755);
	scratch_directory(scratch->fd, "dev/pts", 0755);
	(void)snprintf(path, sizeof(path), "%s/dev/pts", scratch->path);
	if (mount("devpts", path, "devpts", 0, "newinstance,ptmxmode=0666,mode=0620") < 0)
		return -1;
	return open(scratch->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int open_in_container(void *data)
{
	const struct scratch *scratch = data;
	const int root = open_root(scratch);
	struct oci_box box = {.height = 24, .width = 65535};
	const struct oci_process process = {.terminal = true, .console_size = &box};
	struct error err = ERROR_INIT;
	struct stat st, console;
	struct winsize size;
	int master = -1, slave = -1;

	if (root < 0)
		return 1;
	if (terminal_open(root, &process, true, &master, &slave, &err) != 0) {
		(void)fprintf(stderr, "%s\n", err.message);
		return 2;
	}
	if (fcntl(master, F_GETFD) != FD_CLOEXEC || fcntl(slave, F_GETFD) != FD_CLOEXEC)
		return 3;
	if (ioctl(slave, TIOCGWINSZ, &size) < 0 || size.ws_row != 24 || size.ws_col != 65535)
		return 4;
	/* It is the container's first, and on its console. */
	if (fstatat(root, "dev/pts/0", &st, 0) < 0 || fstatat(root, "dev/console", &console, 0) < 0)
		return 5;
	if (st.st_rdev != console.st_rdev || st.st_ino != console.st_ino || st.st_uid != 0)
		return 6;
	if (write(slave, "x", 1) != 1 || read(master, &size, 1) != 1)
		return 7;
	/* A second one, without a console. */
	if (terminal_open(root, &process, false, &master, &slave, &err) != 0)
		return 8;
	return fstat(slave, &st) == 0 && st.st_rdev != console.st_rdev ? 0 : 9;
}

START_TEST(opened_in_a_container)
{
	struct scratch scratch;

	scratch_open(&scratch);
	ck_assert_int_eq(suite_in_user_namespace("terminal_open", open_in_container, &scratch), 0);
	scratch_close(&scratch);
}
END_TEST

/* R11 (a): /dev/console of the image is a link to a file that the terminal must not cover. */
static int open_with_console_link(void *data)
{
	const struct scratch *scratch = data;
	const int root = open_root(scratch);
	const struct oci_process process = {.terminal = true};
	struct error err = ERROR_INIT;
	int master = -1, slave = -1;
	struct stat st;

	if (root < 0)
		return 1;
	scratch_text(root, "secret", "secret", 0600);
	scratch_link(root, "dev/console", "/secret");
	if (terminal_open(root, &process, true, &master, &slave, &err) != -EINVAL)
		return 2;
	if (strcmp(err.message, "/dev/console in the root filesystem is a symbolic link") != 0 ||
	    strcmp(err.field, "process.terminal") != 0)
		return 3;
	if (fstatat(root, "secret", &st, 0) < 0 || !S_ISREG(st.st_mode))
		return 4;
	return master == -1 && slave == -1 ? 0 : 5;
}

START_TEST(console_that_is_a_link)
{
	struct scratch scratch;

	scratch_open(&scratch);
	ck_assert_int_eq(
		suite_in_user_namespace("a console link", open_with_console_link, &scratch), 0);
	scratch_close(&scratch);
}
END_TEST

static int open_with_mounted_ptmx(void *data)
{
	const struct scratch *scratch = data;
	const int root = open_root(scratch);
	const struct oci_process process = {.terminal = true};
	struct error err = ERROR_INIT;
	int master = -1, slave = -1;
	char path[128];

	if (root < 0)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/dev/pts/ptmx", scratch->path);
	if (mount("/dev/ptmx", path, NULL, MS_BIND, NULL) < 0)
		return 2;
	if (terminal_open(root, &process, true, &master, &slave, &err) != -EXDEV)
		return 3;
	return strcmp(err.message, "/dev/pts/ptmx of the container is not a devpts ptmx") == 0 ? 0
											       : 4;
}

/* Another device on top of ptmx, though one of the right number, is not the container's. */
START_TEST(ptmx_that_is_mounted_over)
{
	struct scratch scratch;

	scratch_open(&scratch);
	ck_assert_int_eq(
		suite_in_user_namespace("a mount on ptmx", open_with_mounted_ptmx, &scratch), 0);
	scratch_close(&scratch);
}
END_TEST

/* R11 (b): a directory that plays devpts, where opening could stall or hit a device. */
START_TEST(devpts_that_is_none)
{
	const struct oci_process process = {.terminal = true};
	static const char hint[] = "a terminal needs a mount of type devpts on /dev/pts";
	struct error err = ERROR_INIT;
	struct scratch scratch;
	int master = -1, slave = -1;

	scratch_open(&scratch);
	ck_assert_int_eq(terminal_open(scratch.fd, &process, true, &master, &slave, &err), -ENOENT);
	ck_assert_error(&err, ENOENT, "process.terminal",
			"/dev/pts/ptmx of the container is not a devpts ptmx", hint);
	scratch_directory(scratch.fd, "dev", 0755);
	scratch_directory(scratch.fd, "dev/pts", 0755);
	ck_assert_int_eq(mkfifoat(scratch.fd, "dev/pts/ptmx", 0666), 0);
	ck_assert_int_eq(terminal_open(scratch.fd, &process, true, &master, &slave, &err), -ENODEV);
	ck_assert_error(&err, ENODEV, "process.terminal",
			"/dev/pts/ptmx of the container is not a devpts ptmx", hint);
	ck_assert_int_eq(master, -1);
	ck_assert_int_eq(slave, -1);
	scratch_close(&scratch);
}
END_TEST

static int open_with_size(void *data)
{
	const struct scratch *scratch = data;
	const int root = open_root(scratch);
	struct oci_box box = {.height = 65536, .width = 1};
	const struct oci_process process = {.terminal = true, .console_size = &box};
	struct error err = ERROR_INIT;
	int master = -1, slave = -1;

	if (root < 0)
		return 1;
	if (terminal_open(root, &process, false, &master, &slave, &err) != -EINVAL ||
	    strcmp(err.field, "process.consoleSize.height") != 0 ||
	    strcmp(err.message, "65536 rows are more than a terminal can have (65535)") != 0)
		return 2;
	box = (struct oci_box){.height = 1, .width = 4294967295};
	if (terminal_open(root, &process, false, &master, &slave, &err) != -EINVAL ||
	    strcmp(err.field, "process.consoleSize.width") != 0 ||
	    strcmp(err.message, "4294967295 columns are more than a terminal can have (65535)") !=
		    0)
		return 3;
	return master == -1 && slave == -1 ? 0 : 4;
}

START_TEST(sizes_that_no_terminal_has)
{
	struct scratch scratch;

	scratch_open(&scratch);
	ck_assert_int_eq(suite_in_user_namespace("console sizes", open_with_size, &scratch), 0);
	scratch_close(&scratch);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		raw_mode_and_back,     raw_mode_of_no_terminal,	   restored_from_the_background,
		size_is_copied,	       attached_process,	   attached_as_its_own_number,
		opened_in_a_container, console_that_is_a_link,	   ptmx_that_is_mounted_over,
		devpts_that_is_none,   sizes_that_no_terminal_has,
	};

	return suite_run("terminal", tests, suite_count(tests));
}
