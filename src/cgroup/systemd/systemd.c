/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/systemd/systemd.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "cgroup/systemd/protocol.h"
#include "kernel/channel.h"
#include "kernel/process.h"
#include "kernel/program.h"

/* How much longer than the program itself its answer is waited for, milliseconds. */
#define UNIT_GRACE 2000
/* How long a unit without processes may need to be gone, milliseconds; then it is asked to. */
#define UNIT_END_MS 40

struct cgroup_unit *systemd_unit_new(const struct cgroup_location *location, struct error *err)
{
	struct cgroup_unit *unit = calloc(1, sizeof(*unit));

	if (unit) {
		unit->channel = unit->pidfd = -EBADF;
		unit->slice = cgroup_location_is_slice(location);
		unit->name = strdup(location->unit);
		unit->path = strdup(location->unit_path);
		unit->bus = strdup(location->bus);
		unit->runtime = strdup(location->runtime);
		unit->subcgroup = strdup(location->path + strlen(location->unit_path));
	}
	if (unit && unit->name && unit->path && unit->bus && unit->runtime && unit->subcgroup)
		return unit;
	systemd_unit_free(unit);
	(void)error_errno(err, ENOMEM, "prepare the container's unit");
	return NULL;
}

static int unit_end_program(struct cgroup_unit *unit)
{
	int status = 0;

	/* Init may have a copy of the descriptor, and the program waits for the end of them all. */
	if (unit->channel >= 0)
		(void)shutdown(unit->channel, SHUT_RDWR);
	unit->channel = fd_close(unit->channel);
	unit->holder = 0;
	if (unit->pidfd >= 0)
		(void)program_end(&unit->pidfd, UNIT_GRACE, &status);
	return process_exit_code(status);
}

bool systemd_unit_was_killed(struct cgroup_unit *unit)
{
	return unit->holder != 0 && process_is_dead(unit->pidfd) &&
	       unit_end_program(unit) == 128 + SIGKILL;
}

void systemd_unit_leave(struct cgroup_unit *unit)
{
	(void)unit_end_program(unit);
}

void systemd_unit_free(struct cgroup_unit *unit)
{
	if (!unit)
		return;
	(void)unit_end_program(unit);
	free(unit->name);
	free(unit->path);
	free(unit->bus);
	free(unit->runtime);
	free(unit->subcgroup);
	free(unit);
}

/*
 * The program.
 */

/* What is called: "start", and the words behind the unit's own. */
struct unit_call {
	const char *command;
	char **words; /* NULL-terminated, or NULL */
	int64_t timeout;
};

/* The arguments as the program's header has them; the caller frees the array. */
static char **unit_arguments(const struct cgroup_unit *unit, const struct unit_call *call,
			     const char *private)
{
	const char *const first[] = {"knarr-systemd", call->command, unit->bus,
				     private,	      unit->name,    unit->subcgroup};
	char *const nothing[] = {NULL}, *const *words = call->words ? call->words : nothing;
	size_t count = 0, n = array_size(first);
	char **argv;

	while (words[count])
		count++;
	argv = calloc(n + count + 1, sizeof(*argv));
	if (!argv)
		return NULL;
	for (size_t i = 0; i < n; i++)
		argv[i] = (char *)(uintptr_t)first[i];
	for (size_t i = 0; i < count; i++)
		argv[n + i] = words[i];
	return argv;
}

static int unit_run(struct cgroup_unit *unit, const struct unit_call *call, struct error *err)
{
	auto_close int image = -EBADF, channel = -EBADF, theirs = -EBADF;
	struct program program = {.name = "knarr-systemd", .deaf = true};
	auto_free char **argv = NULL;
	char private[PATH_MAX];
	int ends[2], r;

	if (snprintf(private, sizeof(private), "%s/private", unit->runtime) >= (int)sizeof(private))
		return error_errno(err, ENAMETOOLONG, "%s", unit->runtime);
	argv = unit_arguments(unit, call, private);
	if (!argv)
		return error_errno(err, ENOMEM, "call systemd");
	r = systemd_image_open(&image, err);
	if (r < 0)
		return r;
	r = channel_open(ends);
	if (r < 0)
		return error_errno(err, -r, "make a channel to knarr-systemd");
	channel = ends[0];
	theirs = ends[1];
	program.arguments = argv;
	program.image = image;
	program.descriptors = &theirs;
	program.descriptor_count = 1;
	r = program_start(&program, &unit->pidfd, NULL, err);
	if (r < 0)
		return r;
	unit->channel = fd_take(&channel);
	return 0;
}

static int unit_explain(struct cgroup_unit *unit, int r, struct error *err)
{
	int status;

	if (r != -EPIPE) {
		(void)process_signal(unit->pidfd, SIGKILL);
		(void)unit_end_program(unit);
		error_errno(err, -r, "wait for systemd to answer about %s", unit->name);
		return error_hint(err, "is systemd or its bus overloaded or stopped?");
	}
	status = unit_end_program(unit);
	error_set(err, EIO, "knarr-systemd, which speaks to systemd, ended with status %d", status);
	/* What the dynamic loader exits with. */
	if (status == 127)
		error_hint(err,
			   "it needs libsystemd.so.0 and the C library that knarr was built with");
	return -err->number;
}

