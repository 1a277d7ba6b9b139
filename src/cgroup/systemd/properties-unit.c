/* SPDX-License-Identifier: Apache-2.0 */
/* Properties that no file of a cgroup has: the unit's own, its devices', and the annotations'. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "cgroup/systemd/properties.h"
#include "cgroup/systemd/value.h"

#define ANNOTATION_PREFIX "org.systemd.property."

/* A property that is a string, or with `list` a list of one. */
static void add_string(struct systemd_properties *properties, const char *name, const char *string,
		       bool list)
{
	auto_text struct text value = {0};

	systemd_value_quote(&value, string);
	if (value.failed)
		properties->failed = true;
	else
		systemd_properties_add(properties, name, 0, "%s%s%s", list ? "[" : "", value.data,
				       list ? "]" : "");
}

/*
 * Devices.
 */

/* One entry as systemd spells it: a node by its number, or a class by its major. */
static void add_device(struct text *list, const struct device_entry *entry, uint32_t major)
{
	const char *class = entry->type == 'b' ? "block" : "char";

	text_append(list, list->length ? ", " : "[");
	if (major == DEVICE_ANY)
		text_format(list, "('%s-*', '", class);
	else if (entry->minor == DEVICE_ANY)
		text_format(list, "('%s-%" PRIu32 "', '", class, major);
	else
		text_format(list, "('/dev/%s/%" PRIu32 ":%" PRIu32 "', '", class, major,
			    entry->minor);
	text_format(list, "%s%s%s')", entry->access & BPF_DEVCG_ACC_READ ? "r" : "",
		    entry->access & BPF_DEVCG_ACC_WRITE ? "w" : "",
		    entry->access & BPF_DEVCG_ACC_MKNOD ? "m" : "");
}

void systemd_properties_add_devices(struct systemd_properties *properties,
				    const struct device_policy *policy, bool v2, bool update)
{
	bool all = device_policy_allows_all(policy);
	auto_text struct text list = {0};

	systemd_properties_add(properties, "DevicePolicy", 0, "'%s'", all ? "auto" : "strict");
	if (update)
		systemd_properties_add(properties, "DeviceAllow", 0, "@a(ss) []");
	for (size_t i = 0; i < policy->count && !all; i++) {
		const struct device_entry *entry = &policy->entries[i];
		bool unsayable = entry->major == DEVICE_ANY && entry->minor != DEVICE_ANY;

		if (entry->access && (v2 || !unsayable))
			add_device(&list, entry, unsayable ? DEVICE_ANY : entry->major);
	}
	if (list.length == 0 && !list.failed)
		return;
	text_append(&list, "]");
	if (list.failed)
		properties->failed = true;
	else
		systemd_properties_add(properties, "DeviceAllow", 0, "%s", list.data);
}

/*
 * The unit.
 */

void systemd_properties_add_unit(struct systemd_properties *properties,
				 const struct cgroup_location *location, const char *id)
{
	static const char *const accounting[] = {"CPUAccounting", "MemoryAccounting",
						 "TasksAccounting"};
	auto_free char *description = NULL;

	if (asprintf(&description, "knarr container %s", id) < 0) {
		properties->failed = true;
		return;
	}
	add_string(properties, "Description", description, false);
	if (cgroup_location_is_slice(location)) {
		/* Its place is in its name, and systemd makes it so. */
		add_string(properties, "Wants", location->slice, true);
	} else {
		add_string(properties, "Slice", location->slice, false);
		systemd_properties_add(properties, "Delegate", 0, "true");
		/* Gone when it has ended, however it ended. */
		systemd_properties_add(properties, "CollectMode", 236, "'inactive-or-failed'");
	}
	/* No ordering against the rest of the machine: a container may be part of its boot. */
	systemd_properties_add(properties, "DefaultDependencies", 0, "false");
	for (size_t i = 0; i < array_size(accounting); i++)
		systemd_properties_add(properties, accounting[i], 0, "true");
	systemd_properties_add(properties,
			       location->mode == CGROUP_MODE_UNIFIED ? "IOAccounting"
								     : "BlockIOAccounting",
			       0, "true");
}

