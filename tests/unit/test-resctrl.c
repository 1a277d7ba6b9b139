/* SPDX-License-Identifier: Apache-2.0 */
/*
 * On a directory that looks like a resctrl. What the kernel would put into a new group, the tests
 * put there themselves between two steps.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "cgroup/resctrl/resctrl.h"
#include "suite.h"

#define SCHEMATA "    L3:0=7ff;1=0f0\n    MB:0=100;1= 70\nL3CODE:0=f\n"

static struct scratch top;

static void setup(void)
{
	scratch_open(&top);
	scratch_directory(top.fd, "mon_groups", 0755);
	scratch_directory(top.fd, "info", 0755);
	scratch_text(top.fd, "info/last_cmd_status", "ok\n", 0644);
	scratch_text(top.fd, "schemata", SCHEMATA, 0644);
	scratch_text(top.fd, "tasks", "", 0644);
}

static void teardown(void)
{
	scratch_close(&top);
}

/* What a new group comes with. */
static void populate(const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/schemata", name);
	scratch_text(top.fd, path, SCHEMATA, 0644);
	(void)snprintf(path, sizeof(path), "%s/tasks", name);
	scratch_text(top.fd, path, "", 0644);
	(void)snprintf(path, sizeof(path), "%s/mon_groups", name);
	(void)mkdirat(top.fd, path, 0755);
}

static void make_group(const char *name)
{
	scratch_directory(top.fd, name, 0755);
	populate(name);
}

static bool is_there(const char *path)
{
	return faccessat(top.fd, path, F_OK, 0) == 0;
}

static void assert_file(const char *path, const char *wanted)
{
	char text[256];

	ck_assert_int_ge(io_read_small(top.fd, path, text, sizeof(text)), 0);
	ck_assert_str_eq(text, wanted);
}

static int plan(struct oci_intel_rdt *config, struct resctrl *resctrl, struct error *err)
{
	struct oci_linux linux_config = {.intel_rdt = config};

	error_clear(err);
	return resctrl_plan(&linux_config, "box", top.path, resctrl, err);
}

static void assert_path(const char *path, const char *below)
{
	char wanted[256];

	(void)snprintf(wanted, sizeof(wanted), "%s%s", top.path, below);
	ck_assert_str_eq(path, wanted);
}

#define TEXT(string) ((char *)(uintptr_t)(string))

START_TEST(not_configured)
{
	struct oci_linux none = {0};
	struct resctrl resctrl;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(resctrl_plan(NULL, "box", "/no/such/place", &resctrl, &err), 0);
	ck_assert_int_eq(resctrl_plan(&none, "box", NULL, &resctrl, &err), 0);
	ck_assert_ptr_null(resctrl.config);
	ck_assert_int_eq(resctrl_make(&resctrl, &err), 0);
	ck_assert_int_eq(resctrl_configure(&resctrl, &err), 0);
	ck_assert_int_eq(resctrl_assign(resctrl.group, resctrl.monitor, 1, &err), 0);
	ck_assert_int_eq(resctrl_unmake(&resctrl, &err), 0);
	resctrl_clear(&resctrl);
}
END_TEST

START_TEST(find_mount)
{
	static const char text[] =
		"24 1 0:5 / /proc rw - proc proc rw\n"
		"30 1 0:9 / /sys/fs/resctrl rw,relatime shared:7 - resctrl resctrl rw\n"
		"31 1 0:9 /group /mnt rw - resctrl resctrl rw\n"
		"32 1 0:5 / /resctrl rw - tmpfs resctrl rw\n";
	char *found = NULL;

	ck_assert_int_eq(resctrl_find_mount(text, &found), 0);
	ck_assert_str_eq(found, "/sys/fs/resctrl");
	free(found);
	ck_assert_int_eq(resctrl_find_mount("24 1 0:5 / /proc rw - proc proc rw\n", &found),
			 -ENOENT);
	ck_assert_int_eq(resctrl_find_mount("", &found), -ENOENT);
	ck_assert_int_eq(resctrl_find_mount("rubbish - resctrl x y\n", &found), -ENOENT);
}
END_TEST

