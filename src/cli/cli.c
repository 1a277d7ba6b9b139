/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/path.h"
#include "kernel/nsfs.h"

const struct command *const cli_commands[] = {
	&command_check,	 &command_checkpoint, &command_create,
	&command_delete, &command_doctor,     &command_events,
	&command_exec,	 &command_features,   &command_kill,
	&command_list,	 &command_mounts,     &command_pause,
	&command_ps,	 &command_restore,    &command_resume,
	&command_run,	 &command_spec,	      &command_start,
	&command_state,	 &command_update,     NULL,
};

static const struct option cli_options[] = {
	OPTION(cli_globals, cgroup_manager, "cgroup-manager", 0, "MANAGER",
	       "cgroupfs (the default), systemd, or disabled: make no cgroup"),
	OPTION(cli_globals, criu, "criu", 0, "PATH", NULL),
	OPTION(cli_globals, debug, "debug", 0, NULL, "the same as --log-level=debug"),
	OPTION(cli_globals, help, "help", 'h', NULL, "show this help"),
	OPTION(cli_globals, log, "log", 0, "FILE",
	       "append errors and messages to FILE, or send them to syslog:ID or journald:ID "
	       "(default: stderr)"),
	OPTION(cli_globals, log_format, "log-format", 0, "FORMAT", "text (the default) or json"),
	OPTION(cli_globals, log_level, "log-level", 0, "LEVEL",
	       "error, warning (the default), info or debug; with --log the default is error"),
	OPTION(cli_globals, root, "root", 0, "DIR",
	       "where the state of containers is kept (default: /run/knarr, or "
	       "$XDG_RUNTIME_DIR/knarr "
	       "without privileges)"),
	OPTION(cli_globals, rootless, "rootless", 0, "MODE",
	       "true, false or auto (the default): whether a cgroup that cannot be made is "
	       "ignored"),
	OPTION(cli_globals, systemd_cgroup, "systemd-cgroup", 0, NULL,
	       "the same as --cgroup-manager=systemd"),
	OPTION(cli_globals, version, "version", 'v', NULL, "show the version"),
	OPTION(cli_globals, version, "version", 'V', NULL, NULL),
};
const struct option_table cli_global_options = {cli_options, array_size(cli_options)};

/*
 * The default root must come out the same for all commands on a container, whatever small
 * environment an engine calls them in. Real root: /run/knarr, even when a login session has set
 * XDG_RUNTIME_DIR. Without privileges, or as root of a user namespace (podman without root):
 * $XDG_RUNTIME_DIR/knarr when that is set and not empty.
 */
static int cli_default_root(const struct cli *cli, char **ret_path, bool *ret_sticky)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	int r;

	*ret_sticky = false;
	if (runtime && runtime[0] == '/' && (geteuid() != 0 || !nsfs_is_initial_user())) {
		*ret_sticky = true;
		r = asprintf(ret_path, "%s/knarr", runtime);
	} else if (geteuid() != 0) {
		r = asprintf(ret_path, "/run/user/%u/knarr", geteuid());
	} else {
		r = asprintf(ret_path, "/run/knarr");
	}
	if (r < 0)
		return -ENOMEM;
	cli_keep(cli, *ret_path);
	return 0;
}

bool cli_root_is_explicit(const struct cli *cli)
{
	return cli->globals.root != NULL;
}

int cli_open_store(const struct cli *cli, bool create, struct store *ret_store, struct error *err)
{
	bool sticky = false;
	char *path;
	int r;

	if (!cli->globals.root) {
		r = cli_default_root(cli, &path, &sticky);
		if (r < 0)
			return error_errno(err, -r, "name the state root");
		return store_open(path, create, sticky, ret_store, err);
	}
	if (cli->globals.root[0] == '\0')
		return error_set(err, EINVAL, "flag --root is empty");
	r = cli_absolute(cli, cli->globals.root, &path, err);
	if (r < 0)
		return r;
	if (strcmp(path, "/") == 0)
		return error_set(err, EINVAL, "flag --root should not be set to /");
	return store_open(path, create, false, ret_store, err);
}

