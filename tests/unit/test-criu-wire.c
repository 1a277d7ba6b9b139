/* SPDX-License-Identifier: Apache-2.0 */
#include "container/criu/wire.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "container/criu/cgroup.h"
#include "suite.h"

/* The whole message, byte by byte. */
static void expect_bytes(const struct text *message, const char *bytes, size_t length)
{
	ck_assert(!message->failed);
	ck_assert_uint_eq(message->length, length);
	ck_assert_mem_eq(message->data, bytes, length);
}
#define expect(message, literal) expect_bytes(message, literal, sizeof(literal) - 1)

START_TEST(numbers)
{
	struct text message = {0};

	criu_put_number(&message, CRIU_IMAGES_DIR_FD, 0);
	criu_put_number(&message, CRIU_PID, 127);
	criu_put_number(&message, CRIU_LEAVE_RUNNING, 128);
	criu_put_number(&message, CRIU_NETWORK_LOCK, 300);
	expect(&message, "\x08\x00"
			 "\x10\x7f"
			 "\x18\x80\x01"
			 "\x80\x04\xac\x02");
	text_clear(&message);
	/* An int32 of protocol buffers has the sign of 64 bits. */
	criu_put_number(&message, CRIU_PID, -1);
	expect(&message, "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
	text_clear(&message);
}
END_TEST

START_TEST(strings_and_messages)
{
	struct text message = {0}, inner = {0}, request = {0};

	criu_put_string(&inner, 1, "ns");
	criu_put_string(&inner, 2, "");
	criu_put_message(&message, CRIU_JOIN_NS, &inner);
	expect(&message, "\xba\x02\x06\x0a\x02ns\x12\x00");
	criu_put_request(&request, CRIU_DUMP, &message);
	expect(&request, "\x08\x01\x12\x09\xba\x02\x06\x0a\x02ns\x12\x00");
	text_clear(&request);
	criu_put_request(&request, CRIU_VERSION, NULL);
	expect(&request, "\x08\x0a");
	text_clear(&request);
	criu_put_answer(&request, true);
	expect(&request, "\x08\x06\x18\x01");
	text_clear(&request);
	criu_put_answer(&request, false);
	expect(&request, "\x08\x06\x18\x00");
	text_clear(&request);
	text_clear(&inner);
	/* A message that ran out of memory does not look whole inside of another. */
	inner.failed = true;
	criu_put_message(&request, 1, &inner);
	ck_assert(request.failed);
	text_clear(&request);
	text_clear(&message);
}
END_TEST

static int parse(const char *bytes, size_t size, struct criu_response *response)
{
	return criu_parse_response(bytes, size, response);
}
#define PARSE(literal, response) parse(literal, sizeof(literal) - 1, response)

START_TEST(responses)
{
	struct criu_response response;

	ck_assert_int_eq(PARSE("\x08\x02\x10\x01\x22\x03\x08\x80\x02", &response), 0);
	ck_assert_uint_eq(response.type, CRIU_RESTORE);
	ck_assert(response.success);
	ck_assert_int_eq(response.pid, 256);
	ck_assert_int_eq(response.number, 0);
	ck_assert_str_eq(response.script, "");

	ck_assert_int_eq(PARSE("\x08\x06\x10\x01\x2a\x10\x0a\x0cpost-restore\x10\x07", &response),
			 0);
	ck_assert_uint_eq(response.type, CRIU_NOTIFY);
	ck_assert_str_eq(response.script, "post-restore");
	ck_assert_int_eq(response.pid, 7);

	ck_assert_int_eq(PARSE("\x08\x01\x10\x00\x38\x11\x4a\x04oops", &response), 0);
	ck_assert(!response.success);
	ck_assert_int_eq(response.number, 17);
	ck_assert_str_eq(response.words, "oops");

	ck_assert_int_eq(
		PARSE("\x08\x0a\x10\x01\x52\x0a\x08\x04\x10\x01\x1a\x02v4\x20\x01", &response), 0);
	ck_assert_uint_eq(response.version, 40101);
}
END_TEST

/* A newer criu has more to say, in any of the format's types. */
START_TEST(unknown_fields_are_skipped)
{
	struct criu_response response;

	ck_assert_int_eq(PARSE("\x79"
			       "12345678"
			       "\x7d"
			       "1234"
			       "\x7a\x03xyz"
			       "\x78\x80\x01"
			       "\x08\x01\x10\x01",
			       &response),
			 0);
	ck_assert_uint_eq(response.type, CRIU_DUMP);
	ck_assert(response.success);
}
END_TEST

START_TEST(damaged_responses)
{
	static const struct {
		const char *bytes;
		size_t size;
	} damaged[] = {
		{"", 0},	 /* no type */
		{"\x10\x01", 2}, /* the same */
		{"\x08", 1},	 /* no value */
		{"\x08\x80", 2}, /* a number that does not end */
		{"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12},
		{"\x4a\x05oops", 6}, /* shorter than it says */
		{"\x4a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x", 12},
		{"\x79"
		 "1234567",
		 8},
		{"\x7d"
		 "123",
		 4},
		{"\x0b\x01", 2}, /* a group: a type that is no more */
		{"\x08\x06\x2a\x02\x0a\x05", 6},
		{"\x08\x02\x22\x01\x08", 5},
		{"\x08\x0a\x52\x01\x08", 5},
	};
	struct criu_response response = {.pid = 99};

	for (size_t i = 0; i < suite_count(damaged); i++)
		ck_assert_int_eq(parse(damaged[i].bytes, damaged[i].size, &response), -EBADMSG);
	ck_assert_int_eq(response.pid, 99);
}
END_TEST

START_TEST(long_words_are_cut)
{
	char bytes[400] = "\x08\x01\x4a\x84\x02"; /* 260 bytes follow */
	struct criu_response response;

	memset(bytes + 5, 'x', 260);
	ck_assert_int_eq(parse(bytes, 5 + 260, &response), 0);
	ck_assert_uint_eq(strlen(response.words), sizeof(response.words) - 1);
}
END_TEST

START_TEST(words_of_the_command_line)
{
	uint32_t value = 99;

	ck_assert_int_eq(criu_parse_cgroups_mode("ignore", &value), 0);
	ck_assert_uint_eq(value, 0);
	ck_assert_int_eq(criu_parse_cgroups_mode("soft", &value), 0);
	ck_assert_uint_eq(value, 3);
	ck_assert_int_eq(criu_parse_cgroups_mode("full", &value), 0);
	ck_assert_uint_eq(value, 4);
	ck_assert_int_eq(criu_parse_cgroups_mode("strict", &value), 0);
	ck_assert_uint_eq(value, 5);
	ck_assert_int_eq(criu_parse_cgroups_mode("props", &value), -EINVAL);
	ck_assert_int_eq(criu_parse_cgroups_mode("", &value), -EINVAL);
	ck_assert_int_eq(criu_parse_network_lock("iptables", &value), 0);
	ck_assert_uint_eq(value, 1);
	ck_assert_int_eq(criu_parse_network_lock("nftables", &value), 0);
	ck_assert_uint_eq(value, 2);
	ck_assert_int_eq(criu_parse_network_lock("skip", &value), 0);
	ck_assert_uint_eq(value, 3);
	ck_assert_int_eq(criu_parse_network_lock("none", &value), -EINVAL);
	ck_assert_uint_eq(value, 3);
}
END_TEST

static void check_options(const char *mountinfo, const char *expected)
{
	auto_free char *text = strdup(mountinfo);
	char options[CRIU_CGROUP_OPTIONS_MAX];

	criu_cgroup_parse(text, options);
	ck_assert_str_eq(options, expected);
}

START_TEST(options_of_the_hosts_cgroups)
{
	check_options("22 1 0:20 / /sys rw - sysfs sysfs rw\n"
		      "83 81 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 "
		      "rw,nsdelegate,memory_recursiveprot\n"
		      "84 81 0:26 / /mnt rw - cgroup2 cgroup2 rw\n",
		      "rw,nsdelegate,memory_recursiveprot");
	check_options("83 81 0:26 / /sys/fs/cgroup rw - tmpfs cgroup rw\n"
		      "84 83 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate",
		      "");
	/* Covered. */
	check_options("83 81 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n"
		      "84 83 0:27 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n",
		      "");
	check_options("83 81 0:26 / /sys/fs/cgroup rw - cgroup2  rw,nsdelegate", "rw,nsdelegate");
	check_options("83 81 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2", "");
	check_options("", "");
}
END_TEST

START_TEST(the_error_that_matters)
{
	static const char log[] = "(00.001) Error (criu/util.c:1533): rlimit: Can't setup "
				  "RLIMIT_NOFILE for self: EPERM\n"
				  "(00.002) Warn  (criu/x.c:1): nothing\n"
				  "(00.003)      1: Error (criu/files.c:2): the cause\n"
				  "(00.004) Error (criu/cr-dump.c:3): Dumping FAILED.\n";
	const char *found = criu_find_error(log);

	ck_assert_ptr_nonnull(found);
	ck_assert(strncmp(found, "Error (criu/files.c:2): the cause\n", 34) == 0);
	/* Alone it may be one after all. */
	found = criu_find_error("(0) Error (a): Can't setup RLIMIT_NOFILE for self\n(1) end\n");
	ck_assert_ptr_nonnull(found);
	ck_assert(strncmp(found, "Error (a)", 9) == 0);
	ck_assert_ptr_null(criu_find_error("(0) Warn (a): b\n"));
	/* Nobody at the page server; and at its second address somebody. */
	found = criu_find_error("(0) Connecting to server 127.0.0.1:9\n"
				"(1) Can't connect to server 127.0.0.1:9\n"
				"(2) Error (b): Unable to detach\n");
	ck_assert_ptr_nonnull(found);
	ck_assert(strncmp(found, "Can't connect to server 127.0.0.1:9\n", 36) == 0);
	found = criu_find_error(
		"(0) Connecting to server ::1:9\n(1) Can't connect to server ::1:9\n"
		"(2) Connecting to server 127.0.0.1:9\n(3) Error (b): full\n");
	ck_assert_ptr_nonnull(found);
	ck_assert(strncmp(found, "Error (b): full\n", 16) == 0);
	ck_assert_ptr_null(criu_find_error(""));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		numbers,
		strings_and_messages,
		responses,
		damaged_responses,
		long_words_are_cut,
		unknown_fields_are_skipped,
		words_of_the_command_line,
		options_of_the_hosts_cgroups,
		the_error_that_matters,
	};

	return suite_run("criu-wire", tests, suite_count(tests));
}
