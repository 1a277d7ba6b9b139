/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/mountinfo.h"
#include "base/path.h"
#include "base/text.h"
#include "cgroup/backend.h"
#include "kernel/submounts.h"

/* /proc/self/ns/user of the first user namespace: PROC_USER_INIT_INO, the same on every kernel. */
#define HOST_INITIAL_USERNS "user:[4026531837]"

void cgroup_host_clear(struct cgroup_host *host)
{
	for (size_t i = 0; i < host->count; i++) {
		free(host->hierarchies[i].controllers);
		free(host->hierarchies[i].mount_point);
		free(host->hierarchies[i].own_path);
	}
	free(host->hierarchies);
	if (host->systemd) {
		free(host->systemd->bus);
		free(host->systemd->runtime);
		free(host->systemd->root);
		free(host->systemd);
	}
	*host = (struct cgroup_host){0};
}

bool cgroup_list_has(const char *list, char separator, const char *word)
{
	size_t length = strlen(word);

	while (*list) {
		const char *end = strchrnul(list, separator);

		if ((size_t)(end - list) == length && memcmp(list, word, length) == 0)
			return true;
		list = *end ? end + 1 : end;
	}
	return false;
}

/* One line of /proc/self/cgroup, "4:cpu,cpuacct:/a/b", cut in place. False when it is none. */
static bool host_parse_own(char *line, char **ret_controllers, char **ret_path)
{
	char *controllers = strchr(line, ':'), *path;

	if (!controllers)
		return false;
	path = strchr(++controllers, ':'); /* a controller's name has no colon, a path may */
	if (!path || path[1] != '/')
		return false;
	*path++ = '\0';
	*ret_controllers = controllers;
	*ret_path = path;
	return true;
}

int cgroup_host_own_path(const char *own, const char *controllers, char **ret_path)
{
	auto_free char *text = strdup(own);
	char *save = NULL;

	for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *found, *path;

		if (!host_parse_own(line, &found, &path) || strcmp(found, controllers) != 0)
			continue;
		*ret_path = strdup(path);
		return *ret_path ? 0 : -ENOMEM;
	}
	return text ? -ENOENT : -ENOMEM;
}

/* True when the mount is of the hierarchy with all of these controllers ("" is cgroup2). */
static bool host_mount_is_of(const struct mountinfo *mount, const char *controllers)
{
	char name[64];

	if (*controllers == '\0')
		return strcmp(mount->type, "cgroup2") == 0;
	if (strcmp(mount->type, "cgroup") != 0)
		return false;
	while (*controllers) {
		size_t n = strcspn(controllers, ",");

		if (n >= sizeof(name))
			return false;
		memcpy(name, controllers, n);
		name[n] = '\0';
		if (!cgroup_list_has(mount->super_options, ',', name))
			return false;
		controllers += n;
		controllers += *controllers == ',';
	}
	return true;
}

/* `path` as seen below a mount that shows `root` of the hierarchy; "/" when it is elsewhere. */
static const char *host_relative(const char *path, const char *root)
{
	if (strcmp(root, "/") == 0)
		return path;
	if (!path_is_below(path, root))
		return "/";
	path += strlen(root);
	return *path ? path : "/";
}

static int host_add(struct cgroup_host *host, const char *controllers, const char *mount_point,
		    const char *own_path)
{
	struct cgroup_hierarchy *hierarchies =
		realloc(host->hierarchies, (host->count + 1) * sizeof(*hierarchies));
	struct cgroup_hierarchy *new;

	if (!hierarchies)
		return -ENOMEM;
	host->hierarchies = hierarchies;
	new = &hierarchies[host->count];
	new->controllers = strdup(controllers);
	new->mount_point = strdup(mount_point);
	new->own_path = strdup(own_path);
	host->count++;
	return new->controllers &&new->mount_point &&new->own_path ? 0 : -ENOMEM;
}

int cgroup_host_parse_unified(const char *own, struct cgroup_host *ret_host, struct error *err)
{
	struct cgroup_host host = {.mode = CGROUP_MODE_UNIFIED};
	auto_free char *found = NULL;
	int r = cgroup_host_own_path(own, "", &found);

	if (r == 0 || r == -ENOENT)
		r = host_add(&host, "", CGROUP_MOUNT_POINT, found ? found : "/");
	if (r < 0) {
		cgroup_host_clear(&host);
		return error_errno(err, -r, "look at the host's cgroups");
	}
	*ret_host = host;
	return 0;
}

/* The mounts of cgroup hierarchies in `text`, which is cut in place. */
static int host_parse_mounts(char *text, struct mountinfo **ret_mounts, size_t *ret_count)
{
	struct mountinfo *mounts = NULL, *more, mount;
	size_t count = 0;

	while (mountinfo_next(&text, &mount)) {
		if (!text_starts_with(mount.type, "cgroup") ||
		    !path_is_below(mount.point, CGROUP_MOUNT_POINT))
			continue;
		more = realloc(mounts, (count + 1) * sizeof(*mounts));
		if (!more) {
			free(mounts);
			return -ENOMEM;
		}
		mounts = more;
		mounts[count++] = mount;
	}
	*ret_mounts = mounts;
	*ret_count = count;
	return 0;
}

