/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/resctrl/resctrl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/mountinfo.h"
#include "base/text.h"

/* A line per resource and a few bytes per cache: large machines have hundreds. */
#define RESCTRL_SCHEMATA_MAX (1U << 20)

/*
 * Comparing.
 */

/* A part of a text without the white space around it. */
struct resctrl_word {
	const char *text;
	size_t length;
};

/* The next part of *rest up to `end` or the end of the text; *rest is NULL after the last one. */
static struct resctrl_word resctrl_next(const char **rest, const char *limit, char end)
{
	const char *start = *rest;
	const char *stop = memchr(start, end, (size_t)(limit - start));

	*rest = stop ? stop + 1 : NULL;
	if (!stop)
		stop = limit;
	while (start < stop && (*start == ' ' || *start == '\t'))
		start++;
	while (stop > start && (stop[-1] == ' ' || stop[-1] == '\t'))
		stop--;
	return (struct resctrl_word){start, (size_t)(stop - start)};
}

static bool resctrl_same_word(struct resctrl_word a, struct resctrl_word b)
{
	return a.length == b.length && memcmp(a.text, b.text, a.length) == 0;
}

/* Bit masks are hexadecimal, with leading zeros or without; bandwidths have the same digits. */
static bool resctrl_same_value(struct resctrl_word a, struct resctrl_word b)
{
	while (a.length > 1 && a.text[0] == '0')
		a = (struct resctrl_word){a.text + 1, a.length - 1};
	while (b.length > 1 && b.text[0] == '0')
		b = (struct resctrl_word){b.text + 1, b.length - 1};
	return a.length == b.length && strncasecmp(a.text, b.text, a.length) == 0;
}

/* Finds "KEY<separator>VALUE" among the parts of a text. */
static bool resctrl_find(struct resctrl_word in, char between, char separator,
			 struct resctrl_word key, struct resctrl_word *ret_value)
{
	const char *limit = in.text + in.length, *rest = in.text;

	while (rest) {
		struct resctrl_word part = resctrl_next(&rest, limit, between);
		const char *value = part.text;
		struct resctrl_word name = resctrl_next(&value, part.text + part.length, separator);

		if (!value || !resctrl_same_word(name, key))
			continue;
		*ret_value =
			(struct resctrl_word){value, (size_t)(part.text + part.length - value)};
		return true;
	}
	return false;
}

static bool resctrl_line_matches(struct resctrl_word line, struct resctrl_word schemata)
{
	const char *limit = line.text + line.length, *rest = line.text;
	struct resctrl_word resource = resctrl_next(&rest, limit, ':'), there;

	if (!rest || !resctrl_find(schemata, '\n', ':', resource, &there))
		return false;
	while (rest) {
		struct resctrl_word pair = resctrl_next(&rest, limit, ';'), value;
		const char *wanted = pair.text;
		struct resctrl_word cache = resctrl_next(&wanted, pair.text + pair.length, '=');
		struct resctrl_word trimmed;

		if (pair.length == 0)
			continue;
		if (!wanted || !resctrl_find(there, ';', '=', cache, &value))
			return false;
		trimmed = resctrl_next(&wanted, pair.text + pair.length, ';');
		wanted = value.text;
		if (!resctrl_same_value(trimmed,
					resctrl_next(&wanted, value.text + value.length, ';')))
			return false;
	}
	return true;
}

bool resctrl_matches(const char *schema, const char *schemata)
{
	const struct resctrl_word all = {schemata, strlen(schemata)};
	const char *rest = schema, *limit = schema + strlen(schema);

	while (rest) {
		struct resctrl_word line = resctrl_next(&rest, limit, '\n');

		if (line.length > 0 && !resctrl_line_matches(line, all))
			return false;
	}
	return true;
}

/*
 * Where.
 */

int resctrl_find_mount(const char *mountinfo, char **ret_mount_point)
{
	auto_free char *text = strdup(mountinfo), *found = NULL;
	struct mountinfo mount;
	char *rest = text;

	if (!text)
		return -ENOMEM;
	while (mountinfo_next(&rest, &mount)) {
		/* Of a bind of one group, new groups would be monitoring groups or nothing. */
		if (strcmp(mount.type, "resctrl") != 0 || strcmp(mount.root, "/") != 0)
			continue;
		free(found);
		found = strdup(mount.point);
		if (!found)
			return -ENOMEM;
	}
	if (!found)
		return -ENOENT;
	*ret_mount_point = pointer_take(found);
	return 0;
}

int resctrl_locate(char **ret_mount_point, struct error *err)
{
	auto_free char *mountinfo = NULL;
	int r;

	r = io_read_file(AT_FDCWD, "/proc/self/mountinfo", 0, MOUNTINFO_MAX, &mountinfo, NULL);
	if (r < 0)
		return error_errno(err, -r, "read /proc/self/mountinfo");
	r = resctrl_find_mount(mountinfo, ret_mount_point);
	if (r == -ENOENT) {
		error_set(err, ENOENT, "no resctrl file system is mounted on this host");
		return error_hint(err,
				  "mount -t resctrl resctrl /sys/fs/resctrl, where the CPU has "
				  "Intel RDT or AMD QoS");
	}
	return r < 0 ? error_errno(err, -r, "look for a resctrl file system") : 0;
}

