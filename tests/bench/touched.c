// SPDX-License-Identifier: Apache-2.0
/*
 * Says which instructions of a static position-independent executable are executed: contrib/layout
 * makes from it the order in which the linker lays out the functions.
 *
 * Every process of the command goes step by step until it executes another program or ends. When
 * the command itself ends, all that is left of it is killed.
 *
 * usage: touched OUT PROGRAM [ARG...]
 *	OUT	gets a line for each instruction, at its first execution: the address as the
 *		executable has it, in hexadecimal
 * Exits with the command's status, 128 + the signal, or 125 where tracing failed.
 */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRACING_FAILED 125
#define MAX_IMAGE      (16U << 20)
#define MAX_PROCESSES  64

static const long trace_options = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
				  PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;

struct tracer {
	FILE *out;
	uintptr_t base;
	unsigned char *seen;	   /* MAX_IMAGE */
	pid_t left[MAX_PROCESSES]; /* that execute another program */
	size_t left_count;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "touched: %s: %s\n", what, strerror(errno));
	exit(TRACING_FAILED);
}

/* Where the kernel has put it: the entry point it tells the program, less the file's own. */
static uintptr_t find_base(const char *program, pid_t pid)
{
	char path[64];
	Elf64_Ehdr header;
	Elf64_auxv_t word;
	uintptr_t base = 0;
	FILE *file = fopen(program, "re");

	if (!file || fread(&header, sizeof(header), 1, file) != 1)
		die(program);
	fclose(file);
	snprintf(path, sizeof(path), "/proc/%d/auxv", pid);
	file = fopen(path, "re");
	while (file && fread(&word, sizeof(word), 1, file) == 1)
		if (word.a_type == AT_ENTRY)
			base = word.a_un.a_val - header.e_entry;
	if (!file || base == 0)
		die(path);
	fclose(file);
	return base;
}

static pid_t begin(struct tracer *tracer, char **argv)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 && raise(SIGSTOP) == 0)
			execv(argv[0], argv);
		_exit(TRACING_FAILED);
	}
	if (waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, trace_options) < 0 ||
	    ptrace(PTRACE_CONT, pid, NULL, NULL) < 0)
		die("trace");
	/* Its execve. */
	if (waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status))
		die(argv[0]);
	tracer->base = find_base(argv[0], pid);
	return pid;
}

static void note(struct tracer *tracer, pid_t pid)
{
	long ip = ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user_regs_struct, rip), NULL);
	uintptr_t offset = (uintptr_t)ip - tracer->base;

	if (offset >= MAX_IMAGE || tracer->seen[offset])
		return;
	tracer->seen[offset] = 1;
	fprintf(tracer->out, "%lx\n", (unsigned long)offset);
}

static int has_left(const struct tracer *tracer, pid_t pid)
{
	for (size_t i = 0; i < tracer->left_count; i++)
		if (tracer->left[i] == pid)
			return 1;
	return 0;
}

static void go_on(struct tracer *tracer, pid_t pid, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;

	if (event == PTRACE_EVENT_EXEC && tracer->left_count < MAX_PROCESSES)
		tracer->left[tracer->left_count++] = pid;
	/* The steps', and the stop at which a new process begins. */
	if (sig == SIGTRAP || sig == SIGSTOP)
		sig = 0;
	if (has_left(tracer, pid)) {
		ptrace(PTRACE_CONT, pid, NULL, (long)sig);
		return;
	}
	if (event == 0)
		note(tracer, pid);
	ptrace(PTRACE_SINGLESTEP, pid, NULL, (long)sig);
}

int main(int argc, char **argv)
{
	struct tracer tracer = {.seen = calloc(1, MAX_IMAGE)};
	pid_t pid, first;
	int status;

	if (argc < 3) {
		fprintf(stderr, "usage: touched OUT PROGRAM [ARG...]\n");
		return 2;
	}
	tracer.out = fopen(argv[1], "we");
	if (!tracer.out || !tracer.seen)
		die(argv[1]);
	first = begin(&tracer, argv + 2);
	ptrace(PTRACE_SINGLESTEP, first, NULL, NULL);
	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status))
			go_on(&tracer, pid, status);
		else if (pid == first)
			break;
	}
	if (pid < 0 || fclose(tracer.out) != 0)
		die(argv[1]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
