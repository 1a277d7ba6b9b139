/* SPDX-License-Identifier: Apache-2.0 */
#include "device-oracle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf-extended.h"
#include "bytes.h"

#define RULES 10

static bool number_matches(const struct oci_opt_i64 *number, uint32_t value)
{
	return !number->set || number->value == -1 || number->value == value;
}

static bool default_allows(const struct device_access *access)
{
	static const uint32_t numbers[][2] = {{1, 3}, {1, 5}, {1, 7}, {1, 8},
					      {1, 9}, {5, 0}, {5, 2}, {10, 200}};

	if (access->access == BPF_DEVCG_ACC_MKNOD)
		return true;
	if (access->type != 'c')
		return false;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (access->major == numbers[i][0] && access->minor == numbers[i][1])
			return true;
	}
	return access->major == 136;
}

static bool bit_allowed(const struct oci_device_rules *rules, const struct device_access *access)
{
	char letter = access->access == BPF_DEVCG_ACC_READ    ? 'r'
		      : access->access == BPF_DEVCG_ACC_WRITE ? 'w'
							      : 'm';

	if (default_allows(access))
		return true;
	for (size_t i = rules->count; i-- > 0;) {
		const struct oci_device_rule *rule = &rules->items[i];

		if ((rule->type == 'a' || rule->type == access->type) &&
		    number_matches(&rule->major, access->major) &&
		    number_matches(&rule->minor, access->minor) && strchr(rule->access, letter))
			return rule->allow;
	}
	return false;
}

bool device_oracle_allows(const struct oci_device_rules *rules, const struct device_access *access)
{
	for (uint8_t bit = 1; bit <= DEVICE_ACCESS_ALL; bit = (uint8_t)(bit << 1)) {
		struct device_access one = *access;

		one.access = bit;
		if ((access->access & bit) && !bit_allowed(rules, &one))
			return false;
	}
	return true;
}

/* A v1 device cgroup: its behaviour and the exceptions from it. */
struct v1_cgroup {
	bool allow;
	struct device_access *exceptions;
	size_t count;
};

static uint32_t v1_number(const char *text, const char **ret_end)
{
	char *end;
	uint32_t number;

	if (*text == '*') {
		*ret_end = text + 1;
		return UINT32_MAX;
	}
	number = (uint32_t)strtoul(text, &end, 10);
	if (end == text)
		abort();
	*ret_end = end;
	return number;
}

static struct device_access v1_parse(const char *line)
{
	struct device_access parsed = {.type = line[0]};
	const char *text = line + 2;

	if ((line[0] != 'b' && line[0] != 'c') || line[1] != ' ')
		abort();
	parsed.major = v1_number(text, &text);
	if (*text++ != ':')
		abort();
	parsed.minor = v1_number(text, &text);
	if (*text++ != ' ' || *text == '\0')
		abort();
	for (; *text; text++)
		parsed.access |= *text == 'r'	? BPF_DEVCG_ACC_READ
				 : *text == 'w' ? BPF_DEVCG_ACC_WRITE
						: BPF_DEVCG_ACC_MKNOD;
	return parsed;
}

static bool v1_same(const struct device_access *a, const struct device_access *b)
{
	return a->type == b->type && a->major == b->major && a->minor == b->minor;
}

/* devcgroup_update_access() with dev_exception_add() and dev_exception_rm(). */
static void v1_write(struct v1_cgroup *cgroup, const struct device_line *line)
{
	struct device_access access;

	if (line->text[0] == 'a') {
		cgroup->allow = line->allow;
		cgroup->count = 0;
		return;
	}
	access = v1_parse(line->text);
	for (size_t i = 0; i < cgroup->count; i++) {
		if (!v1_same(&cgroup->exceptions[i], &access))
			continue;
		if (line->allow == cgroup->allow)
			cgroup->exceptions[i].access &= (uint8_t)~access.access;
		else
			cgroup->exceptions[i].access |= access.access;
		return;
	}
	if (line->allow != cgroup->allow)
		cgroup->exceptions[cgroup->count++] = access;
}

static bool v1_covers(const struct device_access *exception, const struct device_access *access)
{
	return exception->type == access->type && exception->access != 0 &&
	       (exception->major == UINT32_MAX || exception->major == access->major) &&
	       (exception->minor == UINT32_MAX || exception->minor == access->minor);
}

bool device_oracle_v1_allows(const struct device_line *lines, size_t count,
			     const struct device_access *access)
{
	struct v1_cgroup cgroup = {.allow = true};
	bool matched = false;

	cgroup.exceptions = calloc(count + 1, sizeof(*cgroup.exceptions));
	if (!cgroup.exceptions)
		abort();
	for (size_t i = 0; i < count; i++)
		v1_write(&cgroup, &lines[i]);
	for (size_t i = 0; i < cgroup.count; i++) {
		const struct device_access *exception = &cgroup.exceptions[i];

		/* match_exception_partial() and match_exception() */
		if (v1_covers(exception, access) &&
		    (cgroup.allow ? (access->access & exception->access) != 0
				  : (access->access & ~exception->access) == 0))
			matched = true;
	}
	free(cgroup.exceptions);
	return cgroup.allow ? !matched : matched;
}

