/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A restore is a creation whose init is made by criu: claim, intent and cgroup come first, so that
 * whatever is left after a crash is found and removed as always; criu works inside of the new
 * cgroup, and makes init as the runtime's own child. When all processes are there, but before any
 * of them goes on, the state and the pid file are written.
 *
 * criu mounts for itself, in a mount namespace of its own, which is a copy of the host's: there the
 * root is a mount of its own, as it demands, and all of it goes with that namespace.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/path.h"
#include "container/checkpoint/mounts.h"
#include "container/checkpoint/checkpoint.h"
#include "container/creation/creation.h"
#include "container/criu/criu.h"
#include "container/foreground.h"
#include "container/join.h"
#include "container/checkpoint/restore-mounts.h"
#include "container/run.h"
#include "kernel/channel.h"
#include "kernel/mountfd.h"
#include "kernel/process.h"
#include "kernel/program.h"
#include "kernel/resolve.h"
#include "kernel/syscalls.h"
#include "oci-spec/tables.h"

#define RESTORE_CHILD_MS  60000
#define RESTORE_NAMES_MAX (1u << 20)
/* Below the state directory; a directory in it is where the root is for criu. */
#define RESTORE_ROOT "criu-root"
/* And one where is what was mounted below binds. */
#define RESTORE_BELOW "criu-below"

struct restore {
	const struct restore_request *request;
	struct creation creation;
	struct criu_places places;
	struct text options;
	struct criu criu;
	char root[PATH_MAX];  /* the mount point */
	char below[PATH_MAX]; /* another one */
	struct restore_belows belows;
	int namespaces[NAMESPACES_MAX];
	size_t namespace_count;
	bool managed; /* criu makes cgroups below the container's (criu_cgroup_find_mode()) */
	bool restored;
};

static void restore_clear(struct restore *restore)
{
	criu_end(&restore->criu);
	text_clear(&restore->options);
	restore_belows_clear(&restore->belows);
	criu_close_places(&restore->places);
	for (size_t i = 0; i < restore->namespace_count; i++)
		fd_close(restore->namespaces[i]);
	creation_end(&restore->creation);
}

/* ---- the root, and what is mounted on ---- */

/* In a process of its own: a copy of the host's mounts, with the root as one more. */
static int restore_enter_copy(const struct restore *restore)
{
	struct mount_attr slave = {.propagation = MS_SLAVE};
	struct error err = ERROR_INIT;
	auto_close int root = -EBADF, target = -EBADF;
	int r;

	if (unshare(CLONE_NEWNS) < 0)
		return -errno;
	r = sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &slave);
	if (r == 0)
		r = mountfd_clone(AT_FDCWD, restore->creation.plan.rootfs.path, true, false, &root,
				  &err);
	if (r < 0)
		return r;
	target = open(restore->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return target < 0 ? -errno : mountfd_attach(root, target);
}

/* On a tmpfs of the container everything comes from the images. */
static bool restore_is_on_tmpfs(const struct oci_mounts *mounts, const char *destination)
{
	for (size_t i = 0; i < mounts->count; i++)
		if (mounts->items[i].type && strcmp(mounts->items[i].type, "tmpfs") == 0 &&
		    strcmp(mounts->items[i].destination, destination) != 0 &&
		    path_is_below(destination, mounts->items[i].destination))
			return true;
	return false;
}

/* Makes what a mount of the configuration needs; a bind is mounted, for others may be below it. */
static int restore_make_point(const struct mounts_plan *plan, size_t index, int root,
			      struct error *err)
{
	const struct mounts_step *step = &plan->steps[index];
	const struct mounts_context context = {.root = root, .sources = {.channel = -EBADF}};
	struct mounts_plan one = *plan;
	auto_close int fd = -EBADF;

	one.steps = &plan->steps[index];
	one.count = 1;
	if (step->kind == MOUNTS_BIND)
		return mounts_apply(&one, &context, err);
	if (step->kind != MOUNTS_FILESYSTEM)
		return 0;
	if (resolve_make_directory(root, step->config->destination, &fd, err) < 0)
		return error_at(err, "mounts[%zu]", index);
	return 0;
}

