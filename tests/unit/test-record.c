/* SPDX-License-Identifier: Apache-2.0 */
#include "container/state/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "suite.h"

/* Of the model's type for text, which is not const. */
#define TEXT(literal) ((char *)(uintptr_t)(literal))

static struct store_entry open_entry(const struct scratch *scratch)
{
	int fd = open(scratch->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return (struct store_entry){.fd = fd, .id = "c1"};
}

static void check_file(const struct store_entry *entry, const char *name, const char *wanted)
{
	auto_free char *text = NULL;

	ck_assert_int_eq(io_read_file(entry->fd, name, 0, 1 << 20, &text, NULL), 0);
	ck_assert_str_eq(text, wanted);
}

#define INTENT                                                                                    \
	"{\"version\":1,\"id\":\"c1\",\"bundle\":\"/b\",\"rootfs\":\"/b/r\",\"created\":"         \
	"\"2026-01-02T03:04:05.000000006Z\",\"owner\":1000,\"annotations\":{\"k\":\"v\"},"        \
	"\"cgroupManager\":0,\"cgroupMode\":1,\"cgroupPath\":\"/c1\",\"cgroupDirectories\":"      \
	"[\"/sys/fs/cgroup/cpu/c1\"],\"rdtGroup\":\"/r/c1\",\"rdtMonitor\":"                      \
	"\"/r/c1/mon_groups/c1\",\"rdtOwnGroup\":true,\"privatePid\":true,\"noNewKeyring\":true," \
	"\"poststop\":true}"
#define STATE                                                                       \
	"{\"version\":1,\"phase\":2,\"pid\":77,\"startTime\":12345678901234567890," \
	"\"pidfsInode\":18446744073709551615,\"bootId\":\"0d8f95bf-4ae6-4b0b-9c8a-8d6a3f2c1b0e\"}"

START_TEST(intent_there_and_back)
{
	auto_record struct record record = RECORD_INIT;
	struct oci_string_pair pair = {TEXT("k"), TEXT("v")};
	char directory[] = "/sys/fs/cgroup/cpu/c1", *directories[] = {directory};
	struct record_intent intent = {
		.version = RECORD_VERSION,
		.id = TEXT("c1"),
		.bundle = TEXT("/b"),
		.rootfs = TEXT("/b/r"),
		.created = TEXT("2026-01-02T03:04:05.000000006Z"),
		.owner = 1000,
		.annotations = {&pair, 1},
		.cgroup_mode = CGROUP_MODE_LEGACY,
		.cgroup_path = TEXT("/c1"),
		.cgroup_directories = {directories, 1},
		.rdt_group = TEXT("/r/c1"),
		.rdt_monitor = TEXT("/r/c1/mon_groups/c1"),
		.rdt_own_group = true,
		.private_pid = true,
		.no_new_keyring = true,
		.poststop = true,
	};
	struct cgroup_location location;
	struct error err = ERROR_INIT;
	struct scratch scratch;
	struct store_entry entry;

	scratch_open(&scratch);
	entry = open_entry(&scratch);
	ck_assert_int_eq(record_write_intent(&entry, &intent, &err), 0);
	check_file(&entry, STORE_INTENT, INTENT);
	ck_assert_int_eq(faccessat(entry.fd, ".intent.json.tmp", F_OK, 0), -1);
	ck_assert_int_eq(record_load(&entry, &record, &err), 0);
	ck_assert_ptr_nonnull(record.intent);
	ck_assert_ptr_null(record.state);
	ck_assert(!record.intent_damaged && !record.state_damaged);
	ck_assert_str_eq(record.intent->bundle, "/b");
	ck_assert_uint_eq(record.intent->owner, 1000);
	ck_assert(record.intent->private_pid && record.intent->no_new_keyring &&
		  record.intent->poststop && !record.intent->poststart);
	ck_assert_str_eq(record.intent->rdt_group, "/r/c1");
	ck_assert_str_eq(record.intent->rdt_monitor, "/r/c1/mon_groups/c1");
	ck_assert(record.intent->rdt_own_group);
	ck_assert_uint_eq(record.intent->annotations.count, 1);
	ck_assert_int_eq(record_find_cgroup(&entry, &record, &location, &err), 0);
	ck_assert_int_eq(location.mode, CGROUP_MODE_LEGACY);
	ck_assert_str_eq(location.path, "/c1");
	ck_assert_ptr_null(location.unit);
	ck_assert_str_eq(location.directories[0], "/sys/fs/cgroup/cpu/c1");
	ck_assert_ptr_null(location.directories[1]);
	cgroup_location_clear(&location);
	store_entry_close(&entry);
	scratch_close(&scratch);
}
END_TEST

START_TEST(state_there_and_back)
{
	auto_record struct record record = RECORD_INIT;
	struct process_identity identity = {
		.pid = 77,
		.start_time = 12345678901234567890U,
		.pidfs_inode = UINT64_MAX,
		.boot_id = "0d8f95bf-4ae6-4b0b-9c8a-8d6a3f2c1b0e",
	};
	struct process_identity loaded;
	struct error err = ERROR_INIT;
	struct scratch scratch;
	struct store_entry entry;

	scratch_open(&scratch);
	entry = open_entry(&scratch);
	ck_assert_int_eq(record_write_state(&entry, RECORD_RUNNING, &identity, &err), 0);
	check_file(&entry, STORE_STATE, STATE);
	ck_assert_int_eq(record_load(&entry, &record, &err), 0);
	ck_assert_ptr_nonnull(record.state);
	ck_assert_uint_eq(record.state->phase, RECORD_RUNNING);
	record_identity(&record, &loaded);
	ck_assert_int_eq(loaded.pid, 77);
	ck_assert_uint_eq(loaded.start_time, identity.start_time);
	ck_assert_uint_eq(loaded.pidfs_inode, identity.pidfs_inode);
	ck_assert_str_eq(loaded.boot_id, identity.boot_id);
	store_entry_close(&entry);
	scratch_close(&scratch);
}
END_TEST

START_TEST(nothing_there)
{
	auto_record struct record record = RECORD_INIT;
	struct process_identity identity;
	struct error err = ERROR_INIT;
	struct scratch scratch;
	struct store_entry entry;

	scratch_open(&scratch);
	entry = open_entry(&scratch);
	ck_assert_int_eq(record_load(&entry, &record, &err), 0);
	ck_assert_ptr_null(record.intent);
	ck_assert_ptr_null(record.state);
	ck_assert(!record.intent_damaged && !record.state_damaged);
	record_identity(&record, &identity);
	ck_assert_int_eq(identity.pid, 0);
	store_entry_close(&entry);
	scratch_close(&scratch);
}
END_TEST

/* What cannot be used is told from what is not there, and never used. */
static void check_damaged(const char *name, const char *text)
{
	auto_record struct record record = RECORD_INIT;
	bool intent = strcmp(name, STORE_INTENT) == 0;
	struct error err = ERROR_INIT;
	struct scratch scratch;
	struct store_entry entry;

	scratch_open(&scratch);
	entry = open_entry(&scratch);
	scratch_text(scratch.fd, name, text, 0600);
	ck_assert_int_eq(record_load(&entry, &record, &err), 0);
	ck_assert_msg(!record.intent && !record.state, "%s was used: %s", name, text);
	ck_assert_int_eq(record.intent_damaged, intent);
	ck_assert_int_eq(record.state_damaged, !intent);
	store_entry_close(&entry);
	scratch_close(&scratch);
}

static void replace(char *out, size_t size, const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	ck_assert_ptr_nonnull(at);
	(void)snprintf(out, size, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

START_TEST(damaged_state)
{
	static const char *const changes[][2] = {
		{"\"version\":1", "\"version\":2"},
		{"\"version\":1,", ""},
		{"\"phase\":2", "\"phase\":3"},
		{"\"phase\":2", "\"phase\":4294967295"},
		{"\"phase\":2,", ""},
		{"\"pid\":77", "\"pid\":0"},
		{"\"pid\":77", "\"pid\":-1"},
		{"\"pid\":77", "\"pid\":2147483648"},
		{"\"pid\":77,", ""},
		{",\"bootId\":\"0d8f95bf-4ae6-4b0b-9c8a-8d6a3f2c1b0e\"", ""},
		{"}", ""},
		{"}", "}}"},
	};
	char text[1024];

	check_damaged(STORE_STATE, "");
	check_damaged(STORE_STATE, "{}");
	check_damaged(STORE_STATE, "[]");
	check_damaged(STORE_STATE, "null");
	for (size_t i = 0; i < suite_count(changes); i++) {
		replace(text, sizeof(text), STATE, changes[i][0], changes[i][1]);
		check_damaged(STORE_STATE, text);
	}
}
END_TEST

START_TEST(damaged_intent)
{
	static const char *const changes[][2] = {
		{"\"version\":1", "\"version\":7"},
		{"\"id\":\"c1\",", ""},
		{"\"cgroupManager\":0", "\"cgroupManager\":3"},
		{"\"cgroupMode\":1", "\"cgroupMode\":2"},
		{"\"cgroupPath\":\"/c1\",", ""},
		{"\"cgroupPath\":\"/c1\"", "\"cgroupPath\":\"c1\""},
	};
	char text[1024];

	check_damaged(STORE_INTENT, "{\"id\":");
	for (size_t i = 0; i < suite_count(changes); i++) {
		replace(text, sizeof(text), INTENT, changes[i][0], changes[i][1]);
		check_damaged(STORE_INTENT, text);
	}
}
END_TEST

START_TEST(links_and_pipes_are_damage)
{
	auto_record struct record record = RECORD_INIT;
	struct error err = ERROR_INIT;
	struct scratch scratch;
	struct store_entry entry;

	scratch_open(&scratch);
	entry = open_entry(&scratch);
	scratch_text(scratch.fd, "elsewhere", STATE, 0600);
	scratch_link(scratch.fd, STORE_STATE, "elsewhere");
	ck_assert_int_eq(mkfifoat(scratch.fd, STORE_INTENT, 0600), 0);
	ck_assert_int_eq(record_load(&entry, &record, &err), 0);
	ck_assert(record.intent_damaged && record.state_damaged);
	store_entry_close(&entry);
	scratch_close(&scratch);
}
END_TEST

/* Fields of a later release of the same version are no damage. */
START_TEST(unknown_fields)
{
	auto_record struct record record = RECORD_INIT;
	struct error err = ERROR_INIT;
	struct scratch scratch;
	struct store_entry entry;
	char text[1024];

	scratch_open(&scratch);
	entry = open_entry(&scratch);
	replace(text, sizeof(text), STATE, "\"phase\"", "\"novelty\":[1,{}],\"phase\"");
	scratch_text(scratch.fd, STORE_STATE, text, 0600);
	ck_assert_int_eq(record_load(&entry, &record, &err), 0);
	ck_assert_ptr_nonnull(record.state);
	ck_assert_int_eq(record.state->pid, 77);
	store_entry_close(&entry);
	scratch_close(&scratch);
}
END_TEST

START_TEST(write_that_fails)
{
	struct process_identity identity = {.pid = 1};
	struct error err = ERROR_INIT;
	struct scratch scratch;
	struct store_entry entry;

	scratch_open(&scratch);
	entry = open_entry(&scratch);
	scratch_directory(scratch.fd, STORE_STATE, 0700);
	ck_assert_int_eq(record_write_state(&entry, RECORD_CREATED, &identity, &err), -EISDIR);
	ck_assert_error(&err, EISDIR, "",
			"write state.json of container c1: Is a directory (EISDIR)", "");
	ck_assert_int_eq(faccessat(entry.fd, ".state.json.tmp", F_OK, 0), -1);
	store_entry_close(&entry);
	scratch_close(&scratch);
}
END_TEST

/* Where a container of the systemd manager is: damaged unless all of it fits together. */
#define UNIT(manager, path, unit, unit_path)                                                    \
	"{\"version\":1,\"id\":\"c1\",\"bundle\":\"/b\",\"rootfs\":\"/b/r\",\"created\":\"x\"," \
	"\"owner\":0,\"cgroupManager\":" manager ",\"cgroupMode\":0,\"cgroupPath\":\"" path     \
	"\",\"cgroupUnit\":\"" unit                                                             \
	"\",\"cgroupSlice\":\"s.slice\",\"cgroupUnitPath\":\"" unit_path                        \
	"\",\"cgroupBus\":\"unix:path=/bus\",\"cgroupRuntime\":\"/run/systemd\"}"

static bool intent_is_damaged(const char *text)
{
	auto_record struct record record = RECORD_INIT;
	struct error err = ERROR_INIT;
	struct scratch scratch;
	struct store_entry entry;
	bool damaged;

	scratch_open(&scratch);
	entry = open_entry(&scratch);
	scratch_text(scratch.fd, STORE_INTENT, text, 0600);
	ck_assert_int_eq(record_load(&entry, &record, &err), 0);
	damaged = record.intent_damaged;
	fd_close(entry.fd);
	scratch_close(&scratch);
	return damaged;
}

START_TEST(units_there_and_back)
{
	auto_record struct record record = RECORD_INIT;
	struct cgroup_location location;
	struct error err = ERROR_INIT;
	struct scratch scratch;
	struct store_entry entry;

	scratch_open(&scratch);
	entry = open_entry(&scratch);
	scratch_text(scratch.fd, STORE_INTENT, UNIT("1", "/s.slice/u/c", "u", "/s.slice/u"), 0600);
	ck_assert_int_eq(record_load(&entry, &record, &err), 0);
	ck_assert_int_eq(record_find_cgroup(&entry, &record, &location, &err), 0);
	ck_assert_int_eq(location.manager, CGROUP_MANAGER_SYSTEMD);
	ck_assert_str_eq(location.path, "/s.slice/u/c");
	ck_assert_str_eq(location.unit, "u");
	ck_assert_str_eq(location.unit_path, "/s.slice/u");
	ck_assert_str_eq(location.slice, "s.slice");
	ck_assert_str_eq(location.bus, "unix:path=/bus");
	ck_assert_str_eq(location.runtime, "/run/systemd");
	cgroup_location_clear(&location);
	fd_close(entry.fd);
	scratch_close(&scratch);
}
END_TEST

START_TEST(units_that_cannot_be)
{
	ck_assert(!intent_is_damaged(UNIT("1", "/s.slice/u", "u", "/s.slice/u")));
	ck_assert(!intent_is_damaged(UNIT("0", "/x", "u", "/elsewhere")));
	ck_assert(intent_is_damaged(UNIT("1", "/x", "u", "/s.slice/u")));
	ck_assert(intent_is_damaged(UNIT("1", "/s.slice/ux", "u", "/s.slice/u")));
	ck_assert(intent_is_damaged(UNIT("1", "/s.slice/u", "u", "")));
	ck_assert(intent_is_damaged(UNIT("1", "/s.slice/u", "u", "/")));
	ck_assert(intent_is_damaged(
		"{\"version\":1,\"id\":\"c1\",\"bundle\":\"/b\",\"rootfs\":\"/b/r\",\"created\":"
		"\"x\",\"owner\":0,\"cgroupManager\":1,\"cgroupMode\":0,\"cgroupPath\":\"/a\"}"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		units_there_and_back,  units_that_cannot_be,
		intent_there_and_back, state_there_and_back,
		nothing_there,	       damaged_state,
		damaged_intent,	       links_and_pipes_are_damage,
		unknown_fields,	       write_that_fails,
	};

	return suite_run("record", tests, suite_count(tests));
}
