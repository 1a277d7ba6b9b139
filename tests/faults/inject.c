// SPDX-License-Identifier: Apache-2.0
/*
 * Runs a command and makes one system call of one of its processes fail, or kills that process
 * there.
 *
 *	inject --report FILE [--program NAME]... [--attach PID] [--timeout SECONDS] WHAT
 *	       -- COMMAND [ARG...]
 *
 * WHAT is one of
 *	--trace          nothing; every call is reported
 *	--process PATH --call N --errors TABLE --index K
 *	                 the N-th call of that process returns the K-th error that TABLE has for it
 *	--process PATH --call N --kill
 *	                 that process is killed (SIGKILL) on entry to it
 *	--every NAME[/ARGUMENT]=ERRNO ...
 *	                 each such call in each process fails (ARGUMENT: the first one's value)
 *
 * Processes are named by their descent, so that a name means the same in each run: the command is
 * 0, its first child 0.1, the first child of its second child 0.2.1; the process of --attach is
 * "init". Calls are counted from 1, the threads of a process together. A process that executes a
 * NAME (the container's program, the tools of others) is let go: what those do is not the
 * runtime's.
 *
 * TABLE has a line per call, "NAME ERRNO...", with numbers; with "NAME! ERRNO..." the call is done
 * and only its answer is another (close(2) closes, whatever it says). A call without a line has no
 * errors to be hit with.
 *
 * FILE gets, a line each:
 *	call PATH N NAME SITE       (--trace) SITE is a hash of where it is called from
 *	hit PATH N NAME WHAT COUNT  WHAT: the errno's number, "kill", or "none"; COUNT: how many
 *	                            errors the table has for it
 *	process PATH COUNT          at the end, the calls of each
 *	exit STATUS                 of the command: its exit status, or 128 + the signal
 *	late                        the time was up, and everything was killed
 *
 * It ends when the command has ended and the others have nothing more to do than to wait for
 * others. ptrace stops only the process that is asked for at its calls, and all are let go when the
 * point has been hit: a run costs little more than one without us, and thousands of points are a
 * matter of minutes.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <getopt.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* glibc 2.36 has the requests, but for this structure it would need linux/ptrace.h, which clashes.
 */
struct syscall_info {
	uint8_t op;
	uint8_t pad[3];
	uint32_t arch;
	uint64_t instruction_pointer, stack_pointer;
	union {
		struct {
			uint64_t nr, args[6];
		} entry;
		struct {
			int64_t value;
			uint8_t is_error;
		} exit;
	};
};

#define OP_ENTRY 1
#define OP_EXIT	 2

#define MAX_TASKS    512
#define MAX_CALLS    1024 /* greater than any number of a call */
#define MAX_ERRORS   16
#define MAX_EVERY    32
#define MAX_PROGRAMS 16
#define STACK_WORDS  96
#define SITE_FRAMES  4
#define ANY	     UINT64_MAX

#define OPTIONS                                                                                   \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | \
	 PTRACE_O_TRACEEXEC)

/* A process: its threads share one. */
struct process {
	pid_t tgid;
	char path[64];
	unsigned long calls, children;
	bool counting; /* false until the command has been executed, and once the container's
			  program has */
};

struct task {
	pid_t tid;
	struct process *process; /* NULL: stopped at its birth, before its maker has told of it */
	int error;		 /* what its present call is to return, or 0 */
	bool inside;		 /* in a call */
};

struct errors {
	int numbers[MAX_ERRORS];
	int count;
	bool after;
};

struct every {
	int nr, number;
	uint64_t argument;
};

static struct {
	FILE *report;
	const char *programs[MAX_PROGRAMS], *path;
	int program_count;
	unsigned long call;
	int index, timeout;
	pid_t attach, command;
	bool trace, kill, hit, ended;
	struct errors errors[MAX_CALLS];
	struct every every[MAX_EVERY];
	int every_count;
	struct process processes[MAX_TASKS];
	struct task tasks[MAX_TASKS];
	int process_count, status;
} inject;

static volatile sig_atomic_t late;

static void die(const char *what)
{
	fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
	exit(125);
}

/* Calls of ours that are newer than the libseccomp of some distributions. */
static const struct {
	const char *name;
	int nr;
} newer[] = {{"statmount", 457}, {"listmount", 458}};

