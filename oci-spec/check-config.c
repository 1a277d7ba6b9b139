/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of config.md for the document itself: version, root, mounts, names, hooks. */
#include <ctype.h>
#include <linux/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci-spec/annotations.h"
#include "oci-spec/check-rules.h"

/* The kernel's __NEW_UTS_LEN, the longest host and domain name. */
#define UTS_NAME_MAX 64

/* One number of a version: digits without a leading zero. */
static bool skip_number(const char **cursor)
{
	size_t digits = strspn(*cursor, "0123456789");

	if (digits == 0 || (digits > 1 && **cursor == '0'))
		return false;
	*cursor += digits;
	return true;
}

/*
 * Identifiers joined by dots, as behind "-" and "+" in a version. A numeric identifier of a
 * pre-release must not have a leading zero, one of the build metadata may.
 */
static bool skip_identifiers(const char **cursor, bool zeros)
{
	static const char letters[] = "0123456789-abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	for (;;) {
		size_t length = strspn(*cursor, letters);
		size_t digits = strspn(*cursor, "0123456789");

		if (length == 0)
			return false;
		if (!zeros && digits == length && length > 1 && **cursor == '0')
			return false;
		*cursor += length;
		if (**cursor != '.')
			return true;
		(*cursor)++;
	}
}

/* https://semver.org/spec/v2.0.0.html */
static bool is_semver(const char *version)
{
	for (int part = 0; part < 3; part++) {
		if (part > 0 && *version++ != '.')
			return false;
		if (!skip_number(&version))
			return false;
	}
	if (*version == '-') {
		version++;
		if (!skip_identifiers(&version, false))
			return false;
	}
	if (*version == '+') {
		version++;
		if (!skip_identifiers(&version, true))
			return false;
	}
	return *version == '\0';
}

void check_version(struct check *check)
{
	const char *version = check->config->oci_version;
	unsigned long ours, theirs;

	if (!version) {
		check_error(check_at(check, "ociVersion"), "is required");
		return;
	}
	if (!is_semver(version)) {
		check_error(check_at(check, "ociVersion"),
			    "%s is not a version of the form MAJOR.MINOR.PATCH",
			    check_show(check, version));
		return;
	}
	if (strncmp(version, "1.", 2) != 0) {
		check_error(check_at(check, "ociVersion"),
			    "version %.60s of the specification is not supported, only 1.x is",
			    version);
		return;
	}
	ours = strtoul(&OCI_SPEC_VERSION[2], NULL, 10);
	theirs = strtoul(&version[2], NULL, 10);
	if (theirs > ours)
		check_warning(check_at(check, "ociVersion"),
			      "version %.60s is newer than %s: what it added is ignored", version,
			      OCI_SPEC_VERSION);
}

void check_root(struct check *check)
{
	const struct oci_root *root = check->config->root;

	if (!root)
		check_error(check_at(check, "root"), "is required");
	else if (check_is_empty(root->path))
		check_error(check_at(check, "root.path"), "must not be empty");
}

void check_mount_paths(struct check *check)
{
	const struct oci_mounts *mounts = &check->config->mounts;

	for (size_t i = 0; i < mounts->count; i++) {
		const char *destination = mounts->items[i].destination;

		if (check_is_empty(destination))
			check_error(check_at(check, "mounts[%zu].destination", i),
				    "must not be empty");
		else if (destination[0] != '/')
			check_warning(
				check_at(check, "mounts[%zu].destination", i),
				"relative paths are deprecated: %s is taken as relative to \"/\"",
				check_show(check, destination));
	}
}

static bool has_option(const struct oci_mount *mount, const char *const *names)
{
	for (size_t i = 0; i < mount->options.count; i++)
		for (const char *const *name = names; *name; name++)
			if (strcmp(mount->options.items[i], *name) == 0)
				return true;
	return false;
}

void check_mount_types(struct check *check)
{
	/* What changes a mount that is there, or repeats one, and so needs no type. */
	static const char *const typeless[] = {"bind",	   "rbind",	 "remount",	"shared",
					       "rshared",  "slave",	 "rslave",	"private",
					       "rprivate", "unbindable", "runbindable", NULL};
	const struct oci_mounts *mounts = &check->config->mounts;

	for (size_t i = 0; i < mounts->count; i++)
		if (check_is_empty(mounts->items[i].type) &&
		    !has_option(&mounts->items[i], typeless))
			check_error(check_at(check, "mounts[%zu]", i),
				    "has no type, and neither \"bind\" nor \"rbind\" among its "
				    "options");
}

