/* SPDX-License-Identifier: Apache-2.0 */
/* update: other limits for a container. */
#include "base/fd.h"
#include "base/log.h"
#include "cli/cli.h"
#include "container/update.h"

struct options_update {
	struct command_common common;
	struct update_request request;
	/* What single options say of limits; with --resources they are ignored. */
	struct update_limits {
		struct oci_memory memory;
		struct oci_cpu cpu;
		struct oci_pids pids;
		struct oci_block_io block_io;
	} limits;
};

static const struct option update_options[] = {
	OPTION(options_update, limits.block_io.weight, "blkio-weight", 0, "WEIGHT",
	       "share of the block devices' time, 10 to 1000"),
	OPTION(options_update, limits.cpu.burst, "cpu-burst", 0, "USEC",
	       "unused time of the quota that may be saved up"),
	OPTION(options_update, limits.cpu.idle, "cpu-idle", 0, "0|1",
	       "1: run only when nothing else wants the CPUs"),
	OPTION(options_update, limits.cpu.period, "cpu-period", 0, "USEC",
	       "length of a period of the quota"),
	OPTION(options_update, limits.cpu.quota, "cpu-quota", 0, "USEC",
	       "CPU time in each period; -1: unlimited"),
	OPTION(options_update, limits.cpu.realtime_period, "cpu-rt-period", 0, "USEC",
	       "the period for realtime processes (cgroup v1)"),
	OPTION(options_update, limits.cpu.realtime_runtime, "cpu-rt-runtime", 0, "USEC",
	       "CPU time of realtime processes in each of their periods (cgroup v1)"),
	OPTION(options_update, limits.cpu.shares, "cpu-share", 0, "SHARES",
	       "share of the CPUs' time among those that want it; 1024 is usual"),
	OPTION_AS(OPTION_FILLED, options_update, limits.cpu.cpus, "cpuset-cpus", 0, "LIST",
		  "CPUs to run on (\"0-2,7\")"),
	OPTION_AS(OPTION_FILLED, options_update, limits.cpu.mems, "cpuset-mems", 0, "LIST",
		  "memory nodes to allocate from (\"0-1\")"),
	OPTION_HELP,
	OPTION_AS(OPTION_BYTES, options_update, limits.memory.kernel, "kernel-memory", 0, "BYTES",
		  NULL),
	OPTION_AS(OPTION_BYTES, options_update, limits.memory.kernel_tcp, "kernel-memory-tcp", 0,
		  "BYTES", NULL),
	OPTION_AS(OPTION_FILLED, options_update, request.l3_cache_schema, "l3-cache-schema", 0,
		  "SCHEMA", "the resctrl class's part of the L3 cache (\"L3:0=ff;1=f0\")"),
	OPTION_AS(OPTION_FILLED, options_update, request.mem_bw_schema, "mem-bw-schema", 0,
		  "SCHEMA", "the resctrl class's memory bandwidth (\"MB:0=20;1=70\")"),
	OPTION_AS(OPTION_BYTES, options_update, limits.memory.limit, "memory", 'm', "BYTES",
		  "limit of memory; -1: unlimited"),
	OPTION_AS(OPTION_BYTES, options_update, limits.memory.reservation, "memory-reservation", 0,
		  "BYTES", "memory that is left to the container when the host is short of it"),
	OPTION_AS(OPTION_BYTES, options_update, limits.memory.swap, "memory-swap", 0, "BYTES",
		  "limit of memory and swap together; -1: unlimited"),
	OPTION(options_update, limits.pids.limit, "pids-limit", 0, "N",
	       "limit of processes and threads; -1: unlimited"),
	OPTION_AS(
		OPTION_FILLED, options_update, request.file, "resources", 'r', "FILE",
		"read a linux.resources object from FILE, or from the standard input when that is "
		"-; "
		"the options about single limits are ignored then"),
};

/* What runc and crun pass over in silence. */
static void update_warn_of_ignored(const struct options_update *options)
{
	for (size_t i = 0; i < array_size(update_options); i++) {
		if (update_options[i].offset < offsetof(struct options_update, limits) ||
		    !options_is_given(&update_options[i], options))
			continue;
		log_warning("--resources is given: the options about single limits are ignored");
		return;
	}
}

static int update_run(const struct cli *cli, int *ret_status, struct error *err)
{
	const struct options_update *options = cli->options;
	struct update_limits limits = options->limits;
	const struct oci_resources resources = {
		.memory = &limits.memory,
		.cpu = &limits.cpu,
		.pids = &limits.pids,
		.block_io = &limits.block_io,
	};
	struct update_request request = options->request;
	auto_store struct store store = STORE_INIT;
	int r;

	(void)ret_status;
	request.id = cli->arguments[0];
	if (request.file)
		update_warn_of_ignored(options);
	else
		request.resources = &resources;
	r = cli_open_store(cli, false, &store, err);
	if (r < 0)
		return r;
	return container_update(&store, &request, err);
}

const struct command command_update = {
	.name = "update",
	.arguments = "ID",
	.summary = "change the limits of a container",
	.details =
		"What is not named stays as it is. Numbers of bytes take k, m, g, t and p behind "
		"them. When a value is\n"
		"refused, those that were changed before it are put back.",
	.options = {update_options, array_size(update_options)},
	.options_size = sizeof(struct options_update),
	.minimum = 1,
	.maximum = 1,
	.run = update_run,
};