/* The answer to what has been asked. */
static int unit_await(struct cgroup_unit *unit, int64_t timeout, struct error *err)
{
	struct channel_message message;
	int r = channel_recv(unit->channel, unit->pidfd, process_now() + timeout + UNIT_GRACE,
			     &message, NULL);

	if (r < 0)
		return unit_explain(unit, r, err);
	if (message.error.number != 0) {
		*err = message.error;
		return -err->number;
	}
	unit->holder = (pid_t)message.value;
	return 0;
}

/* Calls, and the program ends. */
static int unit_call(const struct cgroup_unit *unit, const struct unit_call *call,
		     struct error *err)
{
	struct cgroup_unit once = *unit;
	int r;

	once.channel = once.pidfd = -EBADF;
	r = unit_run(&once, call, err);
	if (r == 0)
		r = unit_await(&once, call->timeout, err);
	(void)unit_end_program(&once);
	return r;
}

/* NAME, SINCE, VALUE for each; the numbers are in `numbers`, 12 bytes each. */
static char **unit_words(const struct systemd_properties *properties, char *numbers)
{
	char **words = calloc(3 * properties->count + 1, sizeof(*words));

	for (size_t i = 0; words && i < properties->count; i++) {
		const struct systemd_property *property = &properties->items[i];

		(void)snprintf(numbers + 12 * i, 12, "%u", property->since);
		words[3 * i] = property->name;
		words[3 * i + 1] = numbers + 12 * i;
		words[3 * i + 2] = property->value;
	}
	return words;
}

static int unit_send_properties(struct cgroup_unit *unit, const char *command,
				const struct systemd_properties *properties, struct error *err)
{
	auto_free char *numbers = calloc(properties->count + 1, 12);
	auto_free char **words = numbers ? unit_words(properties, numbers) : NULL;
	struct unit_call call = {.command = command, .words = words, .timeout = SYSTEMD_TIMEOUT};
	int r;

	if (!words || properties->failed)
		return error_errno(err, ENOMEM, "list the properties of %s", unit->name);
	r = unit_run(unit, &call, err);
	if (r == 0)
		r = unit_await(unit, call.timeout, err);
	if (r < 0 || strcmp(command, "start") != 0)
		(void)unit_end_program(unit);
	return r;
}

int systemd_unit_start(struct cgroup_unit *unit, const struct systemd_properties *properties,
		       struct error *err)
{
	return unit_send_properties(unit, unit->slice ? "slice" : "start", properties, err);
}

int systemd_unit_set(const struct cgroup_unit *unit, const struct systemd_properties *properties,
		     struct error *err)
{
	struct cgroup_unit once = *unit;

	once.channel = once.pidfd = -EBADF;
	return properties->count > 0 || properties->failed
		       ? unit_send_properties(&once, "set", properties, err)
		       : 0;
}

/* A word to the program that stays. */
static int unit_tell(struct cgroup_unit *unit, enum systemd_word word, int64_t value,
		     struct error *err)
{
	struct channel_message message = {.word = word, .value = value};
	int r = channel_send(unit->channel, &message, -1);

	if (r < 0)
		return unit_explain(unit, r, err);
	return unit_await(unit, SYSTEMD_TIMEOUT, err);
}

int systemd_unit_attach(const struct cgroup_unit *unit, pid_t pid, struct error *err)
{
	char number[16], *words[] = {number, NULL};
	struct unit_call call = {.command = "attach", .words = words, .timeout = SYSTEMD_TIMEOUT};

	(void)snprintf(number, sizeof(number), "%d", (int)pid);
	return unit_call(unit, &call, err);
}

int systemd_unit_release(struct cgroup_unit *unit, struct error *err)
{
	int r = 0;

	if (unit->holder == 0)
		return 0;
	if (unit->alone)
		r = unit_tell(unit, SYSTEMD_TASKS, 1, err);
	(void)unit_end_program(unit);
	return r;
}

bool systemd_unit_is_there(const struct cgroup_unit *unit, int64_t deadline)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/transient/%s", unit->runtime, unit->name) >=
	    (int)sizeof(path))
		return true;
	for (long pause = 1; access(path, F_OK) == 0; pause *= 2) {
		struct timespec time = {.tv_nsec = pause * 1000000};

		if (process_now() >= deadline)
			return true;
		(void)nanosleep(&time, NULL);
	}
	/* Whoever may not look asks. */
	return errno != ENOENT && errno != ENOTDIR;
}

int systemd_unit_stop(struct cgroup_unit *unit, struct error *err)
{
	struct unit_call call = {.command = "stop", .timeout = SYSTEMD_STOP_TIMEOUT};
	/* A slice stays without processes. */
	int64_t deadline = unit->slice ? 0 : process_now() + UNIT_END_MS;
	int r;

	(void)unit_end_program(unit);
	if (!systemd_unit_is_there(unit, deadline))
		return 0;
	r = unit_call(unit, &call, err);
	/* The way to systemd may be at fault, and not systemd. */
	if (r < 0 && !systemd_unit_is_there(unit, 0)) {
		error_clear(err);
		r = 0;
	}
	return r;
}
