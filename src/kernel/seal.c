/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two things tie a process to the file that it was executed from: the link /proc/PID/exe, and its
 * mappings of that file. Through the link anybody who may trace the process can open the file, and
 * the kernel itself follows it for "#!/proc/self/exe".
 *
 * The usual way out is to execute a sealed copy in memory, which costs a copy of the whole program
 * and a second execve: more than a millisecond, a quarter of the life of a short container. So the
 * process is changed where it stands:
 *
 * 1. The link is set to an empty, sealed memfd: prctl(PR_SET_MM_MAP), with which CRIU restores
 * processes. An execve of it fails with ENOEXEC, a write to it with EPERM.
 * 2. The kernel allows that only once no mapping is left of the old link's path
 * (replace_mm_exe_file() in kernel/fork.c). So the segments that are never written are mapped
 * again, at the same addresses, from the same file but by another path: that of a detached clone of
 * the mount, read-only, which is in no mount namespace. Those that are written become anonymous
 * memory.
 *
 * What is left is /proc/PID/map_files, which needs CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE over the
 * host, and leads through a read-only mount: less than any copy gives away. Execve of the
 * container's program ends even that.
 *
 * Where this is not to be had (a caller without privileges, a kernel without
 * CONFIG_CHECKPOINT_RESTORE), the sealed copy is executed.
 */
#include "kernel/seal.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/log.h"
#include "kernel/syscalls.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3 */
#endif
#define SEAL_ALL (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int seal_memfd(void)
{
	int fd = memfd_create("knarr", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);

	/* Before 6.3 the flag is unknown, and every memfd can be executed. */
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("knarr", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd < 0 ? -errno : fd;
}

static bool seal_is_sealed(int exe)
{
	int seals = fcntl(exe, F_GET_SEALS);

	return seals >= 0 && (seals & SEAL_ALL) == SEAL_ALL;
}

/* ---- where it stands ---- */

/* The same file by way of a mount that is in no namespace. EINVAL for one in memory. */
static int seal_open_apart(int *ret_mount)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	auto_close int mount = sys_open_tree(AT_FDCWD, "/proc/self/exe", OPEN_TREE_CLONE);
	char path[64];
	int fd, r;

	if (mount < 0)
		return mount;
	r = sys_mount_setattr(mount, "", AT_EMPTY_PATH, &attr);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", mount);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_mount = fd_take(&mount);
	return fd;
}

struct seal_segment {
	uintptr_t start, end; /* of what is mapped from the file, whole pages */
	off_t offset;
	int protection;
};

static void seal_segment_of(const ElfW(Phdr) * header, uintptr_t base, struct seal_segment *segment)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	segment->start = (base + header->p_vaddr) & ~(page - 1);
	segment->end = (base + header->p_vaddr + header->p_filesz + page - 1) & ~(page - 1);
	segment->offset = (off_t)(header->p_offset & ~(page - 1));
	segment->protection = (header->p_flags & PF_R ? PROT_READ : 0) |
			      (header->p_flags & PF_W ? PROT_WRITE : 0) |
			      (header->p_flags & PF_X ? PROT_EXEC : 0);
}

/* The same bytes at the same place: whoever executes here meanwhile does not notice. */
static int seal_map_again(const struct seal_segment *segment, int file)
{
	void *at = mmap((void *)segment->start, segment->end - segment->start, segment->protection,
			MAP_PRIVATE | MAP_FIXED, file, segment->offset);

	return at == MAP_FAILED ? -errno : 0;
}

/* No memcpy: a sanitizer's would find the zones that it has put between variables. */
__attribute__((no_sanitize("address"))) static void seal_copy_words(volatile uint64_t *to,
								    const volatile uint64_t *from,
								    size_t length)
{
	for (size_t i = 0; i < length / sizeof(*to); i++)
		to[i] = from[i];
}

static int seal_make_anonymous(const struct seal_segment *segment)
{
	size_t length = segment->end - segment->start;
	void *copy = mmap(NULL, length, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (copy == MAP_FAILED)
		return -errno;
	/* From here to the end of mremap nothing in the segment may change: no call that keeps
	 * state. */
	seal_copy_words(copy, (const void *)segment->start, length);
	if (mremap(copy, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)segment->start) ==
	    MAP_FAILED)
		return -errno;
	return 0;
}

/* What the dynamic linker, or libc's start-up, had made read-only, is again. */
static int seal_protect_relro(const ElfW(Phdr) * header, uintptr_t base)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t start = (base + header->p_vaddr) & ~(page - 1);
	uintptr_t end = (base + header->p_vaddr + header->p_memsz) & ~(page - 1);

	if (end <= start)
		return 0;
	return mprotect((void *)start, end - start, PROT_READ) < 0 ? -errno : 0;
}

/* The linker's: where the file begins in memory. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

/* Where address 0 of the program headers is in memory. */
static uintptr_t seal_base(void)
{
	const ElfW(Phdr) *headers = (const ElfW(Phdr) *)getauxval(AT_PHDR);
	uintptr_t base = 0;

	/* Not PT_PHDR, which a static position-independent executable has not. */
	for (size_t i = 0; headers && i < getauxval(AT_PHNUM); i++)
		if (headers[i].p_type == PT_LOAD && headers[i].p_offset == 0)
			base = (uintptr_t)&__ehdr_start - headers[i].p_vaddr;
	return base;
}

