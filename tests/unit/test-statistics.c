/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of the kernel's counters, directories of them, and the line that is made of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "cgroup/backend.h"
#include "cgroup/statistics/statistics.h"
#include "container/events-encode.h"
#include "suite.h"

static struct scratch top;

static void setup(void)
{
	scratch_open(&top);
}

static void teardown(void)
{
	scratch_close(&top);
}

START_TEST(counters)
{
	struct cgroup_statistics all = CGROUP_STATISTICS_INIT;
	struct statistics_counters *raw = &all.memory.raw;

	ck_assert_int_eq(
		statistics_parse_counters("file 4096\nanon 18446744073709551615\n\nx 0 more", raw),
		0);
	ck_assert_uint_eq(raw->count, 3);
	ck_assert_str_eq(raw->items[0].name, "anon");
	ck_assert_uint_eq(raw->items[0].value, UINT64_MAX);
	ck_assert_uint_eq(statistics_counter(raw, "file"), 4096);
	ck_assert_uint_eq(statistics_counter(raw, "fil"), 0);
	cgroup_statistics_clear(&all);
	ck_assert_int_eq(statistics_parse_counters("", raw), 0);
	ck_assert_uint_eq(raw->count, 0);
	ck_assert_int_eq(statistics_parse_counters("file\n", raw), -EBADMSG);
	ck_assert_int_eq(statistics_parse_counters("file 1x\n", raw), -EBADMSG);
	ck_assert_int_eq(statistics_parse_counters("file -1\n", raw), -EBADMSG);
	ck_assert_int_eq(statistics_parse_counters("file 18446744073709551616\n", raw), -EBADMSG);
	cgroup_statistics_clear(&all);
}
END_TEST

START_TEST(pressure)
{
	struct statistics_psi psi = {.known = false};
	static const char *const bad[] = {
		"some avg10=1\n", "some avg10=1.5\n", "some avg10=1.500\n",	 "some total=-1\n",
		"some avg10\n",	  "full avg60=.00\n", "some avg300=1000001.00\n"};

	ck_assert_int_eq(statistics_parse_psi("some avg10=1.50 avg60=0.02 avg300=100.00 total=7\n"
					      "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
					      "new avg10=?\n",
					      &psi),
			 0);
	ck_assert(psi.known);
	ck_assert_uint_eq(psi.some.avg10, 150);
	ck_assert_uint_eq(psi.some.avg60, 2);
	ck_assert_uint_eq(psi.some.avg300, 10000);
	ck_assert_uint_eq(psi.some.total, 7);
	ck_assert_uint_eq(psi.full.total, 0);
	for (size_t i = 0; i < suite_count(bad); i++)
		ck_assert_int_eq(statistics_parse_psi(bad[i], &psi), -EBADMSG);
}
END_TEST

START_TEST(io)
{
	struct cgroup_statistics all = CGROUP_STATISTICS_INIT;
	const struct statistics_io_entries *bytes = &all.io.kinds[STATISTICS_IO_BYTES];
	const struct statistics_io_entries *serviced = &all.io.kinds[STATISTICS_IO_SERVICED];

	ck_assert_int_eq(
		statistics_parse_io("8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6 new=x\n"
				    "253:0 rbytes=9\n(unknown) \n8:0\n",
				    &all.io),
		0);
	ck_assert_uint_eq(bytes->count, 3);
	ck_assert_uint_eq(bytes->items[0].major, 8);
	ck_assert_uint_eq(bytes->items[0].minor, 16);
	ck_assert_str_eq(bytes->items[0].op, "Read");
	ck_assert_uint_eq(bytes->items[0].value, 1);
	ck_assert_str_eq(bytes->items[1].op, "Write");
	ck_assert_uint_eq(bytes->items[2].major, 253);
	ck_assert_uint_eq(serviced->count, 2);
	ck_assert_uint_eq(serviced->items[1].value, 4);
	ck_assert_int_eq(statistics_parse_io("8:0 rbytes=x\n", &all.io), -EBADMSG);
	ck_assert_int_eq(statistics_parse_io("8 rbytes=1\n", &all.io), -EBADMSG);
	ck_assert_int_eq(statistics_parse_io("8:x rbytes=1\n", &all.io), -EBADMSG);
	cgroup_statistics_clear(&all);

	/* Devices without counters, whose lines do not end (Linux 5.15). */
	ck_assert_int_eq(statistics_parse_io("8:0 8:16 253:0 rbytes=1 wbytes=2\n7:0 7:1 \n"
					     "9:0 rbytes=3\n",
					     &all.io),
			 0);
	ck_assert_uint_eq(bytes->count, 3);
	ck_assert_uint_eq(bytes->items[0].major, 253);
	ck_assert_uint_eq(bytes->items[1].major, 253);
	ck_assert_uint_eq(bytes->items[2].major, 9);
	cgroup_statistics_clear(&all);
}
END_TEST

