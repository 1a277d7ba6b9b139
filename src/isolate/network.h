/* SPDX-License-Identifier: Apache-2.0 */
/* The network namespace's inside. */
#ifndef ISOLATE_NETWORK_H
#define ISOLATE_NETWORK_H

#include "base/error.h"

/* A socket of the caller's network namespace; the caller owns it. */
int network_open(int *ret_socket, struct error *err);

/* Brings the loopback interface of the socket's network namespace up (netdevice(7)), which takes
 * the kernel 0.1 ms. Needs CAP_NET_ADMIN over that namespace, but not to be in it. */
int network_loopback_up(int socket, struct error *err);

#endif
