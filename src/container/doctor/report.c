/* SPDX-License-Identifier: Apache-2.0 */
#include "container/doctor/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A finding that nobody sees, when there is no room: a property of the code, as the tests show. */
struct doctor_finding *doctor_add(struct doctor_report *report, const char *topic,
				  enum doctor_grade grade)
{
	struct doctor_finding *finding = &report->findings[DOCTOR_FINDINGS_MAX - 1];

	if (report->count < DOCTOR_FINDINGS_MAX)
		finding = &report->findings[report->count++];
	*finding = (struct doctor_finding){.topic = topic, .grade = grade};
	return finding;
}

void doctor_write(char *out, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(out, size, format, args);
	va_end(args);
}

void doctor_append(char *out, size_t size, const char *word)
{
	size_t length = strlen(out);

	(void)snprintf(out + length, size - length, "%s%s", length ? " " : "", word);
}

void doctor_mend_package(struct doctor_finding *finding, enum doctor_family family,
			 enum doctor_package package)
{
	static const char *const commands[DOCTOR_FAMILY_COUNT] = {
		[DOCTOR_FAMILY_DEBIAN] = "apt-get install", [DOCTOR_FAMILY_FEDORA] = "dnf install",
		[DOCTOR_FAMILY_SUSE] = "zypper install",    [DOCTOR_FAMILY_ARCH] = "pacman -S",
		[DOCTOR_FAMILY_ALPINE] = "apk add",
	};
	static const char *const uidmap[DOCTOR_FAMILY_COUNT] = {
		[DOCTOR_FAMILY_DEBIAN] = "uidmap",	  [DOCTOR_FAMILY_FEDORA] = "shadow-utils",
		[DOCTOR_FAMILY_SUSE] = "shadow",	  [DOCTOR_FAMILY_ARCH] = "shadow",
		[DOCTOR_FAMILY_ALPINE] = "shadow-uidmap",
	};

	static const char *const programs[] = {
		[DOCTOR_PACKAGE_UIDMAP] = "newuidmap(1)",
		[DOCTOR_PACKAGE_CRIU] = "criu(8)",
		[DOCTOR_PACKAGE_IPTABLES] = "iptables-restore(8)",
	};
	const char *name = "criu";

	if (!commands[family]) {
		doctor_mend(finding, "install the package that has %s", programs[package]);
		return;
	}
	if (package == DOCTOR_PACKAGE_UIDMAP)
		name = uidmap[family];
	else if (package == DOCTOR_PACKAGE_IPTABLES)
		name = "iptables";
	doctor_mend(finding, "%s %s", commands[family], name);
}
