/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/systemd/bus.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "base/text.h"
#include "cgroup/systemd/protocol.h"
#include "cgroup/systemd/value.h"
#include "kernel/process.h"

#define BUS_SERVICE	"org.freedesktop.systemd1"
#define BUS_OBJECT	"/org/freedesktop/systemd1"
#define BUS_MANAGER	"org.freedesktop.systemd1.Manager"
#define BUS_UNIT_EXISTS "org.freedesktop.systemd1.UnitExists"
#define BUS_NO_UNIT	"org.freedesktop.systemd1.NoSuchUnit"

#define auto_message __attribute__((cleanup(sd_bus_message_unrefp)))
#define auto_error   __attribute__((cleanup(sd_bus_error_free)))

/* What systemd or the bus said. */
static int bus_explain(const struct systemd_bus *bus, const char *what, int number,
		       const sd_bus_error *error, struct error *err)
{
	if (!error->message)
		error_errno(err, number, "systemd: %s %s", what, bus->unit);
	else
		error_set(err, sd_bus_error_get_errno(error), "systemd: %s %s: %s", what, bus->unit,
			  error->message);
	if (sd_bus_error_has_name(error, SD_BUS_ERROR_ACCESS_DENIED) ||
	    sd_bus_error_has_name(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED))
		error_hint(err, "without root the units are made by the user's own systemd");
	if (number == ETIMEDOUT || sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY))
		error_hint(err, "it does not answer: is systemd or the bus overloaded or stopped?");
	return -err->number;
}

static uint64_t bus_timeout(const struct systemd_bus *bus)
{
	int64_t left = bus->deadline - process_now();

	/* 0 would be sd-bus's own default. */
	return left > 0 ? (uint64_t)left * 1000 : 1;
}

/* Calls and frees nothing. */
static int bus_call(const struct systemd_bus *bus, sd_bus_message *message, sd_bus_error *error,
		    sd_bus_message **ret_reply)
{
	return sd_bus_call(bus->connection, message, bus_timeout(bus), error, ret_reply);
}

static int bus_new_call(const struct systemd_bus *bus, const char *method,
			sd_bus_message **ret_message, struct error *err)
{
	int r = sd_bus_message_new_method_call(bus->connection, ret_message, BUS_SERVICE,
					       BUS_OBJECT, BUS_MANAGER, method);

	return r < 0 ? error_errno(err, -r, "make a call of %s", method) : 0;
}

static int bus_connect(struct systemd_bus *bus, const char *address)
{
	int r = sd_bus_new(&bus->connection);

	if (r >= 0)
		r = sd_bus_set_address(bus->connection, address);
	if (r >= 0 && !bus->direct)
		r = sd_bus_set_bus_client(bus->connection, true);
	if (r >= 0)
		r = sd_bus_set_method_call_timeout(bus->connection, bus_timeout(bus));
	return r < 0 ? r : sd_bus_start(bus->connection);
}

/* The number in "252.38-1", "v249" or "systemd 250". */
static unsigned int bus_parse_version(const char *text)
{
	return (unsigned int)strtoul(text + strcspn(text, "0123456789"), NULL, 10);
}

static int bus_ask_version(struct systemd_bus *bus, struct error *err)
{
	sd_bus_error auto_error error = SD_BUS_ERROR_NULL;
	char *version = NULL;
	int r = sd_bus_get_property_string(bus->connection, BUS_SERVICE, BUS_OBJECT, BUS_MANAGER,
					   "Version", &error, &version);

	if (r < 0)
		return bus_explain(bus, "ask for its version before", -r, &error, err);
	bus->version = bus_parse_version(version);
	free(version);
	return 0;
}

static int bus_job_removed(sd_bus_message *message, void *data, sd_bus_error *error)
{
	struct systemd_bus *bus = data;
	const char *job, *unit, *result;
	uint32_t id;

	if (sd_bus_message_read(message, "uoss", &id, &job, &unit, &result) >= 0 &&
	    strcmp(job, bus->job) == 0)
		(void)snprintf(bus->result, sizeof(bus->result), "%s", result);
	return 0;
}

