/* SPDX-License-Identifier: Apache-2.0 */
#include "container/checkpoint/restore-mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite.h"

#define PLACE "/place"

static char *bind_options[] = {(char *)(uintptr_t) "rbind"};

/* A configuration with one bind, and a device of the host's that everybody has. */
struct stage {
	char folder[64];
	struct oci_mount mounts[1];
	struct oci_device devices[2];
	struct oci_linux linux_config;
	struct oci_config config;
	struct devices_plan plan;
	struct text options;
	struct restore_belows belows;
	struct error err;
};

static void stage_open(struct stage *stage)
{
	char path[128];

	memset(stage, 0, sizeof(*stage));
	strcpy(stage->folder, "/tmp/restore-mounts-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(stage->folder));
	(void)snprintf(path, sizeof(path), "%s/in", stage->folder);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/in/deeper", stage->folder);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/link", stage->folder);
	ck_assert_int_eq(symlink("/etc", path), 0);
	(void)snprintf(path, sizeof(path), "%s/inner", stage->folder);
	ck_assert_int_eq(symlink("in", path), 0);
	stage->mounts[0] = (struct oci_mount){
		.destination = (char *)(uintptr_t) "/volume",
		.type = (char *)(uintptr_t) "bind",
		.source = stage->folder,
		.options = {bind_options, 1},
	};
	/* The numbers of the second one are those of no such node. */
	stage->devices[0] = (struct oci_device){
		.path = (char *)(uintptr_t) "/dev/zero", .type = 'c', .major = 1, .minor = 5};
	stage->devices[1] = (struct oci_device){
		.path = (char *)(uintptr_t) "/dev/full", .type = 'c', .major = 1, .minor = 9};
	stage->linux_config.devices = (struct oci_devices){stage->devices, 2};
	stage->config.mounts = (struct oci_mounts){stage->mounts, 1};
	stage->config.linux = &stage->linux_config;
	ck_assert_int_eq(devices_plan(&stage->config, true, &stage->plan, &stage->err), 0);
}

