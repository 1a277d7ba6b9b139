/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup/resources/resources.h"
#include "suite.h"

#define V2 true
#define V1 false

/* The whole plan as text: "file=value" in order, separated by ';', with the flags' letters behind.
 */
static void render(const struct cgroup_writes *writes, char *out, size_t size)
{
	size_t length = 0;

	out[0] = '\0';
	for (size_t i = 0; i < writes->count; i++) {
		const struct cgroup_write *write = &writes->items[i];

		length += (size_t)snprintf(out + length, size - length, "%s%s=%s%s%s%s%s",
					   i ? ";" : "", write->file, write->value,
					   write->flags & CGROUP_WRITE_OPTIONAL ? "?" : "",
					   write->flags & CGROUP_WRITE_OR_AFTER_NEXT ? "~" : "",
					   write->flags & CGROUP_WRITE_OR_NEXT ? "|" : "",
					   write->flags & CGROUP_WRITE_ABOVE_USAGE ? "^" : "");
		ck_assert_uint_lt(length, size);
	}
}

static void check_plan(const struct oci_resources *resources, bool v2, const char *expected)
{
	struct cgroup_writes writes;
	struct error err = ERROR_INIT;
	char text[2048];

	ck_assert_msg(cgroup_resources_plan(resources, v2, &writes, &err) == 0, "%s", err.message);
	render(&writes, text, sizeof(text));
	ck_assert_str_eq(text, expected);
	cgroup_writes_clear(&writes);
	ck_assert_ptr_null(writes.items);
}

static struct error check_refused(const struct oci_resources *resources, bool v2, int number)
{
	struct cgroup_writes writes = {.count = 77};
	struct error err = ERROR_INIT;

	ck_assert_int_eq(cgroup_resources_plan(resources, v2, &writes, &err), -number);
	ck_assert_uint_eq(writes.count, 77);
	return err;
}

START_TEST(plans_nothing)
{
	struct oci_memory memory = {0};
	struct oci_cpu cpu = {0};
	struct oci_pids pids = {0};
	struct oci_block_io io = {0};
	struct oci_network network = {0};
	struct oci_resources resources = {.memory = &memory,
					  .cpu = &cpu,
					  .pids = &pids,
					  .block_io = &io,
					  .network = &network};

	check_plan(NULL, V2, "");
	check_plan(&resources, V2, "");
	check_plan(&resources, V1, "");
}
END_TEST

START_TEST(zero_is_unset)
{
	struct oci_memory memory = {.limit = {true, 0},
				    .reservation = {true, 0},
				    .swap = {true, 0},
				    .kernel = {true, 0}};
	struct oci_cpu cpu = {
		.shares = {true, 0}, .quota = {true, 0}, .period = {true, 0}, .cpus = (char *)""};
	struct oci_block_io io = {.weight = {true, 0}};
	struct oci_resources resources = {.memory = &memory, .cpu = &cpu, .block_io = &io};

	check_plan(&resources, V2, "");
	check_plan(&resources, V1, "");
}
END_TEST

START_TEST(plans_memory)
{
	struct oci_memory memory = {
		.limit = {true, 1000}, .swap = {true, 1500}, .reservation = {true, 500}};
	struct oci_resources resources = {.memory = &memory};

	check_plan(&resources, V2, "memory.max=1000;memory.swap.max=500;memory.low=500");
	check_plan(&resources, V1,
		   "memory.limit_in_bytes=1000~;memory.memsw.limit_in_bytes=1500;"
		   "memory.soft_limit_in_bytes=500");
	memory = (struct oci_memory){.limit = {true, 1000}, .swap = {true, 1000}};
	check_plan(&resources, V2, "memory.max=1000;memory.swap.max=0?");
	memory = (struct oci_memory){
		.limit = {true, 1000}, .swap = {true, -1}, .check_before_update = {true, true}};
	check_plan(&resources, V2, "memory.max=1000^;memory.swap.max=max?");
	check_plan(&resources, V1, "memory.limit_in_bytes=1000~^;memory.memsw.limit_in_bytes=-1?");
	memory = (struct oci_memory){.limit = {true, -1}};
	check_plan(&resources, V2, "memory.max=max;memory.swap.max=max?");
	check_plan(&resources, V1, "memory.limit_in_bytes=-1~;memory.memsw.limit_in_bytes=-1?");
	memory = (struct oci_memory){.swappiness = {true, 10},
				     .disable_oom_killer = {true, true},
				     .kernel = {true, 7},
				     .kernel_tcp = {true, 8}};
	check_plan(&resources, V1,
		   "memory.kmem.limit_in_bytes=7;memory.kmem.tcp.limit_in_bytes=8;"
		   "memory.swappiness=10;memory.oom_control=1");
	memory = (struct oci_memory){.swappiness = {true, UINT64_MAX},
				     .disable_oom_killer = {true, false},
				     .kernel = {true, -1},
				     .kernel_tcp = {true, -1},
				     .use_hierarchy = {true, true}};
	check_plan(&resources, V2, "");
}
END_TEST

