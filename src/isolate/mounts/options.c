/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/mounts/options.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "kernel/syscalls.h"

enum mount_options_action {
	ACTION_NOTHING,
	ACTION_SET, /* attributes */
	ACTION_CLEAR,
	ACTION_ATIME,	  /* one value of the group MOUNT_ATTR__ATIME */
	ACTION_NOT_ATIME, /* not that value */
	ACTION_R_SET,	  /* the same for the whole tree */
	ACTION_R_CLEAR,
	ACTION_R_ATIME,
	ACTION_R_NOT_ATIME,
	ACTION_SUPERBLOCK, /* flags of the superblock */
	ACTION_NOT_SUPERBLOCK,
	ACTION_PROPAGATION,
	ACTION_FLAG, /* a bool of struct mount_options, `value` is its offset */
};

struct mount_options_entry {
	const char *name;
	enum mount_options_action action;
	uint64_t value;
};

/*
 * All options and their meanings. MOUNT_OPTIONS_TABLE is expanded twice, for the meanings and for
 * the names alone, so that the two cannot differ. Sorted in the order of strcmp() for the search.
 *
 * iversion, silent and loud do nothing: the kernel counts inode versions wherever a filesystem can
 * since Linux 6.2 without being asked, no filesystem of the mount API takes the flag, and "silent"
 * is about the kernel's log. The relatime group is the kernel's default, so that "not relatime" is
 * no request for anything else.
 */
