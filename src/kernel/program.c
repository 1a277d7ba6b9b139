/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/signals.h"
#include "base/text.h"
#include "kernel/process.h"
#include "kernel/syscalls.h"

#ifndef MFD_EXEC /* Linux 6.3; before, every memfd could be executed */
#define MFD_EXEC 0x0010U
#endif
/* How long execve(2) may take, and a death by SIGKILL, milliseconds. */
#define PROGRAM_START_MS 10000
#define PROGRAM_KILL_MS	 10000
/* How much of the output goes into a sentence. */
#define PROGRAM_WORDS_MAX 512
/* What a pipe holds (pipe(7)). */
#define PROGRAM_PIPE_SIZE 65536
#define PROGRAM_CHUNK	  4096

int program_image_open(const char *name, const void *bytes, size_t size, int *ret_image,
		       struct error *err)
{
	auto_close int fd = memfd_create(name, MFD_CLOEXEC | MFD_EXEC);
	int r;

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC);
	if (fd < 0) {
		error_errno(err, errno, "make the program %s", name);
		return error_hint(err, "sysctl vm.memfd_noexec must be 0 or 1");
	}
	r = io_write_all(fd, bytes, size);
	if (r < 0)
		return error_errno(err, -r, "make the program %s", name);
	*ret_image = fd_take(&fd);
	return 0;
}

int program_find(const char *name, char *path, size_t size)
{
	static const char *const directories[] = {"/usr/local/sbin/", "/usr/local/bin/",
						  "/usr/sbin/",	      "/usr/bin/",
						  "/sbin/",	      "/bin/"};
	bool is_path = strchr(name, '/') != NULL;

	for (size_t i = 0; i < (is_path ? 1 : array_size(directories)); i++) {
		int length = snprintf(path, size, "%s%s", is_path ? "" : directories[i], name);

		if (length < 0 || (size_t)length >= size)
			return -ENAMETOOLONG;
		if (access(path, X_OK) == 0)
			return 0;
	}
	return -ENOENT;
}

/* What the child uses, besides the program. */
struct program_ends {
	int output; /* the writing end of the captured streams */
	int report; /* where the errno of a failed execve goes; closed by a good one */
};

/* Away from the numbers that are about to be given out. */
static int program_move_up(const struct program *program, int fd)
{
	int first = STDERR_FILENO + 1 + (int)program->descriptor_count;

	if (fd < 0)
		return fd;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, first);
	return fd < 0 ? -errno : fd;
}

static int program_connect_stream(enum program_stream stream, int null, int output, int number)
{
	int from = stream == PROGRAM_CAPTURE ? output : null;

	if (stream == PROGRAM_KEEP)
		return 0;
	return dup2(from, number) < 0 ? -errno : 0;
}

/* In the child: the descriptors that the program is to have, and no other. */
static int program_connect(const struct program *program, int output)
{
	int moved[PROGRAM_DESCRIPTORS_MAX] = {0};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);
	int r;

	if (null < 0)
		return -errno;
	null = program_move_up(program, null);
	if (null < 0)
		return null;
	for (size_t i = 0; i < program->descriptor_count; i++) {
		moved[i] = program_move_up(program, program->descriptors[i]);
		if (moved[i] < 0)
			return moved[i];
	}
	r = program_connect_stream(program->input, null, null, STDIN_FILENO);
	if (r < 0)
		return r;
	r = program_connect_stream(program->output, null, output, STDOUT_FILENO);
	if (r < 0)
		return r;
	r = program_connect_stream(program->errors, null, output, STDERR_FILENO);
	if (r < 0)
		return r;
	for (size_t i = 0; i < program->descriptor_count; i++)
		if (dup2(moved[i], STDERR_FILENO + 1 + (int)i) < 0)
			return -errno;
	return fd_cloexec_from(STDERR_FILENO + 1 + (unsigned int)program->descriptor_count);
}