START_TEST(matching)
{
	static const char *const yes[] = {
		"L3:0=7ff;1=f0",
		"L3:0=7FF",
		"L3:1=00f0",
		"MB:1=70;0=100",
		"MB:0=100",
		"L3:0=7ff\nMB:1=70",
		"L3: 0 = 7ff ; 1=f0",
		"L3CODE:0=f",
		"L3:",
		"",
		"L3:0=7ff;",
	};
	static const char *const no[] = {
		"L3:0=7fe", "L3:2=7ff", "L2:0=f", "MB:0=10",
		"L3:0",	    "L3",	"L3:0=",  "L3:0=7ff\nMB:1=71",
	};

	for (size_t i = 0; i < suite_count(yes); i++)
		ck_assert_msg(resctrl_matches(yes[i], SCHEMATA), "%s", yes[i]);
	for (size_t i = 0; i < suite_count(no); i++)
		ck_assert_msg(!resctrl_matches(no[i], SCHEMATA), "%s", no[i]);
}
END_TEST

START_TEST(own_class_goes_with_the_container)
{
	char *lines[] = {TEXT("L2:0=3"), TEXT("L3:0=1")};
	struct oci_intel_rdt config = {
		.l3_cache_schema = TEXT("L3:0=f"),
		.mem_bw_schema = TEXT("MB:0=20"),
		.schemata = {lines, 2},
		.enable_monitoring = true,
	};
	struct resctrl resctrl;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(plan(&config, &resctrl, &err), 0);
	assert_path(resctrl.group, "/box");
	assert_path(resctrl.monitor, "/box/mon_groups/box");
	ck_assert(resctrl.make_group && resctrl.own_group);
	ck_assert(!is_there("box"));

	/* The kernel makes mon_groups with the class; here nobody does. */
	ck_assert_int_eq(resctrl_make(&resctrl, &err), -ENOENT);
	ck_assert_str_eq(err.field, "linux.intelRdt.enableMonitoring");
	ck_assert_str_eq(err.hint, "the CPU cannot monitor");
	ck_assert(!is_there("box"));

	make_group("box");
	resctrl.make_group = false;
	ck_assert_int_eq(resctrl_make(&resctrl, &err), 0);
	scratch_text(top.fd, "box/mon_groups/box/tasks", "", 0644);
	ck_assert_int_eq(resctrl_configure(&resctrl, &err), 0);
	ck_assert_int_eq(resctrl_assign(resctrl.group, resctrl.monitor, 4711, &err), 0);
	assert_file("box/tasks", "4711");
	assert_file("box/mon_groups/box/tasks", "4711");
	resctrl_clear(&resctrl);
}
END_TEST

