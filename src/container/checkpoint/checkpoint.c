/* SPDX-License-Identifier: Apache-2.0 */
#include "container/checkpoint/checkpoint.h"

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
#include "base/log.h"
#include "container/bundle.h"
#include "container/checkpoint/check.h"
#include "container/checkpoint/mounts.h"
#include "container/criu/criu.h"
#include "container/hotplug.h"
#include "container/join.h"
#include "container/remove.h"
#include "container/state/record.h"
#include "container/state/status.h"
#include "kernel/process.h"
#include "kernel/program.h"

/* How long letting processes go on may take, milliseconds. */
#define CHECKPOINT_THAW_MS     10000
#define CHECKPOINT_NOT_RUNNING "%s: container not running"

struct checkpoint {
	const struct checkpoint_request *request;
	struct store_entry entry;
	struct record record;
	struct status status;
	struct bundle bundle;
	struct criu_places places;
	struct text options;
	int root;
	bool apart;   /* it has a cgroup namespace of its own */
	bool written; /* all images are; what is left to do is to end the processes */
};

static void checkpoint_clear(struct checkpoint *checkpoint)
{
	text_clear(&checkpoint->options);
	criu_close_places(&checkpoint->places);
	fd_close(checkpoint->root);
	bundle_clear(&checkpoint->bundle);
	status_clear(&checkpoint->status);
	record_clear(&checkpoint->record);
	store_entry_close(&checkpoint->entry);
}

/* What could not be restored is to be known before it is ended. */
static int checkpoint_check_all(const struct checkpoint *checkpoint, struct error *err)
{
	struct checkpoint_subject subject = {
		.id = checkpoint->request->id,
		.config = checkpoint->bundle.config,
		.rootfs = checkpoint->record.intent->rootfs,
		.cgroups_mode = checkpoint->request->flags.cgroups_mode,
		.init = checkpoint->status.pid,
		.root = checkpoint->root,
	};
	int r = join_find_namespaces(checkpoint->status.pid, checkpoint->status.pidfd, 0,
				     &subject.types, err);

	return r < 0 ? r : checkpoint_check(&subject, err);
}

static int checkpoint_load(struct checkpoint *checkpoint, const struct store *store,
			   struct error *err)
{
	const char *id = checkpoint->request->id;
	char path[64];
	int r;

	r = store_find(store, id, &checkpoint->entry, err);
	if (r == 0)
		r = store_lock(store, &checkpoint->entry, process_now() + STORE_LOCK_TIMEOUT, err);
	if (r == 0)
		r = status_load(&checkpoint->entry, &checkpoint->record, &checkpoint->status, err);
	if (r == 0)
		r = lifecycle_check(LIFECYCLE_CHECKPOINT, checkpoint->status.status, id, err);
	if (r < 0)
		return r;
	if (checkpoint->status.pidfd < 0 || !checkpoint->record.intent)
		return error_set(err, EBADMSG, "the state of container %s is damaged", id);
	if (container_mounts_count(&checkpoint->entry) > 0) {
		error_set(err, EBUSY,
			  "%s: mounts have been added to it, which its configuration "
			  "does not have",
			  id);
		return error_hint(err, "take them away with `knarr mounts remove`");
	}
	checkpoint->apart = criu_cgroup_is_apart(checkpoint->status.pid);
	(void)snprintf(path, sizeof(path), "/proc/%d/root", (int)checkpoint->status.pid);
	checkpoint->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (checkpoint->root < 0)
		return error_errno(err, errno, "open the container's root");
	r = bundle_load_snapshot(&checkpoint->entry, &checkpoint->bundle, err);
	return r < 0 ? r : checkpoint_check_all(checkpoint, err);
}

/*
 * criu holds connections still by iptables-restore(8), and fails where that is not installed. When
 * no open connection is allowed anyway there is nothing to hold.
 */
