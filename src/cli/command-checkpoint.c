/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint and restore. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/cli.h"
#include "container/checkpoint/checkpoint.h"

/* Where the images are when nobody says, below the current directory. */
#define CHECKPOINT_DEFAULT_PATH "checkpoint"

struct options_checkpoint {
	struct command_common common;
	const char *image_path, *work_path, *parent_path, *page_server, *status_fd;
	const char *manage_cgroups_mode, *network_lock, *lsm_profile, *lsm_mount_context;
	const char *bundle, *console_socket, *pid_file;
	struct oci_strings empty_ns;
	bool leave_running, tcp_established, tcp_skip_in_flight, tcp_close, link_remap, ext_unix_sk;
	bool shell_job, lazy_pages, file_locks, pre_dump, auto_dedup;
	bool detach, no_pivot, no_subreaper, no_new_keyring;
};

#define CHECKPOINT_COMMON                                                                         \
	OPTION(options_checkpoint, auto_dedup, "auto-dedup", 0, NULL,                             \
	       "give the memory in the parent's images back that newer ones have"),               \
		OPTION(options_checkpoint, empty_ns, "empty-ns", 0, "TYPE",                       \
		       "network: a network namespace without its interfaces (always so)"),        \
		OPTION(options_checkpoint, ext_unix_sk, "ext-unix-sk", 0, NULL,                   \
		       "allow UNIX sockets whose other end is outside"),                          \
		OPTION(options_checkpoint, file_locks, "file-locks", 0, NULL,                     \
		       "allow file locks, for which nobody outside may wait"),                    \
		OPTION_HELP,                                                                      \
		OPTION(options_checkpoint, image_path, "image-path", 0, "DIR",                    \
		       "where the images are (default: checkpoint)"),                             \
		OPTION(options_checkpoint, lazy_pages, "lazy-pages", 0, NULL,                     \
		       "memory comes later, from criu's page server"),                            \
		OPTION(options_checkpoint, manage_cgroups_mode, "manage-cgroups-mode", 0, "MODE", \
		       "soft (the default on cgroup v2), full, strict or ignore (elsewhere): "    \
		       "what "                                                                    \
		       "criu does about cgroups"),                                                \
		OPTION(options_checkpoint, network_lock, "network-lock", 0, "METHOD",             \
		       "iptables, nftables or skip: how connections are held still"),             \
		OPTION(options_checkpoint, shell_job, "shell-job", 0, NULL,                       \
		       "allow processes whose session or terminal is outside"),                   \
		OPTION(options_checkpoint, tcp_established, "tcp-established", 0, NULL,           \
		       "allow open TCP connections"),                                             \
		OPTION(options_checkpoint, work_path, "work-path", 0, "DIR",                      \
		       "where criu writes its log (default: the image path)")

static const struct option checkpoint_options[] = {
	CHECKPOINT_COMMON,
	OPTION(options_checkpoint, leave_running, "leave-running", 0, NULL,
	       "let the container go on"),
	OPTION(options_checkpoint, link_remap, "link-remap", 0, NULL,
	       "keep files that are open but have lost their last name"),
	OPTION(options_checkpoint, page_server, "page-server", 0, "ADDRESS:PORT",
	       "send memory to the page server there; with --lazy-pages: serve it there"),
	OPTION(options_checkpoint, parent_path, "parent-path", 0, "DIR",
	       "earlier images, relative to the image path: only what has changed is written"),
	OPTION(options_checkpoint, pre_dump, "pre-dump", 0, NULL,
	       "write memory only, and let the container go on"),
	OPTION(options_checkpoint, status_fd, "status-fd", 0, "FD",
	       "with --lazy-pages: write a NUL to FD when memory can be fetched"),
	OPTION(options_checkpoint, tcp_skip_in_flight, "tcp-skip-in-flight", 0, NULL,
	       "leave connections out that are being made"),
};