bool device_program_allows(const struct bpf_insn *code, size_t count,
			   const struct device_access *access)
{
	struct bpf_cgroup_dev_ctx context = {
		.access_type = (uint32_t)access->access << 16 |
			       (access->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
		.major = access->major,
		.minor = access->minor,
	};

	return bpf_extended_run(code, count, &context) != 0;
}

/* Few numbers, so that rules meet; some of them the default rules'. */
static struct oci_opt_i64 make_number(struct bytes *bytes)
{
	static const int64_t numbers[] = {-1, 0, 1, 3, 5, 136, 200, 10, 4294967294};
	unsigned int i = bytes_below(bytes, 12);

	if (i >= sizeof(numbers) / sizeof(numbers[0]))
		return (struct oci_opt_i64){0};
	return (struct oci_opt_i64){true, numbers[i]};
}

static void make_rules(struct bytes *bytes, struct oci_device_rules *rules)
{
	static char accesses[][4] = {"r", "w", "m", "rw", "rm", "wm", "rwm", "mwr"};

	rules->count = bytes_below(bytes, RULES + 1);
	for (size_t i = 0; i < rules->count; i++) {
		struct oci_device_rule *rule = &rules->items[i];

		rule->allow = bytes_take(bytes) & 1;
		rule->type = "abc"[bytes_below(bytes, 3)];
		rule->major = make_number(bytes);
		rule->minor = make_number(bytes);
		rule->access = accesses[bytes_below(bytes, 8)];
	}
}

/* What is compared, for one set of rules. */
struct outputs {
	struct oci_device_rules rules;
	struct device_policy policy;
	struct bpf_insn *code;
	size_t code_count;
	struct device_line *lines; /* NULL: v1 has none */
	size_t line_count;
};

static void fail(const struct outputs *outputs, const struct device_access *access,
		 const char *what)
{
	fprintf(stderr, "the %s is wrong about %c %u:%u %x with these rules:\n", what, access->type,
		access->major, access->minor, access->access);
	for (size_t i = 0; i < outputs->rules.count; i++) {
		const struct oci_device_rule *rule = &outputs->rules.items[i];

		fprintf(stderr, "%s %c %lld:%lld %s\n", rule->allow ? "allow" : "deny", rule->type,
			rule->major.set ? (long long)rule->major.value : -1,
			rule->minor.set ? (long long)rule->minor.value : -1, rule->access);
	}
	for (size_t i = 0; i < outputs->line_count; i++)
		fprintf(stderr, "v1: %s %s\n", outputs->lines[i].allow ? "allow" : "deny",
			outputs->lines[i].text);
	abort();
}

static void check_access(const struct outputs *outputs, const struct device_access *access)
{
	bool expected = device_oracle_allows(&outputs->rules, access);
	uint8_t allowed =
		device_policy_find(&outputs->policy, access->type, access->major, access->minor);

	if (((access->access & ~allowed) == 0) != expected)
		fail(outputs, access, "policy");
	if (device_program_allows(outputs->code, outputs->code_count, access) != expected)
		fail(outputs, access, "program");
	if (outputs->lines &&
	    device_oracle_v1_allows(outputs->lines, outputs->line_count, access) != expected)
		fail(outputs, access, "list of v1 lines");
}

static void check_accesses(const struct outputs *outputs)
{
	static const uint32_t numbers[] = {0,  1,   2,	 3,    5,	   8,
					   10, 136, 200, 1000, 4294967294, 4294967293};
	const size_t count = sizeof(numbers) / sizeof(numbers[0]);

	for (size_t i = 0; i < 2 * count * count * DEVICE_ACCESS_ALL; i++) {
		struct device_access access = {
			.type = i % 2 ? 'b' : 'c',
			.major = numbers[i / 2 % count],
			.minor = numbers[i / 2 / count % count],
			.access = (uint8_t)(1 + i / 2 / count / count),
		};

		check_access(outputs, &access);
	}
}

bool device_oracle_check(const uint8_t *data, size_t size)
{
	struct bytes bytes = {data, size};
	struct oci_device_rule items[RULES];
	struct outputs outputs = {.rules.items = items};
	struct error err = ERROR_INIT;
	bool has_lines;

	make_rules(&bytes, &outputs.rules);
	if (device_rules_plan(&outputs.rules, &outputs.policy, &err) < 0 ||
	    device_rules_compile(&outputs.policy, &outputs.code, &outputs.code_count, &err) < 0 ||
	    !bpf_extended_valid(outputs.code, outputs.code_count))
		abort();
	has_lines = device_rules_plan_v1(&outputs.policy, &outputs.lines, &outputs.line_count,
					 &err) == 0;
	if (!has_lines && err.number != ENOTSUP)
		abort();
	check_accesses(&outputs);
	device_policy_clear(&outputs.policy);
	free(outputs.code);
	free(outputs.lines);
	return has_lines;
}