static bool criu_needs_no_lock(const struct criu_flags *flags)
{
	char path[PATH_MAX];

	return !flags->network_lock && !flags->tcp_established &&
	       program_find("iptables-restore", path, sizeof(path)) < 0;
}

int criu_put_flags(struct text *options, const struct criu_flags *flags, struct error *err)
{
	uint32_t word;
	bool managed;
	int r = criu_cgroup_find_mode(flags->cgroups_mode, &managed, err);

	if (r < 0)
		return r;
	criu_put_number(options, CRIU_TCP_ESTABLISHED, flags->tcp_established);
	criu_put_number(options, CRIU_EXT_UNIX_SK, flags->ext_unix_sk);
	criu_put_number(options, CRIU_SHELL_JOB, flags->shell_job);
	criu_put_number(options, CRIU_FILE_LOCKS, flags->file_locks);
	criu_put_number(options, CRIU_AUTO_DEDUP, flags->auto_dedup);
	criu_put_number(options, CRIU_LAZY_PAGES, flags->lazy_pages);
	criu_put_number(options, CRIU_MANAGE_CGROUPS, managed);
	/* Interfaces are the engine's to make, not criu's. */
	criu_put_number(options, CRIU_EMPTY_NS, CLONE_NEWNET);
	if (flags->cgroups_mode && criu_parse_cgroups_mode(flags->cgroups_mode, &word) == 0)
		criu_put_number(options, CRIU_MANAGE_CGROUPS_MODE, word);
	if (flags->network_lock) {
		if (criu_parse_network_lock(flags->network_lock, &word) < 0)
			return error_set(err, EINVAL,
					 "--network-lock %s: not one of iptables, nftables, skip",
					 flags->network_lock);
		criu_put_number(options, CRIU_NETWORK_LOCK, word);
	} else if (criu_needs_no_lock(flags)) {
		(void)criu_parse_network_lock("skip", &word);
		criu_put_number(options, CRIU_NETWORK_LOCK, word);
	}
	return 0;
}

/* The directory by which criu stops everything at once. */
static int checkpoint_put_freezer(struct checkpoint *checkpoint, struct error *err)
{
	struct cgroup_location location;
	struct cgroup *cgroup = NULL;
	struct cgroup_host host;
	const char *directory = NULL;
	int r;

	r = record_find_cgroup(&checkpoint->entry, &checkpoint->record, &location, err);
	if (r < 0)
		return r;
	r = cgroup_open(&location, &cgroup, err);
	cgroup_location_clear(&location);
	if (r == 0)
		r = cgroup_host_detect(&host, err);
	if (r == 0) {
		for (size_t i = 0; i < host.count && !cgroup_is_absent(cgroup); i++)
			if (host.mode == CGROUP_MODE_UNIFIED ||
			    strcmp(host.hierarchies[i].controllers, "freezer") == 0)
				directory = cgroup_directory(cgroup, i);
		if (directory)
			criu_put_string(&checkpoint->options, CRIU_FREEZE_CGROUP, directory);
		cgroup_host_clear(&host);
	}
	cgroup_free(cgroup);
	return r;
}

/* Network and pid namespaces that belong to others stay where they are. */
static int checkpoint_put_namespaces(struct checkpoint *checkpoint, struct error *err)
{
	const struct oci_linux *linux_config = checkpoint->bundle.config->linux;

	for (size_t i = 0; linux_config && i < linux_config->namespaces.count; i++) {
		const struct oci_namespace *namespace = &linux_config->namespaces.items[i];
		bool net = namespace->type == CLONE_NEWNET, pid = namespace->type == CLONE_NEWPID;
		char path[64], external[64];
		struct stat st;

		if (!namespace->path || !namespace->path[0] || !(net || pid))
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)checkpoint->status.pid,
			       net ? "net" : "pid");
		if (stat(path, &st) < 0)
			return error_errno(err, errno, "look at %s", path);
		(void)snprintf(external, sizeof(external), "%s[%llu]:%s", net ? "net" : "pid",
			       (unsigned long long)st.st_ino,
			       net ? CHECKPOINT_NET_KEY : CHECKPOINT_PID_KEY);
		criu_put_string(&checkpoint->options, CRIU_EXTERNAL, external);
	}
	return 0;
}