static const struct option restore_options[] = {
	CHECKPOINT_COMMON,
	OPTION_AS(OPTION_FILLED, options_checkpoint, bundle, "bundle", 'b', "DIR",
		  "the bundle's directory (default: the current one)"),
	OPTION_AS(OPTION_FILLED, options_checkpoint, console_socket, "console-socket", 0, "PATH",
		  "socket to send the container's terminal to"),
	OPTION(options_checkpoint, detach, "detach", 'd', NULL,
	       "do not wait for the container to end"),
	OPTION(options_checkpoint, lsm_mount_context, "lsm-mount-context", 0, "CONTEXT",
	       "SELinux context of the mounts, in place of the old one"),
	OPTION(options_checkpoint, lsm_profile, "lsm-profile", 0, "TYPE:NAME",
	       "apparmor:NAME or selinux:LABEL of the processes, in place of the old one"),
	OPTION(options_checkpoint, no_new_keyring, "no-new-keyring", 0, NULL, NULL),
	OPTION(options_checkpoint, no_pivot, "no-pivot", 0, NULL, NULL),
	OPTION(options_checkpoint, no_subreaper, "no-subreaper", 0, NULL,
	       "do not reap what the container leaves behind"),
	OPTION(options_checkpoint, parent_path, "parent-path", 0, "DIR", NULL),
	OPTION_AS(OPTION_FILLED, options_checkpoint, pid_file, "pid-file", 0, "FILE",
		  "write the pid of init to FILE"),
	OPTION(options_checkpoint, tcp_close, "tcp-close", 0, NULL,
	       "close the TCP connections that were open"),
};

static int checkpoint_flags(const struct cli *cli, const struct options_checkpoint *options,
			    struct criu_flags *ret_flags, struct error *err)
{
	const char *images = options->image_path ? options->image_path : CHECKPOINT_DEFAULT_PATH;
	char *image_path, *work_path = NULL;
	int r = cli_absolute(cli, images, &image_path, err);

	if (r == 0 && options->work_path)
		r = cli_absolute(cli, options->work_path, &work_path, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < options->empty_ns.count; i++)
		if (strcmp(options->empty_ns.items[i], "network") != 0)
			return error_set(err, EINVAL, "--empty-ns %s: only network can be empty",
					 options->empty_ns.items[i]);
	*ret_flags = (struct criu_flags){
		.image_path = image_path,
		.work_path = work_path,
		.cgroups_mode = options->manage_cgroups_mode,
		.network_lock = options->network_lock,
		.tcp_established = options->tcp_established,
		.ext_unix_sk = options->ext_unix_sk,
		.shell_job = options->shell_job,
		.file_locks = options->file_locks,
		.auto_dedup = options->auto_dedup,
		.lazy_pages = options->lazy_pages,
	};
	return 0;
}

/* "ADDRESS:PORT", "[::1]:PORT". */
static int checkpoint_page_server(const struct cli *cli, const char *text,
				  struct checkpoint_request *request, struct error *err)
{
	const char *colon = strrchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : 0;
	bool bracketed = text[0] == '[' && length > 2 && text[length - 1] == ']';
	unsigned char binary[sizeof(struct in6_addr)];
	char *address;

	if (length == 0 || (text[0] == '[' && !bracketed) ||
	    text_parse_u32(colon + 1, &request->page_server_port) < 0 ||
	    request->page_server_port == 0 || request->page_server_port > 65535)
		return error_set(err, EINVAL, "--page-server %s: that is not ADDRESS:PORT", text);
	if (!bracketed && memchr(text, ':', length)) {
		error_set(err, EINVAL, "--page-server %s: that is not ADDRESS:PORT", text);
		return error_hint(err, "an IPv6 address is written in brackets: [::1]:80");
	}
	if (bracketed) {
		text++;
		length -= 2;
	}
	address = cli_keep(cli, strndup(text, length));
	if (!address)
		return error_errno(err, ENOMEM, "start");
	request->page_server_address = address;
	if (request->flags.lazy_pages && inet_pton(AF_INET, address, binary) != 1 &&
	    inet_pton(AF_INET6, address, binary) != 1)
		return error_set(err, EINVAL,
				 "--page-server %s: with --lazy-pages that is an address of this "
				 "host in numbers",
				 text);
	return 0;
}

static int checkpoint_status_fd(const char *text, int *ret_fd, struct error *err)
{
	uint32_t fd;
	int flags;

	if (text_parse_u32(text, &fd) < 0 || fd > INT_MAX)
		return error_set(err, EINVAL, "--status-fd %s: that is not a descriptor", text);
	flags = fcntl((int)fd, F_GETFL);
	if (flags < 0)
		return error_errno(err, errno, "--status-fd %s", text);
	if ((flags & O_ACCMODE) == O_RDONLY)
		return error_set(err, EBADF, "--status-fd %s cannot be written to", text);
	*ret_fd = (int)fd;
	return 0;
}

