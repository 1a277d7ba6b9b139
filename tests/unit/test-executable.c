/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/executable.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "suite.h"

/* Root may execute what anybody may: the tests of permissions are another user's. */
static void drop_privileges(struct scratch *scratch)
{
	if (getuid() != 0)
		return;
	ck_assert_int_eq(fchownat(scratch->fd, "", 65534, 65534, AT_EMPTY_PATH), 0);
	ck_assert_int_eq(setgroups(0, NULL), 0);
	ck_assert_int_eq(setresgid(65534, 65534, 65534), 0);
	ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
}

static void open_root(struct scratch *scratch)
{
	scratch_open(scratch);
	drop_privileges(scratch);
	scratch_directory(scratch->fd, "bin", 0755);
	scratch_directory(scratch->fd, "usr", 0755);
	scratch_directory(scratch->fd, "usr/bin", 0755);
	scratch_directory(scratch->fd, "work", 0755);
	scratch_text(scratch->fd, "bin/sh",
		     "\x7f"
		     "ELF",
		     0755);
	scratch_text(scratch->fd, "usr/bin/env", "#!/bin/sh\n", 0755);
	scratch_text(scratch->fd, "work/tool", "#!/bin/sh\n", 0755);
	scratch_text(scratch->fd, "bin/data", "text", 0644);
}

static int find(const struct scratch *scratch, const char *name, const char *path, char *out,
		struct error *err)
{
	char *variable = NULL, *environment[] = {NULL, NULL};
	struct executable_search search = {
		.root = scratch->fd, .name = name, .environment = environment, .cwd = "/work"};
	int r;

	if (path) {
		ck_assert_int_gt(asprintf(&variable, "PATH=%s", path), 0);
		environment[0] = variable;
	}
	*err = ERROR_INIT;
	r = executable_find(&search, out, PATH_MAX, err);
	free(variable);
	return r;
}

START_TEST(found)
{
	static const struct {
		const char *name, *path, *found;
	} cases[] = {
		{"/bin/sh", NULL, "/bin/sh"},
		{"/usr/../bin//sh", NULL, "/usr/../bin//sh"},
		/* Relative to cwd, and left so: a script sees its name as it was written. */
		{"./tool", "/bin", "./tool"},
		{"../bin/sh", "/nowhere", "../bin/sh"},
		/* Without PATH: that of glibc. */
		{"sh", NULL, "/bin/sh"},
		{"env", NULL, "/usr/bin/env"},
		{"env", "/bin:/usr/bin", "/usr/bin/env"},
		{"env", "/bin/sh:/nowhere:/usr/bin", "/usr/bin/env"},
		/* An empty element is cwd, wherever it stands. */
		{"tool", "", "./tool"},
		{"tool", ":/bin", "./tool"},
		{"tool", "/bin:", "./tool"},
		{"tool", "/bin::/usr/bin", "./tool"},
		{"sh", ":/bin", "/bin/sh"},
		{"sh", "../bin", "../bin/sh"},
		{"sh", "/", NULL},
		{"tool", "/bin:/usr/bin", NULL},
		{"", "/bin", NULL},
		{"shell", "/bin", NULL},
	};
	struct scratch scratch;
	struct error err;
	char out[PATH_MAX], message[256];

	open_root(&scratch);
	for (size_t i = 0; i < suite_count(cases); i++) {
		int r = find(&scratch, cases[i].name, cases[i].path, out, &err);

		if (cases[i].found) {
			ck_assert_msg(r == 0, "%zu: %s", i, err.message);
			ck_assert_str_eq(out, cases[i].found);
			continue;
		}
		ck_assert_int_eq(r, -ENOENT);
		(void)snprintf(message, sizeof(message),
			       "exec: \"%s\": executable file not found in $PATH", cases[i].name);
		ck_assert_error(&err, ENOENT, "process.args[0]", message, "");
	}
	scratch_close(&scratch);
}
END_TEST

