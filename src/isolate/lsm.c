/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both modules take the label for the next execve in a file of /proc/self/attr and make it the
 * process's there. A write that went elsewhere would leave the container without its confinement
 * and nobody the wiser (CVE-2019-16884), hence the private procfs and the reading back.
 *
 * AppArmor has a directory of its own since Linux 5.8, "apparmor"; the files above it belong
 * to whichever module is the first of the kernel's list.
 */
#include "isolate/lsm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "kernel/procfs.h"

#define LSM_LABEL_MAX 4096

/* Whether a module is in the list of those that are active, "lockdown,capability,apparmor,...". */
static bool lsm_is_listed(const char *name)
{
	char list[512], *save = NULL;

	if (io_read_small(AT_FDCWD, "/sys/kernel/security/lsm", list, sizeof(list)) < 0)
		return false;
	for (char *word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save))
		if (strcmp(word, name) == 0)
			return true;
	return false;
}

bool lsm_apparmor_enabled(void)
{
	char word[16];

	if (io_read_small(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", word, sizeof(word)) <
	    0)
		return false;
	return word[0] == 'Y';
}

bool lsm_selinux_enabled(void)
{
	/* selinuxfs is there only while SELinux is on; it may be not mounted, or not in sight. */
	return access("/sys/fs/selinux/status", F_OK) == 0 || lsm_is_listed("selinux");
}

/* The part behind an AppArmor policy namespace: of ":ns:profile" and of ":ns://profile". */
static const char *lsm_profile_name(const char *profile)
{
	const char *colon = strchr(profile + 1, ':');
	const char *name = colon ? colon + 1 : profile + 1;

	return name + strspn(name, "/");
}

/*
 * Compares the first `length` bytes with what the kernel says will take effect at the next execve;
 * behind them may only come `rest`: AppArmor adds the mode, "PROFILE (enforce)", and SELinux writes
 * the categories of a level in its own way (c1,c2,c3 as c1.c3).
 */
static int lsm_read_back(const char *file, const char *label, size_t length, char rest, int procfs,
			 struct error *err)
{
	char set[LSM_LABEL_MAX];
	ssize_t r = procfs_read(procfs, file, set, sizeof(set));

	if (r < 0)
		return error_errno(err, (int)-r, "read /proc/%s back", file);
	if (strncmp(set, label, length) == 0 && (set[length] == '\0' || set[length] == rest))
		return 0;
	/* ":namespace:profile" can be written in more than one way; what counts is the end. */
	if (label[0] == ':' && set[0] == ':' && strstr(set, lsm_profile_name(label)))
		return 0;
	return error_set(err, EPERM, "/proc/%s says \"%s\" after \"%s\" was written", file, set,
			 label);
}

/* user:role:type of user:role:type:level */
static size_t lsm_selinux_length(const char *label)
{
	size_t length = 0;

	for (int colons = 0; label[length] != '\0'; length++)
		if (label[length] == ':' && ++colons == 3)
			break;
	return length;
}

/* A newline would end the word, and what is behind it be taken for something else. */
static int lsm_check_label(const char *what, const char *label, struct error *err)
{
	if (strlen(label) >= LSM_LABEL_MAX - 64)
		return error_set(err, ENAMETOOLONG, "the %s is too long", what);
	if (strchr(label, '\n'))
		return error_set(err, EINVAL, "the %s must not contain a newline", what);
	return 0;
}

int lsm_apply_apparmor(const char *profile, int procfs, struct error *err)
{
	const char *file = "self/attr/apparmor/exec";
	char command[LSM_LABEL_MAX];
	int r;

	if (!profile || profile[0] == '\0')
		return 0;
	r = lsm_check_label("AppArmor profile", profile, err);
	if (r < 0)
		return r;
	(void)snprintf(command, sizeof(command), "exec %s", profile);
	r = procfs_write(procfs, file, command);
	/* Without AppArmor it is so anyhow. */
	if (r < 0 && strcmp(profile, "unconfined") == 0 &&
	    procfs_read(procfs, "self/attr/apparmor/current", command, sizeof(command)) < 0)
		return 0;
	if (r < 0) {
		error_errno(err, -r, "apply the AppArmor profile \"%s\"", profile);
		if (r == -ENOENT)
			error_hint(err, "load the profile with apparmor_parser");
		return r;
	}
	return lsm_read_back(file, profile, strlen(profile), ' ', procfs, err);
}

static int lsm_write_selinux(const char *file, const char *label, int procfs, struct error *err)
{
	int r;

	if (!label || label[0] == '\0')
		return 0;
	r = lsm_check_label("SELinux label", label, err);
	if (r < 0)
		return r;
	r = procfs_write(procfs, file, label);
	if (r < 0) {
		error_errno(err, -r, "apply the SELinux label \"%s\"", label);
		if (r == -EINVAL)
			error_hint(err, "the loaded policy does not know this label");
		return r;
	}
	return lsm_read_back(file, label, lsm_selinux_length(label), ':', procfs, err);
}

int lsm_apply_selinux(const char *label, int procfs, struct error *err)
{
	return lsm_write_selinux("self/attr/exec", label, procfs, err);
}

int lsm_apply_selinux_keys(const char *label, int procfs, struct error *err)
{
	return lsm_write_selinux("self/attr/keycreate", label, procfs, err);
}
