/* SPDX-License-Identifier: Apache-2.0 */
#include "container/apart.h"

#include <errno.h>
#include <sched.h>

#include "base/fd.h"
#include "container/sync.h"
#include "isolate/network.h"
#include "kernel/channel.h"

int apart_plan(struct plan *plan)
{
	int home;

	plan->namespaces.apart = 0;
	if (!(plan->namespaces.fresh & CLONE_NEWNET) || (plan->namespaces.private & CLONE_NEWUSER))
		return -EBADF;
	if (network_home(&home) < 0)
		return -EBADF;
	plan->namespaces.apart = CLONE_NEWNET;
	return home;
}

int apart_make(struct birth *birth, int home, struct error *err)
{
	const struct oci_hooks *hooks = birth->plan->config->hooks;
	/* Init's own hooks follow on its heels; for all others we have the time. */
	bool loopback_first = hooks && hooks->create_container.count > 0;
	struct channel_message message = {.word = SYNC_NETWORK};
	auto_close int namespace = -EBADF, socket = -EBADF;
	int r;

	r = network_make(home, &namespace, &socket, err);
	if (r == 0 && loopback_first)
		r = network_loopback_up(socket, err);
	if (r < 0)
		return error_wrap(err, "network");
	r = channel_send(birth->channel, &message, namespace);
	/* It has failed, and says why. Should it live all the same, it is not to wait for us. */
	if (r == -EPIPE) {
		channel_end(birth->channel);
		return 0;
	}
	if (r < 0)
		return error_errno(err, -r, "speak to the container's process");
	if (!loopback_first && network_loopback_up(socket, err) < 0)
		return error_wrap(err, "network");
	return 0;
}
