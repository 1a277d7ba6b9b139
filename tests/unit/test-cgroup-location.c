/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup/cgroup.h"
#include "suite.h"

static struct cgroup_hierarchy unified_hierarchy[] = {
	{(char *)"", (char *)"/sys/fs/cgroup", (char *)"/user.slice/me.scope"}};
static const struct cgroup_host unified_host = {
	.mode = CGROUP_MODE_UNIFIED, .hierarchies = unified_hierarchy, .count = 1};

static struct cgroup_hierarchy legacy_hierarchies[] = {
	{(char *)"memory", (char *)"/sys/fs/cgroup/memory", (char *)"/jobs/7"},
	{(char *)"name=systemd", (char *)"/sys/fs/cgroup/systemd", (char *)"/"},
	{(char *)"", (char *)"/sys/fs/cgroup/unified", (char *)"/../outside"},
};
static const struct cgroup_host legacy_host = {
	.mode = CGROUP_MODE_LEGACY, .hierarchies = legacy_hierarchies, .count = 3};

static int locate(const char *path, enum cgroup_manager manager, const struct cgroup_host *host,
		  struct cgroup_location *ret_location, struct error *err)
{
	struct oci_linux linux_config = {.cgroups_path = (char *)path};

	struct oci_config config = {.linux = &linux_config};

	*err = ERROR_INIT;
	return cgroup_locate(&config, "c1", manager, host, ret_location, err);
}

static void check_path(const char *path, const struct cgroup_host *host, const char *expected)
{
	struct cgroup_location location;
	struct error err;

	ck_assert_msg(locate(path, CGROUP_MANAGER_CGROUPFS, host, &location, &err) == 0, "%s",
		      err.message);
	ck_assert_str_eq(location.path, expected);
	ck_assert_ptr_null(location.unit);
	ck_assert_ptr_null(location.slice);
	ck_assert_ptr_null(location.directories);
	ck_assert_int_eq(location.mode, host->mode);
	cgroup_location_clear(&location);
}

static void check_unit(const char *path, const struct cgroup_host *host,
		       const char *const expected[3])
{
	struct cgroup_location location;
	struct error err;

	ck_assert_msg(locate(path, CGROUP_MANAGER_SYSTEMD, host, &location, &err) == 0, "%s",
		      err.message);
	ck_assert_str_eq(location.slice, expected[0]);
	ck_assert_str_eq(location.unit, expected[1]);
	ck_assert_str_eq(location.unit_path, expected[2]);
	if (host->mode == CGROUP_MODE_UNIFIED && !cgroup_location_is_slice(&location)) {
		char group[512];

		(void)snprintf(group, sizeof(group), "%s/container", expected[2]);
		ck_assert_str_eq(location.path, group);
	} else {
		ck_assert_str_eq(location.path, expected[2]);
	}
	cgroup_location_clear(&location);
}

