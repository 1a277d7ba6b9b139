/* SPDX-License-Identifier: Apache-2.0 */
/* What an update merges, in which order it writes, and what would put the old values back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup/resources/resources.h"
#include "suite.h"

#define V2 true
#define V1 false

static void render(const struct cgroup_writes *writes, char *out, size_t size)
{
	size_t length = 0;

	out[0] = '\0';
	for (size_t i = 0; i < writes->count; i++) {
		length += (size_t)snprintf(out + length, size - length, "%s%s=%s", i ? ";" : "",
					   writes->items[i].file, writes->items[i].value);
		ck_assert_uint_lt(length, size);
	}
}

/* The plan of an update from `old` to `wanted` of a cgroup with these bounds. */
static int plan(const struct oci_resources *old, const struct oci_resources *wanted,
		const struct cgroup_bounds *bounds, bool v2, char text[2048], struct error *err)
{
	struct cgroup_update update = {.wanted = wanted, .bounds = *bounds};
	struct cgroup_merged *merged;
	struct cgroup_writes writes;
	int r;

	ck_assert_int_eq(cgroup_resources_merge(old, wanted, &merged, err), 0);
	update.whole = &merged->resources;
	r = cgroup_update_plan(&update, v2, &writes, err);
	if (r == 0) {
		render(&writes, text, 2048);
		cgroup_writes_clear(&writes);
	}
	cgroup_merged_free(merged);
	return r;
}

#define ck_plan(old, wanted, bounds, v2, expected)                                    \
	do {                                                                          \
		struct error err_ = ERROR_INIT;                                       \
		char text_[2048];                                                     \
		ck_assert_msg(plan(old, wanted, bounds, v2, text_, &err_) == 0, "%s", \
			      err_.message);                                          \
		ck_assert_str_eq(text_, expected);                                    \
	} while (0)

static struct cgroup_bounds bounds_of(int64_t quota, uint64_t period, uint64_t burst)
{
	struct cgroup_bounds bounds = CGROUP_BOUNDS_NEW;

	bounds.quota = quota;
	bounds.period = period;
	bounds.burst = burst;
	return bounds;
}

START_TEST(nothing)
{
	struct oci_memory memory = {.limit = {true, 0}, .swap = {true, 0}};
	struct oci_cpu cpu = {.quota = {true, 0}, .cpus = (char *)""};
	struct oci_pids pids = {0};
	struct oci_resources old = {.memory = &(struct oci_memory){.limit = {true, 4096}}};
	struct oci_resources wanted = {.memory = &memory, .cpu = &cpu, .pids = &pids};
	struct cgroup_bounds bounds = CGROUP_BOUNDS_NEW;

	ck_plan(&old, &wanted, &bounds, V2, "");
	ck_plan(&old, &wanted, &bounds, V1, "");
	ck_plan(NULL, &wanted, &bounds, V2, "");
}
END_TEST

START_TEST(quota_and_period_on_v2)
{
	struct oci_cpu before = {.quota = {true, 50000}, .period = {true, 200000}};
	struct oci_resources old = {.cpu = &before};
	struct oci_cpu cpu = {.quota = {true, 30000}};
	struct oci_resources wanted = {.cpu = &cpu};
	struct cgroup_bounds bounds = bounds_of(50000, 200000, 0);

	ck_plan(&old, &wanted, &bounds, V2, "cpu.max=30000 200000");
	cpu = (struct oci_cpu){.period = {true, 80000}};
	ck_plan(&old, &wanted, &bounds, V2, "cpu.max=50000 80000");
	cpu = (struct oci_cpu){.quota = {true, -1}};
	ck_plan(&old, &wanted, &bounds, V2, "cpu.max=max 200000");
	/* Nobody told us of the quota, but it is there: a new period does not take it off. */
	cpu = (struct oci_cpu){.period = {true, 80000}};
	ck_plan(NULL, &wanted, &bounds, V2, "cpu.max=50000 80000");
	bounds.quota = -1;
	ck_plan(NULL, &wanted, &bounds, V2, "cpu.max=max 80000");
	cpu = (struct oci_cpu){.quota = {true, 30000}};
	ck_plan(NULL, &wanted, &bounds, V2, "cpu.max=30000");
}
END_TEST

