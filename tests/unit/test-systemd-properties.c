/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cgroup/resources/resources.h"
#include "cgroup/systemd/properties.h"
#include "suite.h"

/* "NAME=VALUE" in order, "@VERSION" behind those that are not of every systemd. */
static void render(const struct systemd_properties *properties, char *out, size_t size)
{
	size_t length = 0;

	ck_assert(!properties->failed);
	out[0] = '\0';
	for (size_t i = 0; i < properties->count; i++) {
		const struct systemd_property *property = &properties->items[i];

		length += (size_t)snprintf(out + length, size - length, "%s%s=%s", i ? ";" : "",
					   property->name, property->value);
		/* All that knarr is for have these. */
		if (property->since > 245)
			length += (size_t)snprintf(out + length, size - length, "@%u",
						   property->since);
		ck_assert_uint_lt(length, size);
	}
}

static void check_limits(const struct oci_resources *resources, const struct systemd_limits *limits,
			 const char *expected)
{
	struct systemd_properties properties = {0};
	struct cgroup_writes writes = {0};
	struct error err = ERROR_INIT;
	char text[4096];

	ck_assert_msg(cgroup_resources_plan(resources, limits->v2, &writes, &err) == 0, "%s",
		      err.message);
	systemd_properties_add_limits(&properties, &writes, limits);
	render(&properties, text, sizeof(text));
	ck_assert_str_eq(text, expected);
	systemd_properties_clear(&properties);
	cgroup_writes_clear(&writes);
}

static const struct systemd_limits v2 = {.v2 = true}, v1 = {.v2 = false};

START_TEST(memory_cpu_and_processes)
{
	struct oci_memory memory = {
		.limit = {.set = true, .value = 67108864},
		.swap = {.set = true, .value = 134217728},
		.reservation = {.set = true, .value = 33554432},
	};
	struct oci_cpu cpu = {
		.shares = {.set = true, .value = 1024},
		.quota = {.set = true, .value = 33333},
		.period = {.set = true, .value = 100000},
		.cpus = (char *)"0-2,9",
		.mems = (char *)"0",
	};
	struct oci_pids pids = {.limit = {.set = true, .value = 50}};
	const struct oci_resources resources = {.memory = &memory, .cpu = &cpu, .pids = &pids};

	check_limits(NULL, &v2, "");
	check_limits(&resources, &v2,
		     "CPUWeight=uint64 100;AllowedMemoryNodes=@ay [1];AllowedCPUs=@ay [7, 2];"
		     "TasksMax=uint64 50;MemoryMax=uint64 67108864;MemorySwapMax=uint64 67108864;"
		     "MemoryLow=uint64 33554432;CPUQuotaPeriodUSec=uint64 100000;"
		     "CPUQuotaPerSecUSec=uint64 340000");
	check_limits(&resources, &v1,
		     "CPUShares=uint64 1024;AllowedMemoryNodes=@ay [1];AllowedCPUs=@ay [7, 2];"
		     "TasksMax=uint64 50;MemoryLimit=uint64 67108864;"
		     "CPUQuotaPeriodUSec=uint64 100000;CPUQuotaPerSecUSec=uint64 340000");
}
END_TEST

START_TEST(unlimited_and_quota)
{
	static const struct {
		int64_t quota;
		uint64_t period;
		const char *expected;
	} cases[] = {
		{-1, 0, "CPUQuotaPerSecUSec=uint64 18446744073709551615"},
		{50000, 0, "CPUQuotaPerSecUSec=uint64 500000"},
		{50001, 0, "CPUQuotaPerSecUSec=uint64 510000"},
		{1000, 1000000,
		 "CPUQuotaPeriodUSec=uint64 1000000;CPUQuotaPerSecUSec=uint64 10000"},
		{300000, 100000,
		 "CPUQuotaPeriodUSec=uint64 100000;CPUQuotaPerSecUSec=uint64 3000000"},
		{0, 50000,
		 "CPUQuotaPeriodUSec=uint64 50000;CPUQuotaPerSecUSec=uint64 18446744073709551615"},
	};
	struct oci_memory memory = {.limit = {.set = true, .value = -1},
				    .swap = {.set = true, .value = -1}};
	struct oci_pids pids = {.limit = {.set = true, .value = -1}};
	struct oci_resources resources = {.memory = &memory, .pids = &pids};

	check_limits(&resources, &v2,
		     "TasksMax=uint64 18446744073709551615;"
		     "MemoryMax=uint64 18446744073709551615;"
		     "MemorySwapMax=uint64 18446744073709551615");
	pids.limit.value = 0;
	resources.memory = NULL;
	check_limits(&resources, &v2, "TasksMax=uint64 1");
	for (size_t i = 0; i < suite_count(cases); i++) {
		struct oci_cpu cpu = {.quota = {.set = true, .value = cases[i].quota},
				      .period = {.set = true, .value = cases[i].period}};

		check_limits(&(struct oci_resources){.cpu = &cpu}, &v2, cases[i].expected);
	}
}
END_TEST