START_TEST(not_found_in_the_words_of_engines)
{
	static const struct {
		const char *name, *message;
		int number;
	} cases[] = {
		{"/no/such", "exec: \"/no/such\": stat /no/such: no such file or directory",
		 ENOENT},
		{"./no", "exec: \"./no\": stat ./no: no such file or directory", ENOENT},
		{"/bin/sh/x", "exec: \"/bin/sh/x\": stat /bin/sh/x: not a directory", ENOTDIR},
		{"/usr", "exec: \"/usr\": permission denied: it is a directory", EACCES},
		{"/", "exec: \"/\": permission denied: it is a directory", EACCES},
		{"/bin/fifo", "exec: \"/bin/fifo\": permission denied: it is not a regular file",
		 EACCES},
		{"/bin/data", "exec: \"/bin/data\": permission denied", EACCES},
		{"/bin/loop",
		 "exec: \"/bin/loop\": /bin/loop leads through a link of /proc that jumps, or a "
		 "loop of "
		 "links",
		 ELOOP},
	};
	struct scratch scratch;
	struct error err;
	char out[PATH_MAX] = "kept";

	open_root(&scratch);
	ck_assert_int_eq(mkfifoat(scratch.fd, "bin/fifo", 0755), 0);
	scratch_link(scratch.fd, "bin/loop", "loop");
	for (size_t i = 0; i < suite_count(cases); i++) {
		ck_assert_int_eq(find(&scratch, cases[i].name, "/bin", out, &err),
				 -cases[i].number);
		ck_assert_str_eq(err.message, cases[i].message);
		ck_assert_str_eq(err.field, "process.args[0]");
	}
	ck_assert_str_eq(out, "kept");
	scratch_close(&scratch);
}
END_TEST

START_TEST(permission_is_that_of_the_user)
{
	struct scratch scratch;
	struct error err;
	char out[PATH_MAX], hint[64];

	open_root(&scratch);
	ck_assert_int_eq(find(&scratch, "data", "/bin", out, &err), -EACCES);
	(void)snprintf(hint, sizeof(hint), "uid %u may not execute /bin/data", getuid());
	ck_assert_error(&err, EACCES, "process.args[0]", "exec: \"data\": permission denied", hint);
	/* One that is further on and may be executed is taken, as execvp(3) does. */
	scratch_text(scratch.fd, "usr/bin/data", "#!/bin/sh\n", 0755);
	ck_assert_int_eq(find(&scratch, "data", "/bin:/usr/bin", out, &err), 0);
	ck_assert_str_eq(out, "/usr/bin/data");
	/* A directory that may not be searched hides what is in it. */
	ck_assert_int_eq(fchmodat(scratch.fd, "usr/bin", 0600, 0), 0);
	ck_assert_int_eq(find(&scratch, "/usr/bin/env", NULL, out, &err), -EACCES);
	ck_assert_str_eq(err.message, "exec: \"/usr/bin/env\": permission denied");
	ck_assert_int_eq(fchmodat(scratch.fd, "usr/bin", 0755, 0), 0);
	scratch_close(&scratch);
}
END_TEST