static bool resctrl_is_set(const char *text)
{
	return text && text[0];
}

/* Names in the root of resctrl that are no classes. */
static bool resctrl_is_reserved(const char *name)
{
	return strcmp(name, "info") == 0 || strcmp(name, "mon_groups") == 0 ||
	       strcmp(name, "mon_data") == 0;
}

static int resctrl_name(struct resctrl *resctrl, const char *id, struct error *err)
{
	const char *clos = resctrl->config->clos_id;
	const char *name = resctrl_is_set(clos) ? clos : id;
	int length;

	if (resctrl_is_reserved(name)) {
		error_set(err, EINVAL, "resctrl has the name %s for itself", name);
		return error_at(err, "linux.intelRdt.closID");
	}
	length = strcmp(name, "/") == 0
			 ? asprintf(&resctrl->group, "%s", resctrl->mount_point)
			 : asprintf(&resctrl->group, "%s/%s", resctrl->mount_point, name);
	if (length < 0)
		resctrl->group = NULL;
	if (length >= 0 && resctrl->config->enable_monitoring) {
		length = asprintf(&resctrl->monitor, "%s/mon_groups/%s", resctrl->group, id);
		if (length < 0)
			resctrl->monitor = NULL;
	}
	return length < 0 ? error_errno(err, ENOMEM, "resctrl") : 0;
}