static int restore_make_points(const struct restore *restore, struct error *err)
{
	const struct plan *plan = &restore->creation.plan;
	auto_close int root = -EBADF;
	int r = restore_enter_copy(restore);

	if (r < 0)
		return error_errno(err, -r, "prepare the root filesystem");
	root = open(restore->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return error_errno(err, errno, "open the root filesystem");
	for (size_t i = 0; r == 0 && i < plan->mounts.count; i++)
		if (!restore_is_on_tmpfs(&plan->config->mounts,
					 plan->mounts.steps[i].config->destination))
			r = restore_make_point(&plan->mounts, i, root, err);
	return r;
}

struct restore_child {
	int (*run)(const struct restore *restore, struct error *err);
	const char *doing;
};

/* Something in a process of its own. */
static int restore_fork(const struct restore *restore, const struct restore_child *child,
			struct error *err)
{
	struct channel_message message = {.word = 1};
	auto_close int ours = -EBADF, theirs = -EBADF;
	int ends[2], pidfd = -EBADF, status, r;
	pid_t pid;

	r = channel_open(ends);
	if (r < 0)
		return error_errno(err, -r, "make a channel");
	ours = ends[0];
	theirs = ends[1];
	pid = process_fork(CLONE_CLEAR_SIGHAND, -1, &pidfd);
	if (pid < 0)
		return error_errno(err, -pid, "start a process to %s", child->doing);
	if (pid == 0) {
		(void)child->run(restore, &message.error);
		(void)channel_send(theirs, &message, -1);
		_exit(0);
	}
	theirs = fd_close(theirs);
	r = channel_recv(ours, pidfd, process_now() + RESTORE_CHILD_MS, &message, NULL);
	(void)program_end(&pidfd, r < 0 ? 0 : RESTORE_CHILD_MS, &status);
	if (r < 0)
		return error_errno(err, -r, "%s", child->doing);
	if (message.error.number == 0)
		return 0;
	*err = message.error;
	return -err->number;
}

/* Mount points that the root does not have: an engine restores into a new one. */
static int restore_prepare_root(const struct restore *restore, struct error *err)
{
	const struct restore_child child = {restore_make_points, "prepare the root filesystem"};

	return restore_fork(restore, &child, err);
}

/*
 * Of two mounts of the same thing with the same attributes criu sets those of the first one only
 * (seen with 4.1): a second read-only volume could be written to, and so could the host's null
 * device through a mask.
 */
static int restore_protect(const struct restore *restore, struct error *err)
{
	const struct plan *plan = &restore->creation.plan;
	auto_close int root = -EBADF;
	uint64_t types;
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/root", (int)restore->creation.birth.pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return error_errno(err, errno, "open the container's root");
	r = join_find_namespaces(restore->creation.birth.pid, 0, &types, err);
	if (r < 0 || !(types & CLONE_NEWNS))
		return r;
	r = join_enter(restore->creation.birth.pidfd, types, err);
	if (r == 0)
		r = mounts_reapply(&plan->mounts, root, err);
	return r < 0 ? r : rootfs_reapply_masks(&plan->rootfs, root, err);
}

/* ---- criu's options ---- */

/* A namespace that is joined by path: net and pid by descriptor, others by their path. */
static int restore_put_namespace(struct restore *restore, const struct oci_namespace *namespace,
				 size_t index, struct error *err)
{
	static const struct {
		uint64_t type;
		const char *name;
	} names[] = {{CLONE_NEWIPC, "ipc"},
		     {CLONE_NEWUTS, "uts"},
		     {CLONE_NEWNS, "mnt"},
		     {CLONE_NEWTIME, "time"}};
	auto_text struct text inner = {0};
	int fd;

	if (namespace->type == CLONE_NEWNET || namespace->type == CLONE_NEWPID) {
		fd = open(namespace->path, O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			error_errno(err, errno, "open %s", namespace->path);
			return error_at(err, "linux.namespaces[%zu].path", index);
		}
		criu_put_string(&inner, 1,
				namespace->type == CLONE_NEWNET ? CHECKPOINT_NET_KEY
								: CHECKPOINT_PID_KEY);
		criu_put_number(&inner, 2, CRIU_FIRST_FD + (int)restore->namespace_count);
		restore->namespaces[restore->namespace_count++] = fd;
		criu_put_message(&restore->options, CRIU_INHERIT_FD, &inner);
		return 0;
	}
	for (size_t i = 0; i < array_size(names); i++) {
		if (names[i].type != namespace->type)
			continue;
		criu_put_string(&inner, 1, names[i].name);
		criu_put_string(&inner, 2, namespace->path);
		criu_put_message(&restore->options, CRIU_JOIN_NS, &inner);
		return 0;
	}
	error_set(err, EINVAL, "criu cannot restore into a namespace of this kind that is joined");
	return error_at(err, "linux.namespaces[%zu].path", index);
}

static int restore_put_namespaces(struct restore *restore, struct error *err)
{
	const struct oci_linux *linux_config = restore->creation.plan.config->linux;
	int r = 0;

	for (size_t i = 0; r == 0 && linux_config && i < linux_config->namespaces.count; i++) {
		const struct oci_namespace *namespace = &linux_config->namespaces.items[i];

		if (namespace->type == CLONE_NEWUSER) {
			error_set(err, ENOTSUP,
				  "a container in a user namespace cannot be restored");
			return error_at(err, "linux.namespaces[%zu]", i);
		}
		if (namespace->path && namespace->path[0])
			r = restore_put_namespace(restore, namespace, i, err);
	}
	return r;
}

/* The pipes and files that were the standard streams are the ones of now. */
struct restore_descriptors {
	struct oci_strings links;
};
static const struct oci_field restore_descriptors_fields[] = {
	{
		.name = "links",
		.name_length = sizeof("links") - 1,
		.kind = OCI_KIND_STRINGS,
		.need = OCI_REQUIRED,
		.size = sizeof(struct oci_strings),
		.offset = offsetof(struct restore_descriptors, links),
	},
};
static const struct oci_object restore_descriptors_object = {
	.fields = restore_descriptors_fields,
	.count = array_size(restore_descriptors_fields),
	.size = sizeof(struct restore_descriptors),
};

static int restore_put_descriptors(struct restore *restore, struct error *err)
{
	const struct oci_report silent = {0};
	const struct restore_descriptors *list;
	struct oci_document *document = NULL;
	auto_free char *array = NULL;
	auto_text struct text text = {0};
	int r;

	r = io_read_file(restore->places.images, CHECKPOINT_DESCRIPTORS, O_NOFOLLOW,
			 RESTORE_NAMES_MAX, &array, NULL);
	if (r < 0)
		return error_errno(err, -r, "read %s/%s", restore->places.images_path,
				   CHECKPOINT_DESCRIPTORS);
	text_format(&text, "{\"links\":%s}", array);
	r = text.failed ? -ENOMEM
			: oci_object_decode(&restore_descriptors_object, text.data, text.length,
					    &silent, &document);
	if (r < 0)
		return error_errno(err, -r, "read %s/%s", restore->places.images_path,
				   CHECKPOINT_DESCRIPTORS);
	list = oci_document_object(document, &restore_descriptors_object);
	for (size_t i = 0; i < list->links.count && i < 3; i++) {
		auto_text struct text inner = {0};

		if (!text_starts_with(list->links.items[i], "pipe:") &&
		    !text_starts_with(list->links.items[i], "file["))
			continue;
		criu_put_string(&inner, 1, list->links.items[i]);
		criu_put_number(&inner, 2, (int64_t)i);
		criu_put_message(&restore->options, CRIU_INHERIT_FD, &inner);
	}
	oci_document_free(document);
	return 0;
}

static int restore_put_mount_names(struct restore *restore, struct error *err)
{
	const struct plan *plan = &restore->creation.plan;
	struct restore_mounts mounts = {
		.config = plan->config,
		.devices = &plan->devices,
		.bundle = plan->options->bundle,
		.place = restore->below,
	};
	auto_free char *names = NULL;
	int r = io_read_file(restore->places.images, CHECKPOINT_MOUNTS, O_NOFOLLOW,
			     RESTORE_NAMES_MAX, &names, NULL);

	if (r < 0 && r != -ENOENT)
		return error_errno(err, -r, "read %s/%s", restore->places.images_path,
				   CHECKPOINT_MOUNTS);
	mounts.names = names;
	return restore_put_mounts(&mounts, &restore->options, &restore->belows, err);
}

/* Where criu itself is by now is where what it makes shall be. */
static int restore_put_cgroups(struct restore *restore, struct error *err)
{
	auto_free char *text = NULL;
	char path[64], *save = NULL;
	int r;

	if (cgroup_is_absent(restore->creation.cgroup) || !restore->managed)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)restore->criu.pid);
	r = io_read_file(AT_FDCWD, path, 0, RESTORE_NAMES_MAX, &text, NULL);
	if (r < 0)
		return error_errno(err, -r, "read %s", path);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		auto_text struct text inner = {0};
		char *controllers = strchr(line, ':'), *own;

		own = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!own)
			continue;
		*own++ = '\0';
		criu_put_string(&inner, 1, controllers + 1);
		criu_put_string(&inner, 2, own);
		criu_put_message(&restore->options, CRIU_CG_ROOT, &inner);
	}
	return 0;
}