START_TEST(results_that_do_not_fit)
{
	struct scratch scratch;
	struct error err;
	char out[16] = "###############", longer[PATH_MAX * 2], path[PATH_MAX];
	struct executable_search search = {.name = "/bin/sh", .cwd = "/"};

	open_root(&scratch);
	search.root = scratch.fd;
	ck_assert_int_eq(executable_find(&search, out, 8, &err), 0);
	ck_assert_str_eq(out, "/bin/sh");
	ck_assert_int_eq(executable_find(&search, out, 7, &err), -ENAMETOOLONG);
	search.name = "sh";
	ck_assert_int_eq(executable_find(&search, out, 8, &err), 0);
	ck_assert_int_eq(executable_find(&search, out, 7, &err), -ENAMETOOLONG);
	ck_assert_int_eq(out[8], '#');
	memset(longer, '/', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	search.name = longer;
	ck_assert_int_eq(executable_find(&search, out, sizeof(out), &err), -ENAMETOOLONG);
	/* An element of PATH that is too long is passed over. */
	ck_assert_int_eq(find(&scratch, "sh", longer, path, &err), -ENOENT);
	memcpy(longer + sizeof(longer) - sizeof(":/bin"), ":/bin", sizeof(":/bin"));
	ck_assert_int_eq(find(&scratch, "sh", longer, path, &err), 0);
	ck_assert_str_eq(path, "/bin/sh");
	scratch_close(&scratch);
}
END_TEST

/* From here on "/" is the root and the files are real, so that execve itself gives the errno. */
static int explain(const char *path, struct error *err)
{
	const struct executable_search search = {
		.root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), .name = path, .cwd = "/"};
	char *args[] = {(char *)(uintptr_t)path, NULL}, *environment[] = {NULL};
	int r;

	ck_assert_int_eq(execve(path, args, environment), -1);
	*err = ERROR_INIT;
	r = executable_explain(&search, path, errno, err);
	(void)close(search.root);
	ck_assert_str_eq(err->field, "process.args[0]");
	return r;
}

/* `format` and `hint` have "%1$s" for the path of the file. */
static void check_explained(const struct scratch *scratch, const char *file, int number,
			    const char *message, const char *hint)
{
	char path[128], wanted[256];
	struct error err;

	(void)snprintf(path, sizeof(path), "%s/%s", scratch->path, file);
	ck_assert_int_eq(explain(path, &err), -number);
	(void)snprintf(wanted, sizeof(wanted), "exec: \"%s\": ", path);
	ck_assert_msg(strncmp(err.message, wanted, strlen(wanted)) == 0, "%s", err.message);
	ck_assert_str_eq(err.message + strlen(wanted), message);
	ck_assert_str_eq(err.hint, hint);
}

START_TEST(scripts_without_their_interpreter)
{
	struct scratch scratch;
	char message[512], hint[512];

	scratch_open(&scratch);
	scratch_text(scratch.fd, "a", "#!/no/such/interp -x\n", 0755);
	(void)snprintf(message, sizeof(message),
		       "interpreter /no/such/interp of %s/a: no such file or directory",
		       scratch.path);
	(void)snprintf(hint, sizeof(hint),
		       "the image has no /no/such/interp, which the first line of %s/a asks for",
		       scratch.path);
	check_explained(&scratch, "a", ENOENT, message, hint);

	scratch_text(scratch.fd, "crlf", "#! \t/bin/sh\r\necho\r\n", 0755);
	(void)snprintf(message, sizeof(message),
		       "interpreter /bin/sh\\r of %s/crlf: no such file or directory",
		       scratch.path);
	(void)snprintf(hint, sizeof(hint), "the lines of %s/crlf end in CR LF; convert it to LF",
		       scratch.path);
	check_explained(&scratch, "crlf", ENOENT, message, hint);

	/* The interpreter is a script, and lacks its own. */
	(void)snprintf(message, sizeof(message), "#!%s/a\n", scratch.path);
	scratch_text(scratch.fd, "b", message, 0755);
	(void)snprintf(message, sizeof(message),
		       "interpreter /no/such/interp of %s/a: no such file or directory",
		       scratch.path);
	(void)snprintf(hint, sizeof(hint),
		       "the image has no /no/such/interp, which the first line of %s/a asks for",
		       scratch.path);
	check_explained(&scratch, "b", ENOENT, message, hint);
	check_explained(&scratch, "gone", ENOENT,
			strcat(strcat(strcpy(message, "stat "), scratch.path),
			       "/gone: no such file or directory"),
			"");
	scratch_close(&scratch);
}
END_TEST

