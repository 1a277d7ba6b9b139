/* SPDX-License-Identifier: Apache-2.0 */
/* What the plan decides itself; its parts have suites of their own. */
#include "container/plan.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "oci-spec/oci-spec.h"
#include "suite.h"

#define CONFIG(process, linux)                                                                   \
	"{\"ociVersion\": \"1.3.0\", \"root\": {\"path\": \".\"}" process ", \"linux\": {" linux \
	"\"namespaces\": [{\"type\": \"mount\"}]}}"
#define PROCESS(more)                                                                     \
	", \"process\": {" more "\"cwd\": \"/\", \"args\": [\"sh\"], \"env\": [\"A=1\"]," \
	" \"user\": {\"uid\": 0, \"gid\": 0}}"

/* Decoded, and planned with these options. */
struct made {
	struct oci_document *document;
	struct plan plan;
	struct error err;
	int r;
};

static void make(struct made *made, const char *text, const struct plan_options *options)
{
	struct oci_report report = {.problem = NULL};

	*made = (struct made){.document = NULL};
	ck_assert_int_eq(oci_config_decode(text, strlen(text), &report, &made->document), 0);
	made->r = plan_make(oci_document_config(made->document), options, &made->plan, &made->err);
}

static void clear(struct made *made)
{
	if (made->r == 0)
		plan_clear(&made->plan);
	oci_document_free(made->document);
}

static void refused(const char *text, const struct plan_options *options, const char *field,
		    int number, const char *message, const char *hint)
{
	struct made made;

	make(&made, text, options);
	ck_assert_int_eq(made.r, -number);
	ck_assert_error(&made.err, number, field, message, hint);
	clear(&made);
}

static const struct plan_options plain = {
	.id = "c1",
	.bundle = "/tmp",
	.cgroup_manager = CGROUP_MANAGER_DISABLED,
	.detach = true,
};

START_TEST(environment)
{
	struct plan_options options = plain;
	struct made made;

	make(&made, CONFIG(PROCESS(""), ""), &options);
	ck_assert_msg(made.r == 0, "%s", made.err.message);
	ck_assert_uint_eq(made.plan.env.count, 1);
	ck_assert_ptr_eq(made.plan.env.items, made.plan.process->env.items);
	ck_assert(plan_has(&made.plan, CLONE_NEWNS));
	ck_assert(!plan_has(&made.plan, CLONE_NEWPID));
	clear(&made);

	options.listen_fds = 3;
	make(&made, CONFIG(PROCESS(""), ""), &options);
	ck_assert_int_eq(made.r, 0);
	ck_assert_uint_eq(made.plan.env.count, 3);
	ck_assert_str_eq(made.plan.env.items[0], "A=1");
	ck_assert_str_eq(made.plan.env.items[1], "LISTEN_FDS=3");
	ck_assert_str_eq(made.plan.env.items[2], "LISTEN_PID=1");
	clear(&made);
}
END_TEST

START_TEST(terminal)
{
	struct plan_options options = plain;
	struct made made;

	refused(CONFIG(PROCESS("\"terminal\": true, "), ""), &options, "process.terminal", EINVAL,
		"cannot allocate tty if knarr will detach without setting console socket",
		"give --console-socket, or set process.terminal to false");
	options.console_socket = "/s";
	make(&made, CONFIG(PROCESS("\"terminal\": true, "), ""), &options);
	ck_assert_int_eq(made.r, 0);
	clear(&made);
	refused(CONFIG(PROCESS(""), ""), &options, "process.terminal", EINVAL,
		"cannot use console socket if knarr will not detach or allocate tty", "");
	options.detach = false;
	refused(CONFIG(PROCESS("\"terminal\": true, "), ""), &options, "process.terminal", EINVAL,
		"cannot use console socket if knarr will not detach or allocate tty", "");
	options.console_socket = NULL;
	make(&made, CONFIG(PROCESS("\"terminal\": true, "), ""), &options);
	ck_assert_int_eq(made.r, 0);
	clear(&made);
}
END_TEST

START_TEST(no_process)
{
	struct error err = ERROR_INIT;
	struct made made;

	make(&made, CONFIG("", ""), &plain);
	ck_assert_int_eq(made.r, 0);
	ck_assert_uint_eq(made.plan.process->args.count, 0);
	ck_assert_int_eq(plan_check_startable(made.plan.config, &err), -EINVAL);
	ck_assert_error(&err, EINVAL, "process", "there is no process to run", "");
	clear(&made);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {environment, terminal, no_process};

	return suite_run("plan", tests, suite_count(tests));
}