static int restore_put_options(struct restore *restore, struct error *err)
{
	const struct restore_request *request = restore->request;
	struct text *options = &restore->options;
	int r;

	criu_put_string(options, CRIU_ROOT, restore->root);
	criu_put_number(options, CRIU_EVASIVE_DEVICES, true);
	criu_put_number(options, CRIU_RST_SIBLING, true);
	criu_put_number(options, CRIU_TCP_CLOSE, request->tcp_close);
	criu_put_number(options, CRIU_EXT_MASTERS, true);
	if (request->lsm_profile)
		criu_put_string(options, CRIU_LSM_PROFILE, request->lsm_profile);
	if (request->lsm_mount_context)
		criu_put_string(options, CRIU_LSM_MOUNT_CONTEXT, request->lsm_mount_context);
	r = criu_put_flags(options, &request->flags, err);
	if (r == 0)
		r = restore_put_namespaces(restore, err);
	if (r == 0)
		r = restore_put_mount_names(restore, err);
	if (r == 0)
		r = restore_put_descriptors(restore, err);
	return r;
}

/* ---- the call ---- */

static bool restore_has_cgroup_namespace(const struct restore *restore)
{
	const struct oci_linux *linux_config = restore->creation.plan.config->linux;

	for (size_t i = 0; linux_config && i < linux_config->namespaces.count; i++)
		if (linux_config->namespaces.items[i].type == CLONE_NEWCGROUP)
			return true;
	return false;
}

