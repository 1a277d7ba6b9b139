/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/network.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/fd.h"

#ifndef SIOCGSKNS
#define SIOCGSKNS 0x894C /* <linux/sockios.h>, which does not go with <net/if.h> everywhere */
#endif

int network_open(int *ret_socket, struct error *err)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	/* Any family will do for these ioctls, and a kernel may lack IPv4. */
	if (fd < 0)
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_errno(err, errno, "open a socket for the loopback interface");
	*ret_socket = fd;
	return 0;
}

int network_loopback_up(int socket, struct error *err)
{
	struct ifreq request = {.ifr_name = "lo"};

	if (ioctl(socket, SIOCGIFFLAGS, &request) < 0)
		return error_errno(err, errno, "read the flags of the loopback interface");
	if (request.ifr_flags & IFF_UP)
		return 0;
	request.ifr_flags |= IFF_UP;
	if (ioctl(socket, SIOCSIFFLAGS, &request) < 0)
		return error_errno(err, errno, "bring the loopback interface up");
	return 0;
}

int network_home(int *ret_namespace)
{
	auto_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	auto_close int namespace = fd < 0 ? -EBADF : ioctl(fd, SIOCGSKNS);

	if (namespace < 0)
		return -errno;
	/* To where it is: asks for the rights that coming back needs. */
	if (setns(namespace, CLONE_NEWNET) < 0)
		return -errno;
	*ret_namespace = fd_take(&namespace);
	return 0;
}

int network_make(int home, int *ret_namespace, int *ret_socket, struct error *err)
{
	auto_close int fd = -EBADF, namespace = -EBADF;
	int r;

	if (unshare(CLONE_NEWNET) < 0) {
		error_errno(err, errno, "make the network namespace");
		if (err->number == ENOSPC)
			error_hint(err, "a limit of /proc/sys/user/max_*_namespaces is reached");
		return -err->number;
	}
	r = network_open(&fd, err);
	if (r == 0) {
		namespace = ioctl(fd, SIOCGSKNS);
		if (namespace < 0)
			r = error_errno(err, errno, "open the new network namespace");
	}
	if (setns(home, CLONE_NEWNET) < 0)
		return error_errno(err, errno, "return to the network namespace of the runtime");
	if (r < 0)
		return r;
	*ret_namespace = fd_take(&namespace);
	*ret_socket = fd_take(&fd);
	return 0;
}

int network_enter(int namespace, struct error *err)
{
	return setns(namespace, CLONE_NEWNET) < 0
		       ? error_errno(err, errno, "enter the network namespace")
		       : 0;
}
