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
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "container/checkpoint/checkpoint.h"
#include "container/checkpoint/restore-steps.h"
#include "container/foreground.h"
#include "container/run.h"
#include "kernel/channel.h"

/* Below the state directory; a directory in it is where the root is for criu. */
#define RESTORE_ROOT "criu-root"
/* And one where is what was mounted below binds. */
#define RESTORE_BELOW "criu-below"

static void restore_clear(struct restore *restore)
{
	criu_end(&restore->criu);
	text_clear(&restore->options);
	restore_belows_clear(&restore->belows);
	restore_images_clear(&restore->images);
	criu_close_places(&restore->places);
	for (size_t i = 0; i < restore->namespace_count; i++)
		fd_close(restore->namespaces[i]);
	creation_end(&restore->creation);
}

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
	struct restore *restore = data;
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
	return r < 0 ? r : restore_enter_copy(restore);
}

/* All processes are there, and stopped. */
static int restore_adopt(struct restore *restore, pid_t pid, struct error *err)
{
	int r = creation_adopt(&restore->creation, pid, err);

	if (r == 0)
		r = restore_protect(restore, err);
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

	if (strcmp(what->script, "setup-namespaces") == 0) {
		int r = restore_check_ids(restore, what->pid, err);

		restore->first = what->pid;
		if (r == 0)
			r = restore_bring_up(restore, err);
		return r < 0 ? r : creation_hooks(&restore->creation, what->pid, err);
	}
	if (strcmp(what->script, "orphan-pts-master") == 0 && fd >= 0)
		return restore_terminal(restore, fd, err);
	if (strcmp(what->script, "post-restore") == 0)
		return restore_adopt(restore, what->pid, err);
	return 0;
}

/* Killed behind restore_adopt(): there is no word of it that criu would wait for. */
static int restore_judge(const void *data, struct error *err)
{
	const struct restore *restore = data;

	if (!restore->restored || !process_is_dead(restore->creation.birth.pidfd))
		return 0;
	return error_set(err, ESRCH, "the container was killed while it was restored");
}

/* criu mounts in its work directory, so that must be the one of its own mount namespace. */
static int restore_put_places(struct restore *restore, struct error *err)
{
	struct criu_places *places = &restore->places;
	int *fds[] = {&places->images, &places->work};
	const char *paths[] = {places->images_path, places->work_path};
	const char *names[] = {"/images", "/work"};
	bool staged = restore->stage[0];
	char path[PATH_MAX], real[PATH_MAX];

	for (size_t i = 0; i < array_size(fds); i++) {
		/* An absolute link on the way, as containerd has one, would lead out again. */
		int r = restore_stage_path_of(*fds[i], real);

		if (r < 0)
			return error_errno(err, -r, "look at %s", paths[i]);
		if (snprintf(path, sizeof(path), "/proc/%d/root%s%s%s", (int)restore->criu.pid,
			     restore->stage, staged ? names[i] : "",
			     !staged  ? real
			     : i == 0 ? restore->images.items[0].path
				      : "") >= (int)sizeof(path))
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
		.judge = restore_judge,
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

/* In a user namespace they are on the stage, which is there when criu is (restore-stage.h). */
static int restore_find_stage(struct restore *restore, struct error *err)
{
	const struct restore_images_request request = {
		.images = restore->places.images,
		.work = restore->places.work,
		.writable = restore->request->flags.auto_dedup,
	};
	char path[PATH_MAX];
	int r = restore_stage_path_of(restore->creation.entry.fd, path);

	if (r < 0)
		return error_errno(err, -r, "look at the state directory");
	r = restore_stage_find(path, restore->stage);
	if (r < 0)
		return error_errno(err, -r, "find a place for criu to mount in %s", path);
	if (snprintf(restore->root, PATH_MAX, "%s/root", restore->stage) >= PATH_MAX ||
	    snprintf(restore->below, PATH_MAX, "%s/below", restore->stage) >= PATH_MAX)
		return error_errno(err, ENAMETOOLONG, "name a mount point for criu");
	return restore_stage_open(&request, &restore->images, err);
}

static int restore_make_places(struct restore *restore, struct error *err)
{
	int r;

	if (restore->creation.plan.idmap.uids.count > 0)
		return restore_find_stage(restore, err);
	r = restore_make_place(&restore->creation, RESTORE_ROOT, restore->root, err);

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
	if (restore->stage[0])
		return 0;
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
				  .images = {.work = -EBADF},
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
