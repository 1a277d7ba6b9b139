/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup/backend.h"
#include "cgroup/host.h"
#include "suite.h"

/* "[controllers] mount_point own_path" of each hierarchy, separated by ';'. */
static void render(const struct cgroup_host *host, char *out, size_t size)
{
	size_t length = 0;

	out[0] = '\0';
	for (size_t i = 0; i < host->count; i++) {
		const struct cgroup_hierarchy *hierarchy = &host->hierarchies[i];

		length += (size_t)snprintf(out + length, size - length, "%s[%s] %s %s",
					   i ? ";" : "", hierarchy->controllers,
					   hierarchy->mount_point, hierarchy->own_path);
		ck_assert_uint_lt(length, size);
	}
}

static void check_legacy(const char *own, const char *mountinfo, const char *expected)
{
	struct error err = ERROR_INIT;
	struct cgroup_host host;
	char text[2048];

	ck_assert_int_eq(cgroup_host_parse_legacy(own, mountinfo, &host, &err), 0);
	ck_assert_int_eq(host.mode, CGROUP_MODE_LEGACY);
	render(&host, text, sizeof(text));
	ck_assert_str_eq(text, expected);
	cgroup_host_clear(&host);
	ck_assert_ptr_null(host.hierarchies);
}

static void check_unified(const char *own, const char *expected)
{
	struct error err = ERROR_INIT;
	struct cgroup_host host;
	char text[512];

	ck_assert_int_eq(cgroup_host_parse_unified(own, &host, &err), 0);
	ck_assert_int_eq(host.mode, CGROUP_MODE_UNIFIED);
	render(&host, text, sizeof(text));
	ck_assert_str_eq(text, expected);
	cgroup_host_clear(&host);
}

START_TEST(own_path)
{
	check_unified("0::/user.slice/user-1000.slice/session-2.scope\n",
		      "[] /sys/fs/cgroup /user.slice/user-1000.slice/session-2.scope");
	check_unified("4:memory:/m\n0::/a:b/c", "[] /sys/fs/cgroup /a:b/c");
	check_unified("", "[] /sys/fs/cgroup /");
	check_unified("garbage\n0:\n::\n0::relative\n", "[] /sys/fs/cgroup /");
	check_unified("0::/../../x (deleted)\n", "[] /sys/fs/cgroup /../../x (deleted)");
}
END_TEST

#define MOUNT(n, root, at, tail) #n " 31 0:" #n " " root " " at " rw,relatime shared:9 - " tail "\n"

START_TEST(hybrid)
{
	check_legacy(
		"12:cpu,cpuacct:/c\n11:memory:/m/n\n1:name=systemd:/s\n0::/u\n",
		"22 1 0:21 / / rw - ext4 /dev/vda rw\n" MOUNT(31, "/", "/sys/fs/cgroup",
							      "tmpfs tmpfs ro,mode=755")
			MOUNT(32, "/", "/sys/fs/cgroup/unified", "cgroup2 cgroup2 rw,nsdelegate")
				MOUNT(33, "/", "/sys/fs/cgroup/systemd",
				      "cgroup cgroup rw,xattr,name=systemd")
					MOUNT(34, "/", "/sys/fs/cgroup/cpu,cpuacct",
					      "cgroup cgroup rw,cpuacct,cpu")
						MOUNT(35, "/", "/sys/fs/cgroup/memory",
						      "cgroup cgroup rw,memory"),
		"[cpu,cpuacct] /sys/fs/cgroup/cpu,cpuacct /c;[memory] /sys/fs/cgroup/memory /m/n;"
		"[name=systemd] /sys/fs/cgroup/systemd /s;[] /sys/fs/cgroup/unified /u");
}
END_TEST

START_TEST(not_mounted)
{
	/* cpu is a hierarchy without a mount; blkio is mounted elsewhere; cpuset only begins alike.
	 */
	check_legacy("3:cpu:/\n2:blkio:/\n1:cpuset:/\n",
		     MOUNT(40, "/", "/mnt/blkio", "cgroup cgroup rw,blkio") MOUNT(
			     41, "/", "/sys/fs/cgroup/cpuset", "cgroup cgroup rw,cpuset")
			     MOUNT(42, "/", "/sys/fs/cgroups/blkio", "cgroup cgroup rw,blkio"),
		     "[cpuset] /sys/fs/cgroup/cpuset /");
	check_legacy("3:cpu:/\n", "", "");
	check_legacy("", MOUNT(41, "/", "/sys/fs/cgroup/cpu", "cgroup cgroup rw,cpu"), "");
}
END_TEST