START_TEST(files_that_are_no_program)
{
	struct scratch scratch;
	char hint[512];

	scratch_open(&scratch);
	scratch_text(scratch.fd, "text", "echo hello\n", 0755);
	scratch_text(scratch.fd, "empty", "", 0755);
	scratch_file(scratch.fd, "binary", "\0\1\2\3\4\5", 6, 0755);
	scratch_text(scratch.fd, "nothing", "#!  \n", 0755);
	(void)snprintf(hint, sizeof(hint), "%s/text is a text without a first line like #!/bin/sh",
		       scratch.path);
	check_explained(&scratch, "text", ENOEXEC, "exec format error", hint);
	(void)snprintf(hint, sizeof(hint), "%s/empty is empty", scratch.path);
	check_explained(&scratch, "empty", ENOEXEC, "exec format error", hint);
	(void)snprintf(hint, sizeof(hint), "%s/binary is neither a program nor a script",
		       scratch.path);
	check_explained(&scratch, "binary", ENOEXEC, "exec format error", hint);
	(void)snprintf(hint, sizeof(hint),
		       "the first line of %s/nothing names no interpreter behind #!", scratch.path);
	check_explained(&scratch, "nothing", ENOEXEC, "exec format error", hint);
	scratch_close(&scratch);
}
END_TEST

struct elf_file {
	Elf64_Ehdr header;
	Elf64_Phdr load, interpreter;
	char name[64];
};

static struct elf_file make_elf(uint16_t machine, const char *loader)
{
	struct elf_file elf = {
		.header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				       EV_CURRENT},
			   .e_type = ET_EXEC,
			   .e_machine = machine,
			   .e_version = EV_CURRENT,
			   .e_phoff = offsetof(struct elf_file, load),
			   .e_ehsize = sizeof(Elf64_Ehdr),
			   .e_phentsize = sizeof(Elf64_Phdr),
			   .e_phnum = 2},
		.load = {.p_type = PT_LOAD, .p_flags = PF_R, .p_align = 4096},
		.interpreter = {.p_type = PT_INTERP,
				.p_offset = offsetof(struct elf_file, name),
				.p_filesz = strlen(loader) + 1},
	};

	strcpy(elf.name, loader);
	return elf;
}

/* The machine that the tests run on, and one that it is not. */
#if defined(__x86_64__)
#define OWN_MACHINE	EM_X86_64
#define FOREIGN_MACHINE EM_AARCH64
#define FOREIGN_NAME	"aarch64"
#elif defined(__aarch64__)
#define OWN_MACHINE	EM_AARCH64
#define FOREIGN_MACHINE EM_X86_64
#define FOREIGN_NAME	"x86_64"
#endif

#ifdef OWN_MACHINE
START_TEST(programs_that_cannot_be_loaded)
{
	struct elf_file elf = make_elf(OWN_MACHINE, "/lib/ld-missing.so.1");
	struct scratch scratch;
	struct utsname uts;
	char message[512], hint[512];

	ck_assert_int_eq(uname(&uts), 0);
	scratch_open(&scratch);
	scratch_file(scratch.fd, "dynamic", &elf, sizeof(elf), 0755);
	(void)snprintf(message, sizeof(message),
		       "loader /lib/ld-missing.so.1 of %s/dynamic: no such file or directory",
		       scratch.path);
	(void)snprintf(
		hint, sizeof(hint),
		"%s/dynamic was linked for another C library than the image has, or for another "
		"machine",
		scratch.path);
	check_explained(&scratch, "dynamic", ENOENT, message, hint);

	elf = make_elf(FOREIGN_MACHINE, "/lib/ld-linux.so.1");
	scratch_file(scratch.fd, "foreign", &elf, sizeof(elf), 0755);
	(void)snprintf(hint, sizeof(hint), "%s/foreign is a program for %s, this machine is %s",
		       scratch.path, FOREIGN_NAME, uts.machine);
	check_explained(&scratch, "foreign", ENOEXEC, "exec format error", hint);

	elf = make_elf(60000, "/lib/ld-linux.so.1");
	scratch_file(scratch.fd, "unknown", &elf, sizeof(elf), 0755);
	(void)snprintf(hint, sizeof(hint),
		       "%s/unknown is a program for machine number 60000, this one is %s",
		       scratch.path, uts.machine);
	check_explained(&scratch, "unknown", ENOEXEC, "exec format error", hint);

	elf = make_elf(OWN_MACHINE, "/lib/ld-linux.so.1");
	elf.header.e_phnum = 0;
	scratch_file(scratch.fd, "damaged", &elf, sizeof(elf), 0755);
	(void)snprintf(hint, sizeof(hint),
		       "%s/damaged is a damaged program, or not one that can be run", scratch.path);
	check_explained(&scratch, "damaged", ENOEXEC, "exec format error", hint);
	scratch_close(&scratch);
}
END_TEST
#endif

