/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "isolate/mounts/options.h"
#include "kernel/syscalls.h"

/* Parses words separated by semicolons: commas are part of a word here. */
static int parse(const char *words, struct mount_options *options, struct error *err)
{
	char *items[64], *text = strdup(words), *rest = text, *word;
	struct oci_mount mount = {.options = {.items = items}};
	int r;

	while (text[0] && (word = strsep(&rest, ";"))) {
		ck_assert_uint_lt(mount.options.count, 64);
		items[mount.options.count++] = word;
	}
	r = mount_options_parse(&mount, "mounts[3]", options, err);
	free(text); /* nothing parsed may point into the config */
	return r;
}

static struct mount_options parse_ok(const char *words)
{
	struct mount_options options;
	struct error err = ERROR_INIT;
	int r = parse(words, &options, &err);

	ck_assert_msg(r == 0, "%s: %s", words, err.message);
	return options;
}

struct attribute_case {
	const char *words;
	uint64_t set, clear, recursive_set, recursive_clear;
};

#define ATIME MOUNT_ATTR__ATIME

static const struct attribute_case attribute_cases[] = {
	{"", 0, 0, 0, 0},
	{"defaults;iversion;noiversion;loud;silent;norelatime;rnorelatime", 0, 0, 0, 0},
	{"ro", MOUNT_ATTR_RDONLY, 0, 0, 0},
	{"rw", 0, MOUNT_ATTR_RDONLY, 0, 0},
	{"ro;rw", 0, MOUNT_ATTR_RDONLY, 0, 0},
	{"rw;ro", MOUNT_ATTR_RDONLY, 0, 0, 0},
	{"nosuid;nodev;noexec;nodiratime;nosymfollow",
	 MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODIRATIME |
		 MOUNT_ATTR_NOSYMFOLLOW,
	 0, 0, 0},
	{"suid;dev;exec;diratime;symfollow", 0,
	 MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODIRATIME |
		 MOUNT_ATTR_NOSYMFOLLOW,
	 0, 0},
	/* Any word about access times clears the group, for the kernel wants it so. */
	{"noatime", MOUNT_ATTR_NOATIME, ATIME, 0, 0},
	{"relatime", 0, ATIME, 0, 0},
	{"strictatime", MOUNT_ATTR_STRICTATIME, ATIME, 0, 0},
	{"atime", 0, ATIME, 0, 0},
	{"nostrictatime", 0, ATIME, 0, 0},
	{"noatime;strictatime", MOUNT_ATTR_STRICTATIME, ATIME, 0, 0},
	{"strictatime;relatime", 0, ATIME, 0, 0},
	{"noatime;atime", 0, ATIME, 0, 0},
	{"strictatime;atime", MOUNT_ATTR_STRICTATIME, ATIME, 0, 0},
	{"noatime;nostrictatime", MOUNT_ATTR_NOATIME, ATIME, 0, 0},
	{"noatime;norelatime", MOUNT_ATTR_NOATIME, ATIME, 0, 0},
	{"rro;rnosuid;rnodev;rnoexec;rnodiratime;rnosymfollow", 0, 0,
	 MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
		 MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOSYMFOLLOW,
	 0},
	{"rrw;rsuid;rdev;rexec;rdiratime;rsymfollow", 0, 0, 0,
	 MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
		 MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOSYMFOLLOW},
	{"rnoatime", 0, 0, MOUNT_ATTR_NOATIME, ATIME},
	{"rrelatime", 0, 0, 0, ATIME},
	{"rstrictatime", 0, 0, MOUNT_ATTR_STRICTATIME, ATIME},
	{"rstrictatime;ratime", 0, 0, MOUNT_ATTR_STRICTATIME, ATIME},
	{"rstrictatime;rnostrictatime", 0, 0, 0, ATIME},
	{"rro;rrw", 0, 0, 0, MOUNT_ATTR_RDONLY},
	{"ro;rrw", MOUNT_ATTR_RDONLY, 0, 0, MOUNT_ATTR_RDONLY},
};

START_TEST(attributes)
{
	const struct attribute_case *c = &attribute_cases[_i];
	struct mount_options options = parse_ok(c->words);

	ck_assert_uint_eq(options.set, c->set);
	ck_assert_uint_eq(options.clear, c->clear);
	ck_assert_uint_eq(options.recursive_set, c->recursive_set);
	ck_assert_uint_eq(options.recursive_clear, c->recursive_clear);
	ck_assert_uint_eq(options.filesystem_count, 0);
	mount_options_clear(&options);
}
END_TEST

