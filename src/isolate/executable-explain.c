/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/executable.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "kernel/resolve.h"

/* BINPRM_BUF_SIZE of the kernel: what it looks at, and so the longest #! line. */
#define EXECUTABLE_HEAD_SIZE 256
/* The kernel follows that many interpreters of interpreters, then says ELOOP. */
#define EXECUTABLE_DEPTH 5

static int executable_field(struct error *err)
{
	return error_at(err, "process.args[0]");
}

/* An unsigned number of an ELF file. `size` is 2, 4 or 8. */
static uint64_t executable_number(const char *bytes, size_t size, bool big_endian)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++) {
		size_t at = big_endian ? i : size - 1 - i;

		value = value << 8 | (unsigned char)bytes[at];
	}
	return value;
}

#define EXECUTABLE_ELF_FIELD(head, bytes, type, member)                                       \
	((head)->wide                                                                         \
		 ? executable_number((bytes) + offsetof(Elf64_##type, member),                \
				     sizeof(((Elf64_##type *)0)->member), (head)->big_endian) \
		 : executable_number((bytes) + offsetof(Elf32_##type, member),                \
				     sizeof(((Elf32_##type *)0)->member), (head)->big_endian))

static void executable_inspect_elf(const char *bytes, size_t length, struct executable_head *head)
{
	head->wide = bytes[EI_CLASS] == ELFCLASS64;
	head->big_endian = bytes[EI_DATA] == ELFDATA2MSB;
	if (length < (head->wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr)))
		return;
	head->machine = (uint16_t)EXECUTABLE_ELF_FIELD(head, bytes, Ehdr, e_machine);
	head->headers = EXECUTABLE_ELF_FIELD(head, bytes, Ehdr, e_phoff);
	head->header_size = (uint16_t)EXECUTABLE_ELF_FIELD(head, bytes, Ehdr, e_phentsize);
	head->header_count = (uint16_t)EXECUTABLE_ELF_FIELD(head, bytes, Ehdr, e_phnum);
}

/* The kernel's reading: blanks behind "#!" are skipped, a blank, NUL or newline ends the name
 * (fs/binfmt_script.c). */
static void executable_inspect_script(const char *bytes, size_t length,
				      struct executable_head *head)
{
	size_t start = 2, end;

	while (start < length && (bytes[start] == ' ' || bytes[start] == '\t'))
		start++;
	for (end = start; end < length; end++)
		if (bytes[end] == ' ' || bytes[end] == '\t' || bytes[end] == '\n' ||
		    bytes[end] == '\0')
			break;
	head->interpreter = bytes + start;
	head->interpreter_length = end - start;
}

static bool executable_is_text(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length && bytes[i] != '\n'; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c < 0x20 && c != '\t' && c != '\r' && c != '\f')
			return false;
	}
	return true;
}

void executable_inspect(const char *bytes, size_t length, struct executable_head *ret_head)
{
	struct executable_head head = {.kind = EXECUTABLE_OTHER};

	if (length > EXECUTABLE_HEAD_SIZE)
		length = EXECUTABLE_HEAD_SIZE;
	if (length == 0) {
		head.kind = EXECUTABLE_EMPTY;
	} else if (length >= 2 && bytes[0] == '#' && bytes[1] == '!') {
		head.kind = EXECUTABLE_SCRIPT;
		executable_inspect_script(bytes, length, &head);
	} else if (length >= EI_NIDENT && memcmp(bytes, ELFMAG, SELFMAG) == 0) {
		head.kind = EXECUTABLE_ELF;
		executable_inspect_elf(bytes, length, &head);
	} else if (executable_is_text(bytes, length)) {
		head.kind = EXECUTABLE_TEXT;
	}
	*ret_head = head;
}

/* Opens a regular file of the container for reading, or gives a negative errno. */
static int executable_open(const struct executable_search *search, const char *name)
{
	auto_close int place = -EBADF;
	auto_close int fd = -EBADF;
	char path[PATH_MAX];
	struct stat st;
	int r;

	r = executable_absolute(search, name, path, sizeof(path));
	if (r < 0)
		return r;
	/* A device is not opened to look into it: that can have effects. */
	place = resolve_open(search->root, path, O_PATH);
	if (place < 0)
		return place;
	if (fstat(place, &st) < 0 || !S_ISREG(st.st_mode))
		return -ENOEXEC;
	fd = resolve_open(search->root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -ENOEXEC;
	return fd_take(&fd);
}

/* Finds PT_INTERP. True when the file names a loader, which is then in `out`. */
static bool executable_elf_loader(int fd, const struct executable_head *head, char *out,
				  size_t size)
{
	size_t header_size = head->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

	if (head->header_size != header_size)
		return false;
	for (unsigned int i = 0; i < head->header_count; i++) {
		char header[sizeof(Elf64_Phdr)];
		uint64_t offset, length, at = head->headers + (uint64_t)i * header_size;
		ssize_t n;

		if (at > INT64_MAX ||
		    pread(fd, header, header_size, (off_t)at) != (ssize_t)header_size)
			return false;
		if (EXECUTABLE_ELF_FIELD(head, header, Phdr, p_type) != PT_INTERP)
			continue;
		offset = EXECUTABLE_ELF_FIELD(head, header, Phdr, p_offset);
		length = EXECUTABLE_ELF_FIELD(head, header, Phdr, p_filesz);
		if (length < 2 || length > size || offset > INT64_MAX)
			return false;
		n = pread(fd, out, (size_t)length, (off_t)offset);
		return n == (ssize_t)length && out[n - 1] == '\0';
	}
	return false;
}

/* What stands between a file and its execution: the file itself, or the interpreter or loader that
 * it (or its interpreter, and so on) needs. */
struct executable_obstacle {
	struct executable_head head; /* of `file`; .interpreter is invalid */
	bool readable;		     /* `head` was read */
	const char *role;	     /* "interpreter", "loader"; NULL: the executable itself */
	char file[PATH_MAX];
	char user[PATH_MAX]; /* the file that wants it */
	int number;	     /* why it cannot be used, 0: nothing known */
	bool noexec;
};

/* Reads `obstacle->file` and, when it needs another file, makes that the obstacle: true. Loaders
 * are looked at only if `loaders`. */
static bool executable_follow(const struct executable_search *search, bool loaders,
			      struct executable_obstacle *obstacle)
{
	auto_close int fd = executable_open(search, obstacle->file);
	char head[EXECUTABLE_HEAD_SIZE], next[PATH_MAX];
	ssize_t n;

	obstacle->readable = false;
	n = fd < 0 ? -1 : pread(fd, head, sizeof(head), 0);
	if (n < 0)
		return false;
	obstacle->readable = true;
	executable_inspect(head, (size_t)n, &obstacle->head);
	if (obstacle->head.kind == EXECUTABLE_SCRIPT) {
		size_t length = obstacle->head.interpreter_length;

		if (length == 0)
			return false;
		memcpy(next, obstacle->head.interpreter, length);
		next[length] = '\0';
		obstacle->head.interpreter = NULL;
		obstacle->role = "interpreter";
	} else if (obstacle->head.kind == EXECUTABLE_ELF && loaders &&
		   executable_elf_loader(fd, &obstacle->head, next, sizeof(next))) {
		obstacle->role = "loader";
	} else {
		return false;
	}
	strcpy(obstacle->user, obstacle->file);
	strcpy(obstacle->file, next);
	return true;
}

/* Follows the chain to the first file that cannot be used, or to its end. */
static void executable_find_obstacle(const struct executable_search *search, const char *path,
				     bool loaders, struct executable_obstacle *obstacle)
{
	memset(obstacle, 0, sizeof(*obstacle));
	(void)snprintf(obstacle->file, sizeof(obstacle->file), "%s", path);
	for (int i = 0; i <= EXECUTABLE_DEPTH; i++) {
		obstacle->number = -executable_check(search, obstacle->file, &obstacle->noexec);
		if (obstacle->number != 0 || !executable_follow(search, loaders, obstacle))
			return;
	}
}

#ifndef EM_LOONGARCH /* glibc 2.36 */
#define EM_LOONGARCH 258
#endif

static const struct {
	uint16_t machine;
	const char *name; /* as uname -m says it */
} executable_machines[] = {
	{EM_X86_64, "x86_64"},
	{EM_386, "i686"},
	{EM_AARCH64, "aarch64"},
	{EM_ARM, "arm"},
	{EM_RISCV, "riscv64"},
	{EM_PPC64, "ppc64"},
	{EM_PPC, "ppc"},
	{EM_S390, "s390x"},
	{EM_MIPS, "mips"},
	{EM_SPARCV9, "sparc64"},
	{EM_LOONGARCH, "loongarch64"},
};

static const char *executable_machine_name(uint16_t machine)
{
	for (size_t i = 0; i < array_size(executable_machines); i++)
		if (executable_machines[i].machine == machine)
			return executable_machines[i].name;
	return NULL;
}

/* ENOEXEC: no format that the kernel knows. `name` is args[0]. */
static int executable_explain_format(const char *name, const struct executable_obstacle *obstacle,
				     struct error *err)
{
	struct utsname uts = {.machine = ""};
	const char *machine = NULL;

	error_set(err, ENOEXEC, "exec: \"%s\": exec format error", name);
	if (!obstacle->readable)
		return executable_field(err);
	(void)uname(&uts);
	switch (obstacle->head.kind) {
	case EXECUTABLE_ELF:
		machine = executable_machine_name(obstacle->head.machine);
		if (machine && !text_starts_with(uts.machine, machine))
			error_hint(err, "%s is a program for %s, this machine is %s",
				   obstacle->file, machine, uts.machine);
		else if (!machine)
			error_hint(err, "%s is a program for machine number %u, this one is %s",
				   obstacle->file, obstacle->head.machine, uts.machine);
		else
			error_hint(err, "%s is a damaged program, or not one that can be run",
				   obstacle->file);
		break;
	case EXECUTABLE_EMPTY:
		error_hint(err, "%s is empty", obstacle->file);
		break;
	case EXECUTABLE_TEXT:
		error_hint(err, "%s is a text without a first line like #!/bin/sh", obstacle->file);
		break;
	case EXECUTABLE_SCRIPT:
		error_hint(err, "the first line of %s names no interpreter behind #!",
			   obstacle->file);
		break;
	default:
		error_hint(err, "%s is neither a program nor a script", obstacle->file);
		break;
	}
	return executable_field(err);
}

/* ENOENT though the file is there: what it needs is not. */
static int executable_explain_missing(const char *name, const struct executable_obstacle *obstacle,
				      struct error *err)
{
	size_t length = strlen(obstacle->file);

	if (!obstacle->role) {
		error_set(err, ENOENT, "exec: \"%s\": stat %s: no such file or directory", name,
			  obstacle->file);
		return executable_field(err);
	}
	if (length > 0 && obstacle->file[length - 1] == '\r') {
		error_set(err, ENOENT, "exec: \"%s\": %s %.*s\\r of %s: no such file or directory",
			  name, obstacle->role, (int)length - 1, obstacle->file, obstacle->user);
		error_hint(err, "the lines of %s end in CR LF; convert it to LF", obstacle->user);
		return executable_field(err);
	}
	error_set(err, ENOENT, "exec: \"%s\": %s %s of %s: no such file or directory", name,
		  obstacle->role, obstacle->file, obstacle->user);
	if (strcmp(obstacle->role, "loader") == 0)
		error_hint(err,
			   "%s was linked for another C library than the image has, or for "
			   "another machine",
			   obstacle->user);
	else
		error_hint(err, "the image has no %s, which the first line of %s asks for",
			   obstacle->file, obstacle->user);
	return executable_field(err);
}

static int executable_explain_denied(const char *name, const struct executable_obstacle *obstacle,
				     struct error *err)
{
	const char *file = obstacle->file;

	error_set(err, EACCES, "exec: \"%s\": permission denied", name);
	if (obstacle->noexec)
		error_hint(err, "%s is on a filesystem that is mounted noexec", file);
	else if (obstacle->role && obstacle->number == EISDIR)
		error_hint(err, "its %s %s is a directory", obstacle->role, file);
	else if (obstacle->role && obstacle->number != 0)
		error_hint(err, "its %s %s may not be executed by uid %u", obstacle->role, file,
			   geteuid());
	else if (obstacle->number != 0)
		error_hint(err, "uid %u may not execute %s", geteuid(), file);
	else
		error_hint(err, "a security module may forbid it");
	return executable_field(err);
}

int executable_explain(const struct executable_search *search, const char *path, int number,
		       struct error *err)
{
	struct executable_obstacle obstacle;

	/* A format is refused before any loader is looked for. */
	executable_find_obstacle(search, path, number != ENOEXEC, &obstacle);
	switch (number) {
	case ENOENT:
		return executable_explain_missing(search->name, &obstacle, err);
	case ENOEXEC:
		return executable_explain_format(search->name, &obstacle, err);
	case EACCES:
		return executable_explain_denied(search->name, &obstacle, err);
	case E2BIG:
		error_set(err, E2BIG, "exec: \"%s\": argument list too long", search->name);
		error_hint(
			err,
			"args and env together may take a quarter of RLIMIT_STACK, at most 6 MiB; "
			"one of them 128 KiB");
		break;
	case ETXTBSY:
		error_set(err, ETXTBSY, "exec: \"%s\": text file busy", search->name);
		error_hint(err, "somebody has %s open for writing", path);
		break;
	case ELIBBAD:
		error_errno(err, ELIBBAD, "exec: \"%s\"", search->name);
		error_hint(err, "its loader %s is damaged or for another machine", obstacle.file);
		break;
	case ELOOP:
		error_errno(err, ELOOP, "exec: \"%s\"", search->name);
		error_hint(err, "%s is a script whose interpreter is a script, and so on", path);
		break;
	default:
		error_errno(err, number, "exec: \"%s\"", search->name);
		break;
	}
	return executable_field(err);
}