static int number_of_call(const char *name)
{
	int nr = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, name);

	for (size_t i = 0; i < sizeof(newer) / sizeof(*newer) && nr < 0; i++)
		if (strcmp(name, newer[i].name) == 0)
			nr = newer[i].nr;
	return nr >= 0 && nr < MAX_CALLS ? nr : -1;
}

static const char *name_of_call(uint64_t nr)
{
	static char name[64];
	char *found =
		nr < MAX_CALLS ? seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, (int)nr) : NULL;

	snprintf(name, sizeof(name), "%s", found ? found : "unknown");
	for (size_t i = 0; i < sizeof(newer) / sizeof(*newer) && !found; i++)
		if (nr == (uint64_t)newer[i].nr)
			snprintf(name, sizeof(name), "%s", newer[i].name);
	free(found);
	return name;
}

/* ---- who is who ---- */

static struct task *task_find(pid_t tid)
{
	for (int i = 0; i < MAX_TASKS; i++)
		if (inject.tasks[i].tid == tid)
			return &inject.tasks[i];
	return NULL;
}

static struct task *task_new(pid_t tid, struct process *process)
{
	struct task *task = task_find(0);

	if (!task)
		die("too many tasks");
	*task = (struct task){.tid = tid, .process = process};
	return task;
}

static struct process *process_new(pid_t tgid, const struct process *parent, unsigned long child)
{
	struct process *process;

	if (inject.process_count == MAX_TASKS)
		die("too many processes");
	process = &inject.processes[inject.process_count++];
	*process = (struct process){.tgid = tgid, .counting = true};
	if (parent && snprintf(process->path, sizeof(process->path), "%s.%lu", parent->path,
			       child) >= (int)sizeof(process->path))
		die("too deep a descent");
	return process;
}

/* The thread group of a task; its own number when it is gone already. */
static pid_t tgid_of(pid_t tid)
{
	char path[64], line[256];
	pid_t tgid = tid;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	status = fopen(path, "re");
	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "Tgid: %d", &tgid) == 1)
			break;
	if (status)
		fclose(status);
	return tgid;
}

static bool comm_is(pid_t tid, const char *name)
{
	char path[64], comm[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", tid);
	file = fopen(path, "re");
	if (file && fgets(comm, sizeof(comm), file))
		comm[strcspn(comm, "\n")] = '\0';
	if (file)
		fclose(file);
	return strcmp(comm, name) == 0;
}

static bool is_let_go(pid_t tid)
{
	for (int i = 0; i < inject.program_count; i++)
		if (comm_is(tid, inject.programs[i]))
			return true;
	return false;
}

/* ---- going on ---- */

static bool wanted(const struct process *process)
{
	if (inject.trace || inject.every_count)
		return true;
	return strcmp(process->path, inject.path) == 0;
}

/* Everything is let go once the point has been hit, a task of the container's program at once. */
static void go_on(struct task *task, int signal)
{
	bool done = inject.hit || !task->process->counting;

	/* Not before the answer of its call has been put in place. */
	if (done && !task->error) {
		ptrace(PTRACE_DETACH, task->tid, 0, signal);
		task->tid = 0;
		return;
	}
	if (!task->error && !wanted(task->process))
		ptrace(PTRACE_CONT, task->tid, 0, signal);
	else
		ptrace(PTRACE_SYSCALL, task->tid, 0, signal);
}

static void adopt(struct task *maker, pid_t tid)
{
	struct task *task = task_find(tid);
	bool waits = task != NULL;
	pid_t tgid = tgid_of(tid);

	if (!task)
		task = task_new(tid, NULL);
	if (tgid == maker->process->tgid)
		task->process = maker->process;
	else
		task->process = process_new(tgid, maker->process, ++maker->process->children);
	if (waits)
		go_on(task, 0);
}

/* ---- where from ---- */

struct range {
	uint64_t begin, end;
};

static int text_ranges(pid_t tid, struct range *ranges, int size)
{
	char path[64], line[512], mode[8];
	int count = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", tid);
	maps = fopen(path, "re");
	while (maps && count < size && fgets(line, sizeof(line), maps)) {
		struct range *range = &ranges[count];

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &range->begin, &range->end, mode) ==
			    3 &&
		    mode[2] == 'x' && !strstr(line, "[v"))
			count++;
	}
	if (maps)
		fclose(maps);
	return count;
}