/* One way to systemd: its own socket, or a bus. Closed again when it does not lead there. */
static int bus_try(struct systemd_bus *bus, const char *address, bool direct, struct error *err)
{
	int r;

	error_clear(err);
	bus->direct = direct;
	r = bus_connect(bus, address);
	if (r < 0) {
		error_errno(err, -r, "connect to systemd by %s", address);
		error_hint(err, "systemd has to be running, for an ordinary user as his session's "
				"(XDG_RUNTIME_DIR, loginctl enable-linger); or use "
				"--cgroup-manager=cgroupfs");
	} else {
		r = sd_bus_match_signal_async(bus->connection, NULL, direct ? NULL : BUS_SERVICE,
					      BUS_OBJECT, BUS_MANAGER, "JobRemoved",
					      bus_job_removed, NULL, bus);
		r = r < 0 ? error_errno(err, -r, "listen to systemd") : bus_ask_version(bus, err);
	}
	if (r < 0)
		systemd_bus_close(bus);
	return r;
}

int systemd_bus_open(struct systemd_bus *bus, const char *address, const char *private,
		     struct error *err)
{
	char direct[4096];
	int r;

	(void)snprintf(direct, sizeof(direct), "unix:path=%s", private);
	r = bus_try(bus, direct, true, err);
	return r < 0 && process_now() < bus->deadline ? bus_try(bus, address, false, err) : r;
}

void systemd_bus_close(struct systemd_bus *bus)
{
	bus->connection = sd_bus_close_unref(bus->connection);
}

/*
 * Values.
 */

static int sink_open(void *data, char kind, const char *contents)
{
	return sd_bus_message_open_container(
		data, kind == 'a' ? SD_BUS_TYPE_ARRAY : SD_BUS_TYPE_STRUCT, contents);
}

static int sink_close(void *data)
{
	return sd_bus_message_close_container(data);
}

/* sd-bus wants numbers in their own width. */
static int sink_basic(void *data, char type, const union systemd_basic *value)
{
	int32_t boolean = value->boolean;
	uint8_t byte = (uint8_t)value->natural;
	uint16_t n16 = (uint16_t)value->natural;
	uint32_t n32 = (uint32_t)value->natural;
	const void *where = &value->natural;

	switch (type) {
	case 'b':
		where = &boolean;
		break;
	case 'y':
		where = &byte;
		break;
	case 'n':
	case 'q':
		where = &n16;
		break;
	case 'i':
	case 'u':
		where = &n32;
		break;
	case 'h':
		return -EBADF; /* no descriptor of ours is meant for systemd */
	case 'd':
		where = &value->real;
		break;
	case 's':
	case 'o':
	case 'g':
		where = value->string;
		break;
	default:
		break;
	}
	return sd_bus_message_append_basic(data, type, where);
}

static int bus_append_property(sd_bus_message *message, const char *name, const char *value,
			       struct error *err)
{
	const struct systemd_sink sink = {sink_open, sink_close, sink_basic, message};
	char signature[SYSTEMD_SIGNATURE_SIZE];
	int r = systemd_value_type(value, signature, err);

	if (r < 0)
		return error_wrap(err, "property %s", name);
	r = sd_bus_message_open_container(message, 'r', "sv");
	if (r >= 0)
		r = sd_bus_message_append(message, "s", name);
	if (r >= 0)
		r = sd_bus_message_open_container(message, 'v', signature);
	if (r >= 0 && systemd_value_emit(value, signature, &sink, err) < 0)
		return error_wrap(err, "property %s", name);
	if (r >= 0)
		r = sd_bus_message_close_container(message);
	if (r >= 0)
		r = sd_bus_message_close_container(message);
	return r < 0 ? error_errno(err, -r, "property %s", name) : 0;
}