START_TEST(memory_refused)
{
	struct oci_memory memory = {.limit = {true, 1000}, .swap = {true, 999}};
	struct oci_resources resources = {.memory = &memory};
	const char *message = "cgroup v2 has nothing like it";
	const char *hint = "take it out of the configuration, or use a host with cgroup v1";
	struct error err = check_refused(&resources, V2, EINVAL);

	ck_assert_error(&err, EINVAL, "linux.resources.memory.swap",
			"999 (memory and swap together) is less than memory.limit 1000", "");
	memory = (struct oci_memory){.swap = {true, 5}};
	err = check_refused(&resources, V2, EINVAL);
	ck_assert_error(&err, EINVAL, "linux.resources.memory.swap",
			"it limits memory and swap together, so it needs a memory.limit", "");
	memory = (struct oci_memory){.limit = {true, -1}, .swap = {true, 5}};
	err = check_refused(&resources, V2, EINVAL);
	ck_assert_error(&err, EINVAL, "linux.resources.memory.swap",
			"it limits memory and swap together, so it needs a memory.limit", "");
	memory = (struct oci_memory){.limit = {true, 0}, .swap = {true, 5}};
	err = check_refused(&resources, V2, EINVAL);
	ck_assert_error(&err, EINVAL, "linux.resources.memory.swap",
			"it limits memory and swap together, so it needs a memory.limit", "");
	memory = (struct oci_memory){.limit = {true, -1}, .swap = {true, 0}};
	check_plan(&resources, V2, "memory.max=max;memory.swap.max=max?");
	memory = (struct oci_memory){.limit = {true, -2}, .swappiness = {true, 1}};
	err = check_refused(&resources, V2, EINVAL);
	ck_assert_error(&err, EINVAL, "linux.resources.memory.limit",
			"-2 is no number of bytes (-1 means unlimited)", "");
	memory = (struct oci_memory){.swappiness = {true, 60}};
	err = check_refused(&resources, V2, ENOTSUP);
	ck_assert_error(&err, ENOTSUP, "linux.resources.memory.swappiness", message, hint);
	memory = (struct oci_memory){.disable_oom_killer = {true, true}};
	err = check_refused(&resources, V2, ENOTSUP);
	ck_assert_error(&err, ENOTSUP, "linux.resources.memory.disableOOMKiller", message, hint);
	memory = (struct oci_memory){.kernel_tcp = {true, 4096}};
	err = check_refused(&resources, V2, ENOTSUP);
	ck_assert_error(&err, ENOTSUP, "linux.resources.memory.kernelTCP", message, hint);
	memory = (struct oci_memory){.use_hierarchy = {true, false}};
	err = check_refused(&resources, V1, ENOTSUP);
	ck_assert_error(&err, ENOTSUP, "linux.resources.memory.useHierarchy",
			"this kernel always counts the memory of child cgroups", "");
}
END_TEST