static int program_execute(const struct program *program, const struct program_ends *ends)
{
	char *nothing[] = {NULL};
	char *const *environment = program->environment ? program->environment : nothing;
	int output = program_move_up(program, ends->output);
	int image = program->path ? -EBADF : program_move_up(program, program->image);
	sigset_t all;
	int r;

	if ((ends->output >= 0 && output < 0) || (!program->path && image < 0))
		return -EMFILE;
	r = program_connect(program, output);
	if (r < 0)
		return r;
	process_reset_signals();
	if (program->deaf) {
		signals_fill(&all);
		(void)sigprocmask(SIG_SETMASK, &all, NULL);
	}
	if (program->path)
		(void)execve(program->path, program->arguments, environment);
	else
		(void)fexecve(image, program->arguments, environment);
	return -errno;
}

static void __attribute__((noreturn))
program_child(const struct program *program, struct program_ends ends)
{
	int r;

	/* Its number may be one of the program's descriptors. */
	ends.report = program_move_up(program, ends.report);
	r = program->prepare ? program->prepare(program->data) : 0;
	if (r == 0)
		r = program_execute(program, &ends);
	(void)io_write_all(ends.report, &r, sizeof(r));
	_exit(127);
}

/* 0 when the program has been executed, else why not. */
static int program_hear(int report, int pidfd)
{
	ssize_t n;
	int number, r;

	r = process_wait_readable(report, pidfd, process_now() + PROGRAM_START_MS);
	if (r < 0)
		return r;
	do
		n = read(report, &number, sizeof(number));
	while (n < 0 && errno == EINTR);
	if (n == 0) /* by execve; or it was killed before, which its status says */
		return 0;
	return n == sizeof(number) ? number : -EIO;
}

static int program_pipe(int *ret_reader, int *ret_writer, struct error *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, errno, "make a pipe");
	*ret_reader = ends[0];
	*ret_writer = ends[1];
	return 0;
}

pid_t program_start_pid(const struct program *program, int *ret_pidfd, int *ret_output,
			struct error *err)
{
	auto_close int reader = -EBADF, writer = -EBADF, report = -EBADF, answer = -EBADF;
	bool capture = program->output == PROGRAM_CAPTURE || program->errors == PROGRAM_CAPTURE;
	int pidfd = -EBADF, status, r;
	pid_t pid;

	if (program->descriptor_count > PROGRAM_DESCRIPTORS_MAX || (capture && !ret_output))
		return error_errno(err, EINVAL, "execute %s", program->name);
	r = program_pipe(&answer, &report, err);
	if (r == 0 && capture)
		r = program_pipe(&reader, &writer, err);
	if (r < 0)
		return r;
	/* Only our end: to the program the stream must be an ordinary one. */
	if (capture && fcntl(reader, F_SETFL, O_NONBLOCK) < 0)
		return error_errno(err, errno, "make a pipe");
	pid = process_fork(CLONE_CLEAR_SIGHAND, -1, &pidfd);
	if (pid < 0)
		return error_errno(err, -pid, "start %s", program->name);
	if (pid == 0)
		program_child(program, (struct program_ends){writer, report});
	report = fd_close(report);
	r = program_hear(answer, pidfd);
	if (r < 0) {
		(void)program_end(&pidfd, 0, &status);
		return error_errno(err, -r, "execute %s", program->name);
	}
	*ret_pidfd = pidfd;
	if (ret_output)
		*ret_output = fd_take(&reader);
	return pid;
}

int program_start(const struct program *program, int *ret_pidfd, int *ret_output, struct error *err)
{
	pid_t pid = program_start_pid(program, ret_pidfd, ret_output, err);

	return pid < 0 ? pid : 0;
}

int program_end(int *pidfd, int64_t timeout, int *ret_status)
{
	int waited = process_wait_dead(*pidfd, process_now() + timeout), r = 0;

	if (waited < 0) {
		(void)process_signal(*pidfd, SIGKILL);
		r = process_wait_dead(*pidfd, process_now() + PROGRAM_KILL_MS);
	}
	if (r == 0)
		r = process_reap(*pidfd, ret_status);
	*pidfd = fd_close(*pidfd);
	return waited < 0 ? waited : r;
}

