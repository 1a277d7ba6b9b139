/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which systemd is ours, and where it is in the hierarchies.
 *
 * A user session's systemd has a part of the tree (/user.slice/user-1000.slice/user@1000.service),
 * and its units lie below that. Their place has to be known before they are made, for it is written
 * down first. The bus would tell, but only the program speaks to that: so its private socket is
 * asked whose it is, and that process in which cgroup it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "cgroup/tree.h"
#include "kernel/channel.h"

#define MANAGER_RUNTIME "/run/systemd"
#define MANAGER_BUS	"unix:path=/run/dbus/system_bus_socket"
/* The cgroup in which every systemd has itself, below its own part. */
#define MANAGER_SCOPE	   "/init.scope"
#define MANAGER_CGROUP_MAX 8192

static void manager_free(struct cgroup_systemd *systemd)
{
	if (systemd) {
		free(systemd->bus);
		free(systemd->runtime);
		free(systemd->root);
	}
	free(systemd);
}

/* Root is at home where the machine's systemd is his: in a user namespace for one user the owner of
 * its directory is somebody else. */
static bool manager_is_machines(const struct cgroup_host *host)
{
	struct stat st;

	if (geteuid() != 0)
		return false;
	return !host->rootless || (stat(MANAGER_RUNTIME, &st) == 0 && st.st_uid == 0);
}

/* The process behind a listening socket, 0 when it cannot be told. */
static pid_t manager_socket_owner(const char *path)
{
	auto_close int fd = channel_connect(path, SOCK_STREAM);
	struct ucred credentials;
	socklen_t length = sizeof(credentials);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0)
		return 0;
	return credentials.pid;
}

/* systemd's line of /proc/PID/cgroup, without init.scope; malloc'ed, or NULL. */
static char *manager_parse_root(const char *text, enum cgroup_mode mode)
{
	const char *key = mode == CGROUP_MODE_UNIFIED ? "0::" : ":name=systemd:";
	const char *line = strstr(text, key);
	size_t length, scope = strlen(MANAGER_SCOPE);

	if (!line || line[strlen(key)] != '/')
		return NULL;
	line += strlen(key);
	length = strcspn(line, "\n");
	if (length >= scope && strncmp(line + length - scope, MANAGER_SCOPE, scope) == 0)
		length -= scope;
	if (length == 1)
		length = 0;
	return strndup(line, length);
}

static char *manager_find_root(const char *runtime, enum cgroup_mode mode)
{
	char path[PATH_MAX], text[MANAGER_CGROUP_MAX], *root = NULL;
	pid_t pid;

	if (snprintf(path, sizeof(path), "%s/private", runtime) >= (int)sizeof(path))
		return NULL;
	pid = manager_socket_owner(path);
	(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	if (pid > 0 && tree_read(AT_FDCWD, path, text, sizeof(text)) >= 0)
		root = manager_parse_root(text, mode);
	/* Where it is on every machine that has not been set up otherwise. */
	if (!root && asprintf(&root, "/user.slice/user-%u.slice/user@%u.service",
			      (unsigned int)getuid(), (unsigned int)getuid()) < 0)
		return NULL;
	return root;
}

static int manager_find_session(struct cgroup_systemd *systemd, enum cgroup_mode mode)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR"), *bus = getenv("DBUS_SESSION_BUS_ADDRESS");
	char own[32];

	(void)snprintf(own, sizeof(own), "/run/user/%u", (unsigned int)getuid());
	if (!runtime || runtime[0] != '/')
		runtime = own;
	if (asprintf(&systemd->runtime, "%s/systemd", runtime) < 0)
		systemd->runtime = NULL;
	if (bus && *bus)
		systemd->bus = strdup(bus);
	else if (asprintf(&systemd->bus, "unix:path=%s/bus", runtime) < 0)
		systemd->bus = NULL;
	if (systemd->runtime)
		systemd->root = manager_find_root(systemd->runtime, mode);
	return systemd->runtime && systemd->bus && systemd->root ? 0 : -ENOMEM;
}

static int manager_find_machines(struct cgroup_systemd *systemd)
{
	systemd->runtime = strdup(MANAGER_RUNTIME);
	systemd->bus = strdup(MANAGER_BUS);
	systemd->root = strdup("");
	return systemd->runtime && systemd->bus && systemd->root ? 0 : -ENOMEM;
}

int cgroup_host_find_systemd(struct cgroup_host *host, struct error *err)
{
	struct cgroup_systemd *systemd = calloc(1, sizeof(*systemd));
	int r = -ENOMEM;

	if (systemd)
		r = manager_is_machines(host) ? manager_find_machines(systemd)
					      : manager_find_session(systemd, host->mode);
	if (r < 0) {
		manager_free(systemd);
		return error_errno(err, -r, "look for systemd");
	}
	host->systemd = systemd;
	return 0;
}
