/* SPDX-License-Identifier: Apache-2.0 */
#include "container/criu/criu.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "container/criu/effort.h"
#include "kernel/channel.h"
#include "kernel/process.h"
#include "kernel/program.h"

/* How long criu may take to end when its work is done, milliseconds. */
#define CRIU_END_MS 10000
/* How often it is looked at while there is no word of it. */
#define CRIU_LOOK_MS 1000
#define CRIU_LOG_MAX (64u << 20)
/* The most that criu sends at once (its own limit of a message). */
#define CRIU_MESSAGE_MAX 65536
/* "debug" of criu(8), as other runtimes ask for: what its log explains later is worth it. */
#define CRIU_LOG_DEBUG 4

static int criu_find(char *path, size_t size, struct error *err)
{
	if (program_find("criu", path, size) == 0)
		return 0;
	error_set(err, ENOENT, "checkpoint and restore need the program criu, which is not there");
	return error_hint(err, "install the package criu; `knarr doctor` tells what else it needs");
}

int criu_check(struct error *err)
{
	char path[PATH_MAX];

	return criu_find(path, sizeof(path), err);
}

/* A file of settings, criu's descriptor `number`, which it reads before there is a request. */
static int criu_write_settings(const char *address, size_t number, char variable[64], int *ret_fd,
			       struct error *err)
{
	auto_close int fd = memfd_create("criu", MFD_CLOEXEC);
	auto_text struct text text = {0};
	int r;

	text_format(&text, "address %s\n", address);
	if (fd < 0 || text.failed)
		return error_errno(err, fd < 0 ? errno : ENOMEM, "make a file for criu");
	r = io_write_all(fd, text.data, text.length);
	if (r < 0)
		return error_errno(err, -r, "make a file for criu");
	(void)snprintf(variable, 64, "CRIU_CONFIG_FILE=/proc/self/fd/%zu", number);
	*ret_fd = fd_take(&fd);
	return 0;
}

int criu_start(const struct criu_start *start, struct criu *ret_criu, struct error *err)
{
	char *arguments[] = {(char *)(uintptr_t) "criu", (char *)(uintptr_t) "swrk",
			     (char *)(uintptr_t) "3", NULL};
	char variable[64];
	char *environment[] = {(char *)(uintptr_t) "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/"
						   "usr/bin:/sbin:/bin",
			       start->address ? variable : NULL, NULL};
	auto_close int ours = -EBADF, theirs = -EBADF, settings = -EBADF;
	int descriptors[PROGRAM_DESCRIPTORS_MAX], ends[2], r;
	char path[PATH_MAX];
	struct program program = {.name = "criu",
				  .path = path,
				  .arguments = arguments,
				  .environment = environment,
				  .descriptors = descriptors,
				  .descriptor_count = 1 + start->descriptor_count,
				  .prepare = start->prepare,
				  .data = start->data};

	if (start->stdio)
		program.input = program.output = program.errors = PROGRAM_KEEP;
	if (program.descriptor_count + (start->address ? 1 : 0) > PROGRAM_DESCRIPTORS_MAX)
		return error_set(err, E2BIG, "too many namespaces are joined for criu");
	r = criu_find(path, sizeof(path), err);
	if (r < 0)
		return r;
	r = channel_open(ends);
	if (r < 0)
		return error_errno(err, -r, "make a socket for criu");
	ours = ends[0];
	theirs = ends[1];
	descriptors[0] = theirs;
	for (size_t i = 0; i < start->descriptor_count; i++)
		descriptors[1 + i] = start->descriptors[i];
	if (start->address) {
		r = criu_write_settings(start->address, CRIU_FIRST_FD + start->descriptor_count,
					variable, &settings, err);
		if (r < 0)
			return r;
		descriptors[program.descriptor_count++] = settings;
	}
	if (!start->cgroup_namespace)
		ret_criu->cgroup_lock = criu_cgroup_lock();
	criu_cgroup_options(ret_criu->cgroup_options);
	ret_criu->pid = program_start_pid(&program, &ret_criu->pidfd, NULL, err);
	if (ret_criu->pid < 0)
		return ret_criu->pid;
	ret_criu->socket = fd_take(&ours);
	return 0;
}