static void check_mount_idmap(struct check *check, size_t i)
{
	static const char *const idmap[] = {"idmap", "ridmap", NULL};
	const struct oci_mount *mount = &check->config->mounts.items[i];
	bool uids = mount->uid_mappings.count > 0, gids = mount->gid_mappings.count > 0;
	char field[64];

	if (uids != gids)
		check_error(
			check_at(check, "mounts[%zu].%s", i, uids ? "uidMappings" : "gidMappings"),
			"must be given along with %s", uids ? "gidMappings" : "uidMappings");
	if ((uids || gids) && !has_option(mount, idmap))
		check_advice(
			check_at(check, "mounts[%zu].%s", i, uids ? "uidMappings" : "gidMappings"),
			"the options should have \"idmap\" or \"ridmap\", without which "
			"older runtimes ignore the mapping");
	if (!uids && !gids && has_option(mount, idmap) &&
	    !check_find_namespace(check, CLONE_NEWUSER))
		check_error(check_at(check, "mounts[%zu].options", i),
			    "an idmapped mount needs uidMappings and gidMappings, as the "
			    "container has no user namespace");

	snprintf(field, sizeof(field), "mounts[%zu].uidMappings", i);
	check_id_mappings(check, field, &mount->uid_mappings);
	snprintf(field, sizeof(field), "mounts[%zu].gidMappings", i);
	check_id_mappings(check, field, &mount->gid_mappings);
}

void check_mount_idmaps(struct check *check)
{
	for (size_t i = 0; i < check->config->mounts.count; i++)
		check_mount_idmap(check, i);
}

/*
 * The specification would have the host renamed when the container has no UTS namespace of its
 * own. No runtime does that.
 */
static void check_uts_name(struct check *check, const char *field, const char *name)
{
	if (check_is_empty(name))
		return;
	if (strlen(name) > UTS_NAME_MAX)
		check_error(check_at(check, "%s", field),
			    "is longer than the %d bytes that the "
			    "kernel takes",
			    UTS_NAME_MAX);
	if (!check_find_namespace(check, CLONE_NEWUTS))
		check_error(check_at(check, "%s", field),
			    "needs a namespace of type \"uts\" in linux.namespaces");
}

void check_hostname(struct check *check)
{
	check_uts_name(check, "hostname", check->config->hostname);
}

void check_domainname(struct check *check)
{
	check_uts_name(check, "domainname", check->config->domainname);
}

static void check_hook_list(struct check *check, const char *kind, const struct oci_hook_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct oci_hook *hook = &list->items[i];

		if (!hook->path || hook->path[0] != '/')
			check_error(check_at(check, "hooks.%s[%zu].path", kind, i),
				    "must be an absolute path, not %s",
				    check_show(check, hook->path));
		if (hook->timeout.set && hook->timeout.value <= 0)
			check_error(check_at(check, "hooks.%s[%zu].timeout", kind, i),
				    "must be greater than zero, not %d", hook->timeout.value);
	}
}

void check_hooks(struct check *check)
{
	const struct oci_hooks *hooks = check->config->hooks;

	if (!hooks)
		return;
	check_hook_list(check, "prestart", &hooks->prestart);
	check_hook_list(check, "createRuntime", &hooks->create_runtime);
	check_hook_list(check, "createContainer", &hooks->create_container);
	check_hook_list(check, "startContainer", &hooks->start_container);
	check_hook_list(check, "poststart", &hooks->poststart);
	check_hook_list(check, "poststop", &hooks->poststop);
}

/* The words of a list, as "a", "b" or "c". */
static void show_words(const char *const *words, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; words[i] && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s\"%s\"",
					 i == 0		? ""
					 : words[i + 1] ? ", "
							: " or ",
					 words[i]);
}

static bool is_word(const char *const *words, const char *value)
{
	for (; *words; words++)
		if (strcmp(*words, value) == 0)
			return true;
	return false;
}

/* One that runc or crun gives a meaning. */
static void check_known_annotation(struct check *check, const struct oci_annotation *known,
				   const struct oci_string_pair *annotation)
{
	const char *value = annotation->value;
	char words[128];

	check_at_key(check, "annotations", annotation->key, NULL);
	if (known->support == OCI_ANNOTATION_REFUSED)
		check_error(check, "is not supported");
	else if (known->support == OCI_ANNOTATION_IGNORED)
		check_warning(check, "is not supported, and ignored");
	else if (known->path && value[0] != '/')
		check_error(check, "must be an absolute path, not %s", check_show(check, value));
	else if (known->words && !is_word(known->words, value)) {
		show_words(known->words, words, sizeof(words));
		check_error(check, "must be %s, not %s", words, check_show(check, value));
	}
}

void check_annotations(struct check *check)
{
	const struct oci_string_map *annotations = &check->config->annotations;

	for (size_t i = 0; i < annotations->count; i++) {
		const char *key = annotations->items[i].key;
		const struct oci_annotation *known = oci_annotation_find(key);

		if (known)
			check_known_annotation(check, known, &annotations->items[i]);
		else if (!key[0])
			check_error(check_at_key(check, "annotations", key, NULL),
				    "a key must not be empty");
		else if (!strchr(key, '.'))
			check_warning(check_at_key(check, "annotations", key, NULL),
				      "a key should be in reverse domain notation, as "
				      "\"com.example.key\"");
	}
}