/* a(sv): those that this systemd knows. */
static int bus_append_properties(const struct systemd_bus *bus, sd_bus_message *message, pid_t pid,
				 const struct systemd_arguments *arguments, struct error *err)
{
	int r = sd_bus_message_open_container(message, 'a', "(sv)");

	if (r >= 0 && pid > 0)
		r = sd_bus_message_append(message, "(sv)", "PIDs", "au", 1, (uint32_t)pid);
	if (r < 0)
		return error_errno(err, -r, "write properties");
	for (char *const *word = arguments->words; word[0] && word[1] && word[2]; word += 3) {
		if (strtoul(word[1], NULL, 10) > bus->version)
			continue;
		r = bus_append_property(message, word[0], word[2], err);
		if (r < 0)
			return r;
	}
	r = sd_bus_message_close_container(message);
	return r < 0 ? error_errno(err, -r, "write properties") : 0;
}

/*
 * Jobs.
 */

static int bus_wait_once(const struct systemd_bus *bus)
{
	struct pollfd fds[2] = {{.fd = sd_bus_get_fd(bus->connection)},
				{.fd = SYSTEMD_FD_CHANNEL, .events = POLLRDHUP}};
	int events = sd_bus_get_events(bus->connection);
	int64_t left = bus->deadline - process_now();

	if (events < 0)
		return events;
	if (left <= 0)
		return -ETIMEDOUT;
	fds[0].events = (short)events;
	if (poll(fds, 2, (int)left) < 0 && errno != EINTR)
		return -errno;
	/* The runtime is gone: nobody wants the unit any more. */
	return fds[1].revents & (POLLHUP | POLLRDHUP) ? -EPIPE : 0;
}

/* Waits for the end of the job that `reply` names. */
static int bus_wait_job(struct systemd_bus *bus, sd_bus_message *reply, struct error *err)
{
	const char *job;
	int r = sd_bus_message_read(reply, "o", &job);

	if (r < 0)
		return error_errno(err, -r, "read systemd's answer");
	(void)snprintf(bus->job, sizeof(bus->job), "%s", job);
	bus->result[0] = '\0';
	while (bus->result[0] == '\0') {
		r = sd_bus_process(bus->connection, NULL);
		if (r == 0)
			r = bus_wait_once(bus);
		if (r < 0) {
			error_errno(err, -r, "wait for systemd's job for %s", bus->unit);
			return error_hint(err, "systemctl list-jobs shows what it waits for");
		}
	}
	if (strcmp(bus->result, "done") == 0)
		return 0;
	error_set(err, EIO, "systemd's job for %s ended with \"%s\"", bus->unit, bus->result);
	return error_hint(err, "journalctl -u %s may tell why", bus->unit);
}

static int bus_reset_failed(const struct systemd_bus *bus)
{
	sd_bus_error auto_error error = SD_BUS_ERROR_NULL;

	return sd_bus_call_method(bus->connection, BUS_SERVICE, BUS_OBJECT, BUS_MANAGER,
				  "ResetFailedUnit", &error, NULL, "s", bus->unit);
}

static int bus_start_once(struct systemd_bus *bus, sd_bus_message *message, struct error *err)
{
	sd_bus_error auto_error error = SD_BUS_ERROR_NULL;
	sd_bus_message auto_message *reply = NULL;
	struct error ignored = ERROR_INIT;
	int r = bus_call(bus, message, &error, &reply);

	if (r >= 0) {
		r = bus_wait_job(bus, reply, err);
		/* The runtime is gone. A unit that loses its process while it is made may never
		 * hear of that (seen with systemd 252), so it is not left to itself. */
		if (r == -EPIPE)
			(void)systemd_bus_stop(bus, &ignored);
		return r;
	}
	if (!sd_bus_error_has_name(&error, BUS_UNIT_EXISTS))
		return bus_explain(bus, "start", -r, &error, err);
	error_set(err, EEXIST, "systemd has a unit %s already", bus->unit);
	error_at(err, "linux.cgroupsPath");
	return error_hint(err, "another container may use the same cgroupsPath; systemctl status "
			       "shows it");
}

/* systemd takes a message once. */
static int bus_new_start(const struct systemd_bus *bus, pid_t pid,
			 const struct systemd_arguments *arguments, sd_bus_message **ret_message,
			 struct error *err)
{
	sd_bus_message auto_message *message = NULL;
	int r = bus_new_call(bus, "StartTransientUnit", &message, err);