static int seal_remap(int file)
{
	const ElfW(Phdr) *headers = (const ElfW(Phdr) *)getauxval(AT_PHDR);
	size_t count = getauxval(AT_PHNUM);
	uintptr_t base = seal_base();
	int r = headers ? 0 : -ENOTSUP;

	for (size_t i = 0; r == 0 && i < count; i++) {
		struct seal_segment segment;

		if (headers[i].p_type != PT_LOAD || headers[i].p_filesz == 0)
			continue;
		seal_segment_of(&headers[i], base, &segment);
		r = headers[i].p_flags & PF_W ? seal_make_anonymous(&segment)
					      : seal_map_again(&segment, file);
	}
	for (size_t i = 0; r == 0 && i < count; i++)
		if (headers[i].p_type == PT_GNU_RELRO)
			r = seal_protect_relro(&headers[i], base);
	return r;
}

/* The end of a list of strings as the kernel has put them on the stack, one behind the other. */
static uintptr_t seal_end_of(char *const *strings, uintptr_t start)
{
	for (; *strings; strings++)
		start = (uintptr_t)*strings + strlen(*strings) + 1;
	return start;
}

/*
 * What PR_SET_MM_MAP wants to be told again (prctl(2), PR_SET_MM). It is ours to say: the kernel
 * shows these places (proc_pid_stat(5), cmdline, environ) and bounds the heap by the last two. A
 * heap that begins where it ends now can grow as before, and what there is of it stays.
 */
static void seal_describe_layout(char *const *argv, struct prctl_mm_map *ret_map)
{
	const ElfW(Phdr) *headers = (const ElfW(Phdr) *)getauxval(AT_PHDR);
	struct prctl_mm_map map = {.start_code = UINT64_MAX};
	uintptr_t base = seal_base();

	for (size_t i = 0; i < getauxval(AT_PHNUM); i++) {
		uint64_t start = base + headers[i].p_vaddr, end = start + headers[i].p_filesz;

		if (headers[i].p_type != PT_LOAD)
			continue;
		map.start_code = start < map.start_code ? start : map.start_code;
		map.start_data = start > map.start_data ? start : map.start_data;
		if (headers[i].p_flags & PF_X && end > map.end_code)
			map.end_code = end;
		map.end_data = end > map.end_data ? end : map.end_data;
	}
	map.start_brk = map.brk = (uintptr_t)sbrk(0);
	/* Below argv is argc, where the stack began. */
	map.start_stack = (uintptr_t)argv - sizeof(long);
	map.arg_start = argv[0] ? (uintptr_t)argv[0] : map.start_stack;
	map.arg_end = seal_end_of(argv, map.arg_start);
	map.env_start = environ[0] ? (uintptr_t)environ[0] : map.arg_end;
	map.env_end = seal_end_of(environ, map.env_start);
	*ret_map = map;
}

static int seal_replace_link(char *const *argv)
{
	auto_close int empty = seal_memfd();
	struct prctl_mm_map map;

	if (empty < 0)
		return empty;
	if (fcntl(empty, F_ADD_SEALS, SEAL_ALL) < 0)
		return -errno;
	seal_describe_layout(argv, &map);
	map.exe_fd = (uint32_t)empty;
	if (prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0) < 0)
		return -errno;
	return 0;
}

static int seal_in_place(char *const *argv, int *ret_mount)
{
	auto_close int mount = -EBADF;
	auto_close int file = seal_open_apart(&mount);
	int r;

	if (file < 0)
		return file;
	r = seal_remap(file);
	if (r == 0)
		r = seal_replace_link(argv);
	if (r == 0)
		*ret_mount = fd_take(&mount);
	return r;
}

/* ---- the copy ---- */

static int seal_copy(int exe, off_t size, int *ret_fd)
{
	auto_close int fd = seal_memfd();

	if (fd < 0)
		return fd;
	while (size > 0) {
		ssize_t n = sendfile(fd, exe, NULL, (size_t)size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		size -= n;
	}
	if (fchmod(fd, 0555) < 0 || fcntl(fd, F_ADD_SEALS, SEAL_ALL) < 0)
		return -errno;
	*ret_fd = fd_take(&fd);
	return 0;
}

/* Returns 0 where this is the copy already. */
static int seal_execute_copy(char *const *argv, int reason, struct error *err)
{
	auto_close int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	auto_close int copy = -EBADF;
	struct stat st;
	int r;

	if (exe < 0)
		return error_errno(err, errno, "open /proc/self/exe");
	if (seal_is_sealed(exe))
		return 0;
	log_debug("executing a sealed copy: %s", error_name(reason));
	if (fstat(exe, &st) < 0)
		return error_errno(err, errno, "look at /proc/self/exe");
	r = seal_copy(exe, st.st_size, &copy);
	if (r < 0) {
		error_errno(err, -r, "make a sealed copy of the executable");
		if (r == -EACCES)
			error_hint(err, "sysctl vm.memfd_noexec=2 forbids it; 1 does not");
		return r;
	}
	/* By number: glibc has execveat from 2.34 on only. */
	(void)syscall(SYS_execveat, copy, "", argv, environ, AT_EMPTY_PATH);
	return error_errno(err, errno, "execute the sealed copy of the executable");
}

int seal_self(char *const *argv, int *ret_mount, struct error *err)
{
	int r;

	*ret_mount = -EBADF;
	r = seal_in_place(argv, ret_mount);
	return r == 0 ? 0 : seal_execute_copy(argv, -r, err);
}