#define FLAG(member) ACTION_FLAG, offsetof(struct mount_options, member)
#define MOUNT_OPTIONS_TABLE(E)                                          \
	E("async", ACTION_NOT_SUPERBLOCK, MOUNT_OPTIONS_SYNC)           \
	E("atime", ACTION_NOT_ATIME, MOUNT_ATTR_NOATIME)                \
	E("bind", FLAG(bind))                                           \
	E("copy-symlink", FLAG(copy_symlink))                           \
	E("defaults", ACTION_NOTHING, 0)                                \
	E("dest-nofollow", FLAG(dest_nofollow))                         \
	E("dev", ACTION_CLEAR, MOUNT_ATTR_NODEV)                        \
	E("diratime", ACTION_CLEAR, MOUNT_ATTR_NODIRATIME)              \
	E("dirsync", ACTION_SUPERBLOCK, MOUNT_OPTIONS_DIRSYNC)          \
	E("exec", ACTION_CLEAR, MOUNT_ATTR_NOEXEC)                      \
	E("idmap", FLAG(idmap))                                         \
	E("iversion", ACTION_NOTHING, 0)                                \
	E("lazytime", ACTION_SUPERBLOCK, MOUNT_OPTIONS_LAZYTIME)        \
	E("loud", ACTION_NOTHING, 0)                                    \
	E("mand", ACTION_SUPERBLOCK, MOUNT_OPTIONS_MAND)                \
	E("noatime", ACTION_ATIME, MOUNT_ATTR_NOATIME)                  \
	E("nodev", ACTION_SET, MOUNT_ATTR_NODEV)                        \
	E("nodiratime", ACTION_SET, MOUNT_ATTR_NODIRATIME)              \
	E("noexec", ACTION_SET, MOUNT_ATTR_NOEXEC)                      \
	E("noiversion", ACTION_NOTHING, 0)                              \
	E("nolazytime", ACTION_NOT_SUPERBLOCK, MOUNT_OPTIONS_LAZYTIME)  \
	E("nomand", ACTION_NOT_SUPERBLOCK, MOUNT_OPTIONS_MAND)          \
	E("norelatime", ACTION_NOTHING, 0)                              \
	E("nostrictatime", ACTION_NOT_ATIME, MOUNT_ATTR_STRICTATIME)    \
	E("nosuid", ACTION_SET, MOUNT_ATTR_NOSUID)                      \
	E("nosymfollow", ACTION_SET, MOUNT_ATTR_NOSYMFOLLOW)            \
	E("private", ACTION_PROPAGATION, MS_PRIVATE)                    \
	E("ratime", ACTION_R_NOT_ATIME, MOUNT_ATTR_NOATIME)             \
	E("rbind", FLAG(rbind))                                         \
	E("rdev", ACTION_R_CLEAR, MOUNT_ATTR_NODEV)                     \
	E("rdiratime", ACTION_R_CLEAR, MOUNT_ATTR_NODIRATIME)           \
	E("relatime", ACTION_ATIME, MOUNT_ATTR_RELATIME)                \
	E("remount", FLAG(remount))                                     \
	E("rexec", ACTION_R_CLEAR, MOUNT_ATTR_NOEXEC)                   \
	E("ridmap", FLAG(ridmap))                                       \
	E("rnoatime", ACTION_R_ATIME, MOUNT_ATTR_NOATIME)               \
	E("rnodev", ACTION_R_SET, MOUNT_ATTR_NODEV)                     \
	E("rnodiratime", ACTION_R_SET, MOUNT_ATTR_NODIRATIME)           \
	E("rnoexec", ACTION_R_SET, MOUNT_ATTR_NOEXEC)                   \
	E("rnorelatime", ACTION_NOTHING, 0)                             \
	E("rnostrictatime", ACTION_R_NOT_ATIME, MOUNT_ATTR_STRICTATIME) \
	E("rnosuid", ACTION_R_SET, MOUNT_ATTR_NOSUID)                   \
	E("rnosymfollow", ACTION_R_SET, MOUNT_ATTR_NOSYMFOLLOW)         \
	E("ro", ACTION_SET, MOUNT_ATTR_RDONLY)                          \
	E("rprivate", ACTION_PROPAGATION, MS_PRIVATE | MS_REC)          \
	E("rrelatime", ACTION_R_ATIME, MOUNT_ATTR_RELATIME)             \
	E("rro", ACTION_R_SET, MOUNT_ATTR_RDONLY)                       \
	E("rrw", ACTION_R_CLEAR, MOUNT_ATTR_RDONLY)                     \
	E("rshared", ACTION_PROPAGATION, MS_SHARED | MS_REC)            \
	E("rslave", ACTION_PROPAGATION, MS_SLAVE | MS_REC)              \
	E("rstrictatime", ACTION_R_ATIME, MOUNT_ATTR_STRICTATIME)       \
	E("rsuid", ACTION_R_CLEAR, MOUNT_ATTR_NOSUID)                   \
	E("rsymfollow", ACTION_R_CLEAR, MOUNT_ATTR_NOSYMFOLLOW)         \
	E("runbindable", ACTION_PROPAGATION, MS_UNBINDABLE | MS_REC)    \
	E("rw", ACTION_CLEAR, MOUNT_ATTR_RDONLY)                        \
	E("shared", ACTION_PROPAGATION, MS_SHARED)                      \
	E("silent", ACTION_NOTHING, 0)                                  \
	E("slave", ACTION_PROPAGATION, MS_SLAVE)                        \
	E("src-nofollow", FLAG(src_nofollow))                           \
	E("strictatime", ACTION_ATIME, MOUNT_ATTR_STRICTATIME)          \
	E("suid", ACTION_CLEAR, MOUNT_ATTR_NOSUID)                      \
	E("symfollow", ACTION_CLEAR, MOUNT_ATTR_NOSYMFOLLOW)            \
	E("sync", ACTION_SUPERBLOCK, MOUNT_OPTIONS_SYNC)                \
	E("tmpcopyup", FLAG(tmpcopyup))                                 \
	E("unbindable", ACTION_PROPAGATION, MS_UNBINDABLE)

#define MOUNT_OPTIONS_ENTRY(name, ...) {name, __VA_ARGS__},
#define MOUNT_OPTIONS_NAME(name, ...)  name,

static const struct mount_options_entry mount_options_table[] = {
	MOUNT_OPTIONS_TABLE(MOUNT_OPTIONS_ENTRY)};
static const char *const mount_options_name_list[] = {MOUNT_OPTIONS_TABLE(MOUNT_OPTIONS_NAME) NULL};

const char *const *mount_options_names(void)
{
	return mount_options_name_list;
}

static int mount_options_compare(const void *key, const void *entry)
{
	return strcmp(key, ((const struct mount_options_entry *)entry)->name);
}

