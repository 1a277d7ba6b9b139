/* SPDX-License-Identifier: Apache-2.0 */
/* The network namespace's inside. */
#ifndef ISOLATE_NETWORK_H
#define ISOLATE_NETWORK_H

#include "base/error.h"

/* Brings the loopback interface of the caller's network namespace up (netdevice(7)). */
int network_loopback_up(struct error *err);

#endif
