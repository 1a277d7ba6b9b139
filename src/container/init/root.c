/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of init that make what is around a program: its cgroup, namespaces, root, names. */
#include "container/init/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "isolate/network.h"
#include "isolate/sysctl.h"
#include "kernel/channel.h"
#include "kernel/process.h"
#include "kernel/syscalls.h"

int init_cgroup(struct init *init, struct error *err)
{
	return cgroup_enter_self(init->cgroup, err);
}

int init_namespaces(struct init *init, struct error *err)
{
	return namespaces_finish(&init->plan->namespaces, init->namespaces, init->procfs, err);
}

int init_network(struct init *init, struct error *err)
{
	const struct oci_hooks *hooks = init->plan->config->hooks;
	auto_close int socket = -EBADF;
	int r;

	if (!(init->plan->namespaces.fresh & ~init->plan->namespaces.apart & CLONE_NEWNET))
		return 0;
	r = network_open(&socket, err);
	if (r < 0)
		return r;
	/* The runtime has the time, and with the same user namespace the right; but who knows when.
	 */
	if (!plan_has(init->plan, CLONE_NEWUSER) && !(hooks && hooks->create_container.count > 0))
		return init_send(init, SYNC_LOOPBACK, socket, err);
	return network_loopback_up(socket, err);
}

int init_enter_network(struct init *init, struct error *err)
{
	struct channel_message message;
	auto_close int namespace = -EBADF;
	int r;

	if (init->networked || !(init->plan->namespaces.apart & CLONE_NEWNET))
		return 0;
	r = channel_recv(init->channel, -1, PROCESS_NO_DEADLINE, &message, &namespace);
	if (r < 0)
		return error_errno(err, -r, "wait for the network namespace");
	if (message.word != SYNC_NETWORK)
		return error_set(err, EPROTO, "the runtime said %u instead of %u", message.word,
				 SYNC_NETWORK);
	r = network_enter(namespace, err);
	init->networked = r == 0;
	return r;
}

static int init_mounts_network(void *data, struct error *err)
{
	int r = init_enter_network(data, err);

	return r < 0 ? error_wrap(err, "network") : 0;
}

int init_rootfs(struct init *init, struct error *err)
{
	return rootfs_attach(&init->plan->rootfs, &init->sources, init->host_root, &init->root,
			     err);
}

int init_mounts(struct init *init, struct error *err)
{
	const struct plan *plan = init->plan;
	struct mounts_context context = {
		.root = init->root,
		.sources = init->sources,
		.cgroup_namespace = plan_has(plan, CLONE_NEWCGROUP),
		.cgroup_unified = plan->cgroup_host.mode == CGROUP_MODE_UNIFIED,
		.hierarchies = plan->hierarchies,
		.hierarchy_count = plan->hierarchies ? plan->cgroup_host.count : 0,
		.network = init_mounts_network,
		.network_data = init,
	};

	if (context.cgroup_unified && plan->cgroup_host.count > 0)
		context.cgroup_whole = plan->cgroup_host.hierarchies[0].mount_point;
	if (context.cgroup_unified && init->cgroup)
		context.cgroup_path = cgroup_directory(init->cgroup, 0);
	return mounts_apply(&plan->mounts, &context, err);
}

int init_devices(struct init *init, struct error *err)
{
	const struct oci_linux *linux_config = init->plan->config->linux;
	int r = devices_apply(&init->plan->devices, init->root, &init->sources, err);

	/* The host's own /dev/null for the masks, taken while the host is still in reach. */
	if (r == 0 && linux_config && linux_config->masked_paths.count > 0) {
		struct sources_request request = {.path = "/dev/null", .device = makedev(1, 3)};

		r = sources_clone(&init->sources, &request, &init->null, err);
	}
	return r;
}

int init_enter_rootfs(struct init *init, struct error *err)
{
	/* The last programs of the host have run. */
	init_forget_environment();
	rootfs_drop_too(&init->plan->rootfs, init->plan->options->idle_close);
	return rootfs_enter(&init->plan->rootfs, init->root, err);
}

int init_names(struct init *init, struct error *err)
{
	const struct oci_config *config = init->plan->config;

	if (config->hostname && sethostname(config->hostname, strlen(config->hostname)) < 0) {
		error_errno(err, errno, "set the hostname to %s", config->hostname);
		return error_at(err, "hostname");
	}
	if (config->domainname &&
	    setdomainname(config->domainname, strlen(config->domainname)) < 0) {
		error_errno(err, errno, "set the domain name to %s", config->domainname);
		return error_at(err, "domainname");
	}
	return 0;
}

int init_sysctl(struct init *init, struct error *err)
{
	const struct oci_linux *linux_config = init->plan->config->linux;

	if (!linux_config || linux_config->sysctl.count == 0)
		return 0;
	return sysctl_apply(&linux_config->sysctl, init->procfs, err);
}

int init_protect(struct init *init, struct error *err)
{
	int r = 0;

	/* While it can still be made. */
	if (init->plan->rootfs.readonly)
		r = identity_make_cwd(init->root, init->plan->process->cwd, err);
	if (r < 0)
		return r;
	r = rootfs_protect_paths(&init->plan->rootfs, init->root, init->null, err);

	if (r == 0)
		r = mounts_make_readonly(&init->plan->mounts, init->root, err);
	return r < 0 ? r : rootfs_make_readonly(&init->plan->rootfs, init->root, err);
}