static void mount_options_atime(uint64_t *set, uint64_t *clear, uint64_t value)
{
	*set = (*set & ~(uint64_t)MOUNT_ATTR__ATIME) | value;
	*clear |= MOUNT_ATTR__ATIME;
}

/* "Not noatime" undoes an earlier noatime; a strictatime before it stays. */
static void mount_options_not_atime(uint64_t *set, uint64_t *clear, uint64_t value)
{
	if ((*set & MOUNT_ATTR__ATIME) == value)
		*set &= ~(uint64_t)MOUNT_ATTR__ATIME;
	*clear |= MOUNT_ATTR__ATIME;
}

/* Puts the bits into one of two sets and takes them out of the other: the last word holds. */
static void mount_options_move(uint64_t *to, uint64_t *from, uint64_t value)
{
	*to |= value;
	*from &= ~value;
}

static void mount_options_superblock_move(unsigned int *to, unsigned int *from, unsigned int value)
{
	*to |= value;
	*from &= ~value;
}

static void mount_options_apply_entry(struct mount_options *o, const struct mount_options_entry *e)
{
	switch (e->action) {
	case ACTION_NOTHING:
		break;
	case ACTION_SET:
		mount_options_move(&o->set, &o->clear, e->value);
		break;
	case ACTION_CLEAR:
		mount_options_move(&o->clear, &o->set, e->value);
		break;
	case ACTION_ATIME:
		mount_options_atime(&o->set, &o->clear, e->value);
		break;
	case ACTION_NOT_ATIME:
		mount_options_not_atime(&o->set, &o->clear, e->value);
		break;
	case ACTION_R_SET:
		mount_options_move(&o->recursive_set, &o->recursive_clear, e->value);
		break;
	case ACTION_R_CLEAR:
		mount_options_move(&o->recursive_clear, &o->recursive_set, e->value);
		break;
	case ACTION_R_ATIME:
		mount_options_atime(&o->recursive_set, &o->recursive_clear, e->value);
		break;
	case ACTION_R_NOT_ATIME:
		mount_options_not_atime(&o->recursive_set, &o->recursive_clear, e->value);
		break;
	case ACTION_SUPERBLOCK:
		mount_options_superblock_move(&o->superblock_set, &o->superblock_clear,
					      (unsigned int)e->value);
		break;
	case ACTION_NOT_SUPERBLOCK:
		mount_options_superblock_move(&o->superblock_clear, &o->superblock_set,
					      (unsigned int)e->value);
		break;
	case ACTION_FLAG:
		*(bool *)((char *)o + e->value) = true;
		break;
	case ACTION_PROPAGATION: /* may fail: the caller's */
		break;
	}
}

static int mount_options_add_propagation(struct mount_options *options, const char *name,
					 unsigned long propagation, struct error *err)
{
	/* The same word again changes nothing, so that a long list of it is no error. */
	for (size_t i = 0; i < options->propagation_count; i++)
		if (options->propagations[i] == propagation)
			return 0;
	if (options->propagation_count == MOUNT_OPTIONS_PROPAGATIONS_MAX)
		return error_set(err, EINVAL, "option %s: at most %d kinds of propagation", name,
				 MOUNT_OPTIONS_PROPAGATIONS_MAX);
	options->propagations[options->propagation_count++] = propagation;
	return 0;
}

/* Room for all options to be the filesystem's, so that the loop below cannot fail for memory. */
static int mount_options_reserve(struct mount_options *options, const struct oci_strings *words,
				 struct error *err)
{
	size_t length = 0;

	for (size_t i = 0; i < words->count; i++)
		length += strlen(words->items[i]) + 1;
	options->filesystem = calloc(words->count, sizeof(*options->filesystem));
	options->text = malloc(length);
	if (!options->filesystem || !options->text) {
		mount_options_clear(options);
		return error_errno(err, ENOMEM, "options");
	}
	return 0;
}

bool mount_options_has(const struct mount_options *options, const char *key)
{
	for (size_t i = 0; i < options->filesystem_count; i++)
		if (strcmp(options->filesystem[i].key, key) == 0)
			return true;
	return false;
}

