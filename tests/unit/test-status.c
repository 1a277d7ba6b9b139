/* SPDX-License-Identifier: Apache-2.0 */
#include "container/state/status.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "container/state/gate.h"
#include "kernel/process.h"
#include "suite.h"

/* Of the model's type for text, which is not const. */
#define TEXT(literal) ((char *)(uintptr_t)(literal))

/* A container without a cgroup, whose init is a child of ours. */
struct fake {
	struct scratch scratch;
	struct store_entry entry;
	struct record_intent intent;
	struct process_identity identity;
	pid_t pid;
	int pidfd;
};

static void fake_open(struct fake *fake)
{
	struct error err = ERROR_INIT;

	*fake = (struct fake){
		.intent = {.version = RECORD_VERSION,
			   .id = TEXT("c1"),
			   .bundle = TEXT("/b"),
			   .rootfs = TEXT("/b/r"),
			   .created = TEXT("2026-01-02T03:04:05.000000006Z"),
			   .cgroup_manager = CGROUP_MANAGER_DISABLED},
	};
	scratch_open(&fake->scratch);
	fake->entry.id = "c1";
	fake->entry.fd = open(fake->scratch.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fake->entry.fd, 0);
	ck_assert_int_eq(record_write_intent(&fake->entry, &fake->intent, &err), 0);
	fake->pid = process_fork(0, -1, &fake->pidfd);
	ck_assert_int_ge(fake->pid, 0);
	if (fake->pid == 0)
		for (;;)
			(void)pause();
	ck_assert_int_eq(process_identify(fake->pid, fake->pidfd, &fake->identity), 0);
}

static void fake_close(struct fake *fake)
{
	int status;

	(void)kill(fake->pid, SIGKILL);
	(void)waitpid(fake->pid, &status, 0);
	(void)close(fake->pidfd);
	store_entry_close(&fake->entry);
	scratch_close(&fake->scratch);
}

static void fake_write(struct fake *fake, enum record_phase phase)
{
	struct error err = ERROR_INIT;

	ck_assert_int_eq(record_write_state(&fake->entry, phase, &fake->identity, &err), 0);
}

static void check(const struct fake *fake, enum lifecycle_status wanted, pid_t pid)
{
	auto_record struct record record = RECORD_INIT;
	auto_status struct status status = STATUS_INIT;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(record_load(&fake->entry, &record, &err), 0);
	ck_assert_msg(status_determine(&fake->entry, &record, &status, &err) == 0, "%s",
		      err.message);
	ck_assert_str_eq(lifecycle_status_name(status.status), lifecycle_status_name(wanted));
	ck_assert_int_eq(status.pid, pid);
	ck_assert_int_eq(status.pidfd >= 0, pid != 0);
}

START_TEST(phases)
{
	struct error err = ERROR_INIT;
	struct fake fake;
	int gate;

	fake_open(&fake);
	fake_write(&fake, RECORD_CREATED);
	check(&fake, LIFECYCLE_CREATED, fake.pid);
	fake_write(&fake, RECORD_RUNNING);
	check(&fake, LIFECYCLE_RUNNING, fake.pid);
	/* `start` died somewhere: the gate knows. */
	ck_assert_int_eq(gate_listen(&fake.entry, &gate, &err), 0);
	fake_write(&fake, RECORD_STARTING);
	check(&fake, LIFECYCLE_CREATED, fake.pid);
	(void)close(gate);
	check(&fake, LIFECYCLE_RUNNING, fake.pid);
	fake_close(&fake);
}
END_TEST

START_TEST(zombie_is_stopped)
{
	struct fake fake;

	fake_open(&fake);
	fake_write(&fake, RECORD_RUNNING);
	ck_assert_int_eq(kill(fake.pid, SIGKILL), 0);
	ck_assert_int_eq(process_wait_dead(fake.pidfd, process_now() + 5000), 0);
	check(&fake, LIFECYCLE_STOPPED, 0);
	fake_close(&fake);
}
END_TEST

/* What lies on a disk may be of another boot; what lies in memory is of this one, whatever it says.
 */
static void check_other_boot(struct fake *fake)
{
	struct statfs fs;

	ck_assert_int_eq(fstatfs(fake->entry.fd, &fs), 0);
	fake->identity.boot_id[0] ^= 1;
	fake_write(fake, RECORD_RUNNING);
	if (fs.f_type == TMPFS_MAGIC)
		check(fake, LIFECYCLE_RUNNING, fake->pid);
	else
		check(fake, LIFECYCLE_STOPPED, 0);
	fake->identity.boot_id[0] ^= 1;
}

START_TEST(state_in_memory)
{
	struct error err = ERROR_INIT;
	char path[] = "/dev/shm/knarr-XXXXXX";
	struct fake fake;

	fake_open(&fake);
	ck_assert_ptr_nonnull(mkdtemp(path));
	(void)close(fake.entry.fd);
	fake.entry.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fake.entry.fd, 0);
	ck_assert_int_eq(record_write_intent(&fake.entry, &fake.intent, &err), 0);
	check_other_boot(&fake);
	ck_assert_int_eq(unlinkat(fake.entry.fd, STORE_INTENT, 0), 0);
	ck_assert_int_eq(unlinkat(fake.entry.fd, STORE_STATE, 0), 0);
	ck_assert_int_eq(rmdir(path), 0);
	fake_close(&fake);
}
END_TEST