/* What looks like a return address on the stack is good enough to tell one place from another. */
static uint64_t site_of(pid_t tid, const struct syscall_info *info)
{
	uint64_t words[STACK_WORDS] = {0}, hash = 0xcbf29ce484222325 ^ info->instruction_pointer;
	struct iovec local = {words, sizeof(words)};
	struct iovec remote = {(void *)(uintptr_t)info->stack_pointer, sizeof(words)};
	struct range ranges[64];
	int count = text_ranges(tid, ranges, 64), frames = 0;

	if (process_vm_readv(tid, &local, 1, &remote, 1, 0) < 0)
		return hash;
	for (int i = 0; i < STACK_WORDS && frames < SITE_FRAMES; i++) {
		for (int j = 0; j < count; j++) {
			if (words[i] < ranges[j].begin || words[i] >= ranges[j].end)
				continue;
			hash = (hash ^ words[i]) * 0x100000001b3;
			frames++;
		}
	}
	return hash;
}

/* ---- the calls ---- */

static void set_answer(struct task *task, bool skip, int error)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, task->tid, 0, &regs) < 0)
		return; /* it has been killed */
	if (skip)
		regs.orig_rax = (unsigned long long)-1;
	else
		regs.rax = (unsigned long long)-error;
	ptrace(PTRACE_SETREGS, task->tid, 0, &regs);
}

static void hit_call(struct task *task, uint64_t nr)
{
	struct process *process = task->process;
	const struct errors *errors = &inject.errors[nr < MAX_CALLS ? nr : 0];

	inject.hit = true;
	fprintf(inject.report, "hit %s %lu %s ", process->path, process->calls, name_of_call(nr));
	if (inject.kill) {
		fprintf(inject.report, "kill 1\n");
		kill(process->tgid, SIGKILL);
		return;
	}
	if (nr >= MAX_CALLS || inject.index >= errors->count) {
		fprintf(inject.report, "none %d\n", nr < MAX_CALLS ? errors->count : 0);
		return;
	}
	task->error = errors->numbers[inject.index];
	fprintf(inject.report, "%d %d\n", task->error, errors->count);
	if (!errors->after)
		set_answer(task, true, 0);
}

static void call_begins(struct task *task, const struct syscall_info *info)
{
	struct process *process = task->process;

	task->inside = true;
	if (!process->counting)
		return;
	process->calls++;
	if (inject.trace)
		fprintf(inject.report, "call %s %lu %s %016" PRIx64 "\n", process->path,
			process->calls, name_of_call(info->entry.nr), site_of(task->tid, info));
	for (int i = 0; i < inject.every_count; i++) {
		const struct every *every = &inject.every[i];

		if ((uint64_t)every->nr != info->entry.nr ||
		    (every->argument != ANY && every->argument != info->entry.args[0]))
			continue;
		task->error = every->number;
		set_answer(task, true, 0);
		return;
	}
	if (!inject.hit && inject.path && strcmp(process->path, inject.path) == 0 &&
	    process->calls == inject.call)
		hit_call(task, info->entry.nr);
}

static void at_call(struct task *task)
{
	struct syscall_info info = {0};

	if (ptrace(PTRACE_GET_SYSCALL_INFO, task->tid, sizeof(info), &info) < 0)
		return;
	if (info.op == OP_ENTRY) {
		call_begins(task, &info);
		return;
	}
	task->inside = false;
	if (task->error)
		set_answer(task, false, task->error);
	task->error = 0;
}

/* ---- the stops ---- */

static void at_exec(struct task *task)
{
	struct process *process = task->process;

	/* Of several threads the one that executes takes the place of the first. */
	for (int i = 0; i < MAX_TASKS; i++)
		if (&inject.tasks[i] != task && inject.tasks[i].process == process)
			inject.tasks[i] = (struct task){0};
	if (is_let_go(task->tid))
		process->counting = false;
	else if (process->tgid == inject.command)
		process->counting = true;
}