START_TEST(unified)
{
	static struct oci_string_pair pairs[] = {
		{(char *)"cpu.idle", (char *)"1"},
		{(char *)"memory.high", (char *)"1G"},
		{(char *)"memory.min", (char *)"4k"},
		{(char *)"memory.oom.group", (char *)"1"},
		{(char *)"memory.zswap.max", (char *)"max"},
		{(char *)"cpu.max", (char *)"max 50000"},
		{(char *)"io.max", (char *)"8:0 rbps=1000 wiops=max\n8:16 wbps=5"},
		{(char *)"io.weight", (char *)"default 200"},
		{(char *)"hugetlb.2MB.max", (char *)"0"},
		{(char *)"misc.max", (char *)"x 1"},
		{(char *)"cpuset.cpus", (char *)"nonsense"},
		{(char *)"pids.max", (char *)"many"},
	};
	const struct oci_resources resources = {.unified = {pairs, suite_count(pairs)}};
	const struct systemd_limits update = {.v2 = true, .update = true};
	static const char *const rest =
		"MemoryZSwapMax=uint64 18446744073709551615@253;"
		"IOReadBandwidthMax=[('/dev/block/8:0', uint64 1000)];"
		"IOWriteIOPSMax=[('/dev/block/8:0', uint64 18446744073709551615)];"
		"IOWriteBandwidthMax=[('/dev/block/8:16', uint64 5)];IOWeight=uint64 200;"
		"CPUQuotaPeriodUSec=uint64 50000;CPUQuotaPerSecUSec=uint64 18446744073709551615";
	char expected[2048];

	(void)snprintf(expected, sizeof(expected),
		       "CPUWeight=uint64 0@252;MemoryHigh=uint64 1073741824;MemoryMin=uint64 4096;"
		       "OOMPolicy='kill'@253;%s",
		       rest);
	check_limits(&resources, &v2, expected);
	/* The policy is fixed by then. */
	(void)snprintf(
		expected, sizeof(expected),
		"CPUWeight=uint64 0@252;MemoryHigh=uint64 1073741824;MemoryMin=uint64 4096;%s",
		rest);
	check_limits(&resources, &update, expected);
}
END_TEST

/* Each key of `unified` that systemd has a word for, alone, and since when. */
START_TEST(unified_keys)
{
	static const struct {
		const char *key, *value, *name, *expected;
		unsigned int since;
	} cases[] = {
		{"cpu.weight", "321", "CPUWeight", "uint64 321", 232},
		{"cpu.idle", "1", "CPUWeight", "uint64 0", 252},
		{"cpuset.cpus", "0,9", "AllowedCPUs", "@ay [1, 2]", 244},
		{"cpuset.mems", "1-2", "AllowedMemoryNodes", "@ay [6]", 244},
		{"memory.min", "1", "MemoryMin", "uint64 1", 240},
		{"memory.low", "2", "MemoryLow", "uint64 2", 231},
		{"memory.high", "3", "MemoryHigh", "uint64 3", 231},
		{"memory.max", "4", "MemoryMax", "uint64 4", 231},
		{"memory.swap.max", "5", "MemorySwapMax", "uint64 5", 232},
		{"memory.zswap.max", "6", "MemoryZSwapMax", "uint64 6", 253},
		{"memory.oom.group", "0", "OOMPolicy", "'continue'", 253},
		{"memory.oom.group", "1", "OOMPolicy", "'kill'", 253},
		{"pids.max", "7", "TasksMax", "uint64 7", 227},
		{"io.weight", "8", "IOWeight", "uint64 8", 230},
		{"io.weight", "8:16 9", "IODeviceWeight", "[('/dev/block/8:16', uint64 9)]", 230},
		{"io.max", "8:0 riops=7", "IOReadIOPSMax", "[('/dev/block/8:0', uint64 7)]", 230},
		{"cpu.max", "20000", "CPUQuotaPerSecUSec", "uint64 200000", 213},
	};
	static const char *const files_alone[][2] = {
		{"cpu.idle", "0"},
		{"cpu.max.burst", "5"},
		{"memory.zswap.writeback", "0"},
		{"hugetlb.2MB.max", "0"},
		{"rdma.max", "x 1"},
		{"misc.max", "x 1"},
		{"io.latency", "8:0 target=5"},
		{"cpuset.cpus.partition", "root"},
	};

	for (size_t i = 0; i < suite_count(cases); i++) {
		struct oci_string_pair pair = {(char *)(uintptr_t)cases[i].key,
					       (char *)(uintptr_t)cases[i].value};
		const struct oci_resources resources = {.unified = {&pair, 1}};
		struct systemd_properties properties = {0};
		struct cgroup_writes writes = {0};
		struct error err = ERROR_INIT;

		ck_assert_int_eq(cgroup_resources_plan(&resources, true, &writes, &err), 0);
		systemd_properties_add_limits(&properties, &writes, &v2);
		ck_assert_uint_eq(properties.count, 1);
		ck_assert_str_eq(properties.items[0].name, cases[i].name);
		ck_assert_str_eq(properties.items[0].value, cases[i].expected);
		/* One that is older than what knarr is for need not be exact. */
		ck_assert_uint_eq(properties.items[0].since > 240 ? properties.items[0].since : 0,
				  cases[i].since > 240 ? cases[i].since : 0);
		systemd_properties_clear(&properties);
		cgroup_writes_clear(&writes);
	}
	for (size_t i = 0; i < suite_count(files_alone); i++) {
		struct oci_string_pair pair = {(char *)(uintptr_t)files_alone[i][0],
					       (char *)(uintptr_t)files_alone[i][1]};

		check_limits(&(struct oci_resources){.unified = {&pair, 1}}, &v2, "");
	}
}
END_TEST

