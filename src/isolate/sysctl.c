/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Most of /proc/sys is the host's, whoever writes to it. What is allowed is a list of what a
 * namespace keeps apart, and only with a namespace of the container's own.
 *
 * A key is first brought into the form that is looked up and written, a path of clean components:
 * "net.ipv4.ip_forward" and "net/ipv4/ip_forward" are both net/ipv4/ip_forward. The separator is
 * whichever comes first, the other one then stands for itself, as sysctl(8) has it:
 * net/ipv4/conf/eth0.1/forwarding and net.ipv4.conf.eth0/1.forwarding both mean the interface
 * eth0.1. The list is asked with that form, so nothing is looked up that was not allowed
 * (net.ipv4/../../kernel/core_pattern); the private procfs would not let it out either.
 */
#include "isolate/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "kernel/nsfs.h"
#include "kernel/procfs.h"
#include "kernel/syscalls.h"

#define SYSCTL_PATH_MAX 256
#define SYSCTL_PREFIX	"sys/"

struct sysctl_rule {
	const char *path; /* a whole one, or a directory with its slash */
	uint64_t namespace;
	const char *type; /* as in linux.namespaces */
};

static const struct sysctl_rule sysctl_rules[] = {
	{"fs/mqueue/", CLONE_NEWIPC, "ipc"},
	{"kernel/domainname", CLONE_NEWUTS, "uts"},
	{"kernel/msgmax", CLONE_NEWIPC, "ipc"},
	{"kernel/msgmnb", CLONE_NEWIPC, "ipc"},
	{"kernel/msgmni", CLONE_NEWIPC, "ipc"},
	{"kernel/sem", CLONE_NEWIPC, "ipc"},
	{"kernel/shm_rmid_forced", CLONE_NEWIPC, "ipc"},
	{"kernel/shmall", CLONE_NEWIPC, "ipc"},
	{"kernel/shmmax", CLONE_NEWIPC, "ipc"},
	{"kernel/shmmni", CLONE_NEWIPC, "ipc"},
	{"net/", CLONE_NEWNET, "network"},
	{"user/", CLONE_NEWUSER, "user"},
};

int sysctl_path(const char *key, char *out, size_t size)
{
	const char *separator = strpbrk(key, "./");
	size_t length = strlen(key);

	if (length >= size)
		return -ENAMETOOLONG;
	for (size_t i = 0; i <= length; i++) {
		out[i] = key[i];
		if (separator && *separator == '.' && key[i] == '.')
			out[i] = '/';
		else if (separator && *separator == '.' && key[i] == '/')
			out[i] = '.';
	}
	/* Every component must be a name. */
	for (const char *at = out;; at++) {
		size_t part = strcspn(at, "/");

		if (part == 0 || (part == 1 && at[0] == '.') ||
		    (part == 2 && !strncmp(at, "..", 2)))
			return -EINVAL;
		at += part;
		if (*at == '\0')
			return 0;
	}
}

static const struct sysctl_rule *sysctl_find_rule(const char *path)
{
	for (size_t i = 0; i < array_size(sysctl_rules); i++) {
		const struct sysctl_rule *rule = &sysctl_rules[i];
		size_t length = strlen(rule->path);

		if (rule->path[length - 1] == '/' ? text_starts_with(path, rule->path)
						  : strcmp(path, rule->path) == 0)
			return rule;
	}
	return NULL;
}

static int sysctl_check(const struct oci_string_pair *pair,
			const struct namespaces_plan *namespaces, struct error *err)
{
	const struct sysctl_rule *rule;
	char path[SYSCTL_PATH_MAX];
	int r;

	r = sysctl_path(pair->key, path, sizeof(path) - strlen(SYSCTL_PREFIX));
	if (r < 0)
		return error_set(err, -r, r == -EINVAL ? "is no name of a sysctl" : "is too long");
	if (pair->value[strcspn(pair->value, "\n")] != '\0')
		return error_set(err, EINVAL, "must not contain a newline");
	if (strcmp(path, "kernel/hostname") == 0) {
		error_set(err, EINVAL, "the host name is not set by a sysctl");
		return error_hint(err, "use the field \"hostname\"");
	}
	rule = sysctl_find_rule(path);
	if (!rule) {
		error_set(err, EINVAL,
			  "is not kept apart by any namespace and would change the host");
		return error_hint(err, "set it on the host, before the container starts");
	}
	if (!(namespaces->private & rule->namespace)) {
		error_set(err, EINVAL,
			  "would change the host: the container has no %s namespace of its "
			  "own",
			  rule->type);
		return error_hint(err, "add {\"type\": \"%s\"} to linux.namespaces", rule->type);
	}
	return 0;
}

int sysctl_plan(const struct oci_linux *linux_config, const struct namespaces_plan *namespaces,
		struct error *err)
{
	for (size_t i = 0; linux_config && i < linux_config->sysctl.count; i++) {
		const struct oci_string_pair *pair = &linux_config->sysctl.items[i];

		if (sysctl_check(pair, namespaces, err) < 0)
			return error_at(err, "linux.sysctl[\"%s\"]", pair->key);
	}
	return 0;
}

int sysctl_check_joined(const struct oci_linux *linux_config,
			const struct namespaces_plan *namespaces, const struct namespaces_fds *fds,
			struct error *err)
{
	for (size_t i = 0; linux_config && i < linux_config->sysctl.count; i++) {
		const char *key = linux_config->sysctl.items[i].key;
		const struct sysctl_rule *rule = NULL;
		char path[SYSCTL_PATH_MAX];

		if (sysctl_path(key, path, sizeof(path)) == 0)
			rule = sysctl_find_rule(path);
		for (size_t j = 0; rule && j < namespaces->join_count; j++) {
			const struct namespaces_join *join = &namespaces->joins[j];

			if (join->type != rule->namespace)
				continue;
			/* A user namespace that is the runtime's own has no descriptor. */
			if (fds->fds[j] >= 0 && !nsfs_is_own(fds->fds[j], join->type))
				continue;
			error_set(err, EINVAL,
				  "would change the host: %s is the runtime's own %s "
				  "namespace",
				  join->path, rule->type);
			return error_at(err, "linux.sysctl[\"%s\"]", key);
		}
	}
	return 0;
}

int sysctl_apply(const struct oci_string_map *sysctl, int procfs, struct error *err)
{
	for (size_t i = 0; i < sysctl->count; i++) {
		const struct oci_string_pair *pair = &sysctl->items[i];
		char path[SYSCTL_PATH_MAX] = SYSCTL_PREFIX;
		const size_t prefix = strlen(SYSCTL_PREFIX);
		int r;

		r = sysctl_path(pair->key, path + prefix, sizeof(path) - prefix);
		if (r == 0)
			r = procfs_write(procfs, path, pair->value);
		if (r < 0) {
			error_errno(err, -r, "write \"%s\" to /proc/%s", pair->value, path);
			if (r == -ENOENT)
				error_hint(
					err,
					"this kernel, or this kind of namespace, does not have it");
			return error_at(err, "linux.sysctl[\"%s\"]", pair->key);
		}
	}
	return 0;
}