START_TEST(below_a_subtree)
{
	/* In a container without a cgroup namespace: the mount shows the container's own subtree.
	 */
	check_legacy("2:pids:/docker/abc/in\n1:memory:/elsewhere\n3:cpu:/docker/abc\n",
		     MOUNT(50, "/docker/abc", "/sys/fs/cgroup/pids", "cgroup cgroup rw,pids") MOUNT(
			     51, "/docker/abc", "/sys/fs/cgroup/memory", "cgroup cgroup rw,memory")
			     MOUNT(52, "/docker/abc", "/sys/fs/cgroup/cpu", "cgroup cgroup rw,cpu"),
		     "[pids] /sys/fs/cgroup/pids /in;[memory] /sys/fs/cgroup/memory /;"
		     "[cpu] /sys/fs/cgroup/cpu /");
}
END_TEST

START_TEST(last_mount_counts)
{
	check_legacy("1:memory:/m\n",
		     MOUNT(60, "/", "/sys/fs/cgroup/memory", "cgroup cgroup rw,memory")
			     MOUNT(61, "/m", "/sys/fs/cgroup/again", "cgroup cgroup rw,memory"),
		     "[memory] /sys/fs/cgroup/again /");
}
END_TEST

START_TEST(odd_lines)
{
	check_legacy("1:memory:/m\n",
		     "\n - cgroup\n1 2 - cgroup c rw,memory\n1 2 3 / /sys/fs/cgroup/x rw - cgroup\n"
		     "1 2 3 / /sys/fs/cgroup/y rw - cgroup c\n" MOUNT(
			     62, "/", "/sys/fs/cgroup/a\\040b", "cgroup cgroup rw,memory"),
		     "[memory] /sys/fs/cgroup/a b /m");
}
END_TEST

START_TEST(lists)
{
	ck_assert(cgroup_list_has("cpu,cpuacct", ',', "cpu"));
	ck_assert(cgroup_list_has("cpu,cpuacct", ',', "cpuacct"));
	ck_assert(!cgroup_list_has("cpuset,cpuacct", ',', "cpu"));
	ck_assert(!cgroup_list_has("", ' ', "cpu"));
	ck_assert(cgroup_list_has("cpuset cpu io", ' ', "io"));
}
END_TEST

START_TEST(keys)
{
	uint64_t value = 5;

	ck_assert_int_eq(tree_parse_key("low 0\noom 3\noom_kill 2\n", "oom_kill", &value), 0);
	ck_assert_uint_eq(value, 2);
	ck_assert_int_eq(tree_parse_key("low 0\noom 3\noom_kill 2", "oom", &value), 0);
	ck_assert_uint_eq(value, 3);
	ck_assert_int_eq(tree_parse_key("oom_kill 2\n", "kill", &value), -ENOENT);
	ck_assert_int_eq(tree_parse_key("", "oom", &value), -ENOENT);
	ck_assert_int_eq(tree_parse_key("oom x\n", "oom", &value), -EINVAL);
	ck_assert_uint_eq(value, 3);
}
END_TEST

static void check_own(const char *controllers, int expected, const char *path)
{
	static const char text[] = "12:cpu,cpuacct:/a\nodd\n2:name=systemd:/b:c/d\n0::/\n";
	char *found = NULL;

	ck_assert_int_eq(cgroup_host_own_path(text, controllers, &found), expected);
	ck_assert_pstr_eq(found, path);
	free(found);
}

START_TEST(paths_of_a_process)
{
	check_own("cpu,cpuacct", 0, "/a");
	check_own("name=systemd", 0, "/b:c/d");
	check_own("", 0, "/");
	check_own("cpu", -ENOENT, NULL);
	check_own("memory", -ENOENT, NULL);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {own_path,		 hybrid,    not_mounted, below_a_subtree,
				      last_mount_counts, odd_lines, lists,	 keys,
				      paths_of_a_process};

	return suite_run("cgroup-host", tests, suite_count(tests));
}
