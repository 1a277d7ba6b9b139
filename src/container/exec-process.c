/* SPDX-License-Identifier: Apache-2.0 */
#include "container/exec-process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/path.h"
#include "base/text.h"
#include "isolate/capabilities.h"
#include "oci-spec/oci-spec.h"

void exec_process_clear(struct exec_process *process)
{
	bundle_clear(&process->file);
	free(process->env);
	free(process->gids);
	for (size_t i = 0; i < array_size(process->sets); i++)
		free(process->sets[i]);
	*process = (struct exec_process){.file = BUNDLE_INIT};
}

/* Two lists, one behind the other; the strings stay where they are. */
static int exec_join(const struct oci_strings *a, const struct oci_strings *b, char ***ret_items)
{
	char **items = calloc(a->count + b->count + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < a->count; i++)
		items[i] = a->items[i];
	for (size_t i = 0; i < b->count; i++)
		items[a->count + i] = b->items[i];
	*ret_items = items;
	return 0;
}

/* "UID" or "UID:GID", all of it; without a gid the container's stays. */
static int exec_user(const char *text, struct oci_user *user, struct error *err)
{
	const char *colon = strchr(text, ':');
	char uid[16];
	size_t length = colon ? (size_t)(colon - text) : strlen(text);

	if (length >= sizeof(uid))
		return error_set(err, ERANGE, "--user %s: that is not a user id", text);
	memcpy(uid, text, length);
	uid[length] = '\0';
	if (text_parse_id(uid, &user->uid) < 0)
		return error_set(err, EINVAL, "--user %s: \"%s\" is not a user id", text, uid);
	if (colon && text_parse_id(colon + 1, &user->gid) < 0)
		return error_set(err, EINVAL, "--user %s: \"%s\" is not a group id", text,
				 colon + 1);
	return 0;
}

static int exec_gids(const struct exec_request *request, struct exec_process *process)
{
	struct oci_u32s *gids = &process->process.user.additional_gids;
	size_t count = gids->count + request->additional_gids.count;

	if (request->additional_gids.count == 0)
		return 0;
	process->gids = calloc(count, sizeof(*process->gids));
	if (!process->gids)
		return -ENOMEM;
	if (gids->count)
		memcpy(process->gids, gids->items, gids->count * sizeof(*gids->items));
	memcpy(process->gids + gids->count, request->additional_gids.items,
	       request->additional_gids.count * sizeof(*gids->items));
	*gids = (struct oci_u32s){process->gids, count};
	return 0;
}

/* Into bounding, effective and permitted; ambient only when the container has inheritable ones at
 * all. Never into inheritable (CVE-2022-29162). */
static int exec_capabilities(const struct exec_request *request, struct exec_process *process,
			     struct error *err)
{
	struct oci_strings *sets[] = {
		&process->capabilities.bounding,
		&process->capabilities.effective,
		&process->capabilities.permitted,
		&process->capabilities.ambient,
	};
	size_t count = process->capabilities.inheritable.count ? 4 : 3;
	int r = 0;

	/* In a configuration unknown names are only warned of, as the specification asks for; on
	 * the command line they are a slip. */
	for (size_t i = 0; i < request->capabilities.count; i++)
		if (oci_capability_find(request->capabilities.items[i]) < 0)
			return error_set(err, EINVAL, "--cap %s: there is no such capability",
					 request->capabilities.items[i]);
	if (request->capabilities.count == 0)
		return 0;
	for (size_t i = 0; r == 0 && i < count; i++) {
		r = exec_join(sets[i], &request->capabilities, &process->sets[i]);
		if (r == 0)
			*sets[i] = (struct oci_strings){
				process->sets[i], sets[i]->count + request->capabilities.count};
	}
	process->process.capabilities = &process->capabilities;
	return r < 0 ? error_errno(err, -r, "prepare the process") : 0;
}

static int exec_from_flags(const struct exec_request *request, const struct oci_process *container,
			   struct exec_process *process, struct error *err)
{
	struct oci_process *own = &process->process;
	int r = 0;

