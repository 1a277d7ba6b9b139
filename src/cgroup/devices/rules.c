/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a list of device rules means
 *
 * The rules are written for the kernel's v1 controller, are applied in their order, and a device
 *access is a set of bits (read, write, mknod) of which open(O_RDWR) asks for two at once. Taken
 *together this gives one sensible meaning, and it is ours on every host:
 *
 *	Each bit of each device is a switch, off at first. A rule turns the switches on or off that
 *it names. An access is granted when all the bits it asks for are on.
 *
 * So the last rule that speaks of a bit decides about that bit: "deny w" after "allow rw" leaves
 *"r", and takes O_RDWR away. `a` means both kinds of devices; absent numbers (or -1) mean any.
 *
 * Where this differs from others, and why:
 * - The v1 kernel keeps one behaviour (all or nothing) and a list of exceptions to it. It passes
 *over the removal of a part of a wildcard ("allow c *:*", then "deny c 1:1") in silence, and takes
 *the numbers of an `a` rule for any. We say what was asked for or, on v1, refuse
 *(devices/rules-v1.c).
 * - runc replays that kernel's lists (its emulator), on cgroup2 too, and so refuses such holes, and
 *takes "allow a 1:3" for everything. Its program for "allow all, deny w" lets O_RDWR pass, for it
 *compares the whole access and not its bits.
 * - crun lets the last rule decide that contains the whole access, so that O_RDWR passes there too.
 *
 * The order is that of both: nothing is allowed; the config's rules; then the ones that every
 *container gets. These come last and so cannot be taken away: engines send "deny all" and rely on
 *it. runc leaves out those of them whose path is also in linux.devices; the specification wants
 *these devices supplied always, so we (and crun) do not. crun alone adds /dev/console (5:1), which
 *the specification lists too, and so we add it.
 *
 * From rules to a policy
 *
 * Only the numbers that occur in rules can be told apart by them. So each pattern (major or any,
 *minor or any) that a rule names is taken, and the cut of every two of them; for each it is
 *computed what the rules make of a device that matches this pattern and none of its narrower ones.
 *As the cuts are there, one pattern that matches a device is narrower than all others that do. Then
 *every entry goes that says the same as the wider one that would answer in its place. What remains
 *is small (docker's list: 12 entries), has no order, and gives the eBPF program and the lines of v1
 *alike, so these two cannot differ in meaning.
 */
#include "cgroup/devices/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

/* More would not pass the kernel's verifier, which follows at most 8192 open branches. */
#define ENTRIES_MAX ((size_t)2048)

/* One rule about one kind of device. */
struct step {
	bool allow;
	struct device_entry what;
};

static const struct step default_steps[] = {
	{true, {'c', DEVICE_ANY, DEVICE_ANY, BPF_DEVCG_ACC_MKNOD}},
	{true, {'b', DEVICE_ANY, DEVICE_ANY, BPF_DEVCG_ACC_MKNOD}},
	{true, {'c', 1, 3, DEVICE_ACCESS_ALL}},		   /* null */
	{true, {'c', 1, 5, DEVICE_ACCESS_ALL}},		   /* zero */
	{true, {'c', 1, 7, DEVICE_ACCESS_ALL}},		   /* full */
	{true, {'c', 1, 8, DEVICE_ACCESS_ALL}},		   /* random */
	{true, {'c', 1, 9, DEVICE_ACCESS_ALL}},		   /* urandom */
	{true, {'c', 5, 0, DEVICE_ACCESS_ALL}},		   /* tty */
	{true, {'c', 5, 2, DEVICE_ACCESS_ALL}},		   /* ptmx */
	{true, {'c', 136, DEVICE_ANY, DEVICE_ACCESS_ALL}}, /* pts */
	/* net/tun: in no specification, but engines never list it and their users count on it. */
	{true, {'c', 10, 200, DEVICE_ACCESS_ALL}},
};

struct steps {
	struct step *items;
	size_t count;
};

void device_policy_clear(struct device_policy *policy)
{
	free(policy->entries);
	*policy = (struct device_policy){0};
}

/* `major` and `minor` may be DEVICE_ANY: then they stand for a number that nothing names. */
static bool entry_matches(const struct device_entry *entry, char type, uint32_t major,
			  uint32_t minor)
{
	return entry->type == type && (entry->major == DEVICE_ANY || entry->major == major) &&
	       (entry->minor == DEVICE_ANY || entry->minor == minor);
}

uint8_t device_policy_find(const struct device_policy *policy, char type, uint32_t major,
			   uint32_t minor)
{
	for (size_t i = 0; i < policy->count; i++) {
		if (entry_matches(&policy->entries[i], type, major, minor))
			return policy->entries[i].access;
	}
	return 0;
}

bool device_policy_allows_all(const struct device_policy *policy)
{
	for (size_t i = 0; i < policy->count; i++) {
		if (policy->entries[i].access != DEVICE_ACCESS_ALL)
			return false;
	}
	return true;
}

/* 0 for an access that is not of "rwm". */
static uint8_t access_parse(const char *text)
{
	uint8_t access = 0;

	for (; text && *text; text++) {
		switch (*text) {
		case 'r':
			access |= BPF_DEVCG_ACC_READ;
			break;
		case 'w':
			access |= BPF_DEVCG_ACC_WRITE;
			break;
		case 'm':
			access |= BPF_DEVCG_ACC_MKNOD;
			break;
		default:
			return 0;
		}
	}
	return access;
}

static int number_parse(const struct oci_opt_i64 *number, uint32_t *ret_number, struct error *err)
{
	if (!number->set || number->value == -1) {
		*ret_number = DEVICE_ANY;
		return 0;
	}
	if (number->value < 0 || number->value >= DEVICE_ANY)
		return error_set(err, EINVAL, "%lld is no device number", (long long)number->value);
	*ret_number = (uint32_t)number->value;
	return 0;
}

static int rule_parse(const struct oci_device_rule *rule, size_t i, struct step *ret_step,
		      struct error *err)
{
	struct step step = {.allow = rule->allow, .what.type = rule->type};

	if (rule->type != 'a' && rule->type != 'b' && rule->type != 'c') {
		(void)error_set(err, EINVAL, "not a, b or c");
		return error_at(err, "linux.resources.devices[%zu].type", i);
	}
	if (number_parse(&rule->major, &step.what.major, err) < 0)
		return error_at(err, "linux.resources.devices[%zu].major", i);
	if (number_parse(&rule->minor, &step.what.minor, err) < 0)
		return error_at(err, "linux.resources.devices[%zu].minor", i);
	step.what.access = access_parse(rule->access);
	if (step.what.access == 0) {
		(void)error_set(err, EINVAL, "\"%s\" is no combination of r, w and m",
				rule->access ? rule->access : "");
		return error_at(err, "linux.resources.devices[%zu].access", i);
	}
	*ret_step = step;
	return 0;
}

/* All rules in their order, those for `a` as two. */
static int steps_collect(const struct oci_device_rules *rules, struct steps *ret_steps,
			 struct error *err)
{
	size_t rule_count = rules ? rules->count : 0, count = 0;
	auto_free struct step *items = NULL;

	items = calloc(2 * rule_count + array_size(default_steps), sizeof(*items));
	if (!items)
		return error_errno(err, ENOMEM, "device rules");
	for (size_t i = 0; i < rule_count; i++) {
		int r = rule_parse(&rules->items[i], i, &items[count], err);

		if (r < 0)
			return r;
		if (items[count].what.type == 'a') {
			items[count + 1] = items[count];
			items[count++].what.type = 'b';
			items[count].what.type = 'c';
		}
		count++;
	}
	memcpy(items + count, default_steps, sizeof(default_steps));

	ret_steps->items = pointer_take(items);
	ret_steps->count = count + array_size(default_steps);
	return 0;
}

/* 0 for the most specific. */
static int entry_rank(const struct device_entry *entry)
{
	return (entry->major == DEVICE_ANY ? 2 : 0) + (entry->minor == DEVICE_ANY ? 1 : 0);
}

static int compare_u32(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int entry_compare(const void *left, const void *right)
{
	const struct device_entry *a = left, *b = right;
	int r = a->type - b->type;

	if (r == 0)
		r = entry_rank(a) - entry_rank(b);
	if (r == 0)
		r = compare_u32(a->major, b->major);
	return r ? r : compare_u32(a->minor, b->minor);
}

/* Gives how many different entries there are, which are then the first ones. */
static size_t entries_sort(struct device_entry *entries, size_t count)
{
	size_t kept = 0;

	qsort(entries, count, sizeof(*entries), entry_compare);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || entry_compare(&entries[kept - 1], &entries[i]) != 0)
			entries[kept++] = entries[i];
	}
	return kept;
}