bool mount_options_is_context(const char *key)
{
	return strcmp(key, "context") == 0 || strcmp(key, "fscontext") == 0 ||
	       strcmp(key, "defcontext") == 0 || strcmp(key, "rootcontext") == 0;
}

/* A label with categories has commas, for which mount(8) wants it in quotes:
 * context="a:b:c:s0:c1,c2". */
static void mount_options_unquote(struct mountfd_option *option, char *value)
{
	size_t length = strlen(value);

	if (!mount_options_is_context(option->key) || length < 2 || value[0] != '"' ||
	    value[length - 1] != '"')
		return;
	value[length - 1] = '\0';
	option->value = value + 1;
}

static char *mount_options_add_filesystem(struct mount_options *options, const char *word,
					  char *text)
{
	struct mountfd_option *option;
	size_t size = strlen(word) + 1;
	char *equals;

	if (size == 1)
		return text;
	memcpy(text, word, size);
	equals = strchr(text, '=');
	if (equals)
		*equals = '\0';
	option = &options->filesystem[options->filesystem_count++];
	*option = (struct mountfd_option){.key = text, .value = equals ? equals + 1 : NULL};
	if (equals)
		mount_options_unquote(option, equals + 1);
	return text + size;
}

static int mount_options_check(const struct mount_options *options, struct error *err)
{
	if (options->copy_symlink && (options->src_nofollow || options->dest_nofollow))
		return error_set(err, EINVAL,
				 "copy-symlink excludes src-nofollow and dest-nofollow");
	return 0;
}

int mount_options_parse(const struct oci_mount *mount, const char *field,
			struct mount_options *ret_options, struct error *err)
{
	struct mount_options options = {0};
	char *text = NULL;
	int r = 0;

	for (size_t i = 0; i < mount->options.count && r == 0; i++) {
		const char *word = mount->options.items[i];
		const struct mount_options_entry *entry =
			bsearch(word, mount_options_table, array_size(mount_options_table),
				sizeof(mount_options_table[0]), mount_options_compare);

		if (!entry) {
			if (!text) {
				r = mount_options_reserve(&options, &mount->options, err);
				text = options.text;
			}
			if (r == 0)
				text = mount_options_add_filesystem(&options, word, text);
		} else if (entry->action == ACTION_PROPAGATION) {
			r = mount_options_add_propagation(&options, word, entry->value, err);
		} else {
			mount_options_apply_entry(&options, entry);
		}
	}
	if (r == 0)
		r = mount_options_check(&options, err);
	if (r < 0) {
		mount_options_clear(&options);
		return error_at(err, "%s.options", field);
	}
	/* A mount is read-only in itself; the superblock too, where nothing else can share it. */
	if (options.set & MOUNT_ATTR_RDONLY)
		options.superblock_set |= MOUNT_OPTIONS_RO;
	if (options.clear & MOUNT_ATTR_RDONLY)
		options.superblock_clear |= MOUNT_OPTIONS_RO;
	*ret_options = options;
	return 0;
}

void mount_options_clear(struct mount_options *options)
{
	free(options->filesystem);
	free(options->text);
	*options = (struct mount_options){0};
}

size_t mount_options_superblock(const struct mount_options *options, bool cleared,
				unsigned int without, struct mountfd_option *out)
{
	/* The words of fs/fs_context.c. The kernel has none against dirsync. */
	static const struct {
		unsigned int flag;
		const char *set, *clear;
	} words[MOUNT_OPTIONS_SUPERBLOCK_MAX] = {
		{MOUNT_OPTIONS_RO, "ro", "rw"},
		{MOUNT_OPTIONS_SYNC, "sync", "async"},
		{MOUNT_OPTIONS_DIRSYNC, "dirsync", NULL},
		{MOUNT_OPTIONS_MAND, "mand", "nomand"},
		{MOUNT_OPTIONS_LAZYTIME, "lazytime", "nolazytime"},
	};
	unsigned int flags =
		(cleared ? options->superblock_clear : options->superblock_set) & ~without;
	size_t count = 0;

	for (size_t i = 0; i < array_size(words); i++) {
		const char *word = cleared ? words[i].clear : words[i].set;

		if ((flags & words[i].flag) && word)
			out[count++] = (struct mountfd_option){.key = word};
	}
	return count;
}