int cli_cgroup_manager(const struct cli *cli, enum cgroup_manager *ret_manager, struct error *err)
{
	const char *name = cli->globals.cgroup_manager;

	if (!name)
		*ret_manager = cli->globals.systemd_cgroup ? CGROUP_MANAGER_SYSTEMD
							   : CGROUP_MANAGER_CGROUPFS;
	else if (strcmp(name, "cgroupfs") == 0)
		*ret_manager = CGROUP_MANAGER_CGROUPFS;
	else if (strcmp(name, "systemd") == 0)
		*ret_manager = CGROUP_MANAGER_SYSTEMD;
	else if (strcmp(name, "disabled") == 0)
		*ret_manager = CGROUP_MANAGER_DISABLED;
	else
		return error_set(
			err, EINVAL,
			"invalid value \"%s\" for flag --cgroup-manager: not one of cgroupfs, "
			"systemd, disabled",
			name);
	return 0;
}

int cli_hint_usage(const struct command *command, struct error *err)
{
	return error_hint(err, "usage: knarr %s [options]%s%s", command->name,
			  command->arguments[0] ? " " : "", command->arguments);
}

void *cli_keep(const struct cli *cli, void *memory)
{
	struct cli_memory *kept = cli->memory;

	/* Each place that keeps something does so once: room is a property of the code. */
	if (kept->count == array_size(kept->items))
		abort();
	kept->items[kept->count++] = memory;
	return memory;
}

int cli_absolute(const struct cli *cli, const char *path, char **ret_path, struct error *err)
{
	char cwd[PATH_MAX], clean[PATH_MAX], *copy;
	int r;

	if (path[0] == '\0')
		return error_set(err, EINVAL, "a path is empty");
	if (path[0] != '/' && !getcwd(cwd, sizeof(cwd)))
		return error_errno(err, errno, "find the current directory for %s", path);
	r = path_join(path[0] == '/' ? "/" : cwd, path, clean, sizeof(clean));
	if (r < 0)
		return error_errno(err, -r, "%s", path);
	copy = cli_keep(cli, strdup(clean));
	if (!copy)
		return error_errno(err, ENOMEM, "%s", path);
	*ret_path = copy;
	return 0;
}

/* Behind the preserved ones. The old number is closed. */
static int cli_move_descriptor(int *fd, unsigned int first)
{
	int moved;

	if (*fd < 0 || (unsigned int)*fd >= first)
		return 0;
	moved = fcntl(*fd, F_DUPFD_CLOEXEC, (int)first);
	if (moved < 0)
		return -errno;
	fd_close(*fd);
	*fd = moved;
	return 0;
}

int cli_prepare_descriptors(const struct cli *cli, struct plan_options *options, struct error *err)
{
	unsigned int count = options->preserve_fds, first = STDERR_FILENO + 1;
	bool *open;
	int r;

	if (count > CLI_PRESERVE_FDS_MAX)
		return error_set(err, EINVAL, "--preserve-fds: %u are too many", count);
	open = cli_keep(cli, calloc(count + 1, sizeof(*open)));
	if (!open)
		return error_errno(err, ENOMEM, "start");
	options->preserve_open = open;
	r = cli_move_descriptor(&((struct cli *)(uintptr_t)cli)->log_fd, first + count);
	if (r == 0)
		r = cli_move_descriptor(&options->idle_close, first + count);
	if (r == 0)
		r = fd_reserve(first, count, open);
	if (r == 0)
		r = fd_cloexec_from(first + count);
	return r < 0 ? error_errno(err, -r, "prepare descriptors") : 0;
}

int cli_print(const struct text *text, struct error *err)
{
	int r;

	if (text->failed)
		return error_errno(err, ENOMEM, "write the output");
	r = io_write_all(STDOUT_FILENO, text->data ? text->data : "", text->length);
	return r < 0 ? error_errno(err, -r, "write to standard output") : 0;
}