static void stage_close(struct stage *stage)
{
	static const char *const names[] = {"in/deeper", "in", "link", "inner"};
	char path[128];

	for (size_t i = 0; i < suite_count(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", stage->folder, names[i]);
		ck_assert_int_eq(remove(path), 0);
	}
	ck_assert_int_eq(rmdir(stage->folder), 0);
	devices_plan_clear(&stage->plan);
	text_clear(&stage->options);
	restore_belows_clear(&stage->belows);
}

static int put_all(struct stage *stage, const char *names, bool all)
{
	const struct restore_mounts mounts = {
		.config = &stage->config,
		.devices = &stage->plan,
		.bundle = "/bundle",
		.place = PLACE,
		.all = all,
		.names = names,
	};

	text_clear(&stage->options);
	restore_belows_clear(&stage->belows);
	error_clear(&stage->err);
	return restore_put_mounts(&mounts, &stage->options, &stage->belows, &stage->err);
}

static int put(struct stage *stage, const char *names)
{
	return put_all(stage, names, false);
}

static bool has(const struct stage *stage, const char *words)
{
	return stage->options.data &&
	       memmem(stage->options.data, stage->options.length, words, strlen(words));
}

START_TEST(names_of_a_container)
{
	struct stage stage;
	char words[128];

	stage_open(&stage);
	(void)snprintf(words, sizeof(words), "mnt[/volume]:%s", stage.folder);
	ck_assert_int_eq(put(&stage, "[]"), 0);
	ck_assert(has(&stage, words) && !has(&stage, "/dev"));
	ck_assert_int_eq(put(&stage, "[\"/volume\",\"/dev/null\",\"/dev/zero\",\"/dev/random\"]"),
			 0);
	ck_assert(has(&stage, words));
	ck_assert(has(&stage, "mnt[/dev/null]:/dev/null"));
	ck_assert(has(&stage, "mnt[/dev/zero]:/dev/zero"));
	ck_assert(has(&stage, "mnt[/dev/random]:/dev/random"));
	ck_assert_uint_eq(stage.belows.count, 0);
	stage_close(&stage);
}
END_TEST

/* Not by its path on the host, at which criu would follow a link. */
START_TEST(below_a_bind)
{
	struct stage stage;

	stage_open(&stage);
	ck_assert_int_eq(put(&stage, "[\"/volume/in\",\"/volume/in/deeper\"]"), 0);
	ck_assert(has(&stage, "mnt[/volume/in]:" PLACE "/0"));
	ck_assert(has(&stage, "mnt[/volume/in/deeper]:" PLACE "/1"));
	ck_assert_uint_eq(stage.belows.count, 2);
	ck_assert_str_eq(stage.belows.items[1].source, stage.folder);
	ck_assert_str_eq(stage.belows.items[1].rest, "/in/deeper");
	stage_close(&stage);
}
END_TEST

/* In a user namespace nothing goes by its path on the host. */
START_TEST(all_at_the_place)
{
	struct stage stage;

	stage_open(&stage);
	ck_assert_int_eq(
		put_all(&stage, "[\"/volume\",\"/dev/null\",\"/dev/zero\",\"/volume/in\"]", true),
		0);
	ck_assert(has(&stage, "mnt[/volume]:" PLACE "/0"));
	ck_assert(has(&stage, "mnt[/dev/null]:" PLACE "/1"));
	ck_assert(has(&stage, "mnt[/dev/zero]:" PLACE "/2"));
	ck_assert(has(&stage, "mnt[/volume/in]:" PLACE "/3"));
	ck_assert_uint_eq(stage.belows.count, 4);
	ck_assert_str_eq(stage.belows.items[0].source, stage.folder);
	ck_assert_str_eq(stage.belows.items[0].rest, "");
	stage.mounts[0].source = (char *)(uintptr_t) "/nowhere/at/all";
	ck_assert_int_eq(put_all(&stage, "[]", true), -ENOENT);
	ck_assert_str_eq(stage.err.field, "mounts[0].source");
	ck_assert_uint_eq(stage.belows.count, 0);
	stage.mounts[0].source = stage.folder;
	stage_close(&stage);
}
END_TEST

START_TEST(links_below_a_bind)
{
	static const char *const names[] = {"/volume/link", "/volume/link/ssl", "/volume/inner",
					    "/volume/inner/deeper"};
	struct stage stage;
	char text[128], words[256];

	stage_open(&stage);
	for (size_t i = 0; i < suite_count(names); i++) {
		(void)snprintf(text, sizeof(text), "[\"%s\"]", names[i]);
		ck_assert_int_eq(put(&stage, text), -ELOOP);
		(void)snprintf(words, sizeof(words),
			       "open %s%s: Too many levels of symbolic links (ELOOP)", stage.folder,
			       names[i] + strlen("/volume"));
		ck_assert_str_eq(stage.err.message, words);
		ck_assert_uint_eq(stage.belows.count, 0);
	}
	ck_assert_int_eq(put(&stage, "[\"/volume/none\"]"), -ENOENT);
	stage_close(&stage);
}
END_TEST

/* What a container mounts somewhere, or what a file says, does not become the host's of that name.
 */
START_TEST(names_that_are_no_mounts_of_the_configuration)
{
	static const char *const names[] = {
		"/", "/etc/passwd", "/dev/sda", "/dev/console", "/dev/kmsg", "/run/docker.sock",
	};
	static const char *const odd[] = {
		"",
		"etc",
		"/volume/../etc/passwd",
		"/volume/in/..",
		"/volume//in",
		"/dev/./zero",
		"/dev/zero/",
		"/volume/./in",
	};
	struct stage stage;
	char text[128], words[256];

	stage_open(&stage);
	for (size_t i = 0; i < suite_count(names); i++) {
		(void)snprintf(text, sizeof(text), "[\"%s\"]", names[i]);
		ck_assert_int_eq(put(&stage, text), -EINVAL);
		(void)snprintf(words, sizeof(words),
			       "the images have a mount %s of the host, which the configuration "
			       "does not have",
			       names[i]);
		ck_assert_str_eq(stage.err.message, words);
	}
	for (size_t i = 0; i < suite_count(odd); i++) {
		(void)snprintf(text, sizeof(text), "[\"%s\"]", odd[i]);
		ck_assert_int_eq(put(&stage, text), -EBADMSG);
		(void)snprintf(words, sizeof(words), "the images have a mount of the odd name %s",
			       odd[i]);
		ck_assert_str_eq(stage.err.message, words);
	}
	ck_assert_int_eq(put(&stage, "[\"/dev/full\"]"), -ENODEV);
	ck_assert_str_eq(stage.err.message, "/dev/full of this host is not the device 1:9");
	ck_assert_int_lt(put(&stage, "{}"), 0);
	ck_assert_int_lt(put(&stage, "[1]"), 0);
	stage_close(&stage);
}
END_TEST

/* Without a cgroup namespace: what checkpoint calls DESTINATION, or DESTINATION/HIERARCHY on v1. */
START_TEST(names_of_cgroups)
{
	char *const types[] = {(char *)(uintptr_t) "cgroup", (char *)(uintptr_t) "cgroup2"};
	const struct mounts_hierarchy hierarchies[] = {
		{.name = "cpu,cpuacct", .path = "/sys/fs/cgroup/cpu,cpuacct/own"},
		{.name = "systemd", .path = "/sys/fs/cgroup/systemd/own"},
	};
	struct stage stage;
	struct restore_mounts mounts = {
		.config = &stage.config, .devices = &stage.plan, .place = PLACE, .names = "[]"};

	stage_open(&stage);
	for (size_t i = 0; i < suite_count(types); i++) {
		stage.mounts[0] = (struct oci_mount){.destination = (char *)(uintptr_t) "/groups",
						     .type = types[i]};
		mounts.cgroup = "/sys/fs/cgroup/own";
		mounts.hierarchy_count = 0;
		ck_assert_int_eq(
			restore_put_mounts(&mounts, &stage.options, &stage.belows, &stage.err), 0);
		ck_assert(has(&stage, "mnt[/groups]:/sys/fs/cgroup/own"));
		text_clear(&stage.options);
		mounts.cgroup = NULL;
		mounts.hierarchies = hierarchies;
		mounts.hierarchy_count = suite_count(hierarchies);
		ck_assert_int_eq(
			restore_put_mounts(&mounts, &stage.options, &stage.belows, &stage.err), 0);
		/* All of the other hierarchy, which is no bind. */
		ck_assert_int_eq(has(&stage, "mnt[/groups/cpu,cpuacct]:/sys/fs/cgroup/cpu,cpuacct/"
					     "own"),
				 i == 0);
		ck_assert_int_eq(has(&stage, "mnt[/groups/systemd]:/sys/fs/cgroup/systemd/own"),
				 i == 0);
		text_clear(&stage.options);
		/* With a cgroup namespace there is nothing of the host's. */
		mounts.hierarchy_count = 0;
		ck_assert_int_eq(
			restore_put_mounts(&mounts, &stage.options, &stage.belows, &stage.err), 0);
		ck_assert_uint_eq(stage.options.length, 0);
	}
	stage_close(&stage);
}
END_TEST

START_TEST(images_of_another_runtime)
{
	struct stage stage;

	stage_open(&stage);
	ck_assert_int_eq(put(&stage, NULL), 0);
	ck_assert(has(&stage, "mnt[/dev/null]:/dev/null"));
	ck_assert(has(&stage, "mnt[/dev/zero]:/dev/zero"));
	stage.mounts[0].source = NULL;
	ck_assert_int_eq(put(&stage, NULL), -EINVAL);
	ck_assert_str_eq(stage.err.field, "mounts[0].source");
	stage.mounts[0].source = (char *)(uintptr_t) "relative";
	ck_assert_int_eq(put(&stage, NULL), 0);
	ck_assert(has(&stage, "mnt[/volume]:/bundle/relative"));
	stage_close(&stage);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		names_of_a_container,
		below_a_bind,
		all_at_the_place,
		links_below_a_bind,
		names_that_are_no_mounts_of_the_configuration,
		names_of_cgroups,
		images_of_another_runtime,
	};

	return suite_run("restore-mounts", tests, suite_count(tests));
}