static void at_stop(struct task *task, int status)
{
	int signal = WSTOPSIG(status), event = status >> 16;
	unsigned long message = 0;

	if (signal == (SIGTRAP | 0x80)) {
		at_call(task);
		go_on(task, 0);
		return;
	}
	switch (event) {
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		if (ptrace(PTRACE_GETEVENTMSG, task->tid, 0, &message) == 0)
			adopt(task, (pid_t)message);
		go_on(task, 0);
		return;
	case PTRACE_EVENT_EXEC:
		at_exec(task);
		go_on(task, 0);
		return;
	case PTRACE_EVENT_STOP:
		/* A stop of the whole process is to last; any other is only our attaching. */
		if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN ||
		    signal == SIGTTOU)
			ptrace(PTRACE_LISTEN, task->tid, 0, 0);
		else
			go_on(task, 0);
		return;
	default:
		go_on(task, event ? 0 : signal);
	}
}

static void at_wait(pid_t tid, int status)
{
	struct task *task = task_find(tid);

	if (WIFSTOPPED(status)) {
		unsigned long former = 0;

		if (!task && status >> 16 == PTRACE_EVENT_EXEC &&
		    ptrace(PTRACE_GETEVENTMSG, tid, 0, &former) == 0) {
			task = task_find((pid_t)former);
			if (task)
				task->tid = tid;
		}
		if (!task)
			task_new(tid, NULL); /* stays where it is until its maker tells */
		else if (task->process)
			at_stop(task, status);
		return;
	}
	if (tid == inject.command) {
		inject.ended = true;
		inject.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
	if (task)
		*task = (struct task){0};
}

static bool sleeps(pid_t tid)
{
	char path[64], text[512], *end;
	bool asleep = true; /* or gone */
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	stat = fopen(path, "re");
	if (stat && fgets(text, sizeof(text), stat) && (end = strrchr(text, ')')))
		asleep = end[2] == 'S' || end[2] == 'Z' || end[2] == 'X';
	if (stat)
		fclose(stat);
	return asleep;
}

/* Whether nothing more is to be seen: what is left of those that we watch waits for others. */
static bool settled(void)
{
	if (inject.hit && inject.ended) {
		/* The answer that is owed. */
		for (int i = 0; i < MAX_TASKS; i++)
			if (inject.tasks[i].tid && inject.tasks[i].error)
				return false;
		return true;
	}
	if (!inject.ended)
		return false;
	for (int i = 0; i < MAX_TASKS; i++) {
		const struct task *task = &inject.tasks[i];

		if (!task->tid ||
		    (task->process && (!wanted(task->process) || !task->process->counting)))
			continue;
		if (!task->process || !task->inside || !sleeps(task->tid))
			return false;
	}
	return true;
}

static void watch(void)
{
	const struct timespec pause = {.tv_nsec = 500000};

	while (!late && !settled()) {
		int status;
		pid_t tid = waitpid(-1, &status, __WALL | (inject.ended ? WNOHANG : 0));

		if (tid > 0)
			at_wait(tid, status);
		else if (tid < 0 && errno == ECHILD)
			break;
		else if (tid == 0)
			nanosleep(&pause, NULL);
	}
}

/* ---- the beginning ---- */

static void on_alarm(int number)
{
	(void)number;
	late = 1;
}

static void read_errors(const char *path)
{
	char line[512], *save, *word;
	FILE *table = fopen(path, "re");

	if (!table)
		die(path);
	while (fgets(line, sizeof(line), table)) {
		struct errors *errors;
		size_t length;
		int nr;

		word = strtok_r(line, " \n", &save);
		if (!word)
			continue;
		length = strlen(word);
		if (word[length - 1] == '!')
			word[length - 1] = '\0';
		nr = number_of_call(word);
		if (nr < 0)
			continue; /* newer than libseccomp, or of another machine */
		errors = &inject.errors[nr];
		errors->after = strlen(word) != length;
		while ((word = strtok_r(NULL, " \n", &save)) && errors->count < MAX_ERRORS)
			errors->numbers[errors->count++] = atoi(word);
	}
	fclose(table);
}

static void read_every(char *text)
{
	char *number = strchr(text, '='), *argument = strchr(text, '/');
	struct every *every = &inject.every[inject.every_count++];

	if (!number || inject.every_count == MAX_EVERY) {
		errno = EINVAL;
		die(text);
	}
	*number++ = '\0';
	every->argument = ANY;
	if (argument) {
		*argument++ = '\0';
		every->argument = strtoull(argument, NULL, 0);
	}
	every->nr = number_of_call(text);
	every->number = atoi(number);
	if (every->nr < 0) {
		errno = ENOSYS;
		die(text);
	}
}

static void read_option(int option, char *value)
{
	switch (option) {
	case 'r':
		inject.report = fopen(value, "we");
		if (!inject.report)
			die(value);
		break;
	case 'g':
		if (inject.program_count < MAX_PROGRAMS)
			inject.programs[inject.program_count++] = value;
		break;
	case 'a':
		inject.attach = atoi(value);
		break;
	case 'o':
		inject.timeout = atoi(value);
		break;
	case 't':
		inject.trace = true;
		break;
	case 'p':
		inject.path = value;
		break;
	case 'c':
		inject.call = strtoul(value, NULL, 10);
		break;
	case 'e':
		read_errors(value);
		break;
	case 'i':
		inject.index = atoi(value);
		break;
	case 'k':
		inject.kill = true;
		break;
	case 'v':
		read_every(value);
		break;
	default:
		exit(125);
	}
}

static void seize(pid_t pid, const char *path)
{
	struct process *process = process_new(pid, NULL, 0);

	snprintf(process->path, sizeof(process->path), "%s", path);
	task_new(pid, process);
	if (ptrace(PTRACE_SEIZE, pid, 0, OPTIONS) < 0)
		die("attach");
}

/* The command waits for us to be attached. Its addresses are to be the same in each run. */
static void start_command(char **argv)
{
	int ends[2];
	char byte = 0;

	if (pipe2(ends, O_CLOEXEC) < 0)
		die("pipe");
	fflush(NULL);
	inject.command = fork();
	if (inject.command < 0)
		die("fork");
	if (inject.command == 0) {
		close(ends[1]);
		while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
			;
		personality(ADDR_NO_RANDOMIZE);
		execvp(argv[0], argv);
		_exit(127);
	}
	seize(inject.command, "0");
	inject.processes[inject.process_count - 1].counting = false; /* until its execve */
	close(ends[0]);
	close(ends[1]);
}

static void kill_all(void)
{
	for (int i = 0; i < MAX_TASKS; i++)
		if (inject.tasks[i].tid && inject.tasks[i].process &&
		    inject.tasks[i].tid != inject.attach)
			kill(inject.tasks[i].tid, SIGKILL);
	if (!inject.ended)
		kill(inject.command, SIGKILL);
	fprintf(inject.report, "late\n");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"report", required_argument, NULL, 'r'}, {"program", required_argument, NULL, 'g'},
		{"attach", required_argument, NULL, 'a'}, {"timeout", required_argument, NULL, 'o'},
		{"trace", no_argument, NULL, 't'},	  {"process", required_argument, NULL, 'p'},
		{"call", required_argument, NULL, 'c'},	  {"errors", required_argument, NULL, 'e'},
		{"index", required_argument, NULL, 'i'},  {"kill", no_argument, NULL, 'k'},
		{"every", required_argument, NULL, 'v'},  {NULL, 0, NULL, 0},
	};
	const struct sigaction on_late = {.sa_handler = on_alarm};
	int option;

	inject.timeout = 60;
	while ((option = getopt_long(argc, argv, "+", options, NULL)) >= 0)
		read_option(option, optarg);
	if (!inject.report || optind == argc ||
	    (!inject.path && !inject.trace && !inject.every_count)) {
		fprintf(stderr, "inject: see the head of inject.c for its use\n");
		return 125;
	}
	sigaction(SIGALRM, &on_late, NULL);
	alarm((unsigned int)inject.timeout);
	start_command(argv + optind);
	if (inject.attach) {
		seize(inject.attach, "init");
		/* It is in a call already; from the end of that on it is seen. */
		ptrace(PTRACE_INTERRUPT, inject.attach, 0, 0);
	}
	watch();
	if (late)
		kill_all();
	for (int i = 0; i < inject.process_count; i++)
		fprintf(inject.report, "process %s %lu\n", inject.processes[i].path,
			inject.processes[i].calls);
	fprintf(inject.report, "exit %d\n", inject.status);
	fclose(inject.report);
	return 0;
}