START_TEST(blkio)
{
	struct cgroup_statistics all = CGROUP_STATISTICS_INIT;
	struct statistics_io_entries *entries = &all.io.kinds[0];

	ck_assert_int_eq(
		statistics_parse_blkio("8:0 Read 5\n8:0 Total 6\n(unknown) Read 9\n8:16 7\n"
				       "Total 12\n",
				       entries),
		0);
	ck_assert_uint_eq(entries->count, 3);
	ck_assert_str_eq(entries->items[0].op, "Read");
	ck_assert_str_eq(entries->items[1].op, "Total");
	ck_assert_str_eq(entries->items[2].op, "");
	ck_assert_uint_eq(entries->items[2].value, 7);
	ck_assert_int_eq(statistics_parse_blkio("8:0 Read x\n", entries), -EBADMSG);
	ck_assert_int_eq(statistics_parse_blkio("8 5\n", entries), -EBADMSG);
	ck_assert_int_eq(statistics_parse_blkio("8:0 AnOperationOfMuchLength 5\n", entries),
			 -EBADMSG);
	cgroup_statistics_clear(&all);
}
END_TEST

START_TEST(numbers)
{
	struct cgroup_statistics all = CGROUP_STATISTICS_INIT;

	ck_assert_int_eq(statistics_parse_numbers("1 22  333\n4\n", &all.cpu.percpu), 0);
	ck_assert_uint_eq(all.cpu.percpu.count, 4);
	ck_assert_uint_eq(all.cpu.percpu.items[2], 333);
	ck_assert_int_eq(statistics_parse_numbers("1 b", &all.cpu.percpu), -EBADMSG);
	ck_assert_int_eq(statistics_parse_usage_all("cpu user system\n0 5 6\n1 7 8 9\n",
						    &all.cpu.percpu_user, &all.cpu.percpu_kernel),
			 0);
	ck_assert_uint_eq(all.cpu.percpu_user.items[1], 7);
	ck_assert_uint_eq(all.cpu.percpu_kernel.items[0], 6);
	ck_assert_int_eq(statistics_parse_usage_all("cpu system user\n", &all.cpu.percpu_user,
						    &all.cpu.percpu_kernel),
			 -EBADMSG);
	ck_assert_int_eq(statistics_parse_usage_all("cpu user system\n0 5\n", &all.cpu.percpu_user,
						    &all.cpu.percpu_kernel),
			 -EBADMSG);
	cgroup_statistics_clear(&all);
}
END_TEST

START_TEST(lists)
{
	struct cgroup_statistics all = CGROUP_STATISTICS_INIT;
	struct statistics_numbers *cpus = &all.cpuset.cpus;
	static const char *const bad[] = {"x", "3-1", "1-", "-1", "1,,2", "65536", "0-99999"};

	ck_assert_int_eq(statistics_parse_list("0-2,7,9-9\n", cpus), 0);
	ck_assert_uint_eq(cpus->count, 5);
	ck_assert_uint_eq(cpus->items[2], 2);
	ck_assert_uint_eq(cpus->items[4], 9);
	cgroup_statistics_clear(&all);
	ck_assert_int_eq(statistics_parse_list("\n", cpus), 0);
	ck_assert_int_eq(statistics_parse_list("", cpus), 0);
	ck_assert_uint_eq(cpus->count, 0);
	for (size_t i = 0; i < suite_count(bad); i++)
		ck_assert_msg(statistics_parse_list(bad[i], cpus) == -EBADMSG, "%s", bad[i]);
	cgroup_statistics_clear(&all);
	/* A text that repeats itself does not take memory without end. */
	ck_assert_int_eq(statistics_parse_list("0-65535,0-65535", cpus), -EBADMSG);
	cgroup_statistics_clear(&all);
}
END_TEST