START_TEST(permissions_of_what_is_needed)
{
	struct scratch scratch;
	char script[128], hint[512];

	scratch_open(&scratch);
	scratch_text(scratch.fd, "plain", "#!/bin/sh\n", 0644);
	(void)snprintf(script, sizeof(script), "#!%s/plain\n", scratch.path);
	scratch_text(scratch.fd, "script", script, 0755);
	(void)snprintf(hint, sizeof(hint), "its interpreter %s/plain may not be executed by uid %u",
		       scratch.path, getuid());
	check_explained(&scratch, "script", EACCES, "permission denied", hint);
	(void)snprintf(hint, sizeof(hint), "uid %u may not execute %s/plain", getuid(),
		       scratch.path);
	check_explained(&scratch, "plain", EACCES, "permission denied", hint);
	scratch_text(scratch.fd, "in-directory", "#!/tmp\n", 0755);
	check_explained(&scratch, "in-directory", EACCES, "permission denied",
			"its interpreter /tmp is a directory");
	scratch_close(&scratch);
}
END_TEST

START_TEST(other_reasons)
{
	const struct executable_search search = {
		.root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), .name = "foo", .cwd = "/"};
	struct error err = ERROR_INIT;
	struct scratch scratch;
	char hint[256];
	int fd;

	scratch_open(&scratch);
	scratch_text(scratch.fd, "busy", "#!/bin/sh\n", 0755);
	fd = openat(scratch.fd, "busy", O_WRONLY | O_CLOEXEC);
	(void)snprintf(hint, sizeof(hint), "somebody has %s/busy open for writing", scratch.path);
	check_explained(&scratch, "busy", ETXTBSY, "text file busy", hint);
	(void)close(fd);
	ck_assert_int_eq(executable_explain(&search, "/bin/foo", E2BIG, &err), -E2BIG);
	ck_assert_error(
		&err, E2BIG, "process.args[0]", "exec: \"foo\": argument list too long",
		"args and env together may take a quarter of RLIMIT_STACK, at most 6 MiB; one "
		"of them 128 KiB");
	ck_assert_int_eq(executable_explain(&search, "/bin/foo", ENOMEM, &err), -ENOMEM);
	ck_assert_error(&err, ENOMEM, "process.args[0]",
			"exec: \"foo\": Cannot allocate memory (ENOMEM)", "");
	ck_assert_int_eq(executable_explain(&search, "/bin/foo", ELOOP, &err), -ELOOP);
	ck_assert_error(&err, ELOOP, "process.args[0]",
			"exec: \"foo\": Too many levels of symbolic links (ELOOP)",
			"/bin/foo is a script whose interpreter is a script, and so on");
	scratch_close(&scratch);
}
END_TEST