/* In criu's process. The state directory's lock does not reach it: descriptors are closed. */
static int restore_prepare(void *data)
{
	const struct restore *restore = data;
	const struct cgroup *cgroup = restore->creation.cgroup;
	struct error err = ERROR_INIT;
	int r = 0;

	if (restore_has_cgroup_namespace(restore) && restore->managed)
		criu_cgroup_isolate();
	if (cgroup_clone_fd(cgroup) >= 0)
		r = io_write_value(cgroup_clone_fd(cgroup), "cgroup.procs", "0");
	if (r == 0)
		r = cgroup_enter_self(cgroup, &err);
	/* What criu leaves alone is inherited from it. */
	if (r == 0 && restore_has_cgroup_namespace(restore) && !restore->managed &&
	    unshare(CLONE_NEWCGROUP) < 0)
		r = -errno;
	if (r == 0)
		r = restore_enter_copy(restore);
	if (r == 0)
		r = restore_attach_belows(&restore->belows, restore->below, &err);
	return r;
}

/* All processes are there, and stopped. */
static int restore_adopt(struct restore *restore, pid_t pid, struct error *err)
{
	const struct restore_child protect = {restore_protect, "protect what the mounts show"};
	int r = creation_adopt(&restore->creation, pid, err);

	if (r == 0)
		r = restore_fork(restore, &protect, err);
	if (r == 0)
		r = creation_commit(&restore->creation, err);
	restore->restored = r == 0;
	return r;
}

/* The master of the terminal that init has. */
static int restore_terminal(struct restore *restore, int fd, struct error *err)
{
	struct birth *birth = &restore->creation.birth;
	int r;

	if (birth->console_socket < 0) {
		birth->master = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		return birth->master < 0 ? error_errno(err, errno, "take the terminal") : 0;
	}
	r = channel_send_fd(birth->console_socket, fd, "/dev/ptmx");
	return r < 0 ? error_errno(err, -r, "send the terminal to --console-socket") : 0;
}

static int restore_notify(const struct criu_response *what, int fd, void *data, struct error *err)
{
	struct restore *restore = data;

	if (strcmp(what->script, "setup-namespaces") == 0)
		return creation_hooks(&restore->creation, what->pid, err);
	if (strcmp(what->script, "orphan-pts-master") == 0 && fd >= 0)
		return restore_terminal(restore, fd, err);
	if (strcmp(what->script, "post-restore") == 0)
		return restore_adopt(restore, what->pid, err);
	return 0;
}

