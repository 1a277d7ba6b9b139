/* SPDX-License-Identifier: Apache-2.0 */
/* update: other limits for a container. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/quantity.h"
#include "base/text.h"
#include "cli/cli.h"
#include "container/update.h"

struct options_update {
	struct command_common common;
	const char *resources;
	const char *blkio_weight, *cpu_burst, *cpu_idle, *cpu_period, *cpu_quota, *cpu_rt_period;
	const char *cpu_rt_runtime, *cpu_share, *cpuset_cpus, *cpuset_mems, *kernel_memory;
	const char *kernel_memory_tcp, *l3_cache_schema, *mem_bw_schema, *memory;
	const char *memory_reservation, *memory_swap, *pids_limit;
};

static const struct option update_options[] = {
	OPTION(options_update, blkio_weight, "blkio-weight", 0, "WEIGHT",
	       "share of the block devices' time, 10 to 1000"),
	OPTION(options_update, cpu_burst, "cpu-burst", 0, "USEC",
	       "unused time of the quota that may be saved up"),
	OPTION(options_update, cpu_idle, "cpu-idle", 0, "0|1",
	       "1: run only when nothing else wants the CPUs"),
	OPTION(options_update, cpu_period, "cpu-period", 0, "USEC",
	       "length of a period of the quota"),
	OPTION(options_update, cpu_quota, "cpu-quota", 0, "USEC",
	       "CPU time in each period; -1: unlimited"),
	OPTION(options_update, cpu_rt_period, "cpu-rt-period", 0, "USEC",
	       "the period for realtime processes (cgroup v1)"),
	OPTION(options_update, cpu_rt_runtime, "cpu-rt-runtime", 0, "USEC",
	       "CPU time of realtime processes in each of their periods (cgroup v1)"),
	OPTION(options_update, cpu_share, "cpu-share", 0, "SHARES",
	       "share of the CPUs' time among those that want it; 1024 is usual"),
	OPTION(options_update, cpuset_cpus, "cpuset-cpus", 0, "LIST", "CPUs to run on (\"0-2,7\")"),
	OPTION(options_update, cpuset_mems, "cpuset-mems", 0, "LIST",
	       "memory nodes to allocate from (\"0-1\")"),
	OPTION_HELP,
	OPTION(options_update, kernel_memory, "kernel-memory", 0, "BYTES", NULL),
	OPTION(options_update, kernel_memory_tcp, "kernel-memory-tcp", 0, "BYTES", NULL),
	OPTION(options_update, l3_cache_schema, "l3-cache-schema", 0, "SCHEMA",
	       "the resctrl class's part of the L3 cache (\"L3:0=ff;1=f0\")"),
	OPTION(options_update, mem_bw_schema, "mem-bw-schema", 0, "SCHEMA",
	       "the resctrl class's memory bandwidth (\"MB:0=20;1=70\")"),
	OPTION(options_update, memory, "memory", 'm', "BYTES", "limit of memory; -1: unlimited"),
	OPTION(options_update, memory_reservation, "memory-reservation", 0, "BYTES",
	       "memory that is left to the container when the host is short of it"),
	OPTION(options_update, memory_swap, "memory-swap", 0, "BYTES",
	       "limit of memory and swap together; -1: unlimited"),
	OPTION(options_update, pids_limit, "pids-limit", 0, "N",
	       "limit of processes and threads; -1: unlimited"),
	OPTION(options_update, resources, "resources", 'r', "FILE",
	       "read a linux.resources object from FILE, or from the standard input when that is "
	       "-; "
	       "the options about single limits are ignored then"),
};

/* Where the values of the options go. */
struct update_values {
	struct oci_resources resources;
	struct oci_memory memory;
	struct oci_cpu cpu;
	struct oci_pids pids;
	struct oci_block_io block_io;
};

static int update_invalid(const char *name, const char *text, const char *why, struct error *err)
{
	return error_set(err, EINVAL, "invalid value \"%s\" for flag --%s: %s", text, name, why);
}

/* An option that is empty says nothing, as with runc. */
static bool update_is_given(const char *text)
{
	return text && text[0] != '\0';
}

static int update_signed(const char *name, const char *text, struct oci_opt_i64 *value,
			 struct error *err)
{
	if (!update_is_given(text))
		return 0;
	if (text_parse_i64(text, &value->value) < 0)
		return update_invalid(name, text, "not a whole number", err);
	value->set = true;
	return 0;
}

static int update_unsigned(const char *name, const char *text, struct oci_opt_u64 *value,
			   struct error *err)
{
	if (!update_is_given(text))
		return 0;
	if (text_parse_u64(text, &value->value) < 0)
		return update_invalid(name, text, "not a whole number from 0 on", err);
	value->set = true;
	return 0;
}

static int update_bytes(const char *name, const char *text, struct oci_opt_i64 *value,
			struct error *err)
{
	int r;