/* A directory of files as a cgroup of one member. */
static struct cgroup cgroup_of(const struct backend *backend, struct cgroup_member *member,
			       const char *controllers)
{
	*member = (struct cgroup_member){.controllers = (char *)(uintptr_t)controllers,
					 .directory = (char *)"/test",
					 .node = {.parent = -EBADF, .fd = top.fd},
					 .tasks = -EBADF};
	return (struct cgroup){.backend = backend, .members = member, .count = 1};
}

static void check_line(const struct cgroup *cgroup, const char *expected)
{
	struct events_statistics statistics = {.interfaces = NULL};
	auto_text struct text text = {0};
	struct error err = ERROR_INIT;

	ck_assert_msg(cgroup_statistics_read(cgroup, &statistics.cgroup, &err) == 0, "%s",
		      err.message);
	events_encode_statistics("x", &statistics, &text);
	ck_assert_str_eq(text.data, expected);
	cgroup_statistics_clear(&statistics.cgroup);
}

#define CPUSET_ZERO                                                                             \
	"\"mem_hardwall\":0,\"mem_exclusive\":0,\"memory_migrate\":0,\"memory_spread_page\":0," \
	"\"memory_spread_slab\":0,\"memory_pressure\":0,\"sched_load_balance\":0,"              \
	"\"sched_relax_domain_level\":0}"

START_TEST(nothing_is_counted)
{
	struct cgroup_member member;
	struct cgroup cgroup = cgroup_of(&cgroup_backend_v2, &member, "");
	const char *expected = "{\"type\":\"stats\",\"id\":\"x\",\"data\":{\"cpu\":{},"
			       "\"cpuset\":{\"cpu_exclusive\":0," CPUSET_ZERO
			       ",\"memory\":{},\"pids\":{},\"blkio\":{},\"hugetlb\":{},"
			       "\"intel_rdt\":{},\"network_interfaces\":null}}\n";

	check_line(&cgroup, expected);
}
END_TEST

START_TEST(all_of_v2)
{
	static const char *const files[][2] = {
		{"cpu.stat", "usage_usec 300\nuser_usec 200\nsystem_usec 100\nnr_periods 5\n"
			     "nr_throttled 4\nthrottled_usec 3\nnr_bursts 9\n"},
		{"cpu.pressure", "some avg10=1.50 avg60=0.25 avg300=0.00 total=9\n"
				 "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"},
		{"cpuset.cpus.effective", "0-1\n"},
		{"cpuset.mems.effective", "0\n"},
		{"memory.stat", "file 70\nanon 80\n"},
		{"memory.current", "150\n"},
		{"memory.max", "1000\n"},
		{"memory.peak", "900\n"},
		{"memory.events", "low 0\nhigh 0\nmax 6\noom 2\noom_kill 1\n"},
		{"memory.swap.current", "50\n"},
		{"memory.swap.max", "500\n"},
		{"memory.swap.events", "high 0\nmax 3\nfail 0\n"},
		{"pids.current", "2\n"},
		{"pids.max", "10\n"},
		{"io.stat", "8:0 rbytes=11 wbytes=12 rios=13 wios=14\n"},
		{"hugetlb.2MB.current", "4\n"},
		{"hugetlb.2MB.rsvd.current", "8\n"},
		{"hugetlb.2MB.events", "max 1\n"},
		{"hugetlb.1GB.current", "0\n"},
		{"hugetlb.1GB.events", "max 0\n"},
	};
	struct cgroup_member member;
	struct cgroup cgroup = cgroup_of(&cgroup_backend_v2, &member, "");

	for (size_t i = 0; i < suite_count(files); i++)
		scratch_text(top.fd, files[i][0], files[i][1], 0644);
	check_line(
		&cgroup,
		"{\"type\":\"stats\",\"id\":\"x\",\"data\":{\"cpu\":{\"usage\":{\"total\":300000,"
		"\"kernel\":100000,\"user\":200000},\"throttling\":{\"periods\":5,"
		"\"throttledPeriods\":4,\"throttledTime\":3000},\"psi\":{\"some\":{\"avg10\":1.5,"
		"\"avg60\":0.25,\"avg300\":0,\"total\":9}}},\"cpuset\":{\"cpus\":[0,1],"
		"\"cpu_exclusive\":0,\"mems\":[0]," CPUSET_ZERO ",\"memory\":{\"cache\":70,"
		"\"usage\":{\"limit\":1000,\"usage\":150,\"max\":900,\"failcnt\":6},"
		"\"swap\":{\"limit\":1500,\"usage\":200,\"failcnt\":3},"
		"\"raw\":{\"anon\":80,\"file\":70}},\"pids\":{\"current\":2,\"limit\":10},"
		"\"blkio\":{\"ioServiceBytesRecursive\":[{\"major\":8,\"op\":\"Read\",\"value\":11}"
		","
		"{\"major\":8,\"op\":\"Write\",\"value\":12}],\"ioServicedRecursive\":["
		"{\"major\":8,\"op\":\"Read\",\"value\":13},{\"major\":8,\"op\":\"Write\","
		"\"value\":14}]},\"hugetlb\":{\"1GB\":{\"failcnt\":0},\"2MB\":{\"usage\":8,"
		"\"failcnt\":1}},\"intel_rdt\":{},\"network_interfaces\":null}}\n");
}
END_TEST

