/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files that make findings of facts: how one is made, and the topics. */
#ifndef CONTAINER_DOCTOR_REPORT_H
#define CONTAINER_DOCTOR_REPORT_H

#include "container/doctor/doctor.h"

/* A new finding without words. */
struct doctor_finding *doctor_add(struct doctor_report *report, const char *topic,
				  enum doctor_grade grade);

/* Its words; what does not fit is cut. */
void doctor_write(char *out, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
#define doctor_text(finding, ...) \
	doctor_write((finding)->text, sizeof((finding)->text), __VA_ARGS__)
#define doctor_means(finding, ...) \
	doctor_write((finding)->means, sizeof((finding)->means), __VA_ARGS__)
#define doctor_mend(finding, ...) \
	doctor_write((finding)->mend, sizeof((finding)->mend), __VA_ARGS__)

/* One word more in a list that is separated by blanks. */
void doctor_append(char *out, size_t size, const char *word);

/* The command that installs a package. */
enum doctor_package {
	DOCTOR_PACKAGE_UIDMAP,
	DOCTOR_PACKAGE_CRIU,
	DOCTOR_PACKAGE_IPTABLES,
};
void doctor_mend_package(struct doctor_finding *finding, enum doctor_family family,
			 enum doctor_package package);

/* The topics of doctor/plan-host.c; those of doctor/plan.c are its own. */
void doctor_plan_cgroups(const struct doctor_facts *facts, struct doctor_report *report);
void doctor_plan_devices(const struct doctor_facts *facts, struct doctor_report *report);
void doctor_plan_idmap(const struct doctor_facts *facts, struct doctor_report *report);
void doctor_plan_seccomp(const struct doctor_facts *facts, struct doctor_report *report);
void doctor_plan_lsm(const struct doctor_facts *facts, struct doctor_report *report);
void doctor_plan_systemd(const struct doctor_facts *facts, struct doctor_report *report);
void doctor_plan_checkpoint(const struct doctor_facts *facts, struct doctor_report *report);

#endif
