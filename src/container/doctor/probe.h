/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the probe that tries system calls, in processes of its own where they would change
 * the caller. Fills in facts; nothing fails. */
#ifndef CONTAINER_DOCTOR_PROBE_H
#define CONTAINER_DOCTOR_PROBE_H

#include "container/doctor/doctor.h"

/* .calls */
void doctor_probe_calls(struct doctor_facts *facts);

/* .userns_make, .userns_use, .userns_proc; as nobody when the caller is root. */
void doctor_probe_user_namespaces(struct doctor_facts *facts);

/* .idmap_root, .idmap_run, .device_program, .chrooted where that is a mount; root only. */
void doctor_probe_privileged(struct doctor_facts *facts);

#endif
