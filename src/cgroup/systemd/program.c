/* SPDX-License-Identifier: Apache-2.0 */
/* knarr-systemd: how it is called is in systemd/protocol.h. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "cgroup/systemd/bus.h"
#include "cgroup/systemd/protocol.h"
#include "kernel/channel.h"
#include "kernel/process.h"

/* Its arguments, by their place. */
enum {
	ARGUMENT_COMMAND = 1,
	ARGUMENT_BUS,
	ARGUMENT_PRIVATE,
	ARGUMENT_UNIT,
	ARGUMENT_SUBCGROUP,
	ARGUMENT_REST,
};

static int program_answer(const struct error *error)
{
	struct channel_message message = {.word = SYSTEMD_DONE, .value = getpid(), .error = *error};

	return channel_send(SYSTEMD_FD_CHANNEL, &message, -1);
}

/* Keeps the scope alive until the channel is closed. */
static void program_stay(struct systemd_bus *bus)
{
	struct channel_message message;

	while (channel_recv(SYSTEMD_FD_CHANNEL, -1, PROCESS_NO_DEADLINE, &message, NULL) == 0) {
		struct error error = ERROR_INIT;

		bus->deadline = process_now() + SYSTEMD_TIMEOUT;
		if (message.word == SYSTEMD_TASKS)
			(void)systemd_bus_set_tasks(bus, (uint64_t)message.value, &error);
		else
			(void)error_set(&error, EPROTO, "knarr-systemd was told %u", message.word);
		if (program_answer(&error) < 0)
			return;
	}
}

static int program_do(struct systemd_bus *bus, char **argv, struct error *err)
{
	const struct systemd_arguments arguments = {argv + ARGUMENT_REST};
	const char *command = argv[ARGUMENT_COMMAND];
	uint32_t pid;

	if (strcmp(command, "start") == 0)
		return systemd_bus_start(bus, getpid(), &arguments, err);
	if (strcmp(command, "slice") == 0)
		return systemd_bus_start(bus, 0, &arguments, err);
	if (strcmp(command, "set") == 0)
		return systemd_bus_set(bus, &arguments, err);
	if (strcmp(command, "stop") == 0)
		return systemd_bus_stop(bus, err);
	if (strcmp(command, "attach") == 0 && argv[ARGUMENT_REST] &&
	    text_parse_u32(argv[ARGUMENT_REST], &pid) == 0)
		return systemd_bus_attach(bus, argv[ARGUMENT_SUBCGROUP], (pid_t)pid, err);
	return error_set(err, EINVAL, "knarr-systemd knows no %s", command);
}

int main(int argc, char **argv)
{
	struct systemd_bus bus = {.connection = NULL};
	struct error error = ERROR_INIT;
	int r;

	if (argc < ARGUMENT_REST)
		return 2;
	bus.unit = argv[ARGUMENT_UNIT];
	bus.deadline =
		process_now() + (strcmp(argv[ARGUMENT_COMMAND], "stop") == 0 ? SYSTEMD_STOP_TIMEOUT
									     : SYSTEMD_TIMEOUT);
	r = fd_cloexec_from(SYSTEMD_FD_CHANNEL);
	if (r < 0)
		r = error_errno(&error, -r, "set close-on-exec");
	if (r == 0)
		r = systemd_bus_open(&bus, argv[ARGUMENT_BUS], argv[ARGUMENT_PRIVATE], &error);
	if (r == 0)
		r = program_do(&bus, argv, &error);
	if (program_answer(&error) == 0 && r == 0 && strcmp(argv[ARGUMENT_COMMAND], "start") == 0)
		program_stay(&bus);
	systemd_bus_close(&bus);
	return r < 0 ? 1 : 0;
}