void program_result_clear(struct program_result *result)
{
	free(result->output);
	*result = (struct program_result){0};
}

static void program_keep(struct text *text, const char *chunk, size_t length, size_t max, bool *cut)
{
	size_t room = max - text->length;

	*cut |= length > room;
	text_append_bytes(text, chunk, length < room ? length : room);
}

/* Reads until the program is dead. Its own children may keep the pipe open. */
static int program_listen(int output, int pidfd, int64_t deadline, size_t max, struct text *text,
			  bool *ret_cut)
{
	char chunk[PROGRAM_CHUNK];
	int r = 0;

	while (r != PROCESS_DEAD) {
		ssize_t n;

		r = process_wait_readable(output, pidfd, deadline);
		if (r < 0)
			return r;
		if (r == PROCESS_DEAD)
			break;
		n = read(output, chunk, sizeof(chunk));
		if (n > 0)
			program_keep(text, chunk, (size_t)n, max, ret_cut);
		else if (n == 0)
			return process_wait_dead(pidfd, deadline);
		else if (errno != EINTR && errno != EAGAIN)
			return -errno;
	}
	/* What it has left in the pipe, but not what others may go on to write into it. */
	for (int i = 0; i < PROGRAM_PIPE_SIZE / PROGRAM_CHUNK; i++) {
		ssize_t n = read(output, chunk, sizeof(chunk));

		if (n <= 0)
			break;
		program_keep(text, chunk, (size_t)n, max, ret_cut);
	}
	return 0;
}

int program_run(const struct program *program, int64_t timeout, size_t output_max,
		struct program_result *ret_result, struct error *err)
{
	struct program_result result = {0};
	auto_close int output = -EBADF;
	auto_text struct text text = {0};
	int64_t deadline = process_now() + timeout;
	int pidfd = -EBADF, r, ended;

	r = program_start(program, &pidfd, &output, err);
	if (r < 0)
		return r;
	if (output >= 0)
		r = program_listen(output, pidfd, deadline, output_max, &text, &result.cut);
	else
		r = process_wait_dead(pidfd, deadline);
	ended = program_end(&pidfd, 0, &result.status);
	if (r == -ETIMEDOUT)
		return error_set(err, ETIMEDOUT, "%s took longer than %lld s, and was killed",
				 program->name, (long long)(timeout / 1000));
	if (r == 0)
		r = ended;
	text_append_bytes(&text, "", 0);
	if (r == 0 && text.failed)
		r = -ENOMEM;
	if (r < 0)
		return error_errno(err, -r, "wait for %s", program->name);
	result.length = text.length;
	result.output = pointer_take(text.data);
	*ret_result = result;
	return 0;
}

/* The end of the output on one line. */
static void program_words(const struct program_result *result, char *words, size_t size)
{
	size_t first = 0, end = result->length;

	while (end > 0 && (unsigned char)result->output[end - 1] <= ' ')
		end--;
	if (end > PROGRAM_WORDS_MAX)
		first = end - PROGRAM_WORDS_MAX;
	text_quote_output(result->output + first, end - first, words, size);
}

int program_judge(const struct program *program, const struct program_result *result,
		  struct error *err)
{
	char words[2 * PROGRAM_WORDS_MAX + 3];

	if (result->status == 0)
		return 0;
	program_words(result, words, sizeof(words));
	if (WIFSIGNALED(result->status))
		return error_set(err, EIO, "%s was killed by signal %d%s%s", program->name,
				 WTERMSIG(result->status), words[0] ? ": " : "", words);
	return error_set(err, EIO, "%s failed with status %d%s%s", program->name,
			 WEXITSTATUS(result->status), words[0] ? ": " : "", words);
}