/* systemd's own map from IOWeight= to io.bfq.weight. */
static unsigned int bfq_of(unsigned int weight)
{
	return weight <= 100 ? 100 - (100 - weight) * (100 - 1) / (100 - 1)
			     : 100 + (weight - 100) * (1000 - 100) / (10000 - 100);
}

START_TEST(io_weight)
{
	struct oci_weight_device device = {.major = 8, .weight = {true, 300}};
	struct oci_throttle_device throttle = {.major = 8, .rate = 4096};
	struct oci_block_io io = {.weight = {.set = true, .value = 500}};
	const struct oci_resources resources = {.block_io = &io};
	const struct systemd_limits bfq = {.v2 = true, .bfq = true};

	check_limits(&resources, &bfq, "IOWeight=uint64 4500");
	check_limits(&resources, &v2, "IOWeight=uint64 4950");
	check_limits(&resources, &v1, "BlockIOWeight=uint64 500");
	io = (struct oci_block_io){.weight_device = {&device, 1},
				   .throttle_write_bps_device = {&throttle, 1}};
	check_limits(&resources, &v2,
		     "IODeviceWeight=[('/dev/block/8:0', uint64 2930)];"
		     "IOWriteBandwidthMax=[('/dev/block/8:0', uint64 4096)]");
	check_limits(&resources, &bfq,
		     "IODeviceWeight=[('/dev/block/8:0', uint64 2300)];"
		     "IOWriteBandwidthMax=[('/dev/block/8:0', uint64 4096)]");
	for (unsigned int weight = 1; weight <= 1000; weight++)
		ck_assert_uint_eq(bfq_of(systemd_io_weight(weight)), weight);
}
END_TEST

START_TEST(rounding)
{
	static const struct {
		const char *value, *expected;
	} cases[] = {
		{"33333 100000", "34000 100000"}, {"50000 100000", "50000 100000"},
		{"1 100000", "1000 100000"},	  {"5001", "6000 100000"},
		{"max 50000", "max 50000"},	  {"garbage", "garbage"},
		{"150001 50000", "150500 50000"}, {"1000 1000000", "10000 1000000"},
	};

	for (size_t i = 0; i < suite_count(cases); i++) {
		struct cgroup_write write = {.file = "cpu.max", .value = strdup(cases[i].value)};
		struct cgroup_writes writes = {.items = &write, .count = 1};

		systemd_round_quota(&writes, 7);
		ck_assert_str_eq(write.value, cases[i].expected);
		free(write.value);
	}
}
END_TEST

