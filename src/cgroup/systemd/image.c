/* SPDX-License-Identifier: Apache-2.0 */
/* The program knarr-systemd, as the linker put it there (systemd/image.S). */
#include "cgroup/systemd/systemd.h"
#include "kernel/program.h"

extern const unsigned char systemd_image[], systemd_image_end[];

bool cgroup_systemd_is_available(void)
{
	return true;
}

int systemd_image_open(int *ret_image, struct error *err)
{
	/* cppcheck-suppress comparePointers ; two ends of one thing, which only the linker knows */
	size_t size = (size_t)(systemd_image_end - systemd_image);

	return program_image_open("knarr-systemd", systemd_image, size, ret_image, err);
}