/* A FIFO keeps what was written, in order and in pieces. */
START_TEST(order_of_the_lines)
{
	char *lines[] = {TEXT("L2:0=3"), TEXT("MB:0=30")};
	struct oci_intel_rdt config = {
		.clos_id = TEXT("gold"),
		.l3_cache_schema = TEXT("L3:0=7ff"),
		.mem_bw_schema = TEXT("MB:0=100"),
		.schemata = {lines, 2},
	};
	struct resctrl resctrl;
	struct error err = ERROR_INIT;
	char text[256] = "";
	int fd;

	make_group("gold");
	ck_assert_int_eq(plan(&config, &resctrl, &err), 0);
	ck_assert(!resctrl.make_group && !resctrl.own_group);
	ck_assert_int_eq(unlinkat(top.fd, "gold/schemata", 0), 0);
	ck_assert_int_eq(mkfifoat(top.fd, "gold/schemata", 0600), 0);
	fd = openat(top.fd, "gold/schemata", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(resctrl_configure(&resctrl, &err), 0);
	ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
	ck_assert_str_eq(text, "L3:0=7ff\nMB:0=100\nL2:0=3\nMB:0=30\n");
	(void)close(fd);
	resctrl_clear(&resctrl);
}
END_TEST

START_TEST(nothing_is_written_without_a_schema)
{
	struct oci_intel_rdt config = {.clos_id = TEXT("gold")};
	struct resctrl resctrl;
	struct error err = ERROR_INIT;

	make_group("gold");
	ck_assert_int_eq(unlinkat(top.fd, "gold/schemata", 0), 0);
	ck_assert_int_eq(plan(&config, &resctrl, &err), 0);
	ck_assert_int_eq(resctrl_make(&resctrl, &err), 0);
	ck_assert_int_eq(resctrl_configure(&resctrl, &err), 0);
	ck_assert(!is_there("gold/schemata"));
	ck_assert_int_eq(resctrl_unmake(&resctrl, &err), 0);
	ck_assert(is_there("gold"));
	resctrl_clear(&resctrl);
}
END_TEST

START_TEST(class_that_must_be_there)
{
	struct oci_intel_rdt config = {.clos_id = TEXT("gold"), .enable_monitoring = true};
	struct resctrl resctrl;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(plan(&config, &resctrl, &err), -ENOENT);
	ck_assert_error(&err, ENOENT, "linux.intelRdt.closID",
			"there is no class gold on this host",
			"without a schema the class must be there already");
	ck_assert(!is_there("gold"));
}
END_TEST

START_TEST(named_class_is_made_for_a_schema_and_stays)
{
	char *lines[] = {TEXT("L2:0=3")};
	struct oci_intel_rdt config = {.clos_id = TEXT("gold"), .schemata = {lines, 1}};
	struct resctrl resctrl;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(plan(&config, &resctrl, &err), 0);
	ck_assert(resctrl.make_group && !resctrl.own_group);
	ck_assert_ptr_null(resctrl.monitor);
	ck_assert_int_eq(resctrl_make(&resctrl, &err), 0);
	ck_assert(is_there("gold"));
	/* The container has failed, and nobody else has come. */
	ck_assert_int_eq(resctrl_unmake(&resctrl, &err), 0);
	ck_assert(!is_there("gold"));
	/* Somebody else has. */
	ck_assert_int_eq(resctrl_make(&resctrl, &err), 0);
	scratch_text(top.fd, "gold/tasks", "12\n13\n", 0644);
	ck_assert_int_eq(resctrl_unmake(&resctrl, &err), 0);
	ck_assert(is_there("gold/tasks"));
	/* Another container's make is refused: it would have planned for a class that is there. */
	ck_assert_int_eq(resctrl_make(&resctrl, &err), -EEXIST);
	ck_assert_str_eq(err.field, "linux.intelRdt");
	resctrl_clear(&resctrl);
}
END_TEST

START_TEST(existing_class_is_compared)
{
	struct oci_intel_rdt config = {
		.clos_id = TEXT("gold"),
		.l3_cache_schema = TEXT("L3:0=7ff;1=f0"),
		.mem_bw_schema = TEXT("MB:0=50"),
	};
	struct resctrl resctrl;
	struct error err = ERROR_INIT;
	char message[256];

	make_group("gold");
	ck_assert_int_eq(plan(&config, &resctrl, &err), -EEXIST);
	(void)snprintf(message, sizeof(message),
		       "the class %s/gold is there already, with other values than MB:0=50",
		       top.path);
	ck_assert_error(&err, EEXIST, "linux.intelRdt.memBwSchema", message, "");
	config.l3_cache_schema = TEXT("L3:0=1");
	ck_assert_int_eq(plan(&config, &resctrl, &err), -EEXIST);
	ck_assert_str_eq(err.field, "linux.intelRdt.l3CacheSchema");
	config.l3_cache_schema = NULL;
	config.mem_bw_schema = TEXT("MB:0=100");
	ck_assert_int_eq(plan(&config, &resctrl, &err), 0);
	resctrl_clear(&resctrl);
}
END_TEST

START_TEST(default_class)
{
	struct oci_intel_rdt config = {.clos_id = TEXT("/"), .enable_monitoring = true};
	struct resctrl resctrl;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(plan(&config, &resctrl, &err), 0);
	assert_path(resctrl.group, "");
	assert_path(resctrl.monitor, "/mon_groups/box");
	ck_assert(!resctrl.make_group && !resctrl.own_group);
	ck_assert_int_eq(resctrl_make(&resctrl, &err), 0);
	ck_assert(is_there("mon_groups/box"));
	ck_assert_int_eq(resctrl_remove(NULL, resctrl.monitor, &err), 0);
	ck_assert(!is_there("mon_groups/box"));
	/* Gone already is as good. */
	ck_assert_int_eq(resctrl_remove(resctrl.monitor, resctrl.monitor, &err), 0);
	resctrl_clear(&resctrl);
}
END_TEST

START_TEST(monitoring_group_is_dedicated)
{
	struct oci_intel_rdt config = {.clos_id = TEXT("/"), .enable_monitoring = true};
	struct resctrl resctrl;
	struct error err = ERROR_INIT;
	char message[256];

	scratch_directory(top.fd, "mon_groups/box", 0755);
	ck_assert_int_eq(plan(&config, &resctrl, &err), -EEXIST);
	(void)snprintf(message, sizeof(message),
		       "the monitoring group %s/mon_groups/box exists already", top.path);
	ck_assert_error(&err, EEXIST, "linux.intelRdt", message, "");
}
END_TEST

START_TEST(reserved_names)
{
	static const char *const names[] = {"info", "mon_groups", "mon_data"};

	for (size_t i = 0; i < suite_count(names); i++) {
		struct oci_intel_rdt config = {.clos_id = TEXT(names[i])};
		struct resctrl resctrl;
		struct error err = ERROR_INIT;
		char message[64];

		ck_assert_int_eq(plan(&config, &resctrl, &err), -EINVAL);
		(void)snprintf(message, sizeof(message), "resctrl has the name %s for itself",
			       names[i]);
		ck_assert_error(&err, EINVAL, "linux.intelRdt.closID", message, "");
	}
}
END_TEST

START_TEST(refused_line_is_named)
{
	char *lines[] = {TEXT("L2:0=3"), TEXT("L9:0=3")};
	struct oci_intel_rdt config = {.clos_id = TEXT("gold"), .schemata = {lines, 2}};
	struct resctrl resctrl;
	struct error err = ERROR_INIT;
	char message[256];

	make_group("gold");
	ck_assert_int_eq(plan(&config, &resctrl, &err), 0);
	ck_assert_int_eq(unlinkat(top.fd, "gold/schemata", 0), 0);
	ck_assert_int_eq(unlinkat(top.fd, "info/last_cmd_status", 0), 0);
	scratch_text(top.fd, "info/last_cmd_status", "Unknown or unsupported resource name 'L2'\n",
		     0644);
	ck_assert_int_eq(resctrl_configure(&resctrl, &err), -ENOENT);
	(void)snprintf(message, sizeof(message),
		       "write L2:0=3 to %s/gold/schemata: No such file or directory (ENOENT)",
		       top.path);
	ck_assert_error(&err, ENOENT, "linux.intelRdt.schemata[0]", message,
			"resctrl says: Unknown or unsupported resource name 'L2'");
	resctrl_clear(&resctrl);
}
END_TEST

static void check_previous(const char *schema, const char *schemata, const char *expected)
{
	auto_text struct text text = {0};

	text_append(&text, "");
	resctrl_previous(schema, schemata, &text);
	ck_assert_str_eq(text.data, expected);
}

START_TEST(previous_lines)
{
	static const char schemata[] = "    MB:0=100;1=100\n    L3:0=ff;1=ff\n";

	check_previous("L3:0=f", schemata, "L3:0=ff;1=ff\n");
	check_previous("MB:0=50\nL3:1=3\n", schemata, "MB:0=100;1=100\nL3:0=ff;1=ff\n");
	check_previous("L2:0=f", schemata, "");
	check_previous("L:0=f", schemata, "");
	check_previous("", schemata, "");
	check_previous(":", schemata, "");
	check_previous("L3:0=f", "", "");
}
END_TEST

START_TEST(updates_a_class)
{
	const char *const schemata[] = {NULL, "L3:0=3"};
	struct error err = ERROR_INIT;
	char path[128], text[64], message[256], *before;

	scratch_directory(top.fd, "used", 0755);
	scratch_text(top.fd, "used/schemata", "L3:0=f\nMB:0=9\n", 0644);
	(void)snprintf(path, sizeof(path), "%s/used", top.path);
	ck_assert_int_eq(resctrl_update(path, schemata, 2, &before, &err), 0);
	ck_assert_str_eq(before, "L3:0=f\n");
	free(before);
	ck_assert_int_gt(io_read_small(top.fd, "used/schemata", text, sizeof(text)), 0);
	ck_assert_str_eq(text, "L3:0=3\nMB:0=9");
	ck_assert_int_eq(resctrl_update(path, schemata, 2, NULL, &err), 0);
	(void)snprintf(path, sizeof(path), "%s/none", top.path);
	ck_assert_int_eq(resctrl_update(path, schemata, 2, NULL, &err), -ENOENT);
	(void)snprintf(message, sizeof(message),
		       "open class %s: No such file or directory (ENOENT)", path);
	ck_assert_error(&err, ENOENT, "", message, "");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		previous_lines,
		updates_a_class,
		not_configured,
		find_mount,
		matching,
		own_class_goes_with_the_container,
		order_of_the_lines,
		nothing_is_written_without_a_schema,
		class_that_must_be_there,
		named_class_is_made_for_a_schema_and_stays,
		existing_class_is_compared,
		default_class,
		monitoring_group_is_dedicated,
		reserved_names,
		refused_line_is_named,
	};

	return suite_run_with("resctrl", tests, suite_count(tests), setup, teardown);
}
