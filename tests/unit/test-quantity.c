/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdint.h>

#include "base/quantity.h"
#include "suite.h"

struct row {
	const char *text;
	int result;
	int64_t value;
};

START_TEST(bytes)
{
	static const struct row rows[] = {
		{"0", 0, 0},
		{"1048576", 0, 1048576},
		{"9223372036854775807", 0, INT64_MAX},
		{"9223372036854775808", -ERANGE, 0},
		{"1b", 0, 1},
		{"1k", 0, 1024},
		{"1K", 0, 1024},
		{"32kb", 0, 32768},
		{"32KiB", 0, 32768},
		{"32kIb", 0, 32768},
		{"512m", 0, 536870912},
		{"100 MiB", 0, 104857600},
		{"1.5g", 0, 1610612736},
		{".5k", 0, 512},
		{"1.k", 0, 1024},
		{"0.0001", 0, 0},
		{"0.3333333333333333333333333333k", 0, 341},
		{"2t", 0, INT64_C(2) << 40},
		{"3P", 0, INT64_C(3) << 50},
		{"8191P", 0, INT64_C(8191) << 50},
		{"8192P", -ERANGE, 0},
		{"99999999999999999999m", -ERANGE, 0},
		{"", -EINVAL, 0},
		{".", -EINVAL, 0},
		{"m", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{"+1", -EINVAL, 0},
		{" 1", -EINVAL, 0},
		{"1  m", -EINVAL, 0},
		{"1x", -EINVAL, 0},
		{"1mm", -EINVAL, 0},
		{"1i", -EINVAL, 0},
		{"1mi", -EINVAL, 0},
		{"1mbb", -EINVAL, 0},
		{"1.2.3", -EINVAL, 0},
		{"0x10", -EINVAL, 0},
		{"1e3", -EINVAL, 0},
	};

	for (size_t i = 0; i < suite_count(rows); i++) {
		int64_t value = 77;

		ck_assert_msg(quantity_parse_bytes(rows[i].text, &value) == rows[i].result, "%s",
			      rows[i].text);
		ck_assert_msg(value == (rows[i].result ? 77 : rows[i].value), "%s: %lld",
			      rows[i].text, (long long)value);
	}
}
END_TEST

START_TEST(durations)
{
	static const struct row rows[] = {
		{"0", 0, 0},
		{"5s", 0, INT64_C(5000000000)},
		{"300ms", 0, 300000000},
		{"1.5s", 0, 1500000000},
		{"1h15m30.918s", 0, INT64_C(4530918000000)},
		{"4us", 0, 4000},
		{"4\xc2\xb5s", 0, 4000},
		{"4\xce\xbcs", 0, 4000},
		{"12ns", 0, 12},
		{"-1m", 0, INT64_C(-60000000000)},
		{"+1m", 0, INT64_C(60000000000)},
		{".5m", 0, INT64_C(30000000000)},
		{"2562047h", 0, INT64_C(2562047) * 3600000000000},
		{"2562048h", -ERANGE, 0},
		{"2562047h2562047h", -ERANGE, 0},
		{"99999999999999999999s", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"-", -EINVAL, 0},
		{"5", -EINVAL, 0},
		{"s", -EINVAL, 0},
		{".s", -EINVAL, 0},
		{"5 s", -EINVAL, 0},
		{"5d", -EINVAL, 0},
		{"5s3", -EINVAL, 0},
		{"--5s", -EINVAL, 0},
	};

	for (size_t i = 0; i < suite_count(rows); i++) {
		int64_t value = 77;

		ck_assert_msg(quantity_parse_duration(rows[i].text, &value) == rows[i].result, "%s",
			      rows[i].text);
		ck_assert_msg(value == (rows[i].result ? 77 : rows[i].value), "%s: %lld",
			      rows[i].text, (long long)value);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {bytes, durations};

	return suite_run("quantity", tests, suite_count(tests));
}
