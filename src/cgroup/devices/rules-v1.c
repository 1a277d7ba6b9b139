/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device policy in the words of the v1 controller (the kernel's security/device_cgroup.c).
 *
 * A v1 device cgroup denies all and has a list of what it allows, or allows all and has a list of
 * what it denies. All entries of the list that match a device count, not the most specific alone.
 * So the first form can say a policy in which the specific allows at least what the general does,
 * and the second form one in which it allows at most that. Anything else has no form, for the
 * kernel passes over a rule that takes a part out of a wildcard. We do not: a device that was to be
 * closed must not be open.
 *
 * In the first form the kernel wants one entry of the list to contain the whole access. That holds:
 * the most specific entry contains all the others.
 */
#include "cgroup/devices/rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fd.h"

/* A form is said by its default: true allows all and lists what is denied. */

/* Whether a device that gets `specific` may stand inside of a wider entry that gets `general`. */
static bool form_fits(bool form, uint8_t specific, uint8_t general)
{
	uint8_t larger = form ? general : specific, smaller = form ? specific : general;

	return (smaller & ~larger) == 0;
}

/* Against the three patterns that are wider than the device's own. */
static bool form_fits_device(bool form, const struct device_policy *policy,
			     const struct device_entry *device)
{
	char type = device->type;
	uint8_t access = device_policy_find(policy, type, device->major, device->minor);

	return form_fits(form, access,
			 device_policy_find(policy, type, device->major, DEVICE_ANY)) &&
	       form_fits(form, access,
			 device_policy_find(policy, type, DEVICE_ANY, device->minor)) &&
	       form_fits(form, access, device_policy_find(policy, type, DEVICE_ANY, DEVICE_ANY));
}

/* A device that two entries match, neither of them within the other, has none of its own when one
 * of them gives the right answer; v1 would let both speak. */
static bool form_fits_cuts(bool form, const struct device_policy *policy,
			   const struct device_entry *entry)
{
	if (entry->major == DEVICE_ANY || entry->minor != DEVICE_ANY)
		return true;
	for (size_t i = 0; i < policy->count; i++) {
		const struct device_entry *other = &policy->entries[i];
		struct device_entry cut = *entry;

		if (other->type != entry->type || other->major != DEVICE_ANY ||
		    other->minor == DEVICE_ANY)
			continue;
		cut.minor = other->minor;
		if (!form_fits_device(form, policy, &cut))
			return false;
	}
	return true;
}

/* The first entry that the form cannot say, or NULL. */
static const struct device_entry *form_obstacle(bool form, const struct device_policy *policy)
{
	for (size_t i = 0; i < policy->count; i++) {
		const struct device_entry *entry = &policy->entries[i];

		if (!form_fits_device(form, policy, entry) || !form_fits_cuts(form, policy, entry))
			return entry;
	}
	return NULL;
}

/* What the list of this form has to say of the entry; 0: nothing. */
static uint8_t form_listed(bool form, const struct device_entry *entry)
{
	return form ? DEVICE_ACCESS_ALL & ~entry->access : entry->access;
}

static size_t form_count_lines(bool form, const struct device_policy *policy)
{
	size_t count = 1;

	for (size_t i = 0; i < policy->count; i++)
		count += form_listed(form, &policy->entries[i]) != 0;
	return count;
}

static void number_format(uint32_t number, char out[12])
{
	if (number == DEVICE_ANY)
		(void)snprintf(out, 12, "*");
	else
		(void)snprintf(out, 12, "%u", number);
}

/* "c 1:3 rwm" */
static void entry_format(const struct device_entry *entry, uint8_t access, char *out, size_t size)
{
	char major[12], minor[12];

	number_format(entry->major, major);
	number_format(entry->minor, minor);
	(void)snprintf(out, size, "%c %s:%s %s%s%s", entry->type, major, minor,
		       access & BPF_DEVCG_ACC_READ ? "r" : "",
		       access & BPF_DEVCG_ACC_WRITE ? "w" : "",
		       access & BPF_DEVCG_ACC_MKNOD ? "m" : "");
}

static int no_form(const struct device_entry *obstacle, struct error *err)
{
	char text[40];

	entry_format(obstacle, obstacle->access, text, sizeof(text));
	(void)error_set(err, ENOTSUP,
			"cgroup v1 has no rule for a device that is allowed less than the wildcard "
			"around it: \"%s\"",
			text);
	(void)error_at(err, "linux.resources.devices");
	return error_hint(err, "allow the devices one by one, or use cgroup v2");
}

int device_rules_plan_v1(const struct device_policy *policy, struct device_line **ret_lines,
			 size_t *ret_count, struct error *err)
{
	const struct device_entry *deny_obstacle = form_obstacle(false, policy);
	const struct device_entry *allow_obstacle = form_obstacle(true, policy);
	size_t deny_count = form_count_lines(false, policy);
	size_t allow_count = form_count_lines(true, policy), count = 1;
	struct device_line *lines;
	bool form;

	if (deny_obstacle && allow_obstacle)
		return no_form(deny_obstacle, err);
	form = deny_obstacle || (!allow_obstacle && allow_count < deny_count);
	lines = calloc(form ? allow_count : deny_count, sizeof(*lines));
	if (!lines)
		return error_errno(err, ENOMEM, "device rules");

	/* Sets the default and empties the list, whatever was there. */
	lines[0] = (struct device_line){.allow = form, .text = "a"};
	for (size_t i = 0; i < policy->count; i++) {
		uint8_t access = form_listed(form, &policy->entries[i]);

		if (access == 0)
			continue;
		lines[count].allow = !form;
		entry_format(&policy->entries[i], access, lines[count].text,
			     sizeof(lines[count].text));
		count++;
	}
	*ret_lines = lines;
	*ret_count = count;
	return 0;
}
