/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the runtime and the program knarr-net: how it is called and what is said.
 *
 *	knarr-net NAME INSIDE [NAME INSIDE]...
 *
 * It is called with no environment, /dev/null as stdio, and all signals blocked, so that ^C at a
 * terminal does not leave interfaces behind. One NET_DEVICES_MOVED, without an error when all have
 * been moved, is answered by NET_DEVICES_KEEP; the end of the channel means that they go back. Then
 * comes NET_DEVICES_RETURNED, with the error if something could not be restored.
 */
#ifndef ISOLATE_NET_DEVICES_PROGRAM_H
#define ISOLATE_NET_DEVICES_PROGRAM_H

/* Its descriptors. */
#define NET_DEVICES_FD_CHANNEL	 3
#define NET_DEVICES_FD_NAMESPACE 4

enum net_devices_word {
	NET_DEVICES_MOVED = 1,
	NET_DEVICES_KEEP,
	NET_DEVICES_RETURN,
	NET_DEVICES_RETURNED,
};

#endif