static int checkpoint_run(const struct cli *cli, int *ret_status, struct error *err)
{
	const struct options_checkpoint *options = cli->options;
	struct checkpoint_request request = {
		.id = cli->arguments[0],
		.parent_path = options->parent_path,
		.status_fd = -1,
		.leave_running = options->leave_running,
		.pre_dump = options->pre_dump,
		.tcp_skip_in_flight = options->tcp_skip_in_flight,
		.link_remap = options->link_remap,
	};
	auto_store struct store store = STORE_INIT;
	int r = checkpoint_flags(cli, options, &request.flags, err);

	(void)ret_status;
	if (r == 0 && options->page_server)
		r = checkpoint_page_server(cli, options->page_server, &request, err);
	if (r == 0 && options->lazy_pages && !options->page_server) {
		r = error_set(err, EINVAL, "--lazy-pages needs --page-server ADDRESS:PORT");
		error_hint(err, "the container waits until its memory has been fetched from there");
	}
	if (r == 0 && options->status_fd)
		r = checkpoint_status_fd(options->status_fd, &request.status_fd, err);
	if (r == 0)
		r = cli_open_store(cli, false, &store, err);
	if (r < 0)
		return r;
	return container_checkpoint(&store, &request, err);
}

static int restore_request(const struct cli *cli, struct restore_request *ret_request,
			   struct error *err)
{
	const struct options_checkpoint *options = cli->options;
	struct plan_options plan = {
		.id = cli->arguments[0],
		.detach = options->detach,
		.no_pivot = options->no_pivot,
		.no_new_keyring = options->no_new_keyring,
		.console_socket = options->console_socket,
		.idle_close = cli->seal_mount,
	};
	char *bundle = NULL, *pid_file = NULL, path[PATH_MAX];
	int r = store_check_id(plan.id, err);

	if (r == 0)
		r = cli_cgroup_manager(cli, &plan.cgroup_manager, err);
	if (r == 0)
		r = cli_absolute(cli, options->bundle ? options->bundle : ".", &bundle, err);
	if (r == 0 && options->pid_file) {
		r = cli_absolute(cli, options->pid_file, &pid_file, err);
		plan.pid_file = pid_file;
	}
	if (r == 0)
		r = checkpoint_flags(cli, options, &ret_request->flags, err);
	if (r < 0 || !bundle)
		return r;
	plan.bundle = bundle;
	if (path_join(bundle, "config.json", path, sizeof(path)) < 0)
		return error_errno(err, ENAMETOOLONG, "%s", bundle);
	ret_request->create.config = cli_keep(cli, strdup(path));
	if (!ret_request->create.config)
		return error_errno(err, ENOMEM, "start");
	ret_request->create.options = plan;
	return cli_prepare_descriptors(cli, &ret_request->create.options, err);
}

static int restore_run(const struct cli *cli, int *ret_status, struct error *err)
{
	const struct options_checkpoint *options = cli->options;
	struct restore_request request = {
		.lsm_profile = options->lsm_profile,
		.lsm_mount_context = options->lsm_mount_context,
		.tcp_close = options->tcp_close,
		.no_subreaper = options->no_subreaper,
	};
	auto_store struct store store = STORE_INIT;
	int r = restore_request(cli, &request, err);

	if (r == 0)
		r = cli_open_store(cli, true, &store, err);
	if (r < 0)
		return r;
	return container_restore(&store, &request, ret_status, err);
}

const struct command command_checkpoint = {
	.name = "checkpoint",
	.arguments = "ID",
	.summary = "write a running container into files, from which `restore` makes it again",
	.details =
		"It takes the program criu(8). The container is removed afterwards, unless it is "
		"left running.",
	.options = {checkpoint_options, array_size(checkpoint_options)},
	.options_size = sizeof(struct options_checkpoint),
	.minimum = 1,
	.maximum = 1,
	.run = checkpoint_run,
};

const struct command command_restore = {
	.name = "restore",
	.arguments = "ID",
	.summary = "make a container again from the files of `checkpoint`",
	.details =
		"The bundle is the container's, or one like it; ID need not be the old one. The "
		"processes go on\n"
		"where they were. The exit status is that of the program, or 128 + the number of "
		"the signal\n"
		"that ended it.",
	.options = {restore_options, array_size(restore_options)},
	.options_size = sizeof(struct options_checkpoint),
	.minimum = 1,
	.maximum = 1,
	.run = restore_run,
};