/* The pid is somebody else's now, or of another boot. */
START_TEST(strangers)
{
	struct fake fake;
	uint64_t inode;

	fake_open(&fake);
	/* What tells them apart on a kernel without pidfs. */
	inode = fake.identity.pidfs_inode;
	fake.identity.pidfs_inode = 0;
	fake.identity.start_time++;
	fake_write(&fake, RECORD_RUNNING);
	check(&fake, LIFECYCLE_STOPPED, 0);
	fake.identity.start_time--;
	fake_write(&fake, RECORD_RUNNING);
	check(&fake, LIFECYCLE_RUNNING, fake.pid);
	fake.identity.pidfs_inode = inode;
	check_other_boot(&fake);
	if (fake.identity.pidfs_inode) {
		fake.identity.pidfs_inode++;
		fake_write(&fake, RECORD_RUNNING);
		check(&fake, LIFECYCLE_STOPPED, 0);
	}
	fake_close(&fake);
}
END_TEST

/* No state: being made as long as somebody holds the lock, abandoned afterwards. */
START_TEST(without_state)
{
	auto_record struct record record = RECORD_INIT;
	auto_status struct status status = STATUS_INIT;
	struct error err = ERROR_INIT;
	struct fake fake;
	int holder;

	fake_open(&fake);
	check(&fake, LIFECYCLE_STOPPED, 0);
	holder = open(fake.scratch.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(flock(holder, LOCK_EX | LOCK_NB), 0);
	check(&fake, LIFECYCLE_CREATING, 0);
	/* A damaged one is not "creating", whoever works on it. */
	scratch_text(fake.entry.fd, STORE_STATE, "{", 0600);
	check(&fake, LIFECYCLE_STOPPED, 0);
	/* Neither file, and a lock: it is going, or just coming. */
	ck_assert_int_eq(unlinkat(fake.entry.fd, STORE_STATE, 0), 0);
	ck_assert_int_eq(unlinkat(fake.entry.fd, STORE_INTENT, 0), 0);
	ck_assert_int_eq(record_load(&fake.entry, &record, &err), 0);
	ck_assert_int_eq(status_determine(&fake.entry, &record, &status, &err), -ENOENT);
	ck_assert_error(&err, ENOENT, "", "container does not exist: c1", "");
	(void)close(holder);
	ck_assert_int_eq(status_determine(&fake.entry, &record, &status, &err), -ENOENT);
	/* Whoever holds the lock is about to remove it. */
	fake.entry.locked = true;
	check(&fake, LIFECYCLE_STOPPED, 0);
	fake_close(&fake);
}
END_TEST

START_TEST(documents)
{
	struct oci_string_pair pairs[] = {{TEXT("a"), TEXT("b")}, {TEXT("q\"\n"), TEXT("")}};
	struct record_intent intent = {
		.id = TEXT("c1"),
		.bundle = TEXT("/b"),
		.rootfs = TEXT("/b/r"),
		.created = TEXT("2026-01-02T03:04:05.000000006Z"),
	};
	struct status_document document = {
		.intent = &intent,
		.status = LIFECYCLE_RUNNING,
		.pid = 42,
		.owner = "root",
	};
	auto_text struct text text = {0};

	status_encode(&document, STATUS_FIELDS_SPEC, &text);
	ck_assert_str_eq(text.data, "{\"ociVersion\":\"1.3.0\",\"id\":\"c1\",\"pid\":42,"
				    "\"status\":\"running\",\"bundle\":\"/b\"}");
	text_clear(&text);
	status_encode(&document, STATUS_FIELDS_LIST, &text);
	ck_assert_str_eq(text.data, "{\"ociVersion\":\"1.3.0\",\"id\":\"c1\",\"pid\":42,"
				    "\"status\":\"running\",\"bundle\":\"/b\",\"rootfs\":\"/b/r\","
				    "\"created\":\"2026-01-02T03:04:05.000000006Z\","
				    "\"owner\":\"root\"}");
	text_clear(&text);
	intent.annotations = (struct oci_string_map){pairs, 2};
	document.owner = NULL;
	document.status = LIFECYCLE_STOPPED;
	document.pid = 0;
	status_encode(&document, STATUS_FIELDS_ALL, &text);
	ck_assert_str_eq(text.data, "{\n"
				    "  \"ociVersion\": \"1.3.0\",\n"
				    "  \"id\": \"c1\",\n"
				    "  \"pid\": 0,\n"
				    "  \"status\": \"stopped\",\n"
				    "  \"bundle\": \"/b\",\n"
				    "  \"rootfs\": \"/b/r\",\n"
				    "  \"created\": \"2026-01-02T03:04:05.000000006Z\",\n"
				    "  \"annotations\": {\n"
				    "    \"a\": \"b\",\n"
				    "    \"q\\\"\\n\": \"\"\n"
				    "  },\n"
				    "  \"owner\": \"\"\n"
				    "}");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {phases,	 zombie_is_stopped, state_in_memory,
				      strangers, without_state,	    documents};

	return suite_run("status", tests, suite_count(tests));
}