static void check_refused(const char *path, enum cgroup_manager manager, const char *message,
			  const char *hint)
{
	struct cgroup_location location = {.path = (char *)"untouched"};
	struct error err;

	ck_assert_int_eq(locate(path, manager, &unified_host, &location, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "linux.cgroupsPath", message, hint);
	ck_assert_str_eq(location.path, "untouched");
}

START_TEST(paths)
{
	check_path("/a/b", &unified_host, "/a/b");
	check_path("a/b", &unified_host, "/a/b");
	check_path("//a/./b//", &legacy_host, "/a/b");
	check_path("/kubepods/burstable/pod1/c", &legacy_host, "/kubepods/burstable/pod1/c");
	/* Without the systemd manager this is a name like any other. */
	check_path("system.slice:knarr:c1", &unified_host, "/system.slice:knarr:c1");
	check_path("/..a/b..", &unified_host, "/..a/b..");
}
END_TEST

START_TEST(refused_paths)
{
	struct cgroup_location location;
	char longer[300] = "/";
	struct error err;

	check_refused("../x", CGROUP_MANAGER_CGROUPFS, "\"../x\" has \"..\" in it", "");
	check_refused("/a/../../b", CGROUP_MANAGER_CGROUPFS, "\"/a/../../b\" has \"..\" in it", "");
	check_refused("a/..", CGROUP_MANAGER_CGROUPFS, "\"a/..\" has \"..\" in it", "");
	check_refused("a\nb", CGROUP_MANAGER_CGROUPFS, "has a control character in it", "");
	check_refused("a\x7f", CGROUP_MANAGER_CGROUPFS, "has a control character in it", "");
	check_refused("/", CGROUP_MANAGER_CGROUPFS, "\"/\" is the root of all cgroups", "");
	check_refused("/./.", CGROUP_MANAGER_CGROUPFS, "\"/./.\" is the root of all cgroups", "");
	memset(longer + 1, 'x', 256);
	longer[257] = '\0';
	ck_assert_int_eq(locate(longer, CGROUP_MANAGER_CGROUPFS, &unified_host, &location, &err),
			 -EINVAL);
	ck_assert_str_eq(strstr(err.message, "\" has a name"),
			 "\" has a name of more than 255 bytes in it");
	longer[256] = '\0';
	check_path(longer, &unified_host, longer);
}
END_TEST

START_TEST(absent_unified)
{
	static struct cgroup_hierarchy at_root = {(char *)"", (char *)"/sys/fs/cgroup",
						  (char *)"/"};
	static struct cgroup_hierarchy one_deep = {(char *)"", (char *)"/sys/fs/cgroup",
						   (char *)"/me"};
	static struct cgroup_hierarchy outside = {(char *)"", (char *)"/sys/fs/cgroup",
						  (char *)"/../x"};
	struct cgroup_host host = unified_host;

	check_path(NULL, &unified_host, "/user.slice/c1");
	check_path("", &unified_host, "/user.slice/c1");
	host.hierarchies = &at_root;
	check_path(NULL, &host, "/c1");
	host.hierarchies = &one_deep;
	check_path(NULL, &host, "/c1");
	host.hierarchies = &outside;
	check_path(NULL, &host, "/c1");
}
END_TEST

START_TEST(absent_legacy)
{
	struct cgroup_location location;
	struct error err;

	ck_assert_int_eq(locate(NULL, CGROUP_MANAGER_CGROUPFS, &legacy_host, &location, &err), 0);
	ck_assert_str_eq(location.path, "/jobs/7/c1");
	ck_assert_str_eq(location.directories[0], "/sys/fs/cgroup/memory/jobs/7/c1");
	ck_assert_str_eq(location.directories[1], "/sys/fs/cgroup/systemd/c1");
	ck_assert_str_eq(location.directories[2], "/sys/fs/cgroup/unified/c1");
	ck_assert_ptr_null(location.directories[3]);
	cgroup_location_clear(&location);
	ck_assert_ptr_null(location.directories);
}
END_TEST

START_TEST(units)
{
	struct cgroup_host rootless = unified_host;

	check_unit("machine.slice:libpod:abc", &unified_host,
		   (const char *[]){"machine.slice", "libpod-abc.scope",
				    "/machine.slice/libpod-abc.scope"});
	check_unit("kubepods-burstable-pod1.slice:cri-containerd:x", &legacy_host,
		   (const char *[]){"kubepods-burstable-pod1.slice", "cri-containerd-x.scope",
				    "/kubepods.slice/kubepods-burstable.slice/"
				    "kubepods-burstable-pod1.slice/cri-containerd-x.scope"});
	check_unit("-.slice::x", &unified_host, (const char *[]){"-.slice", "x.scope", "/x.scope"});
	check_unit("system.slice:ignored:my.slice", &unified_host,
		   (const char *[]){"system.slice", "my.slice", "/my.slice"});
	check_unit(":p:n", &unified_host,
		   (const char *[]){"system.slice", "p-n.scope", "/system.slice/p-n.scope"});
	check_unit(
		NULL, &unified_host,
		(const char *[]){"system.slice", "knarr-c1.scope", "/system.slice/knarr-c1.scope"});
	rootless.rootless = true;
	check_unit(NULL, &rootless,
		   (const char *[]){"user.slice", "knarr-c1.scope", "/user.slice/knarr-c1.scope"});
}
END_TEST

/* Names that a unit cannot have, and names that its directory cannot have. */
START_TEST(escapes)
{
	check_unit("a.slice:p+q:n@1", &unified_host,
		   (const char *[]){"a.slice", "p\\x2bq-n@1.scope", "/a.slice/p\\x2bq-n@1.scope"});
	check_unit("cpu.slice::memory", &unified_host,
		   (const char *[]){"cpu.slice", "memory.scope", "/_cpu.slice/_memory.scope"});
	check_unit("memory-x.slice:_:_n", &unified_host,
		   (const char *[]){"memory-x.slice", "_-_n.scope",
				    "/_memory.slice/memory-x.slice/__-_n.scope"});
	check_unit("::io.slice", &unified_host,
		   (const char *[]){"system.slice", "io.slice", "/_io.slice"});
	/* systemd escapes the names of its own programs, and no others that begin like them. */
	check_unit("bpf-tools.slice:bpf:x", &unified_host,
		   (const char *[]){"bpf-tools.slice", "bpf-x.scope",
				    "/bpf.slice/bpf-tools.slice/bpf-x.scope"});
	check_unit(
		"a.slice:bpf:firewall", &unified_host,
		(const char *[]){"a.slice", "bpf-firewall.scope", "/a.slice/_bpf-firewall.scope"});
	check_unit("bpf-devices-a.slice::x", &unified_host,
		   (const char *[]){"bpf-devices-a.slice", "x.scope",
				    "/bpf.slice/_bpf-devices.slice/bpf-devices-a.slice/x.scope"});
}
END_TEST

START_TEST(session)
{
	struct cgroup_systemd systemd = {
		.bus = (char *)"unix:path=/run/user/7/bus",
		.runtime = (char *)"/run/user/7/systemd",
		.root = (char *)"/user.slice/user-7.slice/user@7.service",
	};
	struct cgroup_host host = unified_host;
	struct cgroup_location location;
	struct error err;

	host.rootless = true;
	host.systemd = &systemd;
	check_unit("app.slice:p:n", &host,
		   (const char *[]){"app.slice", "p-n.scope",
				    "/user.slice/user-7.slice/user@7.service/app.slice/p-n.scope"});
	ck_assert_int_eq(locate(NULL, CGROUP_MANAGER_SYSTEMD, &host, &location, &err), 0);
	ck_assert_str_eq(location.bus, systemd.bus);
	ck_assert_str_eq(location.runtime, systemd.runtime);
	cgroup_location_clear(&location);
}
END_TEST

static int locate_below(const char *subgroup, const struct cgroup_host *host,
			struct cgroup_location *ret_location, struct error *err)
{
	struct oci_string_pair pair = {(char *)"run.oci.systemd.subgroup",
				       (char *)(uintptr_t)subgroup};
	const struct oci_config config = {.annotations = {&pair, 1}};

	*err = ERROR_INIT;
	return cgroup_locate(&config, "c1", CGROUP_MANAGER_SYSTEMD, host, ret_location, err);
}

START_TEST(subgroups)
{
	static const struct {
		const char *subgroup, *path;
	} cases[] = {
		{"", "/system.slice/knarr-c1.scope"},
		{"x", "/system.slice/knarr-c1.scope/x"},
		{"/a//b/", "/system.slice/knarr-c1.scope/a/b"},
	};
	struct cgroup_location location = {.path = (char *)"untouched"};
	struct error err;

	for (size_t i = 0; i < 2 * suite_count(cases); i++) {
		const struct cgroup_host *host = i % 2 ? &unified_host : &legacy_host;

		ck_assert_int_eq(locate_below(cases[i / 2].subgroup, host, &location, &err), 0);
		ck_assert_str_eq(location.path, cases[i / 2].path);
		ck_assert_str_eq(location.unit_path, "/system.slice/knarr-c1.scope");
		cgroup_location_clear(&location);
	}
	ck_assert_int_eq(locate_below("a/../b", &unified_host, &location, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "annotations[\"run.oci.systemd.subgroup\"]",
			"\"a/../b\" has \"..\" in it", "");
}
END_TEST

START_TEST(refused_units)
{
	static const char *const shapes[] = {"/a/b", "a:b", "a:b:c:d",
					     "a.slice:b:", "a.slice:b:c/d"};
	static const char *const slices[] = {"a",	 ".slice",     "-a.slice",
					     "a-.slice", "a--b.slice", "a b.slice"};
	char text[160];

	for (size_t i = 0; i < suite_count(shapes); i++) {
		(void)snprintf(
			text, sizeof(text),
			"expected cgroupsPath to be of format \"slice:prefix:name\" for systemd "
			"cgroups, got \"%s\" instead",
			shapes[i]);
		check_refused(shapes[i], CGROUP_MANAGER_SYSTEMD, text,
			      "for example system.slice:knarr:NAME; a path wants the cgroupfs "
			      "manager");
	}
	for (size_t i = 0; i < suite_count(slices); i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "%s:p:n", slices[i]);
		(void)snprintf(text, sizeof(text), "\"%s\" is not the name of a systemd slice",
			       slices[i]);
		check_refused(path, CGROUP_MANAGER_SYSTEMD, text, "");
	}
}
END_TEST

START_TEST(ids)
{
	static const char *const bad[] = {"", ".", "..", "a/b", "../x"};
	struct cgroup_location location;
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < suite_count(bad); i++)
		ck_assert_int_eq(cgroup_locate(&(struct oci_config){0}, bad[i],
					       CGROUP_MANAGER_CGROUPFS, &unified_host, &location,
					       &err),
				 -EINVAL);
	ck_assert_error(&err, EINVAL, "", "\"../x\" cannot be the name of a cgroup", "");
}
END_TEST

START_TEST(disabled)
{
	struct cgroup_host empty = {.mode = CGROUP_MODE_LEGACY};
	struct cgroup_location location;
	struct error err;

	ck_assert_int_eq(locate("../x", CGROUP_MANAGER_DISABLED, &empty, &location, &err), 0);
	ck_assert_ptr_null(location.path);
	ck_assert_int_eq(location.manager, CGROUP_MANAGER_DISABLED);
	cgroup_location_clear(&location);
	ck_assert_int_eq(locate("/x", CGROUP_MANAGER_CGROUPFS, &empty, &location, &err), -ENOENT);
	ck_assert_error(&err, ENOENT, "",
			"this host has no cgroup hierarchy mounted at or below /sys/fs/cgroup",
			"mount cgroup2 there, or use --cgroup-manager=disabled");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {paths,	     refused_paths, absent_unified, absent_legacy,
				      units,	     escapes,	    session,	    subgroups,
				      refused_units, ids,	    disabled};

	return suite_run("cgroup-location", tests, suite_count(tests));
}