START_TEST(burst_keeps_below_the_quota)
{
	struct oci_cpu cpu = {.quota = {true, 20000}, .burst = {true, 5000}};
	struct oci_resources wanted = {.cpu = &cpu};
	struct cgroup_bounds bounds = bounds_of(100000, 100000, 50000);

	/* Down: the old burst would be above the new quota. */
	ck_plan(NULL, &wanted, &bounds, V2, "cpu.max.burst=5000;cpu.max=20000");
	ck_plan(NULL, &wanted, &bounds, V1, "cpu.cfs_burst_us=5000;cpu.cfs_quota_us=20000");
	/* Up: the new burst would be above the old quota. */
	bounds = bounds_of(2000, 100000, 1000);
	ck_plan(NULL, &wanted, &bounds, V2, "cpu.max=20000;cpu.max.burst=5000");
	ck_plan(NULL, &wanted, &bounds, V1, "cpu.cfs_quota_us=20000;cpu.cfs_burst_us=5000");
	/* No quota bounds nothing. */
	cpu.quota.value = -1;
	bounds = bounds_of(100000, 100000, 50000);
	ck_plan(NULL, &wanted, &bounds, V2, "cpu.max=max;cpu.max.burst=5000");
}
END_TEST

START_TEST(share_fits_the_parent_on_v1)
{
	struct oci_cpu cpu = {.quota = {true, 10000}, .period = {true, 50000}};
	struct oci_resources wanted = {.cpu = &cpu};
	struct cgroup_bounds bounds = bounds_of(20000, 100000, 0);

	/* A shorter period first would be a larger share. */
	ck_plan(NULL, &wanted, &bounds, V1, "cpu.cfs_quota_us=10000;cpu.cfs_period_us=50000");
	bounds.period = 20000;
	ck_plan(NULL, &wanted, &bounds, V1, "cpu.cfs_period_us=50000;cpu.cfs_quota_us=10000");
	bounds = bounds_of(-1, 100000, 0);
	ck_plan(NULL, &wanted, &bounds, V1, "cpu.cfs_period_us=50000;cpu.cfs_quota_us=10000");
	/* All three, both ways. */
	cpu.burst = (struct oci_opt_u64){true, 100};
	bounds = bounds_of(20000, 100000, 15000);
	ck_plan(NULL, &wanted, &bounds, V1,
		"cpu.cfs_burst_us=100;cpu.cfs_quota_us=10000;cpu.cfs_period_us=50000");
	bounds = bounds_of(50, 1000, 10);
	ck_plan(NULL, &wanted, &bounds, V1,
		"cpu.cfs_period_us=50000;cpu.cfs_quota_us=10000;cpu.cfs_burst_us=100");
}
END_TEST

START_TEST(realtime_on_v1)
{
	struct oci_cpu cpu = {.realtime_period = {true, 10000}, .realtime_runtime = {true, 5000}};
	struct oci_resources wanted = {.cpu = &cpu};
	struct cgroup_bounds bounds = CGROUP_BOUNDS_NEW;

	ck_plan(NULL, &wanted, &bounds, V1, "cpu.rt_period_us=10000;cpu.rt_runtime_us=5000");
	bounds.realtime_runtime = 20000;
	ck_plan(NULL, &wanted, &bounds, V1, "cpu.rt_runtime_us=5000;cpu.rt_period_us=10000");
}
END_TEST