/* v1: two files, in either order, or the quota alone. */
START_TEST(rounding_v1)
{
	static const struct {
		const char *quota, *period, *expected;
	} cases[] = {
		{"33333", "50000", "33500"}, {"33333", NULL, "34000"},	{"-1", "50000", "-1"},
		{"1", NULL, "1000"},	     {"33333", "odd", "34000"}, {"1", "0", "1"},
	};

	for (size_t i = 0; i < 2 * suite_count(cases); i++) {
		struct cgroup_write items[2];
		struct cgroup_writes writes = {.items = items, .count = 1};
		bool behind = i % 2;

		items[0] = items[1] = (struct cgroup_write){.file = "cpu.cfs_quota_us"};
		items[!behind].value = NULL;
		if (cases[i / 2].period) {
			(void)snprintf(items[behind].file, sizeof(items[behind].file),
				       "cpu.cfs_period_us");
			items[behind].value = strdup(cases[i / 2].period);
			items[!behind].value = strdup(cases[i / 2].quota);
			writes.count = 2;
		} else {
			behind = true;
			items[0].value = strdup(cases[i / 2].quota);
			items[1].value = NULL;
		}
		systemd_round_quota(&writes, 100000);
		ck_assert_str_eq(items[!behind].value, cases[i / 2].expected);
		free(items[0].value);
		free(items[1].value);
	}
}
END_TEST

static void check_devices(const struct oci_device_rules *rules, bool is_v2, bool update,
			  const char *expected)
{
	struct systemd_properties properties = {0};
	struct device_policy policy;
	struct error err = ERROR_INIT;
	char text[4096];

	ck_assert_int_eq(device_rules_plan(rules, &policy, &err), 0);
	systemd_properties_add_devices(&properties, &policy, is_v2, update);
	render(&properties, text, sizeof(text));
	ck_assert_str_eq(text, expected);
	systemd_properties_clear(&properties);
	device_policy_clear(&policy);
}

#define DEFAULT_DEVICES                                                                  \
	"('/dev/char/1:3', 'rwm'), ('/dev/char/1:5', 'rwm'), ('/dev/char/1:7', 'rwm'),"  \
	" ('/dev/char/1:8', 'rwm'), ('/dev/char/1:9', 'rwm'), ('/dev/char/5:0', 'rwm')," \
	" ('/dev/char/5:2', 'rwm'), ('/dev/char/10:200', 'rwm'), ('char-136', 'rwm')"

START_TEST(devices)
{
	static struct oci_device_rule some[] = {
		{.allow = false, .type = 'a', .access = (char *)"rwm"},
		{.allow = true,
		 .type = 'b',
		 .major = {.set = true, .value = 8},
		 .access = (char *)"r"},
		{.allow = true,
		 .type = 'c',
		 .minor = {.set = true, .value = 77},
		 .access = (char *)"w"},
	};
	static struct oci_device_rule all[] = {
		{.allow = true, .type = 'a', .access = (char *)"rwm"}};
	const struct oci_device_rules rules = {some, 2}, unsayable = {some, 3},
				      everything = {all, 1};

	check_devices(NULL, true, false,
		      "DevicePolicy='strict';DeviceAllow=[('block-*', 'm'), " DEFAULT_DEVICES
		      ", ('char-*', 'm')]");
	check_devices(&rules, true, true,
		      "DevicePolicy='strict';DeviceAllow=@a(ss) [];DeviceAllow=[('block-8', 'rm'), "
		      "('block-*', 'm'), " DEFAULT_DEVICES ", ('char-*', 'm')]");
	check_devices(&everything, true, false, "DevicePolicy='auto'");
	check_devices(&everything, false, true, "DevicePolicy='auto';DeviceAllow=@a(ss) []");
	/* Too much where our own program is there too, too little where it is not. */
	{
		struct systemd_properties wide = {0}, narrow = {0};
		struct device_policy policy;
		struct error err = ERROR_INIT;
		char text[4096];

		ck_assert_int_eq(device_rules_plan(&unsayable, &policy, &err), 0);
		systemd_properties_add_devices(&wide, &policy, true, false);
		systemd_properties_add_devices(&narrow, &policy, false, false);
		render(&wide, text, sizeof(text));
		ck_assert_ptr_nonnull(strstr(text, "('char-*', 'wm')"));
		render(&narrow, text, sizeof(text));
		ck_assert_ptr_null(strstr(text, "('char-*', 'wm')"));
		systemd_properties_clear(&wide);
		systemd_properties_clear(&narrow);
		device_policy_clear(&policy);
	}
}
END_TEST