START_TEST(plans_cpu)
{
	struct oci_cpu cpu = {.shares = {true, 1024},
			      .quota = {true, 50000},
			      .period = {true, 200000},
			      .burst = {true, 1000},
			      .cpus = (char *)"0-1",
			      .mems = (char *)"0"};
	struct oci_resources resources = {.cpu = &cpu};

	check_plan(&resources, V2,
		   "cpu.weight=100;cpu.max=50000 200000~;cpu.max.burst=1000;cpuset.mems=0;"
		   "cpuset.cpus=0-1");
	check_plan(&resources, V1,
		   "cpu.shares=1024;cpu.cfs_period_us=200000~;cpu.cfs_quota_us=50000~;"
		   "cpu.cfs_burst_us=1000;cpuset.mems=0;cpuset.cpus=0-1");
	cpu = (struct oci_cpu){.quota = {true, -1}};
	check_plan(&resources, V2, "cpu.max=max");
	check_plan(&resources, V1, "cpu.cfs_quota_us=-1");
	cpu = (struct oci_cpu){.quota = {true, 5000}};
	check_plan(&resources, V2, "cpu.max=5000");
	cpu = (struct oci_cpu){.period = {true, 5000}};
	check_plan(&resources, V2, "cpu.max=max 5000");
	/* Only an idle group refuses a weight. */
	cpu = (struct oci_cpu){.shares = {true, 2}, .idle = {true, 1}};
	check_plan(&resources, V2, "cpu.idle=1");
	check_plan(&resources, V1, "cpu.idle=1");
	cpu = (struct oci_cpu){.shares = {true, 2}, .idle = {true, 0}};
	check_plan(&resources, V2, "cpu.idle=0;cpu.weight=1");
	cpu = (struct oci_cpu){.realtime_runtime = {true, 1}, .realtime_period = {true, 2}};
	check_plan(&resources, V1, "cpu.rt_period_us=2~;cpu.rt_runtime_us=1");
	ck_assert_str_eq(check_refused(&resources, V2, ENOTSUP).field,
			 "linux.resources.cpu.realtimeRuntime");
}
END_TEST

/* Values of the formula, computed with 50 digits. */
START_TEST(cpu_weight)
{
	static const struct {
		uint64_t shares;
		unsigned int weight;
	} rows[] = {
		{0, 1},		 {1, 1},	  {2, 1},
		{3, 2},		 {10, 4},	  {100, 17},
		{256, 35},	 {512, 59},	  {1023, 100},
		{1024, 100},	 {1025, 101},	  {2048, 174},
		{4096, 303},	 {10240, 639},	  {65536, 3023},
		{262143, 10000}, {262144, 10000}, {UINT64_MAX, 10000},
	};

	for (size_t i = 0; i < suite_count(rows); i++)
		ck_assert_uint_eq(cgroup_cpu_weight(rows[i].shares), rows[i].weight);
	for (uint64_t shares = 2; shares < 262200; shares++)
		ck_assert_uint_le(cgroup_cpu_weight(shares), cgroup_cpu_weight(shares + 1));
}
END_TEST

START_TEST(plans_pids)
{
	struct oci_pids limit = {.limit = {true, 64}};
	struct oci_resources resources = {.pids = &limit};

	check_plan(&resources, V2, "pids.max=64");
	check_plan(&resources, V1, "pids.max=64");
	limit.limit.value = -1;
	check_plan(&resources, V2, "pids.max=max");
	limit.limit.value = 0;
	check_plan(&resources, V2, "pids.max=1");
}
END_TEST

START_TEST(plans_block_io)
{
	struct oci_weight_device weight = {.major = 8, .minor = 0, .weight = {true, 1000}};
	struct oci_throttle_device throttle = {.major = 8, .minor = 16, .rate = 4096},
				   none = {8, 0, 0};
	struct oci_block_io io = {.weight = {true, 500},
				  .weight_device = {&weight, 1},
				  .throttle_read_bps_device = {&throttle, 1},
				  .throttle_write_iops_device = {&none, 1}};
	struct oci_resources resources = {.block_io = &io};

	check_plan(&resources, V2,
		   "io.bfq.weight=500|;io.weight=4950;io.bfq.weight=8:0 1000|;io.weight=8:0 10000;"
		   "io.max=8:16 rbps=4096;io.max=8:0 wiops=max");
	check_plan(&resources, V1,
		   "blkio.bfq.weight=500|;blkio.weight=500;blkio.bfq.weight_device=8:0 1000|;"
		   "blkio.weight_device=8:0 1000;blkio.throttle.read_bps_device=8:16 4096;"
		   "blkio.throttle.write_iops_device=8:0 0");
	weight.leaf_weight = (struct oci_opt_u16){true, 20};
	ck_assert_str_eq(check_refused(&resources, V2, ENOTSUP).field,
			 "linux.resources.blockIO.weightDevice[0].leafWeight");
	io = (struct oci_block_io){.leaf_weight = {true, 30}, .weight_device = {&weight, 1}};
	weight.weight.set = false;
	check_plan(&resources, V1, "blkio.leaf_weight=30;blkio.leaf_weight_device=8:0 20");
	ck_assert_uint_eq(cgroup_io_weight(10), 1);
	ck_assert_uint_eq(cgroup_io_weight(100), 910);
	ck_assert_uint_eq(cgroup_io_weight(1000), 10000);
}
END_TEST

