/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands share: the global options, the command table, output. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "cli/options.h"
#include "container/plan.h"
#include "container/state/store.h"

/* The global options, as given. */
struct cli_globals {
	const char *root, *log, *log_format, *log_level, *cgroup_manager, *rootless, *criu;
	bool debug, systemd_cgroup, version, help;
};

struct command;

/* Where --log leads: a file, or a datagram socket of one of the system's loggers. */
enum cli_log {
	CLI_LOG_FILE,
	CLI_LOG_SYSLOG,
	CLI_LOG_JOURNALD,
};

/* One call of the program. */
struct cli {
	char **argv;
	int argc;
	struct cli_globals globals;
	const struct command *command; /* NULL before it is known */
	const void *options;	       /* the command's own struct, filled in */
	char **arguments;	       /* what is left: the container's id ... */
	int argument_count;
	int log_fd;	/* -EBADF: stderr */
	int seal_mount; /* kernel/seal.h */
	bool log_json;
	bool log_stuck; /* nobody reads what is said */
	enum cli_log log_kind;
	const char *log_identifier; /* of syslog and the journal */
	struct cli_memory *memory;
};

/* What lives as long as the call. */
struct cli_memory {
	void *items[16];
	size_t count;
};

/* Options that every command takes, and those of one command. `size` is that of its struct, which
 * is zeroed before parsing; all structs begin with struct command_common. */
struct command_common {
	bool help;
};
#define OPTION_HELP OPTION(command_common, help, "help", 'h', NULL, "show this help")

struct command {
	const char *name;
	const char *arguments; /* "ID", "ID [SIGNAL]" */
	const char *summary;   /* one line */
	const char *details;   /* paragraphs for --help, or NULL */
	struct option_table options;
	size_t options_size;
	int minimum, maximum; /* how many arguments */
	bool in_order;	      /* the first argument ends the options */
	int failure;	      /* exit status when it fails; 0: the usual 1 */
	bool enters;	      /* goes into a container: runs from a sealed copy */
	/* Gives the exit status in *ret_status (0 beforehand), or a negative errno with *err. */
	int (*run)(const struct cli *cli, int *ret_status, struct error *err);
};

extern const struct command *const cli_commands[];
extern const struct option_table cli_global_options;

/* The commands, each in a file of its family. */
extern const struct command command_create, command_run;
extern const struct command command_checkpoint, command_restore;
extern const struct command command_doctor;
extern const struct command command_exec;
extern const struct command command_mounts;
extern const struct command command_pause, command_ps, command_resume;
extern const struct command command_start, command_kill, command_delete;
extern const struct command command_state, command_list;
extern const struct command command_events, command_update;
extern const struct command command_spec, command_features, command_check;

/* The state root of this call: --root made absolute, or the default (contract in cli.c). */
int cli_open_store(const struct cli *cli, bool create, struct store *ret_store, struct error *err);

/* Which cgroup manager the global options name. */
int cli_cgroup_manager(const struct cli *cli, enum cgroup_manager *ret_manager, struct error *err);

/* The hint about how a command is called. Returns as error_hint(). */
int cli_hint_usage(const struct command *command, struct error *err);

/* Whether a state root was named on the command line. */
bool cli_root_is_explicit(const struct cli *cli);

/* Hands malloc'ed memory (or NULL) over to the call, which frees it at its end. Returns it. */
void *cli_keep(const struct cli *cli, void *memory);

/* An absolute, clean form of a path relative to the cwd; lives as long as the call. */
int cli_absolute(const struct cli *cli, const char *path, char **ret_path, struct error *err);

/* More descriptors than this nobody hands down, and a table of them is made. */
#define CLI_PRESERVE_FDS_MAX 65536

/*
 * For commands that enter a container: nothing that the caller left open reaches it but the
 * options->preserve_fds descriptors from 3 on. Holes among them are reserved, descriptors of ours
 * that took such a number are moved, and all behind them get FD_CLOEXEC. Fills in
 * options->preserve_open.
 */
int cli_prepare_descriptors(const struct cli *cli, struct plan_options *options, struct error *err);

/* Writes to stdout in one go. A closed or full stdout is an error. */
int cli_print(const struct text *text, struct error *err);

/* help.c */
void help_globals(struct text *text);
void help_command(const struct command *command, struct text *text);
void help_version(struct text *text);

/* output.c: what goes to the log and to stderr. */
int output_open(struct cli *cli, struct error *err);
void output_error(const struct cli *cli, const struct error *err);

#endif