START_TEST(flags)
{
	struct mount_options o = parse_ok("rbind;tmpcopyup;idmap;src-nofollow");

	ck_assert(o.rbind && o.tmpcopyup && o.idmap && o.src_nofollow);
	ck_assert(!o.bind && !o.remount && !o.ridmap && !o.copy_symlink && !o.dest_nofollow);
	mount_options_clear(&o);
	o = parse_ok("bind;remount;ridmap;dest-nofollow");
	ck_assert(o.bind && o.remount && o.ridmap && o.dest_nofollow && !o.rbind && !o.idmap);
	mount_options_clear(&o);
	o = parse_ok("copy-symlink");
	ck_assert(o.copy_symlink);
	mount_options_clear(&o);
}
END_TEST

START_TEST(propagations)
{
	struct mount_options o = parse_ok("rslave;shared;rslave;rslave;unbindable;rprivate");

	ck_assert_uint_eq(o.propagation_count, 4);
	ck_assert_uint_eq(o.propagations[0], MS_SLAVE | MS_REC);
	ck_assert_uint_eq(o.propagations[1], MS_SHARED);
	ck_assert_uint_eq(o.propagations[2], MS_UNBINDABLE);
	ck_assert_uint_eq(o.propagations[3], MS_PRIVATE | MS_REC);
	mount_options_clear(&o);
	o = parse_ok("slave;private;rshared;runbindable");
	ck_assert_uint_eq(o.propagations[0], MS_SLAVE);
	ck_assert_uint_eq(o.propagations[1], MS_PRIVATE);
	ck_assert_uint_eq(o.propagations[2], MS_SHARED | MS_REC);
	ck_assert_uint_eq(o.propagations[3], MS_UNBINDABLE | MS_REC);
	mount_options_clear(&o);
}
END_TEST

START_TEST(filesystem_options)
{
	/* A comma is no separator: it cannot smuggle in a second option. */
	struct mount_options o =
		parse_ok("size=64k,uid=0;ro;newinstance;lowerdir=/a:/b=c;;key=;=x");

	ck_assert_uint_eq(o.filesystem_count, 5);
	ck_assert_str_eq(o.filesystem[0].key, "size");
	ck_assert_str_eq(o.filesystem[0].value, "64k,uid=0");
	ck_assert_str_eq(o.filesystem[1].key, "newinstance");
	ck_assert_ptr_null(o.filesystem[1].value);
	ck_assert_str_eq(o.filesystem[2].key, "lowerdir");
	ck_assert_str_eq(o.filesystem[2].value, "/a:/b=c");
	ck_assert_str_eq(o.filesystem[3].key, "key");
	ck_assert_str_eq(o.filesystem[3].value, "");
	ck_assert_str_eq(o.filesystem[4].key, "");
	ck_assert_str_eq(o.filesystem[4].value, "x");
	ck_assert_uint_eq(o.set, MOUNT_ATTR_RDONLY);
	mount_options_clear(&o);
	ck_assert_ptr_null(o.filesystem);
	ck_assert_ptr_null(o.text);
	/* A label comes in the quotes that mount(8) wants; others keep theirs. */
	o = parse_ok("context=\"a:b:c:s0:c1,c2\";rootcontext=a:b:c;fscontext=\";name=\"x\"");
	ck_assert_str_eq(o.filesystem[0].value, "a:b:c:s0:c1,c2");
	ck_assert_str_eq(o.filesystem[1].value, "a:b:c");
	ck_assert_str_eq(o.filesystem[2].value, "\"");
	ck_assert_str_eq(o.filesystem[3].value, "\"x\"");
	ck_assert(mount_options_has(&o, "rootcontext") && !mount_options_has(&o, "defcontext"));
	mount_options_clear(&o);
	/* Words of the table with a value, or in another case, are the filesystem's business. */
	o = parse_ok("ro=1;RO;nosuid=");
	ck_assert_uint_eq(o.filesystem_count, 3);
	ck_assert_uint_eq(o.set, 0);
	mount_options_clear(&o);
}
END_TEST

