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

/*
 * The most costly namespace: the kernel needs 0.5 ms for it, of the 0.6 for all that a container
 * has. So the runtime makes it while init already works, and init enters it when it has to.
 *
 * network_home() opens the caller's own, if the caller may leave it and come back; an owned
 * descriptor, or a negative errno (-EPERM without CAP_NET_ADMIN and CAP_SYS_ADMIN over it).
 * network_make() makes a new one and opens it, with a socket of it; both become the caller's. The
 * caller, which must have one thread, is at `home` again when it returns 0.
 */
int network_home(int *ret_namespace);
int network_make(int home, int *ret_namespace, int *ret_socket, struct error *err);

/* In init. */
int network_enter(int namespace, struct error *err);

#endif