START_TEST(all_of_v1)
{
	static const char *const files[][2] = {
		{"cpuacct.usage", "3000000000\n"},
		{"cpuacct.stat", "user 20000000001\nsystem 100\n"},
		{"cpuacct.usage_percpu", "1000000000 2000000000 \n"},
		{"cpuacct.usage_all", "cpu user system\n0 5 6\n1 7 8\n"},
		{"cpu.stat", "nr_periods 5\nnr_throttled 4\nthrottled_time 3\n"},
		{"cpuset.cpus", "1\n"},
		{"cpuset.mems", "0\n"},
		{"cpuset.sched_load_balance", "1\n"},
		{"cpuset.sched_relax_domain_level", "-1\n"},
		{"memory.stat", "cache 70\n"},
		{"memory.usage_in_bytes", "150\n"},
		{"memory.max_usage_in_bytes", "900\n"},
		{"memory.failcnt", "6\n"},
		{"memory.limit_in_bytes", "1000\n"},
		{"memory.memsw.usage_in_bytes", "160\n"},
		{"memory.memsw.limit_in_bytes", "2000\n"},
		{"memory.kmem.usage_in_bytes", "3\n"},
		{"pids.current", "2\n"},
		{"pids.max", "max\n"},
		{"blkio.throttle.io_serviced_recursive", "8:0 Read 1\nTotal 1\n"},
		{"blkio.throttle.io_service_bytes_recursive", "8:0 Read 2\nTotal 2\n"},
		{"blkio.throttle.io_serviced", "8:0 Read 7\nTotal 7\n"},
		{"hugetlb.2MB.usage_in_bytes", "4\n"},
		{"hugetlb.2MB.max_usage_in_bytes", "5\n"},
		{"hugetlb.2MB.failcnt", "6\n"},
	};
	struct cgroup_member member;
	struct cgroup cgroup = cgroup_of(&cgroup_backend_v1, &member,
					 "cpu,cpuacct,cpuset,memory,pids,blkio,hugetlb");

	ck_assert_int_eq(sysconf(_SC_CLK_TCK), 100);
	for (size_t i = 0; i < suite_count(files); i++)
		scratch_text(top.fd, files[i][0], files[i][1], 0644);
	check_line(
		&cgroup,
		"{\"type\":\"stats\",\"id\":\"x\",\"data\":{\"cpu\":{\"usage\":{"
		"\"total\":3000000000,\"percpu\":[1000000000,2000000000],\"percpu_kernel\":[6,8],"
		"\"percpu_user\":[5,7],\"kernel\":1000000000,\"user\":200000000010000000},"
		"\"throttling\":{\"periods\":5,\"throttledPeriods\":4,\"throttledTime\":3}},"
		"\"cpuset\":{\"cpus\":[1],\"cpu_exclusive\":0,\"mems\":[0],\"mem_hardwall\":0,"
		"\"mem_exclusive\":0,\"memory_migrate\":0,\"memory_spread_page\":0,"
		"\"memory_spread_slab\":0,\"memory_pressure\":0,\"sched_load_balance\":1,"
		"\"sched_relax_domain_level\":-1},\"memory\":{\"cache\":70,\"usage\":{"
		"\"limit\":1000,\"usage\":150,\"max\":900,\"failcnt\":6},\"swap\":{"
		"\"limit\":2000,\"usage\":160,\"failcnt\":0},\"kernel\":{\"limit\":0,"
		"\"usage\":3,\"failcnt\":0},\"raw\":{\"cache\":70}},\"pids\":{\"current\":2},"
		"\"blkio\":{\"ioServiceBytesRecursive\":[{\"major\":8,\"op\":\"Read\","
		"\"value\":2}],\"ioServicedRecursive\":[{\"major\":8,\"op\":\"Read\","
		"\"value\":1}]},\"hugetlb\":{\"2MB\":{\"usage\":4,\"max\":5,\"failcnt\":6}},"
		"\"intel_rdt\":{},\"network_interfaces\":null}}\n");
}
END_TEST