/* The number behind "mnt_id:" of proc_pid_fdinfo(5), or 0. */
static unsigned int checkpoint_mount_of(pid_t pid, int fd)
{
	char path[64], info[4096], *at;

	(void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)pid, fd);
	if (io_read_small(AT_FDCWD, path, info, sizeof(info)) < 0)
		return 0;
	at = strstr(info, "mnt_id:");
	return at ? (unsigned int)strtoul(at + strlen("mnt_id:"), NULL, 10) : 0;
}

/*
 * What criu is to call a stream of init: a pipe by what its link says, as other runtimes write it
 * down too; a file of the host, which criu would not find in the container, "file[MOUNT:INODE]".
 */
static int checkpoint_name_stream(const struct checkpoint *checkpoint, int fd, char *name,
				  size_t size, bool *ret_external, struct error *err)
{
	pid_t pid = checkpoint->status.pid;
	unsigned int mount = checkpoint_mount_of(pid, fd);
	char path[64];
	struct stat st;
	bool inside;
	ssize_t n;
	int r;

	*ret_external = false;
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
	n = readlink(path, name, size - 1);
	name[n < 0 ? 0 : n] = '\0';
	if (n < 0 || name[0] != '/' || stat(path, &st) < 0 || mount == 0)
		return 0;
	r = checkpoint_has_mount(pid, mount, &inside, err);
	if (r < 0 || inside)
		return r;
	*ret_external = true;
	(void)snprintf(name, size, "file[%x:%llx]", mount, (unsigned long long)st.st_ino);
	return 0;
}

static int checkpoint_write(const struct checkpoint *checkpoint, const char *name,
			    const struct text *text, struct error *err)
{
	int r = text->failed ? -ENOMEM
			     : io_replace_file(checkpoint->places.images, name, text->data,
					       text->length, 0600);

	return r < 0 ? error_errno(err, -r, "write %s", name) : 0;
}

static int checkpoint_put_descriptors(struct checkpoint *checkpoint, struct error *err)
{
	auto_text struct text text = {0};
	char name[PATH_MAX];
	bool external;
	int r = 0;

	text_append(&text, "[");
	for (int i = 0; i < 3; i++) {
		r = checkpoint_name_stream(checkpoint, i, name, sizeof(name), &external, err);
		if (r < 0)
			return r;
		if (external)
			criu_put_string(&checkpoint->options, CRIU_EXTERNAL, name);
		text_append(&text, i ? "," : "");
		text_append_json(&text, name);
	}
	text_append(&text, "]\n");
	return checkpoint_write(checkpoint, CHECKPOINT_DESCRIPTORS, &text, err);
}

/* What a pre-dump, which is of memory only, does not need. */
static int checkpoint_put_surroundings(struct checkpoint *checkpoint, struct error *err)
{
	struct checkpoint_mounts mounts = {
		.config = checkpoint->bundle.config,
		.init = checkpoint->status.pid,
		.root = checkpoint->root,
		.cgroups = !checkpoint->apart,
	};
	struct checkpoint_lists lists = {.names = {0}};
	struct cgroup_host host;
	int r;

	r = cgroup_host_detect(&host, err);
	if (r < 0)
		return r;
	mounts.unified = host.mode == CGROUP_MODE_UNIFIED;
	cgroup_host_clear(&host);
	r = checkpoint_put_mounts(&mounts, &checkpoint->options, &lists, err);
	if (r == 0)
		r = checkpoint_write(checkpoint, CHECKPOINT_MOUNTS, &lists.names, err);
	if (r == 0)
		r = checkpoint_write(checkpoint, CHECKPOINT_SLAVES, &lists.slaves, err);
	text_clear(&lists.names);
	text_clear(&lists.slaves);
	return r < 0 ? r : checkpoint_put_descriptors(checkpoint, err);
}