/* config-linux.md#intelrdt: a class that is there is not changed by these two. */
static int resctrl_compare(const struct resctrl *resctrl, struct error *err)
{
	const struct {
		const char *field, *schema;
	} lines[] = {
		{"l3CacheSchema", resctrl->config->l3_cache_schema},
		{"memBwSchema", resctrl->config->mem_bw_schema},
	};
	auto_close int dir = open(resctrl->group, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_free char *schemata = NULL;
	int r;

	if (!resctrl_is_set(lines[0].schema) && !resctrl_is_set(lines[1].schema))
		return 0;
	if (dir < 0)
		return error_errno(err, errno, "open %s", resctrl->group);
	r = io_read_file(dir, "schemata", 0, RESCTRL_SCHEMATA_MAX, &schemata, NULL);
	if (r < 0)
		return error_errno(err, -r, "read %s/schemata", resctrl->group);
	for (size_t i = 0; i < array_size(lines); i++) {
		if (!resctrl_is_set(lines[i].schema) || resctrl_matches(lines[i].schema, schemata))
			continue;
		error_set(err, EEXIST, "the class %s is there already, with other values than %s",
			  resctrl->group, lines[i].schema);
		return error_at(err, "linux.intelRdt.%s", lines[i].field);
	}
	return 0;
}

static int resctrl_look(struct resctrl *resctrl, struct error *err)
{
	const struct oci_intel_rdt *config = resctrl->config;
	bool named = resctrl_is_set(config->clos_id);
	struct stat st;

	if (stat(resctrl->group, &st) == 0) {
		if (!S_ISDIR(st.st_mode))
			return error_set(err, ENOTDIR, "%s is no class of resctrl", resctrl->group);
		if (resctrl->monitor && stat(resctrl->monitor, &st) == 0)
			return error_set(err, EEXIST, "the monitoring group %s exists already",
					 resctrl->monitor);
		return resctrl_compare(resctrl, err);
	}
	if (errno != ENOENT)
		return error_errno(err, errno, "look at %s", resctrl->group);
	if (named && !resctrl_is_set(config->l3_cache_schema) &&
	    !resctrl_is_set(config->mem_bw_schema) && config->schemata.count == 0) {
		error_set(err, ENOENT, "there is no class %s on this host", config->clos_id);
		error_hint(err, "without a schema the class must be there already");
		return error_at(err, "linux.intelRdt.closID");
	}
	resctrl->make_group = true;
	resctrl->own_group = !named;
	return 0;
}

int resctrl_plan(const struct oci_linux *linux_config, const char *id, const char *mount_point,
		 struct resctrl *ret_resctrl, struct error *err)
{
	struct resctrl resctrl = {.config = linux_config ? linux_config->intel_rdt : NULL};
	int r = 0;

	if (resctrl.config) {
		resctrl.mount_point = mount_point ? strdup(mount_point) : NULL;
		if (!mount_point)
			r = resctrl_locate(&resctrl.mount_point, err);
		else if (!resctrl.mount_point)
			r = error_errno(err, ENOMEM, "resctrl");
		if (r == 0)
			r = resctrl_name(&resctrl, id, err);
		if (r == 0)
			r = resctrl_look(&resctrl, err);
	}
	if (r < 0) {
		resctrl_clear(&resctrl);
		return error_at(err, "linux.intelRdt");
	}
	*ret_resctrl = resctrl;
	return 0;
}

void resctrl_clear(struct resctrl *resctrl)
{
	free(resctrl->mount_point);
	free(resctrl->group);
	free(resctrl->monitor);
	*resctrl = (struct resctrl){0};
}

/*
 * Acting.
 */

/* What resctrl says of the last refusal, as a hint. */
static void resctrl_explain(const struct resctrl *resctrl, struct error *err)
{
	auto_close int dir = open(resctrl->mount_point, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char status[200];

	if (dir >= 0 && io_read_small(dir, "info/last_cmd_status", status, sizeof(status)) > 0 &&
	    strcmp(status, "ok") != 0)
		error_hint(err, "resctrl says: %s", status);
}

int resctrl_make(const struct resctrl *resctrl, struct error *err)
{
	if (!resctrl->config)
		return 0;
	if (resctrl->make_group && mkdir(resctrl->group, 0755) < 0) {
		error_errno(err, errno, "make class %s", resctrl->group);
		if (err->number == ENOSPC)
			error_hint(err, "the CPU has no more classes");
		resctrl_explain(resctrl, err);
		return error_at(err, "linux.intelRdt");
	}
	if (!resctrl->monitor || mkdir(resctrl->monitor, 0755) == 0)
		return 0;
	error_errno(err, errno, "make monitoring group %s", resctrl->monitor);
	if (err->number == ENOSPC)
		error_hint(err, "the CPU has no more monitoring groups");
	if (err->number == ENOENT)
		error_hint(err, "the CPU cannot monitor");
	resctrl_explain(resctrl, err);
	if (resctrl->make_group)
		(void)rmdir(resctrl->group);
	return error_at(err, "linux.intelRdt.enableMonitoring");
}

static int resctrl_write(const struct resctrl *resctrl, int dir, const char *line,
			 struct error *err)
{
	auto_free char *text = NULL;
	int r;

	if (!resctrl_is_set(line))
		return 0;
	/* The kernel takes whole lines only. */
	if (asprintf(&text, "%s\n", line) < 0) {
		text = NULL;
		return error_errno(err, ENOMEM, "resctrl");
	}
	r = io_write_value(dir, "schemata", text);
	if (r == 0)
		return 0;
	error_errno(err, -r, "write %s to %s/schemata", line, resctrl->group);
	resctrl_explain(resctrl, err);
	return r;
}

int resctrl_configure(const struct resctrl *resctrl, struct error *err)
{
	const struct oci_intel_rdt *config = resctrl->config;
	auto_close int dir = -EBADF;

	if (!config)
		return 0;
	dir = open(resctrl->group, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_errno(err, errno, "open class %s", resctrl->group);
	if (resctrl_write(resctrl, dir, config->l3_cache_schema, err) < 0)
		return error_at(err, "linux.intelRdt.l3CacheSchema");
	if (resctrl_write(resctrl, dir, config->mem_bw_schema, err) < 0)
		return error_at(err, "linux.intelRdt.memBwSchema");
	for (size_t i = 0; i < config->schemata.count; i++)
		if (resctrl_write(resctrl, dir, config->schemata.items[i], err) < 0)
			return error_at(err, "linux.intelRdt.schemata[%zu]", i);
	return 0;
}

static int resctrl_add(const char *group, pid_t pid, struct error *err)
{
	auto_close int dir = open(group, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char number[16];
	int r;

	(void)snprintf(number, sizeof(number), "%d\n", (int)pid);
	r = dir < 0 ? -errno : io_write_value(dir, "tasks", number);
	if (r == 0)
		return 0;
	error_errno(err, -r, "add process %d to %s", (int)pid, group);
	return error_at(err, "linux.intelRdt");
}

int resctrl_assign(const char *group, const char *monitor, pid_t pid, struct error *err)
{
	int r = group ? resctrl_add(group, pid, err) : 0;

	/* A monitoring group takes only processes of its class. */
	return r < 0 || !monitor ? r : resctrl_add(monitor, pid, err);
}

/* Without it nobody can be told to have been moved to the default class. */
static bool resctrl_has_tasks(const char *group)
{
	auto_close int dir = open(group, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char text[2];
	ssize_t n = dir < 0 ? 0 : io_read_small(dir, "tasks", text, sizeof(text));

	return n > 0 || n == -EFBIG;
}

int resctrl_unmake(const struct resctrl *resctrl, struct error *err)
{
	int r;

	if (!resctrl->config)
		return 0;
	r = resctrl_remove(NULL, resctrl->monitor, err);
	if (r < 0 || !resctrl->make_group || resctrl_has_tasks(resctrl->group))
		return r;
	return resctrl_remove(resctrl->group, NULL, err);
}

int resctrl_remove(const char *group, const char *monitor, struct error *err)
{
	if (monitor && rmdir(monitor) < 0 && errno != ENOENT)
		return error_errno(err, errno, "remove monitoring group %s", monitor);
	if (group && rmdir(group) < 0 && errno != ENOENT)
		return error_errno(err, errno, "remove class %s", group);
	return 0;
}