/* Appends the cuts of each "major, any minor" with each "any major, minor" to `entries`, which has
 * room for `room` of them. Gives how many there are now, or -E2BIG. */
static ssize_t entries_cut(struct device_entry *entries, size_t count, size_t room)
{
	size_t all = count;

	for (size_t i = 0; i < count; i++) {
		if (entry_rank(&entries[i]) != 1)
			continue;
		for (size_t k = 0; k < count; k++) {
			if (entry_rank(&entries[k]) != 2 || entries[k].type != entries[i].type)
				continue;
			if (all == room)
				return -E2BIG;
			entries[all] = entries[i];
			entries[all++].minor = entries[k].minor;
		}
	}
	return (ssize_t)all;
}

/* The patterns of the rules and their cuts, sorted, each once, with no access yet. */
static int policy_patterns(const struct steps *steps, struct device_policy *ret_policy,
			   struct error *err)
{
	auto_free struct device_entry *entries = NULL;
	size_t count, room = 2 * ENTRIES_MAX > steps->count ? 2 * ENTRIES_MAX : steps->count;
	ssize_t all;

	entries = calloc(room, sizeof(*entries));
	if (!entries)
		return error_errno(err, ENOMEM, "device rules");
	for (size_t i = 0; i < steps->count; i++)
		entries[i] = steps->items[i].what;
	count = entries_sort(entries, steps->count);
	all = count > ENTRIES_MAX ? -E2BIG : entries_cut(entries, count, 2 * ENTRIES_MAX);
	count = all < 0 ? 0 : entries_sort(entries, (size_t)all);
	if (all < 0 || count > ENTRIES_MAX) {
		(void)error_set(err, E2BIG, "the rules tell more than %zu devices apart",
				ENTRIES_MAX);
		return error_at(err, "linux.resources.devices");
	}
	ret_policy->entries = pointer_take(entries);
	ret_policy->count = count;
	return 0;
}