void criu_end(struct criu *criu)
{
	int status;

	criu->socket = fd_close(criu->socket);
	if (criu->pidfd >= 0) {
		(void)program_end(&criu->pidfd, CRIU_END_MS, &status);
		criu_cgroup_mend(criu->cgroup_options);
	}
	criu->cgroup_lock = fd_close(criu->cgroup_lock);
}

/* That nobody hears it any more is no error here: criu's last message, its end and its log, which
 * tell why, are what criu_receive() comes to next.
 */
static int criu_send(const struct criu *criu, const struct text *message, struct error *err)
{
	ssize_t n;

	if (message->failed)
		return error_errno(err, ENOMEM, "ask criu");
	do
		n = send(criu->socket, message->data, message->length, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EPIPE && errno != ECONNRESET)
		return error_errno(err, errno, "ask criu");
	return 0;
}

static int criu_is_idle(const struct criu_call *call, struct error *err)
{
	error_set(err, ETIMEDOUT, "criu has done nothing for %lld s and is ended",
		  (long long)(call->idle_ms / 1000));
	return error_hint(err, "its log is %s/%s", call->places->work_path, call->places->log);
}

/* Waits for a message or for the end of criu: 0. Or criu is judged: 1, or a negative errno. */
static int criu_wait(const struct criu *criu, const struct criu_call *call, struct error *err)
{
	const struct criu_places *places = call->places;
	int64_t look = call->idle_ms / 4 < CRIU_LOOK_MS ? call->idle_ms / 4 : CRIU_LOOK_MS;
	int64_t since = process_now();
	struct criu_effort before, now;
	int r;

	criu_effort_look(criu->pid, places->work, places->log, &before);
	do {
		r = process_wait_readable(criu->socket, criu->pidfd, process_now() + look);
		if (r != -ETIMEDOUT)
			return r < 0 ? error_errno(err, -r, "wait for criu") : 0;
		criu_effort_look(criu->pid, places->work, places->log, &now);
		if (!criu_effort_is_same(&before, &now))
			since = process_now();
		else if (call->judge && (r = call->judge(call->data, err)) != 0) {
			(void)process_signal(criu->pidfd, SIGKILL);
			return r;
		}
		before = now;
	} while (process_now() - since < call->idle_ms);
	return criu_is_idle(call, err);
}

/* One message, and the descriptor that came along or -EBADF. 1: none comes, and none has to. */
static int criu_receive(const struct criu *criu, const struct criu_call *call,
			struct criu_response *ret_response, int *ret_fd, struct error *err)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char message[CRIU_MESSAGE_MAX];
	struct iovec iov = {.iov_base = message, .iov_len = sizeof(message)};
	struct msghdr header = {.msg_iov = &iov,
				.msg_iovlen = 1,
				.msg_control = &control,
				.msg_controllen = sizeof(control)};
	ssize_t n;
	int r = criu_wait(criu, call, err);

	*ret_fd = -EBADF;
	if (r != 0)
		return r;
	do
		n = recvmsg(criu->socket, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return error_set(err, EPIPE, "criu ended before its work was done");
	*ret_fd = channel_take_fd(&header);
	if (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ||
	    criu_parse_response(message, (size_t)n, ret_response) < 0) {
		*ret_fd = fd_close(*ret_fd);
		return error_set(err, EBADMSG, "criu sent what is no message");
	}
	return 0;
}

/* The first error in its log is the cause, the others follow from it. */
static void criu_first_error(const struct criu_places *places, struct text *words)
{
	auto_free char *log = NULL;
	const char *line;

	if (io_read_file(places->work, places->log, O_NOFOLLOW, CRIU_LOG_MAX, &log, NULL) < 0)
		return;
	line = criu_find_error(log);
	if (line)
		text_append_bytes(words, line, strcspn(line, "\n"));
}

static int criu_explain(const struct criu_call *call, const struct criu_response *response,
			struct error *err)
{
	auto_text struct text words = {0};
	int number = response->number > 0 ? response->number : EIO;