START_TEST(plans_others)
{
	struct oci_hugepage_limit huge = {(char *)"2MB", 4194304};
	struct oci_rdma rdma = {(char *)"mlx5_1", {true, 3}, {true, 10}};
	struct oci_interface_priority priority = {(char *)"eth0", 5};
	struct oci_network network = {.class_id = {true, 1048577}, .priorities = {&priority, 1}};
	struct oci_resources resources = {.hugepage_limits = {&huge, 1}, .rdma = {&rdma, 1}};
	struct error err;

	check_plan(&resources, V2,
		   "hugetlb.2MB.max=4194304;hugetlb.2MB.rsvd.max=4194304?;"
		   "rdma.max=mlx5_1 hca_handle=3 hca_object=10");
	resources.network = &network;
	check_plan(&resources, V1,
		   "hugetlb.2MB.limit_in_bytes=4194304;hugetlb.2MB.rsvd.limit_in_bytes=4194304?;"
		   "net_cls.classid=1048577;net_prio.ifpriomap=eth0 5;"
		   "rdma.max=mlx5_1 hca_handle=3 hca_object=10");
	ck_assert_str_eq(check_refused(&resources, V2, ENOTSUP).field,
			 "linux.resources.network.classID");
	huge.page_size = (char *)"2MB/../x";
	err = check_refused(&resources, V2, EINVAL);
	ck_assert_error(&err, EINVAL, "linux.resources.hugepageLimits[0].pageSize",
			"\"2MB/../x\" is no page size such as 2MB or 1GB", "");
}
END_TEST

START_TEST(plans_unified)
{
	struct oci_pids limit = {.limit = {true, 64}};
	struct oci_string_pair pairs[] = {{(char *)"pids.max", (char *)"10"},
					  {(char *)"io.max", (char *)"8:0 rbps=1\n8:16 wbps=2\n"},
					  {(char *)"misc.max", (char *)""}};
	struct oci_resources resources = {.pids = &limit, .unified = {pairs, 3}};
	static const char *const bad[] = {"", "a/b", "../memory.max", "nodot", ".hidden"};
	struct cgroup_writes writes;
	struct error err = ERROR_INIT;

	check_plan(&resources, V2,
		   "pids.max=64;pids.max=10;io.max=8:0 rbps=1;io.max=8:16 wbps=2;misc.max=");
	ck_assert_int_eq(cgroup_resources_plan(&resources, V2, &writes, &err), 0);
	ck_assert_str_eq(writes.items[0].controller, "pids");
	ck_assert_str_eq(writes.items[0].field, "linux.resources.pids.limit");
	ck_assert_str_eq(writes.items[1].field, "linux.resources.unified[\"pids.max\"]");
	cgroup_writes_clear(&writes);
	err = check_refused(&resources, V1, ENOTSUP);
	ck_assert_error(&err, ENOTSUP, "linux.resources.unified[\"pids.max\"]",
			"this host has cgroup v1, unified is for cgroup v2", "");
	resources.unified.count = 1;
	pairs[0].key = (char *)"cgroup.procs";
	err = check_refused(&resources, V2, EINVAL);
	ck_assert_error(&err, EINVAL, "linux.resources.unified[\"cgroup.procs\"]",
			"cgroup.procs sets no limit", "");
	for (size_t i = 0; i < suite_count(bad); i++) {
		pairs[0].key = (char *)bad[i];
		ck_assert_int_eq(check_refused(&resources, V2, EINVAL).number, EINVAL);
	}
}
END_TEST

START_TEST(first_failure_wins)
{
	struct oci_memory memory = {.limit = {true, -7}, .swappiness = {true, 1}};
	struct oci_string_pair pair = {(char *)"x/y", (char *)"1"};
	struct oci_resources resources = {.memory = &memory, .unified = {&pair, 1}};
	struct error err = check_refused(&resources, V2, EINVAL);

	ck_assert_error(&err, EINVAL, "linux.resources.memory.limit",
			"-7 is no number of bytes (-1 means unlimited)", "");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {plans_nothing,  zero_is_unset,	 plans_memory,
				      memory_refused, plans_cpu,	 cpu_weight,
				      plans_pids,     plans_block_io,	 plans_others,
				      plans_unified,  first_failure_wins};

	return suite_run("cgroup-resources", tests, suite_count(tests));
}