START_TEST(nonsense_is_named)
{
	struct cgroup_member member;
	struct cgroup cgroup = cgroup_of(&cgroup_backend_v2, &member, "");
	struct cgroup_statistics statistics;
	struct error err = ERROR_INIT;

	scratch_text(top.fd, "memory.stat", "file many\n", 0644);
	scratch_text(top.fd, "cpuset.cpus.effective", "0\n", 0644);
	ck_assert_int_eq(cgroup_statistics_read(&cgroup, &statistics, &err), -EBADMSG);
	ck_assert_error(&err, EBADMSG, "", "memory.stat of cgroup /test makes no sense", "");
	ck_assert_ptr_null(statistics.cpuset.cpus.items);
}
END_TEST

START_TEST(no_cgroup)
{
	struct cgroup none = {.backend = NULL}, gone = {.backend = &cgroup_backend_v2};
	struct cgroup_statistics statistics;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(cgroup_statistics_read(&none, &statistics, &err), -ENOTSUP);
	error_clear(&err);
	ck_assert_int_eq(cgroup_statistics_read(&gone, &statistics, &err), -ENODEV);
}
END_TEST

START_TEST(resctrl_and_interfaces)
{
	struct resctrl_node nodes[] = {{1, 2, 3}, {4, 5, 6}};
	struct events_statistics statistics = {
		.resctrl =
			{
				.known = true,
				.has_l3 = true,
				.has_mb = true,
				.has_bandwidth_monitoring = true,
				.has_cache_monitoring = true,
				.l3_mask = (char *)"fffff",
				.l3_min_bits = 1,
				.l3_classes = 16,
				.mb_granularity = 10,
				.mb_minimum = 20,
				.root_schemata = (char *)"    MB:0=100\n    L3:0=fffff\n",
				.schemata = (char *)"    MB:0=50\n    L3:0=f\n",
				.nodes = nodes,
				.node_count = 2,
			},
	};
	static const char net_dev[] =
		"Inter-|   Receive                                                |  Transmit\n"
		" face |bytes    packets errs drop fifo frame compressed multicast|bytes ...\n"
		"    lo:     100       1    0    0    0     0          0         0      100\n"
		"  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n";
	static const char good[] = "    lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"
				   "  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n";
	auto_text struct text text = {0};

	ck_assert_int_eq(events_parse_interfaces(net_dev, &statistics.interfaces,
						 &statistics.interface_count),
			 -EBADMSG);
	ck_assert_int_eq(
		events_parse_interfaces(good, &statistics.interfaces, &statistics.interface_count),
		0);
	ck_assert_uint_eq(statistics.interface_count, 1);
	events_encode_statistics("a", &statistics, &text);
	ck_assert_str_eq(
		strstr(text.data, "\"intel_rdt\""),
		"\"intel_rdt\":{\"l3_cache_info\":{\"cbm_mask\":\"fffff\",\"min_cbm_bits\":1,"
		"\"num_closids\":16},\"l3_cache_schema_root\":\"L3:0=fffff\","
		"\"l3_cache_schema\":\"L3:0=f\",\"mem_bw_info\":{\"bandwidth_gran\":10,"
		"\"min_bandwidth\":20},\"mem_bw_schema_root\":\"MB:0=100\","
		"\"mem_bw_schema\":\"MB:0=50\",\"schemata\":[\"MB:0=50\",\"L3:0=f\"],"
		"\"mbm_stats\":[{\"mbm_total_bytes\":1,\"mbm_local_bytes\":2},"
		"{\"mbm_total_bytes\":4,\"mbm_local_bytes\":5}],"
		"\"cmt_stats\":[{\"llc_occupancy\":3},{\"llc_occupancy\":6}]},"
		"\"network_interfaces\":[{\"Name\":\"eth0\",\"RxBytes\":1,\"RxPackets\":2,"
		"\"RxErrors\":3,\"RxDropped\":4,\"TxBytes\":9,\"TxPackets\":10,\"TxErrors\":11,"
		"\"TxDropped\":12}]}}\n");
	free(statistics.interfaces);
}
END_TEST

