/* SPDX-License-Identifier: Apache-2.0 */
/* A build without libsystemd. */
#include <errno.h>

#include "cgroup/systemd/systemd.h"

bool cgroup_systemd_is_available(void)
{
	return false;
}

int systemd_image_open(int *ret_image, struct error *err)
{
	error_set(err, ENOTSUP, "this knarr was built without the systemd cgroup manager");
	return error_hint(err, "use --cgroup-manager=cgroupfs, or build it with libsystemd");
}