static void checkpoint_put_page_server(struct checkpoint *checkpoint)
{
	const struct checkpoint_request *request = checkpoint->request;
	auto_text struct text server = {0};

	if (!request->page_server_address)
		return;
	criu_put_string(&server, 1, request->page_server_address);
	criu_put_number(&server, 2, request->page_server_port);
	criu_put_message(&checkpoint->options, CRIU_PAGE_SERVER, &server);
}

static int checkpoint_check_parent(const struct checkpoint *checkpoint, struct error *err)
{
	const char *parent = checkpoint->request->parent_path;
	struct stat st;

	if (parent[0] == '/')
		return error_set(err, EINVAL, "--parent-path must be relative to the image path");
	if (fstatat(checkpoint->places.images, parent, &st, 0) < 0)
		return error_errno(err, errno, "--parent-path %s", parent);
	if (!S_ISDIR(st.st_mode))
		return error_errno(err, ENOTDIR, "--parent-path %s", parent);
	return 0;
}

static int checkpoint_put_options(struct checkpoint *checkpoint, struct error *err)
{
	const struct checkpoint_request *request = checkpoint->request;
	struct text *options = &checkpoint->options;
	int r = 0;

	criu_put_common(options, &checkpoint->places,
			plan_annotation(checkpoint->bundle.config, "org.criu.config"));
	criu_put_string(options, CRIU_ROOT, checkpoint->record.intent->rootfs);
	criu_put_number(options, CRIU_PID, checkpoint->status.pid);
	criu_put_number(options, CRIU_LEAVE_RUNNING, request->leave_running);
	criu_put_number(options, CRIU_TCP_SKIP_IN_FLIGHT, request->tcp_skip_in_flight);
	criu_put_number(options, CRIU_LINK_REMAP, request->link_remap);
	/* Binds are slaves of the host's mounts, which criu does not dump. */
	criu_put_number(options, CRIU_EXT_MASTERS, true);
	if (request->parent_path) {
		r = checkpoint_check_parent(checkpoint, err);
		if (r < 0)
			return r;
		criu_put_string(options, CRIU_PARENT_IMG, request->parent_path);
		criu_put_number(options, CRIU_TRACK_MEM, true);
	}
	checkpoint_put_page_server(checkpoint);
	r = criu_put_flags(options, &request->flags, err);
	if (r == 0)
		r = checkpoint_put_freezer(checkpoint, err);
	if (r == 0)
		r = checkpoint_put_namespaces(checkpoint, err);
	if (r == 0 && !request->pre_dump)
		r = checkpoint_put_surroundings(checkpoint, err);
	return r;
}

static int checkpoint_notify(const struct criu_response *what, int fd, void *data,
			     struct error *err)
{
	struct checkpoint *checkpoint = data;
	int status_fd = checkpoint->request->status_fd;

	(void)fd;
	if (strcmp(what->script, "post-dump") == 0)
		checkpoint->written = true;
	if (strcmp(what->script, "status-ready") == 0 && status_fd >= 0) {
		if (io_write_all(status_fd, "", 1) < 0)
			return error_errno(err, EPIPE, "write to --status-fd %d", status_fd);
		fd_close(status_fd);
	}
	return 0;
}

/*
 * criu kills the processes and waits for their ends. As init of a pid namespace the first one waits
 * itself, for zombies of `exec` until somebody has reaped them, which may be never; but nothing of
 * the container runs any more.
 */
static int checkpoint_judge(const void *data, struct error *err)
{
	const struct checkpoint *checkpoint = data;

	(void)err;
	return checkpoint->written && !checkpoint->request->leave_running &&
	       status_has_ended(&checkpoint->status);
}

/*
 * In criu's process. When knarr dies criu notices at its next step, puts right what it has begun
 * and ends. But for lazy pages it stays, the container stopped, until somebody has come for them:
 * then it ends at once, and the container goes on.
 */