	*own = *container;
	own->console_size = NULL;
	own->args = request->args;
	own->terminal = request->tty;
	if (request->no_new_privileges.set)
		own->no_new_privileges = request->no_new_privileges.value;
	if (container->capabilities)
		process->capabilities = *container->capabilities;
	if (request->cwd)
		own->cwd = (char *)(uintptr_t)request->cwd;
	if (request->apparmor)
		own->apparmor_profile = (char *)(uintptr_t)request->apparmor;
	if (request->label)
		own->selinux_label = (char *)(uintptr_t)request->label;
	if (request->user)
		r = exec_user(request->user, &own->user, err);
	if (r < 0)
		return r;
	if (own->cwd[0] != '/')
		return error_set(err, EINVAL, "--cwd %s: that is not an absolute path", own->cwd);
	r = exec_join(&container->env, &request->env, &process->env);
	if (r == 0) {
		own->env = (struct oci_strings){process->env,
						container->env.count + request->env.count};
		r = exec_gids(request, process);
	}
	return r < 0 ? error_errno(err, -r, "prepare the process")
		     : exec_capabilities(request, process, err);
}

struct exec_problems {
	const char *name;
	struct error *err;
	size_t errors;
};

static void exec_problem(void *data, const struct oci_problem *problem)
{
	struct exec_problems *problems = data;

	if (problem->severity != OCI_ERROR || problems->errors++ > 0)
		return;
	error_set(problems->err, EINVAL, "%s:%u:%u: %s%s%s", problems->name, problem->line,
		  problem->column, problem->path, problem->path[0] ? ": " : "", problem->message);
}

/* What the file does not say of is the container's, as with runc. */
static void exec_inherit(const struct oci_process *container, struct oci_process *own)
{
	if (!own->capabilities)
		own->capabilities = container->capabilities;
	if (own->rlimits.count == 0)
		own->rlimits = container->rlimits;
	if (!own->apparmor_profile)
		own->apparmor_profile = container->apparmor_profile;
	if (!own->selinux_label)
		own->selinux_label = container->selinux_label;
	if (!own->scheduler)
		own->scheduler = container->scheduler;
	if (!own->io_priority)
		own->io_priority = container->io_priority;
	if (!own->exec_cpu_affinity)
		own->exec_cpu_affinity = container->exec_cpu_affinity;
}

static int exec_from_file(const struct exec_request *request, const struct oci_process *container,
			  struct exec_process *process, struct error *err)
{
	struct exec_problems problems = {.name = path_basename(request->process_file), .err = err};
	struct oci_report report = {.problem = exec_problem, .data = &problems};
	struct bundle *file = &process->file;
	/* Of whatever type: shells hand down pipes. */
	auto_close int fd = open(request->process_file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int r = fd < 0 ? -errno : io_read_all(fd, OCI_SIZE_MAX, &file->text, &file->length);

	if (r < 0)
		return error_errno(err, -r, "read --process %s", request->process_file);
	file->name = problems.name;
	r = oci_process_decode(file->text, file->length, &report, &file->document);
	if (r == 0)
		(void)oci_process_check(oci_document_process(file->document), file->text,
					file->length, &report);
	if (problems.errors > 0)
		return -EINVAL;
	if (r < 0)
		return error_errno(err, -r, "decode --process %s", request->process_file);
	process->process = *oci_document_process(file->document);
	exec_inherit(container, &process->process);
	return 0;
}

int exec_process_make(const struct exec_request *request, const struct oci_process *container,
		      struct exec_process *ret_process, struct error *err)
{
	struct exec_process process = {.file = BUNDLE_INIT};
	int r;

	r = request->process_file ? exec_from_file(request, container, &process, err)
				  : exec_from_flags(request, container, &process, err);
	if (r == 0 && process.process.args.count == 0) {
		r = error_set(err, EINVAL, "there is no program to execute");
		error_at(err, "process.args");
	}
	*ret_process = process;
	/* The set may point into the local copy. */
	if (process.process.capabilities == &process.capabilities)
		ret_process->process.capabilities = &ret_process->capabilities;
	return r;
}

int exec_process_locate(const struct exec_process *process, struct error *err)
{
	static const char prefix[] = "process.";

	if (process->file.text && text_starts_with(err->field, prefix)) {
		memmove(err->field, err->field + sizeof(prefix) - 1,
			strlen(err->field) - (sizeof(prefix) - 1) + 1);
		return bundle_locate(&process->file, err);
	}
	/* The text of the command line has no lines; what is wrong is in the message. */
	err->field[0] = '\0';
	return -err->number;
}