START_TEST(units)
{
	struct systemd_properties properties = {0};
	struct cgroup_location location = {
		.manager = CGROUP_MANAGER_SYSTEMD,
		.unit = (char *)"knarr-c1.scope",
		.slice = (char *)"my.slice",
	};
	char text[1024];

	systemd_properties_add_unit(&properties, &location, "c1");
	render(&properties, text, sizeof(text));
	ck_assert_str_eq(text, "Description='knarr container c1';Slice='my.slice';Delegate=true;"
			       "CollectMode='inactive-or-failed';DefaultDependencies=false;"
			       "CPUAccounting=true;MemoryAccounting=true;TasksAccounting=true;"
			       "IOAccounting=true");
	systemd_properties_clear(&properties);
	location.unit = (char *)"my-c1.slice";
	location.mode = CGROUP_MODE_LEGACY;
	systemd_properties_add_unit(&properties, &location, "c1");
	render(&properties, text, sizeof(text));
	ck_assert_str_eq(text, "Description='knarr container c1';Wants=['my.slice'];"
			       "DefaultDependencies=false;CPUAccounting=true;MemoryAccounting=true;"
			       "TasksAccounting=true;BlockIOAccounting=true");
	systemd_properties_clear(&properties);
}
END_TEST

START_TEST(annotations)
{
	static struct oci_string_pair pairs[] = {
		{(char *)"org.systemd.property.KillSignal", (char *)"15"},
		{(char *)"something.else", (char *)"not a value"},
		{(char *)"org.systemd.property.TimeoutStopUSec", (char *)"uint64 10000000"},
		{(char *)"org.systemd.property.TimeoutStopSec", (char *)"1.5"},
		{(char *)"org.systemd.property.RuntimeMaxSec", (char *)"uint32 7"},
		{(char *)"org.systemd.property.After", (char *)"['a.service', \"b.service\"]"},
	};
	const struct oci_string_map map = {pairs, suite_count(pairs)};
	struct systemd_properties properties = {0};
	struct error err = ERROR_INIT;
	char text[1024];

	ck_assert_int_eq(systemd_properties_add_annotations(&properties, &map, &err), 0);
	render(&properties, text, sizeof(text));
	ck_assert_str_eq(text, "KillSignal=15;TimeoutStopUSec=uint64 10000000;"
			       "TimeoutStopUSec=uint64 1500000;RuntimeMaxUSec=uint64 7000000;"
			       "After=['a.service', \"b.service\"]");
	systemd_properties_clear(&properties);
}
END_TEST

START_TEST(refused_annotations)
{
	static const char form[] = "it is text in the form of GVariant: true, 'text', 15, "
				   "uint64 15, ['a', 'b']";
	static const struct {
		const char *name, *value, *message, *hint;
	} cases[] = {
		{"KillSignal", "SIGTERM", "no number at character 1 of the value", form},
		{"KillSignal", "", "no number at character 1 of the value", form},
		{"TimeoutStopSec", "'5s'", "\"'5s'\" is no number of seconds", ""},
		{"TimeoutStopSec", "-5", "\"-5\" is no number of seconds", ""},
		{"TimeoutStopSec", "double nan",
		 "neither true, false nor a type at character 8 of "
		 "the value",
		 form},
		{"TimeoutStopSec", "[5]", "\"[5]\" is no number of seconds", ""},
		{"", "1", "\"\" is not the name of a property of systemd", ""},
		{"ab", "1", "\"ab\" is not the name of a property of systemd", ""},
		{"Kill Signal", "1", "\"Kill Signal\" is not the name of a property of systemd",
		 ""},
		{"Slice", "'x.slice'", "Slice is set by the runtime", ""},
		{"PIDs", "[uint32 1]", "PIDs is set by the runtime", ""},
	};

	for (size_t i = 0; i < suite_count(cases); i++) {
		struct systemd_properties properties = {0};
		struct error err = ERROR_INIT;
		char key[128], field[160];
		struct oci_string_pair pair = {key, (char *)(uintptr_t)cases[i].value};
		const struct oci_string_map map = {&pair, 1};

		(void)snprintf(key, sizeof(key), "org.systemd.property.%s", cases[i].name);
		(void)snprintf(field, sizeof(field), "annotations[\"%s\"]", key);
		ck_assert_int_eq(systemd_properties_add_annotations(&properties, &map, &err),
				 -EINVAL);
		ck_assert_error(&err, EINVAL, field, cases[i].message, cases[i].hint);
		systemd_properties_clear(&properties);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {memory_cpu_and_processes,
				      unlimited_and_quota,
				      unified,
				      unified_keys,
				      io_weight,
				      rounding,
				      rounding_v1,
				      devices,
				      units,
				      annotations,
				      refused_annotations};

	return suite_run("systemd-properties", tests, suite_count(tests));
}