static uint8_t steps_evaluate(const struct steps *steps, const struct device_entry *device)
{
	uint8_t access = 0;

	for (size_t i = 0; i < steps->count; i++) {
		const struct step *step = &steps->items[i];

		if (!entry_matches(&step->what, device->type, device->major, device->minor))
			continue;
		access = (uint8_t)(step->allow ? access | step->what.access
					       : access & ~step->what.access);
	}
	return access;
}

/*
 * Drops what a wider entry says too. From the general to the specific, that is from the end: an
 * entry may only be measured against wider ones that stay. The default rules name "any, any" of
 * both types, so one that matches always stays.
 */
static void policy_reduce(struct device_policy *policy)
{
	struct device_entry *entries = policy->entries;
	size_t first = policy->count;

	for (size_t i = policy->count; i-- > 0;) {
		struct device_entry entry = entries[i];
		struct device_policy wider = {entries + first, policy->count - first};

		if (entry_rank(&entry) == 3 || device_policy_find(&wider, entry.type, entry.major,
								  entry.minor) != entry.access)
			entries[--first] = entry;
	}
	policy->count -= first;
	memmove(entries, entries + first, policy->count * sizeof(*entries));
}

int device_rules_plan(const struct oci_device_rules *rules, struct device_policy *ret_policy,
		      struct error *err)
{
	struct device_policy policy = {0};
	struct steps steps = {0};
	int r;

	r = steps_collect(rules, &steps, err);
	if (r == 0)
		r = policy_patterns(&steps, &policy, err);
	if (r == 0) {
		for (size_t i = 0; i < policy.count; i++)
			policy.entries[i].access = steps_evaluate(&steps, &policy.entries[i]);
		policy_reduce(&policy);
		*ret_policy = policy;
	}
	free(steps.items);
	return r;
}