/* Loops of interpreters, and a device where an interpreter should be, are no trap. */
START_TEST(chains_end)
{
	struct scratch scratch;
	struct error err;
	char path[PATH_MAX], script[PATH_MAX + 8];

	scratch_open(&scratch);
	(void)snprintf(path, sizeof(path), "%s/self", scratch.path);
	(void)snprintf(script, sizeof(script), "#!%s\n", path);
	scratch_text(scratch.fd, "self", script, 0755);
	ck_assert_int_eq(explain(path, &err), -ELOOP);
	(void)snprintf(path, sizeof(path), "%s/fifo", scratch.path);
	ck_assert_int_eq(mkfifoat(scratch.fd, "fifo", 0755), 0);
	ck_assert_int_eq(explain(path, &err), -EACCES);
	ck_assert_int_eq(explain("/dev/null", &err), -EACCES);
	scratch_close(&scratch);
}
END_TEST

static int find_on_noexec(void *data)
{
	const struct scratch *scratch = data;
	struct executable_search search = {.name = "/tool", .cwd = "/"};
	struct error err = ERROR_INIT;
	char out[64];

	if (mount("none", scratch->path, "tmpfs", MS_NOEXEC, "mode=755") < 0)
		return 1;
	search.root = open(scratch->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	scratch_text(search.root, "tool", "#!/bin/sh\n", 0755);
	if (executable_find(&search, out, sizeof(out), &err) != -EACCES)
		return 2;
	if (strcmp(err.message, "exec: \"/tool\": permission denied") != 0 ||
	    strcmp(err.hint, "/tool is on a filesystem that is mounted noexec") != 0)
		return 3;
	err = ERROR_INIT;
	(void)executable_explain(&search, "/tool", EACCES, &err);
	return strcmp(err.hint, "/tool is on a filesystem that is mounted noexec") == 0 ? 0 : 4;
}

START_TEST(mounts_with_noexec)
{
	struct scratch scratch;

	scratch_open(&scratch);
	ck_assert_int_eq(suite_in_user_namespace("a noexec mount", find_on_noexec, &scratch), 0);
	scratch_close(&scratch);
}
END_TEST

/* Any prefix of any of these, in a buffer of exactly its size, for the sanitizer. */
START_TEST(inspection_is_total)
{
	struct elf_file elf = make_elf(3, "/lib/ld.so");
	char text[300] = "#! \t/bin/interp arg\n";
	const void *const inputs[] = {&elf, text};
	struct executable_head head;

	memset(text + strlen(text), 'x', sizeof(text) - strlen(text));
	for (size_t i = 0; i < suite_count(inputs); i++) {
		for (size_t length = 0; length <= 200; length++) {
			char *bytes = malloc(length ? length : 1);

			memcpy(bytes, inputs[i], length);
			executable_inspect(bytes, length, &head);
			if (head.kind == EXECUTABLE_SCRIPT) {
				ck_assert(head.interpreter >= bytes);
				ck_assert(head.interpreter + head.interpreter_length <=
					  bytes + length);
			}
			free(bytes);
		}
	}
	executable_inspect(text, sizeof(text), &head);
	ck_assert_int_eq(head.kind, EXECUTABLE_SCRIPT);
	ck_assert_uint_eq(head.interpreter_length, strlen("/bin/interp"));
	executable_inspect((const char *)&elf, sizeof(elf), &head);
	ck_assert_int_eq(head.kind, EXECUTABLE_ELF);
	ck_assert_uint_eq(head.machine, 3);
	ck_assert_uint_eq(head.header_count, 2);
	ck_assert(head.wide && !head.big_endian);
	/* The same number, the other way round. */
	elf.header.e_ident[EI_DATA] = ELFDATA2MSB;
	executable_inspect((const char *)&elf, sizeof(elf), &head);
	ck_assert_uint_eq(head.machine, 3 << 8);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		found,
		not_found_in_the_words_of_engines,
		permission_is_that_of_the_user,
		results_that_do_not_fit,
		scripts_without_their_interpreter,
		files_that_are_no_program,
#ifdef OWN_MACHINE
		programs_that_cannot_be_loaded,
#endif
		permissions_of_what_is_needed,
		other_reasons,
		chains_end,
		mounts_with_noexec,
		inspection_is_total,
	};

	return suite_run("executable", tests, suite_count(tests));
}