/* criu mounts in its work directory, so that must be the one of its own mount namespace. */
static int restore_put_places(struct restore *restore, struct error *err)
{
	struct criu_places *places = &restore->places;
	int *fds[] = {&places->images, &places->work};
	const char *paths[] = {places->images_path, places->work_path};
	char path[PATH_MAX];

	for (size_t i = 0; i < array_size(fds); i++) {
		if (snprintf(path, sizeof(path), "/proc/%d/root%s", (int)restore->criu.pid,
			     paths[i]) >= (int)sizeof(path))
			return error_errno(err, ENAMETOOLONG, "open %s", paths[i]);
		fd_close(*fds[i]);
		*fds[i] = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (*fds[i] < 0)
			return error_errno(err, errno, "open %s", paths[i]);
	}
	criu_put_common(&restore->options, &restore->places,
			plan_annotation(restore->creation.plan.config, "org.criu.config"));
	return 0;
}

static int restore_call(struct restore *restore, struct error *err)
{
	const struct criu_start start = {
		.cgroup_namespace = restore_has_cgroup_namespace(restore),
		.stdio = true,
		.descriptors = restore->namespaces,
		.descriptor_count = restore->namespace_count,
		.prepare = restore_prepare,
		.data = restore,
	};
	const struct criu_call call = {
		.type = CRIU_RESTORE,
		.idle_ms = CRIU_IDLE_MS,
		.options = &restore->options,
		.places = &restore->places,
		.notify = restore_notify,
		.data = restore,
	};
	int r = cgroup_prepare_enter(restore->creation.cgroup, err);

	if (r == 0)
		r = criu_start(&start, &restore->criu, err);
	if (r == 0)
		r = restore_put_places(restore, err);
	if (r == 0)
		r = restore_put_cgroups(restore, err);
	if (r == 0)
		r = criu_call(&restore->criu, &call, err);
	if (r == 0 && !restore->restored)
		r = error_set(err, EPROTO, "criu did not tell what it has restored");
	criu_end(&restore->criu);
	return r;
}

/* Mount points, below the state directory. */
static int restore_make_place(const struct creation *creation, const char *name,
			      char path[PATH_MAX], struct error *err)
{
	if (snprintf(path, PATH_MAX, "%s/%s/%s", creation->store->path, creation->entry.id, name) >=
	    PATH_MAX)
		return error_errno(err, ENAMETOOLONG, "name a mount point for criu");
	if (mkdirat(creation->entry.fd, name, 0700) < 0)
		return error_errno(err, errno, "make %s", path);
	return 0;
}

static int restore_make_places(struct restore *restore, struct error *err)
{
	int r = restore_make_place(&restore->creation, RESTORE_ROOT, restore->root, err);

	return r < 0 ? r
		     : restore_make_place(&restore->creation, RESTORE_BELOW, restore->below, err);
}

static int restore_build(struct restore *restore, struct error *err)
{
	const struct criu_flags *flags = &restore->request->flags;
	int r = criu_check(err);

	if (r == 0)
		r = criu_open_places(flags->image_path, flags->work_path, false, &restore->places,
				     err);
	restore->places.log = "restore.log";
	if (r == 0)
		r = criu_cgroup_find_mode(flags->cgroups_mode, &restore->managed, err);
	if (r == 0)
		r = creation_prepare(&restore->creation, err);
	if (r == 0)
		r = restore_make_places(restore, err);
	if (r == 0)
		r = restore_put_options(restore, err);
	if (r == 0)
		r = restore_prepare_root(restore, err);
	if (r == 0)
		r = restore_call(restore, err);
	if (r < 0)
		return r;
	(void)unlinkat(restore->creation.entry.fd, RESTORE_ROOT, AT_REMOVEDIR);
	(void)unlinkat(restore->creation.entry.fd, RESTORE_BELOW, AT_REMOVEDIR);
	return 0;
}

int container_restore(const struct store *store, const struct restore_request *request,
		      int *ret_status, struct error *err)
{
	bool detach = request->create.options.detach;
	struct restore restore = {.request = request,
				  .criu = CRIU_INIT,
				  .places = {.images = -EBADF, .work = -EBADF}};
	auto_close int signals = -EBADF;
	int r = 0;

	*ret_status = 0;
	creation_init(&restore.creation, store, &request->create, RECORD_RUNNING);
	if (!detach) {
		if (!request->no_subreaper)
			(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
		r = foreground_block_signals(&signals, err);
	}
	if (r == 0)
		r = restore_build(&restore, err);
	if (r < 0) {
		bundle_locate(&restore.creation.bundle, err);
		/* What was committed before criu failed after all. */
		if (restore.restored) {
			run_remove(&restore.creation, false);
			run_reap(&restore.creation);
		}
	} else if (!detach) {
		r = run_attend(&restore.creation, signals, ret_status, err);
		run_remove(&restore.creation, r == 0);
	}
	restore_clear(&restore);
	return r;
}