int cgroup_host_parse_legacy(const char *own, const char *mountinfo, struct cgroup_host *ret_host,
			     struct error *err)
{
	struct cgroup_host host = {.mode = CGROUP_MODE_LEGACY};
	auto_free char *own_text = strdup(own), *mount_text = strdup(mountinfo);
	auto_free struct mountinfo *mounts = NULL;
	size_t count = 0;
	char *save = NULL;
	int r = own_text && mount_text ? 0 : -ENOMEM;

	if (r == 0)
		r = host_parse_mounts(mount_text, &mounts, &count);
	for (char *line = r == 0 ? strtok_r(own_text, "\n", &save) : NULL; line && r == 0;
	     line = strtok_r(NULL, "\n", &save)) {
		const struct mountinfo *found = NULL;
		char *controllers, *path;

		if (!host_parse_own(line, &controllers, &path))
			continue;
		for (size_t i = 0; i < count; i++)
			if (host_mount_is_of(&mounts[i], controllers))
				found = &mounts[i];
		if (found)
			r = host_add(&host, controllers, found->point,
				     host_relative(path, found->root));
	}
	if (r < 0) {
		cgroup_host_clear(&host);
		return error_errno(err, -r, "look at the host's cgroups");
	}
	*ret_host = host;
	return 0;
}

/* Takes out what mountinfo still lists, but what a later mount over it hides. */
static int host_drop_hidden(struct cgroup_host *host, struct error *err)
{
	size_t kept = 0;
	int r = 0;

	for (size_t i = 0; i < host->count; i++) {
		struct cgroup_hierarchy *hierarchy = &host->hierarchies[i];
		long magic = *hierarchy->controllers ? CGROUP_SUPER_MAGIC : CGROUP2_SUPER_MAGIC;
		struct statfs fs = {0};

		/* Hidden with the directory that it was on: ENOENT. */
		if (statfs(hierarchy->mount_point, &fs) < 0 && errno != ENOENT &&
		    errno != ENOTDIR && errno != EACCES && r == 0)
			r = error_errno(err, errno, "look at %s", hierarchy->mount_point);
		if ((long)fs.f_type == magic) {
			struct cgroup_hierarchy keep = *hierarchy;

			*hierarchy = host->hierarchies[kept];
			host->hierarchies[kept++] = keep;
		}
	}
	for (size_t i = kept; i < host->count; i++) {
		free(host->hierarchies[i].controllers);
		free(host->hierarchies[i].mount_point);
		free(host->hierarchies[i].own_path);
	}
	host->count = kept;
	return r;
}

bool cgroup_host_is_rootless(void)
{
	char link[64];
	ssize_t n;

	if (geteuid() != 0)
		return true;
	n = readlink("/proc/self/ns/user", link, sizeof(link) - 1);
	if (n < 0)
		return false; /* a kernel without user namespaces has only one */
	link[n] = '\0';
	return strcmp(link, HOST_INITIAL_USERNS) != 0;
}

/* The own cgroups. Mostly one page holds them, and one read(2) gives them. */
static int host_read_own(char **ret_text)
{
	char text[4096];
	ssize_t n = tree_read(AT_FDCWD, "/proc/self/cgroup", text, sizeof(text));

	if (n == -EFBIG)
		return io_read_file(AT_FDCWD, "/proc/self/cgroup", 0, MOUNTINFO_MAX, ret_text,
				    NULL);
	if (n < 0)
		return (int)n;
	*ret_text = strdup(text);
	return *ret_text ? 0 : -ENOMEM;
}

int cgroup_host_mode(enum cgroup_mode *ret_mode, struct error *err)
{
	struct statfs fs = {0};

	if (statfs(CGROUP_MOUNT_POINT, &fs) < 0 && errno != ENOENT && errno != ENOTDIR &&
	    errno != EACCES)
		return error_errno(err, errno, "look at %s", CGROUP_MOUNT_POINT);
	*ret_mode = fs.f_type == CGROUP2_SUPER_MAGIC ? CGROUP_MODE_UNIFIED : CGROUP_MODE_LEGACY;
	return 0;
}

int cgroup_host_detect(struct cgroup_host *ret_host, struct error *err)
{
	auto_free char *own = NULL, *mountinfo = NULL;
	enum cgroup_mode mode;
	int r = host_read_own(&own);

	if (r < 0)
		return error_errno(err, -r, "read /proc/self/cgroup");
	r = cgroup_host_mode(&mode, err);
	if (r < 0)
		return r;
	if (mode == CGROUP_MODE_UNIFIED) {
		r = cgroup_host_parse_unified(own, ret_host, err);
	} else {
		r = submounts_read(CGROUP_MOUNT_POINT, "cgroup", &mountinfo);
		if (r < 0)
			r = io_read_file(AT_FDCWD, "/proc/self/mountinfo", 0, MOUNTINFO_MAX,
					 &mountinfo, NULL);
		if (r < 0)
			return error_errno(err, -r, "read /proc/self/mountinfo");
		r = cgroup_host_parse_legacy(own, mountinfo, ret_host, err);
		if (r < 0)
			return r;
		r = host_drop_hidden(ret_host, err);
		if (r < 0)
			cgroup_host_clear(ret_host);
	}
	if (r == 0)
		ret_host->rootless = cgroup_host_is_rootless();
	return r;
}