/*
 * Annotations.
 */

/* A number of seconds as microseconds, for a property that ends in "Sec". */
struct annotation_time {
	double seconds;
	bool number;
};

static int time_container(void *data, char kind, const char *contents)
{
	return 0; /* and so no number alone */
}

static int time_close(void *data)
{
	return 0;
}

static int time_basic(void *data, char type, const union systemd_basic *value)
{
	struct annotation_time *time = data;

	time->number = true;
	if (strchr("yqut", type))
		time->seconds = (double)value->natural;
	else if (strchr("nixh", type))
		time->seconds = (double)value->integer;
	else if (type == 'd')
		time->seconds = value->real;
	else
		time->number = false;
	return 0;
}

static int annotation_add_time(struct systemd_properties *properties, const char *name,
			       const char *value, const char *signature, struct error *err)
{
	struct annotation_time time = {0};
	struct systemd_sink sink = {time_container, time_close, time_basic, &time};
	char microseconds[128];
	int r = systemd_value_emit(value, signature, &sink, err);

	if (r < 0)
		return r;
	/* Also of what is no number at all (nan). */
	if (!time.number || strlen(signature) != 1 ||
	    !(time.seconds >= 0 && time.seconds < (double)(UINT64_MAX / 1000000)))
		return error_set(err, EINVAL, "\"%s\" is no number of seconds", value);
	(void)snprintf(microseconds, sizeof(microseconds), "%.*sUSec", (int)(strlen(name) - 3),
		       name);
	systemd_properties_add(properties, microseconds, 0, "uint64 %" PRIu64,
			       (uint64_t)(time.seconds * 1e6 + 0.5));
	return 0;
}

static int annotation_check_name(const char *name, struct error *err)
{
	/* What the unit is made of: the place that everything else goes by. */
	static const char *const ours[] = {"PIDs", "PIDFDs", "Slice", "Delegate", "ControlGroup"};
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	size_t length = strlen(name);

	if (length < 3 || length > 64 || strspn(name, letters) != length)
		return error_set(err, EINVAL, "\"%s\" is not the name of a property of systemd",
				 name);
	for (size_t i = 0; i < array_size(ours); i++)
		if (strcmp(name, ours[i]) == 0)
			return error_set(err, EINVAL, "%s is set by the runtime", name);
	return 0;
}

static int annotation_add(struct systemd_properties *properties, const char *name,
			  const char *value, struct error *err)
{
	size_t length = strlen(name);
	char signature[SYSTEMD_SIGNATURE_SIZE];
	int r = annotation_check_name(name, err);

	if (r < 0)
		return r;
	r = systemd_value_type(value, signature, err);
	if (r < 0)
		return error_hint(err, "it is text in the form of GVariant: true, 'text', 15, "
				       "uint64 15, ['a', 'b']");
	if (length > 3 && strcmp(name + length - 3, "Sec") == 0 && name[length - 4] >= 'a' &&
	    name[length - 4] <= 'z')
		return annotation_add_time(properties, name, value, signature, err);
	systemd_properties_add(properties, name, 0, "%s", value);
	return 0;
}

int systemd_properties_add_annotations(struct systemd_properties *properties,
				       const struct oci_string_map *annotations, struct error *err)
{
	for (size_t i = 0; i < annotations->count; i++) {
		const char *key = annotations->items[i].key;

		if (!text_starts_with(key, ANNOTATION_PREFIX))
			continue;
		if (annotation_add(properties, key + strlen(ANNOTATION_PREFIX),
				   annotations->items[i].value, err) < 0)
			return error_at(err, "annotations[\"%s\"]", key);
	}
	return 0;
}
