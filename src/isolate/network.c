/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/network.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

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
