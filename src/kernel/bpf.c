/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/bpf.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"

/* The kernel's own limit for one cgroup (BPF_CGROUP_MAX_PROGS); it is in no header for us. */
#define PROGRAMS_MAX 64
/* Somebody else may change the cgroup's programs between our look and our step. */
#define ATTACH_ATTEMPTS 16
/* The verifier gives up when a signal is there, though one that only stops us: EAGAIN. */
#define LOAD_ATTEMPTS	  100
#define VERIFIER_LOG_SIZE (256u << 10)

static int bpf_call(enum bpf_cmd command, union bpf_attr *attr)
{
	long result = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return result < 0 ? -errno : (int)result;
}

static uint64_t bpf_pointer(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

/* Makes one line of the end of the verifier's log, which is where it says what it did not like. */
static const char *verifier_log_flatten(char *log)
{
	char *statistics = strstr(log, "\nprocessed ");
	size_t length, tail = 512;

	if (statistics)
		*statistics = '\0';
	length = strlen(log);
	while (length > 0 && log[length - 1] == '\n')
		log[--length] = '\0';
	for (size_t i = 0; i < length; i++) {
		if (log[i] == '\n')
			log[i] = ';';
	}
	return length > tail ? log + length - tail : log;
}

static int load_failed(union bpf_attr *attr, int number, struct error *err)
{
	auto_free char *log = NULL;

	if (number == EPERM) {
		(void)error_errno(err, number, "load the eBPF device program");
		return error_hint(err, "needs CAP_SYS_ADMIN, or CAP_BPF and CAP_NET_ADMIN, in the "
				       "initial user namespace");
	}

	/* The log costs memory and time, so it is asked for only now. */
	log = calloc(1, VERIFIER_LOG_SIZE);
	if (log) {
		int fd;

		attr->log_level = 1;
		attr->log_buf = bpf_pointer(log);
		attr->log_size = VERIFIER_LOG_SIZE;
		fd = bpf_call(BPF_PROG_LOAD, attr);
		(void)fd_close(fd);
	}
	if (!log || log[0] == '\0')
		return error_errno(err, number, "load the eBPF device program");
	return error_errno(err, number, "load the eBPF device program: the verifier says \"%s\"",
			   verifier_log_flatten(log));
}

int bpf_load_device_program(const struct bpf_insn *instructions, size_t count, int *ret_fd,
			    struct error *err)
{
	union bpf_attr attr;
	int fd = -EAGAIN;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = bpf_pointer(instructions);
	attr.insn_cnt = (uint32_t)count;
	attr.license = bpf_pointer("Apache-2.0");
	/* For people who look with bpftool. */
	(void)snprintf(attr.prog_name, sizeof(attr.prog_name), "knarr_devices");

	for (int i = 0; i < LOAD_ATTEMPTS; i++) {
		fd = bpf_call(BPF_PROG_LOAD, &attr);
		if (fd != -EAGAIN)
			break;
	}
	if (fd < 0)
		return load_failed(&attr, -fd, err);
	*ret_fd = fd;
	return 0;
}

/* How many programs are attached, and their ids in `ids` (PROGRAMS_MAX of them); or a negative
 * errno. */
static int query_programs(int cgroup, uint32_t *ids)
{
	union bpf_attr attr;
	int r;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)cgroup;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = bpf_pointer(ids);
	attr.query.prog_cnt = PROGRAMS_MAX;
	r = bpf_call(BPF_PROG_QUERY, &attr);
	return r < 0 ? r : (int)attr.query.prog_cnt;
}

int bpf_count_device_programs(int cgroup)
{
	uint32_t ids[PROGRAMS_MAX];

	return query_programs(cgroup, ids);
}

static int program_open(uint32_t id)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_id = id;
	return bpf_call(BPF_PROG_GET_FD_BY_ID, &attr);
}

/* Gone since we looked (-ENOENT) is fine; so is one that we may not open (an LSM guards systemd's
 * own): a further program can only forbid more, never allow what ours forbids. */
static bool program_may_stay(int number)
{
	return number == -ENOENT || number == -EPERM || number == -EACCES;
}

static int program_detach(int cgroup, uint32_t id, struct error *err)
{
	union bpf_attr attr;
	auto_close int program = program_open(id);
	int r;

	if (program_may_stay(program)) {
		log_debug("device program %u stays: %s", id, error_name(-program));
		return 0;
	}
	if (program < 0)
		return error_errno(err, -program, "open the eBPF device program %u", id);

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)cgroup;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	r = bpf_call(BPF_PROG_DETACH, &attr);
	if (r < 0 && r != -ENOENT)
		return error_errno(err, -r, "detach the eBPF device program %u", id);
	return 0;
}

/* Attaches, in place of the program `replaced` unless that is negative. */
static int program_attach(int cgroup, int program, int replaced)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)cgroup;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (replaced >= 0) {
		attr.attach_flags |= BPF_F_REPLACE;
		attr.replace_bpf_fd = (uint32_t)replaced;
	}
	return bpf_call(BPF_PROG_ATTACH, &attr);
}

/* Puts the program in place of the first of `ids` that can be opened, which *ret_replaced tells
 * (`count`: none could). -ENOENT when the cgroup's programs changed meanwhile. */
static int attach_in_place(int cgroup, int program, const uint32_t *ids, int count,
			   int *ret_replaced)
{
	for (int i = 0; i < count; i++) {
		auto_close int old = program_open(ids[i]);
		int r;

		if (old == -EPERM || old == -EACCES)
			continue;
		if (old < 0)
			return old;
		r = program_attach(cgroup, program, old);
		if (r == 0)
			*ret_replaced = i;
		return r;
	}
	*ret_replaced = count;
	return program_attach(cgroup, program, -EBADF);
}

int bpf_attach_device_program(int cgroup, int program, struct error *err)
{
	uint32_t ids[PROGRAMS_MAX];
	int count = 0, replaced = 0, r = -ENOENT;

	for (int attempt = 0; r == -ENOENT && attempt < ATTACH_ATTEMPTS; attempt++) {
		count = query_programs(cgroup, ids);
		if (count < 0)
			return error_errno(err, -count, "ask for the cgroup's device programs");
		r = attach_in_place(cgroup, program, ids, count, &replaced);
	}
	if (r < 0) {
		(void)error_errno(err, -r, "attach the eBPF device program to the cgroup");
		if (r == -EPERM)
			(void)error_hint(err, "a parent cgroup may have a device program that "
					      "allows no others below it");
		return -err->number;
	}

	for (int i = 0; i < count; i++) {
		if (i == replaced)
			continue;
		r = program_detach(cgroup, ids[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}