static void check_superblock(const char *words, bool cleared, unsigned int without,
			     const char *expected)
{
	struct mount_options options = parse_ok(words);
	struct mountfd_option list[MOUNT_OPTIONS_SUPERBLOCK_MAX];
	size_t count = mount_options_superblock(&options, cleared, without, list);
	char text[128] = "";

	for (size_t i = 0; i < count; i++) {
		strcat(strcat(text, i ? "," : ""), list[i].key);
		ck_assert_ptr_null(list[i].value);
	}
	ck_assert_str_eq(text, expected);
	mount_options_clear(&options);
}

START_TEST(superblock)
{
	check_superblock("", false, 0, "");
	check_superblock("ro;sync;dirsync;mand;lazytime", false, 0,
			 "ro,sync,dirsync,mand,lazytime");
	check_superblock("ro;sync", false, MOUNT_OPTIONS_RO, "sync");
	check_superblock("sync;async;lazytime;nolazytime;mand;nomand;ro;rw", false, 0, "");
	check_superblock("async;nolazytime;nomand;rw", true, 0, "rw,async,nomand,nolazytime");
	check_superblock("rro", false, 0, "");
	check_superblock("ro", true, 0, "");
}
END_TEST

static void check_error(const char *words, const char *message)
{
	struct mount_options options = {.propagation_count = 77};
	struct error err = ERROR_INIT;

	ck_assert_int_eq(parse(words, &options, &err), -EINVAL);
	ck_assert_str_eq(err.message, message);
	ck_assert_str_eq(err.field, "mounts[3].options");
	ck_assert_uint_eq(options.propagation_count, 77); /* not written */
}

START_TEST(errors)
{
	check_error("private;rprivate;shared;rshared;x=y;slave",
		    "option slave: at most 4 kinds of propagation");
	check_error("x;copy-symlink;src-nofollow",
		    "copy-symlink excludes src-nofollow and dest-nofollow");
	check_error("dest-nofollow;copy-symlink",
		    "copy-symlink excludes src-nofollow and dest-nofollow");
}
END_TEST

/* config.md#linux-mount-options: every name of the specification's table. */
static const char *const specified[] = {
	"async",
	"atime",
	"bind",
	"defaults",
	"dev",
	"diratime",
	"dirsync",
	"exec",
	"iversion",
	"lazytime",
	"loud",
	"mand",
	"noatime",
	"nodev",
	"nodiratime",
	"noexec",
	"noiversion",
	"nolazytime",
	"nomand",
	"norelatime",
	"nostrictatime",
	"nosuid",
	"nosymfollow",
	"private",
	"ratime",
	"rbind",
	"rdev",
	"rdiratime",
	"relatime",
	"remount",
	"rexec",
	"rnoatime",
	"rnodev",
	"rnodiratime",
	"rnoexec",
	"rnorelatime",
	"rnostrictatime",
	"rnosuid",
	"rnosymfollow",
	"ro",
	"rprivate",
	"rrelatime",
	"rro",
	"rrw",
	"rshared",
	"rslave",
	"rstrictatime",
	"rsuid",
	"rsymfollow",
	"runbindable",
	"rw",
	"shared",
	"silent",
	"slave",
	"strictatime",
	"suid",
	"symfollow",
	"sync",
	"tmpcopyup",
	"unbindable",
	"idmap",
	"ridmap",
};

START_TEST(names)
{
	const char *const *known = mount_options_names();
	size_t count = 0;

	for (; known[count]; count++) {
		struct mount_options options;

		/* Sorted, or the search would miss some; and none falls through to the filesystem.
		 */
		if (count > 0)
			ck_assert_str_lt(known[count - 1], known[count]);
		options = parse_ok(known[count]);
		ck_assert_msg(options.filesystem_count == 0, "%s", known[count]);
		mount_options_clear(&options);
	}
	for (size_t i = 0; i < sizeof(specified) / sizeof(specified[0]); i++) {
		size_t j = 0;

		while (j < count && strcmp(known[j], specified[i]) != 0)
			j++;
		ck_assert_msg(j < count, "%s is missing", specified[i]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mount-options");
	TCase *tests = tcase_create("parse");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tests, attributes, 0,
			    sizeof(attribute_cases) / sizeof(attribute_cases[0]));
	tcase_add_test(tests, flags);
	tcase_add_test(tests, propagations);
	tcase_add_test(tests, filesystem_options);
	tcase_add_test(tests, superblock);
	tcase_add_test(tests, errors);
	tcase_add_test(tests, names);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
