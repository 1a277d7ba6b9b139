/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "isolate/sysctl.h"
#include "kernel/syscalls.h"
#include "suite.h"

#define ALL_TYPES (CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWUSER)

static int plan_value(const char *key, const char *value, uint64_t private, struct error *err)
{
	struct oci_string_pair pair = {(char *)(uintptr_t)key, (char *)(uintptr_t)value};
	struct oci_linux linux_config = {.sysctl = {&pair, 1}};
	struct namespaces_plan namespaces = {.fresh = private, .private = private};

	error_clear(err);
	return sysctl_plan(&linux_config, &namespaces, err);
}

static void refuse(const char *key, uint64_t private, const char *message, const char *hint)
{
	struct error err = ERROR_INIT;
	char field[192];

	(void)snprintf(field, sizeof(field), "linux.sysctl[\"%s\"]", key);
	ck_assert_int_eq(plan_value(key, "1", private, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, field, message, hint);
}

START_TEST(allowed_with_their_namespace_only)
{
	static const struct {
		const char *key;
		uint64_t namespace;
		const char *type;
	} cases[] = {
		{"kernel.msgmax", CLONE_NEWIPC, "ipc"},
		{"kernel.msgmnb", CLONE_NEWIPC, "ipc"},
		{"kernel.msgmni", CLONE_NEWIPC, "ipc"},
		{"kernel.sem", CLONE_NEWIPC, "ipc"},
		{"kernel.shmall", CLONE_NEWIPC, "ipc"},
		{"kernel.shmmax", CLONE_NEWIPC, "ipc"},
		{"kernel.shmmni", CLONE_NEWIPC, "ipc"},
		{"kernel.shm_rmid_forced", CLONE_NEWIPC, "ipc"},
		{"kernel/shmmax", CLONE_NEWIPC, "ipc"},
		{"fs.mqueue.msg_max", CLONE_NEWIPC, "ipc"},
		{"fs/mqueue/msg_max", CLONE_NEWIPC, "ipc"},
		{"net.ipv4.ip_forward", CLONE_NEWNET, "network"},
		{"net/ipv4/conf/eth0.1/forwarding", CLONE_NEWNET, "network"},
		{"net.ipv4.conf.eth0/1.forwarding", CLONE_NEWNET, "network"},
		{"kernel.domainname", CLONE_NEWUTS, "uts"},
		{"user.max_net_namespaces", CLONE_NEWUSER, "user"},
	};

	for (size_t i = 0; i < suite_count(cases); i++) {
		struct error err = ERROR_INIT;
		char message[128], hint[128];

		ck_assert_int_eq(plan_value(cases[i].key, "1", cases[i].namespace, &err), 0);
		(void)snprintf(
			message, sizeof(message),
			"would change the host: the container has no %s namespace of its own",
			cases[i].type);
		(void)snprintf(hint, sizeof(hint), "add {\"type\": \"%s\"} to linux.namespaces",
			       cases[i].type);
		refuse(cases[i].key, ALL_TYPES & ~cases[i].namespace, message, hint);
	}
}
END_TEST

START_TEST(never_allowed)
{
	static const char *const keys[] = {
		"kernel.core_pattern",
		"kernel.panic",
		"vm.overcommit_memory",
		"kernel.shm",
		"kernel.shmmaxx",
		"kernel.pid_max",
		"fs.file-max",
		"fs.mqueue",
		"kernel.sem.x",
		"net",
		"user",
		"fs.mqueuex.y",
		"network.x",
		"KERNEL.SHMMAX",
		"debug.kprobes-optimization",
	};

	for (size_t i = 0; i < suite_count(keys); i++)
		refuse(keys[i], ALL_TYPES,
		       "is not kept apart by any namespace and would change the host",
		       "set it on the host, before the container starts");
}
END_TEST

START_TEST(no_names)
{
	static const char *const keys[] = {
		"",
		".",
		"/",
		"net/../kernel/core_pattern",
		"net.ipv4.",
		"net..ipv4",
		"/net/ipv4/ip_forward",
		"fs/mqueue/./x",
		"net/ipv4//ip_forward",
		"net/..",
		"kernel/shm/../core_pattern",
	};

	for (size_t i = 0; i < suite_count(keys); i++)
		refuse(keys[i], ALL_TYPES, "is no name of a sysctl", "");
}
END_TEST

/* With a dot first, slashes are dots of a name: nothing climbs. */
START_TEST(climbing_with_dots)
{
	static const char *const keys[] = {
		"net.ipv4/../../kernel/core_pattern",
		"fs.mqueue./../../kernel/core_pattern",
	};
	char path[128];

	ck_assert_int_eq(sysctl_path(keys[0], path, sizeof(path)), -EINVAL);
	ck_assert_int_eq(sysctl_path(keys[1], path, sizeof(path)), -EINVAL);
	for (size_t i = 0; i < suite_count(keys); i++)
		refuse(keys[i], ALL_TYPES, "is no name of a sysctl", "");
	refuse("kernel.shm/../core_pattern", ALL_TYPES, "is no name of a sysctl", "");
}
END_TEST

START_TEST(hostname)
{
	refuse("kernel.hostname", ALL_TYPES, "the host name is not set by a sysctl",
	       "use the field \"hostname\"");
	refuse("kernel/hostname", 0, "the host name is not set by a sysctl",
	       "use the field \"hostname\"");
}
END_TEST

START_TEST(values)
{
	struct error err = ERROR_INIT;

	ck_assert_int_eq(plan_value("kernel.sem", "250 32000 32 128", CLONE_NEWIPC, &err), 0);
	ck_assert_int_eq(plan_value("kernel.sem", "", CLONE_NEWIPC, &err), 0);
	ck_assert_int_eq(plan_value("kernel.sem", "1\n2", CLONE_NEWIPC, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "linux.sysctl[\"kernel.sem\"]", "must not contain a newline",
			"");
}
END_TEST

START_TEST(paths)
{
	char path[20];

	ck_assert_int_eq(sysctl_path("net.ipv4.ip", path, sizeof(path)), 0);
	ck_assert_str_eq(path, "net/ipv4/ip");
	ck_assert_int_eq(sysctl_path("net/ipv4/ip", path, sizeof(path)), 0);
	ck_assert_str_eq(path, "net/ipv4/ip");
	ck_assert_int_eq(sysctl_path("net.conf.eth0/1.x", path, sizeof(path)), 0);
	ck_assert_str_eq(path, "net/conf/eth0.1/x");
	ck_assert_int_eq(sysctl_path("net/conf/eth0.1/x", path, sizeof(path)), 0);
	ck_assert_str_eq(path, "net/conf/eth0.1/x");
	ck_assert_int_eq(sysctl_path("plain", path, sizeof(path)), 0);
	ck_assert_str_eq(path, "plain");
	ck_assert_int_eq(sysctl_path("a.2345678901234567890", path, sizeof(path)), -ENAMETOOLONG);
	ck_assert_int_eq(sysctl_path("a.23456789012345678", path, sizeof(path)), 0);
	ck_assert_int_eq(sysctl_path("a.234567890123456789", path, sizeof(path)), -ENAMETOOLONG);
}
END_TEST

START_TEST(second_of_two_is_named)
{
	char good[] = "net.ipv4.ip_forward", bad[] = "vm.swappiness", one[] = "1";
	struct oci_string_pair pairs[] = {{good, one}, {bad, one}};
	struct oci_linux linux_config = {.sysctl = {pairs, 2}};
	struct namespaces_plan namespaces = {.private = CLONE_NEWNET};
	struct error err = ERROR_INIT;

	ck_assert_int_eq(sysctl_plan(&linux_config, &namespaces, &err), -EINVAL);
	ck_assert_str_eq(err.field, "linux.sysctl[\"vm.swappiness\"]");
	ck_assert_int_eq(sysctl_plan(NULL, &namespaces, &err), 0);
}
END_TEST

static int check_joined(const char *key, uint64_t type, const char *path, struct error *err)
{
	struct oci_string_pair pair = {(char *)(uintptr_t)key, (char *)(uintptr_t) "1"};
	struct oci_namespace item = {type, (char *)(uintptr_t)path};
	struct oci_linux linux_config = {.sysctl = {&pair, 1}, .namespaces = {&item, 1}};
	struct namespaces_plan namespaces;
	struct namespaces_fds fds;
	int r;

	ck_assert_int_eq(namespaces_plan(&linux_config, &namespaces, err), 0);
	ck_assert_int_eq(namespaces_open(&namespaces, &fds, err), 0);
	r = sysctl_check_joined(&linux_config, &namespaces, &fds, err);
	namespaces_fds_close(&fds);
	return r;
}

START_TEST(joined_is_the_runtimes_own)
{
	struct error err = ERROR_INIT;

	ck_assert_int_eq(
		check_joined("net.ipv4.ip_forward", CLONE_NEWNET, "/proc/self/ns/net", &err),
		-EINVAL);
	ck_assert_error(&err, EINVAL, "linux.sysctl[\"net.ipv4.ip_forward\"]",
			"would change the host: /proc/self/ns/net is the runtime's own network "
			"namespace",
			"");
	error_clear(&err);
	ck_assert_int_eq(
		check_joined("user.max_net_namespaces", CLONE_NEWUSER, "/proc/self/ns/user", &err),
		-EINVAL);
	/* A namespace that has nothing to do with the key may be anything. */
	ck_assert_int_eq(
		check_joined("net.ipv4.ip_forward", CLONE_NEWIPC, "/proc/self/ns/ipc", &err), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		allowed_with_their_namespace_only,
		never_allowed,
		no_names,
		climbing_with_dots,
		hostname,
		values,
		paths,
		second_of_two_is_named,
		joined_is_the_runtimes_own,
	};

	return suite_run("sysctl", tests, suite_count(tests));
}