	if (!update_is_given(text))
		return 0;
	value->value = -1;
	r = strcmp(text, "-1") == 0 ? 0 : quantity_parse_bytes(text, &value->value);
	if (r == -ERANGE)
		return update_invalid(name, text, "too large", err);
	if (r < 0)
		return update_invalid(name, text,
				      "not a number of bytes, such as 1048576, 512m or -1", err);
	value->set = true;
	return 0;
}

static int update_memory(const struct options_update *options, struct update_values *values,
			 struct error *err)
{
	struct oci_memory *memory = &values->memory;
	int r = update_bytes("memory", options->memory, &memory->limit, err);

	if (r == 0)
		r = update_bytes("memory-swap", options->memory_swap, &memory->swap, err);
	if (r == 0)
		r = update_bytes("memory-reservation", options->memory_reservation,
				 &memory->reservation, err);
	if (r == 0)
		r = update_bytes("kernel-memory", options->kernel_memory, &memory->kernel, err);
	if (r == 0)
		r = update_bytes("kernel-memory-tcp", options->kernel_memory_tcp,
				 &memory->kernel_tcp, err);
	values->resources.memory = memory;
	return r;
}

static int update_cpu(const struct options_update *options, struct update_values *values,
		      struct error *err)
{
	struct oci_cpu *cpu = &values->cpu;
	int r = update_unsigned("cpu-burst", options->cpu_burst, &cpu->burst, err);

	if (r == 0)
		r = update_signed("cpu-idle", options->cpu_idle, &cpu->idle, err);
	if (r == 0)
		r = update_unsigned("cpu-period", options->cpu_period, &cpu->period, err);
	if (r == 0)
		r = update_signed("cpu-quota", options->cpu_quota, &cpu->quota, err);
	if (r == 0)
		r = update_unsigned("cpu-rt-period", options->cpu_rt_period, &cpu->realtime_period,
				    err);
	if (r == 0)
		r = update_signed("cpu-rt-runtime", options->cpu_rt_runtime, &cpu->realtime_runtime,
				  err);
	if (r == 0)
		r = update_unsigned("cpu-share", options->cpu_share, &cpu->shares, err);
	if (update_is_given(options->cpuset_cpus))
		cpu->cpus = (char *)(uintptr_t)options->cpuset_cpus;
	if (update_is_given(options->cpuset_mems))
		cpu->mems = (char *)(uintptr_t)options->cpuset_mems;
	values->resources.cpu = cpu;
	return r;
}

static int update_others(const struct options_update *options, struct update_values *values,
			 struct error *err)
{
	uint32_t weight;
	int r = update_signed("pids-limit", options->pids_limit, &values->pids.limit, err);

	if (r == 0 && update_is_given(options->blkio_weight)) {
		if (text_parse_u32(options->blkio_weight, &weight) < 0 || weight > UINT16_MAX)
			return update_invalid("blkio-weight", options->blkio_weight,
					      "not a number from 10 to 1000", err);
		values->block_io.weight = (struct oci_opt_u16){true, (uint16_t)weight};
	}
	values->resources.pids = &values->pids;
	values->resources.block_io = &values->block_io;
	return r;
}

/* What runc and crun pass over in silence. */
static void update_warn_of_ignored(const struct options_update *options)
{
	const char *const values[] = {
		options->blkio_weight,	 options->cpu_burst,
		options->cpu_idle,	 options->cpu_period,
		options->cpu_quota,	 options->cpu_rt_period,
		options->cpu_rt_runtime, options->cpu_share,
		options->cpuset_cpus,	 options->cpuset_mems,
		options->kernel_memory,	 options->kernel_memory_tcp,
		options->memory,	 options->memory_swap,
		options->pids_limit,	 options->memory_reservation,
	};

	for (size_t i = 0; i < array_size(values); i++) {
		if (!update_is_given(values[i]))
			continue;
		log_warning("--resources is given: the options about single limits are ignored");
		return;
	}
}

static int update_run(const struct cli *cli, int *ret_status, struct error *err)
{
	const struct options_update *options = cli->options;
	struct update_values values = {.resources = {.memory = NULL}};
	struct update_request request = {.id = cli->arguments[0]};
	struct store store;
	int r = 0;

	(void)ret_status;
	if (update_is_given(options->l3_cache_schema))
		request.l3_cache_schema = options->l3_cache_schema;
	if (update_is_given(options->mem_bw_schema))
		request.mem_bw_schema = options->mem_bw_schema;
	if (update_is_given(options->resources)) {
		request.file = options->resources;
		update_warn_of_ignored(options);
	} else {
		request.resources = &values.resources;
		r = update_memory(options, &values, err);
		if (r == 0)
			r = update_cpu(options, &values, err);
		if (r == 0)
			r = update_others(options, &values, err);
	}
	if (r == 0)
		r = cli_open_store(cli, false, &store, err);
	if (r < 0)
		return r;
	r = container_update(&store, &request, err);
	store_close(&store);
	return r;
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