static int checkpoint_prepare(void *data)
{
	const struct checkpoint *checkpoint = data;

	if (checkpoint->request->flags.lazy_pages && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -errno;
	if (checkpoint->apart)
		criu_cgroup_isolate();
	return 0;
}

/* criu stops everything by the freezer. When it has been killed there is nobody else to end that.
 */
static void checkpoint_thaw(const struct checkpoint *checkpoint)
{
	struct cgroup *cgroup = NULL;
	struct error err = ERROR_INIT;
	int r;

	if (checkpoint->status.status != LIFECYCLE_RUNNING)
		return;
	r = record_open_cgroup(&checkpoint->entry, &checkpoint->record, &cgroup, &err);
	if (r == 0 && !cgroup_is_absent(cgroup))
		r = cgroup_freeze(cgroup, false, process_now() + CHECKPOINT_THAW_MS, &err);
	if (r < 0)
		log_warning("let container %s go on: %s", checkpoint->request->id, err.message);
	cgroup_free(cgroup);
}

static int checkpoint_dump(struct checkpoint *checkpoint, struct error *err)
{
	struct criu criu = CRIU_INIT;
	const struct criu_start start = {
		.cgroup_namespace = checkpoint->apart,
		.address = checkpoint->request->flags.lazy_pages
				   ? checkpoint->request->page_server_address
				   : NULL,
		.prepare = checkpoint_prepare,
		.data = checkpoint,
	};
	const struct criu_call call = {
		.type = checkpoint->request->pre_dump ? CRIU_PRE_DUMP : CRIU_DUMP,
		.idle_ms = CRIU_IDLE_MS,
		.options = &checkpoint->options,
		.places = &checkpoint->places,
		.notify = checkpoint_notify,
		.judge = checkpoint_judge,
		.data = checkpoint,
	};
	int r = criu_start(&start, &criu, err);

	/* criu goes by its number, which may be another process's as soon as it is dead. */
	if (r == 0 && process_is_dead(checkpoint->status.pidfd))
		r = error_set(err, ESRCH, CHECKPOINT_NOT_RUNNING, checkpoint->request->id);
	if (r == 0)
		r = criu_call(&criu, &call, err);
	criu_end(&criu);
	if (r < 0)
		checkpoint_thaw(checkpoint);
	return r;
}

/* Its processes are dead; the rest goes as with delete. */
static void checkpoint_remove(struct checkpoint *checkpoint, const struct store *store)
{
	struct error err = ERROR_INIT;

	checkpoint->root = fd_close(checkpoint->root);
	if (remove_locked(store, &checkpoint->entry, &err) < 0)
		log_warning("remove container %s: %s", checkpoint->request->id, err.message);
}

int container_checkpoint(const struct store *store, const struct checkpoint_request *request,
			 struct error *err)
{
	struct checkpoint checkpoint = {.request = request,
					.entry = STORE_ENTRY_INIT,
					.status = STATUS_INIT,
					.places = {.images = -EBADF, .work = -EBADF},
					.root = -EBADF};
	const struct criu_flags *flags = &request->flags;
	int r = checkpoint_load(&checkpoint, store, err);

	if (r == 0)
		r = criu_check(err);
	if (r == 0)
		r = criu_open_places(flags->image_path, flags->work_path, true, &checkpoint.places,
				     err);
	checkpoint.places.log = "dump.log";
	if (r == 0)
		r = checkpoint_put_options(&checkpoint, err);
	/* It was killed while we looked at it; of what comes then, criu knows more. */
	if (r < 0 && status_has_ended(&checkpoint.status))
		r = error_set(err, ESRCH, CHECKPOINT_NOT_RUNNING, request->id);
	if (r == 0)
		r = checkpoint_dump(&checkpoint, err);
	if (r == 0 && !request->leave_running && !request->pre_dump)
		checkpoint_remove(&checkpoint, store);
	checkpoint_clear(&checkpoint);
	return r;
}
