/* SPDX-License-Identifier: Apache-2.0 */
#include "container/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "oci-spec/oci-spec.h"
#include "suite.h"

#define GOOD                                                                                     \
	"{\"ociVersion\": \"1.3.0\",\n \"root\": {\"path\": \"rootfs\"},\n"                      \
	" \"process\": {\"cwd\": \"/\", \"args\": [\"sh\"],\n  \"user\": {\"uid\": 0, \"gid\": " \
	"0}}}"

static void in_scratch(const struct scratch *scratch, char *path, size_t size)
{
	(void)snprintf(path, size, "%s/config.json", scratch->path);
}

/* The error of loading `text`, and that nothing is left of it. */
static void fails(const char *text, int number, const char *message, const char *hint)
{
	struct bundle bundle = BUNDLE_INIT;
	struct error err = ERROR_INIT;
	struct scratch scratch;
	char path[128];
	size_t fds;

	scratch_open(&scratch);
	in_scratch(&scratch, path, sizeof(path));
	scratch_text(scratch.fd, "config.json", text, 0600);
	fds = suite_open_fds();
	ck_assert_int_eq(bundle_load(path, &bundle, &err), -number);
	ck_assert_error(&err, number, "", message, hint);
	ck_assert_ptr_null(bundle.document);
	ck_assert_uint_eq(suite_open_fds(), fds);
	scratch_close(&scratch);
}

START_TEST(good)
{
	auto_bundle struct bundle bundle = BUNDLE_INIT;
	struct error err = ERROR_INIT;
	struct scratch scratch;
	char path[128];

	scratch_open(&scratch);
	in_scratch(&scratch, path, sizeof(path));
	scratch_text(scratch.fd, "config.json", GOOD, 0600);
	ck_assert_msg(bundle_load(path, &bundle, &err) == 0, "%s", err.message);
	ck_assert_str_eq(bundle.name, "config.json");
	ck_assert_uint_eq(bundle.length, strlen(GOOD));
	ck_assert_str_eq(bundle.config->root->path, "rootfs");
	ck_assert_str_eq(bundle.config->process->args.items[0], "sh");

	error_set(&err, EINVAL, "no");
	ck_assert_int_eq(bundle_locate(&bundle, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "", "no", "");
	error_set(&err, EINVAL, "no");
	error_at(&err, "process.args[0]");
	ck_assert_int_eq(bundle_locate(&bundle, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "", "config.json:3:35: process.args[0]: no", "");
	/* A field that the file does not have. */
	error_set(&err, EINVAL, "no");
	error_at(&err, "linux.seccomp");
	ck_assert_int_eq(bundle_locate(&bundle, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.message, "linux.seccomp: no"));
	scratch_close(&scratch);
}
END_TEST

START_TEST(one_problem_and_more)
{
	fails("{", EINVAL, "config.json:1:2: the text ends too early", "");
	fails("{\"ociVersion\": \"1.3.0\", \"process\": {\"cwd\": \"here\", \"args\": [\"a\"],"
	      " \"user\": {\"uid\": 0, \"gid\": 0}}, \"root\": {\"path\": \"r\"}}",
	      EINVAL, "config.json:1:44: process.cwd: must be an absolute path, not \"here\"", "");
}
END_TEST

static void count_warning(void *data, enum log_level level, const char *message)
{
	char *told = data;

	ck_assert_int_eq(level, LOG_LEVEL_WARNING);
	strcat(strcat(told, message), "\n");
}

/* Told when it is asked for: what becomes an error is told once. */
START_TEST(warnings_are_kept)
{
	static const char text[] =
		"{\"ociVersion\": \"1.9.0\",\n \"root\": {\"path\": \"rootfs\"},\n"
		" \"annotations\": {\"plain\": \"\"},\n \"linux\": {\"namespaces\": [{\"type\": "
		"\"user\"}]}}";
	auto_bundle struct bundle bundle = BUNDLE_INIT;
	struct error err = ERROR_INIT;
	struct scratch scratch;
	char path[128], told[1024] = "";

	log_set_sink(count_warning, told, LOG_LEVEL_WARNING);
	scratch_open(&scratch);
	in_scratch(&scratch, path, sizeof(path));
	scratch_text(scratch.fd, "config.json", text, 0600);
	ck_assert_msg(bundle_load(path, &bundle, &err) == 0, "%s", err.message);
	ck_assert_str_eq(told, "");
	bundle_warn(&bundle);
	ck_assert_str_eq(told,
			 "config.json:1:16: ociVersion: version 1.9.0 is newer than 1.3.0: what it "
			 "added is ignored\n"
			 "config.json:1:1: process: start needs a process\n"
			 "config.json:3:27: annotations.plain: a key should be in reverse domain "
			 "notation, as \"com.example.key\"\n"
			 "config.json:4:27: linux.namespaces[0]: a new user namespace without "
			 "linux.uidMappings and linux.gidMappings: process.user will be the caller "
			 "himself\n");
	scratch_close(&scratch);
}
END_TEST

START_TEST(files_that_are_none)
{
	auto_bundle struct bundle bundle = BUNDLE_INIT;
	struct error err = ERROR_INIT;
	struct scratch scratch;
	char path[128], message[256];

	scratch_open(&scratch);
	in_scratch(&scratch, path, sizeof(path));
	ck_assert_int_eq(bundle_load(path, &bundle, &err), -ENOENT);
	(void)snprintf(message, sizeof(message), "open %s: No such file or directory (ENOENT)",
		       path);
	ck_assert_error(&err, ENOENT, "", message, "`knarr spec` writes a new one");

	ck_assert_int_eq(mkfifoat(scratch.fd, "config.json", 0600), 0);
	ck_assert_int_eq(bundle_load(path, &bundle, &err), -EINVAL);
	(void)snprintf(message, sizeof(message), "%s is not a regular file", path);
	ck_assert_error(&err, EINVAL, "", message, "");
	ck_assert_int_eq(unlinkat(scratch.fd, "config.json", 0), 0);

	scratch_text(scratch.fd, "config.json", "", 0600);
	ck_assert_int_eq(truncate(path, OCI_SIZE_MAX + 1L), 0);
	ck_assert_int_eq(bundle_load(path, &bundle, &err), -EFBIG);
	(void)snprintf(message, sizeof(message), "%s is larger than %u MiB", path,
		       OCI_SIZE_MAX >> 20);
	ck_assert_error(&err, EFBIG, "", message, "");
	scratch_close(&scratch);
}
END_TEST

START_TEST(snapshot)
{
	auto_bundle struct bundle bundle = BUNDLE_INIT;
	struct store_entry entry = {.id = "c1"};
	struct error err = ERROR_INIT;
	struct scratch scratch;

	scratch_open(&scratch);
	entry.fd = open(scratch.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(bundle_load_snapshot(&entry, &bundle, &err), -ENOENT);
	ck_assert_error(&err, ENOENT, "",
			"read the saved configuration of container c1: No such file or directory "
			"(ENOENT)",
			"");
	scratch_text(scratch.fd, STORE_CONFIG, GOOD, 0600);
	ck_assert_int_eq(bundle_load_snapshot(&entry, &bundle, &err), 0);
	ck_assert_str_eq(bundle.config->process->cwd, "/");
	store_entry_close(&entry);
	scratch_close(&scratch);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {good, one_problem_and_more, warnings_are_kept,
				      files_that_are_none, snapshot};

	return suite_run("bundle", tests, suite_count(tests));
}