	criu_first_error(call->places, &words);
	if (words.length > 0)
		error_set(err, number, "criu failed: %s", words.data);
	else if (response->words[0])
		error_set(err, number, "criu failed: %s", response->words);
	else
		error_errno(err, number, "criu failed");
	return error_hint(err, "its log is %s/%s", call->places->work_path, call->places->log);
}

static int criu_answer(const struct criu *criu, const struct criu_call *call,
		       const struct criu_response *response, int fd, struct error *err)
{
	auto_text struct text answer = {0};
	struct error ignored = ERROR_INIT;
	int r = call->notify ? call->notify(response, fd, call->data, err) : 0;

	criu_put_answer(&answer, r == 0);
	if (r < 0) {
		(void)criu_send(criu, &answer, &ignored);
		return r;
	}
	return criu_send(criu, &answer, err);
}

int criu_call(const struct criu *criu, const struct criu_call *call, struct error *err)
{
	auto_text struct text request = {0};
	struct criu_response response;
	int r;

	criu_put_request(&request, call->type, call->options);
	r = criu_send(criu, &request, err);
	while (r == 0) {
		auto_close int fd = -EBADF;

		r = criu_receive(criu, call, &response, &fd, err);
		if (r == -EPIPE) {
			response = (struct criu_response){.number = EPIPE};
			return criu_explain(call, &response, err);
		}
		if (r != 0)
			return r < 0 ? r : 0;
		if (!response.success)
			return criu_explain(call, &response, err);
		if (response.type == (uint32_t)call->type)
			return 0;
		if (response.type != CRIU_NOTIFY)
			return error_set(err, EPROTO, "criu answered %u", response.type);
		r = criu_answer(criu, call, &response, fd, err);
	}
	return r;
}

/* ---- places ---- */

static int criu_make_directory(const char *path)
{
	char partial[PATH_MAX];
	size_t length = strlen(path);

	if (length >= sizeof(partial))
		return -ENAMETOOLONG;
	memcpy(partial, path, length + 1);
	for (size_t i = 1; i <= length; i++) {
		if (partial[i] != '/' && partial[i] != '\0')
			continue;
		partial[i] = '\0';
		if (mkdir(partial, 0700) < 0 && errno != EEXIST)
			return -errno;
		partial[i] = path[i];
	}
	return 0;
}

static int criu_open_place(const char *path, bool make, struct error *err)
{
	int fd, r = make ? criu_make_directory(path) : 0;

	if (r < 0)
		return error_errno(err, -r, "make %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_errno(err, errno, "open %s", path) : fd;
}

int criu_open_places(const char *images, const char *work, bool make,
		     struct criu_places *ret_places, struct error *err)
{
	struct criu_places places = {.images_path = images, .work_path = work ? work : images};

	places.images = criu_open_place(images, make, err);
	if (places.images < 0)
		return places.images;
	/* That one is nobody's to prepare. */
	places.work = criu_open_place(places.work_path, true, err);
	if (places.work < 0) {
		fd_close(places.images);
		return places.work;
	}
	*ret_places = places;
	return 0;
}

void criu_close_places(struct criu_places *places)
{
	places->images = fd_close(places->images);
	places->work = fd_close(places->work);
}

void criu_put_common(struct text *options, const struct criu_places *places, const char *config)
{
	static const char *const defaults[] = {"/etc/criu/knarr.conf", "/etc/criu/runc.conf"};

	for (size_t i = 0; i < array_size(defaults) && !config; i++)
		if (access(defaults[i], R_OK) == 0)
			config = defaults[i];
	criu_put_number(options, CRIU_IMAGES_DIR_FD, places->images);
	criu_put_number(options, CRIU_WORK_DIR_FD, places->work);
	criu_put_number(options, CRIU_LOG_LEVEL, CRIU_LOG_DEBUG);
	criu_put_string(options, CRIU_LOG_FILE, places->log);
	criu_put_number(options, CRIU_NOTIFY_SCRIPTS, true);
	criu_put_number(options, CRIU_ORPHAN_PTS_MASTER, true);
	/* An empty annotation: none at all. */
	if (config && config[0])
		criu_put_string(options, CRIU_CONFIG_FILE, config);
}