START_TEST(idle_and_weight)
{
	struct oci_cpu before = {.shares = {true, 2048}};
	struct oci_resources old = {.cpu = &before};
	struct oci_cpu cpu = {.idle = {true, 1}, .shares = {true, 512}};
	struct oci_resources wanted = {.cpu = &cpu};
	struct cgroup_bounds bounds = CGROUP_BOUNDS_NEW;
	struct error err = ERROR_INIT;
	char text[2048];

	ck_plan(&old, &wanted, &bounds, V2, "cpu.idle=1");
	/* The kernel has forgotten the weight. */
	cpu = (struct oci_cpu){.idle = {true, 0}};
	bounds.idle = true;
	ck_plan(&old, &wanted, &bounds, V2, "cpu.idle=0;cpu.weight=174");
	ck_plan(&old, &wanted, &bounds, V1, "cpu.idle=0;cpu.shares=2048");
	cpu = (struct oci_cpu){.idle = {true, 0}, .shares = {true, 1024}};
	ck_plan(&old, &wanted, &bounds, V2, "cpu.idle=0;cpu.weight=100");
	cpu = (struct oci_cpu){.shares = {true, 1024}};
	ck_assert_int_eq(plan(&old, &wanted, &bounds, V2, text, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "linux.resources.cpu.shares",
			"the cgroup is idle (cpu.idle), and has no weight", "");
}
END_TEST

START_TEST(memory_and_swap_on_v1)
{
	struct oci_memory memory = {.limit = {true, 2000}, .swap = {true, 3000}};
	struct oci_resources wanted = {.memory = &memory};
	struct cgroup_bounds bounds = CGROUP_BOUNDS_NEW;

	ck_plan(NULL, &wanted, &bounds, V1,
		"memory.limit_in_bytes=2000;memory.memsw.limit_in_bytes=3000");
	/* Up, above the old sum: the sum first. */
	bounds.memory = 500;
	bounds.swap = 1000;
	ck_plan(NULL, &wanted, &bounds, V1,
		"memory.memsw.limit_in_bytes=3000;memory.limit_in_bytes=2000");
	/* Down, below the old limit: the limit first. */
	bounds.memory = 5000;
	bounds.swap = 6000;
	ck_plan(NULL, &wanted, &bounds, V1,
		"memory.limit_in_bytes=2000;memory.memsw.limit_in_bytes=3000");
	/* Off: both, the sum first. */
	memory = (struct oci_memory){.limit = {true, -1}};
	ck_plan(NULL, &wanted, &bounds, V1,
		"memory.memsw.limit_in_bytes=-1;memory.limit_in_bytes=-1");
}
END_TEST

START_TEST(memory_and_swap_on_v2)
{
	struct oci_memory before = {.limit = {true, 1000}, .swap = {true, 1500}};
	struct oci_resources old = {.memory = &before};
	struct oci_memory memory = {.limit = {true, 1200}};
	struct oci_resources wanted = {.memory = &memory};
	struct cgroup_bounds bounds = CGROUP_BOUNDS_NEW;
	struct error err = ERROR_INIT;
	char text[2048];

	bounds.memory = 1000;
	bounds.swap = 500;
	/* The sum stays: less is left of it for swap. */
	ck_plan(&old, &wanted, &bounds, V2, "memory.max=1200;memory.swap.max=300");
	/* More swap before less memory. */
	memory = (struct oci_memory){.limit = {true, 800}};
	ck_plan(&old, &wanted, &bounds, V2, "memory.swap.max=700;memory.max=800");
	memory = (struct oci_memory){.swap = {true, 4000}};
	ck_plan(&old, &wanted, &bounds, V2, "memory.swap.max=3000");
	memory = (struct oci_memory){.swap = {true, -1}};
	ck_plan(&old, &wanted, &bounds, V2, "memory.swap.max=max");
	memory = (struct oci_memory){.limit = {true, -1}};
	ck_plan(&old, &wanted, &bounds, V2, "memory.swap.max=max;memory.max=max");
	memory = (struct oci_memory){.limit = {true, 2000}};
	ck_assert_int_eq(plan(&old, &wanted, &bounds, V2, text, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "linux.resources.memory.swap",
			"1500 (memory and swap together) is less than memory.limit 2000", "");
	before = (struct oci_memory){.limit = {true, 1000}};
	memory = (struct oci_memory){.limit = {true, 1200}};
	ck_plan(&old, &wanted, &bounds, V2, "memory.max=1200");
	memory = (struct oci_memory){.swap = {true, 1200}};
	ck_assert_int_eq(plan(NULL, &wanted, &bounds, V2, text, &err), -EINVAL);
	ck_assert_str_eq(err.message,
			 "it limits memory and swap together, so it needs a memory.limit");
}
END_TEST

START_TEST(memory_comes_last)
{
	struct oci_memory memory = {.limit = {true, 2000}};
	struct oci_pids pids = {.limit = {true, 7}};
	struct oci_cpu cpu = {.cpus = (char *)"0"};
	struct oci_string_pair pair = {(char *)"memory.high", (char *)"5"};
	struct oci_resources wanted = {
		.memory = &memory, .pids = &pids, .cpu = &cpu, .unified = {&pair, 1}};
	struct cgroup_bounds bounds = CGROUP_BOUNDS_NEW;

	ck_plan(NULL, &wanted, &bounds, V2,
		"cpuset.cpus=0;pids.max=7;memory.max=2000;memory.high=5");
}
END_TEST

static struct oci_string_pair *pair_of(struct oci_resources *resources, const char *key)
{
	for (size_t i = 0; i < resources->unified.count; i++)
		if (strcmp(resources->unified.items[i].key, key) == 0)
			return &resources->unified.items[i];
	ck_abort_msg("no %s", key);
	return NULL;
}

START_TEST(merges_lists)
{
	struct oci_throttle_device old_rates[] = {{8, 0, 1}, {8, 16, 2}, {8, 0, 3}};
	struct oci_throttle_device new_rates[] = {{8, 0, 9}, {8, 32, 5}};
	struct oci_weight_device old_weights[] = {{8, 0, {true, 100}, {true, 200}}};
	struct oci_weight_device new_weights[] = {{8, 0, {true, 300}, {false, 0}}};
	struct oci_block_io old_io = {.weight = {true, 10},
				      .throttle_read_bps_device = {old_rates, 3},
				      .weight_device = {old_weights, 1}};
	struct oci_block_io new_io = {.throttle_read_bps_device = {new_rates, 2},
				      .weight_device = {new_weights, 1}};
	struct oci_string_pair old_pairs[] = {{(char *)"a.b", (char *)"1"},
					      {(char *)"c.d", (char *)"2"}};
	struct oci_string_pair new_pairs[] = {{(char *)"c.d", (char *)"3"},
					      {(char *)"e.f", (char *)"4"}};
	struct oci_hugepage_limit old_huge[] = {{(char *)"2MB", 1}};
	struct oci_hugepage_limit new_huge[] = {{(char *)"1GB", 2}, {(char *)"2MB", 3}};
	struct oci_rdma old_rdma[] = {{(char *)"mlx", {true, 1}, {true, 2}}};
	struct oci_rdma new_rdma[] = {{(char *)"mlx", {false, 0}, {true, 3}}};
	struct oci_resources old = {.block_io = &old_io,
				    .unified = {old_pairs, 2},
				    .hugepage_limits = {old_huge, 1},
				    .rdma = {old_rdma, 1}};
	struct oci_resources wanted = {.block_io = &new_io,
				       .unified = {new_pairs, 2},
				       .hugepage_limits = {new_huge, 2},
				       .rdma = {new_rdma, 1}};
	const struct oci_throttle_devices *rates;
	struct cgroup_merged *merged;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(cgroup_resources_merge(&old, &wanted, &merged, &err), 0);
	rates = &merged->resources.block_io->throttle_read_bps_device;
	ck_assert_uint_eq(rates->count, 4);
	ck_assert_uint_eq(rates->items[0].rate, 1);
	ck_assert_uint_eq(rates->items[1].rate, 2);
	ck_assert_uint_eq(rates->items[2].rate, 9);
	ck_assert_int_eq(rates->items[3].minor, 32);
	ck_assert_uint_eq(merged->resources.block_io->weight.value, 10);
	ck_assert_uint_eq(merged->resources.block_io->weight_device.items[0].weight.value, 300);
	ck_assert_uint_eq(merged->resources.block_io->weight_device.items[0].leaf_weight.value,
			  200);
	ck_assert_uint_eq(merged->resources.unified.count, 3);
	ck_assert_str_eq(pair_of(&merged->resources, "a.b")->value, "1");
	ck_assert_str_eq(pair_of(&merged->resources, "c.d")->value, "3");
	ck_assert_str_eq(pair_of(&merged->resources, "e.f")->value, "4");
	ck_assert_uint_eq(merged->resources.hugepage_limits.count, 2);
	ck_assert_uint_eq(merged->resources.hugepage_limits.items[0].limit, 3);
	ck_assert_uint_eq(merged->resources.rdma.items[0].hca_handles.value, 1);
	ck_assert_uint_eq(merged->resources.rdma.items[0].hca_objects.value, 3);
	cgroup_merged_free(merged);
	/* What was merged from is as it was. */
	ck_assert_uint_eq(old_rates[2].rate, 3);
	ck_assert_str_eq(old_pairs[1].value, "2");
}
END_TEST

START_TEST(merges_scalars)
{
	struct oci_memory old_memory = {.limit = {true, 10},
					.swap = {true, 20},
					.reservation = {true, 5},
					.check_before_update = {true, true}};
	struct oci_memory new_memory = {.limit = {true, -1}, .reservation = {true, 0}};
	struct oci_device_rule rule = {.allow = true};
	struct oci_resources old = {.memory = &old_memory, .devices = {&rule, 1}};
	struct oci_resources wanted = {.memory = &new_memory};
	struct cgroup_merged *merged;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(cgroup_resources_merge(&old, &wanted, &merged, &err), 0);
	ck_assert_int_eq(merged->resources.memory->limit.value, -1);
	ck_assert(!merged->resources.memory->swap.set);
	ck_assert_int_eq(merged->resources.memory->reservation.value, 5);
	ck_assert(!merged->resources.memory->check_before_update.set);
	ck_assert_ptr_eq(merged->resources.devices.items, &rule);
	ck_assert_ptr_null(merged->resources.cpu);
	cgroup_merged_free(merged);
	ck_assert_int_eq(cgroup_resources_merge(NULL, &old, &merged, &err), 0);
	ck_assert_int_eq(merged->resources.memory->swap.value, 20);
	cgroup_merged_free(merged);
}
END_TEST

START_TEST(restores)
{
	static const struct {
		const char *file, *written, *content, *expected; /* NULL: nothing */
	} rows[] = {
		{"memory.max", "5", "max\n", "max"},
		{"cpu.max", "5000", "max 100000\n", "max 100000"},
		{"cpu.max", "max 5000", "20000 100000\n", "20000 100000"},
		{"cpu.max", "5000 10000", "20000 100000\n", "20000 100000"},
		{"cpuset.cpus", "0", "\n", "\n"},
		{"cpuset.cpus", "0", "", "\n"},
		{"cpu.weight", "100", "0\n", NULL},
		{"cpu.weight", "100", "39\n", "39"},
		{"io.weight", "100", "default 50\n8:0 70\n", "default 50"},
		{"io.weight", "8:0 100", "default 50\n8:0 70\n", "8:0 70"},
		{"io.weight", "8:16 100", "default 50\n8:0 70\n", "8:16 default"},
		{"io.weight", "default 100", "default 50\n", "default 50"},
		{"io.max", "8:0 rbps=1", "8:0 rbps=7 wbps=max riops=max wiops=9\n",
		 "8:0 rbps=7 wbps=max riops=max wiops=9"},
		{"io.max", "8:0 rbps=1", "8:01 rbps=7\n",
		 "8:0 rbps=max wbps=max riops=max wiops=max"},
		{"io.max", "8:0 rbps=1", "", "8:0 rbps=max wbps=max riops=max wiops=max"},
		{"blkio.throttle.read_bps_device", "8:0 5", "8:16 7\n", "8:0 0"},
		{"blkio.throttle.read_bps_device", "8:0 5", "8:16 7\n8:0 9\n", "8:0 9"},
		{"net_prio.ifpriomap", "eth0 5", "lo 0\neth0 3\n", "eth0 3"},
		{"rdma.max", "mlx hca_handle=1", "", "mlx hca_handle=max hca_object=max"},
		{"misc.max", "sev 1", "sev max\n", "sev max"},
		{"misc.max", "sev 1", "tdx 5\n", NULL},
		{"memory.oom_control", "1", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", "0"},
		{"memory.oom_control", "1", "?", NULL},
		{"cgroup.subtree_control", "+cpu -io +memory", "cpu io\n", "+cpu +io -memory"},
		{"cgroup.subtree_control", "+", "cpu\n", ""},
		{"hugetlb.2MB.max", "0", "max\n", "max"},
	};

	for (size_t i = 0; i < suite_count(rows); i++) {
		char *value = (char *)"?";

		ck_assert_int_eq(
			cgroup_restore_plan(rows[i].file, rows[i].written, rows[i].content, &value),
			0);
		if (!rows[i].expected) {
			ck_assert_msg(!value, "%s: %s", rows[i].file, value);
			continue;
		}
		ck_assert_ptr_nonnull(value);
		ck_assert_str_eq(value, rows[i].expected);
		free(value);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		nothing,
		quota_and_period_on_v2,
		burst_keeps_below_the_quota,
		share_fits_the_parent_on_v1,
		realtime_on_v1,
		idle_and_weight,
		memory_and_swap_on_v1,
		memory_and_swap_on_v2,
		memory_comes_last,
		merges_lists,
		merges_scalars,
		restores,
	};

	return suite_run("cgroup-update", tests, suite_count(tests));
}