	if (r < 0)
		return r;
	r = sd_bus_message_append(message, "ss", bus->unit, "fail");
	if (r >= 0 && bus_append_properties(bus, message, pid, arguments, err) < 0)
		return -err->number;
	if (r >= 0)
		r = sd_bus_message_append(message, "a(sa(sv))", 0);
	if (r < 0)
		return error_errno(err, -r, "write the call of StartTransientUnit");
	*ret_message = message;
	message = NULL;
	return 0;
}

int systemd_bus_start(struct systemd_bus *bus, pid_t pid, const struct systemd_arguments *arguments,
		      struct error *err)
{
	int r = -EEXIST;

	for (int attempt = 0; attempt < 2 && r == -EEXIST; attempt++) {
		sd_bus_message auto_message *message = NULL;

		/* One that has failed is kept for people to look at, and is in the way. */
		if (attempt > 0 && bus_reset_failed(bus) < 0)
			break;
		error_clear(err);
		r = bus_new_start(bus, pid, arguments, &message, err);
		if (r == 0)
			r = bus_start_once(bus, message, err);
	}
	return r;
}

int systemd_bus_set(struct systemd_bus *bus, const struct systemd_arguments *arguments,
		    struct error *err)
{
	sd_bus_error auto_error error = SD_BUS_ERROR_NULL;
	sd_bus_message auto_message *message = NULL, auto_message *reply = NULL;
	int r = bus_new_call(bus, "SetUnitProperties", &message, err);

	if (r < 0)
		return r;
	/* Not beyond the next boot. */
	r = sd_bus_message_append(message, "sb", bus->unit, true);
	if (r < 0)
		return error_errno(err, -r, "write the call of SetUnitProperties");
	r = bus_append_properties(bus, message, 0, arguments, err);
	if (r < 0)
		return r;
	r = bus_call(bus, message, &error, &reply);
	return r < 0 ? bus_explain(bus, "set properties of", -r, &error, err) : 0;
}

int systemd_bus_set_tasks(struct systemd_bus *bus, uint64_t tasks, struct error *err)
{
	char name[] = "TasksMax", since[] = "0", value[32];
	char *words[] = {name, since, value, NULL};
	const struct systemd_arguments arguments = {words};

	(void)snprintf(value, sizeof(value), "uint64 %llu", (unsigned long long)tasks);
	return systemd_bus_set(bus, &arguments, err);
}

int systemd_bus_attach(struct systemd_bus *bus, const char *subcgroup, pid_t pid, struct error *err)
{
	sd_bus_error auto_error error = SD_BUS_ERROR_NULL;
	sd_bus_message auto_message *message = NULL, auto_message *reply = NULL;
	int r = bus_new_call(bus, "AttachProcessesToUnit", &message, err);

	if (r < 0)
		return r;
	r = sd_bus_message_append(message, "ssau", bus->unit, subcgroup, 1, (uint32_t)pid);
	if (r < 0)
		return error_errno(err, -r, "write the call of AttachProcessesToUnit");
	r = bus_call(bus, message, &error, &reply);
	return r < 0 ? bus_explain(bus, "move a process into", -r, &error, err) : 0;
}

int systemd_bus_stop(struct systemd_bus *bus, struct error *err)
{
	sd_bus_error auto_error error = SD_BUS_ERROR_NULL;
	sd_bus_message auto_message *message = NULL, auto_message *reply = NULL;
	int r = bus_new_call(bus, "StopUnit", &message, err);

	if (r < 0)
		return r;
	r = sd_bus_message_append(message, "ss", bus->unit, "replace");
	if (r < 0)
		return error_errno(err, -r, "write the call of StopUnit");
	r = bus_call(bus, message, &error, &reply);
	if (r >= 0)
		r = bus_wait_job(bus, reply, err);
	else if (sd_bus_error_has_name(&error, BUS_NO_UNIT))
		r = 0;
	else
		r = bus_explain(bus, "stop", -r, &error, err);
	/* One that has failed stays until it is forgotten. */
	(void)bus_reset_failed(bus);
	return r;
}