START_TEST(resctrl_files)
{
	static const char *const files[][2] = {
		{"schemata", "MB:0=100\n"},
		{"info/L3/cbm_mask", "fffff\n"},
		{"info/L3/num_closids", "16\n"},
		{"info/L3_MON/mon_features", "llc_occupancy\nmbm_total_bytes\n"},
		{"gold/schemata", "MB:0=20\n"},
		{"gold/mon_data/mon_L3_01/llc_occupancy", "77\n"},
		{"gold/mon_data/mon_L3_00/llc_occupancy", "66\n"},
		{"gold/mon_data/mon_L3_00/mbm_total_bytes", "Unavailable\n"},
	};
	static const char *const directories[] = {"info",
						  "info/L3",
						  "info/L3_MON",
						  "gold",
						  "gold/mon_data",
						  "gold/mon_data/mon_L3_00",
						  "gold/mon_data/mon_L3_01"};
	struct resctrl_statistics statistics;
	struct error err = ERROR_INIT;
	char group[128];

	for (size_t i = 0; i < suite_count(directories); i++)
		scratch_directory(top.fd, directories[i], 0755);
	for (size_t i = 0; i < suite_count(files); i++)
		scratch_text(top.fd, files[i][0], files[i][1], 0644);
	(void)snprintf(group, sizeof(group), "%s/gold", top.path);
	ck_assert_int_eq(resctrl_statistics_read(top.path, group, NULL, &statistics, &err), 0);
	ck_assert(statistics.known && statistics.has_l3 && !statistics.has_mb);
	ck_assert(statistics.has_bandwidth_monitoring && statistics.has_cache_monitoring);
	ck_assert_str_eq(statistics.l3_mask, "fffff");
	ck_assert_uint_eq(statistics.l3_classes, 16);
	ck_assert_str_eq(statistics.schemata, "MB:0=20\n");
	ck_assert_uint_eq(statistics.node_count, 2);
	ck_assert_uint_eq(statistics.nodes[0].occupancy, 66);
	ck_assert_uint_eq(statistics.nodes[1].occupancy, 77);
	ck_assert_uint_eq(statistics.nodes[0].total_bytes, 0);
	resctrl_statistics_clear(&statistics);
	(void)snprintf(group, sizeof(group), "%s/none", top.path);
	ck_assert_int_eq(resctrl_statistics_read(top.path, group, NULL, &statistics, &err),
			 -ENOENT);
}
END_TEST

START_TEST(oom_line)
{
	auto_text struct text text = {0};

	events_encode_oom("a-b", &text);
	ck_assert_str_eq(text.data, "{\"type\":\"oom\",\"id\":\"a-b\"}\n");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {counters,
				      pressure,
				      io,
				      blkio,
				      numbers,
				      lists,
				      nothing_is_counted,
				      all_of_v2,
				      all_of_v1,
				      nonsense_is_named,
				      no_cgroup,
				      resctrl_and_interfaces,
				      resctrl_files,
				      oom_line};

	return suite_run_with("statistics", tests, suite_count(tests), setup, teardown);
}
